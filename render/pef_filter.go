package render

import (
	"fmt"

	"lom/ipmi"
	"lom/machine"
)

// PEFFilters prints the filter table, as pef filter list.
var PEFFilters = View[[]machine.PEFFilter]{
	Text: func(p *Printer, list []machine.PEFFilter) { each(p, list, (*Printer).pefFilter) },
	Columns: []string{"entry", "enabled", "kind", "sensor_type", "sensor_number", "severity",
		"event_class", "actions", "policy_set"},
}

func (out *Printer) pefFilter(v machine.PEFFilter) {
	p := pefPrinter{Printer: out}
	f := v.Filter
	defer p.end()
	p.field("PEF Filter Table entry", v.Entry)
	p.field("Status", enabled(v.Enabled)+", "+f.Kind.String())
	if !v.Enabled {
		return
	}
	p.field("Sensor type", pefSensorWord(f.SensorType))
	if v.Sensor == nil {
		p.field("Sensor number", "Any")
	} else {
		p.field("Sensor number", *v.Sensor)
	}
	p.field("Event severity", f.Severity)
	p.field("Event class", pefClass(f.EventType))
	p.field("Event trigger(s)", pefTriggers(f.EventType, f.Offsets))
	p.field("Action", pefActionText(f.Actions))
	if v.Policy != nil {
		p.field("Policy set", *v.Policy)
	}
}

// PEFPolicies prints the policy table, as pef policy list.
var PEFPolicies = View[[]machine.PEFPolicy]{
	Text: func(p *Printer, list []machine.PEFPolicy) { each(p, list, (*Printer).pefPolicy) },
}

func (out *Printer) pefPolicy(v machine.PEFPolicy) {
	p := pefPrinter{Printer: out}
	defer p.end()
	p.field("Alert policy table entry", v.Entry)
	p.field("Policy set", v.Set)
	p.field("State", enabled(v.Enabled))
	p.field("Policy entry rule", v.Policy.Rule)
	if v.EventString {
		p.field("Event-specific", "true")
	}
	if v.Info == nil {
		return
	}
	p.field("Channel number", *v.Channel)
	p.field("Channel medium", pefMedium(v.Info.Medium))
	d := v.LAN
	switch {
	case d != nil:
		p.field("Alert destination type",
			map[string]string{"pet": "PET", "oem1": "OEM 1", "oem2": "OEM 2",
				"none": "None"}[d.Type])
		if d.Community != nil {
			p.field("PET Community", *d.Community)
		}
		p.field("ACK timeout/retry (secs)", d.Timeout)
		p.field("Retries", d.Retries)
		if d.IP != "" {
			p.field("IP address", d.IP)
		}
		if d.MAC != "" {
			p.field("MAC address", d.MAC)
		}
	case v.Info.Medium != ipmi.MediumLAN:
		p.field("Destination ID", v.Destination)
	}
}

// pefMedium is a medium in ipmitool's pef, which has some words of its own.
func pefMedium(m ipmi.ChannelMedium) string {
	switch {
	case m == ipmi.MediumSerial:
		return "Serial/Modem (RS-232)"
	case m == ipmi.MediumSMBus1:
		return "SMBus v1.0/1.1"
	case m == ipmi.MediumSystemInterface:
		return "System I/F (KCS,SMIC,BT)"
	case m == 0 || m > ipmi.MediumSystemInterface:
		return "None"
	}
	return m.String()
}

// pefSensorWord is a type of sensor in ipmitool's pef, which has words of its own.
func pefSensorWord(t ipmi.SensorType) string {
	switch {
	case t == ipmi.FilterAny:
		return "Any"
	case int(t) < len(pefSensorWords):
		return pefSensorWords[t]
	}
	return "None"
}

var pefSensorWords = [...]string{"None", "Temperature", "Voltage", "Current", "Fan",
	"Chassis Intrusion", "Platform security breach",
	"Processor", "Power supply", "Power Unit", "Cooling device", "Other (units-based)", "Memory",
	"Drive Slot", "POST memory resize",
	"POST error", "Logging disabled", "Watchdog 1", "System event", "Critical Interrupt", "Button",
	"Module/board", "uController/coprocessor",
	"Add-in card", "Chassis", "Chipset", "Other (FRU)", "Cable/interconnect", "Terminator",
	"System boot", "Boot error", "OS boot",
	"OS critical stop", "Slot/connector", "ACPI power state", "Watchdog 2", "Platform alert",
	"Entity presence", "Monitor ASIC/IC", "LAN",
	"Management subsystem health", "Battery"}

// pefClass is the class of events that a filter is for.
func pefClass(t ipmi.EventType) string {
	switch {
	case t == ipmi.EventThreshold:
		return "Threshold"
	case t > ipmi.EventSensorSpecific:
		return "OEM"
	}
	return "Discrete"
}

// pefTriggers says which events a filter is for.
func pefTriggers(t ipmi.EventType, offsets uint16) string {
	switch {
	case offsets == 0xffff || t == ipmi.FilterAny:
		return "Any"
	case t == ipmi.EventUnspecified:
		return "Unspecified"
	case t == ipmi.EventSensorSpecific:
		return "Sensor-specific"
	case t > ipmi.EventSensorSpecific:
		return "OEM"
	}
	s := fmt.Sprintf("(0x%02x/0x%04x)", uint8(t), offsets)
	for i := range 12 {
		switch {
		case offsets>>i&1 == 0:
		case int(t) > len(pefTriggerWords):
			s += ", Unrecognized event trigger"
		case i < len(pefTriggerWords[t-1]):
			s += "," + pefTriggerWords[t-1][i]
		default:
			s += ",None"
		}
	}
	return s
}

// pefTriggerWords are the events of the generic event types 1 to 12, in ipmitool's words: < is
// getting worse, > better.
var pefTriggerWords = [...][]string{
	{"<LNC", ">LNC", "<LC", ">LC", "<LNR", ">LNR", ">UNC", "<UNC", ">UC", "<UC", ">UNR", "<UNR"},
	{"transition to idle", "transition to active", "transition to busy"},
	{"state deasserted", "state asserted"},
	{"predictive failure deasserted", "predictive failure asserted"},
	{"limit not exceeded", "limit exceeded"},
	{"performance met", "performance lags"},
	{"ok", "<warn", "<fail", "<dead", ">warn", ">fail", "dead", "monitor", "informational"},
	{"device removed/absent", "device inserted/present"},
	{"device disabled", "device enabled"},
	{"transition to running", "transition to in test", "transition to power off",
		"transition to online", "transition to offline",
		"transition to off duty", "transition to degraded", "transition to power save",
		"install error"},
	{"fully redundant", "redundancy lost", "redundancy degraded", "<non-redundant/sufficient",
		">non-redundant/sufficient",
		"non-redundant/insufficient", "<redundancy degraded", ">redundancy degraded"},
	{"D0 power state", "D1 power state", "D2 power state", "D3 power state"},
}
