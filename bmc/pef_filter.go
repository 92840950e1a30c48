package bmc

import (
	"slices"
	"time"

	"lom/bmc/host"
	"lom/ipmi"
)

// arrive takes an event that the SEL has seen.
func (f *pef) arrive(b *BMC, e Event) {
	if len(f.waiting) == maxWaiting {
		f.waiting = slices.Delete(f.waiting, 0, 1)
	}
	f.waiting = append(f.waiting, pefEvent{e, b.eventLog.last})
	f.process(b)
}

// process sends the waiting events through the filters, unless PEF has to wait: after a start of
// the system (§17.4), or for software that has said it would see to them first (§17.3).
func (f *pef) process(b *BMC) {
	control, _ := pefValue[ipmi.PEFControl](b)
	switch {
	case !control.Enabled:
		f.waiting = nil
		return
	case f.startup != nil || f.postpone == ipmi.PEFPostponeStop || len(f.waiting) == 0:
		return
	case f.postpone != ipmi.PEFPostponeOff:
		if f.countdown == nil {
			d := time.Duration(f.postpone) * time.Second
			f.deadline = b.clock.Now().Add(d)
			f.countdown = b.after(d, func() {
				f.countdown = nil
				f.filterAll(b)
			})
		}
		return
	}
	f.filterAll(b)
}

// processedBySoftware takes away the events that software has processed.
func (f *pef) processedBySoftware(b *BMC) {
	i := slices.IndexFunc(f.waiting, func(e pefEvent) bool { return e.record == f.kept.BySoftware })
	f.waiting = slices.Delete(f.waiting, 0, i+1)
	f.stopCountdown()
	f.process(b)
}

func (f *pef) stopCountdown() {
	if f.countdown != nil {
		f.countdown.Stop()
		f.countdown = nil
	}
}

// hostEvent begins and ends what depends on the power.
func (f *pef) hostEvent(b *BMC, e host.Event) {
	control, _ := pefValue[ipmi.PEFControl](b)
	switch e.Kind {
	case host.PoweredOff:
		f.stopStartup()
	case host.Started, host.Restarted:
		f.stopStartup()
		if d, _ := pefValue[ipmi.PEFStartupDelay](b); control.StartupDelay && d.Seconds > 0 {
			f.startup = b.after(time.Duration(d.Seconds)*time.Second, func() {
				f.startup = nil
				f.process(b)
			})
		}
		if d, _ := pefValue[ipmi.PEFAlertStartupDelay](b); control.AlertStartupDelay &&
			d.Seconds > 0 {
			f.resume = b.clock.Now().Add(time.Duration(d.Seconds) * time.Second)
		}
	default:
		return
	}
	f.stopCountdown()
	f.postpone = ipmi.PEFPostponeOff
	f.process(b)
}

func (f *pef) stopStartup() {
	if f.startup != nil {
		f.startup.Stop()
		f.startup = nil
	}
	f.resume = time.Time{}
}

// filterAll processes all waiting events. An action's own event joins the end of the list.
func (f *pef) filterAll(b *BMC) {
	if f.busy {
		return
	}
	f.busy = true
	defer func() { f.busy = false }()
	for len(f.waiting) > 0 {
		e := f.waiting[0]
		f.waiting = slices.Delete(f.waiting, 0, 1)
		f.filter(b, e)
		f.kept.ByBMC = e.record
		f.save(b)
	}
}

// filter does what the filters say about an event (§17.6, §17.13).
func (f *pef) filter(b *BMC, e pefEvent) {
	m := ipmi.PlatformEvent{Revision: ipmi.EventRevision, SensorType: ipmi.SensorType(e.SensorType),
		Sensor:    e.SensorNumber,
		EventType: ipmi.EventType(e.Type), Deassertion: e.Deassert, Data: e.Data}
	var actions ipmi.PEFActions
	var alert ipmi.PEFFilter // the first of the alert policy with the lowest number
	var severity ipmi.PEFSeverity
	for i := range uint8(pefFilters) {
		p, _ := pefValue[ipmi.PEFFilter](b, i+1)
		if !p.Enabled || !p.Match(uint8(e.Generator), uint8(e.Generator>>8), m) {
			continue
		}
		actions |= p.Actions
		if p.Actions.Has(ipmi.PEFAlert) {
			switch {
			case alert.Entry == 0 || p.Policy < alert.Policy:
				alert, severity = p, p.Severity
			case p.Policy == alert.Policy:
				severity = max(severity, p.Severity)
			}
		}
	}
	enabled, _ := pefValue[ipmi.PEFActionControl](b)
	actions = urgent(actions & enabled.Enabled)
	if actions == 0 {
		return
	}
	b.logger.Info("event filter matched", "bmc", b.name, "record", e.record, "actions",
		uint8(actions))
	f.act(b, actions)
	if actions.Has(ipmi.PEFAlert) {
		alert.Severity = severity
		f.alert(b, e, alert)
	}
	control, _ := pefValue[ipmi.PEFControl](b)
	own := e.SensorType == sensorTypeSystemEvent && e.Data[0]&0xf == systemEventPEFAction
	if control.EventMessages && !own { // else they would go on for ever
		b.raise(Event{SensorType: sensorTypeSystemEvent, SensorNumber: systemEventSensor,
			Type: eventTypeSensor,
			Data: [3]byte{0xc0 | systemEventPEFAction, uint8(actions), 0xff}})
	}
}

// urgent takes away the actions that a more urgent one excludes (Table 17-1).
func urgent(a ipmi.PEFActions) ipmi.PEFActions {
	for _, first := range [...]ipmi.PEFActions{ipmi.PEFPowerOff, ipmi.PEFPowerCycle, ipmi.PEFReset,
		ipmi.PEFDiagnosticInterrupt} {
		if a.Has(first) {
			return first | a&^(ipmi.PEFPowerOff|ipmi.PEFPowerCycle|ipmi.PEFReset|
				ipmi.PEFDiagnosticInterrupt)
		}
	}
	return a
}

// act does the actions that concern the host. One that the host refuses, such as a reset while it
// is off, is not done.
func (f *pef) act(b *BMC, actions ipmi.PEFActions) {
	for _, c := range [...]struct {
		action ipmi.PEFActions
		host   host.Action
		why    cause
	}{
		{ipmi.PEFPowerOff, host.PowerOff, cause{}},
		{ipmi.PEFPowerCycle, host.PowerCycle, cause{Code: ipmi.RestartPowerCycleByPEF}},
		{ipmi.PEFReset, host.Reset, cause{Code: ipmi.RestartResetByPEF}},
		{ipmi.PEFDiagnosticInterrupt, host.Diagnostic, cause{}},
	} {
		if !actions.Has(c.action) {
			continue
		}
		b.control(c.host, c.why, func(err error) {
			if err != nil {
				b.logger.Warn("event filter's action failed", "bmc", b.name, "action",
					c.host.String(), "err", err)
			}
		})
	}
}
