package render

import (
	"fmt"

	"lom/ipmi"
	"lom/machine"
)

// Watchdog prints the watchdog timer, as mc watchdog get.
var Watchdog = View[machine.Watchdog]{Text: func(p *Printer, v machine.Watchdog) {
	line := func(key, format string, values ...any) {
		p.Printf("%-24s%s\n", key+":", fmt.Sprintf(format, values...))
	}
	t := v.Timer
	// The bytes of Table 27-4, as the BMC sent them.
	use, action := uint8(t.Use), uint8(t.PreTimeout)<<4|uint8(t.Action)
	if t.DontLog {
		use |= 0x80
	}
	if t.Running {
		use |= 0x40
	}
	line("Watchdog Timer Use", "%s (0x%02x)", t.Use, use)
	line("Watchdog Timer Is", "%s", choose(v.Running, "Started/Running", "Stopped"))
	line("Watchdog Timer Logging", "%s", choose(v.Logging, "On", "Off"))
	line("Watchdog Timer Action", "%s (0x%02x)", t.Action, action)
	line("Pre-timeout interrupt", "%s", t.PreTimeout)
	line("Pre-timeout interval", "%d seconds", v.PreTimeout)
	line("Timer Expiration Flags", "%s(0x%02x)", choose(t.Expired == 0, "None ", ""),
		uint8(t.Expired))
	for u := range ipmi.WatchdogUse(8) {
		if t.Expired.Has(u) {
			p.Printf("%24s* %s\n", "", u)
		}
	}
	line("Initial Countdown", "%.1f sec", v.Initial)
	line("Present Countdown", "%.1f sec", v.Countdown)
}}
