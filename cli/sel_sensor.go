package cli

import (
	"context"
	"errors"
	"strings"

	"lom/ipmi/sdr"
	"lom/machine"
)

// printEventSensor prints the sensor of an event as sensor get does, and the FRU devices of what it
// watches.
func (a *App) printEventSensor(ctx context.Context, record sdr.Record) error {
	style := a.sdrStyle(false)
	style.verbose = true
	views, err := readViews(ctx, a, []sdr.Record{record}, sensorPrecision, !style.csv, true)
	if err != nil {
		return err
	}
	for _, v := range views {
		if v.sensor == nil {
			v.print(a.Out, style)
		} else {
			v.printSensor(a.Out, style)
		}
	}
	records, _, err := loadSDRs(ctx, a)
	if err != nil {
		return err
	}
	entity, _ := machine.RecordEntity(record)
	for _, r := range records {
		if f, ok := r.(*sdr.FRULocator); ok && f.Entity == entity {
			if err := printLocatedFRU(ctx, a, f); err != nil && !errors.Is(err, errReported) {
				return err
			}
		}
	}
	return nil
}

// untilNUL is text from a BMC up to its first NUL.
func untilNUL(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return printable(s)
}
