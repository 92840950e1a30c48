package sdr

import (
	"strconv"

	"lom/ipmi"
)

// A Key says which sensor a record describes.
type Key struct {
	Owner   Owner `wire:"byte 1"`
	Channel uint8 `wire:"byte 2, bits 7:4"` // where the owner is
	// for FRU commands of a compact or event-only sensor's entity
	FRULUN uint8 `wire:"bits 3:2"`
	LUN    uint8 `wire:"bits 1:0"` // of the owner, for sensor commands
	Number uint8 `wire:"byte 3"`   // FFh is reserved
}

// An Owner is what answers for a sensor: the slave address of a controller, or a piece of system
// software if bit 0 is set.
type Owner uint8

// BMCAddress is the slave address of the BMC itself.
const BMCAddress Owner = 0x20

// Software says whether the owner is system software, which answers no sensor commands.
func (o Owner) Software() bool { return o&1 != 0 }

// Local says whether the BMC itself owns the sensor.
func (k Key) Local() bool { return k.Owner == BMCAddress && k.Channel == 0 }

// An Entity is the part of a system that a record belongs to (§39).
type Entity struct {
	ID       ipmi.EntityID       `wire:"byte 1"`
	Logical  bool                `wire:"byte 2, bit 7"` // a container of entities
	Instance ipmi.EntityInstance `wire:"bits 6:0"`
}

// Initialization is what is done to a sensor when the system starts (byte 11 of Tables 43-1, 43-2).
type Initialization struct {
	Settable   bool `wire:"byte 1, bit 7"` // Set Sensor Reading works
	Scanning   bool `wire:"bit 6"`
	Events     bool `wire:"bit 5"`
	Thresholds bool `wire:"bit 4"`
	Hysteresis bool `wire:"bit 3"`
	SensorType bool `wire:"bit 2"`
	EventsOn   bool `wire:"bit 1"` // after power-up, before initialization
	ScanningOn bool `wire:"bit 0"`
}

// Access says whether thresholds or the hysteresis can be read and set.
type Access uint8

// Kinds of access.
const (
	AccessNone    Access = 0
	AccessRead    Access = 1
	AccessReadSet Access = 2
	AccessFixed   Access = 3 // unreadable: the record has the values
)

// EventControl says how finely a sensor's events can be switched.
type EventControl uint8

// Kinds of event control.
const (
	ControlPerState EventControl = 0
	ControlSensor   EventControl = 1
	ControlGlobal   EventControl = 2
	ControlNoEvents EventControl = 3
)

// Capabilities is byte 12 of Tables 43-1 and 43-2.
type Capabilities struct {
	// the sensor means nothing while its entity is absent
	IgnoreAbsent bool         `wire:"byte 1, bit 7"`
	AutoRearm    bool         `wire:"bit 6"`
	Hysteresis   Access       `wire:"bits 5:4"`
	Thresholds   Access       `wire:"bits 3:2"`
	Events       EventControl `wire:"bits 1:0"`
}

// Sensor is what full and compact records have in common.
type Sensor struct {
	Key          `wire:"byte 6-8"`
	Entity       Entity          `wire:"byte 9-10"`
	Init         Initialization  `wire:"byte 11"`
	Capabilities Capabilities    `wire:"byte 12"`
	SensorType   ipmi.SensorType `wire:"byte 13"`
	EventType    ipmi.EventType  `wire:"byte 14"`
	// The masks of a discrete sensor are its events by offset and, for Readable, its states. For
	// those of a threshold sensor use the methods.
	Assertions   uint16 `wire:"byte 15-16"`
	Deassertions uint16 `wire:"byte 17-18"`
	Readable     uint16 `wire:"byte 19-20"`
	Units        Units  `wire:"byte 21-23"`
}

// AssertionEvents returns the assertion events that the sensor can make.
func (s *Sensor) AssertionEvents() ipmi.EventMask { return eventMask(s.EventType, s.Assertions) }

// DeassertionEvents returns the deassertion events that the sensor can make.
func (s *Sensor) DeassertionEvents() ipmi.EventMask {
	return eventMask(s.EventType, s.Deassertions)
}

func eventMask(t ipmi.EventType, m uint16) ipmi.EventMask {
	if t.Threshold() {
		return ipmi.EventMask(m & 0x0fff)
	}
	return ipmi.EventMask(m & 0x7fff)
}

// ComparedThresholds returns the thresholds whose state a reading of a threshold sensor reports.
func (s *Sensor) ComparedThresholds() ipmi.ThresholdSet {
	if !s.EventType.Threshold() {
		return 0
	}
	return ipmi.ThresholdSet(s.Assertions>>12&7 | s.Deassertions>>12&7<<3)
}

// ReadableThresholds returns the thresholds that can be read.
func (s *Sensor) ReadableThresholds() ipmi.ThresholdSet {
	if !s.EventType.Threshold() {
		return 0
	}
	return ipmi.ThresholdSet(s.Readable) & ipmi.AllThresholds
}

// SettableThresholds returns the thresholds that can be set.
func (s *Sensor) SettableThresholds() ipmi.ThresholdSet {
	if !s.EventType.Threshold() {
		return 0
	}
	return ipmi.ThresholdSet(s.Readable>>8) & ipmi.AllThresholds
}

// Hysteresis is two unsigned numbers of raw counts; 0 is none.
type Hysteresis struct {
	Positive uint8 `wire:"byte 1"` // below an upper threshold, where its event ends
	Negative uint8 `wire:"byte 2"` // above a lower threshold, where its event ends
}

// Direction says which side of its entity a sensor watches.
type Direction uint8

// Directions.
const (
	DirectionUnspecified Direction = 0
	DirectionInput       Direction = 1
	DirectionOutput      Direction = 2
)

// Full is a full sensor record (Table 43-1).
type Full struct {
	Header        `wire:"byte 1-5"`
	Sensor        `wire:"byte 6-23"`
	Linearization Linearization `wire:"byte 24, bits 6:0"`
	Factors       Factors       `wire:"byte 25-30"`
	// Which of the next three mean something.
	HasNormalMin bool     `wire:"byte 31, bit 2"`
	HasNormalMax bool     `wire:"bit 1"`
	HasNominal   bool     `wire:"bit 0"`
	Nominal      uint8    `wire:"byte 32"` // raw, as all values here
	NormalMax    uint8    `wire:"byte 33"`
	NormalMin    uint8    `wire:"byte 34"`
	Max          uint8    `wire:"byte 35"` // the greatest reading there can be
	Min          uint8    `wire:"byte 36"`
	Thresholds   [6]uint8 `wire:"byte 37-42"` // from upper non-recoverable down; see Threshold
	Hysteresis   `wire:"byte 43-44"`
	OEM          uint8    `wire:"byte 47"`
	Name         IDString `wire:"byte 48-"`
}

// Type returns TypeFull.
func (*Full) Type() Type { return TypeFull }

// Threshold returns the raw value that a threshold is initialized to.
func (f *Full) Threshold(t ipmi.Threshold) uint8 {
	if t > ipmi.UpperNonRecoverable {
		return 0
	}
	return f.Thresholds[5-t]
}

// SetThreshold sets the raw value that a threshold is initialized to.
func (f *Full) SetThreshold(t ipmi.Threshold, raw uint8) {
	if t <= ipmi.UpperNonRecoverable {
		f.Thresholds[5-t] = raw
	}
}

// Analog says whether readings of the sensor are numbers.
func (f *Full) Analog() bool { return f.Units.Format != NotAnalog }

// Conversion returns how raw readings become values. For a sensor that is not linear it holds at
// the nominal reading only: replace its factors with those of Get Sensor Reading Factors.
func (f *Full) Conversion() Conversion {
	return Conversion{Factors: f.Factors, Linearization: f.Linearization, Format: f.Units.Format}
}

// Sharing says how several sensors share a record (§43.2).
type Sharing struct {
	Direction Direction `wire:"byte 1, bits 7:6"`
	Alpha     bool      `wire:"bit 4"`    // the names' ends are letters, not numbers
	Count     uint8     `wire:"bits 3:0"` // of sensors; 0 and 1 are one
	// the entity instance grows with the sensor number
	InstanceGrows bool  `wire:"byte 2, bit 7"`
	Offset        uint8 `wire:"bits 6:0"` // of the first name's end
}

// Compact is a compact sensor record (Table 43-2). It can stand for up to 15 sensors: see Expand.
type Compact struct {
	Header     `wire:"byte 1-5"`
	Sensor     `wire:"byte 6-23"`
	Sharing    Sharing `wire:"byte 24-25"`
	Hysteresis `wire:"byte 26-27"`
	OEM        uint8    `wire:"byte 31"`
	Name       IDString `wire:"byte 32-"`
}

// Type returns TypeCompact.
func (*Compact) Type() Type { return TypeCompact }

// EventOnly is an event-only sensor record (Table 43-3): the sensor cannot be read. It can
// stand for up to 15 sensors: see Expand.
type EventOnly struct {
	Header     `wire:"byte 1-5"`
	Key        `wire:"byte 6-8"`
	Entity     Entity          `wire:"byte 9-10"`
	SensorType ipmi.SensorType `wire:"byte 11"`
	EventType  ipmi.EventType  `wire:"byte 12"`
	Sharing    Sharing         `wire:"byte 13-14"`
	OEM        uint8           `wire:"byte 16"`
	Name       IDString        `wire:"byte 17-"`
}

// Type returns TypeEventOnly.
func (*EventOnly) Type() Type { return TypeEventOnly }

// Expand returns a record for each sensor that shares this one, with its own number, name
// and entity instance. A record that is not shared is returned alone.
func (c *Compact) Expand() []*Compact {
	n := int(c.Sharing.Count)
	if n < 2 {
		return []*Compact{c}
	}
	var out []*Compact
	for i := 0; i < n && int(c.Number)+i < 0xff; i++ {
		x := *c
		x.Number += uint8(i)
		x.Sharing = Sharing{Direction: c.Sharing.Direction, Count: 1}
		x.Name.Text = c.Sharing.name(c.Name.Text, i)
		x.Entity = c.Sharing.entity(c.Entity, i)
		out = append(out, &x)
	}
	return out
}

// Expand is Compact.Expand for event-only sensors.
func (e *EventOnly) Expand() []*EventOnly {
	n := int(e.Sharing.Count)
	if n < 2 {
		return []*EventOnly{e}
	}
	var out []*EventOnly
	for i := 0; i < n && int(e.Number)+i < 0xff; i++ {
		x := *e
		x.Number += uint8(i)
		x.Sharing = Sharing{Direction: e.Sharing.Direction, Count: 1}
		x.Name.Text = e.Sharing.name(e.Name.Text, i)
		x.Entity = e.Sharing.entity(e.Entity, i)
		out = append(out, &x)
	}
	return out
}

// name returns the name of the i-th sensor. Letters count in base 26: A to Z, then AA.
func (s Sharing) name(base string, i int) string {
	n := int(s.Offset) + i
	if !s.Alpha {
		return base + strconv.Itoa(n)
	}
	end := ""
	for n >= 0 {
		end = string(rune('A'+n%26)) + end
		n = n/26 - 1
	}
	return base + end
}

func (s Sharing) entity(e Entity, i int) Entity {
	if s.InstanceGrows {
		e.Instance = (e.Instance + ipmi.EntityInstance(i)) & 0x7f
	}
	return e
}
