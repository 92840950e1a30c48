package fru

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func readImage(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The images in testdata were made by another program, for ipmi_sim.
func TestParse(t *testing.T) {
	m, err := Parse(readImage(t, "fru0.bin"))
	if err != nil {
		t.Fatal(err)
	}
	made, ok := m.Board.Made()
	for _, c := range []struct{ got, want any }{
		{m.Chassis.Type.String(), "Rack Mount Chassis"},
		{m.Chassis.PartNumber.String(), "CHS-2U-12"},
		{m.Chassis.SerialNumber.String(), "C020500"},
		{m.Board.Language, English},
		{made, time.Date(2024, 5, 14, 8, 30, 0, 0, time.UTC)},
		{ok, true},
		{m.Board.Manufacturer.String(), "Testbed Works"},
		{m.Board.ProductName.String(), "TB-MB2 Mainboard"},
		{m.Board.SerialNumber.String(), "MB00020500"},
		{m.Board.PartNumber.String(), "TBMB2-01"},
		{m.Board.FileID.String(), "fru-1.0"},
		{m.Product.Name.String(), "TB-2212 Server"},
		{m.Product.Version.String(), "v2"},
		{m.Product.SerialNumber.String(), "S00020500"},
		{m.Product.AssetTag.String(), "ASSET-20500"},
		{len(m.Product.Custom), 0},
		{m.Internal == nil && m.Records == nil, true},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
}

func TestUnchangedImageKeepsItsBytes(t *testing.T) {
	for _, name := range []string{"fru0.bin", "fru1.bin", "fru3.bin"} {
		b := readImage(t, name)
		b[len(b)-1] = 0x5a // what lies outside the areas is nobody's business
		m, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		out, err := m.Bytes(len(b))
		if err != nil || !bytes.Equal(out, b) {
			t.Errorf("%s: changed (%v)", name, err)
		}
	}
}

func TestBadChecksumLeavesTheRestReadable(t *testing.T) {
	b := readImage(t, "fru0.bin")
	b[int(b[BoardArea])*8+10] ^= 0x20
	m, err := Parse(b)
	var where *Error
	if !errors.Is(err, ErrChecksum) || !errors.As(err, &where) || where.Area != BoardArea {
		t.Errorf("error %v", err)
	}
	if !m.Board.BadChecksum || m.Chassis.BadChecksum || m.Product.BadChecksum {
		t.Error("wrong area marked")
	}
	if got := m.Product.Name.String(); got != "TB-2212 Server" {
		t.Errorf("product name %q", got)
	}
	// Who edits another area does not hide the fault.
	if err := m.Product.AssetTag.Set("new tag that is longer than the old one was"); err != nil {
		t.Fatal(err)
	}
	out, err := m.Bytes(len(b))
	if err != nil {
		t.Fatal(err)
	}
	if m, err = Parse(out); !errors.Is(err, ErrChecksum) || m.Product.BadChecksum {
		t.Errorf("after the edit: %v", err)
	}
}

// The version of fru3.bin is a single letter in 8-bit text, which must not be.
func TestFieldThatLooksLikeTheEnd(t *testing.T) {
	b := readImage(t, "fru3.bin")
	m, err := Parse(b)
	if err != nil || m.Product.Version.String() != "A" ||
		m.Product.SerialNumber.String() != "R020500" {
		t.Fatalf("%v: %+v", err, m.Product)
	}
	if err := m.Product.SerialNumber.Set("R1"); err != nil {
		t.Fatal(err)
	}
	out, err := m.Bytes(len(b))
	if err != nil {
		t.Fatal(err)
	}
	if m, err = Parse(out); err != nil || m.Product.Version.String() != "A" ||
		m.Product.SerialNumber.String() != "R1" {
		t.Errorf("%v: %+v", err, m.Product)
	}
}

func TestEditMovesWhatFollows(t *testing.T) {
	b := readImage(t, "fru0.bin")
	m, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	f, err := m.Field(ChassisArea, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Set("a serial number of forty characters or so"); err != nil {
		t.Fatal(err)
	}
	out, err := m.Bytes(len(b))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(out)
	if err != nil {
		t.Fatal(err)
	}
	if got.Chassis.SerialNumber.String() != "a serial number of forty characters or so" ||
		!reflect.DeepEqual(got.Board, m.Board) || !reflect.DeepEqual(got.Product, m.Product) {
		t.Errorf("%+v", got)
	}
	if _, err := m.Bytes(128); !errors.Is(err, ErrTooBig) {
		t.Errorf("128 bytes: %v", err)
	}
	if _, err := m.Field(ProductArea, 7); !errors.Is(err, ErrNoField) {
		t.Errorf("field 7: %v", err)
	}
}

func TestTruncated(t *testing.T) {
	b := readImage(t, "fru0.bin")
	whole, _ := Parse(b)
	for n := 0; n < 400; n++ {
		m, err := Parse(b[:n])
		if err == nil && !reflect.DeepEqual(m.Product, whole.Product) {
			t.Fatalf("%d bytes: no error", n)
		}
		if err != nil && !errors.Is(err, ErrTruncated) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	// Up to the middle of the product area the areas before it are there.
	at := int(b[ProductArea])*8 + 30
	m, err := Parse(b[:at])
	if !errors.Is(err, ErrTruncated) || m.Board.FileID.String() != "fru-1.0" ||
		m.Product.Manufacturer.String() != "Testbed Works" {
		t.Errorf("%v: %+v", err, m)
	}
}

func TestBlank(t *testing.T) {
	for _, fill := range []byte{0, 0xff} {
		if _, err := Parse(bytes.Repeat([]byte{fill}, 256)); !errors.Is(err, ErrBlank) {
			t.Errorf("%#x: %v", fill, err)
		}
	}
	if _, err := Parse([]byte{2, 0, 0, 0, 0, 0, 0, 0xfe}); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
}

func TestEncodings(t *testing.T) {
	for _, c := range []struct {
		e    Encoding
		s    string
		data []byte
	}{
		{SixBit, "IPMI", []byte{0x29, 0xdc, 0xa6}}, // the example of §13.3
		{SixBit, "A", []byte{0x21}},
		{SixBit, "ABC", []byte{0xa1, 0x38, 0x02}},
		{BCDPlus, "12-3.4", []byte{0x12, 0xb3, 0xc4}},
		{Binary, "00ff7e", []byte{0, 0xff, 0x7e}},
		{Latin1, "Zürich", []byte("Z\xfcrich")},
		{Unicode, "日本", []byte{0xe5, 0x65, 0x2c, 0x67}},
	} {
		f, err := NewField(c.e, c.s)
		if err != nil || !bytes.Equal(f.Data, c.data) || f.String() != c.s {
			t.Errorf("%q: %x %q %v", c.s, f.Data, f.String(), err)
		}
	}
	for _, c := range []struct {
		e Encoding
		s string
	}{{SixBit, "ab"}, {BCDPlus, "1a"}, {BCDPlus, "1:"}, {Binary, "xy"}, {Latin1, "日"},
		{Latin1, string(make([]byte, 64))}, {9, ""}} {
		if _, err := NewField(c.e, c.s); err == nil {
			t.Errorf("%q in encoding %d: no error", c.s, c.e)
		}
	}
}

func TestLanguageDecidesTheEncoding(t *testing.T) {
	ja := Language(53)
	name, _ := NewField(Unicode, "日本電気")
	serial, _ := NewField(Latin1, "SN-1")
	m := &Image{Product: &Product{Language: ja, Name: name, SerialNumber: serial}}
	b, err := m.Bytes(0)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(b)
	if err != nil || got.Product.Name.String() != "日本電気" ||
		got.Product.SerialNumber.String() != "SN-1" || ja.String() != "ja" {
		t.Errorf("%v %+v", err, got.Product)
	}
}

func TestMade(t *testing.T) {
	var b Board
	for _, bad := range []time.Time{epoch, epoch.Add(-time.Hour),
		time.Date(2027, 11, 24, 20, 16, 0, 0, time.UTC)} {
		if err := b.SetMade(bad); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
	last := time.Date(2027, 11, 24, 20, 15, 0, 0, time.UTC)
	if err := b.SetMade(last); err != nil || b.Minutes != 1<<24-1 {
		t.Errorf("%v %d", err, b.Minutes)
	}
	if got, ok := b.Made(); !ok || !got.Equal(last) {
		t.Error(got)
	}
}

func TestRecords(t *testing.T) {
	ps := PowerSupply{Capacity: 800, PeakVA: 900, LowInput1: 9000, HighInput1: 26400,
		LowFrequency: 47, HighFrequency: 63,
		HotSwap: true, PredictiveFailure: true, HoldUp: 12, PeakCapacity: 850, Combined1: 2,
		Combined2: 3, CombinedWattage: 120, FailThreshold: 7}
	values := []struct {
		t RecordType
		v interface {
			AppendBinary([]byte) ([]byte, error)
		}
	}{
		{RecordPowerSupply, ps},
		{RecordDCOutput, DCOutput{Number: 1, Nominal: -1200, MaxNegative: -1260, MaxPositive: -1140, Ripple: 50, MostCurrent: 1000}},
		{RecordDCLoad, DCLoad{Number: 2, Nominal: 330, LeastVoltage: 313, MostVoltage: 346, MostCurrent: 20000}},
		{RecordExtendedDCOutput, ExtendedDCOutput{DCOutput{Coarse: true, Number: 1, Nominal: 1200, MostCurrent: 1330}}},
		{RecordExtendedDCLoad, ExtendedDCLoad{DCLoad{Number: 1, Nominal: 1200, MostCurrent: 9000}}},
		{RecordManagementAccess, ManagementAccess{ManagementSystemURL, []byte("https://bmc.example.com")}},
		{RecordBaseCompatibility, Compatibility{Manufacturer: 343, Entity: 10, Base: 1, CodeStart: 10, Mask: []byte{0x3f, 0x18}}},
		{RecordOEM, OEM{Manufacturer: 0x315a, Data: []byte{1, 2, 3}}},
	}
	m := &Image{}
	for _, v := range values {
		r, err := NewRecord(v.t, v.v)
		if err != nil {
			t.Fatal(err)
		}
		m.Records = append(m.Records, r)
	}
	b, err := m.Bytes(512)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(b)
	if err != nil || len(got.Records) != len(values) {
		t.Fatalf("%d records, %v", len(got.Records), err)
	}
	for i, v := range values {
		if x, err := got.Records[i].Value(); err != nil || !reflect.DeepEqual(x, v.v) {
			t.Errorf("%v: %+v, %v", v.t, x, err)
		}
	}
	if u := (ExtendedDCOutput{DCOutput{Coarse: true}}).CurrentUnit(); u != 100 {
		t.Error(u)
	}
	// The example of §18.6.1.
	if c := (Compatibility{CodeStart: 10, Mask: []byte{0x3f, 0x18}}).Codes(); !reflect.DeepEqual(c,
		[]int{10, 11, 12, 13, 14, 15, 16, 22, 23}) {
		t.Error(c)
	}
	// A record with a bad checksum is kept; a header with one ends the list, and an edit elsewhere
	// keeps the bytes.
	b[8+5] ^= 1
	if got, err = Parse(b); len(got.Records) != len(values) || !got.Records[0].BadChecksum ||
		!errors.Is(err, ErrChecksum) {
		t.Errorf("%d records, %v", len(got.Records), err)
	}
	b[8+5+24] ^= 1
	if got, err = Parse(b); len(got.Records) != 1 || !errors.Is(err, ErrChecksum) {
		t.Errorf("%d records, %v", len(got.Records), err)
	}
	serial, _ := Text("S1")
	got.Product = &Product{SerialNumber: serial}
	out, err := got.Bytes(1024)
	if err != nil || !bytes.Equal(out[8:512], b[8:]) {
		t.Errorf("multirecord area changed (%v)", err)
	}
}

func TestInternalAreaMovesOrShrinks(t *testing.T) {
	serial, _ := Text("S1")
	m := &Image{Chassis: &Chassis{SerialNumber: serial}}
	b, _ := m.Bytes(128)
	b[InternalArea] = 3 // from byte 24 to the end
	b[7] -= 3
	b[24], b[30] = 1, 0x77
	m, err := Parse(b)
	if err != nil || len(m.Internal) != 104 || m.Internal[6] != 0x77 {
		t.Fatalf("%v %x", err, m.Internal)
	}
	if err := m.Chassis.SerialNumber.Set("a much longer serial number"); err != nil {
		t.Fatal(err)
	}
	b, err = m.Bytes(128)
	if err != nil {
		t.Fatal(err)
	}
	if m, err = Parse(b); err != nil || m.Internal[6] != 0x77 ||
		m.Chassis.SerialNumber.String() != "a much longer serial number" {
		t.Errorf("%v %x", err, m.Internal)
	}
}

func drawField(t *rapid.T, label string) Field {
	e := rapid.SampledFrom([]Encoding{Binary, BCDPlus, SixBit, Latin1}).Draw(t, label+" encoding")
	least := 0
	if e == Latin1 {
		least = 2
	}
	data := rapid.SliceOfN(rapid.Byte(), least, MaxField).Draw(t, label)
	if len(data) == 0 {
		data = nil
	}
	return Field{Encoding: e, Data: data}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &Image{}
		if rapid.Bool().Draw(t, "chassis") {
			m.Chassis = &Chassis{Type: 23, PartNumber: drawField(t, "part"),
				SerialNumber: drawField(t, "serial")}
		}
		if rapid.Bool().Draw(t, "board") {
			m.Board = &Board{Language: English,
				Minutes:     rapid.Uint32Max(maxMinutes).Draw(t, "made"),
				ProductName: drawField(t, "name"), FileID: drawField(t, "id"),
				Custom: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Field {
					return drawField(t, "custom")
				}), 1, 4).Draw(t, "customs")}
		}
		if rapid.Bool().Draw(t, "product") {
			m.Product = &Product{AssetTag: drawField(t, "asset"),
				SerialNumber: drawField(t, "serial")}
		}
		for i := rapid.IntRange(0, 3).Draw(t, "records"); i > 0; i-- {
			m.Records = append(m.Records,
				Record{Type: RecordType(rapid.Byte().Draw(t, "type")), Version: 2,
					Data: rapid.SliceOfN(rapid.Byte(), 1, 255).Draw(t, "data")})
		}
		b, err := m.Bytes(0)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Chassis, m.Chassis) || !reflect.DeepEqual(got.Board, m.Board) ||
			!reflect.DeepEqual(got.Product, m.Product) ||
			!reflect.DeepEqual(got.Records, m.Records) {
			t.Fatalf("got %+v, want %+v", got, m)
		}
		again, err := got.Bytes(len(b))
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("not the same bytes again (%v)", err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"fru0.bin", "fru1.bin", "fru3.bin"} {
		f.Add(readImage(f, name))
	}
	rec, _ := NewRecord(RecordPowerSupply, PowerSupply{Capacity: 500})
	b, _ := (&Image{Records: []Record{rec, {Type: RecordOEM, Version: 2, Data: []byte{1, 2, 3}}},
		Internal: []byte{1, 2}}).Bytes(128)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		for _, r := range m.Records {
			if _, err := r.Value(); err != nil {
				continue
			}
		}
		for a := ChassisArea; a <= ProductArea; a++ {
			for i := 0; ; i++ {
				fd, err := m.Field(a, i)
				if err != nil {
					break
				}
				_ = fd.String()
			}
		}
		out, werr := m.Bytes(0)
		if err == nil && len(b) <= maxImage && werr == nil {
			again, err := Parse(out)
			if err != nil && !errors.Is(err, ErrTruncated) {
				t.Fatalf("what was written cannot be read: %v", err)
			}
			if !reflect.DeepEqual(again.Product, m.Product) {
				t.Fatalf("product: %+v, want %+v", again.Product, m.Product)
			}
		}
	})
}
