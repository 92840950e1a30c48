package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/machine"
	"lom/render"
)

func newSELTime(a *App) *cobra.Command {
	set := query(a, "set TIME|now", "Set the clock of the SEL", render.Clock, runSELTimeSet)
	set.Long = `Set the clock of the SEL.

TIME is local time, or UTC with -Z, as "11/15/23 12:00:00" or "2023-11-15 12:00:00". The clock of
the SEL runs in UTC: that is how its timestamps are read.`
	return group(a, "time", "The clock of the SEL",
		query(a, "get", "Show the clock of the SEL", render.Clock,
			of((*machine.Machine).EventLogClock)), set)
}

// runSELTimeSet sets the clock, and shows it as it is then.
func runSELTimeSet(ctx context.Context, a *App, args []string) (v machine.Clock, err error) {
	if err := wantArgs(args, 1, 1); err != nil {
		return v, err
	}
	t, err := a.parseTime(args[0])
	if err != nil {
		return v, err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return v, err
	}
	if err := m.SetEventLogClock(ctx, t); err != nil {
		return v, err
	}
	return m.EventLogClock(ctx)
}

// parseTime reads a time in the zone in which times are printed: in ipmitool's form, with two
// digits of the year or four, or as ISO 8601 has it.
func (a *App) parseTime(s string) (time.Time, error) {
	if strings.EqualFold(s, "now") {
		return a.now(), nil
	}
	for _, layout := range []string{
		"1/2/06 15:04:05", "1/2/2006 15:04:05", time.DateTime, "2006-01-02T15:04:05", time.RFC3339,
	} {
		if t, err := time.ParseInLocation(layout, s, a.zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf(
		"%q is no time: it is written as in \"11/15/23 12:00:00\" or \"2023-11-15 12:00:00\"", s)
}
