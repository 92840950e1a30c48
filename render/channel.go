package render

import (
	"fmt"

	"lom/machine"
)

// Channel prints what a channel is, as channel info.
var Channel = View[machine.Channel]{Text: func(p *Printer, v machine.Channel) {
	p.Printf("Channel 0x%x info:\n", v.Channel)
	p.Printf("  Channel Medium Type   : %s\n", v.Medium)
	p.Printf("  Channel Protocol Type : %s\n", v.Protocol)
	p.Printf("  Session Support       : %s\n", v.Sessions)
	p.Printf("  Active Session Count  : %d\n", v.Active)
	p.Printf("  Protocol Vendor ID    : %d\n", v.Vendor)
	access := func(title string, c *machine.ChannelAccess) {
		if c == nil {
			return
		}
		p.Printf("  %s\n", title)
		p.Printf("    Alerting            : %s\n", enabled(c.Alerting))
		p.Printf("    Per-message Auth    : %s\n", enabled(c.PerMessage))
		p.Printf("    User Level Auth     : %s\n", enabled(c.UserLevel))
		p.Printf("    Access Mode         : %s\n", c.Access.Mode)
	}
	access("Volatile(active) Settings", v.Volatile)
	access("Non-Volatile Settings", v.NonVolatile)
}}

// AuthCapabilities prints how one logs in over a channel, as channel authcap.
var AuthCapabilities = View[machine.AuthCapabilities]{Text: func(p *Printer, v machine.AuthCapabilities) {
	line := func(key string, value any) { p.Printf("%-27s: %v\n", key, value) }
	yes := func(b bool) string { return choose(b, "yes", "no") }
	line("Channel number", v.Channel)
	types := ""
	for _, t := range v.Types {
		types += t.String() + " "
	}
	line("IPMI v1.5  auth types", types)
	if v.Extended {
		line("KG status", choose(v.KgSet, "non-zero", "default (all zeroes)"))
	}
	line("Per message authentication", enabled(v.PerMessage))
	line("User level authentication", enabled(v.UserLevel))
	line("Non-null user names exist", yes(v.NonNullUsers))
	line("Null user names exist", yes(v.NullUsers))
	line("Anonymous login enabled", yes(v.Anonymous))
	if v.Extended {
		line("Channel supports IPMI v1.5", yes(v.IPMI15))
		line("Channel supports IPMI v2.0", yes(v.IPMI20))
	}
	if v.OEM != nil {
		line("IANA Number for OEM", *v.OEM)
		line("OEM Auxiliary Data", fmt.Sprintf("0x%x", *v.OEMAuxiliary))
	}
}}

// CipherSuites prints the cipher suites of a channel, as channel getciphers.
var CipherSuites = View[[]machine.CipherSuite]{
	Text: func(p *Printer, list []machine.CipherSuite) {
		p.Println("ID   IANA    Auth Alg        Integrity Alg   Confidentiality Alg")
		p.cipherSuites("%-4d %-7s %-15s %-15s %-15s\n", list)
	},
	Plain: func(p *Printer, list []machine.CipherSuite) { p.cipherSuites("%d,%s,%s,%s,%s\n", list) },
}

func (p *Printer) cipherSuites(format string, list []machine.CipherSuite) {
	for _, s := range list {
		oem := "N/A"
		if s.OEM != 0 {
			oem = fmt.Sprintf("%06x", s.OEM)
		}
		p.Printf(format, s.ID, oem, s.Auth, s.Integrity, s.Conf)
	}
}
