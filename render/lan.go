package render

import (
	"fmt"
	"strings"

	"lom/ipmi"
	"lom/machine"
)

// LAN prints the network settings of a channel, as lan print.
var LAN = View[machine.LAN]{Text: func(p *Printer, v machine.LAN) {
	line := func(key, format string, values ...any) {
		p.Printf("%-24s: %s\n", key, fmt.Sprintf(format, values...))
	}
	maybe := func(key, value string) {
		if value != "" {
			line(key, "%s", value)
		}
	}
	from := v.Parameters
	if from.Progress != nil {
		line("Set in Progress", "%s", lanSetState(from.Progress.State))
	}
	if from.AuthTypes != nil {
		line("Auth Type Support", "%s", authTypes(from.AuthTypes.Types))
	}
	if e := from.AuthEnabled; e != nil {
		line("Auth Type Enable", "Callback : %s", authTypes(e.Callback))
		line("", "User     : %s", authTypes(e.User))
		line("", "Operator : %s", authTypes(e.Operator))
		line("", "Admin    : %s", authTypes(e.Administrator))
		line("", "OEM      : %s", authTypes(e.OEM))
	}
	if from.IPSource != nil {
		line("IP Address Source", "%s", from.IPSource.Source)
	}
	maybe("IP Address", v.IPAddress)
	maybe("Subnet Mask", v.SubnetMask)
	maybe("MAC Address", v.MACAddress)
	if v.Community != nil {
		line("SNMP Community String", "%s", *v.Community)
	}
	if h := v.IPHeader; h != nil {
		line("IP Header", "TTL=0x%02x Flags=0x%02x Precedence=0x%02x TOS=0x%02x",
			h.TTL, h.Flags, h.Precedence, h.TOS)
	}
	if v.ARP != nil {
		line("BMC ARP Control", "ARP Responses %s, Gratuitous ARP %s",
			capitalEnabled(v.ARP.Responses), capitalEnabled(v.ARP.Gratuitous))
	}
	if from.ARPInterval != nil {
		// Spelled so in ipmitool.
		line("Gratituous ARP Intrvl", "%s", ARPInterval(*from.ARPInterval))
	}
	maybe("Default Gateway IP", v.Gateway)
	maybe("Default Gateway MAC", v.GatewayMAC)
	maybe("Backup Gateway IP", v.BackupGateway)
	maybe("Backup Gateway MAC", v.BackupMAC)
	if v.VLAN != nil {
		line("802.1q VLAN ID", "%s", choose(v.VLAN.Enabled, fmt.Sprint(v.VLAN.ID), "Disabled"))
	}
	if v.VLANPriority != nil {
		line("802.1q VLAN Priority", "%d", *v.VLANPriority)
	}
	if from.SuiteCount != nil {
		list := strings.Trim(strings.ReplaceAll(fmt.Sprint(v.Suites), " ", ","), "[]")
		line("RMCP+ Cipher Suites", "%s", choose(v.Suites == nil, "None", list))
	}
	if s := from.SuitePrivileges; s != nil {
		line("Cipher Suite Priv Max", "%s", suiteLetters(s.Max[:]))
		for _, legend := range [...]string{
			"X=Cipher Suite Unused", "c=CALLBACK", "u=USER", "o=OPERATOR", "a=ADMIN", "O=OEM",
		} {
			line("", "    %s", legend)
		}
	} else {
		line("Cipher Suite Priv Max", "Not Available")
	}
	if b := v.BadPassword; b != nil {
		line("Bad Password Threshold", "%d", b.Threshold)
		line("Invalid password disable", "%s", choose(b.Event, "yes", "no"))
		line("Attempt Count Reset Int.", "%d", b.Reset)
		line("User Lockout Interval", "%d", b.Lockout)
	} else {
		line("Bad Password Threshold", "Not Available")
	}
}}

// lanSetState is a state of SetInProgress in lan print.
func lanSetState(s ipmi.SetState) string {
	return [...]string{"Set Complete", "Set In Progress", "Commit Write", "Reserved"}[s&3]
}

// authTypes are the names of authentication types, each with a blank after it.
func authTypes(s ipmi.AuthTypes) string {
	names := ""
	for _, t := range machine.AuthTypes {
		if s.Has(t) {
			names += t.String() + " "
		}
	}
	return names
}

func capitalEnabled(on bool) string { return choose(on, "Enabled", "Disabled") }

// ARPInterval is an interval between gratuitous ARPs as ipmitool prints it: in whole seconds,
// rounded up, with a 0 behind the point.
func ARPInterval(p ipmi.LANARPInterval) string {
	return fmt.Sprintf("%d.0 seconds", (int(p.Interval)+1)/2)
}

// PrivilegeLetters has the letter of each privilege level in ipmitool's list of those of cipher
// suites; X is none.
const PrivilegeLetters = "XcuoaO"

// shownSuites is how many cipher suites ipmitool shows.
const shownSuites = 15

// suiteLetters are the privilege levels of cipher suites as letters.
func suiteLetters(levels []ipmi.Privilege) string {
	letters := make([]byte, min(len(levels), shownSuites))
	for i := range letters {
		letters[i] = PrivilegeLetters[0]
		if l := levels[i]; int(l) < len(PrivilegeLetters) {
			letters[i] = PrivilegeLetters[l]
		}
	}
	return string(letters)
}

// LANDestinations prints alert destinations, as lan alert print.
var LANDestinations = View[[]machine.LANDestination]{
	Text: func(p *Printer, list []machine.LANDestination) { each(p, list, (*Printer).destination) },
}

func (p *Printer) destination(v machine.LANDestination) {
	line := func(key string, value any) { p.Printf("%-24s: %v\n", key, value) }
	line("Alert Destination", v.Destination)
	line("Alert Acknowledge", choose(v.Acknowledged, "Acknowledged", "Unacknowledged"))
	line("Destination Type", v.Kind.Type)
	line(choose(v.Acknowledged, "Acknowledge Timeout", "Retry Interval"), v.Interval)
	line("Number of Retries", v.Retries)
	if v.Address.Format == ipmi.AddressIPv4 {
		line("Alert Gateway", choose(v.Address.BackupGateway, "Backup", "Default"))
	}
	line("Alert IP Address", v.IP)
	if v.MAC != "" {
		line("Alert MAC Address", v.MAC)
	}
	p.Println()
}

// LANStatistics prints the packet counters of a channel, as lan stats get.
var LANStatistics = View[machine.LANStatistics]{Text: func(p *Printer, v machine.LANStatistics) {
	line := func(key string, n uint16) { p.Printf("%-26s: %d\n", key, n) }
	line("IP Rx Packet", v.IPReceived)
	line("IP Rx Header Errors", v.IPHeaderErrors)
	line("IP Rx Address Errors", v.IPAddressErrors)
	line("IP Rx Fragmented", v.IPFragments)
	line("IP Tx Packet", v.IPSent)
	line("UDP Rx Packet", v.UDPReceived)
	line("RMCP Rx Valid", v.RMCPReceived)
	line("UDP Proxy Packet Received", v.UDPProxyReceived)
	line("UDP Proxy Packet Dropped", v.UDPProxyDropped)
}}
