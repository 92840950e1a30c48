package ipmi

import "fmt"

// GetChassisCapabilities is the Get Chassis Capabilities command (§28.1).
type GetChassisCapabilities struct{}

// ChassisCapabilities is its response (Table 28-2). The addresses are on the primary IPMB, as 8
// bits with bit 0 clear; 0 is unspecified.
type ChassisCapabilities struct {
	PowerInterlock      bool   `wire:"byte 2, bit 3"`
	DiagnosticInterrupt bool   `wire:"bit 2"`
	FrontPanelLockout   bool   `wire:"bit 1"`
	Intrusion           bool   `wire:"bit 0"`            // there is an intrusion sensor
	FRUDevice           uint8  `wire:"byte 3"`           // address of the chassis FRU information
	SDRDevice           uint8  `wire:"byte 4"`           //
	SELDevice           uint8  `wire:"byte 5"`           //
	SystemManagement    uint8  `wire:"byte 6"`           //
	BridgeDevice        *uint8 `wire:"byte 7, optional"` // the ICMB bridge; AddressBMC if absent
}

// SetChassisCapabilities is the Set Chassis Capabilities command (§28.7). What a chassis cannot
// change stays as it is without an error.
type SetChassisCapabilities struct {
	FrontPanelLockout bool   `wire:"byte 1, bit 1"`
	Intrusion         bool   `wire:"bit 0"`
	FRUDevice         uint8  `wire:"byte 2"`
	SDRDevice         uint8  `wire:"byte 3"`
	SELDevice         uint8  `wire:"byte 4"`
	SystemManagement  uint8  `wire:"byte 5"`
	BridgeDevice      *uint8 `wire:"byte 6, optional"`
}

// ChassisReset is the Chassis Reset command (§28.4), a forerunner of Chassis Control.
type ChassisReset struct{}

// ChassisIdentify is the Chassis Identify command (§28.5), which makes the chassis show where it
// is.
type ChassisIdentify struct {
	Interval *uint8 `wire:"byte 1, optional"` // seconds; 0 turns it off; nil is 15 seconds
	// true: on until it is turned off, whatever Interval says
	Force *bool `wire:"byte 2, bit 0, optional"`
}

// SetFrontPanelEnables is the Set Front Panel Button Enables command (§28.6).
type SetFrontPanelEnables struct {
	DisableStandby    bool `wire:"byte 1, bit 3"`
	DisableDiagnostic bool `wire:"bit 2"`
	DisableReset      bool `wire:"bit 1"`
	DisablePowerOff   bool `wire:"bit 0"`
}

// SetPowerRestorePolicy is the Set Power Restore Policy command (§28.8). RestoreUnknown changes
// nothing and asks what is supported.
type SetPowerRestorePolicy struct {
	Policy PowerRestorePolicy `wire:"byte 1, bits 2:0"`
}

// PowerRestorePolicySupport is its response (Table 28-9): the policies that the chassis has.
type PowerRestorePolicySupport struct {
	AlwaysOn  bool `wire:"byte 2, bit 2"`
	Previous  bool `wire:"bit 1"`
	AlwaysOff bool `wire:"bit 0"`
}

// SetPowerCycleInterval is the Set Power Cycle Interval command (§28.9): how long the power stays
// off in a power cycle.
type SetPowerCycleInterval struct {
	Seconds uint8 `wire:"byte 1"` // 0: no delay
}

// GetSystemRestartCause is the Get System Restart Cause command (§28.11).
type GetSystemRestartCause struct{}

// SystemRestartCause is its response (Table 28-11).
type SystemRestartCause struct {
	Cause   RestartCause `wire:"byte 2, bits 3:0"`
	Channel uint8        `wire:"byte 3"` // on which the command came
}

// A RestartCause is why the system started last.
type RestartCause uint8

// Restart causes.
const (
	RestartUnknown         RestartCause = 0x0
	RestartChassisControl  RestartCause = 0x1
	RestartResetButton     RestartCause = 0x2
	RestartPowerButton     RestartCause = 0x3
	RestartWatchdog        RestartCause = 0x4
	RestartOEM             RestartCause = 0x5
	RestartPolicyAlwaysOn  RestartCause = 0x6 // AC power returned
	RestartPolicyPrevious  RestartCause = 0x7 // AC power returned
	RestartResetByPEF      RestartCause = 0x8
	RestartPowerCycleByPEF RestartCause = 0x9
	RestartSoftReset       RestartCause = 0xa // such as Ctrl-Alt-Del
	RestartRTC             RestartCause = 0xb // the clock woke the system
)

// String returns the cause as ipmitool writes it.
func (c RestartCause) String() string { return word(restartCauseWords[:], c, "invalid") }

var restartCauseWords = [...]string{"unknown", "chassis power control command",
	"reset via pushbutton", "power-up via pushbutton",
	"watchdog expired", "OEM", "power-up due to always-restore power policy",
	"power-up due to restore-previous power policy",
	"reset via PEF", "power-cycle via PEF", "soft reset", "power-up via RTC wakeup"}

// GetPOHCounter is the Get POH Counter command (§28.14).
type GetPOHCounter struct{}

// POHCounter is its response (Table 28-15): how long the system has been on in its life.
type POHCounter struct {
	MinutesPerCount uint8  `wire:"byte 2"`
	Count           uint32 `wire:"byte 3-6"`
}

// Minutes returns the time that the system has been on.
func (c POHCounter) Minutes() uint64 { return uint64(c.Count) * uint64(c.MinutesPerCount) }

// String returns the state of the chassis identify indicator as ipmitool writes it.
func (s IdentifyState) String() string {
	switch s {
	case IdentifyOff:
		return "off"
	case IdentifyTimed:
		return "timed"
	case IdentifyIndefinite:
		return "indefinite"
	}
	return "reserved"
}

// String returns the action as it is given to lom chassis power.
func (a ChassisAction) String() string {
	if int(a) < len(chassisActionWords) {
		return chassisActionWords[a]
	}
	return fmt.Sprintf("unknown (%d)", uint8(a))
}

var chassisActionWords = [...]string{"off", "on", "cycle", "reset", "diag", "soft"}
