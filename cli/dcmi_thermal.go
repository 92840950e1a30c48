package cli

import (
	"context"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/machine"
)

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
	}{{"nonvolatile", "volatile", &req.Persistent}, {"poweroff", "nopoweroff", &req.PowerOff},
		{"sel", "nosel", &req.LogEvent}} {
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
	return fmt.Sprintf("\nThermal policy %d for %0Xh entity successfully set.\n\n", instance,
		uint8(entity)), err
}
