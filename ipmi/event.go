package ipmi

// EventsOff as the event receiver's address switches event messages off.
const EventsOff uint8 = 0xff

// SetEventReceiver is the Set Event Receiver command (§29.1). It re-arms all sensors too.
type SetEventReceiver struct {
	Address uint8 `wire:"byte 1"` // slave address, or EventsOff
	LUN     uint8 `wire:"byte 2, bits 1:0"`
}

// GetEventReceiver is the Get Event Receiver command (§29.2).
type GetEventReceiver struct{}

// EventReceiver is its response (Table 29-3).
type EventReceiver struct {
	Address uint8 `wire:"byte 2"` // slave address, or EventsOff
	LUN     uint8 `wire:"byte 3, bits 1:0"`
}

// PlatformEvent is the Platform Event command (§29.3), also called Event Message. It has two forms:
// from the system interface it says who generated the event; from IPMB and LAN it does not, and
// the requester's address is the generator.
type PlatformEvent struct {
	Generator   *uint8 // bit 0 is 1 and bits 7:1 are the software's ID; nil in the IPMB form
	Revision    uint8  // of the format: EventRevision, or 03h from IPMI 1.0
	SensorType  SensorType
	Sensor      uint8 // number
	Deassertion bool
	EventType   EventType // 7 bits
	Data        [3]byte   // FFh where not given
}

// EventRevision is the present revision of the event message format.
const EventRevision uint8 = 0x04

// AppendBinary appends the message to b.
func (m PlatformEvent) AppendBinary(b []byte) ([]byte, error) {
	if m.EventType > 0x7f {
		return b, &RangeError{Field: "PlatformEvent.EventType", Value: m.EventType, Max: 0x7f}
	}
	if m.Generator != nil {
		b = append(b, *m.Generator)
	}
	dir := uint8(m.EventType)
	if m.Deassertion {
		dir |= 0x80
	}
	return append(b, m.Revision, uint8(m.SensorType), m.Sensor, dir, m.Data[0], m.Data[1],
		m.Data[2]), nil
}

// WireSize returns the least and the greatest length of the message in bytes.
func (PlatformEvent) WireSize() (least, greatest int) { return 5, 8 }

// UnmarshalBinary reads the message from b. Eight bytes are the form with a generator;
// fewer are so only if the second byte, and not the first, is a known revision: the last
// two bytes of event data may be missing.
func (m *PlatformEvent) UnmarshalBinary(b []byte) error {
	known := func(rev uint8) bool { return rev == EventRevision || rev == 0x03 }
	e := PlatformEvent{Data: [3]byte{0xff, 0xff, 0xff}}
	if len(b) >= 8 || len(b) >= 6 && known(b[1]) && !known(b[0]) {
		e.Generator, b = &[]uint8{b[0]}[0], b[1:]
	}
	if len(b) < 5 {
		return &LengthError{Message: "PlatformEvent", Got: len(b), Want: 5}
	}
	e.Revision, e.SensorType, e.Sensor = b[0], SensorType(b[1]), b[2]
	e.Deassertion, e.EventType = b[3]&0x80 != 0, EventType(b[3]&0x7f)
	copy(e.Data[:], b[4:])
	*m = e
	return nil
}
