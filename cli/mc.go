package cli

import (
	"github.com/spf13/cobra"

	"lom/machine"
	"lom/render"
)

func newMC(a *App) *cobra.Command {
	return group(a, "mc", "The management controller: identity, reset, self test, watchdog, settings",
		query(a, "info", "Show what the controller is", render.Controller, of((*machine.Machine).Controller)),
		query(a, "guid [auto|smbios|ipmi|rfc4122|dump]", "Show the GUID of the system", render.GUID, runGUID),
		leaf(a, "reset warm|cold", "Reset the controller, not the server", runMCReset),
		leaf(a, "selftest", "Show the result of the self test", runMCSelfTest),
		newWatchdog(a),
		leaf(a, "getenables", "Show the global enables", runGetEnables),
		leaf(a, "setenables NAME=on|off...", "Change the global enables", runSetEnables),
		leaf(a, "getsysinfo NAME", "Show what the BMC keeps about the system", runGetSysInfo),
		leaf(a, "setsysinfo NAME TEXT", "Change what the BMC keeps about the system", runSetSysInfo),
	)
}
