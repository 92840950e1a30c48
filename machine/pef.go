package machine

import (
	"context"
	"fmt"
	"time"

	"lom/client"
	"lom/ipmi"
)

// PEF is what a BMC can do when an event arrives (§30.1).
type PEF struct {
	Version  string   `json:"version"`
	Filters  uint8    `json:"event_filters"`  // entries of the filter table
	Policies uint8    `json:"alert_policies"` // entries of the policy table
	GUID     string   `json:"system_guid,omitempty"`
	Actions  []string `json:"actions" enum:"alert,power-off,reset,power-cycle,oem-defined,diagnostic-interrupt"`

	Capabilities ipmi.PEFCapabilities `json:"-"`
	Raw          *ipmi.GUID           `json:"-"` // nil: the BMC gives none
}

// PEFActions are the words for the actions of PEF; the index is the bit.
var PEFActions = []string{"alert", "power-off", "reset", "power-cycle", "oem-defined",
	"diagnostic-interrupt"}

// pefActions are the words for the actions in a set.
func pefActions(s ipmi.PEFActions) []string {
	words := []string{}
	for i, w := range PEFActions {
		if s.Has(1 << i) {
			words = append(words, w)
		}
	}
	return words
}

// What is tried when parameters of PEF are read and written.
const (
	getPEF = "Get PEF Configuration Parameters"
	setPEF = "Set PEF Configuration Parameters"
)

// PEF asks what the BMC can do when an event arrives. The GUID is the one that traps carry: that of
// the PEF parameters if it is used, else the system's.
func (m *Machine) PEF(ctx context.Context) (PEF, error) {
	caps, err := do(ctx, m, "Get PEF Capabilities", ipmi.GetPEFCapabilities{})
	if err != nil {
		return PEF{}, err
	}
	v := PEF{
		Version: fmt.Sprintf("%d.%d", caps.Version&0xf, caps.Version>>4), Filters: caps.Filters,
		Actions: pefActions(caps.Actions), Capabilities: caps,
	}
	var count *ipmi.PEFPolicyCount
	var guid *ipmi.PEFSystemGUID
	r := newParamReader(ctx, m.conn)
	readPEF(r, &count)
	readPEF(r, &guid)
	if err := r.wait(); err != nil {
		return PEF{}, failed(getPEF, err)
	}
	if count != nil {
		v.Policies = count.Count
	}
	switch {
	case guid != nil && guid.Use:
		v.Raw = &guid.GUID
	default:
		g, err := do(ctx, m, "Get GUID command", ipmi.GetSystemGUID{})
		if err == nil {
			v.Raw = &g.GUID
		} else if !refused(err) {
			return PEF{}, err
		}
	}
	if v.Raw != nil {
		v.GUID = v.Raw.Format(v.Raw.Order(m.now())) // as GUID gives it
	}
	return v, nil
}

// PEFStatus is what of PEF is enabled, and which events were handled last (§30.6).
type PEFStatus struct {
	LastAddition          time.Time `json:"last_sel_addition,omitzero"`
	LastAdditionSinceInit *uint32   `json:"last_sel_addition_since_init_seconds,omitempty"`
	LastRecord            uint16    `json:"last_sel_record"`
	Software              uint16    `json:"last_processed_by_software"` // record ID
	BMC                   uint16    `json:"last_processed_by_bmc"`      // record ID
	Control               []string  `json:"enabled" enum:"pef,event-messages,startup-delay,alert-startup-delay"`
	Actions               []string  `json:"active_actions" enum:"alert,power-off,reset,power-cycle,oem-defined,diagnostic-interrupt"`

	Last    ipmi.LastProcessedEvent `json:"-"`
	Enabled ipmi.PEFControl         `json:"-"`
	Active  ipmi.PEFActions         `json:"-"`
}

// PEFStatus asks what of PEF is enabled.
func (m *Machine) PEFStatus(ctx context.Context) (PEFStatus, error) {
	last, err := do(ctx, m, "Get Last Processed Event ID", ipmi.GetLastProcessedEvent{})
	if err != nil {
		return PEFStatus{}, err
	}
	control, err := client.PEFParam[ipmi.PEFControl](ctx, m.conn)
	if err != nil {
		return PEFStatus{}, failed(getPEF, err)
	}
	actions, err := client.PEFParam[ipmi.PEFActionControl](ctx, m.conn)
	if err != nil {
		return PEFStatus{}, failed(getPEF, err)
	}
	v := PEFStatus{
		LastAddition:          timeOf(last.LastAddition),
		LastAdditionSinceInit: sinceInit(last.LastAddition),
		LastRecord:            last.LastRecord, Software: last.Software, BMC: last.BMC,
		Control: []string{}, Actions: pefActions(actions.Enabled),
		Last: last, Enabled: control, Active: actions.Enabled,
	}
	for _, c := range []struct {
		on   bool
		word string
	}{
		{control.Enabled, "pef"}, {control.EventMessages, "event-messages"},
		{control.StartupDelay, "startup-delay"}, {control.AlertStartupDelay, "alert-startup-delay"},
	} {
		if c.on {
			v.Control = append(v.Control, c.word)
		}
	}
	return v, nil
}

// A TableError says that a table of a BMC has no such entry.
type TableError struct {
	Table       string // what its entries are, such as "event filter"
	Entry, Size uint8  // Entry 0: the table was asked for
}

func (e *TableError) Error() string {
	if e.Size == 0 {
		if last := len(e.Table) - 1; e.Table[last] == 'y' {
			return "the BMC has no " + e.Table[:last] + "ies"
		}
		return "the BMC has no " + e.Table + "s"
	}
	return fmt.Sprintf("the BMC has no %s %d: the last is %d", e.Table, e.Entry, e.Size)
}

// checkEntry refuses an entry that a table does not have.
func checkEntry(table string, entry, size uint8) error {
	if size == 0 || entry > size {
		return &TableError{table, entry, size}
	}
	return nil
}
