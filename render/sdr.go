package render

import (
	"fmt"
	"strings"

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
func (v *sensorView) print(p *Printer, style sdrStyle) {
	if v.sensor == nil {
		printLocator(p, v.record, style)
		return
	}
	name, _ := machine.RecordName(v.record)
	switch {
	case style.csv:
		v.printCSV(p, name, style)
	case style.verbose:
		v.printVerbose(p, name, style)
	case style.extended:
		v.printExtended(p, name, style)
	default:
		v.printPlain(p, name, style)
	}
}

func (v *sensorView) printPlain(p *Printer, name string, style sdrStyle) {
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
	p.Printf("%-16s | %-17s | %s\n", name, cut(value), status)
}

// cut shortens a value as ipmitool's buffer does.
func cut(s string) string {
	const room = 15
	if len(s) > room {
		return s[:room]
	}
	return s
}

func (v *sensorView) printExtended(p *Printer, name string, style sdrStyle) {
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
	p.Printf("%-16s | %02Xh | %-3s | %2d.%d | %s\n", name, v.sensor.Number, status,
		v.sensor.Entity.ID, v.sensor.Entity.Instance, value)
}

// stateText returns the states in words, behind a value if there is one.
func (v *sensorView) stateText(has bool, value string) string {
	words := ""
	if v.states[0] != 0 || v.states[1]&0x7f != 0 {
		states := ipmi.SensorStates(v.states[0]) | ipmi.SensorStates(v.states[1])<<8
		words = strings.Join(machine.StateWords(v.sensor, states), ", ")
		if has {
			words = ", " + words
		}
	}
	if has {
		return value + words
	}
	return words
}

func (v *sensorView) printCSV(p *Printer, name string, style sdrStyle) {
	p.Printf("%s,", name)
	s := v.sensor
	if !s.EventType.Threshold() {
		v.printCSVStates(p)
		p.Println()
		return
	}
	switch {
	case v.valid && v.analog:
		p.Printf("%s,%s,%s", number2text(v.value, 3), v.units, v.statusWord(style, "ns"))
	case v.valid:
		v.printCSVStates(p)
	default:
		p.Printf(",,ns")
	}
	if style.verbose {
		p.Printf(",%d.%d,%s,%s,", s.Entity.ID, s.Entity.Instance, machine.EntityName(s.Entity.ID),
			s.SensorType)
		v.printCSVLimits(p)
	}
	p.Println()
}

func (v *sensorView) printCSVStates(p *Printer) {
	s := v.sensor
	if !v.valid {
		p.Printf("%02Xh,ns,%d.%d,No Reading", s.Number, s.Entity.ID, s.Entity.Instance)
		return
	}
	if v.analog {
		p.Printf("%s,%s,", v.text, v.units)
	} else {
		p.Printf("%02Xh,", s.Number)
	}
	p.Printf("ok,%d.%d,%s", s.Entity.ID, s.Entity.Instance, v.stateText(false, ""))
}

func (v *sensorView) printCSVLimits(p *Printer) {
	f := v.full
	if f == nil {
		p.Printf(",,,,,,,,,,")
		return
	}
	field := func(has bool, raw uint8) {
		if has {
			p.Printf("%s", v.rawText(raw))
		}
		p.Printf(",")
	}
	field(f.HasNominal, f.Nominal)
	field(f.HasNormalMin, f.NormalMin)
	field(f.HasNormalMax, f.NormalMax)
	for _, t := range []ipmi.Threshold{ipmi.UpperNonRecoverable, ipmi.UpperCritical,
		ipmi.UpperNonCritical,
		ipmi.LowerNonRecoverable, ipmi.LowerCritical, ipmi.LowerNonCritical} {
		field(f.ReadableThresholds().Has(t), f.Threshold(t))
	}
	p.Printf("%s,%s", v.rawText(f.Min), v.rawText(f.Max))
}

// rawText prints a raw value in the sensor's units, or as it is if the sensor has none.
func (v *sensorView) rawText(raw uint8) string {
	if !v.full.Analog() {
		return fmt.Sprintf("0x%02X", raw)
	}
	return cFloat(v.conv.Value(raw), 3)
}
