package ipmi

// GetPEFCapabilities is the Get PEF Capabilities command (§30.1).
type GetPEFCapabilities struct{}

// PEFCapabilities is its response (Table 30-2).
type PEFCapabilities struct {
	Version    uint8      `wire:"byte 2"`        // BCD with the digits swapped: 51h is 1.5
	OEMRecords bool       `wire:"byte 3, bit 7"` // OEM event records are filtered too
	Actions    PEFActions `wire:"bits 5:0"`
	Filters    uint8      `wire:"byte 4"` // entries of the event filter table
}

// PEFActions is a set of what an event filter can make happen (Tables 17-2, 30-2 and 30-6).
type PEFActions uint8

// Actions.
const (
	PEFAlert PEFActions = 1 << iota
	PEFPowerOff
	PEFReset
	PEFPowerCycle
	PEFOEM
	PEFDiagnosticInterrupt
	PEFGroupControlOperation // of filters only
)

// Has reports whether all of a are in the set.
func (s PEFActions) Has(a PEFActions) bool { return s&a == a }

// ArmPEFPostponeTimer is the Arm PEF Postpone Timer command (§30.2).
type ArmPEFPostponeTimer struct {
	Timeout uint8 `wire:"byte 1"` // seconds; 0 and FEh, FFh have meanings of their own
}

// Timeouts of ArmPEFPostponeTimer that are not a time.
const (
	PEFPostponeOff   uint8 = 0x00 // events are handled at once
	PEFPostponeStop  uint8 = 0xfe // no events are handled until the next power-down or reset
	PEFPostponeQuery uint8 = 0xff // only ask for the present value
)

// PEFPostponeTimer is its response (Table 30-3).
type PEFPostponeTimer struct {
	Countdown uint8 `wire:"byte 2"` // present value, seconds
}

// SetPEFConfiguration is the Set PEF Configuration Parameters command (§30.3).
type SetPEFConfiguration struct {
	Parameter uint8  `wire:"byte 1, bits 6:0"`
	Data      []byte `wire:"byte 2-"`
}

// GetPEFConfiguration is the Get PEF Configuration Parameters command (§30.4). Its response
// is a [ParameterData].
type GetPEFConfiguration struct {
	RevisionOnly bool  `wire:"byte 1, bit 7"` // answer without data
	Parameter    uint8 `wire:"bits 6:0"`
	Set          uint8 `wire:"byte 2"` // 0 where the parameter has no sets
	Block        uint8 `wire:"byte 3"` // 0 where the parameter has no blocks
}

// SetLastProcessedEvent is the Set Last Processed Event ID command (§30.5).
type SetLastProcessedEvent struct {
	ByBMC  bool   `wire:"byte 1, bit 0"` // false: processed by software
	Record uint16 `wire:"byte 2-3"`
}

// GetLastProcessedEvent is the Get Last Processed Event ID command (§30.6).
type GetLastProcessedEvent struct{}

// LastProcessedEvent is its response (Table 30-8).
type LastProcessedEvent struct {
	LastAddition Timestamp `wire:"byte 2-5"` // to the SEL
	LastRecord   uint16    `wire:"byte 6-7"` // of the SEL; FFFFh if it is empty
	Software     uint16    `wire:"byte 8-9"` // processed last by software
	// processed last by the BMC; 0: an event that could not be logged
	BMC uint16 `wire:"byte 10-11"`
}

// AlertImmediate is the Alert Immediate command (§30.7).
type AlertImmediate struct {
	Channel     uint8          `wire:"byte 1, bits 3:0"`
	Operation   AlertOperation `wire:"byte 2, bits 7:6"`
	Destination uint8          `wire:"bits 3:0"`      // 0 is the volatile one
	SendString  bool           `wire:"byte 3, bit 7"` // with the alert string that follows
	String      uint8          `wire:"bits 6:0"`      // 0 is the volatile one
	// Event, if there is one, fills the trap: generator ID and the seven bytes of an event message.
	Event *[8]byte `wire:"byte 4-11, optional"`
}

// An AlertOperation is what Alert Immediate does.
type AlertOperation uint8

// Operations.
const (
	AlertSend        AlertOperation = 0
	AlertGetStatus   AlertOperation = 1
	AlertClearStatus AlertOperation = 2
)

// AlertImmediateStatus is its response (Table 30-9); Status is there only after AlertGetStatus.
type AlertImmediateStatus struct {
	Status *AlertStatus `wire:"byte 2, optional"`
}

// An AlertStatus is how an immediate alert went.
type AlertStatus uint8

// Alert states.
const (
	AlertNoStatus    AlertStatus = 0x00
	AlertDone        AlertStatus = 0x01
	AlertCallFailed  AlertStatus = 0x02 // no connection by modem
	AlertNoAnswer    AlertStatus = 0x03 // nobody acknowledged it
	AlertStillActive AlertStatus = 0xff
)

// PETAcknowledge is the PET Acknowledge command (§30.8). All values are those of the trap.
type PETAcknowledge struct {
	Sequence     uint16    `wire:"byte 1-2"`
	Timestamp    Timestamp `wire:"byte 3-6"` // of the trap, in its own units
	SourceType   uint8     `wire:"byte 7"`
	SensorDevice uint8     `wire:"byte 8"`
	Sensor       uint8     `wire:"byte 9"`
	EventData    [3]byte   `wire:"byte 10-12"`
}
