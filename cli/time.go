package cli

import (
	"context"
	"fmt"
	"time"

	"lom/ipmi"
)

const secondsADay = 24 * 60 * 60

// at returns the time of a timestamp in the zone in which times are printed.
func (a *App) at(stamp ipmi.Timestamp) time.Time {
	if stamp.SinceInit() {
		return stamp.Time()
	}
	return stamp.Time().In(a.zone)
}

// stampZone is the zone's name as ipmitool prints it: its -Z says GMT, not UTC.
func (a *App) stampZone(t time.Time) string {
	if a.Options.UTC {
		return "GMT"
	}
	name, _ := t.Zone()
	return name
}

// stampNumeric prints a timestamp as ipmitool does in the C locale: 11/14/23 22:13:20 UTC.
func (a *App) stampNumeric(stamp ipmi.Timestamp) string {
	return a.stamp(stamp, "01/02/06 15:04:05", "/")
}

func (a *App) stamp(stamp ipmi.Timestamp, layout, separator string) string {
	if stamp == ipmi.TimestampUnspecified {
		return "Unspecified"
	}
	t := a.at(stamp)
	switch {
	case !stamp.SinceInit():
		return t.Format(layout) + " " + a.stampZone(t)
	case stamp < secondsADay:
		return "S+ " + t.Format("15:04:05")
	case separator == "/":
		return fmt.Sprintf("S+ %s/%03d %s", t.Format("06"), t.YearDay(), t.Format("15:04:05"))
	}
	return fmt.Sprintf("S+ %s years %03d days %s", t.Format("06"), t.YearDay(),
		t.Format("15:04:05"))
}

// sleep waits for d, or until ctx ends, whose error it then returns.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
