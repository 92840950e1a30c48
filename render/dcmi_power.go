package render

import (
	"fmt"

	"lom/ipmi"
	"lom/machine"
)

// PowerPeriods are ipmitool's names of averaging periods.
var PowerPeriods = [...]struct {
	Name   string
	Period ipmi.DCMIPeriod
}{
	{"5_sec", 0x05}, {"15_sec", 0x0f}, {"30_sec", 0x1e}, {"1_min", 0x41}, {"3_min", 0x43}, {"7_min", 0x47},
	{"15_min", 0x4f}, {"30_min", 0x5e}, {"1_hour", 0x81},
}

// PowerReading prints how much power a server takes, as dcmi power reading.
var PowerReading = View[machine.PowerReading]{Text: func(p *Printer, v machine.PowerReading) {
	r := v.Reading
	period := fmt.Sprintf("%08d Seconds.", r.Period/1000)
	if v.Rolling {
		period = fmt.Sprintf("Unknown (0x%x) ", r.Period)
		for _, known := range PowerPeriods {
			if uint32(known.Period) == r.Period {
				period = known.Name + " "
			}
		}
	}
	line := func(key string, watts uint16) { p.Printf("    %-42s%8d Watts\n", key, watts) }
	p.Println()
	line("Instantaneous power reading:", v.Current)
	line("Minimum during sampling period:", v.Minimum)
	line("Maximum during sampling period:", v.Maximum)
	line("Average power reading over sample period:", v.Average)
	p.Printf("    %-42s%s", "IPMI timestamp:", p.stampNumeric(r.Time))
	p.Printf("    %-42s%s\n", "Sampling period:", period)
	p.Printf("    %-42s%s\n\n\n", "Power reading state is:",
		choose(v.Active, "activated", "deactivated"))
}}

// PowerLimit prints the power limit, as dcmi power get_limit.
var PowerLimit = View[machine.PowerLimit]{Text: func(p *Printer, v machine.PowerLimit) {
	p.Printf("\n    Current Limit State: %s\n",
		choose(v.Active, "Power Limit Active", "No Active Power Limit"))
	p.Printf("    Exception actions:   %s\n", exceptionAction(v.Limit.Exception))
	p.Printf("    Power Limit:         %d Watts\n", v.Watts)
	p.Printf("    Correction time:     %d milliseconds\n", v.Limit.Correction)
	p.Printf("    Sampling period:     %d seconds\n\n\n", v.Sampling)
}}

// exceptionAction is an exception action as ipmitool prints it.
func exceptionAction(e ipmi.DCMIExceptionAction) string {
	switch {
	case e <= ipmi.DCMIPowerOff || e == ipmi.DCMILogEvent:
		return e.String()
	case e < ipmi.DCMILogEvent:
		return fmt.Sprintf("OEM reserved (%02xh)", uint8(e))
	}
	return fmt.Sprintf("Unknown (0x%x)", uint8(e))
}

// DCMITemperatures prints the temperatures that DCMI knows, as dcmi get_temp_reading.
var DCMITemperatures = View[[]machine.DCMITemperature]{Text: func(p *Printer,
	list []machine.DCMITemperature) {
	titles := map[string]string{
		"inlet": "Inlet air temperature(40h)", "cpu": "CPU temperature sensors(41h)",
		"baseboard": "Baseboard temperature sensors(42h)",
	}
	p.Printf("\n\tEntity ID\t\t\tEntity Instance\t   Temp. Readings\n")
	for _, t := range list {
		p.Printf("%s\t\t%d\t\t%+d C\n", titles[t.Entity], t.Instance, t.Celsius)
	}
}}

// ThermalLimit prints the temperature limit of an entity, as dcmi thermalpolicy get.
var ThermalLimit = View[machine.ThermalLimit]{Text: func(p *Printer, v machine.ThermalLimit) {
	active := func(b bool) string { return choose(b, "active", "inactive") }
	p.Printf("\n    Persistence flag is:                      %s\n",
		choose(v.Persistent, "set", "notset"))
	p.Printf("    Exception Actions, taken if the Temperature Limit exceeded:\n")
	p.Printf("        Hard Power Off system and log event:  %s\n", active(v.PowerOff))
	p.Printf("        Log event to SEL only:                %s\n", active(v.LogEvent))
	p.Printf("    Temperature Limit                         %d degrees\n", v.Limit)
	p.Printf("    Exception Time                            %d seconds\n\n\n\n", v.Time)
}}
