package ipmi

// An EventMask is a set of a sensor's events. Bit n is offset n of a discrete
// sensor (0 to 14) or of a threshold sensor's events (0 to 11, Table 42-2).
type EventMask uint16

// Has reports whether the event of the offset is in the set.
func (m EventMask) Has(offset uint8) bool { return offset < 15 && m>>offset&1 != 0 }

// An EventEnableChange is what Set Sensor Event Enable does with the events it names.
type EventEnableChange uint8

// Changes.
const (
	KeepEvents    EventEnableChange = 0
	EnableEvents  EventEnableChange = 1
	DisableEvents EventEnableChange = 2
)

// SetSensorEventEnable is the Set Sensor Event Enable command (§35.10).
type SetSensorEventEnable struct {
	Sensor       uint8             `wire:"byte 1"`
	Events       bool              `wire:"byte 2, bit 7"` // false: no event messages at all
	Scanning     bool              `wire:"bit 6"`         // false: the sensor is off
	Change       EventEnableChange `wire:"bits 5:4"`
	Assertions   EventMask         `wire:"byte 3-4, optional, cut"`
	Deassertions EventMask         `wire:"byte 5-6, optional, cut"`
}

// GetSensorEventEnable is the Get Sensor Event Enable command (§35.11).
type GetSensorEventEnable struct {
	Sensor uint8 `wire:"byte 1"`
}

// SensorEventEnable is its response (Table 35-11). Bytes that the controller left out are nil.
type SensorEventEnable struct {
	Events       bool       `wire:"byte 2, bit 7"`
	Scanning     bool       `wire:"bit 6"`
	Assertions   *EventMask `wire:"byte 3-4, optional, cut"`
	Deassertions *EventMask `wire:"byte 5-6, optional, cut"`
}

// RearmSensorEvents is the Re-arm Sensor Events command (§35.12).
type RearmSensorEvents struct {
	Sensor       uint8     `wire:"byte 1"`
	Selected     bool      `wire:"byte 2, bit 7"` // false: all events
	Assertions   EventMask `wire:"byte 3-4, optional, cut"`
	Deassertions EventMask `wire:"byte 5-6, optional, cut"`
}

// GetSensorEventStatus is the Get Sensor Event Status command (§35.13).
type GetSensorEventStatus struct {
	Sensor uint8 `wire:"byte 1"`
}

// SensorEventStatus is its response (Table 35-14). Bytes that the controller left out are nil.
type SensorEventStatus struct {
	EventsEnabled bool       `wire:"byte 2, bit 7"`
	Scanning      bool       `wire:"bit 6"`
	Unavailable   bool       `wire:"bit 5"` // no status yet since the last re-arm, or no sensor
	Assertions    *EventMask `wire:"byte 3-4, optional, cut"`
	Deassertions  *EventMask `wire:"byte 5-6, optional, cut"`
}

// SetSensorReading is the Set Sensor Reading And Event Status command (§35.17),
// for sensors whose reading comes from software.
type SetSensorReading struct {
	Sensor        uint8            `wire:"byte 1"`
	EventDataUse  EventDataUse     `wire:"byte 2, bits 7:6"`
	AssertionOp   EventStatusWrite `wire:"bits 5:4"`
	DeassertionOp EventStatusWrite `wire:"bits 3:2"`
	WriteReading  bool             `wire:"bit 0"`
	Reading       uint8            `wire:"byte 3, optional"` // raw
	Assertions    *EventMask       `wire:"byte 4-5, optional, cut"`
	Deassertions  *EventMask       `wire:"byte 6-7, optional, cut"`
	// of events of the sensor to come
	EventData *[3]byte `wire:"byte 8-10, optional, cut"`
}

// An EventStatusWrite says what a mask does to the event status.
type EventStatusWrite uint8

// Ways to write event status.
const (
	KeepStatus  EventStatusWrite = 0
	WriteStatus EventStatusWrite = 1
	SetStatus   EventStatusWrite = 2 // bits that are 1 become 1
	ClearStatus EventStatusWrite = 3 // bits that are 0 become 0
)

// An EventDataUse says what happens to given event data bytes.
type EventDataUse uint8

// Uses of event data.
const (
	GenerateEventData EventDataUse = 0 // the BMC makes its own
	WriteEventData    EventDataUse = 1 // as given
	// as given, but the BMC sets the offset in bits 3:0 of byte 1
	WriteEventDataButOff EventDataUse = 2
)
