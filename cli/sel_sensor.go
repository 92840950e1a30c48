package cli

import (
	"context"
	"errors"

	"lom/ipmi/sdr"
	"lom/machine"
	"lom/render"
)

// printEventSensor prints the sensor of an event as sensor get does, and the FRU devices of what it
// watches.
func (a *App) printEventSensor(ctx context.Context, record sdr.Record) error {
	one := []sdr.Record{record}
	m, err := a.sensorMachine(ctx, one)
	if err != nil {
		return err
	}
	opts := append(a.eventOptions(), machine.ReadThresholds())
	sensors := m.ReadSensors(ctx, one, opts...)
	if err := render.Stream(a.printer(a.Out), render.SensorDetails, sensors); err != nil {
		return err
	}
	records, err := m.Records(ctx, nil)
	if _, err = splitPartial(err); err != nil {
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
