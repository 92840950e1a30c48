package cli

import (
	"context"
	"io"
	"slices"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/machine"
)

func runDCMISensors(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return err
	}
	ids := make([][]uint16, len(machine.DCMIEntities))
	has, refused := false, error(nil)
	for i, e := range machine.DCMIEntities {
		ids[i], err = m.DCMISensors(ctx, e.ID)
		if isRefusal(err) { // a BMC may lack one of the entities
			refused = err
			continue
		}
		if err != nil {
			return err
		}
		has = true
	}
	if !has {
		return refusal(refused)
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
	for i, e := range machine.DCMIEntities {
		var found []*sensorView
		for _, id := range ids[i] {
			if v := byID[id]; v != nil {
				found = append(found, v)
			}
		}
		list = append(list, entity{e.Word, ids[i], sensorList(found)})
	}
	return a.Show(list, func(w io.Writer) {
		for i, e := range machine.DCMIEntities {
			fmt.Fprintf(w, "\n%s: %d temperature sensor%s found:\n", map[string]string{"inlet": "Inlet", "cpu": "CPU", "baseboard": "Baseboard"}[e.Word], len(ids[i]), choose(len(ids[i]) > 1, "s", ""))
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

func runThermalGet(ctx context.Context, a *App, args []string) (machine.ThermalLimit, error) {
	var none machine.ThermalLimit
	if err := wantArgs(args, 2, 2); err != nil {
		return none, err
	}
	entity, instance, err := thermalTarget(args)
	if err != nil {
		return none, err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return none, err
	}
	return m.ThermalLimit(ctx, entity, instance)
}

func runThermalSet(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 7, 7); err != nil {
		return "", err
	}
	entity, instance, err := thermalTarget(args)
	if err != nil {
		return "", err
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
			return "", usagef("%q is neither %s nor %s", args[2+i], w.yes, w.no)
		}
	}
	if req.Limit, err = parseByte(args[5]); err != nil {
		return "", usagef("limit: %v", err)
	}
	n, err := parseNumber(args[6], 0, 65535)
	if err != nil {
		return "", usagef("exception time: %v", err)
	}
	req.Time = uint16(n)
	m, err := a.machine(ctx)
	if err == nil {
		err = m.SetThermalLimit(ctx, req)
	}
	return fmt.Sprintf("\nThermal policy %d for %0Xh entity successfully set.\n\n", instance, uint8(entity)), err
}
