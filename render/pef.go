package render

import (
	"fmt"
	"strings"

	"lom/ipmi"
	"lom/machine"
)

// A pefPrinter prints the fields of one record: on one line apart by bars, or with -v each on a
// line of its own.
type pefPrinter struct {
	*Printer
	begun bool
}

func (p *pefPrinter) field(label string, value any) {
	switch {
	case p.Verbose > 0:
		p.Printf("%-24s : %v\n", label, value)
	case p.begun:
		p.Printf(" | %v", value)
	default:
		p.Printf(" %v", value)
	}
	p.begun = true
}

// flags prints names of a set: those that are in it apart by commas, or with -v all of them, each
// with the word that says whether it is in it.
func (p *pefPrinter) flags(names []string, in func(int) bool, yes, no string) {
	separator := " | "
	for i, name := range names {
		switch {
		case p.Verbose > 0:
			p.Printf("%-24s : %s\n", name, choose(in(i), yes, no))
		case in(i):
			p.Printf("%s", separator+name)
			separator = ","
		}
	}
}

// end ends the record.
func (p *pefPrinter) end() { p.Println() }

// pefActionNames are the actions of PEF; the index is the bit.
var pefActionNames = []string{"Alert", "Power-off", "Reset", "Power-cycle", "OEM-defined",
	"Diagnostic-interrupt"}

// pefActionText are the names of the actions in a set.
func pefActionText(s ipmi.PEFActions) string {
	var names []string
	for i, name := range pefActionNames {
		if s.Has(1 << i) {
			names = append(names, name)
		}
	}
	return choose(len(names) == 0, "None", strings.Join(names, ","))
}

// PEF prints what a BMC can do when an event arrives, as pef info.
var PEF = View[machine.PEF]{Text: func(out *Printer, v machine.PEF) {
	p := pefPrinter{Printer: out}
	p.field("Version", fmt.Sprintf("0x%02x", v.Capabilities.Version))
	p.field("PEF Event Filter count", v.Filters)
	p.field("PEF Alert Policy Table size", v.Policies)
	if v.Raw != nil {
		p.field("System GUID", v.Raw.Format(ipmi.GUIDRFC4122))
	}
	actions := v.Capabilities.Actions
	p.flags(pefActionNames, func(i int) bool {
		return actions.Has(1 << i)
	}, "supported", "unsupported")
	p.end()
}}

// pefControlNames are the settings of PEFControl in the order of their bits.
var pefControlNames = []string{"PEF", "PEF event messages", "PEF startup delay",
	"Alert startup delay"}

// PEFStatus prints what of PEF is enabled, as pef status.
var PEFStatus = View[machine.PEFStatus]{Text: func(out *Printer, v machine.PEFStatus) {
	p := pefPrinter{Printer: out}
	record := func(label string, n uint16) { p.field(label, fmt.Sprintf("0x%04x", n)) }
	p.field("Last SEL addition", p.stampNumeric(v.Last.LastAddition))
	record("Last SEL record ID", v.LastRecord)
	record("Last S/W processed ID", v.Software)
	record("Last BMC processed ID", v.BMC)
	c := v.Enabled
	set := []bool{c.Enabled, c.EventMessages, c.StartupDelay, c.AlertStartupDelay}
	p.flags(pefControlNames, func(i int) bool { return set[i] }, "enabled", "disabled")
	p.flags(pefActionNames, func(i int) bool { return v.Active.Has(1 << i) }, "active", "inactive")
	p.end()
}}

// enabled is ipmitool's word for a switch.
func enabled(on bool) string { return choose(on, "enabled", "disabled") }
