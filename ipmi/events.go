package ipmi

import "fmt"

//go:generate go run lom/internal/tablegen

// A SensorType says what a sensor measures or watches (Table 42-3).
type SensorType uint8

// Sensor types that programs ask for by name; events.txt has them all.
const (
	SensorTemperature          SensorType = 0x01
	SensorVoltage              SensorType = 0x02
	SensorCurrent              SensorType = 0x03
	SensorFan                  SensorType = 0x04
	SensorPhysicalSecurity     SensorType = 0x05
	SensorPlatformSecurity     SensorType = 0x06
	SensorProcessor            SensorType = 0x07
	SensorPowerSupply          SensorType = 0x08
	SensorPowerUnit            SensorType = 0x09
	SensorCoolingDevice        SensorType = 0x0a
	SensorOther                SensorType = 0x0b
	SensorMemory               SensorType = 0x0c
	SensorDriveSlot            SensorType = 0x0d
	SensorFirmwareProgress     SensorType = 0x0f
	SensorEventLoggingDisabled SensorType = 0x10
	SensorSystemEvent          SensorType = 0x12
	SensorCriticalInterrupt    SensorType = 0x13
	SensorButton               SensorType = 0x14
	SensorBootInitiated        SensorType = 0x1d
	SensorBootError            SensorType = 0x1e
	SensorOSBoot               SensorType = 0x1f
	SensorOSStop               SensorType = 0x20
	SensorSlot                 SensorType = 0x21
	SensorACPIPowerState       SensorType = 0x22
	SensorWatchdog2            SensorType = 0x23
	SensorEntityPresence       SensorType = 0x25
	SensorBattery              SensorType = 0x29
	SensorSessionAudit         SensorType = 0x2a
	SensorVersionChange        SensorType = 0x2b
)

// String returns the type's name as ipmitool's sdr type list has it, and
// "Unknown" for a type that the table lacks.
func (t SensorType) String() string {
	if s := sensorTypeNames[t]; s != "" {
		return s
	}
	if t == 0 {
		return "reserved"
	}
	return "Unknown"
}

// Known says whether Table 42-3 names the type.
func (t SensorType) Known() bool { return sensorTypeNames[t] != "" }

// An EventType is an event/reading type code (Table 42-1): it says what the
// offsets of a sensor's states and events mean.
type EventType uint8

// Event/reading types.
const (
	EventUnspecified    EventType = 0x00
	EventThreshold      EventType = 0x01
	EventDigital        EventType = 0x03
	EventPredictive     EventType = 0x04
	EventLimit          EventType = 0x05
	EventPerformance    EventType = 0x06
	EventSeverity       EventType = 0x07
	EventPresence       EventType = 0x08
	EventEnabled        EventType = 0x09
	EventAvailability   EventType = 0x0a
	EventRedundancy     EventType = 0x0b
	EventDevicePower    EventType = 0x0c
	EventSensorSpecific EventType = 0x6f
)

// Threshold says whether the type is that of sensors with thresholds.
func (t EventType) Threshold() bool { return t == EventThreshold }

// Generic says whether Table 42-2 lists the type's states.
func (t EventType) Generic() bool { return t >= 0x01 && t <= 0x0c }

// OEM says whether the manufacturer defines the type's states.
func (t EventType) OEM() bool { return t >= 0x70 && t <= 0x7f }

// String returns a word for the type, such as "redundancy".
func (t EventType) String() string {
	switch s := eventTypeNames[t]; {
	case s != "":
		return s
	case t.OEM():
		return fmt.Sprintf("OEM 0x%02x", uint8(t))
	}
	return fmt.Sprintf("unknown 0x%02x", uint8(t))
}

// A Severity is what a state means for the health of a system.
type Severity uint8

// Severities, in rising order.
const (
	SeverityUnknown Severity = iota
	Nominal
	Warning
	Critical
)

// String returns FreeIPMI's word for the severity.
func (s Severity) String() string {
	switch s {
	case Nominal:
		return "Nominal"
	case Warning:
		return "Warning"
	case Critical:
		return "Critical"
	}
	return "Unknown"
}

// An EventState is one state (offset) of an event/reading type.
type EventState struct {
	Words    string // as ipmitool prints them, a blank at the end included
	Severity Severity
	Added    bool // ipmitool has no words for the state: it prints none
}

// stateKey finds a state; sensor is 0 for a generic type, data2 -1 for any.
type stateKey struct {
	event  EventType
	sensor SensorType
	offset uint8
	data2  int16
}

// LookupState returns the state at an offset (0-15) of a sensor's event/reading type (Tables
// 42-2 and 42-3), and whether there is one. OEM types have none.
func LookupState(t EventType, s SensorType, offset uint8) (EventState, bool) {
	return lookupState(t, s, offset, -1)
}

// LookupEvent is LookupState for an event whose second data byte is known: some
// states have closer words then.
func LookupEvent(t EventType, s SensorType, offset, data2 uint8) (EventState, bool) {
	if st, ok := lookupState(t, s, offset, int16(data2)); ok {
		return st, true
	}
	return lookupState(t, s, offset, -1)
}

func lookupState(t EventType, s SensorType, offset uint8, data2 int16) (EventState, bool) {
	k := stateKey{t, s, offset, data2}
	if t != EventSensorSpecific {
		k.sensor = 0
	}
	st, ok := eventStates[k]
	if sev, has := severityOverrides[stateKey{t, s, offset, -1}]; ok && has {
		st.Severity = sev
	}
	return st, ok
}

// EventWords returns the words for a state, and "" when the tables have none.
func EventWords(t EventType, s SensorType, offset uint8) string {
	st, _ := LookupState(t, s, offset)
	return st.Words
}

// An EventDataField is a bit field of the second or third data byte of an
// event of the sensor-specific type, which says more about it (Table 42-3).
type EventDataField struct {
	Sensor    SensorType
	Offsets   uint16 // the states it belongs to: bit n for offset n
	Byte      uint8  // 2 or 3
	High, Low uint8  // its bits
	Label     string
	Words     map[uint8]string // what its values mean; empty for a number
}

// Flag says whether the field is one bit that means something only when set.
func (f EventDataField) Flag() bool {
	_, zero := f.Words[0]
	return f.High == f.Low && len(f.Words) == 1 && !zero
}

// Value cuts the field out of the two data bytes.
func (f EventDataField) Value(data2, data3 uint8) uint8 {
	b := data2
	if f.Byte == 3 {
		b = data3
	}
	return b >> f.Low & (1<<(f.High-f.Low+1) - 1)
}

// Text returns "label: words" for a value of the field, and the number where the table has no
// words.
func (f EventDataField) Text(value uint8) string {
	if f.Flag() {
		return f.Label
	}
	if w := f.Words[value]; w != "" {
		return f.Label + ": " + w
	}
	return fmt.Sprintf("%s: %d", f.Label, value)
}

// EventDataFields returns the fields that event data 2 and 3 have when a
// sensor of type s reports the state at offset with event/reading type 6Fh.
func EventDataFields(s SensorType, offset uint8) []EventDataField {
	var out []EventDataField
	for _, f := range eventDataFields {
		if f.Sensor == s && offset < 16 && f.Offsets&(1<<offset) != 0 {
			out = append(out, f)
		}
	}
	return out
}
