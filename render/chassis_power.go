package render

import (
	"lom/ipmi"
	"lom/machine"
)

// PowerState prints whether the server is on, as power status.
var PowerState = View[machine.PowerState]{Text: func(p *Printer, v machine.PowerState) {
	p.Printf("Chassis Power is %s\n", v.Power)
}}

// PowerChange prints ipmitool's sentence for a power action that is done, and nothing for another.
var PowerChange = View[machine.PowerChange]{Text: func(p *Printer, v machine.PowerChange) {
	for action, words := range machine.PowerWords {
		if v.Outcome == machine.OutcomeDone && v.Action == ipmi.ChassisAction(action).String() {
			p.Printf("Chassis Power Control: %s\n", words)
		}
	}
}}
