package ipmi

// GetSensorReading is the Get Sensor Reading command (§35.14).
type GetSensorReading struct {
	Sensor uint8 `wire:"byte 1"` // number; FFh is reserved
}

// SensorReading is its response (Table 35-15).
type SensorReading struct {
	// raw; means something for analog sensors only
	Reading       uint8         `wire:"byte 2"`
	EventsEnabled bool          `wire:"byte 3, bit 7"` // the sensor makes event messages
	Scanning      bool          `wire:"bit 6"`
	Unavailable   bool          `wire:"bit 5"` // there is no valid reading or state
	States        *SensorStates `wire:"byte 4-5, optional, cut"`
}

// SensorStates are the present states of a sensor. A discrete sensor asserts offset n by
// bit n, 0 to 14. A threshold sensor's bits are a [ThresholdSet]: bits 0-2 say at or
// below a lower threshold, bits 3-5 at or above an upper one. Bits 7:6 (threshold) and
// bit 15 are reserved and often 1.
type SensorStates uint16

// Has reports whether a discrete sensor asserts the offset.
func (s SensorStates) Has(offset uint8) bool { return offset < 15 && s>>offset&1 != 0 }

// Thresholds returns the states of a threshold sensor: those thresholds that are crossed.
func (s SensorStates) Thresholds() ThresholdSet { return ThresholdSet(s) & AllThresholds }

// A Threshold is one of the six thresholds of a sensor, in the order of the tables of §35.
type Threshold uint8

// Thresholds.
const (
	LowerNonCritical Threshold = iota
	LowerCritical
	LowerNonRecoverable
	UpperNonCritical
	UpperCritical
	UpperNonRecoverable
)

// A ThresholdSet is a set of thresholds; bit n is Threshold n.
type ThresholdSet uint8

// AllThresholds has all six.
const AllThresholds ThresholdSet = 0x3f

// Has reports whether t is in the set.
func (s ThresholdSet) Has(t Threshold) bool { return s>>t&1 != 0 }

// With returns the set with t in it.
func (s ThresholdSet) With(t Threshold) ThresholdSet { return s | 1<<t }

// SetSensorThresholds is the Set Sensor Thresholds command (§35.8). The caller keeps the order
// of the thresholds right: a BMC need not look.
type SetSensorThresholds struct {
	Sensor uint8        `wire:"byte 1"`
	Set    ThresholdSet `wire:"byte 2, bits 5:0"` // those that change
	Values [6]uint8     `wire:"byte 3-8"`         // raw, by Threshold
}

// GetSensorThresholds is the Get Sensor Thresholds command (§35.9).
type GetSensorThresholds struct {
	Sensor uint8 `wire:"byte 1"`
}

// SensorThresholds is its response (Table 35-9). Some controllers leave out what is not readable.
type SensorThresholds struct {
	Readable ThresholdSet `wire:"byte 2, bits 5:0"`
	Values   [6]uint8     `wire:"byte 3-8, optional, cut"` // raw, by Threshold
}

// SetSensorHysteresis is the Set Sensor Hysteresis command (§35.6).
type SetSensorHysteresis struct {
	Sensor   uint8 `wire:"byte 1"`
	Mask     uint8 `wire:"byte 2"` // reserved: FFh
	Positive uint8 `wire:"byte 3"` // raw, subtracted from positive-going thresholds
	Negative uint8 `wire:"byte 4"` // raw, added to negative-going thresholds
}

// GetSensorHysteresis is the Get Sensor Hysteresis command (§35.7).
type GetSensorHysteresis struct {
	Sensor uint8 `wire:"byte 1"`
	Mask   uint8 `wire:"byte 2"` // reserved: FFh
}

// SensorHysteresis is its response (Table 35-7).
type SensorHysteresis struct {
	Positive uint8 `wire:"byte 2"`
	Negative uint8 `wire:"byte 3"`
}

// GetSensorReadingFactors is the Get Sensor Reading Factors command (§35.5), for
// sensors whose conversion differs from reading to reading.
type GetSensorReadingFactors struct {
	Sensor  uint8 `wire:"byte 1"`
	Reading uint8 `wire:"byte 2"` // raw
}

// SensorReadingFactors is its response (Table 35-5).
type SensorReadingFactors struct {
	Next             uint8  // the next reading that has other factors
	M                int16  // -512 to 511
	Tolerance        uint8  // half raw counts, 0 to 63
	B                int16  // -512 to 511
	Accuracy         uint16 // 1/100 percent before the exponent, 0 to 1023
	AccuracyExponent uint8  // 0 to 3
	RExponent        int8   // of the result, -8 to 7
	BExponent        int8   // -8 to 7
}

// AppendBinary appends the message to b.
func (m SensorReadingFactors) AppendBinary(b []byte) ([]byte, error) {
	for _, c := range []struct {
		field          string
		value, lo, max int64
	}{
		{"M", int64(m.M), -512, 511}, {"Tolerance", int64(m.Tolerance), 0, 63}, {"B", int64(m.B), -512, 511},
		{"Accuracy", int64(m.Accuracy), 0, 1023}, {"AccuracyExponent", int64(m.AccuracyExponent), 0, 3},
		{"RExponent", int64(m.RExponent), -8, 7}, {"BExponent", int64(m.BExponent), -8, 7},
	} {
		if c.value < c.lo || c.value > c.max {
			return b, &RangeError{Field: "SensorReadingFactors." + c.field, Value: c.value,
				Max: uint64(c.max)}
		}
	}
	return append(b, m.Next,
		byte(m.M), byte(m.M>>8)<<6|m.Tolerance,
		byte(m.B), byte(m.B>>8)<<6|byte(m.Accuracy)&0x3f,
		byte(m.Accuracy>>6)<<4|m.AccuracyExponent<<2,
		byte(m.RExponent)<<4|byte(m.BExponent)&0xf), nil
}

// UnmarshalBinary reads the message from b.
func (m *SensorReadingFactors) UnmarshalBinary(b []byte) error {
	if len(b) < 7 {
		return &LengthError{Message: "SensorReadingFactors", Got: len(b), Want: 7}
	}
	*m = SensorReadingFactors{
		Next:             b[0],
		M:                int16(b[1]) | int16(int8(b[2])>>6)<<8,
		Tolerance:        b[2] & 0x3f,
		B:                int16(b[3]) | int16(int8(b[4])>>6)<<8,
		Accuracy:         uint16(b[4]&0x3f) | uint16(b[5]>>4)<<6,
		AccuracyExponent: b[5] >> 2 & 3,
		RExponent:        int8(b[6]) >> 4,
		BExponent:        int8(b[6]<<4) >> 4,
	}
	return nil
}

// SetSensorType is the Set Sensor Type command (§35.15).
type SetSensorType struct {
	Sensor    uint8      `wire:"byte 1"`
	Type      SensorType `wire:"byte 2"`
	EventType EventType  `wire:"byte 3, bits 6:0"`
}

// GetSensorType is the Get Sensor Type command (§35.16).
type GetSensorType struct {
	Sensor uint8 `wire:"byte 1"`
}

// AssignedSensorType is its response (Table 35-17).
type AssignedSensorType struct {
	Type      SensorType `wire:"byte 2"`
	EventType EventType  `wire:"byte 3, bits 6:0"`
}
