package client

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"lom/ipmi"
	"lom/ipmi/fru"
)

// fakeFRU is a FRU inventory device; its fields are the ways in which it is awkward.
type fakeFRU struct {
	*fakeConn
	mem      []byte
	claims   int // the size that it tells
	words    bool
	piece    int // bytes at a time; more is refused with code
	code     ipmi.CompletionCode
	protect  int // bytes before it are read-only
	busy     int // how often
	forgetAt int // a byte that does not keep what is written
}

func newFakeFRU(mem []byte) *fakeFRU {
	f := &fakeFRU{fakeConn: newFakeConn(), mem: mem, claims: len(mem), piece: 255,
		code: ipmi.CodeDataFieldTooLong, forgetAt: -1}
	unit := func() int {
		if f.words {
			return 2
		}
		return 1
	}
	f.storage(0x10, func(d []byte) (ipmi.CompletionCode, []byte) {
		if d[0] != 3 {
			return ipmi.CodeInvalidDataField, nil
		}
		return 0, append(binary.LittleEndian.AppendUint16(nil, uint16(f.claims)), byte(unit()-1))
	})
	f.storage(0x11, func(d []byte) (ipmi.CompletionCode, []byte) {
		at, n := int(binary.LittleEndian.Uint16(d[1:]))*unit(), int(d[3])*unit()
		switch {
		case f.busy > 0:
			f.busy--
			return codeFRUBusy, nil
		case n > f.piece:
			return f.code, nil
		case at >= len(f.mem):
			return ipmi.CodeParameterOutOfRange, nil
		}
		n = min(n, len(f.mem)-at)
		return 0, append([]byte{byte(n / unit())}, f.mem[at:at+n]...)
	})
	f.storage(0x12, func(d []byte) (ipmi.CompletionCode, []byte) {
		at, n := int(binary.LittleEndian.Uint16(d[1:]))*unit(), len(d)-3
		switch {
		case n > f.piece:
			return f.code, nil
		case at < f.protect:
			return 0x80, nil
		case at+n > len(f.mem):
			return ipmi.CodeParameterOutOfRange, nil
		}
		copy(f.mem[at:], d[3:])
		if f.forgetAt >= 0 {
			f.mem[f.forgetAt] = 0x5a
		}
		return 0, []byte{byte(n / unit())}
	})
	return f
}

func testImage(t *testing.T, size int) []byte {
	t.Helper()
	name, _ := fru.Text("Test server with a name of some length")
	serial, _ := fru.Text("S-0001")
	m := &fru.Image{
		Chassis: &fru.Chassis{Type: fru.ChassisRackMount, SerialNumber: serial},
		Board:   &fru.Board{Language: fru.English, ProductName: name, SerialNumber: serial},
		Product: &fru.Product{Language: fru.English, Name: name, SerialNumber: serial},
		Records: []fru.Record{{Type: fru.RecordOEM, Version: 2, Data: []byte("123abc")},
			{Type: fru.RecordOEM, Version: 2, Data: make([]byte, 200)}},
	}
	b, err := m.Bytes(size)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// How much a BMC gives at a time is found out once in a session.
func TestHabitsLast(t *testing.T) {
	h := new(transferSizes)
	f := newFakeFRU(testImage(t, 2048))
	f.piece = 32
	total := 0
	for i := range 2 {
		f.total = 0
		d, err := OpenFRU(t.Context(), f, 3)
		if err != nil {
			t.Fatal(err)
		}
		d.transferSizes = h
		d.pieces, d.proven = h.fruPieces()
		if _, err := d.ReadAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i == 1 && f.total != total-2 {
			t.Errorf("FRU: %d requests, and %d again", total, f.total)
		}
		total = f.total
	}
	r := &repository{records: testRecords(t, 10), most: 22, refusal: ipmi.CodeCannotReturnBytes}
	src := repositoryOf(r)
	src.transferSizes = h
	for i := range 2 {
		r.exchanges = 0
		if got, err := readSDRs(t.Context(), src, 10, nil); err != nil || len(got) != 10 {
			t.Fatal(len(got), err)
		}
		if i == 1 && r.exchanges != total-4 {
			t.Errorf("SDR: %d requests, and %d again", total, r.exchanges)
		}
		total = r.exchanges
	}
}

func TestFRURead(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name  string
		set   func(*fakeFRU)
		reads int // at most
	}{
		{"all at once", func(*fakeFRU) {}, 2},
		{"32 bytes", func(f *fakeFRU) { f.piece = 32 }, 18},
		{"20 bytes, and silence above", func(f *fakeFRU) { f.piece, f.code = 20, timeoutCode }, 31},
		{"words", func(f *fakeFRU) { f.words = true }, 2},
		{"words, 8 bytes", func(f *fakeFRU) { f.words, f.piece, f.code = true, 8, ipmi.CodeUnspecified }, 70},
		{"busy", func(f *fakeFRU) { f.busy = 1 }, 3},
		{"smaller than it says", func(f *fakeFRU) { f.mem, f.claims = f.mem[:512], 2048 }, 9},
	} {
		f := newFakeFRU(testImage(t, 2048))
		whole := f.mem
		c.set(f)
		d, err := OpenFRU(ctx, f, 3)
		if err != nil {
			t.Fatal(err)
		}
		m, err := d.Read(ctx)
		if err != nil || m.Product.Name.String() != "Test server with a name of some length" ||
			len(m.Records) != 2 {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if n := f.count[0x11]; n > c.reads {
			t.Errorf("%s: %d reads", c.name, n)
		}
		all, err := d.ReadAll(ctx)
		if err != nil || !bytes.HasPrefix(whole, all) || len(all) != len(f.mem) {
			t.Errorf("%s: all: %d bytes, %v", c.name, len(all), err)
		}
	}
	if _, err := OpenFRU(ctx, newFakeFRU(nil), 4); !errors.Is(err, ipmi.CodeInvalidDataField) {
		t.Error(err)
	}
	blank := newFakeFRU(make([]byte, 2048))
	d, _ := OpenFRU(ctx, blank, 3)
	if _, err := d.Read(ctx); !errors.Is(err, fru.ErrBlank) || blank.count[0x11] != 1 {
		t.Errorf("blank: %v, %d reads", err, blank.count[0x11])
	}
}

func TestFRUWrite(t *testing.T) {
	ctx := context.Background()
	for _, words := range []bool{false, true} {
		for _, piece := range []int{255, 16} {
			f := newFakeFRU(testImage(t, 1024))
			f.words, f.piece = words, piece
			m, err := fru.Parse(f.mem)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Chassis.SerialNumber.Set("a longer serial number moves all that follows"); err != nil {
				t.Fatal(err)
			}
			image, err := m.Bytes(1024)
			if err != nil {
				t.Fatal(err)
			}
			d, _ := OpenFRU(ctx, f, 3)
			if err := d.Write(ctx, image); err != nil || !bytes.Equal(f.mem, image) {
				t.Errorf("words %t, pieces of %d: %v", words, piece, err)
			}
			writes := f.count[0x12]
			if err := d.Write(ctx, image); err != nil || f.count[0x12] != writes {
				t.Errorf("the same again: %v, %d writes", err, f.count[0x12]-writes)
			}
		}
	}
	image := testImage(t, 1024)
	f := newFakeFRU(make([]byte, 512))
	d, _ := OpenFRU(ctx, f, 3)
	if err := d.Write(ctx, image); !errors.Is(err, ErrFRUSize) || f.count[0x12] != 0 {
		t.Errorf("too big: %v", err)
	}
	f = newFakeFRU(make([]byte, 1024))
	f.protect = 64
	d, _ = OpenFRU(ctx, f, 3)
	if err := d.Write(ctx, image); !errors.Is(err, ipmi.CompletionCode(0x80)) {
		t.Errorf("protected: %v", err)
	}
	f = newFakeFRU(make([]byte, 1024))
	f.forgetAt = 100
	d, _ = OpenFRU(ctx, f, 3)
	if err := d.Write(ctx, image); !errors.Is(err, ErrFRUVerify) {
		t.Errorf("forgetful: %v", err)
	}
}
