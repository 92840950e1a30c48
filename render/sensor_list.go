package render

import (
	"fmt"

	"lom/ipmi"
	"lom/machine"
)

// printSensor prints a sensor as ipmitool's sensor does.
func (v *sensorView) printSensor(p *Printer, style sdrStyle) {
	name, _ := machine.RecordName(v.record)
	threshold := v.sensor.EventType.Threshold()
	switch {
	case style.csv && threshold:
		v.printSensorThresholdCSV(p, name, style)
	case style.csv:
		v.printSensorDiscreteCSV(p, name)
	case style.verbose:
		v.printSensorVerbose(p, name, style)
	case threshold:
		v.printSensorThreshold(p, name, style)
	default:
		v.printSensorDiscrete(p, name)
	}
}

func (v *sensorView) printSensorDiscreteCSV(p *Printer, name string) {
	switch {
	case v.valid && v.analog:
		p.Printf("%s,%s,%s,ok", name, v.text, v.units)
	case v.valid:
		p.Printf("%s,0x%x,discrete,0x%02x%02x", name, v.reading, v.states[0], v.states[1])
	default:
		p.Printf("%s,na,discrete,na", name)
	}
	p.Println(",na,na,na,na,na,na")
}

func (v *sensorView) printSensorDiscrete(p *Printer, name string) {
	p.Printf("%-16s ", name)
	switch {
	case v.valid && v.analog:
		p.Printf("| %-10s | %-10s | %-6s", v.text, v.units, "ok")
	case v.valid:
		p.Printf("| 0x%-8x | %-10s | 0x%02x%02x", v.states[0], "discrete", v.states[0], v.states[1])
	default:
		p.Printf("| %-10s | %-10s | %-6s", "na", "discrete", "na")
	}
	p.Println("| na        | na        | na        | na        | na        | na        ")
}

func (v *sensorView) printSensorThresholdCSV(p *Printer, name string, style sdrStyle) {
	switch {
	case v.valid && v.analog:
		p.Printf("%s,%s,%s,%s", name, cFloat(v.value, 3), v.units, v.statusWord(style, "ns"))
	case v.valid:
		p.Printf("%s,0x%x,%s,%s", name, v.reading, v.units, v.statusWord(style, "ns"))
	default:
		p.Printf("%s,na,%s,na", name, v.units)
	}
	for _, t := range machine.ThresholdOrder {
		p.Printf("%s", ","+v.thresholdText(t))
	}
	p.Println()
}

func (v *sensorView) printSensorThreshold(p *Printer, name string, style sdrStyle) {
	p.Printf("%-16s ", name)
	switch {
	case v.valid && v.analog:
		p.Printf("| %-10s | %-10s | %-6s", cFloat(v.value, 3), v.units, v.statusWord(style, "ns"))
	case v.valid:
		p.Printf("| 0x%-8x | %-10s | %-6s", v.reading, v.units, v.statusWord(style, "ns"))
	default:
		p.Printf("| %-10s | %-10s | %-6s", "na", v.units, "na")
	}
	for _, t := range machine.ThresholdOrder {
		p.Printf("| %-10s", v.thresholdText(t))
	}
	p.Println()
}

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

func (v *sensorView) printSensorVerbose(p *Printer, name string, style sdrStyle) {
	s := v.sensor
	p.Printf("Sensor ID              : %s (0x%x)\n", name, s.Number)
	p.Printf(" Entity ID             : %d.%d\n", s.Entity.ID, s.Entity.Instance)
	if !s.EventType.Threshold() {
		p.Printf(" Sensor Type (Discrete): %s\n", s.SensorType)
		if !v.valid {
			p.Printf(" Unable to read sensor: Device Not Present\n\n")
			return
		}
		if v.analog {
			p.Printf(" Sensor Reading        : %s %s\n", v.text, v.units)
		}
		printStates(p, "States Asserted", s, v.states[0], v.states[1])
		p.Println()
		return
	}
	p.Printf(" Sensor Type (Threshold)  : %s\n", s.SensorType)
	p.Printf(" Sensor Reading        : ")
	if v.valid {
		v.printSensorVerboseReading(p, style)
	} else {
		p.Printf(" Unable to read sensor: Device Not Present\n\n")
	}
	v.printEventStatus(p)
	v.printEventEnable(p)
	p.Println()
}

func (v *sensorView) printSensorVerboseReading(p *Printer, style sdrStyle) {
	switch {
	case v.full == nil:
		p.Printf("0x%x %s\n", v.reading, v.units)
	case v.analog:
		p.Printf("%s (+/- %s) %s\n", number2text(v.value, 3), number2text(v.conv.Tolerance(), 3),
			v.units)
	default:
		p.Printf("0x%x (+/- 0x%x) %s\n", v.reading, v.full.Factors.Tolerance, v.units)
	}
	p.Printf(" Status                : %s\n", v.statusWord(style, "ns"))
	if len(v.thresholds) == 0 {
		p.Println(" Sensor Threshold Settings not available")
		return
	}
	if v.full != nil {
		for _, t := range machine.ThresholdOrder {
			p.Printf(" %-21s : %s\n", thresholdTitles[t], v.thresholdText(t))
		}
	}
	v.printHysteresis(p)
}

var thresholdTitles = [...]string{"Lower Non-Critical", "Lower Critical", "Lower Non-Recoverable",
	"Upper Non-Critical", "Upper Critical", "Upper Non-Recoverable"}
