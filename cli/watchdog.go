package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/machine"
	"lom/render"
)

func newWatchdog(a *App) *cobra.Command {
	set := change(a, "set OPTION...", "Set the watchdog timer", runWatchdogSet)
	set.Long = `Set the watchdog timer. Options:
  timeout=SECONDS         countdown, 1 to 6553
  pretimeout=SECONDS      how long before that the interrupt comes, 1 to 255
  int=none|smi|nmi|msg    the interrupt
  use=frb2|post|osload|sms|oem
  clear=frb2|post|osload|sms|oem   clear that use's expiration flag; may be repeated
  action=none|reset|poweroff|cycle
  nolog                   do not log the expiration
  dontstop                let a running timer run on`
	return group(a, "watchdog", "The watchdog timer",
		query(a, "get", "Show the settings and the countdown", render.Watchdog,
			of((*machine.Machine).Watchdog)),
		set,
		change(a, "reset", "Start the countdown again", runWatchdogReset),
		change(a, "off", "Stop the timer", runWatchdogOff),
	)
}

func runWatchdogReset(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 0, 0); err != nil {
		return "", err
	}
	m, err := a.machine(ctx)
	if err == nil {
		err = m.StartWatchdog(ctx)
	}
	if hasCode(err, ipmi.CodeWatchdogNotSet) {
		return "", errors.New("the watchdog timer was never set, so that it cannot be started: " +
			"set it first")
	}
	return "IPMI Watchdog Timer Reset -  countdown restarted!", err
}

func runWatchdogOff(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 0, 0); err != nil {
		return "", err
	}
	m, err := a.machine(ctx)
	if err == nil {
		err = m.StopWatchdog(ctx)
	}
	return "Watchdog Timer Shutoff successful -- timer stopped", err
}

func runWatchdogSet(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 1, -1); err != nil {
		return "", err
	}
	var req ipmi.SetWatchdogTimer
	for _, arg := range args {
		if err := setWatchdogOption(&req, arg); err != nil {
			return "", err
		}
	}
	m, err := a.machine(ctx)
	if err == nil {
		err = m.SetWatchdog(ctx, req)
	}
	const sentence = "Watchdog Timer was successfully configured"
	if err != nil || a.Options.JSON {
		return sentence, err
	}
	// ipmitool says it on stderr, and scripts may read stdout.
	fmt.Fprintln(a.Err, sentence)
	return "", nil
}

// setWatchdogOption reads one word; as in ipmitool, the beginning of an option's name is enough.
func setWatchdogOption(req *ipmi.SetWatchdogTimer, arg string) error {
	name, value, hasValue := strings.Cut(arg, "=")
	full := ""
	for _, n := range []string{"timeout", "pretimeout", "int", "use", "clear", "action", "nolog",
		"dontstop"} {
		if name != "" && strings.HasPrefix(n, name) {
			full = n
			break
		}
	}
	if full == "" || hasValue == (full == "nolog" || full == "dontstop") {
		return usagef("%q is none of timeout=, pretimeout=, int=, use=, clear=, action=, nolog, "+
			"dontstop", arg)
	}
	number := func(high int64) (int64, error) {
		n, err := parseNumber(value, 1, high)
		if err != nil {
			return 0, usagef("%s: %v seconds", full, err)
		}
		return n, nil
	}
	word := func(words []string) (uint8, error) {
		for i, w := range words {
			if w == value {
				return uint8(i), nil
			}
		}
		return 0, usagef("%s is one of %s, not %q", full, strings.Join(words, ", "), value)
	}
	var n int64
	var i uint8
	var err error
	switch full {
	case "timeout":
		n, err = number(6553)
		req.Countdown = ipmi.WatchdogCount(n * 10)
	case "pretimeout":
		n, err = number(255)
		req.PreTimeoutInterval = uint8(n)
	case "int":
		i, err = word(machine.WatchdogInterrupts)
		req.PreTimeout = ipmi.WatchdogInterrupt(i)
	case "use":
		i, err = word(machine.WatchdogUses)
		req.Use = ipmi.WatchdogUse(i)
	case "clear":
		i, err = word(machine.WatchdogUses)
		req.ClearExpired |= 1 << i
	case "action":
		i, err = word(machine.WatchdogActions)
		req.Action = ipmi.WatchdogAction(i)
	case "nolog":
		req.DontLog = true
	case "dontstop":
		req.DontStop = true
	}
	return err
}
