package machine

import (
	"context"

	"lom/ipmi"
)

// A Chassis is the state of a server's power, faults and front panel (§28.2).
type Chassis struct {
	Power      string `json:"power" enum:"on,off,unknown"`
	Overload   bool   `json:"overload"`
	Interlock  bool   `json:"interlock"`
	PowerFault bool   `json:"power_fault"`
	// the BMC tried to switch the power, in vain
	ControlFault      bool        `json:"control_fault"`
	RestorePolicy     string      `json:"restore_policy" enum:"always-off,previous,always-on,unknown"`
	LastPowerEvent    []string    `json:"last_power_event" enum:"ac-failed,overload,interlock,fault,command"`
	Intrusion         bool        `json:"intrusion"`
	FrontPanelLockout bool        `json:"front_panel_lockout"`
	DriveFault        bool        `json:"drive_fault"`
	CoolingFault      bool        `json:"cooling_fault"`
	FrontPanel        *FrontPanel `json:"front_panel,omitempty"` // absent if the BMC does not say
}

// A FrontPanel says which buttons can be disabled, and which are.
type FrontPanel struct {
	SleepDisableAllowed bool `json:"sleep_disable_allowed"`
	DiagDisableAllowed  bool `json:"diag_disable_allowed"`
	ResetDisableAllowed bool `json:"reset_disable_allowed"`
	PowerDisableAllowed bool `json:"power_disable_allowed"`
	SleepDisabled       bool `json:"sleep_disabled"`
	DiagDisabled        bool `json:"diag_disabled"`
	ResetDisabled       bool `json:"reset_disabled"`
	PowerDisabled       bool `json:"power_disabled"`
}

// Chassis reads the state of the chassis. A BMC that does not see its server makes it an
// *UnknownPowerError.
func (m *Machine) Chassis(ctx context.Context) (Chassis, error) {
	st, err := m.chassisStatus(ctx, "Get Chassis Status")
	if err != nil {
		return Chassis{}, err
	}
	v := Chassis{
		Power: PowerOff, Overload: st.Overload, Interlock: st.Interlock, PowerFault: st.PowerFault,
		ControlFault: st.ControlFault, RestorePolicy: st.RestorePolicy.String(),
		LastPowerEvent: []string{}, Intrusion: st.Intrusion,
		FrontPanelLockout: st.FrontPanelLockout,
		DriveFault:        st.DriveFault, CoolingFault: st.CoolingFault,
	}
	if st.PowerOn {
		v.Power = PowerOn
	}
	for _, e := range []struct {
		is   bool
		word string
	}{
		{st.ACFailed, "ac-failed"}, {st.OffByOverload, "overload"},
		{st.OffByInterlock, "interlock"},
		{st.OffByFault, "fault"}, {st.OnByCommand, "command"},
	} {
		if e.is {
			v.LastPowerEvent = append(v.LastPowerEvent, e.word)
		}
	}
	if p := st.FrontPanel; p != nil {
		v.FrontPanel = &FrontPanel{
			p.StandbyDisableAllowed, p.DiagnosticDisableAllowed,
			p.ResetDisableAllowed, p.PowerOffDisableAllowed,
			p.StandbyDisabled, p.DiagnosticDisabled, p.ResetDisabled, p.PowerOffDisabled,
		}
	}
	return v, nil
}

// Identify makes the chassis show where it is (§28.5), or stops it.
func (m *Machine) Identify(ctx context.Context, how ipmi.ChassisIdentify) error {
	_, err := do(ctx, m, "Set Chassis Identify", how)
	return err
}

// A RestorePolicy says what may happen when the mains come back (§28.8).
type RestorePolicy struct {
	// that was set
	Policy    string   `json:"policy,omitempty" enum:"always-off,previous,always-on"`
	Supported []string `json:"supported" enum:"always-off,always-on,previous"`
}

// SetRestorePolicy sets what happens when the mains come back. With ipmi.RestoreUnknown it changes
// nothing, and asks only which policies the chassis has.
func (m *Machine) SetRestorePolicy(
	ctx context.Context, policy ipmi.PowerRestorePolicy,
) (RestorePolicy, error) {
	has, err := do(ctx, m, "Power Restore Policy command",
		ipmi.SetPowerRestorePolicy{Policy: policy})
	if err != nil {
		return RestorePolicy{}, err
	}
	v := RestorePolicy{Supported: []string{}}
	if policy != ipmi.RestoreUnknown {
		v.Policy = policy.String()
	}
	for _, p := range []struct {
		is     bool
		policy ipmi.PowerRestorePolicy
	}{
		{has.AlwaysOff, ipmi.RestoreAlwaysOff}, {has.AlwaysOn, ipmi.RestoreAlwaysOn},
		{has.Previous, ipmi.RestorePrevious},
	} {
		if p.is {
			v.Supported = append(v.Supported, p.policy.String())
		}
	}
	return v, nil
}

// A RestartCause is why a server started last (§28.11).
type RestartCause struct {
	Cause string `json:"cause" enum:"unknown,chassis-control,reset-button,power-button,watchdog,oem,always-restore,restore-previous,pef-reset,pef-power-cycle,soft-reset,rtc,reserved"`
	// Channel is the one on which the command came, for chassis-control.
	Channel uint8 `json:"channel"`

	Number ipmi.RestartCause `json:"-"`
}

// restartCauses are the words for Table 28-11, by number.
var restartCauses = []string{
	"unknown", "chassis-control", "reset-button", "power-button", "watchdog", "oem",
	"always-restore",
	"restore-previous", "pef-reset", "pef-power-cycle", "soft-reset", "rtc",
}

// RestartCause asks why the server started last.
func (m *Machine) RestartCause(ctx context.Context) (RestartCause, error) {
	r, err := do(ctx, m, "Get Chassis Restart Cause", ipmi.GetSystemRestartCause{})
	if err != nil {
		return RestartCause{}, err
	}
	return RestartCause{numbered(restartCauses, r.Cause), r.Channel, r.Cause}, nil
}

// PowerOnHours is how long a server has been on in its life (§28.14).
type PowerOnHours struct {
	Minutes    uint64 `json:"minutes"`
	Resolution uint8  `json:"resolution_minutes"` // of the BMC's counter
}

// PowerOnHours reads how long the server has been on in its life.
func (m *Machine) PowerOnHours(ctx context.Context) (PowerOnHours, error) {
	c, err := do(ctx, m, "Get Chassis Power-On-Hours", ipmi.GetPOHCounter{})
	if err != nil {
		return PowerOnHours{}, err
	}
	return PowerOnHours{c.Minutes(), c.MinutesPerCount}, nil
}
