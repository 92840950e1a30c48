package cli

import (
	"context"
	"io"
	"slices"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/sdr"
)

// dcmiEntities are the entities of DCMI's temperature sensors.
var dcmiEntities = [...]struct {
	id          ipmi.EntityID
	word, title string
}{
	{ipmi.DCMIInlet, "Inlet", "Inlet air temperature(40h)"},
	{ipmi.DCMIProcessor, "CPU", "CPU temperature sensors(41h)"},
	{ipmi.DCMIBaseboard, "Baseboard", "Baseboard temperature sensors(42h)"},
}

// temperatureType is the sensor type of temperatures (Table 42-3).
const temperatureType = 0x01

// dcmiTemperature is one line of dcmi get_temp_reading.
type dcmiTemperature struct {
	Entity   string `json:"entity"`
	Instance uint8  `json:"instance"`
	Celsius  int    `json:"temperature_c"`
	title    string
}

func runDCMITemperatures(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	v := []dcmiTemperature{}
	var refusal error
	for _, e := range dcmiEntities {
		list, err := a.temperatures(ctx, e.id)
		if _, refused := code(err); refused {
			// A BMC may lack one of the entities.
			refusal = err
			continue
		}
		if err != nil {
			return err
		}
		for _, t := range list {
			v = append(v, dcmiTemperature{e.word, t.Instance, t.Temperature.Celsius(), e.title})
		}
	}
	if len(v) == 0 && refusal != nil {
		return dcmiFailed("Get Temperature Readings", refusal)
	}
	return a.Show(v, func(w io.Writer) {
		fmt.Fprintf(w, "\n\tEntity ID\t\t\tEntity Instance\t   Temp. Readings\n")
		for _, t := range v {
			fmt.Fprintf(w, "%s\t\t%d\t\t%+d C\n", t.title, t.Instance, t.Celsius)
		}
	}, nil)
}

// temperatures reads all instances of an entity, page by page.
func (a *App) temperatures(ctx context.Context, e ipmi.EntityID) ([]ipmi.TemperatureReading, error) {
	var list []ipmi.TemperatureReading
	start := uint8(0)
	for {
		r, err := do(ctx, a, ipmi.GetTemperatureReadings{SensorType: temperatureType, Entity: e, Start: start})
		if err != nil {
			return nil, err
		}
		list = append(list, r.Readings...)
		if len(r.Readings) == 0 || len(list) >= int(r.Total) {
			return list, nil
		}
		next := r.Readings[len(r.Readings)-1].Instance + 1
		if next <= start {
			return list, nil // a BMC that does not count on would never end
		}
		start = next
	}
}

func runDCMISensors(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	ids := make([][]uint16, len(dcmiEntities))
	has, refusal := false, error(nil)
	for i, e := range dcmiEntities {
		var err error
		ids[i], err = a.dcmiSensors(ctx, e.id)
		if isRefusal(err) { // a BMC may lack one of the entities
			refusal = err
			continue
		}
		if err != nil {
			return err
		}
		has = true
	}
	if !has {
		return dcmiFailed("Get DCMI Sensor Info", refusal)
	}
	all, missing, err := loadSDRs(ctx, a)
	if err != nil {
		return err
	}
	a.note(missing)
	wanted := slices.Concat(ids...)
	views, err := readViews(ctx, a, filterRecords(all, func(r sdr.Record) bool {
		return slices.Contains(wanted, r.RecordHeader().ID) && client.SensorOf(r) != nil
	}), sdrPrecision, false, false)
	if err != nil {
		return err
	}
	byID := make(map[uint16]*sensorView)
	for _, v := range views {
		byID[v.record.RecordHeader().ID] = v
	}
	type entity struct {
		Entity  string   `json:"entity"`
		Records []uint16 `json:"record_ids"`
		Sensors any      `json:"sensors"`
	}
	list := []entity{}
	for i, e := range dcmiEntities {
		var found []*sensorView
		for _, id := range ids[i] {
			if v := byID[id]; v != nil {
				found = append(found, v)
			}
		}
		list = append(list, entity{e.word, ids[i], sensorList(found)})
	}
	return a.Show(list, func(w io.Writer) {
		for i, e := range dcmiEntities {
			fmt.Fprintf(w, "\n%s: %d temperature sensor%s found:\n", e.word, len(ids[i]), choose(len(ids[i]) > 1, "s", ""))
			for _, id := range ids[i] {
				fmt.Fprintf(w, "Record ID 0x%04x: ", id)
				// A record that is no sensor leaves the line open, in ipmitool too.
				if v := byID[id]; v != nil {
					v.print(w, a.sdrStyle(false))
				}
			}
		}
		fmt.Fprintln(w)
	}, nil)
}

// dcmiSensors reads the record IDs of the sensors of an entity, page by page.
func (a *App) dcmiSensors(ctx context.Context, e ipmi.EntityID) ([]uint16, error) {
	list := []uint16{}
	start := uint8(0)
	for {
		r, err := do(ctx, a, ipmi.GetDCMISensorInfo{SensorType: temperatureType, Entity: e, Start: start})
		if err != nil {
			return nil, err
		}
		list = append(list, r.Records...)
		if len(r.Records) == 0 || len(list) >= int(r.Total) {
			return list, nil
		}
		start = uint8(len(list) + 1) // instances count from 1
	}
}

// thermalLimit is what dcmi thermalpolicy get prints.
type thermalLimit struct {
	Persistent bool   `json:"persistent"`
	PowerOff   bool   `json:"power_off"`
	LogEvent   bool   `json:"log_event"`
	Limit      uint8  `json:"limit_c"`
	Time       uint16 `json:"exception_time_s"`
}

// thermalTarget reads an entity and its instance.
func thermalTarget(args []string) (ipmi.EntityID, uint8, error) {
	entity, err := parseByte(args[0])
	if err != nil {
		return 0, 0, usagef("entity: %v", err)
	}
	instance, err := parseByte(args[1])
	if err != nil {
		return 0, 0, usagef("instance: %v", err)
	}
	return ipmi.EntityID(entity), instance, nil
}

func runThermalGet(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 2, 2); err != nil {
		return err
	}
	entity, instance, err := thermalTarget(args)
	if err != nil {
		return err
	}
	r, err := do(ctx, a, ipmi.GetThermalLimit{Entity: entity, Instance: instance})
	if err != nil {
		return dcmiFailed("Get Thermal Limit", err)
	}
	v := thermalLimit{r.Persistent, r.PowerOff, r.LogEvent, r.Limit, r.Time}
	return a.Show(v, func(w io.Writer) {
		active := func(b bool) string { return choose(b, "active", "inactive") }
		fmt.Fprintf(w, "\n    Persistence flag is:                      %s\n", choose(v.Persistent, "set", "notset"))
		fmt.Fprintf(w, "    Exception Actions, taken if the Temperature Limit exceeded:\n")
		fmt.Fprintf(w, "        Hard Power Off system and log event:  %s\n", active(v.PowerOff))
		fmt.Fprintf(w, "        Log event to SEL only:                %s\n", active(v.LogEvent))
		fmt.Fprintf(w, "    Temperature Limit                         %d degrees\n", v.Limit)
		fmt.Fprintf(w, "    Exception Time                            %d seconds\n\n\n\n", v.Time)
	}, nil)
}

func runThermalSet(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 7, 7); err != nil {
		return err
	}
	entity, instance, err := thermalTarget(args)
	if err != nil {
		return err
	}
	req := ipmi.SetThermalLimit{Entity: entity, Instance: instance}
	for i, w := range []struct {
		yes, no string
		to      *bool
	}{{"nonvolatile", "volatile", &req.Persistent}, {"poweroff", "nopoweroff", &req.PowerOff}, {"sel", "nosel", &req.LogEvent}} {
		switch args[2+i] {
		case w.yes:
			*w.to = true
		case w.no, "disabled":
		default:
			return usagef("%q is neither %s nor %s", args[2+i], w.yes, w.no)
		}
	}
	if req.Limit, err = parseByte(args[5]); err != nil {
		return usagef("limit: %v", err)
	}
	n, err := parseNumber(args[6], 0, 65535)
	if err != nil {
		return usagef("exception time: %v", err)
	}
	req.Time = uint16(n)
	if _, err := do(ctx, a, req); err != nil {
		return dcmiFailed("Set Thermal Limit", err)
	}
	return a.doneDCMI(fmt.Sprintf("\nThermal policy %d for %0Xh entity successfully set.\n\n", instance, uint8(entity)))
}
