package sdr

import (
	"fmt"

	"lom/ipmi"
)

//go:generate go run lom/internal/wiregen

// A Type is the record type: it says which table of §43 describes a record.
type Type uint8

// Record types.
const (
	TypeFull           Type = 0x01
	TypeCompact        Type = 0x02
	TypeEventOnly      Type = 0x03
	TypeEntity         Type = 0x08 // entity association
	TypeDeviceEntity   Type = 0x09 // device-relative entity association
	TypeGenericLocator Type = 0x10
	TypeFRULocator     Type = 0x11
	TypeMCLocator      Type = 0x12
	TypeMCConfirmation Type = 0x13
	TypeMessageChannel Type = 0x14
	TypeOEM            Type = 0xc0
)

const (
	headerLength              = 5
	versionIPMI15        byte = 0x51 // of records, BCD with the digits swapped
	versionMessageRecord byte = 0x01
)

// String returns a short name of the type.
func (t Type) String() string {
	switch t {
	case TypeFull:
		return "full sensor"
	case TypeCompact:
		return "compact sensor"
	case TypeEventOnly:
		return "event-only sensor"
	case TypeEntity:
		return "entity association"
	case TypeDeviceEntity:
		return "device-relative entity association"
	case TypeGenericLocator:
		return "generic device locator"
	case TypeFRULocator:
		return "FRU device locator"
	case TypeMCLocator:
		return "management controller locator"
	case TypeMCConfirmation:
		return "management controller confirmation"
	case TypeMessageChannel:
		return "BMC message channel info"
	case TypeOEM:
		return "OEM"
	}
	return fmt.Sprintf("type %02Xh", uint8(t))
}

// A Header begins every record. Writers fill in RecordType and Length.
type Header struct {
	ID         uint16 `wire:"byte 1-2"` // of the record in its repository
	Version    uint8  `wire:"byte 3"`   // 51h for IPMI 1.5 and 2.0; 0 is written as that
	RecordType Type   `wire:"byte 4"`
	Length     uint8  `wire:"byte 5"` // bytes after the header
}

// RecordHeader returns the header.
func (h *Header) RecordHeader() *Header { return h }

// A Record is one of the record types of this package, as a pointer.
type Record interface {
	RecordHeader() *Header
	Type() Type
	AppendBinary(b []byte) ([]byte, error)
	UnmarshalBinary(b []byte) error
}

// Append appends the record to b, with the type and the length that its header must have.
func Append(b []byte, r Record) ([]byte, error) {
	o := len(b)
	b, err := r.AppendBinary(b)
	if err != nil {
		return b[:o], err
	}
	n := len(b) - o - headerLength
	if n > 255 {
		return b[:o], &ipmi.RangeError{Field: "Header.Length", Value: n, Max: 255}
	}
	b[o+3], b[o+4] = byte(r.Type()), byte(n)
	if b[o+2] == 0 {
		b[o+2] = versionIPMI15
		if r.Type() == TypeMessageChannel {
			b[o+2] = versionMessageRecord
		}
	}
	return b, nil
}

// ParseHeader reads the header alone.
func ParseHeader(b []byte) (Header, error) {
	var h Header
	err := h.UnmarshalBinary(b)
	return h, err
}

// Parse reads one record. What follows the length that the header says is ignored; a record that is
// shorter than its header says is read as far as it goes, if that is far enough: such records
// exist. A record of a type that §43 does not know is a *Raw.
func Parse(b []byte) (Record, error) {
	h, err := ParseHeader(b)
	if err != nil {
		return nil, err
	}
	if n := headerLength + int(h.Length); len(b) > n {
		b = b[:n]
	}
	r := newRecord(h.RecordType)
	if err := r.UnmarshalBinary(b); err != nil {
		return nil, err
	}
	return r, nil
}

func newRecord(t Type) Record {
	switch t {
	case TypeFull:
		return &Full{}
	case TypeCompact:
		return &Compact{}
	case TypeEventOnly:
		return &EventOnly{}
	case TypeEntity:
		return &EntityAssociation{}
	case TypeDeviceEntity:
		return &DeviceEntityAssociation{}
	case TypeGenericLocator:
		return &GenericLocator{}
	case TypeFRULocator:
		return &FRULocator{}
	case TypeMCLocator:
		return &MCLocator{}
	case TypeMCConfirmation:
		return &MCConfirmation{}
	case TypeMessageChannel:
		return &MessageChannel{}
	case TypeOEM:
		return &OEM{}
	}
	return &Raw{}
}

// ParseAll reads records that stand one after the other, as a dump of a repository has them. It
// returns those before the first that cannot be read with the error.
func ParseAll(b []byte) ([]Record, error) {
	var out []Record
	for len(b) > 0 {
		h, err := ParseHeader(b)
		if err != nil {
			return out, err
		}
		n := headerLength + int(h.Length)
		if len(b) < n {
			return out, &ipmi.LengthError{Message: "record", Got: len(b), Want: n}
		}
		r, err := Parse(b[:n])
		if err != nil {
			return out, err
		}
		out, b = append(out, r), b[n:]
	}
	return out, nil
}

// Raw is a record of a type that this package does not know.
type Raw struct {
	Header `wire:"byte 1-5"`
	Body   []byte `wire:"byte 6-"`
}

// Type returns the type in the header.
func (r *Raw) Type() Type { return r.RecordType }

// OEM is a record that its manufacturer defines (Table 43-11).
type OEM struct {
	Header       `wire:"byte 1-5"`
	Manufacturer ipmi.Manufacturer `wire:"byte 6-8"` // 0 if unspecified
	Data         []byte            `wire:"byte 9-"`
}

// Type returns TypeOEM.
func (*OEM) Type() Type { return TypeOEM }
