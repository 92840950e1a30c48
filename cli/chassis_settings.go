package cli

import (
	"context"
	"io"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

func runIdentify(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 1); err != nil {
		return err
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
			return usagef("the interval is a number of seconds from 0 to 255, or force; it is not %q", args[0])
		}
		req.Interval = &n
		words = fmt.Sprintf("%d seconds", n)
		if n == 0 {
			words = "off"
		}
	}
	if _, err := do(ctx, a, req); err != nil {
		if req.Force != nil && hasCode(err, ipmi.CodeDataLengthInvalid, ipmi.CodeInvalidDataField) {
			return fmt.Errorf("%w; this chassis may not be able to identify itself without end", failed("Set Chassis Identify", err))
		}
		return failed("Set Chassis Identify", err)
	}
	return a.Done("Chassis identify interval: " + words)
}

func runPowerPolicy(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 1); err != nil {
		return err
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
		return usagef("there is no policy %q", args[0])
	}
	support, err := do(ctx, a, ipmi.SetPowerRestorePolicy{Policy: policy})
	if err != nil {
		return failed("Power Restore Policy command", err)
	}
	if policy != ipmi.RestoreUnknown {
		return a.Done("Set chassis power restore policy to " + policy.String())
	}
	type policies struct {
		Supported []string `json:"supported"`
	}
	v := policies{Supported: []string{}}
	text := "Supported chassis power policy:  "
	for _, p := range []struct {
		is   bool
		word string
		gap  string
	}{{support.AlwaysOff, "always-off", " "}, {support.AlwaysOn, "always-on", " "}, {support.Previous, "previous", ""}} {
		if p.is {
			v.Supported = append(v.Supported, p.word)
			text += p.word + p.gap
		}
	}
	return a.Show(v, func(w io.Writer) { fmt.Fprintln(w, text) }, nil)
}

func runRestartCause(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	r, err := do(ctx, a, ipmi.GetSystemRestartCause{})
	if err != nil {
		return failed("Get Chassis Restart Cause", err)
	}
	type cause struct {
		Cause   string `json:"cause"`
		Channel uint8  `json:"channel"`
	}
	return a.Show(cause{r.Cause.String(), r.Channel}, func(w io.Writer) {
		fmt.Fprintf(w, "System restart cause: %s\n", r.Cause)
	}, nil)
}

func runPOH(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	c, err := do(ctx, a, ipmi.GetPOHCounter{})
	if err != nil {
		return failed("Get Chassis Power-On-Hours", err)
	}
	type poh struct {
		Minutes    uint64 `json:"minutes"`
		Resolution uint8  `json:"resolution_minutes"`
	}
	return a.Show(poh{c.Minutes(), c.MinutesPerCount}, func(w io.Writer) {
		m := c.Minutes()
		fmt.Fprintf(w, "POH Counter  : %d days, %d hours", m/(24*60), m%(24*60)/60)
		if c.MinutesPerCount < 60 {
			fmt.Fprintf(w, ", %d minutes", m%60)
		}
		fmt.Fprintln(w)
	}, nil)
}

// selfTest is what chassis selftest and mc selftest show as JSON.
type selfTest struct {
	Result   string   `json:"result"`
	Failures []string `json:"failures,omitempty"`
	Detail   uint8    `json:"detail"`
}

// selfTestBits are the bits of ipmi.SelfTestFailures from 0 on, as chassis selftest says them and as mc
// selftest does.
var selfTestBits = [8]struct{ chassis, mc string }{
	{"firmware corrupted", "controller operational firmware corrupted"},
	{"boot block corrupted", "Controller update boot block corrupted"},
	{"FRU Internal Use Area corrupted", "Internal Use Area corrupted"},
	{"SDR Repository empty", "SDR repository empty"},
	{"IPMB not responding", "IPMB signal lines do not respond"},
	{"cannot access BMC FRU", "FRU device not accessible"},
	{"cannot access SDR Repository", " -> SDR repository not accessible"},
	{"cannot access SEL Device", " -> SEL device not accessible"},
}

func newSelfTest(r ipmi.SelfTestResults) selfTest {
	v := selfTest{Result: r.Result.String(), Detail: r.Detail}
	if r.Result == ipmi.SelfTestCorrupted {
		for i, w := range selfTestBits {
			if r.Detail>>i&1 != 0 {
				v.Failures = append(v.Failures, w.chassis)
			}
		}
	}
	return v
}

func runChassisSelfTest(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	r, err := do(ctx, a, ipmi.GetSelfTestResults{})
	if err != nil {
		return failed("Get Self Test Results", err)
	}
	v := newSelfTest(r)
	err = a.Show(v, func(w io.Writer) {
		fmt.Fprint(w, "Self Test Results    : ")
		switch r.Result {
		case ipmi.SelfTestPassed, ipmi.SelfTestNone:
			fmt.Fprintln(w, r.Result)
		case ipmi.SelfTestCorrupted:
			fmt.Fprintln(w, "device error")
			for _, f := range v.Failures {
				fmt.Fprintf(w, "                       [%s]\n", f)
			}
		case ipmi.SelfTestFatal:
			fmt.Fprintf(w, "Fatal hardware error: %02xh\n", r.Detail)
		default:
			fmt.Fprintf(w, "Device-specific failure %02xh:%02xh\n", uint8(r.Result), r.Detail)
		}
	}, nil)
	if err == nil && (r.Result == ipmi.SelfTestCorrupted || r.Result == ipmi.SelfTestFatal) {
		err = errReported
	}
	return err
}
