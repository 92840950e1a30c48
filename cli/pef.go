package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"lom/machine"
	"lom/render"
)

func newPEF(a *App) *cobra.Command {
	filter := pefSwitch{"PEF Filter", 255, (*machine.Machine).EnablePEFFilter}
	policy := pefSwitch{"PEF Policy", 127, (*machine.Machine).EnablePEFPolicy}
	return group(a, "pef", "Platform event filtering: what the BMC does when an event arrives",
		query(a, "info", "Show what the BMC can do", render.PEF, of((*machine.Machine).PEF)),
		query(a, "status", "Show what is enabled, and the events that were handled last",
			render.PEFStatus, of((*machine.Machine).PEFStatus)),
		group(a, "filter", "The event filters: which events make the BMC act",
			query(a, "list", "List the event filters", render.PEFFilters,
				noting(of((*machine.Machine).PEFFilters))),
			change(a, "enable NUMBER", "Make the BMC heed a filter", filter.to(true)),
			change(a, "disable NUMBER", "Make the BMC ignore a filter", filter.to(false))),
		group(a, "policy", "The alert policies: where alerts of an event go",
			query(a, "list", "List the entries of the alert policy table", render.PEFPolicies,
				noting(of((*machine.Machine).PEFPolicies))),
			change(a, "enable NUMBER", "Make the BMC heed an entry", policy.to(true)),
			change(a, "disable NUMBER", "Make the BMC ignore an entry", policy.to(false))))
}

// A pefSwitch enables and disables entries of a table of PEF.
type pefSwitch struct {
	what string
	most int64 // the greatest number of an entry
	set  func(m *machine.Machine, ctx context.Context, entry uint8, on bool) error
}

// to makes the run function of enable or disable.
func (s pefSwitch) to(on bool) func(context.Context, *App, []string) (string, error) {
	return func(ctx context.Context, a *App, args []string) (string, error) {
		if err := wantArgs(args, 1, 1); err != nil {
			return "", err
		}
		n, err := parseNumber(args[0], 1, s.most)
		if err != nil {
			return "", usagef("%v", err)
		}
		m, err := a.machine(ctx)
		if err == nil {
			err = s.set(m, ctx, uint8(n), on)
		}
		return fmt.Sprintf("%s ID %d is %s now.", s.what, n, enabled(on)), err
	}
}
