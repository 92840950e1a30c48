package ipmi

import "fmt"

// GetChassisStatus is the Get Chassis Status command (§28.2).
type GetChassisStatus struct{}

// ChassisStatus is its response (Table 28-3).
type ChassisStatus struct {
	RestorePolicy PowerRestorePolicy `wire:"byte 2, bits 6:5"`
	ControlFault  bool               `wire:"bit 4"` // the BMC tried to switch the power, in vain
	PowerFault    bool               `wire:"bit 3"`
	Interlock     bool               `wire:"bit 2"`
	Overload      bool               `wire:"bit 1"`
	PowerOn       bool               `wire:"bit 0"`

	OnByCommand    bool `wire:"byte 3, bit 4"` // what the last power event was
	OffByFault     bool `wire:"bit 3"`
	OffByInterlock bool `wire:"bit 2"`
	OffByOverload  bool `wire:"bit 1"`
	ACFailed       bool `wire:"bit 0"`

	IdentifySupported bool          `wire:"byte 4, bit 6"` // Identify is valid
	Identify          IdentifyState `wire:"bits 5:4"`
	CoolingFault      bool          `wire:"bit 3"`
	DriveFault        bool          `wire:"bit 2"`
	FrontPanelLockout bool          `wire:"bit 1"`
	Intrusion         bool          `wire:"bit 0"`

	FrontPanel *FrontPanelButtons `wire:"byte 5, optional"`
}

// FrontPanelButtons is byte 5 of Table 28-3: which buttons can be disabled, and which are.
type FrontPanelButtons struct {
	StandbyDisableAllowed    bool `wire:"byte 1, bit 7"`
	DiagnosticDisableAllowed bool `wire:"bit 6"`
	ResetDisableAllowed      bool `wire:"bit 5"`
	PowerOffDisableAllowed   bool `wire:"bit 4"`
	StandbyDisabled          bool `wire:"bit 3"`
	DiagnosticDisabled       bool `wire:"bit 2"`
	ResetDisabled            bool `wire:"bit 1"`
	PowerOffDisabled         bool `wire:"bit 0"`
}

// A PowerRestorePolicy says what happens when AC power returns.
type PowerRestorePolicy uint8

// Power restore policies.
const (
	RestoreAlwaysOff PowerRestorePolicy = 0
	RestorePrevious  PowerRestorePolicy = 1
	RestoreAlwaysOn  PowerRestorePolicy = 2
	RestoreUnknown   PowerRestorePolicy = 3
)

// String returns the policy's name as it is given to lom chassis policy.
func (p PowerRestorePolicy) String() string {
	if int(p) < len(restorePolicyWords) {
		return restorePolicyWords[p]
	}
	return fmt.Sprintf("unknown (%d)", uint8(p))
}

var restorePolicyWords = [...]string{"always-off", "previous", "always-on", "unknown"}

// An IdentifyState is the state of the chassis identify indicator.
type IdentifyState uint8

// Identify states.
const (
	IdentifyOff        IdentifyState = 0
	IdentifyTimed      IdentifyState = 1
	IdentifyIndefinite IdentifyState = 2
)

// ChassisControl is the Chassis Control command (§28.3).
type ChassisControl struct {
	Action ChassisAction `wire:"byte 1, bits 3:0"`
}

// A ChassisAction is what Chassis Control does (Table 28-4).
type ChassisAction uint8

// Chassis actions.
const (
	PowerDown           ChassisAction = 0
	PowerUp             ChassisAction = 1
	PowerCycle          ChassisAction = 2
	HardReset           ChassisAction = 3
	DiagnosticInterrupt ChassisAction = 4
	SoftShutdown        ChassisAction = 5
)
