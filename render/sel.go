package render

import (
	"fmt"

	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/ipmi/sel"
	"lom/machine"
)

// eventColumns are the columns of tables of events.
var eventColumns = []string{"id", "time", "sensor_name", "event", "direction", "severity"}

// Events prints events as sel list does, or sel elist if their sensors are known.
var Events = View[machine.Event]{
	Text: func(p *Printer, v machine.Event) {
		if p.Verbose > 0 {
			p.eventParagraph(v, false)
		} else {
			p.eventLine(v)
		}
	},
	Columns: eventColumns,
}

// EventDetails prints all about events, as sel get.
var EventDetails = View[machine.Event]{
	Text:    func(p *Printer, v machine.Event) { p.eventParagraph(v, true) },
	Columns: eventColumns,
}

// eventLine prints an event on one line.
func (p *Printer) eventLine(v machine.Event) {
	csv := p.Format == Plain
	sep, id := " | ", fmt.Sprintf("%4x | ", v.ID)
	if csv {
		sep, id = ",", fmt.Sprintf("%x,", v.ID)
	}
	p.Printf("%s", id)
	r := v.Record
	if r.Type == sel.TypeLinuxPanic {
		p.Printf("%sLinux kernel panic: %s\n", choose(csv, ",,", ""), v.PanicText)
		return
	}
	ts, timed := r.Timestamp()
	switch {
	case !timed:
		p.Printf("%s", choose(csv, ",,", ""))
	case ts.SinceInit() && csv:
		p.Printf(" Pre-Init ,%010d,", uint32(ts))
	case ts.SinceInit():
		p.Printf(" Pre-Init  |%010d| ", uint32(ts))
	default:
		p.Printf("%s%s%s%s", p.stampDate(ts), sep, p.stampTime(ts), sep)
	}
	if r.Type.OEM() {
		p.Printf("OEM record %v%s", r.Type, sep)
		if v.ManufacturerID != nil {
			p.Printf("%06x%s", *v.ManufacturerID, sep)
		}
		p.Printf("%x\n", []byte(v.Data))
		return
	}
	switch {
	case v.Sensor != nil:
		p.Printf("%s %s", v.SensorType, v.SensorName)
	case v.Body.Sensor != 0:
		p.Printf("%s #0x%02x", v.SensorType, v.Body.Sensor)
	default:
		p.Printf("%s", v.SensorType)
	}
	p.Printf("%s%s%s%s", sep, v.Body, sep, v.Body.Direction())
	p.eventValues(v, sep)
	p.Println()
}

// eventValues prints what a threshold event says of the reading.
func (p *Printer) eventValues(v machine.Event, sep string) {
	e := v.Body
	switch {
	case v.Trigger != nil && v.Limit != nil:
		p.Printf("%sReading %s %s Threshold %s %s", sep, eventNumber(*v.Trigger),
			choose(e.Rising(), ">", "<"), eventNumber(*v.Limit), v.Unit)
	case v.Trigger != nil:
		p.Printf("%sReading %s", sep, eventNumber(*v.Trigger))
	case v.Limit != nil:
		p.Printf("%sThreshold %s %s", sep, eventNumber(*v.Limit), v.Unit)
	case isDIMM(e):
		p.Printf("%sCPU %d DIMM %d", sep, e.Data[2]&0x0f, e.Data[2]>>4)
	}
}

// isDIMM reports whether event data 3 is read as ipmitool reads that of Memory sensor 0: the number
// of a memory module and of its processor.
func isDIMM(e sel.Event) bool {
	return e.Type == ipmi.EventSensorSpecific && e.SensorType == ipmi.SensorMemory &&
		e.Sensor == 0 && e.Use3() == sel.UseOEM
}

// eventNumber prints whole numbers without digits after the point, in C's single precision.
func eventNumber(x float64) string { return number2text(float64(float32(x)), 2) }

// eventParagraph prints an event as -v does, or, with all, as sel get does.
func (p *Printer) eventParagraph(v machine.Event, all bool) {
	line := func(key, format string, values ...any) {
		p.Printf(" %-22s: %s\n", key, fmt.Sprintf(format, values...))
	}
	r := v.Record
	p.Printf("SEL Record ID          : %04x\n", v.ID)
	if r.Type == sel.TypeLinuxPanic {
		line("Record Type", "Linux kernel panic (OEM record %v)", r.Type)
		line("Panic string", "%s", v.PanicText)
		p.Println()
		return
	}
	ts, timed := r.Timestamp()
	kind := ""
	if r.Type.OEM() {
		kind = choose(timed, "  (OEM timestamped)", "  (OEM non-timestamped)")
	}
	line("Record Type", "%v%s", r.Type, kind)
	if timed {
		line("Timestamp", "%s %s", p.stampDate(ts), p.stampTime(ts))
	}
	if r.Type.OEM() {
		if v.ManufacturerID != nil {
			line("Manufactacturer ID", "%06x", *v.ManufacturerID)
		}
		line("OEM Defined", "%x [%s]", []byte(v.Data), letters(v.Data))
		p.Println()
		return
	}
	e := v.Body
	line("Generator ID", "%s", v.Generator)
	line("EvM Revision", "%02x", e.Revision)
	line("Sensor Type", "%s", v.SensorType)
	line("Sensor Number", "%02x", e.Sensor)
	line("Event Type", "%s", e.Class())
	line("Event Direction", "%s", choose(e.Deassertion, "Deassertion Event", "Assertion Event"))
	if all && v.Sensor != nil {
		line("Event Data (RAW)", "%x", e.Data)
		eventMeaning(v, line)
	} else {
		line("Event Data", "%x", e.Data)
	}
	line("Description", "%s", e.String())
	p.Println()
}

// eventMeaning prints what event data 2 and 3 say.
func eventMeaning(v machine.Event, line func(key, format string, values ...any)) {
	e := v.Body
	switch {
	case e.Type.Threshold():
		if _, full := v.Sensor.(*sdr.Full); !full {
			line("Event Data", "%x", e.Data)
			return
		}
		for i, part := range []struct {
			use   sel.Use
			title string
			value *float64
		}{{e.Use2(), "Trigger Reading", v.Trigger}, {e.Use3(), "Trigger Threshold", v.Limit}} {
			switch part.use {
			case sel.UseReading:
				if part.value != nil {
					line(part.title, "%s%s", cFloat(*part.value, 3), v.Unit)
				}
			case sel.UseOEM:
				line("OEM Data", "%02x", e.Data[i+1])
			case sel.UseExtension:
				line("Sensor Extension Code", "%02x", e.Data[i+1])
			}
		}
	case e.Type == ipmi.EventSensorSpecific:
		switch {
		case isDIMM(e):
			line("Event Data", "CPU %d DIMM %d", e.Data[2]&0x0f, e.Data[2]>>4)
		case e.SensorType == ipmi.SensorVersionChange && e.Data[0] == 0xc1:
		case len(v.Details) == 0 || e.Use2() != sel.UseExtension && e.Use3() != sel.UseExtension:
			line("Event Interpretation", "Missing")
		default:
			for _, d := range v.Details {
				line("Event Interpretation", "%s", d)
			}
		}
	case e.Type.Generic(), e.Type.OEM():
	default:
		line("Event Data", "%x", e.Data)
	}
}

// letters shows bytes as ipmitool does: what is no letter of the upper half of ASCII is a dot.
func letters(b []byte) string {
	out := append([]byte(nil), b...)
	for i, x := range out {
		if x < 0x40 || x > 0x7e {
			out[i] = '.'
		}
	}
	return string(out)
}
