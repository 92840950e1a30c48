package render

import (
	"fmt"

	"lom/ipmi"
	"lom/machine"
)

// Sessions prints sessions and empty places for them, as session info.
var Sessions = View[OneOrList[machine.Session]]{
	Text: func(p *Printer, v OneOrList[machine.Session]) { each(p, v.Values, (*Printer).session) },
	Plain: func(p *Printer, v OneOrList[machine.Session]) {
		each(p, v.Values, (*Printer).plainSession)
	},
}

// each prints the elements of a list.
func each[T any](p *Printer, list []T, print func(*Printer, T)) {
	for _, v := range list {
		print(p, v)
	}
}

// privilegeText is a privilege level as ipmitool prints it: level 0 has no name there.
func privilegeText(l ipmi.Privilege) string {
	if l == ipmi.PrivilegeHighest || l == ipmi.PrivilegeSystem {
		return fmt.Sprintf("Unknown (0x%02X)", uint8(l))
	}
	return l.String()
}

// sessionType is the type of a session as ipmitool prints it.
func sessionType(s *ipmi.ActiveSession) string {
	if s.Protocol == ipmi.SessionIPMI15 {
		return ipmi.SessionIPMI15.String()
	}
	return ipmi.SessionIPMI20.String()
}

// activity is what a session over a serial line is for.
func activity(s *ipmi.SessionPeerSerial) string {
	words := [...]string{"IPMI Messaging session active", "Callback Messaging session active",
		"Dial-out Alert active", "TAP Page Active"}
	if int(s.Activity) < len(words) {
		return words[s.Activity]
	}
	return fmt.Sprintf("Unknown (0x%02X)", s.Activity)
}

func (p *Printer) session(v machine.Session) {
	line := func(key string, value any) { p.Printf("%-30s: %v\n", key, value) }
	line("session handle", v.Handle)
	line("slot count", v.Slots)
	line("active sessions", v.Active)
	if s := v.Info.Session; s != nil {
		line("user id", v.User)
		line("privilege level", privilegeText(s.Privilege))
		line("session type", sessionType(s))
		line("channel number", fmt.Sprintf("0x%02x", s.Channel))
	}
	if v.Serial != nil {
		line("Session/Channel Activity Type", activity(v.Serial))
		line("Destination selector", v.Serial.Destination)
	}
	if v.ConsoleIP != "" {
		line("console ip", v.ConsoleIP)
	}
	if v.ConsoleMAC != "" {
		line("console mac", v.ConsoleMAC)
	}
	if v.ConsolePort != nil {
		line("console port", *v.ConsolePort)
	}
	p.Println()
}

func (p *Printer) plainSession(v machine.Session) {
	p.Printf("%d,%d,%d", v.Handle, v.Slots, v.Active)
	if s := v.Info.Session; s != nil {
		p.Printf(",%d,%s,%s,0x%02x", v.User, privilegeText(s.Privilege), sessionType(s), s.Channel)
	}
	if v.Serial != nil {
		p.Printf(",%s,%d", activity(v.Serial), v.Serial.Destination)
	}
	if v.ConsoleIP != "" {
		p.Printf(",%s", v.ConsoleIP)
	}
	if v.ConsoleMAC != "" {
		p.Printf(",%s", v.ConsoleMAC)
	}
	if v.ConsolePort != nil {
		p.Printf(",%d", *v.ConsolePort)
	}
	p.Println()
}
