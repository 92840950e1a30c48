package fru

import (
	"fmt"
	"time"
)

// Chassis is the chassis info area (Table 10-1). Its fields are always English.
type Chassis struct {
	Type         ChassisType
	PartNumber   Field
	SerialNumber Field
	Custom       []Field
	BadChecksum  bool // when it was read
}

func (c *Chassis) fields() []*Field { return []*Field{&c.PartNumber, &c.SerialNumber} }

func (c *Chassis) parse(b []byte, fail func(int, error)) {
	c.Type = ChassisType(b[2])
	parseFields(b, 3, c.fields(), &c.Custom, func(int) bool { return false }, fail)
}

func (c *Chassis) encode(least int) ([]byte, error) {
	return finishArea([]byte{formatVersion, 0, byte(c.Type)}, c.fields(), c.Custom, least)
}

// Board is the board info area (Table 11-1).
type Board struct {
	Language Language
	// when it was made, in minutes since 1996-01-01 00:00 UTC; 24 bits; 0: not known
	Minutes      uint32
	Manufacturer Field
	ProductName  Field
	SerialNumber Field // always English
	PartNumber   Field
	FileID       Field // always English
	Custom       []Field
	BadChecksum  bool // when it was read
}

func (c *Board) fields() []*Field {
	return []*Field{&c.Manufacturer, &c.ProductName, &c.SerialNumber, &c.PartNumber, &c.FileID}
}

func (c *Board) parse(b []byte, fail func(int, error)) {
	if len(b) < 6 {
		fail(len(b), ErrTruncated)
		return
	}
	c.Language = Language(b[2])
	c.Minutes = uint32(b[3]) | uint32(b[4])<<8 | uint32(b[5])<<16
	wide := func(n int) bool { return !c.Language.English() && n != 2 && n != 4 }
	parseFields(b, 6, c.fields(), &c.Custom, wide, fail)
}

func (c *Board) encode(least int) ([]byte, error) {
	if c.Minutes > maxMinutes {
		return nil, fmt.Errorf("date of manufacture: %d minutes, at most %d", c.Minutes,
			maxMinutes)
	}
	head := []byte{formatVersion, 0, byte(c.Language), byte(c.Minutes), byte(c.Minutes >> 8),
		byte(c.Minutes >> 16)}
	return finishArea(head, c.fields(), c.Custom, least)
}

// maxMinutes is the latest time that 24 bits can hold: 2027-11-24 20:15 UTC.
const maxMinutes = 1<<24 - 1

var epoch = time.Date(1996, 1, 1, 0, 0, 0, 0, time.UTC)

// Made returns when the board was made, and false if the area does not report it.
func (c *Board) Made() (time.Time, bool) {
	return epoch.Add(time.Duration(c.Minutes) * time.Minute), c.Minutes != 0
}

// SetMade sets when the board was made, to the minute. It fails outside 1996-01-01 00:01 to
// 2027-11-24 20:15 UTC, which 24 bits of minutes can hold.
func (c *Board) SetMade(t time.Time) error {
	m := int64(t.Sub(epoch) / time.Minute)
	if m <= 0 || m > maxMinutes {
		return fmt.Errorf("date of manufacture: %v is not between 1996-01-01 and 2027-11-24",
			t.UTC().Format(time.DateOnly))
	}
	c.Minutes = uint32(m)
	return nil
}

// Product is the product info area (Table 12-1).
type Product struct {
	Language     Language
	Manufacturer Field
	Name         Field
	PartNumber   Field
	Version      Field
	SerialNumber Field // always English
	AssetTag     Field
	FileID       Field
	Custom       []Field
	BadChecksum  bool // when it was read
}

func (c *Product) fields() []*Field {
	return []*Field{&c.Manufacturer, &c.Name, &c.PartNumber, &c.Version, &c.SerialNumber,
		&c.AssetTag, &c.FileID}
}

func (c *Product) parse(b []byte, fail func(int, error)) {
	c.Language = Language(b[2])
	wide := func(n int) bool { return !c.Language.English() && n != 4 }
	parseFields(b, 3, c.fields(), &c.Custom, wide, fail)
}

func (c *Product) encode(least int) ([]byte, error) {
	return finishArea([]byte{formatVersion, 0, byte(c.Language)}, c.fields(), c.Custom, least)
}

// finishArea puts the fields after the head of an info area, fills it up to a multiple of 8 bytes,
// at least to least, and sets its length and its checksum.
func finishArea(b []byte, fields []*Field, custom []Field, least int) ([]byte, error) {
	b, err := appendFields(b, allFields(fields, custom))
	if err != nil {
		return nil, err
	}
	size := max((len(b)+1+headerSize-1)&^(headerSize-1), least)
	if size > 0xff*headerSize {
		return nil, fmt.Errorf("%w: %d bytes, an area has at most %d", ErrTooBig, size,
			0xff*headerSize)
	}
	b = append(b, make([]byte, size-len(b))...)
	b[1] = byte(size / headerSize)
	b[size-1] = -sum(b)
	return b, nil
}
