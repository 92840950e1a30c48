package sdr

import (
	"bytes"
	"errors"
	"math"
	"os"
	"reflect"
	"testing"

	"lom/ipmi"

	"pgregory.net/rapid"
)

// records returns the records that OpenIPMI's sdrcomp wrote.
func records(t testing.TB, name string) [][]byte {
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for len(b) >= headerLength {
		n := headerLength + int(b[4])
		out, b = append(out, b[:n]), b[n:]
	}
	return out
}

func TestSimRecords(t *testing.T) {
	count := map[Type]int{}
	for _, name := range []string{"sim.raw", "sim-sixbit.raw"} {
		for _, b := range records(t, name) {
			r, err := Parse(b)
			if err != nil {
				t.Fatalf("%x: %v", b, err)
			}
			count[r.Type()]++
			out, err := Append(nil, r)
			if err != nil || !bytes.Equal(out, b) {
				t.Errorf("%s: wrote %x (%v), had %x", r.Type(), out, err, b)
			}
		}
	}
	want := map[Type]int{TypeMCLocator: 2, TypeEventOnly: 6, TypeFull: 73, TypeCompact: 39,
		TypeFRULocator: 6}
	if !reflect.DeepEqual(count, want) {
		t.Errorf("records: %v, want %v", count, want)
	}
}

func TestFullRecord(t *testing.T) {
	r, err := Parse(records(t, "sim.raw")[2])
	if err != nil {
		t.Fatal(err)
	}
	f := r.(*Full)
	c := f.Conversion()
	if f.Name.Text != "Inlet Temp" || f.SensorType != ipmi.SensorTemperature || f.Entity.ID != 7 ||
		f.Units.Name() != "degrees C" {
		t.Errorf("record: %+v", f)
	}
	// The simulator's own source says: 5 * raw - 400, times 10^-1.
	for raw, want := range map[uint8]float64{0x80: 24, 0xae: 47, 0x42: -7, 0: -40} {
		if got := c.Value(raw); got != want {
			t.Errorf("raw %#x is %v, want %v", raw, got, want)
		}
	}
	if got := f.Threshold(ipmi.UpperNonRecoverable); c.Value(got) != 47 {
		t.Errorf("unr: %v", c.Value(got))
	}
	if f.ReadableThresholds() != 0x3f || f.SettableThresholds() != 0x3f ||
		f.ComparedThresholds() != 0 {
		t.Errorf("masks: %x %x %x", f.ReadableThresholds(), f.SettableThresholds(),
			f.ComparedThresholds())
	}
	if f.AssertionEvents() != 0xa95 {
		t.Errorf("assertions: %x", f.AssertionEvents())
	}
}

func TestSixBitNames(t *testing.T) {
	for _, b := range records(t, "sim-sixbit.raw") {
		if r, _ := Parse(b); r.Type() == TypeFRULocator {
			if n := r.(*FRULocator).Name; n.Encoding != SixBit || n.Text != "PSU1 FRU" {
				t.Errorf("name %+v", n)
			}
			return
		}
	}
	t.Fatal("no six-bit name")
}

func TestIDString(t *testing.T) {
	// Figure 43-1 of the specification.
	b, err := IDString{SixBit, "IPMI"}.AppendBinary(nil)
	if err != nil || !bytes.Equal(b, []byte{0x84, 0x29, 0xdc, 0xa6}) {
		t.Errorf("IPMI: %x %v", b, err)
	}
	for _, s := range []IDString{{Latin1, "12345678901234567"}, {SixBit, "abc"}, {BCDPlus, "1A"},
		{Latin1, "ΩΩΩΩΩΩΩΩΩ"}, {4, "x"}} {
		if b, err := s.AppendBinary(nil); err == nil {
			t.Errorf("%+v: wrote %x", s, b)
		}
	}
	// What is not Latin 1 is written as UTF-8, and UTF-8 is read as such.
	for _, text := range []string{"Ω", "Lüfter", "温度"} {
		var s IDString
		b, err := IDString{Latin1, text}.AppendBinary(nil)
		if err == nil {
			err = s.UnmarshalBinary(b)
		}
		if err != nil || s.Text != text {
			t.Errorf("%s: wrote %x, read %q, %v", text, b, s.Text, err)
		}
	}
	var utf IDString
	if err := utf.UnmarshalBinary([]byte("\xc7L\xc3\xbcfter")); err != nil || utf.Text != "Lüfter" {
		t.Errorf("UTF-8: got %q, %v", utf.Text, err)
	}
	var s IDString
	if err := s.UnmarshalBinary([]byte{0x86, 0x29, 0xdc, 0xa6, 0x29, 0xdc, 0xa6}); err != nil ||
		s.Text != "IPMIIPMI" {
		t.Errorf("length in bytes: %+v %v", s, err)
	}
	if err := s.UnmarshalBinary([]byte{0xdf, 'a', 0, 'b'}); err != nil || s.Text != "a" {
		t.Errorf("too short, with NUL: %+v %v", s, err)
	}
}

func TestIDStringRoundTrip(t *testing.T) {
	alphabets := map[Encoding][]rune{Unicode: []rune("aZ9Ω€ü中"), BCDPlus: []rune(bcdPlus),
		SixBit: []rune(" !ABZ_/09"), Latin1: []rune("aZ9 üß~")}
	longest := map[Encoding]int{Unicode: 8, BCDPlus: 30, SixBit: 21, Latin1: 16}
	rapid.Check(t, func(t *rapid.T) {
		e := Encoding(rapid.IntRange(0, 3).Draw(t, "encoding"))
		text := string(rapid.SliceOfN(rapid.SampledFrom(alphabets[e]), 0, longest[e]).Draw(t,
			"text"))
		in := IDString{e, text}
		b, err := in.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var out IDString
		if err := out.UnmarshalBinary(b); err != nil || out != in {
			t.Fatalf("%+v came back as %+v (%v)", in, out, err)
		}
	})
}

func TestConversion(t *testing.T) {
	c := Conversion{Factors: Factors{M: 1}}
	for _, x := range []struct {
		format Format
		raw    uint8
		want   float64
	}{{Unsigned, 0xff, 255}, {OnesComp, 0xfe, -1}, {OnesComp, 0xff, 0}, {TwosComp, 0xff, -1},
		{TwosComp, 0x7f, 127}, {NotAnalog, 9, 0}} {
		c.Format = x.format
		if got := c.Value(x.raw); got != x.want {
			t.Errorf("format %d: %#x is %v, want %v", x.format, x.raw, got, x.want)
		}
	}
	c.Format = Unsigned
	for l, want := range map[Linearization]float64{Linear: 4, Ln: math.Log(4), Log10: math.Log10(4),
		Log2: 2, E: math.Exp(4), Exp10: 1e4,
		Exp2: 16, Reciprocal: 0.25, Square: 16, Cube: 64, SquareRoot: 2, CubeRoot: math.Cbrt(4),
		NonLinear: 4} {
		c.Linearization = l
		if got := c.Value(4); math.Abs(got-want) > 1e-9 {
			t.Errorf("linearization %d: %v, want %v", l, got, want)
		}
	}
	c = Conversion{Factors: Factors{M: 5, B: -400, RExponent: -1, Tolerance: 3, Accuracy: 100,
		AccuracyExponent: 1}}
	if c.Tolerance() != 0.75 || c.Accuracy() != 10 || c.Resolution() != 0.5 ||
		c.Difference(4) != 2 {
		t.Errorf("tolerance %v, accuracy %v, resolution %v, difference %v", c.Tolerance(),
			c.Accuracy(), c.Resolution(), c.Difference(4))
	}
	var bad *ValueError
	if _, err := c.Raw(100); !errors.As(err, &bad) || bad.Min != -40 || bad.Max != 87.5 {
		t.Errorf("out of range: %v", err)
	}
	if raw, err := c.Raw(21.3); err != nil || c.Value(raw) != 21.5 {
		t.Errorf("21.3 is %d, %v (%v)", raw, c.Value(raw), err)
	}
	if _, err := (Conversion{Format: Unsigned, Linearization: Ln}).Raw(1); err == nil {
		t.Error("a sensor without values took one")
	}
}

func TestRawOfValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Conversion{Factors: Factors{
			M:         int16(rapid.IntRange(1, 511).Draw(t, "M")),
			B:         int16(rapid.IntRange(-512, 511).Draw(t, "B")),
			RExponent: int8(rapid.IntRange(-8, 7).Draw(t, "R")),
			BExponent: int8(rapid.IntRange(-4, 4).Draw(t, "Bexp"))},
			Format: Format(rapid.IntRange(0, 2).Draw(t, "format"))}
		raw := rapid.Byte().Draw(t, "raw")
		got, err := c.Raw(c.Value(raw))
		if err != nil || c.Value(got) != c.Value(raw) {
			t.Fatalf("%+v: %#x is %v, came back as %#x (%v)", c, raw, c.Value(raw), got, err)
		}
	})
}

func TestExpand(t *testing.T) {
	c := &Compact{Name: Name("DIMM "), Sharing: Sharing{Count: 3, Offset: 26, Alpha: true,
		InstanceGrows: true}}
	c.Number, c.Entity.Instance = 9, 4
	var got []string
	for _, x := range c.Expand() {
		got = append(got, x.Name.Text)
	}
	if !reflect.DeepEqual(got, []string{"DIMM AA", "DIMM AB", "DIMM AC"}) {
		t.Errorf("names %q", got)
	}
	if last := c.Expand()[2]; last.Number != 11 || last.Entity.Instance != 6 {
		t.Errorf("last: %+v", last)
	}
	e := &EventOnly{Name: Name("Temp "), Sharing: Sharing{Count: 3, Offset: 9}}
	e.Number = 0xfd
	if xs := e.Expand(); len(xs) != 2 || xs[1].Name.Text != "Temp 10" ||
		xs[1].Entity.Instance != 0 {
		t.Errorf("event-only: %+v", xs)
	}
	if xs := (&Compact{}).Expand(); len(xs) != 1 {
		t.Errorf("not shared: %d", len(xs))
	}
}

func TestStatus(t *testing.T) {
	for set, want := range map[ipmi.ThresholdSet]string{0: "ok", 0x38: "unr", 0x18: "ucr",
		0x08: "unc", 7: "lnr", 3: "lcr", 1: "lnc"} {
		if got := ThresholdStatus(set).String(); got != want {
			t.Errorf("%x is %s, want %s", set, got, want)
		}
	}
	s := Sensor{SensorType: ipmi.SensorPowerSupply, EventType: ipmi.EventSensorSpecific}
	states := ipmi.SensorStates(0x8003)
	if got := s.States(states); len(got) != 2 || got[1].Words != "Failure detected" {
		t.Errorf("states %+v", got)
	}
	if got := s.Severity(ipmi.SensorReading{Scanning: true, States: &states}); got !=
		ipmi.Critical {
		t.Errorf("severity %v", got)
	}
	if got := s.Severity(ipmi.SensorReading{Scanning: true, Unavailable: true,
		States: &states}); got != ipmi.SeverityUnknown {
		t.Errorf("severity without a reading %v", got)
	}
}

func TestContained(t *testing.T) {
	a := EntityAssociation{Ranges: true, Contained1: Entity{ID: 10, Instance: 1},
		Contained2: Entity{ID: 10, Instance: 3}, Contained3: Entity{ID: 4, Instance: 7},
		Contained4: Entity{ID: 4, Instance: 7}}
	if got := a.Contained(); len(got) != 4 || got[2].Instance != 3 || got[3].ID != 4 {
		t.Errorf("ranges: %+v", got)
	}
	a.Ranges = false
	if got := a.Contained(); len(got) != 4 || got[1].Instance != 3 {
		t.Errorf("list: %+v", got)
	}
}

func TestUnits(t *testing.T) {
	for want, u := range map[string]Units{"degrees C": {Base: 1}, "percent": {Percent: true},
		"% Watts":     {Percent: true, Base: 6},
		"feet/second": {Base: 29, Relation: 1, Modifier: 22},
		"Volts*Amps":  {Base: 4, Relation: 2, Modifier: 5}, "invalid": {Base: 200}} {
		if got := u.Name(); got != want {
			t.Errorf("%+v is %q, want %q", u, got, want)
		}
	}
	if got := (Units{Base: 70, Rate: 3}).String(); got != "byte per second" {
		t.Errorf("rate: %q", got)
	}
}

func TestParseErrors(t *testing.T) {
	for _, b := range [][]byte{nil, {1, 0, 0x51, 1}, {1, 0, 0x51, 1, 0},
		records(t, "sim.raw")[2][:40]} {
		if r, err := Parse(b); !errors.Is(err, ipmi.ErrMalformed) {
			t.Errorf("%x: %+v, %v", b, r, err)
		}
	}
	if rs, err := ParseAll(append(records(t, "sim.raw")[0], 1, 2, 3)); err == nil || len(rs) != 1 {
		t.Errorf("dump with a torn end: %d records, %v", len(rs), err)
	}
}

// A record of any type that was read is written so that it is read as the same again.
func TestRecordRoundTrip(t *testing.T) {
	types := []Type{TypeFull, TypeCompact, TypeEventOnly, TypeEntity, TypeDeviceEntity,
		TypeGenericLocator, TypeFRULocator,
		TypeMCLocator, TypeMCConfirmation, TypeMessageChannel, TypeOEM, 0x0a}
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 70, 80).Draw(t, "record")
		b[2], b[3], b[4] = versionIPMI15, byte(rapid.SampledFrom(types).Draw(t, "type")),
			byte(len(b)-headerLength)
		first, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		out, err := Append(nil, first)
		if err != nil {
			return // a name longer than may be written
		}
		second, err := Parse(out)
		if err != nil {
			t.Fatal(err)
		}
		first.RecordHeader().Length = second.RecordHeader().Length
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("%x was read as %+v, and written as %x, which is %+v", b, first, out, second)
		}
	})
}

// FuzzParse holds that whatever can be read can be written, and is then read as the same.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"sim.raw", "sim-sixbit.raw"} {
		for _, b := range records(f, name) {
			f.Add(b)
		}
	}
	for _, t := range []Type{TypeEntity, TypeDeviceEntity, TypeGenericLocator, TypeMCConfirmation,
		TypeMessageChannel, TypeOEM, 0x0a} {
		r := newRecord(t)
		r.RecordHeader().RecordType = t
		b, err := Append(nil, r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(b)
		if err != nil {
			return
		}
		if full, ok := r.(*Full); ok {
			c := full.Conversion()
			c.Raw(c.Value(full.Nominal))
		}
		if c, ok := r.(*Compact); ok {
			c.Expand()
		}
		out, err := Append(nil, r)
		if err != nil {
			return // a name that is longer than the 16 bytes a writer may use
		}
		again, err := Parse(out)
		if err != nil {
			t.Fatalf("%x, written as %x: %v", b, out, err)
		}
		// The length of the record and ambiguous name lengths are the only things that may change.
		once, err := Append(nil, again)
		if err != nil {
			t.Fatalf("%x: %v", out, err)
		}
		if third, err := Parse(once); err != nil || third.Type() != again.Type() {
			t.Fatalf("%x: %v", once, err)
		}
	})
}
