package render

import (
	"lom/machine"
)

// Chassis prints the state of the chassis, as chassis status.
var Chassis = View[machine.Chassis]{Text: func(p *Printer, v machine.Chassis) {
	active := func(b bool) string { return choose(b, "active", "inactive") }
	line := func(key string, value any) { p.Printf("%-21s: %v\n", key, value) }
	line("System Power", v.Power)
	line("Power Overload", v.Overload)
	line("Power Interlock", active(v.Interlock))
	line("Main Power Fault", v.PowerFault)
	line("Power Control Fault", v.ControlFault)
	line("Power Restore Policy", v.RestorePolicy)
	// ipmitool puts a blank after every word but the last one that there is.
	events := ""
	for _, e := range v.LastPowerEvent {
		events += e + choose(e == "command", "", " ")
	}
	line("Last Power Event", events)
	line("Chassis Intrusion", active(v.Intrusion))
	line("Front-Panel Lockout", active(v.FrontPanelLockout))
	line("Drive Fault", v.DriveFault)
	line("Cooling/Fan Fault", v.CoolingFault)
	f := v.FrontPanel
	if f == nil {
		return
	}
	if *f == (machine.FrontPanel{}) {
		line("Front Panel Control", "none")
		return
	}
	allowed := func(b bool) string { return choose(b, "allowed", "not allowed") }
	line("Sleep Button Disable", allowed(f.SleepDisableAllowed))
	line("Diag Button Disable", allowed(f.DiagDisableAllowed))
	line("Reset Button Disable", allowed(f.ResetDisableAllowed))
	line("Power Button Disable", allowed(f.PowerDisableAllowed))
	line("Sleep Button Disabled", f.SleepDisabled)
	line("Diag Button Disabled", f.DiagDisabled)
	line("Reset Button Disabled", f.ResetDisabled)
	line("Power Button Disabled", f.PowerDisabled)
}}

// RestorePolicy prints the policy that was set, or those that the chassis has, as chassis policy.
var RestorePolicy = View[machine.RestorePolicy]{Text: func(p *Printer, v machine.RestorePolicy) {
	if v.Policy != "" {
		p.Printf("Set chassis power restore policy to %s\n", v.Policy)
		return
	}
	text := "Supported chassis power policy:  "
	for _, s := range v.Supported {
		text += s + choose(s == "previous", "", " ")
	}
	p.Println(text)
}}

// RestartCause prints why the server started last, as chassis restart_cause.
var RestartCause = View[machine.RestartCause]{Text: func(p *Printer, v machine.RestartCause) {
	p.Printf("System restart cause: %s\n", v.Number)
}}

// PowerOnHours prints how long the server has been on in its life, as chassis poh.
var PowerOnHours = View[machine.PowerOnHours]{Text: func(p *Printer, v machine.PowerOnHours) {
	m := v.Minutes
	p.Printf("POH Counter  : %d days, %d hours", m/(24*60), m%(24*60)/60)
	if v.Resolution < 60 {
		p.Printf(", %d minutes", m%60)
	}
	p.Println()
}}
