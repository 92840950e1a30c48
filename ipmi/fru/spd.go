package fru

import (
	"errors"
	"fmt"
	"time"
)

// A memory module has no FRU image in its memory but Serial Presence Detect data, as JEDEC's
// standard 21-C lays it out: annex K for DDR3, L for DDR4, and JESD400-5 for DDR5. Byte 2 says
// which.

// ErrSPD is what is wrong with bytes that are not SPD data, for errors.Is.
var ErrSPD = errors.New("no SPD data of a known memory technology")

// SPDType is the technology of a memory module, byte 2 of its SPD data.
type SPDType uint8

// Technologies that [ParseSPD] reads.
const (
	DDR3 SPDType = 0x0b
	DDR4 SPDType = 0x0c
	DDR5 SPDType = 0x12
)

var spdTypes = map[SPDType]string{
	0x01: "STD FPM DRAM", 0x02: "EDO", 0x03: "PIPELINED NIBBLE", 0x04: "SDRAM", 0x05: "ROM",
	0x06: "DDR SGRAM", 0x07: "DDR SDRAM",
	0x08: "DDR2 SDRAM", 0x09: "DDR2 SDRAM FB-DIMM", 0x0a: "DDR2 SDRAM FB-DIMM Probe",
	DDR3: "DDR3 SDRAM", DDR4: "DDR4 SDRAM", DDR5: "DDR5 SDRAM",
}

// String returns the name of the technology: "DDR4 SDRAM".
func (t SPDType) String() string {
	if s, ok := spdTypes[t]; ok {
		return s
	}
	return fmt.Sprintf("Unknown (0x%02x)", uint8(t))
}

// An SPD is the content of a memory module's SPD data.
type SPD struct {
	Type       SPDType
	Module     uint8 // the kind of module, as Type numbers them; see ModuleName
	Size       int   // MiB; 0 if it is not known, as the next three are
	Chip       int   // Mbit of a die
	Width, Bus int   // bits of a chip, and of the module without those for error correction
	Ranks      int
	// DDR3 and DDR4: the supply voltage that it runs at; 0 if it is not known
	Volts        float64
	ECC          bool      // it has bits for error correction
	Manufacturer SPDMaker  // of the module
	Made         time.Time // the Monday of the week in which it was made; zero if it is not known
	Year, Week   int       // the same as it stands there; 0 if it is not known
	Serial       uint32
	Part         string // part number
}

// An SPDMaker is a manufacturer by its number in JEDEC's publication 106: the number of
// continuation codes before it, and the code.
type SPDMaker struct {
	Bank uint8 // without parity
	Code uint8
}

// String returns the name of the manufacturer, or its number.
func (m SPDMaker) String() string {
	if s, ok := spdMakers[m]; ok {
		return s
	}
	return fmt.Sprintf("JEDEC ID 0x%02X 0x%02X", m.Bank, m.Code)
}

// spdMakers are the manufacturers of the modules that are in use (JEP106).
var spdMakers = map[SPDMaker]string{
	{0, 0x04}: "Fujitsu", {0, 0x07}: "Hitachi", {0, 0x10}: "NEC", {0, 0x1c}: "Mitsubishi",
	{0, 0x20}: "STMicroelectronics", {0, 0x2c}: "Micron Technology",
	{0, 0x89}: "Intel", {0, 0x98}: "Toshiba", {0, 0xad}: "SK Hynix", {0, 0xb3}: "IDT",
	{0, 0xc1}: "Infineon", {0, 0xce}: "Samsung",
	{1, 0x4f}: "Transcend Information", {1, 0x94}: "SMART Modular", {1, 0x98}: "Kingston",
	{1, 0xba}: "PNY", {2, 0x9e}: "Corsair",
	{2, 0xfe}: "Elpida", {3, 0x0b}: "Nanya Technology", {3, 0x25}: "Kingmax", {3, 0x51}: "Qimonda",
	{4, 0x43}: "Ramaxel Technology",
	{4, 0xb0}: "OCZ", {4, 0xcb}: "A-DATA Technology", {4, 0xcd}: "G.Skill", {4, 0xef}: "Team Group",
	{5, 0x02}: "Patriot Memory",
	{5, 0x51}: "Qimonda", {5, 0x9b}: "Crucial Technology", {6, 0xf1}: "InnoDisk",
	{8, 0x7a}: "Apacer", {10, 0x91}: "ChangXin Memory",
}

// ModuleName returns what kind of module it is: "RDIMM". Kinds that the standard does not name are
// numbers.
func (s *SPD) ModuleName() string {
	// DDR3
	names := map[uint8]string{1: "RDIMM", 2: "UDIMM", 3: "SODIMM", 4: "Micro-DIMM", 5: "Mini-RDIMM",
		6: "Mini-UDIMM"}
	switch s.Type {
	case DDR4:
		names = map[uint8]string{0: "Extended module type", 1: "RDIMM", 2: "UDIMM", 3: "SODIMM",
			4: "LRDIMM", 5: "Mini-RDIMM", 6: "Mini-UDIMM",
			8: "72b-SO-RDIMM", 9: "72b-SO-UDIMM", 12: "16b-SO-DIMM", 13: "32b-SO-DIMM"}
	case DDR5:
		names = map[uint8]string{1: "RDIMM", 2: "UDIMM", 3: "SODIMM", 4: "LRDIMM", 5: "CUDIMM",
			6: "CSODIMM", 7: "MRDIMM", 8: "CAMM2", 10: "DDIMM", 11: "Solder down"}
	}
	if n, ok := names[s.Module]; ok {
		return n
	}
	return fmt.Sprintf("Unknown (0x%02X)", s.Module)
}

// IsSPD reports whether bytes begin as the SPD data of a memory module does, and not as a FRU image
// of version 1 does.
func IsSPD(b []byte) bool {
	if len(b) < 4 || b[0]&0x0f == formatVersion {
		return false
	}
	t := SPDType(b[2])
	return t == DDR3 || t == DDR4 || t == DDR5
}

// ParseSPD reads the SPD data of a DDR3, DDR4 or DDR5 module. What the bytes are too short for is
// not told. The error is ErrSPD, along with the Type if there is one.
func ParseSPD(b []byte) (SPD, error) {
	var s SPD
	if len(b) < 4 {
		return s, fmt.Errorf("%w: %d bytes", ErrSPD, len(b))
	}
	s.Type, s.Module = SPDType(b[2]), b[3]&0x0f
	at := func(i int) uint8 {
		if i < len(b) {
			return b[i]
		}
		return 0
	}
	switch s.Type {
	case DDR3:
		s.ddr3(at)
		s.maker(at(117), at(118))
		s.made(at, 119)
		s.Part = spdText(b, 128, 145)
	case DDR4:
		s.ddr4(at)
		s.maker(at(320), at(321))
		s.made(at, 322)
		s.Part = spdText(b, 329, 348)
	case DDR5:
		s.ddr5(at)
		s.maker(at(512), at(513))
		s.made(at, 514)
		s.Part = spdText(b, 521, 550)
	default:
		return s, fmt.Errorf("%w: %v", ErrSPD, s.Type)
	}
	return s, nil
}

// ddr3 reads bytes 4 to 8 (annex K, 1.1).
func (s *SPD) ddr3(at func(int) uint8) {
	// Mbit, bits
	chip, width, ranks, bus := 256<<(at(4)&0x0f), 4<<(at(7)&7), int(at(7)>>3&7)+1, 8<<(at(8)&7)
	if at(8) != 0 && at(4)&0x0f < 8 && at(7)&7 < 4 {
		s.Chip, s.Width, s.Bus, s.Ranks, s.Size = chip, width, bus, ranks, chip/8*bus/width*ranks
	}
	s.ECC = at(8)>>3&3 != 0
	switch v := at(6); {
	case v&4 != 0:
		s.Volts = 1.2
	case v&2 != 0:
		s.Volts = 1.35
	case v&1 == 0:
		s.Volts = 1.5
	}
}

// ddr4 reads bytes 4 to 13 (annex L, 8.1).
func (s *SPD) ddr4(at func(int) uint8) {
	// 256 Mbit to 32 Gbit, and 12 and 24 Gbit.
	chips := [...]int{256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 12288, 24576}
	code, width, ranks, bus := at(4)&0x0f, 4<<(at(12)&7), int(at(12)>>3&7)+1, 8<<(at(13)&7)
	if dies := int(at(6)>>4&7) + 1; at(6)&3 == 2 { // a stack of dies, each a rank of its own
		ranks *= dies
	}
	if int(code) < len(chips) && at(13) != 0 && at(12)&7 < 4 && at(13)&7 < 4 {
		s.Chip, s.Width, s.Bus, s.Ranks, s.Size = chips[code], width, bus, ranks,
			chips[code]/8*bus/width*ranks
	}
	s.ECC = at(13)>>3&3 != 0
	if at(11)&1 != 0 {
		s.Volts = 1.2
	}
}

// ddr5 reads bytes 4 to 9 and 234 and 235 (JESD400-5, 8.1 and 11).
func (s *SPD) ddr5(at func(int) uint8) {
	chips := [...]int{0, 4, 8, 12, 16, 24, 32, 48, 64} // Gbit
	dies := [...]int{1, 0, 2, 4, 8, 16}
	code, stack, width := at(4)&0x1f, at(4)>>5, 4<<(at(6)>>5)
	ranks, bus, channels := int(at(234)>>3&7)+1, 8<<(at(235)&7), 1<<(at(235)>>5&3)
	if at(234)&0x40 == 0 && int(code) < len(chips) && int(stack) < len(dies) && at(6)>>5 < 4 &&
		at(235)&7 < 4 && at(235) != 0 {
		s.Chip, s.Width, s.Bus, s.Ranks = chips[code]*1024, width, bus*channels, ranks
		s.Size = s.Chip / 8 * dies[stack] * s.Bus / width * ranks
	}
	s.ECC = at(235)>>3&3 != 0
	s.Volts = 1.1 // there is no other
}

// maker reads the number of a manufacturer: the continuation codes with odd parity, and the code.
func (s *SPD) maker(bank, code uint8) { s.Manufacturer = SPDMaker{bank & 0x7f, code} }

// made reads year and week, as binary-coded decimals, and the serial number after them; in front of
// them is where it was made.
func (s *SPD) made(at func(int) uint8, location int) {
	bcd := func(x uint8) (int, bool) { return int(x>>4)*10 + int(x&0x0f), x>>4 < 10 && x&0x0f < 10 }
	year, ok1 := bcd(at(location + 1))
	week, ok2 := bcd(at(location + 2))
	if ok1 && ok2 && week >= 1 && week <= 53 {
		s.Year, s.Week = 2000+year, week
		// The fourth of January is in the first week.
		first := time.Date(s.Year, 1, 4, 0, 0, 0, 0, time.UTC)
		s.Made = first.AddDate(0, 0, 7*(week-1)-(int(first.Weekday())+6)%7)
	}
	for i := 3; i < 7; i++ {
		s.Serial = s.Serial<<8 | uint32(at(location+i))
	}
}

// spdText returns the text in the bytes from, to, without the blanks at its end.
func spdText(b []byte, from, to int) string {
	text := b[min(from, len(b)):min(to+1, len(b))]
	for len(text) > 0 && (text[len(text)-1] == ' ' || text[len(text)-1] == 0) {
		text = text[:len(text)-1]
	}
	return Field{Encoding: Latin1, Data: text}.String()
}
