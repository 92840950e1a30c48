package render

import "lom/machine"

// DCMISensors prints the temperature sensors, as dcmi sensors.
var DCMISensors = View[[]machine.DCMISensors]{Text: func(p *Printer, list []machine.DCMISensors) {
	titles := map[string]string{"inlet": "Inlet", "cpu": "CPU", "baseboard": "Baseboard"}
	for _, e := range list {
		p.Printf("\n%s: %d temperature sensor%s found:\n", titles[e.Entity], len(e.Records),
			choose(len(e.Records) > 1, "s", ""))
		byID := map[uint16]machine.Sensor{}
		for _, s := range e.Sensors {
			byID[s.RecordID] = s
		}
		for _, id := range e.Records {
			p.Printf("Record ID 0x%04x: ", id)
			// A record that is not a sensor leaves the line open, in ipmitool too.
			if s, ok := byID[id]; ok {
				viewOf(s, sdrPrecision).print(p, p.sdrStyle(false, false))
			}
		}
	}
	p.Println()
}}
