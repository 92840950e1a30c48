package cli

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

func newPower(a *App) *cobra.Command {
	action := func(use, short, words string, act ipmi.ChassisAction) *cobra.Command {
		return leaf(a, use, short, func(ctx context.Context, a *App, args []string) error {
			if err := wantArgs(args, 0, 0); err != nil {
				return err
			}
			return runPower(ctx, a, act, words)
		})
	}
	on := action("on", "Switch on", "Up/On", ipmi.PowerUp)
	on.Aliases = []string{"up"}
	off := action("off", "Switch off at once", "Down/Off", ipmi.PowerDown)
	off.Aliases = []string{"down"}
	soft := action("soft", "Ask the operating system to shut down", "Soft", ipmi.SoftShutdown)
	soft.Aliases = []string{"acpi"}
	return group(a, "power", "Show and switch the power of the server",
		leaf(a, "status", "Say whether the power is on", runPowerStatus),
		on, off,
		action("cycle", "Switch off, wait, and switch on", "Cycle", ipmi.PowerCycle),
		action("reset", "Reset the server without switching it off", "Reset", ipmi.HardReset),
		action("diag", "Send a diagnostic interrupt (NMI)", "Diag", ipmi.DiagnosticInterrupt),
		soft,
	)
}

func runPowerStatus(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	power, err := a.powerState(ctx)
	if power == "" {
		return err
	}
	type status struct {
		Power string `json:"power"`
	}
	show := a.Show(status{power}, func(w io.Writer) {
		fmt.Fprintf(w, "Chassis Power is %s\n", power)
	}, nil)
	if err == nil {
		err = show
	}
	return err
}

// powerUnknown is the power of a server that its BMC cannot see: neither on nor off.
const powerUnknown = "unknown"

// powerState returns the power as people write it. It is powerUnknown, with an error, if the BMC answers that it cannot tell,
// and "" if it does not say even that.
func (a *App) powerState(ctx context.Context) (string, error) {
	st, err := do(ctx, a, ipmi.GetChassisStatus{})
	switch {
	case err == nil:
		return onOff(st.PowerOn), nil
	case hasCode(err, ipmi.CodeNotInPresentState):
		return powerUnknown, cannotTell("Get Chassis Power Status", err)
	}
	return "", failed("Get Chassis Power Status", err)
}

// cannotTell is the error of a BMC that does not see its server.
func cannotTell(what string, err error) error {
	return fmt.Errorf("%w; the BMC cannot tell whether the server is on or off: see its SEL, and its log, for why", failed(what, err))
}

// readBackTime is how long lom looks whether a power command was carried out whose answer was lost,
// and readBackInterval is how often.
const (
	readBackTime     = 5 * time.Second
	readBackInterval = time.Second
)

func runPower(ctx context.Context, a *App, act ipmi.ChassisAction, words string) error {
	_, err := do(ctx, a, ipmi.ChassisControl{Action: act})
	if errors.Is(err, ipmi.ErrOutcomeUnknown) && (act == ipmi.PowerUp || act == ipmi.PowerDown) {
		err = a.readBackPower(ctx, act == ipmi.PowerUp, err)
	}
	if err != nil {
		return failed("Set Chassis Power Control to "+words, err)
	}
	if a.oneOf {
		if err := a.confirmPower(ctx, act); err != nil {
			return err
		}
	}
	return a.Done("Chassis Power Control: " + words)
}

// readBackPower returns nil once the power is as the lost command wanted it, and lost if that does
// not happen soon. The other actions leave no state behind that could be read.
func (a *App) readBackPower(ctx context.Context, on bool, lost error) error {
	ctx, cancel := context.WithTimeout(ctx, readBackTime)
	defer cancel()
	for {
		st, err := do(ctx, a, ipmi.GetChassisStatus{})
		if err == nil && st.PowerOn == on {
			return nil
		}
		if err := sleep(ctx, readBackInterval); err != nil {
			return lost
		}
	}
}

// sleep waits for d, or until ctx ends, whose error it then returns.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func onOff(on bool) string { return choose(on, "on", "off") }

// choose returns yes if b, else no.
func choose(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}
