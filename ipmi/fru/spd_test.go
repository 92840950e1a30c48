package fru

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// ddr4 is the SPD data of a DDR4 module on an HPE server (shared case fru-spd).
func ddr4(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(string(readImage(t, "spd-ddr4.hex"))),
		""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sparse returns size bytes, of which those at the given places are set.
func sparse(size int, set map[int]string) []byte {
	b := make([]byte, size)
	for at, text := range set {
		copy(b[at:], text)
	}
	return b
}

// The values of DDR3 and DDR5 are worked out by hand from the standards' tables: 4 Gbit chips of 8
// bits in 2 ranks of 64 bits are 8 GiB, and 16 Gbit chips of 8 bits in 1 rank of two channels of 32
// bits are 16 GiB.
func TestParseSPD(t *testing.T) {
	monday := func(y int, m time.Month, d int) time.Time {
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	for name, c := range map[string]struct {
		data   []byte
		want   SPD
		module string
		maker  string
	}{
		"DDR4": {ddr4(t), SPD{Type: DDR4, Module: 1, Size: 16384, Chip: 4096, Width: 4, Bus: 64,
			Ranks: 2, Volts: 1.2, ECC: true,
			Manufacturer: SPDMaker{0, 0xce}, Made: monday(2017, 1, 9), Year: 2017, Week: 2,
			Serial: 0x11223344, Part: "752369-081"}, "RDIMM", "Samsung"},
		"DDR3": {sparse(256, map[int]string{0: "\x92\x11\x0b\x02\x04", 6: "\x02\x09\x03",
			117: "\x80\x2c\x00\x13\x27\x01\x02\x03\x04MT16"[:9], 128: "MT16JTF1G64AZ-1G6E "}),
			SPD{Type: DDR3, Module: 2, Size: 8192, Chip: 4096, Width: 8, Bus: 64, Ranks: 2,
				Volts:        1.35,
				Manufacturer: SPDMaker{0, 0x2c}, Made: monday(2013, 7, 1), Year: 2013, Week: 27,
				Serial: 0x01020304, Part: "MT16JTF1G64AZ-1G6E"}, "UDIMM", "Micron Technology"},
		"DDR5": {sparse(1024, map[int]string{0: "\x30\x10\x12\x02\x04", 6: "\x20", 234: "\x00\x22",
			512: "\x80\xad\x01\x23\x05\xaa\xbb\xcc\xdd", 521: "HMCG78AGBUA081N"}),
			SPD{Type: DDR5, Module: 2, Size: 16384, Chip: 16384, Width: 8, Bus: 64, Ranks: 1,
				Volts:        1.1,
				Manufacturer: SPDMaker{0, 0xad}, Made: monday(2023, 1, 30), Year: 2023, Week: 5,
				Serial: 0xaabbccdd, Part: "HMCG78AGBUA081N"}, "UDIMM", "SK Hynix"},
	} {
		got, err := ParseSPD(c.data)
		if err != nil || got != c.want || got.ModuleName() != c.module ||
			got.Manufacturer.String() != c.maker {
			t.Errorf("%s: got %+v (%s, %s), %v\nwant %+v (%s, %s)", name, got, got.ModuleName(),
				got.Manufacturer, err, c.want, c.module, c.maker)
		}
		if !IsSPD(c.data) {
			t.Errorf("%s: it is not taken for SPD data", name)
		}
	}
	if _, err := ParseSPD([]byte{0x80, 8, 8, 0, 0}); !errors.Is(err, ErrSPD) {
		t.Errorf("DDR2: got %v, want %v", err, ErrSPD)
	}
	if IsSPD(readImage(t, "fru0.bin")) {
		t.Error("a FRU image is taken for SPD data")
	}
}

// FuzzParseSPD holds that whatever a module's memory has, what is read of it is sound.
func FuzzParseSPD(f *testing.F) {
	f.Add(ddr4(f))
	f.Add([]byte{0x92, 0x11, 0x0b, 2, 4, 0x21, 2, 9, 3})
	f.Add(sparse(1024, map[int]string{0: "\x30\x10\x12\x02\x04", 6: "\x20", 234: "\x00\x22"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSPD(b)
		if err != nil && !errors.Is(err, ErrSPD) {
			t.Errorf("got %v, want %v", err, ErrSPD)
		}
		if s.Size < 0 || s.Size > 1<<30 || !utf8.ValidString(s.Part) || s.Week > 53 ||
			s.ModuleName() == "" || s.Manufacturer.String() == "" {
			t.Errorf("got %+v", s)
		}
	})
}
