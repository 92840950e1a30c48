package bmc

import (
	"time"

	"lom/bmc/host"
	"lom/ipmi"
)

// watchdog is the watchdog timer (§27). It does not outlast a restart of the BMC: software that
// needs it sets it again when it is told that it was never set.
type watchdog struct {
	set       ipmi.SetWatchdogTimer // as it was set last
	valid     bool                  // it was set since the last start of system or BMC
	expired   ipmi.WatchdogUses
	interrupt bool // the pre-timeout interrupt came; the timer cannot be started again
	deadline  time.Time
	timer     Timer // nil when stopped
	preTimer  Timer
}

// watchdogSensor is the number of the watchdog's sensor.
const watchdogSensor = 0x71

// The watchdog's events: sensor-specific offsets of sensor type 23h (Table 42-3).
const (
	sensorTypeWatchdog2    = 0x23
	eventTypeSensor        = 0x6f // sensor-specific (Table 42-1)
	watchdogTimerInterrupt = 8
)

func (w *watchdog) load(b *BMC) error {
	b.onHostEvent(func(e host.Event) {
		switch e.Kind {
		case host.PoweredOff, host.Started, host.Restarted:
			w.stop()
			w.valid, w.set.DontLog = false, false
		}
	})
	b.listenReset(func(cold bool) {
		if cold {
			w.stop()
			w.valid, w.expired = false, 0
		}
	})
	return nil
}

func handleWatchdog(m *Mux) {
	Handle(m, resetWatchdogTimer)
	Handle(m, setWatchdogTimer)
	Handle(m, getWatchdogTimer)
}

func setWatchdogTimer(ctx *Context, req ipmi.SetWatchdogTimer) (ipmi.NoData, error) {
	b := ctx.BMC
	w := &b.watchdog
	if req.Use < ipmi.WatchdogFRB2 || req.Use > ipmi.WatchdogOEM ||
		req.PreTimeout > ipmi.WatchdogMessaging || req.Action > ipmi.WatchdogPowerCycle ||
		req.PreTimeout != ipmi.WatchdogNoInterrupt &&
			time.Duration(req.PreTimeoutInterval)*time.Second > req.Countdown.Duration() {
		return ipmi.NoData{}, ipmi.CodeInvalidDataField
	}
	runs := w.timer != nil
	w.stop()
	w.set, w.valid = req, true
	w.expired &^= req.ClearExpired
	b.messaging.preTimeout = false
	if runs && req.DontStop {
		w.start(b)
	}
	return ipmi.NoData{}, nil
}

func resetWatchdogTimer(ctx *Context, _ ipmi.ResetWatchdogTimer) (ipmi.NoData, error) {
	w := &ctx.BMC.watchdog
	if !w.valid {
		return ipmi.NoData{}, ipmi.CodeWatchdogNotSet
	}
	if !w.interrupt {
		w.stop()
		w.start(ctx.BMC)
	}
	return ipmi.NoData{}, nil
}

func getWatchdogTimer(ctx *Context, _ ipmi.GetWatchdogTimer) (ipmi.WatchdogTimer, error) {
	w := &ctx.BMC.watchdog
	left := w.set.Countdown
	switch {
	case w.timer != nil:
		left = ipmi.WatchdogCount((max(w.deadline.Sub(ctx.BMC.clock.Now()), 0) +
			99*time.Millisecond) / (100 * time.Millisecond))
	case !w.deadline.IsZero():
		left = 0 // it ran out and was not set since
	}
	return ipmi.WatchdogTimer{
		DontLog: w.set.DontLog, Running: w.timer != nil, Use: w.set.Use,
		PreTimeout: w.set.PreTimeout, Action: w.set.Action,
		PreTimeoutInterval: w.set.PreTimeoutInterval,
		Expired:            w.expired, InitialCountdown: w.set.Countdown, Countdown: left,
	}, nil
}

// start begins to count down.
func (w *watchdog) start(b *BMC) {
	d := w.set.Countdown.Duration()
	w.deadline = b.clock.Now().Add(d)
	w.timer = b.after(d, func() { w.expire(b) })
	if w.set.PreTimeout != ipmi.WatchdogNoInterrupt {
		w.preTimer = b.after(d-time.Duration(w.set.PreTimeoutInterval)*time.Second, func() {
			w.preTimeout(b)
		})
	}
}

// stop ends the counting.
func (w *watchdog) stop() {
	for _, t := range []*Timer{&w.timer, &w.preTimer} {
		if *t != nil {
			(*t).Stop()
			*t = nil
		}
	}
	w.interrupt, w.deadline = false, time.Time{}
}

func (w *watchdog) preTimeout(b *BMC) {
	w.preTimer, w.interrupt = nil, true
	w.log(b, watchdogTimerInterrupt)
	b.messaging.preTimeout = true
	if w.set.PreTimeout == ipmi.WatchdogNMI {
		// which logs it; the timeout comes in any case
		b.control(host.Diagnostic, cause{}, func(error) {})
	}
}

// expire is the timeout.
func (w *watchdog) expire(b *BMC) {
	if w.preTimer != nil { // an interval of 0: both at the same moment
		w.preTimer.Stop()
		w.preTimeout(b)
	}
	w.log(b, uint8(w.set.Action))
	w.timer, w.interrupt = nil, false
	w.expired |= 1 << w.set.Use
	w.set.DontLog = false
	actions := map[ipmi.WatchdogAction]host.Action{
		ipmi.WatchdogHardReset: host.Reset, ipmi.WatchdogPowerDown: host.PowerOff,
		ipmi.WatchdogPowerCycle: host.PowerCycle,
	}
	if a, ok := actions[w.set.Action]; ok {
		b.control(a, cause{Code: ipmi.RestartWatchdog, Channel: channelSystem}, func(err error) {
			if err != nil {
				b.logger.Warn("watchdog: the host did not obey", "bmc", b.name, "action",
					a.String(), "err", err)
			}
		})
	}
}

// log raises an event unless it was asked not to. Event data 2 holds the interrupt and the use
// (Table 42-3).
func (w *watchdog) log(b *BMC, offset uint8) {
	if w.set.DontLog {
		return
	}
	b.raise(Event{
		SensorType: sensorTypeWatchdog2, SensorNumber: watchdogSensor, Type: eventTypeSensor,
		Data: [3]byte{0xc0 | offset, uint8(w.set.PreTimeout)<<4 | uint8(w.set.Use), 0xff},
	})
}
