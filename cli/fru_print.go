package cli

import (
	"io"
	"time"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/fru"
)

type fruChassis struct {
	Type         string   `json:"type"`
	PartNumber   string   `json:"part_number,omitempty"`
	SerialNumber string   `json:"serial_number,omitempty"`
	Extra        []string `json:"extra,omitempty"`
	ChecksumOK   bool     `json:"checksum_ok"`
}

type fruBoard struct {
	Manufactured string   `json:"manufacture_time,omitempty"`
	Manufacturer string   `json:"manufacturer,omitempty"`
	Product      string   `json:"product,omitempty"`
	SerialNumber string   `json:"serial_number,omitempty"`
	PartNumber   string   `json:"part_number,omitempty"`
	FileID       string   `json:"fru_file_id,omitempty"`
	Extra        []string `json:"extra,omitempty"`
	Language     string   `json:"language"`
	ChecksumOK   bool     `json:"checksum_ok"`
}

type fruProduct struct {
	Manufacturer string   `json:"manufacturer,omitempty"`
	Name         string   `json:"name,omitempty"`
	PartNumber   string   `json:"part_number,omitempty"`
	Version      string   `json:"version,omitempty"`
	SerialNumber string   `json:"serial_number,omitempty"`
	AssetTag     string   `json:"asset_tag,omitempty"`
	FileID       string   `json:"fru_file_id,omitempty"`
	Extra        []string `json:"extra,omitempty"`
	Language     string   `json:"language"`
	ChecksumOK   bool     `json:"checksum_ok"`
}

type fruRecord struct {
	Type       string   `json:"type"`
	Data       hexBytes `json:"data"`
	ChecksumOK bool     `json:"checksum_ok"`
}

func fieldTexts(fields []fru.Field) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.String())
	}
	return out
}

// fruMemory is a memory module, as its SPD data tells.
type fruMemory struct {
	Technology   string  `json:"technology"`
	Module       string  `json:"module_type,omitempty"`
	Bytes        int64   `json:"memory_bytes,omitempty"`
	Ranks        int     `json:"ranks,omitempty"`
	Volts        float64 `json:"voltage,omitempty"`
	ECC          bool    `json:"ecc"`
	Manufacturer string  `json:"manufacturer,omitempty"`
	Year         int     `json:"manufacture_year,omitempty"`
	Week         int     `json:"manufacture_week,omitempty"`
	SerialNumber string  `json:"serial_number,omitempty"`
	PartNumber   string  `json:"part_number,omitempty"`
}

// newMemory makes the JSON form of SPD data, of which an error leaves the technology.
func newMemory(s fru.SPD, err error) *fruMemory {
	if err != nil {
		return &fruMemory{Technology: s.Type.String()}
	}
	return &fruMemory{
		Technology: s.Type.String(), Module: s.ModuleName(), Bytes: int64(s.Size) << 20, Ranks: s.Ranks, Volts: s.Volts, ECC: s.ECC,
		Manufacturer: s.Manufacturer.String(), Year: s.Year, Week: s.Week, SerialNumber: fmt.Sprintf("%08x", s.Serial), PartNumber: s.Part,
	}
}

// printMemory prints a memory module with ipmitool's words.
func (v *fruView) printMemory(line func(key, value string)) {
	s := v.spd
	line("Memory Type", s.Type.String())
	if v.err != nil {
		return
	}
	line("Module Type", s.ModuleName())
	if s.Size > 0 {
		line("SDRAM Capacity", fmt.Sprintf("%d Mb", s.Chip))
		line("Primary Bus Width", fmt.Sprintf("%d bits", s.Bus))
		line("SDRAM Device Width", fmt.Sprintf("%d bits", s.Width))
		line("Number of Ranks", fmt.Sprint(s.Ranks))
		line("Memory size", fmt.Sprintf("%d MB", s.Size))
	}
	line("Error Detect/Cor", choose(s.ECC, "ECC", "None"))
	line("Manufacturer", s.Manufacturer.String())
	if s.Year > 0 {
		line("Manufacture Date", fmt.Sprintf("year %d week %d", s.Year, s.Week))
	}
	line("Serial Number", fmt.Sprintf("%08x", s.Serial))
	line("Part Number", s.Part)
}

// fill makes the JSON form of the image.
func (v *fruView) fill() {
	m := v.image
	if c := m.Chassis; c != nil {
		v.Chassis = &fruChassis{c.Type.String(), c.PartNumber.String(), c.SerialNumber.String(), fieldTexts(c.Custom), !c.BadChecksum}
	}
	if b := m.Board; b != nil {
		made := ""
		if t, ok := b.Made(); ok {
			made = t.Format(time.RFC3339)
		}
		v.Board = &fruBoard{made, b.Manufacturer.String(), b.ProductName.String(), b.SerialNumber.String(), b.PartNumber.String(),
			b.FileID.String(), fieldTexts(b.Custom), b.Language.String(), !b.BadChecksum}
	}
	if p := m.Product; p != nil {
		v.Product = &fruProduct{p.Manufacturer.String(), p.Name.String(), p.PartNumber.String(), p.Version.String(), p.SerialNumber.String(),
			p.AssetTag.String(), p.FileID.String(), fieldTexts(p.Custom), p.Language.String(), !p.BadChecksum}
	}
	for _, r := range m.Records {
		v.Records = append(v.Records, fruRecord{r.Type.String(), r.Data, !r.BadChecksum})
	}
}

// text prints the device as ipmitool's fru print does. Empty fields are left out.
func (v *fruView) text(a *App, w io.Writer) {
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(w, " %-22s: %s\n", key, value)
		}
	}
	extra := func(key string, values []string) {
		for _, s := range values {
			line(key, s)
		}
	}
	verbose := a.Options.Verbose > 0
	if v.Absent != "" {
		fmt.Fprintf(w, " Device not present (%s)\n", v.Absent)
		return
	}
	if v.Memory != nil {
		v.printMemory(line)
		return
	}
	if c := v.Chassis; c != nil {
		line("Chassis Type", c.Type)
		line("Chassis Part Number", c.PartNumber)
		line("Chassis Serial", c.SerialNumber)
		extra("Chassis Extra", c.Extra)
	}
	if b := v.Board; b != nil {
		made := ipmi.TimestampUnspecified
		if t, ok := v.image.Board.Made(); ok {
			made = ipmi.TimestampOf(t)
		}
		line("Board Mfg Date", a.stampLong(made))
		line("Board Mfg", b.Manufacturer)
		line("Board Product", b.Product)
		line("Board Serial", b.SerialNumber)
		line("Board Part Number", b.PartNumber)
		if verbose {
			line("Board FRU ID", b.FileID)
		}
		extra("Board Extra", b.Extra)
	}
	if p := v.Product; p != nil {
		line("Product Manufacturer", p.Manufacturer)
		line("Product Name", p.Name)
		line("Product Part Number", p.PartNumber)
		line("Product Version", p.Version)
		line("Product Serial", p.SerialNumber)
		line("Product Asset Tag", p.AssetTag)
		if verbose {
			line("Product FRU ID", p.FileID)
		}
		extra("Product Extra", p.Extra)
	}
	if verbose && v.image != nil {
		for _, r := range v.image.Records {
			printFRURecord(w, r)
		}
	}
}

// manufacturerPICMG has records of its own in the FRU devices of AdvancedTCA.
const manufacturerPICMG = 12634

func printFRURecord(w io.Writer, r fru.Record) {
	line := func(key, format string, values ...any) {
		fmt.Fprintf(w, "  %-27s: %s\n", key, fmt.Sprintf(format, values...))
	}
	value, err := r.Value()
	if err != nil {
		fmt.Fprintf(w, " %v Record: %v\n", r.Type, err)
		return
	}
	switch x := value.(type) {
	case fru.PowerSupply:
		printPowerSupply(w, x, line)
	case fru.DCOutput:
		printDCOutput(w, "DC Output", x, x.CurrentUnit(), line)
	case fru.ExtendedDCOutput:
		printDCOutput(w, "Extended DC Output", x.DCOutput, x.CurrentUnit(), line)
	case fru.DCLoad:
		printDCLoad(w, "DC Load", x, x.CurrentUnit(), line)
	case fru.ExtendedDCLoad:
		printDCLoad(w, "Extended DC Load", x.DCLoad, x.CurrentUnit(), line)
	case fru.ManagementAccess:
		text := untilNUL(x.Data)
		if x.Kind == fru.ManagementSystemID {
			text = fmt.Sprintf("%x", x.Data)
		}
		fmt.Fprintf(w, " %-22s: %s\n", x.Kind, text)
	case fru.Compatibility:
		fmt.Fprintf(w, " %v Record\n", r.Type)
		line("Manufacturer", "%s", manufacturerName(ipmi.ManufacturerID(x.Manufacturer)))
		line("Entity", "%d", x.Entity)
		line("Compatibility base", "%d", x.Base)
		line("Compatible codes", "%v", x.Codes())
	case fru.OEM:
		if x.Manufacturer == manufacturerPICMG {
			fmt.Fprintln(w, "  PICMG Extension Record")
			return
		}
		fmt.Fprintf(w, "  OEM (%s) Record\n", manufacturerName(ipmi.ManufacturerID(x.Manufacturer)))
	default:
		fmt.Fprintf(w, " %v Record\n", r.Type)
		line("Data", "%x", r.Data)
	}
}

func printPowerSupply(w io.Writer, p fru.PowerSupply, line func(key, format string, values ...any)) {
	fmt.Fprintln(w, " Power Supply Record")
	line("Capacity", "%d W", p.Capacity)
	line("Peak VA", "%d VA", p.PeakVA)
	line("Inrush Current", "%d A", p.InrushCurrent)
	line("Inrush Interval", "%d ms", p.InrushInterval)
	line("Input Voltage Range 1", "%d-%d V", p.LowInput1/100, p.HighInput1/100)
	line("Input Voltage Range 2", "%d-%d V", p.LowInput2/100, p.HighInput2/100)
	line("Input Frequency Range", "%d-%d Hz", p.LowFrequency, p.HighFrequency)
	line("A/C Dropout Tolerance", "%d ms", p.Dropout)
	flags := ""
	for _, f := range []struct {
		is   bool
		word string
	}{{p.PredictiveFailure, "Predictive fail"}, {p.PowerFactorCorrection, "Power factor correction"}, {p.AutoSwitch, "Autoswitch voltage"}, {p.HotSwap, "Hot swap"}} {
		if f.is {
			flags += "'" + f.word + "' "
		}
	}
	if p.PredictiveFailure {
		switch {
		case p.FailThreshold != 0:
			flags += choose(p.FailPolarity, "'Two pulses per rotation'", "'One pulse per rotation'")
		default:
			flags += choose(p.FailPolarity, "'Failure on pin de-assertion'", "'Failure on pin assertion'")
		}
	}
	line("Flags", "%s", flags)
	line("Peak capacity", "%d W", p.PeakCapacity)
	line("Peak capacity holdup", "%d s", p.HoldUp)
	if p.CombinedWattage == 0 {
		line("Combined capacity", "not specified")
	} else {
		line("Combined capacity", "%d W (%v and %v)", p.CombinedWattage, p.Combined1, p.Combined2)
	}
	if p.PredictiveFailure {
		line("Fan lower threshold", "%d RPS", p.FailThreshold)
	}
}

func printDCOutput(w io.Writer, title string, o fru.DCOutput, unit int, line func(key, format string, values ...any)) {
	fmt.Fprintf(w, " %s Record\n", title)
	line("Output Number", "%d", o.Number)
	line("Standby power", "%s", choose(o.Standby, "Yes", "No"))
	line("Nominal voltage", "%.2f V", float64(o.Nominal)/100)
	line("Max negative deviation", "%.2f V", float64(o.MaxNegative)/100)
	line("Max positive deviation", "%.2f V", float64(o.MaxPositive)/100)
	line("Ripple and noise pk-pk", "%d mV", o.Ripple)
	line("Minimum current draw", "%.3f A", amperes(o.LeastCurrent, unit))
	line("Maximum current draw", "%.3f A", amperes(o.MostCurrent, unit))
}

func printDCLoad(w io.Writer, title string, o fru.DCLoad, unit int, line func(key, format string, values ...any)) {
	fmt.Fprintf(w, " %s Record\n", title)
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
