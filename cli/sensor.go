package cli

import (
	"context"
	"iter"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/machine"
	"lom/render"
)

func newSensor(a *App) *cobra.Command {
	get := query(a, "get NAME...", "Show all about sensors", render.SensorGet, runSensorGet)
	reading := query(a, "reading NAME...", "Show readings only", render.SensorReadings,
		runSensorReading)
	thresh := change(a, "thresh NAME (unr|ucr|unc|lnc|lcr|lnr VALUE | lower LNR LCR LNC | upper "+
		"UNC UCR UNR)",
		"Set thresholds", runSensorThresh)
	get.ValidArgsFunction, reading.ValidArgsFunction = a.completeSensors(true),
		a.completeSensors(true)
	thresh.ValidArgsFunction = a.completeSensors(false)
	return groupDefault(a, "sensor", "Sensors: readings, and thresholds to show and set",
		listRun(render.Sensor, runSensorList),
		list(a, "list", "Show all sensors with their readings and thresholds", render.Sensor,
			runSensorList),
		get, reading, thresh)
}

func runSensorList(ctx context.Context, a *App,
	args []string) (iter.Seq2[machine.Sensor, error], error) {
	if err := wantArgs(args, 0, 0); err != nil {
		return nil, err
	}
	records, missing, err := loadSDRs(ctx, a)
	if err != nil {
		return nil, err
	}
	records = filterRecords(records, func(r sdr.Record) bool { return client.SensorOf(r) != nil })
	return a.readRecords(ctx, records, missing,
		append(a.verboseOptions(), machine.ReadThresholds())...)
}

func runSensorGet(ctx context.Context, a *App, args []string) ([]machine.Sensor, error) {
	if err := wantArgs(args, 1, -1); err != nil {
		return nil, err
	}
	found, missing, err := findRecords(ctx, a, args)
	if err != nil {
		return nil, err
	}
	all, err := a.collect(ctx, found, append(a.eventOptions(), machine.ReadThresholds())...)
	switch {
	case err != nil:
		return nil, err
	case len(missing) > 0:
		return all, shown(joinLines(missing))
	}
	// A sensor without a reading is in the output; the exit code says so too.
	if slices.ContainsFunc(all, func(s machine.Sensor) bool {
		return client.SensorOf(s.Record) != nil && !s.Reading.Valid
	}) {
		return all, shown(errReported)
	}
	return all, nil
}

func runSensorReading(ctx context.Context, a *App, args []string) ([]machine.Sensor, error) {
	if err := wantArgs(args, 1, -1); err != nil {
		return nil, err
	}
	found, problems, err := findRecords(ctx, a, args)
	if err != nil {
		return nil, err
	}
	all, err := a.collect(ctx, found)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		switch {
		case a.Options.JSON || s.Reading.Valid && s.Reading.Analog:
		case client.SensorOf(s.Record) == nil:
			problems = append(problems,
				fmt.Errorf("%q is nothing that can be read; \"sdr get\" shows it", s.Name))
		case !s.Reading.Valid:
			problems = append(problems, fmt.Errorf("sensor %q has no reading now", s.Name))
		default:
			problems = append(problems,
				fmt.Errorf("sensor %q has states and no number; \"sensor get\" shows them", s.Name))
		}
	}
	return all, shown(joinLines(problems))
}

// parseThresholds reads which thresholds are to be set, in the order in which that is done.
func parseThresholds(args []string) ([]machine.NewThreshold, error) {
	var order []ipmi.Threshold
	switch args[0] {
	case "lower":
		order = machine.ThresholdOrder[:3]
	case "upper":
		order = machine.ThresholdOrder[3:]
	default:
		t := slices.Index(machine.ThresholdWords[:], args[0])
		if t < 0 {
			return nil, usagef("%q is no threshold", args[0])
		}
		order = []ipmi.Threshold{ipmi.Threshold(t)}
	}
	if err := wantArgs(args[1:], len(order), len(order)); err != nil {
		return nil, err
	}
	var set []machine.NewThreshold
	for i, s := range args[1:] {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil, usagef("%q is not a number", s)
		}
		set = append(set, machine.NewThreshold{Threshold: order[i], Value: v})
	}
	return set, nil
}

func runSensorThresh(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 3, -1); err != nil {
		return "", err
	}
	set, err := parseThresholds(args[1:])
	if err != nil {
		return "", err
	}
	name := args[0]
	p := a.printer(a.Out)
	if !a.Options.JSON {
		p.Printf("Locating sensor record '%s'...\n", name)
	}
	m, err := a.machine(ctx)
	if err != nil {
		return "", err
	}
	tried, err := m.SetThresholds(ctx, name, set...)
	if !a.Options.JSON {
		render.ThresholdsSet(p, name, tried)
	}
	return "", withSensorList(err)
}
