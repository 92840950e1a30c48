package fru

// PowerSupply is what a power supply can do (Table 18-1).
type PowerSupply struct {
	Capacity       uint16 `wire:"byte 1-2, bits 11:0"` // watts
	PeakVA         uint16 `wire:"byte 3-4"`            // FFFFh: not specified
	InrushCurrent  uint8  `wire:"byte 5"`              // amperes; FFh: not specified
	InrushInterval uint8  `wire:"byte 6"`              // milliseconds
	LowInput1      int16  `wire:"byte 7-8"`            // input voltage range 1, in 10 mV
	HighInput1     int16  `wire:"byte 9-10"`
	LowInput2      int16  `wire:"byte 11-12"` // range 2, 0 if there is one range only
	HighInput2     int16  `wire:"byte 13-14"`
	LowFrequency   uint8  `wire:"byte 15"` // hertz; 0: takes direct current
	HighFrequency  uint8  `wire:"byte 16"`
	Dropout        uint8  `wire:"byte 17"` // milliseconds without input that it can bridge

	// FailPolarity means two pulses a rotation if FailThreshold is not 0, else that the
	// predictive failure pin says failure when it is not asserted.
	FailPolarity          bool `wire:"byte 18, bit 4"`
	HotSwap               bool `wire:"bit 3"`
	AutoSwitch            bool `wire:"bit 2"`
	PowerFactorCorrection bool `wire:"bit 1"`
	PredictiveFailure     bool `wire:"bit 0"`

	// seconds that peak capacity holds
	HoldUp       uint8  `wire:"byte 19-20, bits 15:12"`
	PeakCapacity uint16 `wire:"bits 11:0"` // watts; FFFh: not specified
	// the two voltages of CombinedWattage
	Combined1       CombinedVoltage `wire:"byte 21, bits 7:4"`
	Combined2       CombinedVoltage `wire:"bits 3:0"`
	CombinedWattage uint16          `wire:"byte 22-23"` // watts; 0: no combined voltages
	// rotations per second; 0: the pin says pass or fail
	FailThreshold uint8 `wire:"byte 24"`
}

// A CombinedVoltage is one of the voltages that share a maximum (§18.1.14).
type CombinedVoltage uint8

// String returns the voltage: "12 V".
func (v CombinedVoltage) String() string {
	if names := [...]string{"12 V", "-12 V", "5 V", "3.3 V"}; int(v) < len(names) {
		return names[v]
	}
	return "unspecified"
}

// DCOutput is one output of a power supply (Table 18-2).
type DCOutput struct {
	Standby      bool   `wire:"byte 1, bit 7"` // there even if the supply is switched off
	Coarse       bool   `wire:"bit 4"`         // see [ExtendedDCOutput]; false otherwise
	Number       uint8  `wire:"bits 3:0"`      // 0: unknown
	Nominal      int16  `wire:"byte 2-3"`      // 10 mV
	MaxNegative  int16  `wire:"byte 4-5"`      // 10 mV from nominal
	MaxPositive  int16  `wire:"byte 6-7"`      // 10 mV from nominal
	Ripple       uint16 `wire:"byte 8-9"`      // mV peak to peak, 10 Hz to 30 MHz
	LeastCurrent uint16 `wire:"byte 10-11"`    // see CurrentUnit
	MostCurrent  uint16 `wire:"byte 12-13"`
}

// CurrentUnit returns the unit of the currents in milliamperes: 1.
func (DCOutput) CurrentUnit() int { return 1 }

// DCLoad is what a board takes from one output (Table 18-4).
type DCLoad struct {
	Coarse       bool   `wire:"byte 1, bit 4"` // see [ExtendedDCLoad]; false otherwise
	Number       uint8  `wire:"bits 3:0"`      // of the output; 0: unknown
	Nominal      int16  `wire:"byte 2-3"`      // 10 mV
	LeastVoltage int16  `wire:"byte 4-5"`      // 10 mV
	MostVoltage  int16  `wire:"byte 6-7"`      // 10 mV
	Ripple       uint16 `wire:"byte 8-9"`      // mV peak to peak, 10 Hz to 30 MHz
	LeastCurrent uint16 `wire:"byte 10-11"`    // see CurrentUnit
	MostCurrent  uint16 `wire:"byte 12-13"`
}

// CurrentUnit returns the unit of the currents in milliamperes: 1.
func (DCLoad) CurrentUnit() int { return 1 }

// ExtendedDCOutput is an output with more than 65 A (Table 18-3).
type ExtendedDCOutput struct{ DCOutput }

// CurrentUnit returns the unit of the currents in milliamperes: 10, or 100 if Coarse.
func (o ExtendedDCOutput) CurrentUnit() int { return extendedUnit(o.Coarse) }

// ExtendedDCLoad is a load of more than 65 A (Table 18-5).
type ExtendedDCLoad struct{ DCLoad }

// CurrentUnit returns the unit of the currents in milliamperes: 10, or 100 if Coarse.
func (l ExtendedDCLoad) CurrentUnit() int { return extendedUnit(l.Coarse) }

func extendedUnit(coarse bool) int {
	if coarse {
		return 100
	}
	return 10
}

// ManagementAccess is one way to reach what manages the unit (Table 18-6).
type ManagementAccess struct {
	Kind ManagementKind `wire:"byte 1"`
	Data []byte         `wire:"byte 2-"` // 8-bit text, but for ManagementSystemID
}

// A ManagementKind is what a ManagementAccess holds.
type ManagementKind uint8

// Kinds of management access.
const (
	ManagementSystemURL     ManagementKind = 1
	ManagementSystemName    ManagementKind = 2
	ManagementSystemPing    ManagementKind = 3
	ManagementComponentURL  ManagementKind = 4
	ManagementComponentName ManagementKind = 5
	ManagementComponentPing ManagementKind = 6
	ManagementSystemID      ManagementKind = 7 // the system's GUID, 16 bytes
)

// String returns the kind's name: "System Management URL".
func (k ManagementKind) String() string {
	names := [...]string{"System Management URL", "System Name", "System Ping Address",
		"Component Management URL",
		"Component Name", "Component Ping Address", "System Unique ID"}
	if k >= 1 && int(k) <= len(names) {
		return names[k-1]
	}
	return "Unknown"
}

// Compatibility says what the unit is compatible with (Tables 18-9 and 18-10): the manufacturer
// gives the codes their meaning.
type Compatibility struct {
	Manufacturer uint32 `wire:"byte 1-3"` // IANA number
	Entity       uint8  `wire:"byte 4"`
	Base         uint8  `wire:"byte 5"`
	CodeStart    uint8  `wire:"byte 6, bits 6:0"`
	Mask         []byte `wire:"byte 7-"` // bit 0 of the first byte is CodeStart+1
}

// Codes returns the compatible codes in ascending order.
func (c Compatibility) Codes() []int {
	codes := []int{int(c.CodeStart)}
	for i, m := range c.Mask {
		for bit := 0; bit < 8; bit++ {
			if m>>bit&1 != 0 {
				codes = append(codes, int(c.CodeStart)+8*i+bit+1)
			}
		}
	}
	return codes
}

// OEM is a record whose data the manufacturer defines (§18.7).
type OEM struct {
	Manufacturer uint32 `wire:"byte 1-3"` // IANA number
	Data         []byte `wire:"byte 4-"`
}
