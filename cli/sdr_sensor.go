package cli

import (
	"io"
	"strings"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/machine"
)

// statusWord returns the status of a threshold sensor, or other without a valid reading.
func (v *sensorView) statusWord(style sdrStyle, other string) string {
	if !v.valid {
		return other
	}
	st := sdr.ThresholdStatus(ipmi.ThresholdSet(v.states[0]) & ipmi.AllThresholds)
	switch {
	case style.verbose:
		return st.Long()
	case style.extended:
		return st.String()
	}
	return st.Short()
}

// print prints a record as ipmitool's sdr does.
func (v *sensorView) print(w io.Writer, style sdrStyle) {
	if v.sensor == nil {
		printLocator(w, v.record, style)
		return
	}
	name, _ := machine.RecordName(v.record)
	switch {
	case style.csv:
		v.printCSV(w, name, style)
	case style.verbose:
		v.printVerbose(w, name, style)
	case style.extended:
		v.printExtended(w, name, style)
	default:
		v.printPlain(w, name, style)
	}
}

func (v *sensorView) printPlain(w io.Writer, name string, style sdrStyle) {
	var value string
	switch {
	case v.valid && v.analog:
		value = v.text + " " + v.units
	case v.valid:
		value = fmt.Sprintf("0x%02x", v.states[0])
	case v.full == nil:
		value = "Not Readable"
	case v.disabled:
		value = "disabled"
	default:
		value = "no reading"
	}
	status := choose(v.valid, "ok", "ns")
	if v.sensor.EventType.Threshold() {
		status = v.statusWord(style, "ns")
	}
	fmt.Fprintf(w, "%-16s | %-17s | %s\n", name, cut(value), status)
}

// cut shortens a value as ipmitool's buffer does.
func cut(s string) string {
	const room = 15
	if len(s) > room {
		return s[:room]
	}
	return s
}

func (v *sensorView) printExtended(w io.Writer, name string, style sdrStyle) {
	threshold := v.sensor.EventType.Threshold()
	status := choose(v.valid, "ok", "ns")
	if threshold {
		status = v.statusWord(style, "ns")
	}
	value := ""
	switch {
	case v.valid && threshold && v.analog:
		value = cut(v.text + " " + v.units)
	case v.valid:
		value = v.stateText(v.analog, v.text+" "+v.units)
	case v.disabled:
		value = "Disabled"
	default:
		value = "No Reading"
	}
	fmt.Fprintf(w, "%-16s | %02Xh | %-3s | %2d.%d | %s\n", name, v.sensor.Number, status, v.sensor.Entity.ID, v.sensor.Entity.Instance, value)
}

// stateText returns the states in words, behind a value if there is one.
func (v *sensorView) stateText(has bool, value string) string {
	words := ""
	if v.states[0] != 0 || v.states[1]&0x7f != 0 {
		words = strings.Join(stateWords(v.sensor, v.states[0], v.states[1]), ", ")
		if has {
			words = ", " + words
		}
	}
	if has {
		return value + words
	}
	return words
}

func (v *sensorView) printCSV(w io.Writer, name string, style sdrStyle) {
	fmt.Fprintf(w, "%s,", name)
	s := v.sensor
	if !s.EventType.Threshold() {
		v.printCSVStates(w)
		fmt.Fprintln(w)
		return
	}
	switch {
	case v.valid && v.analog:
		fmt.Fprintf(w, "%s,%s,%s", number2text(v.value, 3), v.units, v.statusWord(style, "ns"))
	case v.valid:
		v.printCSVStates(w)
	default:
		fmt.Fprint(w, ",,ns")
	}
	if style.verbose {
		fmt.Fprintf(w, ",%d.%d,%s,%s,", s.Entity.ID, s.Entity.Instance, entityName(s.Entity.ID), s.SensorType)
		v.printCSVLimits(w)
	}
	fmt.Fprintln(w)
}

func (v *sensorView) printCSVStates(w io.Writer) {
	s := v.sensor
	if !v.valid {
		fmt.Fprintf(w, "%02Xh,ns,%d.%d,No Reading", s.Number, s.Entity.ID, s.Entity.Instance)
		return
	}
	if v.analog {
		fmt.Fprintf(w, "%s,%s,", v.text, v.units)
	} else {
		fmt.Fprintf(w, "%02Xh,", s.Number)
	}
	fmt.Fprintf(w, "ok,%d.%d,%s", s.Entity.ID, s.Entity.Instance, v.stateText(false, ""))
}

func (v *sensorView) printCSVLimits(w io.Writer) {
	f := v.full
	if f == nil {
		fmt.Fprint(w, ",,,,,,,,,,")
		return
	}
	field := func(has bool, raw uint8) {
		if has {
			fmt.Fprint(w, v.rawText(raw))
		}
		fmt.Fprint(w, ",")
	}
	field(f.HasNominal, f.Nominal)
	field(f.HasNormalMin, f.NormalMin)
	field(f.HasNormalMax, f.NormalMax)
	for _, t := range []ipmi.Threshold{ipmi.UpperNonRecoverable, ipmi.UpperCritical, ipmi.UpperNonCritical,
		ipmi.LowerNonRecoverable, ipmi.LowerCritical, ipmi.LowerNonCritical} {
		field(f.ReadableThresholds().Has(t), f.Threshold(t))
	}
	fmt.Fprintf(w, "%s,%s", v.rawText(f.Min), v.rawText(f.Max))
}

// rawText prints a raw value in the sensor's units, or as it is if the sensor has none.
func (v *sensorView) rawText(raw uint8) string {
	if !v.full.Analog() {
		return fmt.Sprintf("0x%02X", raw)
	}
	return cFloat(v.conv.Value(raw), 3)
}

func entityName(id ipmi.EntityID) string {
	if n := id.String(); n != "" {
		return n
	}
	return fmt.Sprintf("Unknown (0x%02X)", uint8(id))
}

var eventControlWords = [...]string{"Per-threshold", "Entire Sensor Only", "Global Disable Only", "No Events From Sensor"}

func (v *sensorView) printVerbose(w io.Writer, name string, style sdrStyle) {
	s := v.sensor
	fmt.Fprintf(w, "Sensor ID              : %s (0x%x)\n", name, s.Number)
	fmt.Fprintf(w, " Entity ID             : %d.%d (%s)\n", s.Entity.ID, s.Entity.Instance, entityName(s.Entity.ID))
	if s.EventType.Threshold() {
		v.printVerboseThreshold(w, style)
	} else {
		v.printVerboseDiscrete(w)
	}
	fmt.Fprintln(w)
}

func (v *sensorView) printVerboseDiscrete(w io.Writer) {
	s := v.sensor
	fmt.Fprintf(w, " Sensor Type (Discrete): %s (0x%02x)\n", s.SensorType, uint8(s.SensorType))
	value := "No Reading"
	switch {
	case v.valid && v.analog:
		value = v.text + " " + v.units
	case v.valid:
		value = fmt.Sprintf("%xh", v.reading)
	case v.disabled:
		value = "Disabled"
	}
	fmt.Fprintf(w, " Sensor Reading        : %s\n", value)
	fmt.Fprintf(w, " Event Message Control : %s\n", eventControlWords[s.Capabilities.Events&3])
	printStates(w, "States Asserted", s, v.states[0], v.states[1])
	v.printEventStatus(w)
	v.printEventEnable(w)
	oem := uint8(0)
	switch r := v.record.(type) {
	case *sdr.Full:
		oem = r.OEM
	case *sdr.Compact:
		oem = r.OEM
	}
	fmt.Fprintf(w, " OEM                   : %X\n", oem)
}

func (v *sensorView) printVerboseThreshold(w io.Writer, style sdrStyle) {
	s, f := v.sensor, v.full
	fmt.Fprintf(w, " Sensor Type (Threshold)  : %s (0x%02x)\n", s.SensorType, uint8(s.SensorType))
	value := "No Reading"
	switch {
	case v.valid && f == nil:
		value = fmt.Sprintf("0x%02X %s", v.reading, v.units)
	case v.valid && !f.Analog():
		value = fmt.Sprintf("0x%02X (+/- 0x%02X) %s", v.reading, f.Factors.Tolerance, v.units)
	case v.valid:
		value = fmt.Sprintf("%s (+/- %s) %s", number2text(v.value, 3), number2text(v.conv.Tolerance(), 3), v.units)
	case v.disabled:
		value = "Disabled"
	}
	fmt.Fprintf(w, " Sensor Reading        : %s\n", value)
	fmt.Fprintf(w, " Status                : %s\n", v.statusWord(style, "Not Available"))
	if f != nil {
		v.printVerboseFull(w)
	}
	v.printHysteresis(w)
	if f != nil {
		v.printRange(w, "Minimum sensor range", f.Min, [3]uint8{0x00, 0xff, 0x80})
		v.printRange(w, "Maximum sensor range", f.Max, [3]uint8{0xff, 0x00, 0x7f})
	}
	fmt.Fprintf(w, " Event Message Control : %s\n", eventControlWords[s.Capabilities.Events&3])
	fmt.Fprintf(w, " Readable Thresholds   : %s\n", thresholdAccess(s, s.ReadableThresholds()))
	fmt.Fprintf(w, " Settable Thresholds   : %s\n", thresholdAccess(s, s.SettableThresholds()))
	if set := s.ComparedThresholds(); set != 0 {
		fmt.Fprintf(w, " Threshold Read Mask   : %s\n", thresholdNames(set))
	}
	v.printEventStatus(w)
	v.printEventEnable(w)
}

func (v *sensorView) printVerboseFull(w io.Writer) {
	f := v.full
	line := func(has bool, title string, raw uint8) {
		if has {
			fmt.Fprintf(w, " %-21s : %s\n", title, v.rawText(raw))
		}
	}
	line(f.HasNominal, "Nominal Reading", f.Nominal)
	line(f.HasNormalMin, "Normal Minimum", f.NormalMin)
	line(f.HasNormalMax, "Normal Maximum", f.NormalMax)
	readable := f.ReadableThresholds()
	for _, t := range []struct {
		t     ipmi.Threshold
		title string
	}{
		{ipmi.UpperNonRecoverable, "Upper non-recoverable"}, {ipmi.UpperCritical, "Upper critical"}, {ipmi.UpperNonCritical, "Upper non-critical"},
		{ipmi.LowerNonRecoverable, "Lower non-recoverable"}, {ipmi.LowerCritical, "Lower critical"}, {ipmi.LowerNonCritical, "Lower non-critical"},
	} {
		line(f.Init.Thresholds && readable.Has(t.t), t.title, f.Threshold(t.t))
	}
}

// hysteresis returns what the record says of it.
func (v *sensorView) hysteresis() sdr.Hysteresis {
	if c, ok := v.record.(*sdr.Compact); ok {
		return c.Hysteresis
	}
	return v.full.Hysteresis
}

func (v *sensorView) printHysteresis(w io.Writer) {
	h := v.hysteresis()
	for _, x := range []struct {
		title string
		raw   uint8
	}{{"Positive", h.Positive}, {"Negative", h.Negative}} {
		text := fmt.Sprintf("0x%02X", x.raw)
		unspecified := x.raw == 0 || x.raw == 0xff
		if v.full != nil && v.full.Analog() {
			d := v.conv.Difference(x.raw)
			text, unspecified = cFloat(d, 3), unspecified || d == 0
		}
		fmt.Fprintf(w, " %s Hysteresis   : %s\n", x.title, choose(unspecified, "Unspecified", text))
	}
}

// printRange prints an end of the sensor's range; ends says which raw value in each format is no limit at all.
func (v *sensorView) printRange(w io.Writer, title string, raw uint8, ends [3]uint8) {
	f := v.full
	none := f.Analog() && (raw == ends[f.Units.Format%3] || v.conv.Value(raw) == 0)
	fmt.Fprintf(w, " %s  : %s\n", title, choose(none, "Unspecified", v.rawText(raw)))
}

func thresholdAccess(s *sdr.Sensor, set ipmi.ThresholdSet) string {
	switch s.Capabilities.Thresholds {
	case sdr.AccessNone:
		return "No Thresholds"
	case sdr.AccessFixed:
		return "Thresholds Fixed"
	}
	return thresholdNames(set)
}

// thresholdNames lists thresholds from the lowest up, each with a blank behind it.
func thresholdNames(set ipmi.ThresholdSet) string {
	out := ""
	for _, t := range []ipmi.Threshold{ipmi.LowerNonRecoverable, ipmi.LowerCritical, ipmi.LowerNonCritical,
		ipmi.UpperNonCritical, ipmi.UpperCritical, ipmi.UpperNonRecoverable} {
		if set.Has(t) {
			out += thresholdWords[t] + " "
		}
	}
	return out
}

var thresholdWords = [...]string{"lnc", "lcr", "lnr", "unc", "ucr", "unr"}
