package cli

import (
	"context"
	"io"
	"strings"
	"time"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

// stampJSON is a timestamp in JSON: RFC 3339, "S+" and seconds if it counts from the start of
// the BMC, "" if it is unspecified.
func (a *App) stampJSON(t ipmi.Timestamp) string {
	switch {
	case t == ipmi.TimestampUnspecified:
		return ""
	case t.SinceInit():
		return fmt.Sprintf("S+%d", uint32(t))
	}
	return a.at(t).Format(time.RFC3339)
}

func runSELTimeGet(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	now, err := do(ctx, a, ipmi.GetSELTime{})
	if err != nil {
		return failed("Get SEL Time command", err)
	}
	type clock struct {
		Time string `json:"time"`
	}
	return a.Show(clock{a.stampJSON(now.Time)}, func(w io.Writer) { fmt.Fprintln(w, a.stampNumeric(now.Time)) }, nil)
}

func runSELTimeSet(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 1); err != nil {
		return err
	}
	t, err := a.parseTime(args[0])
	if err != nil {
		return err
	}
	stamp := ipmi.TimestampOf(t)
	if stamp == ipmi.TimestampUnspecified || stamp.SinceInit() {
		return fmt.Errorf("the clock of a SEL cannot be set to %s: it goes from 1987 to 2106", t.Format(time.DateOnly))
	}
	if _, err := do(ctx, a, ipmi.SetSELTime{Time: stamp}); err != nil {
		return failed("Set SEL Time command", err)
	}
	return runSELTimeGet(ctx, a, nil)
}

// parseTime reads a time in the zone in which times are printed: in ipmitool's form, with two
// digits of the year or four, or as ISO 8601 has it.
func (a *App) parseTime(s string) (time.Time, error) {
	if strings.EqualFold(s, "now") {
		return a.now(), nil
	}
	for _, layout := range []string{"1/2/06 15:04:05", "1/2/2006 15:04:05", time.DateTime, "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, s, a.zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: it is written as in \"11/15/23 12:00:00\" or \"2023-11-15 12:00:00\"", s)
}
