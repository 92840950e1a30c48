package cli

import (
	"context"

	"github.com/spf13/cobra"

	"lom/ipmi"
	"lom/machine"
	"lom/render"
)

func newPower(a *App) *cobra.Command {
	action := func(use, short string, act ipmi.ChassisAction, aliases ...string) *cobra.Command {
		cmd := query(a, use, short, render.PowerChange,
			func(ctx context.Context, a *App, args []string) (machine.PowerChange, error) {
				return runPower(ctx, a, args, act)
			})
		cmd.Aliases = aliases
		return cmd
	}
	return group(a, "power", "Show and switch the power of the server",
		query(a, "status", "Say whether the power is on", render.PowerState,
			of((*machine.Machine).Power)),
		action("on", "Switch on", ipmi.PowerUp, "up"),
		action("off", "Switch off at once", ipmi.PowerDown, "down"),
		action("cycle", "Switch off, wait, and switch on", ipmi.PowerCycle),
		action("reset", "Reset the server without switching it off", ipmi.HardReset),
		action("diag", "Send a diagnostic interrupt (NMI)", ipmi.DiagnosticInterrupt),
		action("soft", "Ask the operating system to shut down", ipmi.SoftShutdown, "acpi"),
	)
}

// runPower switches the power. The text of one host is ipmitool's, which asks the BMC for nothing
// else. For programs, and of many hosts, at which nobody looks, it is done when it is seen to be.
func runPower(
	ctx context.Context, a *App, args []string, act ipmi.ChassisAction,
) (v machine.PowerChange, err error) {
	if err := wantArgs(args, 0, 0); err != nil {
		return v, err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return v, err
	}
	var opts []machine.PowerOption
	if a.oneOf || a.printer(a.Out).Format.Structured() {
		opts = append(opts, machine.WithReadBack(0))
	}
	if v, err = m.SetPower(ctx, act, opts...); err != nil {
		err = &machine.PartialError{Err: err} // what became of it is shown to programs
	}
	return v, err
}
