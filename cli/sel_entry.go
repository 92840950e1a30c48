package cli

import (
	"context"
	"errors"
	"io"
	"strings"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/ipmi/sel"
	"lom/machine"
)

// selEntry is what is printed of a record.
type selEntry struct {
	ID             uint16   `json:"id"`
	RecordType     string   `json:"record_type"`
	Time           string   `json:"time,omitempty"`
	Generator      string   `json:"generator_id,omitempty"`
	SensorType     string   `json:"sensor_type,omitempty"`
	SensorNumber   *uint8   `json:"sensor_number,omitempty"`
	SensorName     string   `json:"sensor_name,omitempty"` // if the sensor records were read
	Event          string   `json:"event,omitempty"`
	Direction      string   `json:"direction,omitempty"`
	Severity       string   `json:"severity,omitempty"` // of the state that was asserted or deasserted
	Details        []string `json:"details,omitempty"`
	TriggerReading *float64 `json:"trigger_reading,omitempty"`
	Threshold      *float64 `json:"threshold,omitempty"`
	Unit           string   `json:"unit,omitempty"`
	ManufacturerID *uint32  `json:"manufacturer_id,omitempty"`
	Data           hexBytes `json:"data"` // event data 1 to 3, or what the manufacturer has put there

	record sel.Record
	event  sel.Event
	sensor sdr.Record // nil if none was looked for or found
}

// selNames finds the sensors of events.
type selNames struct {
	a       *App
	wanted  bool // sensors are to be looked for
	read    bool
	records []sdr.Record
}

// load reads the sensor records, once. Without them events are shown without the sensors' names.
func (n *selNames) load(ctx context.Context) error {
	if n.read {
		return nil
	}
	n.read = true
	records, missing, err := loadSDRs(ctx, n.a)
	if n.records = records; missing != nil {
		n.a.Log.Info("sensor names perhaps not known", "error", missing)
	}
	if hasCode(err, ipmi.CodeInvalidCommand, ipmi.CodeInsufficientPrivilege, ipmi.CodeSubFunctionDisabled) {
		n.a.Log.Info("sensor names not known", "error", err)
		return nil
	}
	if isRefusal(err) || errors.Is(err, ipmi.ErrMalformed) {
		n.a.note(fmt.Errorf("the names of sensors are not known: %w", err))
		return nil
	}
	return err
}

// find returns the record of an event's sensor, or nil.
func (n *selNames) find(e sel.Event) sdr.Record {
	for _, r := range n.records {
		switch r := r.(type) {
		case *sdr.Full:
			if isSensorOf(e, r.Key, r.SensorType) {
				return r
			}
		case *sdr.Compact:
			for _, one := range r.Expand() {
				if isSensorOf(e, one.Key, one.SensorType) {
					return one
				}
			}
		case *sdr.EventOnly:
			for _, one := range r.Expand() {
				if isSensorOf(e, one.Key, one.SensorType) {
					return one
				}
			}
		}
	}
	return nil
}

// isSensorOf compares number, type and owner. Many BMCs put a wrong unit number into their events, so that
// it does not count.
func isSensorOf(e sel.Event, k sdr.Key, t ipmi.SensorType) bool {
	return k.Number == e.Sensor && t == e.SensorType && uint8(k.Owner) == uint8(e.Generator)
}

// entry makes the view of a record.
func (n *selNames) entry(ctx context.Context, r sel.Record) (selEntry, error) {
	v := selEntry{ID: r.ID, RecordType: r.Type.String(), record: r, Data: r.Body[:]}
	if ts, ok := r.Timestamp(); ok {
		v.Time = n.a.stampJSON(ts)
	}
	if o, ok := r.OEMEvent(); ok {
		id := uint32(o.Manufacturer)
		v.ManufacturerID, v.Data = &id, o.Data[:]
	}
	e, ok := r.Event()
	if !ok {
		return v, nil
	}
	v.event = e
	state, _ := e.State()
	v.Generator, v.SensorType, v.SensorNumber = fmt.Sprintf("%04x", uint16(e.Generator)), e.SensorType.String(), &e.Sensor
	v.Event, v.Direction, v.Severity = strings.TrimSpace(state.Words), e.Direction(), strings.ToLower(state.Severity.String())
	v.Details, v.Data = e.Details(), e.Data[:]
	if !n.wanted {
		return v, nil
	}
	if err := n.load(ctx); err != nil {
		return v, err
	}
	if v.sensor = n.find(e); v.sensor == nil {
		return v, nil
	}
	v.SensorName, _ = machine.RecordName(v.sensor)
	if f, ok := v.sensor.(*sdr.Full); ok && e.Type.Threshold() && f.Analog() {
		return v, n.values(ctx, &v, f)
	}
	return v, nil
}

// values converts the reading and the threshold of an event.
func (n *selNames) values(ctx context.Context, v *selEntry, f *sdr.Full) error {
	v.Unit = f.Units.Name()
	convert := func(raw uint8) (*float64, error) {
		conv := f.Conversion()
		if f.Linearization.PerReading() {
			c, err := n.a.Dial(ctx)
			if err != nil {
				return nil, err
			}
			if conv, err = client.SensorConversion(ctx, c, f, raw); err != nil {
				return nil, err
			}
		}
		x := conv.Value(raw)
		return &x, nil
	}
	var err error
	if raw, ok := v.event.Trigger(); ok {
		if v.TriggerReading, err = convert(raw); err != nil {
			return err
		}
	}
	if raw, ok := v.event.Limit(); ok {
		v.Threshold, err = convert(raw)
	}
	return err
}

// selOutput prints records one by one as they come, or all of them as JSON at its end.
type selOutput struct {
	a        *App
	names    *selNames
	extended bool
	entries  []selEntry
}

func (o *selOutput) add(ctx context.Context, r sel.Record) error {
	v, err := o.names.entry(ctx, r)
	if err != nil {
		return err
	}
	if o.a.Options.JSON {
		o.entries = append(o.entries, v)
		return nil
	}
	var b strings.Builder
	if o.a.Options.Verbose > 0 {
		v.printVerbose(o.a, &b, false)
	} else {
		v.printLine(o.a, &b)
	}
	_, err = io.WriteString(o.a.Out, b.String())
	return err
}

func (o *selOutput) end() error {
	if !o.a.Options.JSON {
		return nil
	}
	if o.entries == nil {
		o.entries = []selEntry{}
	}
	return o.a.Show(o.entries, nil, nil)
}

// panicText is the text of a record that Linux wrote when it panicked.
func panicText(r sel.Record) string { return untilNUL(r.Body[2:]) }

// printLine prints a record as a line of sel list or sel elist.
func (v selEntry) printLine(a *App, w io.Writer) {
	sep, id := " | ", fmt.Sprintf("%4x | ", v.ID)
	if a.Options.CSV {
		sep, id = ",", fmt.Sprintf("%x,", v.ID)
	}
	fmt.Fprint(w, id)
	r := v.record
	if r.Type == sel.TypeLinuxPanic {
		fmt.Fprintf(w, "%sLinux kernel panic: %s\n", choose(a.Options.CSV, ",,", ""), panicText(r))
		return
	}
	ts, timed := r.Timestamp()
	switch {
	case !timed:
		fmt.Fprint(w, choose(a.Options.CSV, ",,", ""))
	case ts.SinceInit() && a.Options.CSV:
		fmt.Fprintf(w, " Pre-Init ,%010d,", uint32(ts))
	case ts.SinceInit():
		fmt.Fprintf(w, " Pre-Init  |%010d| ", uint32(ts))
	default:
		fmt.Fprint(w, a.stampDate(ts), sep, a.stampTime(ts), sep)
	}
	if r.Type.OEM() {
		fmt.Fprintf(w, "OEM record %v%s", r.Type, sep)
		if v.ManufacturerID != nil {
			fmt.Fprintf(w, "%06x%s", *v.ManufacturerID, sep)
		}
		fmt.Fprintf(w, "%x\n", []byte(v.Data))
		return
	}
	switch {
	case v.sensor != nil:
		fmt.Fprintf(w, "%s %s", v.SensorType, v.SensorName)
	case v.event.Sensor != 0:
		fmt.Fprintf(w, "%s #0x%02x", v.SensorType, v.event.Sensor)
	default:
		fmt.Fprint(w, v.SensorType)
	}
	fmt.Fprint(w, sep, v.event.String(), sep, v.Direction)
	v.printValues(w, sep)
	fmt.Fprintln(w)
}

// printValues prints what a threshold event tells of the reading.
func (v selEntry) printValues(w io.Writer, sep string) {
	e := v.event
	switch {
	case v.TriggerReading != nil && v.Threshold != nil:
		fmt.Fprintf(w, "%sReading %s %s Threshold %s %s", sep, eventNumber(*v.TriggerReading), choose(e.Rising(), ">", "<"), eventNumber(*v.Threshold), v.Unit)
	case v.TriggerReading != nil:
		fmt.Fprintf(w, "%sReading %s", sep, eventNumber(*v.TriggerReading))
	case v.Threshold != nil:
		fmt.Fprintf(w, "%sThreshold %s %s", sep, eventNumber(*v.Threshold), v.Unit)
	case e.Type == ipmi.EventSensorSpecific && e.SensorType == ipmi.SensorMemory && e.Sensor == 0 && e.Use3() == sel.UseOEM:
		fmt.Fprintf(w, "%sCPU %d DIMM %d", sep, e.Data[2]&0x0f, e.Data[2]>>4)
	}
}

// eventNumber prints whole numbers without digits behind the point, in C's single precision.
func eventNumber(x float64) string {
	f := float32(x)
	return number2text(float64(f), 2)
}

// printVerbose prints a record as -v does, or, with all, as sel get does.
func (v selEntry) printVerbose(a *App, w io.Writer, all bool) {
	line := func(key, format string, values ...any) {
		fmt.Fprintf(w, " %-22s: %s\n", key, fmt.Sprintf(format, values...))
	}
	r := v.record
	fmt.Fprintf(w, "SEL Record ID          : %04x\n", v.ID)
	if r.Type == sel.TypeLinuxPanic {
		line("Record Type", "Linux kernel panic (OEM record %v)", r.Type)
		line("Panic string", "%s", panicText(r))
		fmt.Fprintln(w)
		return
	}
	ts, timed := r.Timestamp()
	kind := ""
	if r.Type.OEM() {
		kind = choose(timed, "  (OEM timestamped)", "  (OEM non-timestamped)")
	}
	line("Record Type", "%v%s", r.Type, kind)
	if timed {
		line("Timestamp", "%s %s", a.stampDate(ts), a.stampTime(ts))
	}
	if r.Type.OEM() {
		if v.ManufacturerID != nil {
			line("Manufactacturer ID", "%06x", *v.ManufacturerID)
		}
		line("OEM Defined", "%x [%s]", []byte(v.Data), letters(v.Data))
		fmt.Fprintln(w)
		return
	}
	e := v.event
	line("Generator ID", "%s", v.Generator)
	line("EvM Revision", "%02x", e.Revision)
	line("Sensor Type", "%s", v.SensorType)
	line("Sensor Number", "%02x", e.Sensor)
	line("Event Type", "%s", e.Class())
	line("Event Direction", "%s", choose(e.Deassertion, "Deassertion Event", "Assertion Event"))
	if all && v.sensor != nil {
		line("Event Data (RAW)", "%x", e.Data)
		v.printMeaning(line)
	} else {
		line("Event Data", "%x", e.Data)
	}
	line("Description", "%s", e.String())
	fmt.Fprintln(w)
}

// printMeaning prints what event data 2 and 3 say.
func (v selEntry) printMeaning(line func(key, format string, values ...any)) {
	e := v.event
	switch {
	case e.Type.Threshold():
		if _, full := v.sensor.(*sdr.Full); !full {
			line("Event Data", "%x", e.Data)
			return
		}
		for i, part := range []struct {
			use   sel.Use
			title string
			value *float64
		}{{e.Use2(), "Trigger Reading", v.TriggerReading}, {e.Use3(), "Trigger Threshold", v.Threshold}} {
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
		case e.SensorType == ipmi.SensorMemory && e.Sensor == 0 && e.Use3() == sel.UseOEM:
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
	out := []byte(string(b))
	for i, x := range out {
		if x < 0x40 || x > 0x7e {
			out[i] = '.'
		}
	}
	return string(out)
}

// untilNUL is text from a BMC up to its first NUL.
func untilNUL(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return printable(s)
}
