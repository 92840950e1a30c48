package cli

import (
	"context"

	"github.com/spf13/cobra"

	"lom/internal/plainfmt"
	"lom/ipmi"
	"lom/machine"
	"lom/render"
)

func newChassis(a *App) *cobra.Command {
	bootmbox := group(a, "bootmbox", "The boot initiator mailbox",
		query(a, "get [text] [block N]", "Show the mailbox, or one block of it", render.BootMailbox,
			runBootmboxGet),
		change(a, "set [text] [block N] PEN DATA...", "Write the mailbox, or one block of it",
			runBootmboxSet))
	bootmbox.Long = bootmboxLong
	return group(a, "chassis", "Chassis status, power, boot device and identification",
		query(a, "status", "Show the state of power, faults and front panel",
			render.Chassis, of((*machine.Machine).Chassis)),
		newPower(a),
		query(a, "policy list|always-on|previous|always-off",
			"What happens when the mains come back",
			render.RestorePolicy, runPowerPolicy),
		query(a, "restart_cause", "Say why the server started last",
			render.RestartCause, of((*machine.Machine).RestartCause)),
		query(a, "poh", "Show how long the server has been on in its life",
			render.PowerOnHours, of((*machine.Machine).PowerOnHours)),
		change(a, "identify [SECONDS|0|force]", "Make the chassis show where it is", runIdentify),
		query(a, "selftest", "Show the result of the self test",
			render.ChassisSelfTest, selfTest("corrupted", "fatal")),
		newBootdev(a),
		newBootparam(a),
		bootmbox,
	)
}

// selfTest makes the run function of a command that shows the result of the self test, and whose
// exit code is 1 for some results.
func selfTest(failures ...string) func(context.Context, *App, []string) (machine.SelfTest, error) {
	get := of((*machine.Machine).SelfTest)
	return func(ctx context.Context, a *App, args []string) (machine.SelfTest, error) {
		v, err := get(ctx, a, args)
		for _, f := range failures {
			if err == nil && v.Result == f {
				err = &machine.PartialError{Err: errReported}
			}
		}
		return v, err
	}
}

func runIdentify(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 0, 1); err != nil {
		return "", err
	}
	var req ipmi.ChassisIdentify
	words := "default (15 seconds)"
	switch {
	case len(args) == 0:
	case args[0] == "force":
		req.Interval, req.Force = new(uint8(0)), new(true)
		words = "indefinite"
	default:
		n, err := parseByte(args[0])
		if err != nil {
			return "", usagef(
				"the interval is a number of seconds from 0 to 255, or force; it is not %q",
				args[0])
		}
		req.Interval = &n
		words = plainfmt.Sprintf("%d seconds", n)
		if n == 0 {
			words = "off"
		}
	}
	m, err := a.machine(ctx)
	if err == nil {
		err = m.Identify(ctx, req)
	}
	if req.Force != nil && hasCode(err, ipmi.CodeDataLengthInvalid, ipmi.CodeInvalidDataField) {
		err = &advisedError{err, "this chassis may not be able to identify itself without end"}
	}
	return "Chassis identify interval: " + words, err
}

func runPowerPolicy(ctx context.Context, a *App, args []string) (machine.RestorePolicy, error) {
	if err := wantArgs(args, 1, 1); err != nil {
		return machine.RestorePolicy{}, err
	}
	var policy ipmi.PowerRestorePolicy
	switch args[0] {
	case "list":
		policy = ipmi.RestoreUnknown
	case "always-on":
		policy = ipmi.RestoreAlwaysOn
	case "previous":
		policy = ipmi.RestorePrevious
	case "always-off":
		policy = ipmi.RestoreAlwaysOff
	default:
		return machine.RestorePolicy{}, usagef("there is no policy %q", args[0])
	}
	m, err := a.machine(ctx)
	if err != nil {
		return machine.RestorePolicy{}, err
	}
	return m.SetRestorePolicy(ctx, policy)
}
