package cli

import (
	"context"

	"lom/ipmi"
	"lom/machine"
)

func runGUID(ctx context.Context, a *App, args []string) (machine.GUID, error) {
	var order []ipmi.GUIDOrder
	if err := wantArgs(args, 0, 1); err != nil {
		return machine.GUID{}, err
	}
	switch word := append(args, "auto")[0]; word {
	case "auto":
	case "smbios":
		order = append(order, ipmi.GUIDSMBIOS)
	case "ipmi":
		order = append(order, ipmi.GUIDIPMI)
	case "rfc4122", "rfc":
		order = append(order, ipmi.GUIDRFC4122)
	case "dump":
		order = append(order, ipmi.GUIDDump)
	default:
		return machine.GUID{}, usagef("there is no encoding %q", word)
	}
	m, err := a.machine(ctx)
	if err != nil {
		return machine.GUID{}, err
	}
	return m.GUID(ctx, order...)
}
