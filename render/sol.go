package render

import (
	"fmt"

	"lom/ipmi"
	"lom/machine"
)

// SOL prints the settings of Serial over LAN, as sol info. What the BMC does not have is 0 there.
var SOL = View[machine.SOL]{
	Text: func(p *Printer, v machine.SOL) {
		s := v.Parameters
		line := func(key string, value any) { p.Printf("%-32s: %v\n", key, value) }
		line("Set in progress", solSetState(s.Progress.State))
		line("Enabled", s.Enable.Enabled)
		line("Force Encryption", s.Auth.ForceEncryption)
		line("Force Authentication", s.Auth.ForceAuthentication)
		line("Privilege Level", privilegeText(s.Auth.Privilege))
		line("Character Accumulate Level (ms)", 5*int(s.Accumulate.Interval))
		line("Character Send Threshold", s.Accumulate.Threshold)
		line("Retry Count", s.Retry.Count)
		line("Retry Interval (ms)", 10*int(s.Retry.Interval))
		line("Volatile Bit Rate (kbps)", s.Rate.Rate)
		line("Non-Volatile Bit Rate (kbps)", s.Kept.Rate)
		line("Payload Channel", fmt.Sprintf("%d (0x%02[1]x)", s.Channel.Channel))
		line("Payload Port", s.Port.Port)
	},
	Plain: func(p *Printer, v machine.SOL) {
		s := v.Parameters
		p.Printf("%s,%t,%t,%t,%s,%d,%d,%d,%d,%s,%s,%d,%d\n",
			solSetState(s.Progress.State), s.Enable.Enabled, s.Auth.ForceEncryption,
			s.Auth.ForceAuthentication, privilegeText(s.Auth.Privilege),
			5*int(s.Accumulate.Interval), s.Accumulate.Threshold, s.Retry.Count,
			10*int(s.Retry.Interval), s.Rate.Rate, s.Kept.Rate, s.Channel.Channel, s.Port.Port)
	},
}

// solSetState is a state of SetInProgress in sol info.
func solSetState(s ipmi.SetState) string {
	if s <= ipmi.SetCommitWrite {
		return machine.SetStates[s]
	}
	return fmt.Sprintf("Unknown (0x%02X)", uint8(s))
}

// SOLAccess says whether a user may open consoles, as sol payload status.
var SOLAccess = View[machine.SOLAccess]{Text: func(p *Printer, v machine.SOLAccess) {
	p.Printf("User %d on channel %d is %s\n", v.User, v.Channel, enabled(v.Enabled))
}}
