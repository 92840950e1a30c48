package cli

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

func newDCMIPower(a *App) *cobra.Command {
	set := leaf(a, "set_limit NAME VALUE...", "Change the power limit", runSetLimit)
	set.Long = `Change the power limit. NAME and VALUE are
  action no_action|power_off|sel_logging|oem_02…oem_10   what happens above the limit
  limit WATTS
  correction MILLISECONDS    how long the power may stay above the limit
  sample SECONDS             period over which the power is averaged
and may be repeated.`
	return group(a, "power", "Power consumption and its limit",
		leaf(a, "reading [5_sec|15_sec|30_sec|1_min|3_min|7_min|15_min|30_min|1_hour]", "Show how much power the server takes", runPowerReading),
		leaf(a, "get_limit", "Show the power limit", runGetLimit),
		set,
		leaf(a, "activate", "Put the power limit into force", func(ctx context.Context, a *App, args []string) error {
			return runActivateLimit(ctx, a, args, true)
		}),
		leaf(a, "deactivate", "Put the power limit out of force", func(ctx context.Context, a *App, args []string) error {
			return runActivateLimit(ctx, a, args, false)
		}),
	)
}

// powerPeriods are the names of averaging periods.
var powerPeriods = [...]struct {
	name   string
	period ipmi.DCMIPeriod
}{
	{"5_sec", 0x05}, {"15_sec", 0x0f}, {"30_sec", 0x1e}, {"1_min", 0x41}, {"3_min", 0x43}, {"7_min", 0x47},
	{"15_min", 0x4f}, {"30_min", 0x5e}, {"1_hour", 0x81},
}

// powerReading is what dcmi power reading prints; powers are in watts.
type powerReading struct {
	Current uint16    `json:"current_w"`
	Minimum uint16    `json:"minimum_w"`
	Maximum uint16    `json:"maximum_w"`
	Average uint16    `json:"average_w"`
	Time    time.Time `json:"time"`
	Period  float64   `json:"sampling_period_s"`
	Active  bool      `json:"active"`
}

func runPowerReading(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 1); err != nil {
		return err
	}
	req := ipmi.GetPowerReading{Mode: ipmi.DCMISystemStatistics}
	if len(args) == 1 {
		for _, p := range powerPeriods {
			if p.name == args[0] {
				req.Mode, req.Period = ipmi.DCMIEnhancedStatistics, p.period
			}
		}
		if req.Mode != ipmi.DCMIEnhancedStatistics {
			return usagef("there is no period %q", args[0])
		}
	}
	r, err := do(ctx, a, req)
	if err != nil {
		return dcmiFailed("Get Power Reading", err)
	}
	v := powerReading{r.Current, r.Minimum, r.Maximum, r.Average, r.Time.Time(), float64(r.Period) / 1000, r.Active}
	period := fmt.Sprintf("%08d Seconds.", r.Period/1000)
	if req.Mode == ipmi.DCMIEnhancedStatistics {
		v.Period = ipmi.DCMIPeriod(r.Period).Duration().Seconds()
		period = fmt.Sprintf("Unknown (0x%x) ", r.Period)
		for _, p := range powerPeriods {
			if uint32(p.period) == r.Period {
				period = p.name + " "
			}
		}
	}
	return a.Show(v, func(w io.Writer) {
		line := func(key string, watts uint16) { fmt.Fprintf(w, "    %-42s%8d Watts\n", key, watts) }
		fmt.Fprintln(w)
		line("Instantaneous power reading:", v.Current)
		line("Minimum during sampling period:", v.Minimum)
		line("Maximum during sampling period:", v.Maximum)
		line("Average power reading over sample period:", v.Average)
		fmt.Fprintf(w, "    %-42s%s", "IPMI timestamp:", a.stampNumeric(r.Time))
		fmt.Fprintf(w, "    %-42s%s\n", "Sampling period:", period)
		fmt.Fprintf(w, "    %-42s%s\n\n\n", "Power reading state is:", choose(v.Active, "activated", "deactivated"))
	}, nil)
}

// powerLimit is what dcmi power get_limit prints.
type powerLimit struct {
	Active     bool   `json:"active"`
	Exception  string `json:"exception_action"`
	Watts      uint16 `json:"limit_w"`
	Correction uint32 `json:"correction_ms"`
	Sampling   uint16 `json:"sampling_period_s"`
}

// powerLimit reads the power limit and whether it is in force.
func (a *App) powerLimit(ctx context.Context) (limit ipmi.PowerLimit, active bool, err error) {
	limit, err = do(ctx, a, ipmi.GetPowerLimit{})
	if hasCode(err, ipmi.CodeDCMINoLimit) {
		return limit, false, nil
	}
	return limit, true, dcmiFailed("Get Power Limit", err)
}

func runGetLimit(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	return a.showLimit(ctx)
}

func (a *App) showLimit(ctx context.Context) error {
	l, active, err := a.powerLimit(ctx)
	if err != nil {
		return err
	}
	v := powerLimit{active, exceptionAction(l.Exception), l.Watts, l.Correction, l.Sampling}
	return a.Show(v, func(w io.Writer) {
		fmt.Fprintf(w, "\n    Current Limit State: %s\n", choose(active, "Power Limit Active", "No Active Power Limit"))
		fmt.Fprintf(w, "    Exception actions:   %s\n", v.Exception)
		fmt.Fprintf(w, "    Power Limit:         %d Watts\n", v.Watts)
		fmt.Fprintf(w, "    Correction time:     %d milliseconds\n", v.Correction)
		fmt.Fprintf(w, "    Sampling period:     %d seconds\n\n\n", v.Sampling)
	}, nil)
}

// exceptionAction is an exception action as ipmitool prints it.
func exceptionAction(e ipmi.DCMIExceptionAction) string {
	switch {
	case e <= ipmi.DCMIPowerOff || e == ipmi.DCMILogEvent:
		return e.String()
	case e < ipmi.DCMILogEvent:
		return fmt.Sprintf("OEM reserved (%02xh)", uint8(e))
	}
	return fmt.Sprintf("Unknown (0x%x)", uint8(e))
}

func runSetLimit(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 2, -1); err != nil {
		return err
	}
	if len(args)%2 != 0 {
		return usagef("the value of %s is missing", args[len(args)-1])
	}
	var change []func(*ipmi.SetPowerLimit)
	for i := 0; i < len(args); i += 2 {
		f, err := limitChange(args[i], args[i+1])
		if err != nil {
			return err
		}
		change = append(change, f)
	}
	old, _, err := a.powerLimit(ctx)
	if err != nil {
		return err
	}
	req := ipmi.SetPowerLimit{Exception: old.Exception, Watts: old.Watts, Correction: old.Correction, Sampling: old.Sampling}
	for _, f := range change {
		f(&req)
	}
	if _, err := do(ctx, a, req); err != nil {
		return dcmiFailed("Set Power Limit", err)
	}
	return a.showLimit(ctx)
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
			if _, err := fmt.Sscanf(value, "oem_%02x", &n); err != nil || n <= uint8(ipmi.DCMIPowerOff) || n >= uint8(ipmi.DCMILogEvent) {
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

func runActivateLimit(ctx context.Context, a *App, args []string, active bool) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	if _, err := do(ctx, a, ipmi.ActivatePowerLimit{Active: active}); err != nil {
		return dcmiFailed("Activate/Deactivate Power Limit", err)
	}
	return a.doneDCMI("\n    Power limit successfully " + choose(active, "activated", "deactivated") + "\n")
}
