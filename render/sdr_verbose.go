package render

import (
	"fmt"

	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/machine"
)

var eventControlWords = [...]string{"Per-threshold", "Entire Sensor Only", "Global Disable Only",
	"No Events From Sensor"}

func (v *sensorView) printVerbose(p *Printer, name string, style sdrStyle) {
	s := v.sensor
	p.Printf("Sensor ID              : %s (0x%x)\n", name, s.Number)
	p.Printf(" Entity ID             : %d.%d (%s)\n", s.Entity.ID, s.Entity.Instance,
		machine.EntityName(s.Entity.ID))
	if s.EventType.Threshold() {
		v.printVerboseThreshold(p, style)
	} else {
		v.printVerboseDiscrete(p)
	}
	p.Println()
}

func (v *sensorView) printVerboseDiscrete(p *Printer) {
	s := v.sensor
	p.Printf(" Sensor Type (Discrete): %s (0x%02x)\n", s.SensorType, uint8(s.SensorType))
	value := "No Reading"
	switch {
	case v.valid && v.analog:
		value = v.text + " " + v.units
	case v.valid:
		value = fmt.Sprintf("%xh", v.reading)
	case v.disabled:
		value = "Disabled"
	}
	p.Printf(" Sensor Reading        : %s\n", value)
	p.Printf(" Event Message Control : %s\n", eventControlWords[s.Capabilities.Events&3])
	printStates(p, "States Asserted", s, v.states[0], v.states[1])
	v.printEventStatus(p)
	v.printEventEnable(p)
	oem := uint8(0)
	switch r := v.record.(type) {
	case *sdr.Full:
		oem = r.OEM
	case *sdr.Compact:
		oem = r.OEM
	}
	p.Printf(" OEM                   : %X\n", oem)
}

func (v *sensorView) printVerboseThreshold(p *Printer, style sdrStyle) {
	s, f := v.sensor, v.full
	p.Printf(" Sensor Type (Threshold)  : %s (0x%02x)\n", s.SensorType, uint8(s.SensorType))
	value := "No Reading"
	switch {
	case v.valid && f == nil:
		value = fmt.Sprintf("0x%02X %s", v.reading, v.units)
	case v.valid && !f.Analog():
		value = fmt.Sprintf("0x%02X (+/- 0x%02X) %s", v.reading, f.Factors.Tolerance, v.units)
	case v.valid:
		value = fmt.Sprintf("%s (+/- %s) %s", number2text(v.value, 3),
			number2text(v.conv.Tolerance(), 3), v.units)
	case v.disabled:
		value = "Disabled"
	}
	p.Printf(" Sensor Reading        : %s\n", value)
	p.Printf(" Status                : %s\n", v.statusWord(style, "Not Available"))
	if f != nil {
		v.printVerboseFull(p)
	}
	v.printHysteresis(p)
	if f != nil {
		v.printRange(p, "Minimum sensor range", f.Min, [3]uint8{0x00, 0xff, 0x80})
		v.printRange(p, "Maximum sensor range", f.Max, [3]uint8{0xff, 0x00, 0x7f})
	}
	p.Printf(" Event Message Control : %s\n", eventControlWords[s.Capabilities.Events&3])
	p.Printf(" Readable Thresholds   : %s\n", thresholdAccess(s, s.ReadableThresholds()))
	p.Printf(" Settable Thresholds   : %s\n", thresholdAccess(s, s.SettableThresholds()))
	if set := s.ComparedThresholds(); set != 0 {
		p.Printf(" Threshold Read Mask   : %s\n", thresholdNames(set))
	}
	v.printEventStatus(p)
	v.printEventEnable(p)
}

func (v *sensorView) printVerboseFull(p *Printer) {
	f := v.full
	line := func(has bool, title string, raw uint8) {
		if has {
			p.Printf(" %-21s : %s\n", title, v.rawText(raw))
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

func (v *sensorView) printHysteresis(p *Printer) {
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
		p.Printf(" %s Hysteresis   : %s\n", x.title, choose(unspecified, "Unspecified", text))
	}
}

// printRange prints an end of the sensor's range; ends says which raw value in each format is no
// limit at all.
func (v *sensorView) printRange(p *Printer, title string, raw uint8, ends [3]uint8) {
	f := v.full
	none := f.Analog() && (raw == ends[f.Units.Format%3] || v.conv.Value(raw) == 0)
	p.Printf(" %s  : %s\n", title, choose(none, "Unspecified", v.rawText(raw)))
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
	for _, t := range []ipmi.Threshold{ipmi.LowerNonRecoverable, ipmi.LowerCritical,
		ipmi.LowerNonCritical,
		ipmi.UpperNonCritical, ipmi.UpperCritical, ipmi.UpperNonRecoverable} {
		if set.Has(t) {
			out += machine.ThresholdWords[t] + " "
		}
	}
	return out
}
