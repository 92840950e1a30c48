package render

import (
	"fmt"
	"strings"

	"lom/ipmi"
	"lom/ipmi/fru"
	"lom/machine"
)

// manufacturerPICMG has records of its own in the FRU devices of AdvancedTCA.
const manufacturerPICMG = 12634

func (p *Printer) fruRecord(r fru.Record) {
	line := func(key, format string, values ...any) {
		p.Printf("  %-27s: %s\n", key, fmt.Sprintf(format, values...))
	}
	value, err := r.Value()
	if err != nil {
		p.Printf(" %v Record: %v\n", r.Type, err)
		return
	}
	switch x := value.(type) {
	case fru.PowerSupply:
		p.powerSupply(x, line)
	case fru.DCOutput:
		p.dcOutput("DC Output", x, x.CurrentUnit(), line)
	case fru.ExtendedDCOutput:
		p.dcOutput("Extended DC Output", x.DCOutput, x.CurrentUnit(), line)
	case fru.DCLoad:
		p.dcLoad("DC Load", x, x.CurrentUnit(), line)
	case fru.ExtendedDCLoad:
		p.dcLoad("Extended DC Load", x.DCLoad, x.CurrentUnit(), line)
	case fru.ManagementAccess:
		text, _, _ := strings.Cut(string(x.Data), "\x00")
		if x.Kind == fru.ManagementSystemID {
			text = fmt.Sprintf("%x", x.Data)
		}
		p.Printf(" %-22s: %s\n", x.Kind, text)
	case fru.Compatibility:
		p.Printf(" %v Record\n", r.Type)
		line("Manufacturer", "%s", machine.ManufacturerName(ipmi.ManufacturerID(x.Manufacturer)))
		line("Entity", "%d", x.Entity)
		line("Compatibility base", "%d", x.Base)
		line("Compatible codes", "%v", x.Codes())
	case fru.OEM:
		if x.Manufacturer == manufacturerPICMG {
			p.Println("  PICMG Extension Record")
			return
		}
		maker := machine.ManufacturerName(ipmi.ManufacturerID(x.Manufacturer))
		p.Printf("  OEM (%s) Record\n", maker)
	default:
		p.Printf(" %v Record\n", r.Type)
		line("Data", "%x", r.Data)
	}
}

// A fieldLine prints one line of a record.
type fieldLine func(key, format string, values ...any)

func (p *Printer) powerSupply(s fru.PowerSupply, line fieldLine) {
	p.Println(" Power Supply Record")
	line("Capacity", "%d W", s.Capacity)
	line("Peak VA", "%d VA", s.PeakVA)
	line("Inrush Current", "%d A", s.InrushCurrent)
	line("Inrush Interval", "%d ms", s.InrushInterval)
	line("Input Voltage Range 1", "%d-%d V", s.LowInput1/100, s.HighInput1/100)
	line("Input Voltage Range 2", "%d-%d V", s.LowInput2/100, s.HighInput2/100)
	line("Input Frequency Range", "%d-%d Hz", s.LowFrequency, s.HighFrequency)
	line("A/C Dropout Tolerance", "%d ms", s.Dropout)
	flags := ""
	for _, f := range []struct {
		is   bool
		word string
	}{
		{s.PredictiveFailure, "Predictive fail"},
		{s.PowerFactorCorrection, "Power factor correction"},
		{s.AutoSwitch, "Autoswitch voltage"}, {s.HotSwap, "Hot swap"},
	} {
		if f.is {
			flags += "'" + f.word + "' "
		}
	}
	if s.PredictiveFailure {
		switch {
		case s.FailThreshold != 0:
			flags += choose(s.FailPolarity, "'Two pulses per rotation'", "'One pulse per rotation'")
		default:
			flags += choose(s.FailPolarity,
				"'Failure on pin de-assertion'", "'Failure on pin assertion'")
		}
	}
	line("Flags", "%s", flags)
	line("Peak capacity", "%d W", s.PeakCapacity)
	line("Peak capacity holdup", "%d s", s.HoldUp)
	if s.CombinedWattage == 0 {
		line("Combined capacity", "not specified")
	} else {
		line("Combined capacity", "%d W (%v and %v)", s.CombinedWattage, s.Combined1, s.Combined2)
	}
	if s.PredictiveFailure {
		line("Fan lower threshold", "%d RPS", s.FailThreshold)
	}
}

func (p *Printer) dcOutput(title string, o fru.DCOutput, unit int, line fieldLine) {
	p.Printf(" %s Record\n", title)
	line("Output Number", "%d", o.Number)
	line("Standby power", "%s", choose(o.Standby, "Yes", "No"))
	line("Nominal voltage", "%.2f V", float64(o.Nominal)/100)
	line("Max negative deviation", "%.2f V", float64(o.MaxNegative)/100)
	line("Max positive deviation", "%.2f V", float64(o.MaxPositive)/100)
	line("Ripple and noise pk-pk", "%d mV", o.Ripple)
	line("Minimum current draw", "%.3f A", amperes(o.LeastCurrent, unit))
	line("Maximum current draw", "%.3f A", amperes(o.MostCurrent, unit))
}

func (p *Printer) dcLoad(title string, o fru.DCLoad, unit int, line fieldLine) {
	p.Printf(" %s Record\n", title)
	line("Output Number", "%d", o.Number)
	line("Nominal voltage", "%.2f V", float64(o.Nominal)/100)
	line("Min voltage allowed", "%.2f V", float64(o.LeastVoltage)/100)
	line("Max voltage allowed", "%.2f V", float64(o.MostVoltage)/100)
	line("Ripple and noise pk-pk", "%d mV", o.Ripple)
	line("Minimum current load", "%.3f A", amperes(o.LeastCurrent, unit))
	line("Maximum current load", "%.3f A", amperes(o.MostCurrent, unit))
}

// amperes converts a current in units of so many milliamperes.
func amperes(n uint16, unit int) float64 { return float64(int(n)*unit) / 1000 }
