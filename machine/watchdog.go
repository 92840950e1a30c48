package machine

import (
	"context"
	"time"

	"lom/ipmi"
)

// A Watchdog is the watchdog timer of a BMC (§27.7).
type Watchdog struct {
	Use                 string   `json:"use" enum:"none,frb2,post,osload,sms,oem"`
	Running             bool     `json:"running"`
	Logging             bool     `json:"logging"` // the expiration is logged
	Action              string   `json:"action" enum:"none,reset,poweroff,cycle"`
	PreTimeoutInterrupt string   `json:"pretimeout_interrupt" enum:"none,smi,nmi,msg"`
	PreTimeout          uint8    `json:"pretimeout_seconds"` // before the timer runs out
	Expired             []string `json:"expired"`            // uses in which the timer has run out
	Initial             float64  `json:"initial_countdown_seconds"`
	Countdown           float64  `json:"present_countdown_seconds"`

	Timer ipmi.WatchdogTimer `json:"-"`
}

// The words for what a watchdog is for, what it does before and when it runs out, by number.
var (
	WatchdogUses       = []string{"none", "frb2", "post", "osload", "sms", "oem"}
	WatchdogInterrupts = []string{"none", "smi", "nmi", "msg"}
	WatchdogActions    = []string{"none", "reset", "poweroff", "cycle"}
)

// numbered returns the word for a number, "reserved" for one without.
func numbered[N ~uint8](words []string, n N) string {
	if int(n) < len(words) {
		return words[n]
	}
	return "reserved"
}

// Watchdog reads the watchdog timer.
func (m *Machine) Watchdog(ctx context.Context) (Watchdog, error) {
	t, err := do(ctx, m, "Get Watchdog Timer command", ipmi.GetWatchdogTimer{})
	if err != nil {
		return Watchdog{}, err
	}
	w := Watchdog{
		Use: numbered(WatchdogUses, t.Use), Running: t.Running, Logging: !t.DontLog,
		Action:              numbered(WatchdogActions, t.Action),
		PreTimeoutInterrupt: numbered(WatchdogInterrupts, t.PreTimeout),
		PreTimeout:          t.PreTimeoutInterval,
		Expired:             []string{}, Initial: t.InitialCountdown.Duration().Seconds(),
		Countdown: t.Countdown.Duration().Seconds(), Timer: t,
	}
	for u := range ipmi.WatchdogUse(8) {
		if t.Expired.Has(u) {
			w.Expired = append(w.Expired, numbered(WatchdogUses, u))
		}
	}
	return w, nil
}

// SetWatchdog sets the watchdog timer. It does not start it: see StartWatchdog.
func (m *Machine) SetWatchdog(ctx context.Context, t ipmi.SetWatchdogTimer) error {
	_, err := do(ctx, m, "Set Watchdog Timer command", t)
	return err
}

// StartWatchdog starts the countdown, or starts it again. A timer that was never set is refused
// with ipmi.CodeWatchdogNotSet.
func (m *Machine) StartWatchdog(ctx context.Context) error {
	_, err := do(ctx, m, "Reset Watchdog Timer command", ipmi.ResetWatchdogTimer{})
	return err
}

// stoppedCount is the countdown that StopWatchdog leaves: for whoever starts the timer next
// without setting it.
const stoppedCount = ipmi.WatchdogCount(5 * time.Minute / (100 * time.Millisecond))

// StopWatchdog stops the timer.
func (m *Machine) StopWatchdog(ctx context.Context) error {
	_, err := do(ctx, m, "Watchdog Timer Shutoff command", ipmi.SetWatchdogTimer{
		Use: ipmi.WatchdogSMS, ClearExpired: 1 << ipmi.WatchdogSMS, Countdown: stoppedCount,
	})
	return err
}
