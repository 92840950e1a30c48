package pet

import (
	"time"

	"lom/ipmi"
)

//go:generate go run lom/internal/wiregen

// Event is what a trap says in its variable binding (PET 1.0, and Table 17-7 of IPMI 2.0). Its
// numbers go over the network most significant byte first.
type Event struct {
	// of the system, as Get System GUID returns it
	GUID     ipmi.GUID `wire:"byte 1-16"`
	Sequence uint16    `wire:"byte 17-18, msb"` // the same in repetitions of a trap
	Time     Timestamp `wire:"byte 19-22, msb"`
	// minutes to add to UTC, -720 to 720, or UTCOffsetUnspecified
	UTCOffset int16 `wire:"byte 23-24, msb"`
	// class of who sent the trap: SourceBMC
	TrapSource uint8 `wire:"byte 25"`
	// class of who generated the event: SourceBMC, SourceSoftware
	EventSource uint8            `wire:"byte 26"`
	Severity    ipmi.PEFSeverity `wire:"byte 27"`
	// slave address or software ID of the generator
	SensorDevice   uint8               `wire:"byte 28"`
	Sensor         uint8               `wire:"byte 29"` // number
	Entity         ipmi.EntityID       `wire:"byte 30"` // 0: unspecified
	EntityInstance ipmi.EntityInstance `wire:"byte 31"`
	Data           [8]byte             `wire:"byte 32-39"` // event data 1-3; the others are 0
	// of Custom, as in a FRU; LanguageUnspecified
	Language uint8 `wire:"byte 40"`
	// enterprise number of the system's maker
	Manufacturer uint32 `wire:"byte 41-44, msb"`
	// the maker's number of the kind of system
	System uint16 `wire:"byte 45-46, msb"`
	// fields of FRU type/length bytes, up to C1h; at most 64 bytes
	Custom []byte `wire:"byte 47-"`
}

// Sources of traps and events.
const (
	SourceBMC      uint8 = 0x20
	SourceSoftware uint8 = 0x21 // events of system software
)

// What is not said.
const (
	UTCOffsetUnspecified int16 = -1
	LanguageUnspecified  uint8 = 0xff
)

// A Timestamp is the local time of an event: seconds since 1998-01-01 00:00. 0 is unspecified.
type Timestamp uint32

// epoch is the time that a Timestamp counts from, as an [ipmi.Timestamp].
const epoch ipmi.Timestamp = 883612800

// TimestampOf makes a Timestamp of the time of a SEL record. One that counts from the start of
// the BMC, or is unspecified, gives 0.
func TimestampOf(t ipmi.Timestamp) Timestamp {
	if t < epoch || t == ipmi.TimestampUnspecified {
		return 0
	}
	return Timestamp(t - epoch)
}

// Clock returns the time that the sender's clock showed, as if that were UTC.
func (t Timestamp) Clock() time.Time { return time.Unix(int64(epoch)+int64(t), 0).UTC() }

// Type/length bytes of the custom fields (§17.16.1).
const (
	fieldMulti = 0x80
	fieldEnd   = 0xc1

	recordText  = 0x01 // type of a multirecord: text alert string
	recordASCII = 0x40 // its encoding, in the bits above the length
	maxText     = 63   // bytes
	maxCustom   = 64
)

// CustomText returns custom fields that hold a text alert string (Table 17-8), or none if the
// text is empty. The text is cut to what fits.
func CustomText(text string) []byte {
	if text == "" {
		return []byte{fieldEnd}
	}
	text = text[:min(len(text), maxText, maxCustom-4)]
	b := append([]byte{fieldMulti, recordASCII | byte(len(text)), recordText}, text...)
	return append(b, fieldEnd)
}

// Text returns the text alert string among the custom fields, "" if there is none.
func (e Event) Text() string {
	for b := e.Custom; len(b) > 0 && b[0] != fieldEnd; {
		if b[0] != fieldMulti {
			b = b[min(len(b), 1+int(b[0]&0x3f)):]
			continue
		}
		if len(b) < 3 || len(b) < 3+int(b[1]&0x3f) {
			return ""
		}
		data := b[3 : 3+int(b[1]&0x3f)]
		if b[2]&0xf == recordText && b[1]&0xc0 <= recordASCII {
			return string(data)
		}
		b = b[3+len(data):]
	}
	return ""
}
