package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

func newPEF(a *App) *cobra.Command {
	return group(a, "pef", "Platform event filtering: what the BMC does when an event arrives",
		leaf(a, "info", "Show what the BMC can do", runPEFInfo),
		leaf(a, "status", "Show what is enabled, and the events that were handled last", runPEFStatus),
		group(a, "filter", "The event filters: which events make the BMC act",
			leaf(a, "list", "List the event filters", runPEFFilterList),
			leaf(a, "enable NUMBER", "Make the BMC heed a filter", func(ctx context.Context, a *App, args []string) error {
				return runPEFFilterSwitch(ctx, a, args, true)
			}),
			leaf(a, "disable NUMBER", "Make the BMC ignore a filter", func(ctx context.Context, a *App, args []string) error {
				return runPEFFilterSwitch(ctx, a, args, false)
			})),
		group(a, "policy", "The alert policies: who is told of an event",
			leaf(a, "list", "List the entries of the alert policy table", runPEFPolicyList),
			leaf(a, "enable NUMBER", "Make the BMC heed an entry", func(ctx context.Context, a *App, args []string) error {
				return runPEFPolicySwitch(ctx, a, args, true)
			}),
			leaf(a, "disable NUMBER", "Make the BMC ignore an entry", func(ctx context.Context, a *App, args []string) error {
				return runPEFPolicySwitch(ctx, a, args, false)
			})))
}

// A pefPrinter prints the fields of one record: on one line apart by bars, or with -v each on a line of its own.
type pefPrinter struct {
	w       io.Writer
	verbose bool
	begun   bool
}

func (p *pefPrinter) field(label string, value any) {
	switch {
	case p.verbose:
		fmt.Fprintf(p.w, "%-24s : %v\n", label, value)
	case p.begun:
		fmt.Fprintf(p.w, " | %v", value)
	default:
		fmt.Fprintf(p.w, " %v", value)
	}
	p.begun = true
}

// flags prints names of a set: those that are in it apart by commas, or with -v all of them, each
// with the word that says whether it is in it.
func (p *pefPrinter) flags(names []string, in func(int) bool, yes, no string) {
	separator := " | "
	for i, name := range names {
		switch {
		case p.verbose:
			fmt.Fprintf(p.w, "%-24s : %s\n", name, choose(in(i), yes, no))
		case in(i):
			fmt.Fprint(p.w, separator+name)
			separator = ","
		}
	}
}

// end ends the record.
func (p *pefPrinter) end() { fmt.Fprintln(p.w) }

// pefActionNames are the actions of PEF; the index is the bit.
var pefActionNames = []string{"Alert", "Power-off", "Reset", "Power-cycle", "OEM-defined", "Diagnostic-interrupt"}

// pefActionWords are the names of the actions in a set.
func pefActionWords(s ipmi.PEFActions) []string {
	words := []string{}
	for i, name := range pefActionNames {
		if s.Has(1 << i) {
			words = append(words, name)
		}
	}
	return words
}

// pefInfo is what pef info prints.
type pefInfo struct {
	Version  string   `json:"version"`
	Filters  uint8    `json:"event_filters"`
	Policies uint8    `json:"alert_policies"`
	GUID     string   `json:"system_guid,omitempty"`
	Actions  []string `json:"actions"`

	caps ipmi.PEFCapabilities
}

func runPEFInfo(ctx context.Context, a *App, args []string) error {
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
	v := pefInfo{Version: fmt.Sprintf("%d.%d", caps.Version&0xf, caps.Version>>4), Filters: caps.Filters, Actions: pefActionWords(caps.Actions), caps: caps}
	var count *ipmi.PEFPolicyCount
	var guid *ipmi.PEFSystemGUID
	r := newParamReader(ctx, conn)
	readPEF(r, &count)
	readPEF(r, &guid)
	if err := r.wait(); err != nil {
		return failed("Get PEF Configuration Parameters", err)
	}
	if count != nil {
		v.Policies = count.Count
	}
	if guid != nil && guid.Use {
		v.GUID = guid.GUID.Format(ipmi.GUIDRFC4122)
	} else if g, err := client.Do(ctx, conn, ipmi.GetSystemGUID{}); err == nil {
		v.GUID = g.GUID.Format(ipmi.GUIDRFC4122)
	} else if !isRefusal(err) {
		return err
	}
	return a.Show(v, func(w io.Writer) {
		p := pefPrinter{w: w, verbose: a.Options.Verbose > 0}
		p.field("Version", fmt.Sprintf("0x%02x", caps.Version))
		p.field("PEF Event Filter count", v.Filters)
		p.field("PEF Alert Policy Table size", v.Policies)
		if v.GUID != "" {
			p.field("System GUID", v.GUID)
		}
		p.flags(pefActionNames, func(i int) bool { return caps.Actions.Has(1 << i) }, "supported", "unsupported")
		p.end()
	}, nil)
}

// pefStatus is what pef status prints.
type pefStatus struct {
	LastAddition string   `json:"last_sel_addition"`
	LastRecord   uint16   `json:"last_sel_record"`
	Software     uint16   `json:"last_processed_by_software"`
	BMC          uint16   `json:"last_processed_by_bmc"`
	Control      []string `json:"enabled"`
	Actions      []string `json:"active_actions"`
}

// pefControlNames are the settings of PEFControl in the order of their bits.
var pefControlNames = []string{"PEF", "PEF event messages", "PEF startup delay", "Alert startup delay"}

func runPEFStatus(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	conn, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	last, err := client.Do(ctx, conn, ipmi.GetLastProcessedEvent{})
	if err != nil {
		return failed("Get Last Processed Event ID", err)
	}
	control, err := client.PEFParam[ipmi.PEFControl](ctx, conn)
	if err != nil {
		return failed("Get PEF Configuration Parameters", err)
	}
	actions, err := client.PEFParam[ipmi.PEFActionControl](ctx, conn)
	if err != nil {
		return failed("Get PEF Configuration Parameters", err)
	}
	set := []bool{control.Enabled, control.EventMessages, control.StartupDelay, control.AlertStartupDelay}
	v := pefStatus{LastAddition: a.stampJSON(last.LastAddition), LastRecord: last.LastRecord, Software: last.Software, BMC: last.BMC,
		Control: []string{}, Actions: pefActionWords(actions.Enabled)}
	for i, on := range set {
		if on {
			v.Control = append(v.Control, pefControlNames[i])
		}
	}
	return a.Show(v, func(w io.Writer) {
		p := pefPrinter{w: w, verbose: a.Options.Verbose > 0}
		record := func(label string, n uint16) { p.field(label, fmt.Sprintf("0x%04x", n)) }
		p.field("Last SEL addition", a.stampNumeric(last.LastAddition))
		record("Last SEL record ID", last.LastRecord)
		record("Last S/W processed ID", last.Software)
		record("Last BMC processed ID", last.BMC)
		p.flags(pefControlNames, func(i int) bool { return set[i] }, "enabled", "disabled")
		p.flags(pefActionNames, func(i int) bool { return actions.Enabled.Has(1 << i) }, "active", "inactive")
		p.end()
	}, nil)
}

// pefEntryArg reads the number of an entry of a table of PEF.
func pefEntryArg(args []string, most int64) (uint8, error) {
	if err := wantArgs(args, 1, 1); err != nil {
		return 0, err
	}
	n, err := parseNumber(args[0], 1, most)
	if err != nil {
		return 0, usagef("%v", err)
	}
	return uint8(n), nil
}

// checkEntry refuses an entry that a table of size entries does not have.
func checkEntry(what string, entry, size uint8) error {
	switch {
	case size == 0:
		return fmt.Errorf("the BMC has no %s", plural(what))
	case entry > size:
		return fmt.Errorf("the BMC has no %s %d: the last is %d", what, entry, size)
	}
	return nil
}

func plural(s string) string {
	return strings.TrimSuffix(s, "y") + choose(strings.HasSuffix(s, "y"), "ies", "s")
}
