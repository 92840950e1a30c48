package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"lom/client"
	"lom/ipmi"
)

// pefFilter is one filter of pef filter list.
type pefFilter struct {
	Entry    uint8    `json:"entry"`
	Enabled  bool     `json:"enabled"`
	Kind     string   `json:"kind"`
	Sensor   string   `json:"sensor_type"`
	Number   *uint8   `json:"sensor_number,omitempty"` // nil: any
	Severity string   `json:"severity"`
	Class    string   `json:"event_class"`
	Trigger  string   `json:"event_triggers"`
	Actions  []string `json:"actions"`
	Policy   *uint8   `json:"policy_set,omitempty"` // of an alert
}

func runPEFFilterList(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	conn, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	caps, err := client.Do(ctx, conn, ipmi.GetPEFCapabilities{})
	if err != nil {
		return failed("Get PEF Capabilities", err)
	}
	if err := checkEntry("event filter", 0, caps.Filters); err != nil {
		return err
	}
	filters := make([]*ipmi.PEFFilter, caps.Filters)
	r := newParamReader(ctx, conn)
	for i := range filters {
		readPEF(r, &filters[i], uint8(i+1))
	}
	if err := r.wait(); err != nil {
		return failed("Get PEF Configuration Parameters", err)
	}
	list := []pefFilter{}
	var refused []int
	for i, f := range filters {
		if f == nil {
			refused = append(refused, i+1)
			continue
		}
		v := pefFilter{Entry: f.Entry, Enabled: f.Enabled, Kind: f.Kind.String(), Sensor: pefSensorWord(f.SensorType),
			Severity: f.Severity.String(), Class: pefClass(f.EventType), Trigger: pefTriggers(f.EventType, f.Offsets), Actions: pefActionWords(f.Actions)}
		if f.Sensor != ipmi.FilterAny {
			v.Number = &f.Sensor
		}
		if f.Actions.Has(ipmi.PEFAlert) {
			v.Policy = &f.Policy
		}
		list = append(list, v)
	}
	err = a.Show(list, func(w io.Writer) {
		for _, v := range list {
			v.text(&pefPrinter{w: w, verbose: a.Options.Verbose > 0})
		}
	}, nil)
	if err != nil {
		return err
	}
	return missingEntries("event filter", refused)
}

func (v pefFilter) text(p *pefPrinter) {
	defer p.end()
	p.field("PEF Filter Table entry", v.Entry)
	p.field("Status", enabled(v.Enabled)+", "+v.Kind)
	if !v.Enabled {
		return
	}
	p.field("Sensor type", v.Sensor)
	if v.Number == nil {
		p.field("Sensor number", "Any")
	} else {
		p.field("Sensor number", *v.Number)
	}
	p.field("Event severity", v.Severity)
	p.field("Event class", v.Class)
	p.field("Event trigger(s)", v.Trigger)
	p.field("Action", choose(len(v.Actions) == 0, "None", strings.Join(v.Actions, ",")))
	if v.Policy != nil {
		p.field("Policy set", *v.Policy)
	}
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

var pefSensorWords = [...]string{"None", "Temperature", "Voltage", "Current", "Fan", "Chassis Intrusion", "Platform security breach",
	"Processor", "Power supply", "Power Unit", "Cooling device", "Other (units-based)", "Memory", "Drive Slot", "POST memory resize",
	"POST error", "Logging disabled", "Watchdog 1", "System event", "Critical Interrupt", "Button", "Module/board", "uController/coprocessor",
	"Add-in card", "Chassis", "Chipset", "Other (FRU)", "Cable/interconnect", "Terminator", "System boot", "Boot error", "OS boot",
	"OS critical stop", "Slot/connector", "ACPI power state", "Watchdog 2", "Platform alert", "Entity presence", "Monitor ASIC/IC", "LAN",
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

// pefTriggerWords are the events of the generic event types 1 to 12, in ipmitool's words: < is getting worse, > better.
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
	{"transition to running", "transition to in test", "transition to power off", "transition to online", "transition to offline",
		"transition to off duty", "transition to degraded", "transition to power save", "install error"},
	{"fully redundant", "redundancy lost", "redundancy degraded", "<non-redundant/sufficient", ">non-redundant/sufficient",
		"non-redundant/insufficient", "<redundancy degraded", ">redundancy degraded"},
	{"D0 power state", "D1 power state", "D2 power state", "D3 power state"},
}

func runPEFFilterSwitch(ctx context.Context, a *App, args []string, on bool) error {
	entry, err := pefEntryArg(args, 255)
	if err != nil {
		return err
	}
	conn, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	count, err := client.PEFParam[ipmi.PEFFilterCount](ctx, conn)
	if err != nil {
		return failed("Get PEF Configuration Parameters", err)
	}
	if err := checkEntry("event filter", entry, count.Count); err != nil {
		return err
	}
	p, err := client.PEFParam[ipmi.PEFFilterState](ctx, conn, entry)
	if err != nil {
		return failed("Get PEF Configuration Parameters", err)
	}
	p.Entry, p.Enabled = entry, on
	if err := client.SetPEFParam(ctx, conn, p); err != nil {
		return failed("Set PEF Configuration Parameters", err)
	}
	return a.Done(fmt.Sprintf("PEF Filter ID %d is %s now.", entry, enabled(on)))
}
