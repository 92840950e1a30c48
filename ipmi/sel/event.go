package sel

import (
	"fmt"

	"lom/ipmi"
)

// An Event is the body of a system event record (Table 32-1).
type Event struct {
	Timestamp   ipmi.Timestamp  `wire:"byte 1-4"`
	Generator   GeneratorID     `wire:"byte 5-6"`
	Revision    uint8           `wire:"byte 7"` // of the event message: ipmi.EventRevision
	SensorType  ipmi.SensorType `wire:"byte 8"`
	Sensor      uint8           `wire:"byte 9"` // number
	Deassertion bool            `wire:"byte 10, bit 7"`
	Type        ipmi.EventType  `wire:"bits 6:0"`
	Data        [3]byte         `wire:"byte 11-13"` // see Offset, Use2 and Use3
}

// Record makes a record of the event. The SEL gives it its ID and its time.
func (e Event) Record() (Record, error) {
	r := Record{Type: TypeSystemEvent}
	b, err := e.AppendBinary(nil)
	copy(r.Body[:], b)
	return r, err
}

// A GeneratorID says who generated an event: the first byte of the record is its low one.
type GeneratorID uint16

// GeneratorBMC is the generator ID of the BMC's own sensors.
const GeneratorBMC GeneratorID = 0x0020

// Software reports whether system software, and not a controller, generated the event.
func (g GeneratorID) Software() bool { return g&1 != 0 }

// Address is the slave address of the controller, or the 7-bit ID of the software.
func (g GeneratorID) Address() uint8 {
	if g.Software() {
		return uint8(g) >> 1
	}
	return uint8(g)
}

// LUN is the controller's logical unit.
func (g GeneratorID) LUN() uint8 { return uint8(g>>8) & 3 }

// Channel is the channel that the event message came over.
func (g GeneratorID) Channel() uint8 { return uint8(g >> 12) }

// Use says what the second or third byte of event data holds (Table 29-6).
type Use uint8

// Uses of event data.
const (
	UseNone Use = 0 // nothing
	// byte 2 of a threshold event: the reading; of another: the state before and a severity. Byte
	// 3: the threshold
	UseReading   Use = 1
	UseOEM       Use = 2
	UseExtension Use = 3 // defined by the sensor type
)

// Offset returns which state of the event's type was asserted or deasserted.
func (e Event) Offset() uint8 { return e.Data[0] & 0x0f }

// Use2 returns what event data 2 holds.
func (e Event) Use2() Use { return Use(e.Data[0] >> 6) }

// Use3 returns what event data 3 holds.
func (e Event) Use3() Use { return Use(e.Data[0] >> 4 & 3) }

// Trigger returns the raw reading that triggered a threshold event, and false if the event does not
// tell.
func (e Event) Trigger() (raw uint8, ok bool) {
	return e.Data[1], e.Type.Threshold() && e.Use2() == UseReading
}

// Limit returns the raw threshold that was crossed, and false if the event does not report it.
func (e Event) Limit() (raw uint8, ok bool) {
	return e.Data[2], e.Type.Threshold() && e.Use3() == UseReading
}

// Rising reports whether the reading of a threshold event went up: an event that is deasserted goes
// the other way than its words say.
func (e Event) Rising() bool { return e.Offset()%2 == 1 != e.Deassertion }

// State returns the state that the event is about, and false if the tables have none. Some
// states have closer words when event data 2 is given.
func (e Event) State() (ipmi.EventState, bool) {
	if e.Use2() != UseNone {
		return ipmi.LookupEvent(e.Type, e.SensorType, e.Offset(), e.Data[1])
	}
	return ipmi.LookupState(e.Type, e.SensorType, e.Offset())
}

// String returns the words of the event's state as ipmitool prints them, a blank at the end
// included: "Upper Critical going high". There are none for the events that manufacturers define.
func (e Event) String() string {
	st, _ := e.State()
	return st.Words
}

// Direction returns "Asserted" or "Deasserted".
func (e Event) Direction() string {
	if e.Deassertion {
		return "Deasserted"
	}
	return "Asserted"
}

// Class returns what kind of event/reading type the event has (Table 42-1), in ipmitool's words.
func (e Event) Class() string {
	switch t := e.Type; {
	case t == ipmi.EventUnspecified:
		return "Unspecified"
	case t.Threshold():
		return "Threshold"
	// ipmitool's table ends at 0Bh: type 0Ch is reserved to it.
	case t > ipmi.EventThreshold && t <= ipmi.EventRedundancy:
		return "Generic Discrete"
	case t == ipmi.EventSensorSpecific:
		return "Sensor-specific Discrete"
	case t.OEM():
		return "OEM"
	}
	return "Reserved"
}

// unspecifiedNibble stands in event data 2 for a severity or a state before that is not told.
const unspecifiedNibble = 0x0f

// Details returns in words what event data 2 and 3 say beyond the state (Tables 29-6 and 42-3), one
// item for each thing. Raw readings and thresholds are not among it: they need the sensor's
// record, see Trigger and Limit.
func (e Event) Details() []string {
	var out []string
	if e.Use2() == UseReading && !e.Type.Threshold() {
		if s := e.Data[1] >> 4; s != unspecifiedNibble {
			if w := ipmi.EventWords(ipmi.EventSeverity, e.SensorType, s); w != "" {
				out = append(out, "Severity: "+w)
			}
		}
		if s := e.Data[1] & 0x0f; s != unspecifiedNibble {
			if w := ipmi.EventWords(e.Type, e.SensorType, s); w != "" {
				out = append(out, "Previous state: "+w)
			}
		}
	}
	for i, use := range [...]Use{e.Use2(), e.Use3()} {
		n := i + 2
		switch {
		case use == UseOEM:
			out = append(out, fmt.Sprintf("OEM event data %d: %02xh", n, e.Data[i+1]))
		case use == UseExtension && e.Type == ipmi.EventSensorSpecific:
			for _, f := range ipmi.EventDataFields(e.SensorType, e.Offset()) {
				v := f.Value(e.Data[1], e.Data[2])
				if int(f.Byte) == n && !(f.Flag() && v == 0) {
					out = append(out, f.Text(v))
				}
			}
		}
	}
	return out
}
