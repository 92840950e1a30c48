package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"lom/ipmi"
	"lom/machine"
	"lom/render"
)

func newDCMIPower(a *App) *cobra.Command {
	set := query(a, "set_limit NAME VALUE...", "Change the power limit", render.PowerLimit,
		runSetLimit)
	set.Long = `Change the power limit. NAME and VALUE are
  action no_action|power_off|sel_logging|oem_02…oem_10   what happens above the limit
  limit WATTS
  correction MILLISECONDS    how long the power may stay above the limit
  sample SECONDS             period over which the power is averaged
and may be repeated.`
	return group(a, "power", "Power consumption and its limit",
		query(a, "reading [5_sec|15_sec|30_sec|1_min|3_min|7_min|15_min|30_min|1_hour]",
			"Show how much power the server takes",
			render.PowerReading, runPowerReading),
		query(a, "get_limit", "Show the power limit", render.PowerLimit,
			of((*machine.Machine).PowerLimit)),
		set,
		dcmiChange(a, "activate", "Put the power limit into force", activateLimit(true)),
		dcmiChange(a, "deactivate", "Put the power limit out of force", activateLimit(false)),
	)
}

func runPowerReading(ctx context.Context, a *App, args []string) (machine.PowerReading, error) {
	var none machine.PowerReading
	if err := wantArgs(args, 0, 1); err != nil {
		return none, err
	}
	period := ipmi.DCMIPeriod(0)
	if len(args) == 1 {
		for _, p := range render.PowerPeriods {
			if p.Name == args[0] {
				period = p.Period
			}
		}
		if period == 0 {
			return none, usagef("there is no period %q", args[0])
		}
	}
	m, err := a.machine(ctx)
	if err != nil {
		return none, err
	}
	return m.PowerReading(ctx, period)
}

func runSetLimit(ctx context.Context, a *App, args []string) (machine.PowerLimit, error) {
	var none machine.PowerLimit
	if err := wantArgs(args, 2, -1); err != nil {
		return none, err
	}
	if len(args)%2 != 0 {
		return none, usagef("the value of %s is missing", args[len(args)-1])
	}
	var changes []func(*ipmi.SetPowerLimit)
	for i := 0; i < len(args); i += 2 {
		f, err := limitChange(args[i], args[i+1])
		if err != nil {
			return none, err
		}
		changes = append(changes, f)
	}
	m, err := a.machine(ctx)
	if err != nil {
		return none, err
	}
	err = m.SetPowerLimit(ctx, func(l *ipmi.SetPowerLimit) {
		for _, f := range changes {
			f(l)
		}
	})
	if err != nil {
		return none, err
	}
	return m.PowerLimit(ctx)
}

// limitChange reads one name and value of set_limit.
func limitChange(name, value string) (func(*ipmi.SetPowerLimit), error) {
	if name == "action" {
		action := ipmi.DCMIExceptionAction(0)
		switch value {
		case "no_action":
			action = ipmi.DCMINoAction
		case "power_off":
			action = ipmi.DCMIPowerOff
		case "sel_logging":
			action = ipmi.DCMILogEvent
		default:
			var n uint8
			if _, err := fmt.Sscanf(value, "oem_%02x", &n); err != nil ||
				n <= uint8(ipmi.DCMIPowerOff) || n >= uint8(ipmi.DCMILogEvent) {
				return nil, usagef("there is no action %q", value)
			}
			action = ipmi.DCMIExceptionAction(n)
		}
		return func(r *ipmi.SetPowerLimit) { r.Exception = action }, nil
	}
	high := int64(65535)
	if name == "correction" {
		high = 1<<32 - 1
	}
	n, err := parseNumber(value, 0, high)
	if err != nil {
		return nil, usagef("%s: %v", name, err)
	}
	switch name {
	case "limit":
		return func(r *ipmi.SetPowerLimit) { r.Watts = uint16(n) }, nil
	case "correction":
		return func(r *ipmi.SetPowerLimit) { r.Correction = uint32(n) }, nil
	case "sample":
		return func(r *ipmi.SetPowerLimit) { r.Sampling = uint16(n) }, nil
	}
	return nil, usagef("%q is none of action, limit, correction and sample", name)
}

// activateLimit makes the run function of activate or deactivate.
func activateLimit(active bool) func(context.Context, *App, []string) (string, error) {
	return func(ctx context.Context, a *App, args []string) (string, error) {
		if err := wantArgs(args, 0, 0); err != nil {
			return "", err
		}
		m, err := a.machine(ctx)
		if err == nil {
			err = m.ActivatePowerLimit(ctx, active)
		}
		return "\n    Power limit successfully " + choose(active, "activated", "deactivated") +
			"\n", err
	}
}
