package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

func newChassis(a *App) *cobra.Command {
	bootdev := leaf(a, "bootdev DEVICE [clear-cmos=yes|no | options=OPTIONS]", "Choose what the server boots from next", runBootdev)
	bootdev.Long = bootdevLong
	bootmbox := group(a, "bootmbox", "The boot initiator mailbox",
		leaf(a, "get [text] [block N]", "Show the mailbox, or one block of it", runBootmboxGet),
		leaf(a, "set [text] [block N] PEN DATA...", "Write the mailbox, or one block of it", runBootmboxSet))
	bootmbox.Long = bootmboxLong
	return group(a, "chassis", "Chassis status, power, boot device and identification",
		leaf(a, "status", "Show the state of power, faults and front panel", runChassisStatus),
		newPower(a),
		leaf(a, "policy list|always-on|previous|always-off", "What happens when the mains come back", runPowerPolicy),
		leaf(a, "restart_cause", "Say why the server started last", runRestartCause),
		leaf(a, "poh", "Show how long the server has been on in its life", runPOH),
		leaf(a, "identify [SECONDS|0|force]", "Make the chassis show where it is", runIdentify),
		leaf(a, "selftest", "Show the result of the self test", runChassisSelfTest),
		bootdev,
		group(a, "bootparam", "Boot parameters",
			leaf(a, "get NUMBER [BLOCK]", "Show a boot parameter", runBootparamGet),
			leaf(a, "set bootflag DEVICE [options=[no-]PEF,timeout,watchdog,reset,power]",
				"Choose what to boot from, and what makes the choice void", runBootparamSet)),
		bootmbox,
	)
}

// chassisStatus is what chassis status prints.
type chassisStatus struct {
	Power             string              `json:"power"`
	Overload          bool                `json:"overload"`
	Interlock         bool                `json:"interlock"`
	PowerFault        bool                `json:"power_fault"`
	ControlFault      bool                `json:"control_fault"`
	RestorePolicy     string              `json:"restore_policy"`
	LastPowerEvent    []string            `json:"last_power_event"`
	Intrusion         bool                `json:"intrusion"`
	FrontPanelLockout bool                `json:"front_panel_lockout"`
	DriveFault        bool                `json:"drive_fault"`
	CoolingFault      bool                `json:"cooling_fault"`
	FrontPanel        *frontPanelControls `json:"front_panel,omitempty"`
}

type frontPanelControls struct {
	SleepDisableAllowed bool `json:"sleep_disable_allowed"`
	DiagDisableAllowed  bool `json:"diag_disable_allowed"`
	ResetDisableAllowed bool `json:"reset_disable_allowed"`
	PowerDisableAllowed bool `json:"power_disable_allowed"`
	SleepDisabled       bool `json:"sleep_disabled"`
	DiagDisabled        bool `json:"diag_disabled"`
	ResetDisabled       bool `json:"reset_disabled"`
	PowerDisabled       bool `json:"power_disabled"`
}

func runChassisStatus(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	st, err := do(ctx, a, ipmi.GetChassisStatus{})
	switch {
	case hasCode(err, ipmi.CodeNotInPresentState):
		return cannotTell("Get Chassis Status", err)
	case err != nil:
		return failed("Get Chassis Status", err)
	}
	v := chassisStatus{
		Power: onOff(st.PowerOn), Overload: st.Overload, Interlock: st.Interlock,
		PowerFault: st.PowerFault, ControlFault: st.ControlFault,
		RestorePolicy:  st.RestorePolicy.String(),
		LastPowerEvent: []string{},
		Intrusion:      st.Intrusion, FrontPanelLockout: st.FrontPanelLockout,
		DriveFault: st.DriveFault, CoolingFault: st.CoolingFault,
	}
	for _, e := range []struct {
		is   bool
		word string
	}{
		{st.ACFailed, "ac-failed"}, {st.OffByOverload, "overload"}, {st.OffByInterlock, "interlock"},
		{st.OffByFault, "fault"}, {st.OnByCommand, "command"},
	} {
		if e.is {
			v.LastPowerEvent = append(v.LastPowerEvent, e.word)
		}
	}
	if p := st.FrontPanel; p != nil {
		v.FrontPanel = &frontPanelControls{
			p.StandbyDisableAllowed, p.DiagnosticDisableAllowed, p.ResetDisableAllowed, p.PowerOffDisableAllowed,
			p.StandbyDisabled, p.DiagnosticDisabled, p.ResetDisabled, p.PowerOffDisabled,
		}
	}
	return a.Show(v, v.text, nil)
}

func (v chassisStatus) text(w io.Writer) {
	active := func(b bool) string { return choose(b, "active", "inactive") }
	line := func(key string, value any) { fmt.Fprintf(w, "%-21s: %v\n", key, value) }
	line("System Power", v.Power)
	line("Power Overload", v.Overload)
	line("Power Interlock", active(v.Interlock))
	line("Main Power Fault", v.PowerFault)
	line("Power Control Fault", v.ControlFault)
	line("Power Restore Policy", v.RestorePolicy)
	// ipmitool puts a blank behind every word but the last one that there is.
	events := ""
	for _, e := range v.LastPowerEvent {
		events += e + choose(e == "command", "", " ")
	}
	line("Last Power Event", events)
	line("Chassis Intrusion", active(v.Intrusion))
	line("Front-Panel Lockout", active(v.FrontPanelLockout))
	line("Drive Fault", v.DriveFault)
	line("Cooling/Fan Fault", v.CoolingFault)
	p := v.FrontPanel
	if p == nil {
		return
	}
	if *p == (frontPanelControls{}) {
		line("Front Panel Control", "none")
		return
	}
	allowed := func(b bool) string { return choose(b, "allowed", "not allowed") }
	line("Sleep Button Disable", allowed(p.SleepDisableAllowed))
	line("Diag Button Disable", allowed(p.DiagDisableAllowed))
	line("Reset Button Disable", allowed(p.ResetDisableAllowed))
	line("Power Button Disable", allowed(p.PowerDisableAllowed))
	line("Sleep Button Disabled", p.SleepDisabled)
	line("Diag Button Disabled", p.DiagDisabled)
	line("Reset Button Disabled", p.ResetDisabled)
	line("Power Button Disabled", p.PowerDisabled)
}
