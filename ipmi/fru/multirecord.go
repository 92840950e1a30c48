package fru

import (
	"encoding"
	"errors"
	"fmt"
)

// A RecordType is what a record of the multirecord area holds (Table 16-2).
type RecordType uint8

// Record types. From RecordOEM on they belong to manufacturers.
const (
	RecordPowerSupply           RecordType = 0x00
	RecordDCOutput              RecordType = 0x01
	RecordDCLoad                RecordType = 0x02
	RecordManagementAccess      RecordType = 0x03
	RecordBaseCompatibility     RecordType = 0x04
	RecordExtendedCompatibility RecordType = 0x05
	RecordASFFixedSMBus         RecordType = 0x06
	RecordASFLegacyAlerts       RecordType = 0x07
	RecordASFRemoteControl      RecordType = 0x08
	RecordExtendedDCOutput      RecordType = 0x09
	RecordExtendedDCLoad        RecordType = 0x0a
	RecordNVMeFirst             RecordType = 0x0b // to 0Fh: the NVM Express working group's
	RecordNVMeLast              RecordType = 0x0f
	RecordOEM                   RecordType = 0xc0
)

var recordNames = [...]string{"Power Supply Information", "DC Output", "DC Load",
	"Management Access",
	"Base Compatibility", "Extended Compatibility", "ASF Fixed SMBus Device",
	"ASF Legacy-Device Alerts",
	"ASF Remote Control", "Extended DC Output", "Extended DC Load"}

// String returns the type's name.
func (t RecordType) String() string {
	switch {
	case int(t) < len(recordNames):
		return recordNames[t]
	case t <= RecordNVMeLast:
		return fmt.Sprintf("NVM Express (%#02x)", uint8(t))
	case t >= RecordOEM:
		return fmt.Sprintf("OEM (%#02x)", uint8(t))
	}
	return fmt.Sprintf("reserved (%#02x)", uint8(t))
}

// A Record is one record of the multirecord area (Table 16-1).
type Record struct {
	Type        RecordType
	Version     uint8  // of the record's format: 2, see [NewRecord]
	Data        []byte // at most 255 bytes
	BadChecksum bool   // of the data, when it was read
}

// recordVersion is the format version of all record types so far (§16.2.3).
const recordVersion = 2

const (
	recordHeader = 5
	endOfList    = 0x80
)

// Value returns what the record says: a [PowerSupply], [DCOutput], [DCLoad], [ExtendedDCOutput],
// [ExtendedDCLoad], [ManagementAccess], [Compatibility] or [OEM], or the bytes of Data if the type
// is none of these. The error is an *ipmi.LengthError if the record is shorter than its type needs.
func (r Record) Value() (any, error) {
	switch r.Type {
	case RecordPowerSupply:
		return value(r.Data, &PowerSupply{})
	case RecordDCOutput:
		return value(r.Data, &DCOutput{})
	case RecordDCLoad:
		return value(r.Data, &DCLoad{})
	case RecordExtendedDCOutput:
		v, err := value(r.Data, &DCOutput{})
		return ExtendedDCOutput{v}, err
	case RecordExtendedDCLoad:
		v, err := value(r.Data, &DCLoad{})
		return ExtendedDCLoad{v}, err
	case RecordManagementAccess:
		return value(r.Data, &ManagementAccess{})
	case RecordBaseCompatibility, RecordExtendedCompatibility:
		return value(r.Data, &Compatibility{})
	}
	if r.Type >= RecordOEM {
		return value(r.Data, &OEM{})
	}
	return r.Data, nil
}

func value[T any, P interface {
	*T
	encoding.BinaryUnmarshaler
}](b []byte, v P) (T, error) {
	err := v.UnmarshalBinary(b)
	return *v, err
}

// NewRecord makes a record of type t of its value.
func NewRecord(t RecordType, v encoding.BinaryAppender) (Record, error) {
	data, err := v.AppendBinary(nil)
	return Record{Type: t, Version: recordVersion, Data: data}, err
}

// errList marks the errors that hide the end of the list.
var errList = errors.New("the rest of the list cannot be found")

// parseRecords reads the list of records at the beginning of b, which begins at byte at of the
// image, and returns how many bytes it takes. It stops at a header with a bad checksum, because its
// length cannot be trusted.
func parseRecords(b []byte, at int) (recs []Record, size int, err error) {
	var bad error
	for pos := 0; ; {
		if len(b)-pos < recordHeader {
			return recs, pos, &Error{MultiRecordArea, at + len(b),
				fmt.Errorf("record %d: %w; %w", len(recs)+1, ErrTruncated, errList)}
		}
		h := b[pos : pos+recordHeader]
		if sum(h) != 0 {
			return recs, pos, &Error{MultiRecordArea, at + pos,
				fmt.Errorf("header of record %d: %w; %w", len(recs)+1, ErrChecksum, errList)}
		}
		data := b[pos+recordHeader:]
		n := int(h[2])
		if n > len(data) {
			return recs, pos, &Error{MultiRecordArea, at + len(b),
				fmt.Errorf("record %d: %w; %w", len(recs)+1, ErrTruncated, errList)}
		}
		data = data[:n:n]
		r := Record{Type: RecordType(h[0]), Version: h[1] & 0x0f, Data: data,
			BadChecksum: sum(data)+h[3] != 0}
		recs = append(recs, r)
		if r.BadChecksum && bad == nil {
			bad = &Error{MultiRecordArea, at + pos,
				fmt.Errorf("record %d: %w", len(recs), ErrChecksum)}
		}
		pos += recordHeader + n
		if h[1]&endOfList != 0 {
			return recs, pos, bad
		}
	}
}

func encodeRecords(recs []Record) ([]byte, error) {
	var b []byte
	for i, r := range recs {
		if len(r.Data) > 0xff {
			return nil, fmt.Errorf("record %d: %d bytes, at most 255", i+1, len(r.Data))
		}
		format := r.Version & 0x0f
		if i == len(recs)-1 {
			format |= endOfList
		}
		h := [recordHeader]byte{byte(r.Type), format, byte(len(r.Data)), -sum(r.Data)}
		h[4] = -sum(h[:4])
		b = append(append(b, h[:]...), r.Data...)
	}
	return b, nil
}
