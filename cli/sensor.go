package cli

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/machine"
)

func newSensor(a *App) *cobra.Command {
	return groupDefault(a, "sensor", "Sensors: readings, and thresholds to show and set", runSensorList,
		leaf(a, "list", "Show all sensors with their readings and thresholds", runSensorList),
		leaf(a, "get NAME...", "Show all about sensors", runSensorGet),
		leaf(a, "reading NAME...", "Show readings only", runSensorReading),
		leaf(a, "thresh NAME (unr|ucr|unc|lnc|lcr|lnr VALUE | lower LNR LCR LNC | upper UNC UCR UNR)", "Set thresholds", runSensorThresh),
	)
}

func runSensorList(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	records, missing, err := loadSDRs(ctx, a)
	if err != nil {
		return err
	}
	records = filterRecords(records, func(r sdr.Record) bool { return client.SensorOf(r) != nil })
	style := a.sdrStyle(false)
	views, err := readViews(ctx, a, records, sensorPrecision, style.verbose && !style.csv, true)
	if err != nil {
		return err
	}
	print := func(w io.Writer) {
		for _, v := range views {
			v.printSensor(w, style)
		}
	}
	if err := a.Show(sensorList(views), print, print); err != nil {
		return err
	}
	return a.shortList(missing)
}

func runSensorGet(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, -1); err != nil {
		return err
	}
	found, missing, err := findRecords(ctx, a, args)
	if err != nil {
		return err
	}
	style := a.sdrStyle(false)
	style.verbose = true
	views, err := readViews(ctx, a, found, sensorPrecision, !style.csv, true)
	if err != nil {
		return err
	}
	print := func(w io.Writer) {
		fmt.Fprintln(w, "Locating sensor record...")
		for _, v := range views {
			if v.sensor == nil {
				v.print(w, style)
				continue
			}
			v.printSensor(w, style)
		}
	}
	if err := a.Show(sensorList(views), print, print); err != nil {
		return err
	}
	if len(missing) > 0 {
		return joinLines(missing)
	}
	// A sensor without a reading has been said on the output; the exit code tells too.
	if slices.ContainsFunc(views, func(v *sensorView) bool { return v.sensor != nil && !v.valid }) {
		return errReported
	}
	return nil
}

// printSensor prints a sensor as ipmitool's sensor does.
func (v *sensorView) printSensor(w io.Writer, style sdrStyle) {
	name, _ := machine.RecordName(v.record)
	threshold := v.sensor.EventType.Threshold()
	switch {
	case style.csv && threshold:
		v.printSensorThresholdCSV(w, name, style)
	case style.csv:
		v.printSensorDiscreteCSV(w, name)
	case style.verbose:
		v.printSensorVerbose(w, name, style)
	case threshold:
		v.printSensorThreshold(w, name, style)
	default:
		v.printSensorDiscrete(w, name)
	}
}

func (v *sensorView) printSensorDiscreteCSV(w io.Writer, name string) {
	switch {
	case v.valid && v.analog:
		fmt.Fprintf(w, "%s,%s,%s,ok", name, v.text, v.units)
	case v.valid:
		fmt.Fprintf(w, "%s,0x%x,discrete,0x%02x%02x", name, v.reading, v.states[0], v.states[1])
	default:
		fmt.Fprintf(w, "%s,na,discrete,na", name)
	}
	fmt.Fprintln(w, ",na,na,na,na,na,na")
}

func (v *sensorView) printSensorDiscrete(w io.Writer, name string) {
	fmt.Fprintf(w, "%-16s ", name)
	switch {
	case v.valid && v.analog:
		fmt.Fprintf(w, "| %-10s | %-10s | %-6s", v.text, v.units, "ok")
	case v.valid:
		fmt.Fprintf(w, "| 0x%-8x | %-10s | 0x%02x%02x", v.states[0], "discrete", v.states[0], v.states[1])
	default:
		fmt.Fprintf(w, "| %-10s | %-10s | %-6s", "na", "discrete", "na")
	}
	fmt.Fprintln(w, "| na        | na        | na        | na        | na        | na        ")
}

func (v *sensorView) printSensorThresholdCSV(w io.Writer, name string, style sdrStyle) {
	switch {
	case v.valid && v.analog:
		fmt.Fprintf(w, "%s,%s,%s,%s", name, cFloat(v.value, 3), v.units, v.statusWord(style, "ns"))
	case v.valid:
		fmt.Fprintf(w, "%s,0x%x,%s,%s", name, v.reading, v.units, v.statusWord(style, "ns"))
	default:
		fmt.Fprintf(w, "%s,na,%s,na", name, v.units)
	}
	for _, t := range listedThresholds {
		fmt.Fprint(w, ","+v.thresholdText(t))
	}
	fmt.Fprintln(w)
}

func (v *sensorView) printSensorThreshold(w io.Writer, name string, style sdrStyle) {
	fmt.Fprintf(w, "%-16s ", name)
	switch {
	case v.valid && v.analog:
		fmt.Fprintf(w, "| %-10s | %-10s | %-6s", cFloat(v.value, 3), v.units, v.statusWord(style, "ns"))
	case v.valid:
		fmt.Fprintf(w, "| 0x%-8x | %-10s | %-6s", v.reading, v.units, v.statusWord(style, "ns"))
	default:
		fmt.Fprintf(w, "| %-10s | %-10s | %-6s", "na", v.units, "na")
	}
	for _, t := range listedThresholds {
		fmt.Fprintf(w, "| %-10s", v.thresholdText(t))
	}
	fmt.Fprintln(w)
}

// listedThresholds is the order in which thresholds are printed.
var listedThresholds = [...]ipmi.Threshold{ipmi.LowerNonRecoverable, ipmi.LowerCritical, ipmi.LowerNonCritical,
	ipmi.UpperNonCritical, ipmi.UpperCritical, ipmi.UpperNonRecoverable}

// thresholdText prints a threshold, "na" if the controller does not tell it.
func (v *sensorView) thresholdText(t ipmi.Threshold) string {
	var d [7]byte
	copy(d[:], v.thresholds)
	switch {
	case v.full == nil || d[0]>>t&1 == 0:
		return "na"
	case v.full.Analog():
		return cFloat(v.conv.Value(d[1+t]), 3)
	}
	return fmt.Sprintf("0x%x", d[1+t])
}

func (v *sensorView) printSensorVerbose(w io.Writer, name string, style sdrStyle) {
	s := v.sensor
	fmt.Fprintf(w, "Sensor ID              : %s (0x%x)\n", name, s.Number)
	fmt.Fprintf(w, " Entity ID             : %d.%d\n", s.Entity.ID, s.Entity.Instance)
	if !s.EventType.Threshold() {
		fmt.Fprintf(w, " Sensor Type (Discrete): %s\n", s.SensorType)
		if !v.valid {
			fmt.Fprintf(w, " Unable to read sensor: Device Not Present\n\n")
			return
		}
		if v.analog {
			fmt.Fprintf(w, " Sensor Reading        : %s %s\n", v.text, v.units)
		}
		printStates(w, "States Asserted", s, v.states[0], v.states[1])
		fmt.Fprintln(w)
		return
	}
	fmt.Fprintf(w, " Sensor Type (Threshold)  : %s\n", s.SensorType)
	fmt.Fprint(w, " Sensor Reading        : ")
	if v.valid {
		v.printSensorVerboseReading(w, style)
	} else {
		fmt.Fprintf(w, " Unable to read sensor: Device Not Present\n\n")
	}
	v.printEventStatus(w)
	v.printEventEnable(w)
	fmt.Fprintln(w)
}

func (v *sensorView) printSensorVerboseReading(w io.Writer, style sdrStyle) {
	switch {
	case v.full == nil:
		fmt.Fprintf(w, "0x%x %s\n", v.reading, v.units)
	case v.analog:
		fmt.Fprintf(w, "%s (+/- %s) %s\n", number2text(v.value, 3), number2text(v.conv.Tolerance(), 3), v.units)
	default:
		fmt.Fprintf(w, "0x%x (+/- 0x%x) %s\n", v.reading, v.full.Factors.Tolerance, v.units)
	}
	fmt.Fprintf(w, " Status                : %s\n", v.statusWord(style, "ns"))
	if len(v.thresholds) == 0 {
		fmt.Fprintln(w, " Sensor Threshold Settings not available")
		return
	}
	if v.full != nil {
		for _, t := range listedThresholds {
			fmt.Fprintf(w, " %-21s : %s\n", thresholdTitles[t], v.thresholdText(t))
		}
	}
	v.printHysteresis(w)
}

var thresholdTitles = [...]string{"Lower Non-Critical", "Lower Critical", "Lower Non-Recoverable", "Upper Non-Critical", "Upper Critical", "Upper Non-Recoverable"}

func runSensorReading(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, -1); err != nil {
		return err
	}
	found, problems, err := findRecords(ctx, a, args)
	if err != nil {
		return err
	}
	views, err := readViews(ctx, a, found, sensorPrecision, false, false)
	if err != nil {
		return err
	}
	lines := func(format string) func(io.Writer) {
		return func(w io.Writer) {
			for _, v := range views {
				if name, _ := machine.RecordName(v.record); v.full != nil && v.valid && v.analog {
					fmt.Fprintf(w, format, name, v.text)
				}
			}
		}
	}
	if err := a.Show(sensorList(views), lines("%-16s | %s\n"), lines("%s,%s\n")); err != nil {
		return err
	}
	for _, v := range views {
		name, _ := machine.RecordName(v.record)
		switch {
		case a.Options.JSON || v.full != nil && v.valid && v.analog:
		case v.sensor == nil:
			problems = append(problems, fmt.Errorf("%q is nothing that can be read; \"sdr get\" shows it", name))
		case !v.valid:
			problems = append(problems, fmt.Errorf("sensor %q has no reading now", name))
		default:
			problems = append(problems, fmt.Errorf("sensor %q has states and no number; \"sensor get\" shows them", name))
		}
	}
	return joinLines(problems)
}

// parseThresholds reads which thresholds are to be set, in the order in which that is done.
func parseThresholds(args []string) ([]ipmi.Threshold, []float64, error) {
	var order []ipmi.Threshold
	switch args[0] {
	case "lower":
		order = listedThresholds[:3]
	case "upper":
		order = listedThresholds[3:]
	default:
		t := slices.Index(thresholdWords[:], args[0])
		if t < 0 {
			return nil, nil, usagef("%q is no threshold", args[0])
		}
		order = []ipmi.Threshold{ipmi.Threshold(t)}
	}
	if err := wantArgs(args[1:], len(order), len(order)); err != nil {
		return nil, nil, err
	}
	var values []float64
	for _, s := range args[1:] {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil, nil, usagef("%q is not a number", s)
		}
		values = append(values, v)
	}
	return order, values, nil
}

func runSensorThresh(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 3, -1); err != nil {
		return err
	}
	order, values, err := parseThresholds(args[1:])
	if err != nil {
		return err
	}
	name := args[0]
	if !a.Options.JSON {
		fmt.Fprintf(a.Out, "Locating sensor record '%s'...\n", name)
	}
	all, unread, err := loadSDRs(ctx, a)
	if err != nil {
		return err
	}
	r, err := findRecord(all, unread, name)
	if err != nil {
		return err
	}
	full, ok := r.(*sdr.Full)
	if !ok || !full.EventType.Threshold() {
		return fmt.Errorf("sensor %q has no thresholds", name)
	}
	c, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	owner := client.OwnerConn(c, full.Key)
	now, err := client.ReadThresholds(ctx, owner, full.Key)
	if err != nil {
		return failed("Get Sensor Thresholds", err)
	}
	raws, err := newThresholds(full, now, order, values)
	if err != nil {
		return err
	}
	for i, t := range order {
		if !a.Options.JSON {
			fmt.Fprintf(a.Out, "Setting sensor \"%s\" %s threshold to %s\n", name, thresholdTitles[t], cFloat(values[i], 3))
		}
		var all [6]uint8
		all[t] = raws[i]
		if err := client.SetThresholds(ctx, owner, full.Key, ipmi.ThresholdSet(0).With(t), all); err != nil {
			return failed("Setting the threshold", err)
		}
	}
	if a.Options.JSON {
		return a.Done("")
	}
	return nil
}

// newThresholds returns the raw values of new thresholds: the sensor must have each of them, be able to have its
// value, and the thresholds must rise from lnr to unr when they are set.
func newThresholds(f *sdr.Full, now ipmi.SensorThresholds, order []ipmi.Threshold, values []float64) ([]uint8, error) {
	conv := f.Conversion()
	have := map[ipmi.Threshold]float64{}
	for t, raw := range now.Values {
		if now.Readable.Has(ipmi.Threshold(t)) {
			have[ipmi.Threshold(t)] = conv.Value(raw)
		}
	}
	raws := make([]uint8, len(order))
	for i, t := range order {
		var err error
		if !f.Analog() {
			raws[i], err = byteValue(values[i])
			values[i] = float64(raws[i])
		} else {
			raws[i], err = conv.Raw(values[i])
		}
		if bad := (*sdr.ValueError)(nil); errors.As(err, &bad) {
			return nil, fmt.Errorf("sensor %q cannot have the threshold %s = %g: it measures from %g to %g %s", f.Name, thresholdWords[t], values[i], bad.Min, bad.Max, f.Units.Name())
		} else if err != nil {
			return nil, err
		}
		if _, ok := have[t]; !ok {
			return nil, fmt.Errorf("sensor %q has no threshold %s", f.Name, thresholdWords[t])
		}
		have[t] = values[i]
	}
	if len(order) > 1 {
		return raws, checkRise(f, order, have)
	}
	return raws, checkNeighbours(f, order[0], have)
}

func byteValue(v float64) (uint8, error) {
	if v < 0 || v > 255 {
		return 0, fmt.Errorf("%g is not a number from 0 to 255", v)
	}
	return uint8(v), nil
}

// checkRise checks that thresholds rise in the order of their list.
func checkRise(f *sdr.Full, order []ipmi.Threshold, have map[ipmi.Threshold]float64) error {
	for i := 1; i < len(order); i++ {
		if lo, hi := order[i-1], order[i]; have[lo] > have[hi] {
			return fmt.Errorf("sensor %q: threshold %s = %g would be above %s = %g", f.Name, thresholdWords[lo], have[lo], thresholdWords[hi], have[hi])
		}
	}
	return nil
}

// checkNeighbours checks a threshold against those that it must not pass: all on its own side, and of
// the two non-critical ones each other.
func checkNeighbours(f *sdr.Full, t ipmi.Threshold, have map[ipmi.Threshold]float64) error {
	at := slices.Index(listedThresholds[:], t)
	for i, other := range listedThresholds {
		v, ok := have[other]
		lower, otherLower := at < 3, i < 3
		if !ok || i == at || lower != otherLower && (at+i != 5 || at != 2 && at != 3) {
			continue
		}
		if i < at && v >= have[t] || i > at && v <= have[t] {
			return fmt.Errorf("sensor %q: threshold %s = %g must be %s %s = %g", f.Name, thresholdWords[t], have[t],
				choose(i < at, "above", "below"), thresholdWords[other], v)
		}
	}
	return nil
}
