package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

func newWatchdog(a *App) *cobra.Command {
	set := leaf(a, "set OPTION...", "Set the watchdog timer", runWatchdogSet)
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
		leaf(a, "get", "Show the settings and the countdown", runWatchdogGet),
		set,
		leaf(a, "reset", "Start the countdown again", runWatchdogReset),
		leaf(a, "off", "Stop the timer", runWatchdogOff),
	)
}

// watchdogInfo is what mc watchdog get prints; times are in seconds.
type watchdogInfo struct {
	Use          string   `json:"use"`
	Running      bool     `json:"running"`
	Logging      bool     `json:"logging"`
	Action       string   `json:"action"`
	Interrupt    string   `json:"pretimeout_interrupt"`
	PreTimeout   uint8    `json:"pretimeout_s"`
	Expired      []string `json:"expired"`
	Initial      float64  `json:"initial_countdown_s"`
	Countdown    float64  `json:"present_countdown_s"`
	useByte      uint8
	actionByte   uint8
	expiredFlags uint8
}

func runWatchdogGet(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	t, err := do(ctx, a, ipmi.GetWatchdogTimer{})
	if err != nil {
		return failed("Get Watchdog Timer command", err)
	}
	v := watchdogInfo{
		Use: t.Use.String(), Running: t.Running, Logging: !t.DontLog, Action: t.Action.String(),
		Interrupt: t.PreTimeout.String(), PreTimeout: t.PreTimeoutInterval, Expired: []string{},
		Initial: t.InitialCountdown.Duration().Seconds(), Countdown: t.Countdown.Duration().Seconds(),
		useByte: uint8(t.Use), actionByte: uint8(t.PreTimeout)<<4 | uint8(t.Action), expiredFlags: uint8(t.Expired),
	}
	if t.DontLog {
		v.useByte |= 0x80
	}
	if t.Running {
		v.useByte |= 0x40
	}
	for u := range ipmi.WatchdogUse(8) {
		if t.Expired.Has(u) {
			v.Expired = append(v.Expired, u.String())
		}
	}
	return a.Show(v, v.text, nil)
}

func (v watchdogInfo) text(w io.Writer) {
	line := func(key, format string, values ...any) {
		fmt.Fprintf(w, "%-24s%s\n", key+":", fmt.Sprintf(format, values...))
	}
	line("Watchdog Timer Use", "%s (0x%02x)", v.Use, v.useByte)
	line("Watchdog Timer Is", "%s", choose(v.Running, "Started/Running", "Stopped"))
	line("Watchdog Timer Logging", "%s", choose(v.Logging, "On", "Off"))
	line("Watchdog Timer Action", "%s (0x%02x)", v.Action, v.actionByte)
	line("Pre-timeout interrupt", "%s", v.Interrupt)
	line("Pre-timeout interval", "%d seconds", v.PreTimeout)
	line("Timer Expiration Flags", "%s(0x%02x)", choose(v.expiredFlags == 0, "None ", ""), v.expiredFlags)
	for _, use := range v.Expired {
		fmt.Fprintf(w, "%24s* %s\n", "", use)
	}
	line("Initial Countdown", "%.1f sec", v.Initial)
	line("Present Countdown", "%.1f sec", v.Countdown)
}

func runWatchdogReset(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	if _, err := do(ctx, a, ipmi.ResetWatchdogTimer{}); err != nil {
		if hasCode(err, ipmi.CodeWatchdogNotSet) {
			return fmt.Errorf("the watchdog timer was never set, so that it cannot be started: set it first")
		}
		return failed("Reset Watchdog Timer command", err)
	}
	return a.Done("IPMI Watchdog Timer Reset -  countdown restarted!")
}

// watchdogOffCount is the countdown that "watchdog off" leaves behind: 5 minutes, for the next who
// starts the timer without setting it.
const watchdogOffCount = 3000

func runWatchdogOff(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	_, err := do(ctx, a, ipmi.SetWatchdogTimer{
		Use: ipmi.WatchdogSMS, ClearExpired: 1 << ipmi.WatchdogSMS, Countdown: watchdogOffCount,
	})
	if err != nil {
		return failed("Watchdog Timer Shutoff command", err)
	}
	return a.Done("Watchdog Timer Shutoff successful -- timer stopped")
}

var (
	watchdogUses    = []string{"none", "frb2", "post", "osload", "sms", "oem"}
	watchdogInts    = []string{"none", "smi", "nmi", "msg"}
	watchdogActions = []string{"none", "reset", "poweroff", "cycle"}
)

func runWatchdogSet(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, -1); err != nil {
		return err
	}
	var req ipmi.SetWatchdogTimer
	for _, arg := range args {
		if err := setWatchdogOption(&req, arg); err != nil {
			return err
		}
	}
	if _, err := do(ctx, a, req); err != nil {
		return failed("Set Watchdog Timer command", err)
	}
	// ipmitool says it on stderr, and scripts may read stdout.
	if !a.Options.JSON {
		fmt.Fprintln(a.Err, "Watchdog Timer was successfully configured")
		return nil
	}
	return a.Done("Watchdog Timer was successfully configured")
}

// setWatchdogOption reads one word; as in ipmitool, the beginning of an option's name is enough.
func setWatchdogOption(req *ipmi.SetWatchdogTimer, arg string) error {
	name, value, hasValue := strings.Cut(arg, "=")
	full := ""
	for _, n := range []string{"timeout", "pretimeout", "int", "use", "clear", "action", "nolog", "dontstop"} {
		if name != "" && strings.HasPrefix(n, name) {
			full = n
			break
		}
	}
	if full == "" || hasValue == (full == "nolog" || full == "dontstop") {
		return usagef("%q is none of timeout=, pretimeout=, int=, use=, clear=, action=, nolog, dontstop", arg)
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
		i, err = word(watchdogInts)
		req.PreTimeout = ipmi.WatchdogInterrupt(i)
	case "use":
		i, err = word(watchdogUses)
		req.Use = ipmi.WatchdogUse(i)
	case "clear":
		i, err = word(watchdogUses)
		req.ClearExpired |= 1 << i
	case "action":
		i, err = word(watchdogActions)
		req.Action = ipmi.WatchdogAction(i)
	case "nolog":
		req.DontLog = true
	case "dontstop":
		req.DontStop = true
	}
	return err
}
