package cli

import (
	"context"

	"github.com/spf13/cobra"

	"lom/ipmi"
	"lom/machine"
	"lom/render"
)

func newMC(a *App) *cobra.Command {
	return group(a, "mc",
		"The management controller: identity, reset, self test, watchdog, settings",
		query(a, "info", "Show what the controller is", render.Controller,
			of((*machine.Machine).Controller)),
		query(a, "guid [auto|smbios|ipmi|rfc4122|dump]", "Show the GUID of the system", render.GUID,
			runGUID),
		change(a, "reset warm|cold", "Reset the controller, not the server", runMCReset),
		query(a, "selftest", "Show the result of the self test", render.SelfTest,
			selfTest("corrupted", "fatal", "not-implemented", "not-available")),
		newWatchdog(a),
		query(a, "getenables", "Show the global enables", render.Enables, runGetEnables),
		query(a, "setenables NAME=on|off...", "Change the global enables", render.Enables,
			runSetEnables),
		query(a, "getsysinfo NAME", "Show what the BMC keeps about the system", render.SystemInfo,
			runGetSysInfo),
		change(a, "setsysinfo NAME TEXT", "Change what the BMC keeps about the system",
			runSetSysInfo),
	)
}

func runGUID(ctx context.Context, a *App, args []string) (machine.GUID, error) {
	var order []ipmi.GUIDOrder
	if err := wantArgs(args, 0, 1); err != nil {
		return machine.GUID{}, err
	}
	word := "auto"
	if len(args) > 0 {
		word = args[0]
	}
	switch word {
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
