package sel

//go:generate go run lom/internal/wiregen

import (
	"fmt"

	"lom/ipmi"
)

// Size is the length of every record in bytes.
const Size = 16

// A RecordType says how a record is laid out (§31.6.1).
type RecordType uint8

// Record types. OEM types are ranges.
const (
	TypeSystemEvent       RecordType = 0x02
	TypeOEMTimestamped    RecordType = 0xc0 // to DFh
	TypeOEMNotTimestamped RecordType = 0xe0 // to FFh
	// what Linux's panic handler writes: 11 characters of its message
	TypeLinuxPanic RecordType = 0xf0
)

// Timestamped reports whether records of the type have a timestamp, which the SEL sets.
func (t RecordType) Timestamped() bool { return t < TypeOEMNotTimestamped }

// OEM reports whether the manufacturer defines what records of the type hold.
func (t RecordType) OEM() bool { return t >= TypeOEMTimestamped }

// String returns the type as two hexadecimal digits.
func (t RecordType) String() string { return fmt.Sprintf("%02x", uint8(t)) }

// A Record is one entry of a SEL (Tables 32-1 to 32-3).
type Record struct {
	ID   uint16     `wire:"byte 1-2"` // 0000h and FFFFh are no record's
	Type RecordType `wire:"byte 3"`
	Body [13]byte   `wire:"byte 4-16"` // see Event, OEMEvent and Timestamp
}

// Bytes returns the record as it is stored.
func (r Record) Bytes() [Size]byte {
	out := [Size]byte{byte(r.ID), byte(r.ID >> 8), byte(r.Type)}
	copy(out[3:], r.Body[:])
	return out
}

// Timestamp returns when the record was logged, and false if its type has no timestamp.
func (r Record) Timestamp() (ipmi.Timestamp, bool) {
	b := r.Body
	return ipmi.Timestamp(b[0]) | ipmi.Timestamp(b[1])<<8 | ipmi.Timestamp(b[2])<<16 |
		ipmi.Timestamp(b[3])<<24, r.Type.Timestamped()
}

// WithTimestamp returns the record as a SEL logs it at t: records without a timestamp stay as they
// are.
func (r Record) WithTimestamp(t ipmi.Timestamp) Record {
	if r.Type.Timestamped() {
		r.Body[0], r.Body[1], r.Body[2], r.Body[3] = byte(t), byte(t>>8), byte(t>>16), byte(t>>24)
	}
	return r
}

// Event returns the event that the record reports, and false for OEM records. Record types
// below C0h that are not defined are read as events too.
func (r Record) Event() (Event, bool) {
	var e Event
	if r.Type.OEM() {
		return e, false
	}
	return e, e.UnmarshalBinary(r.Body[:]) == nil
}

// OEMEvent returns the contents of a timestamped OEM record, and false for others.
func (r Record) OEMEvent() (OEMEvent, bool) {
	var e OEMEvent
	if !r.Type.OEM() || !r.Type.Timestamped() {
		return e, false
	}
	return e, e.UnmarshalBinary(r.Body[:]) == nil
}

// OEMEvent is the body of a timestamped OEM record (Table 32-2).
type OEMEvent struct {
	Timestamp    ipmi.Timestamp      `wire:"byte 1-4"`
	Manufacturer ipmi.ManufacturerID `wire:"byte 5-7"`
	Data         [6]byte             `wire:"byte 8-13"`
}
