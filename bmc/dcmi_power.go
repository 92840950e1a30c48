package bmc

import (
	"math"
	"slices"
	"time"

	"lom/bmc/host"
	"lom/ipmi"
)

func handleDCMIPower(m *Mux) {
	Handle(m, getPowerReading)
	m.HandleRaw(ipmi.GetPowerLimit{}.Command(), getPowerLimit)
	Handle(m, setPowerLimit)
	Handle(m, activatePowerLimit)
}

const (
	// powerWindow is the time that the statistics are about if no other is asked for.
	powerPeriod = time.Hour
	// powerSamples is from how many moments in a period statistics are made.
	powerSamples = 120
)

// watts returns what the server consumes at a moment that is not in the future: what its sensor of
// consumption measures or, where there is none, the sensors of its power supplies together.
// Readings are a function of time, so that the past needs no memory.
func (s *sensors) watts(at time.Time) float64 {
	total, supplies := math.NaN(), 0.0
	for i := range s.set.sensors {
		x := &s.set.sensors[i]
		if x.full == nil || x.full.Units.Base != ipmi.UnitWatts || !s.available(i) {
			continue
		}
		v := s.model.at(x, i, at)
		if f := s.state[i].fault; f != nil && f.Value != nil {
			v = *f.Value
		}
		if x.sensor.Entity.ID == entitySupply {
			supplies += max(v, 0)
		} else if math.IsNaN(total) {
			total = max(v, 0)
		}
	}
	if math.IsNaN(total) {
		total = supplies
	}
	return total
}

// toWatts rounds to what an answer holds.
func toWatts(v float64) uint16 { return uint16(math.Round(max(0, min(v, math.MaxUint16)))) }

func getPowerReading(ctx *Context, req ipmi.GetPowerReading) (r ipmi.PowerReading, err error) {
	b := ctx.BMC
	period := powerPeriod
	r.Period = uint32(powerPeriod.Milliseconds())
	switch req.Mode {
	case ipmi.DCMISystemStatistics:
	case ipmi.DCMIEnhancedStatistics:
		if !slices.Contains(dcmiPeriods, req.Period) {
			return r, ipmi.CodeInvalidDataField
		}
		period, r.Period = req.Period.Duration(), uint32(req.Period)
	default:
		return r, ipmi.CodeInvalidDataField
	}
	if b.host.State().Power == host.Unknown {
		// the little that a server takes while it is off would be taken for off
		return r, ipmi.CodeNotInPresentState
	}
	now := b.clock.Now()
	current := b.sensors.watts(now)
	least, most, sum := current, current, current
	for i := 1; i < powerSamples; i++ {
		v := b.sensors.watts(now.Add(-period * time.Duration(i) / powerSamples))
		least, most, sum = min(least, v), max(most, v), sum+v
	}
	r.Current, r.Minimum, r.Maximum, r.Average = toWatts(current), toWatts(least), toWatts(most),
		toWatts(sum/powerSamples)
	r.Time, r.Active = b.eventLog.now(b), true
	return r, nil
}

// getPowerLimit answers with data also if the limit is off, and a completion code that says so.
func getPowerLimit(ctx *Context, _ []byte) (ipmi.CompletionCode, []byte) {
	d := &ctx.BMC.dcmi.kept
	out, err := ipmi.PowerLimit{Exception: d.Limit.Exception, Watts: d.Limit.Watts,
		Correction: d.Limit.Correction, Sampling: d.Limit.Sampling}.AppendBinary(nil)
	switch {
	case err != nil:
		return ipmi.CodeUnspecified, nil
	case !d.LimitActive:
		return ipmi.CodeDCMINoLimit, out
	}
	return ipmi.CodeOK, out
}

func setPowerLimit(ctx *Context, req ipmi.SetPowerLimit) (r ipmi.NoData, err error) {
	b := ctx.BMC
	switch {
	case req.Exception != ipmi.DCMINoAction && req.Exception != ipmi.DCMIPowerOff &&
		req.Exception != ipmi.DCMILogEvent:
		return r, ipmi.CodeInvalidDataField
	case req.Watts == 0:
		return r, ipmi.CodeDCMILimitOutOfRange
	case req.Correction < uint32(limitPeriod.Milliseconds()):
		return r, ipmi.CodeDCMICorrectionOutOfRange
	case req.Sampling == 0:
		return r, ipmi.CodeDCMIPeriodOutOfRange
	}
	set(ctx, &b.dcmi.kept.Limit, req, b.dcmi.save)
	ctx.AfterAnswer(func() { b.dcmi.power = limitWatch{} })
	return r, nil
}

func activatePowerLimit(ctx *Context, req ipmi.ActivatePowerLimit) (ipmi.NoData, error) {
	b := ctx.BMC
	set(ctx, &b.dcmi.kept.LimitActive, req.Active, b.dcmi.save)
	ctx.AfterAnswer(func() {
		b.dcmi.power = limitWatch{}
		b.dcmi.watch(b)
	})
	return ipmi.NoData{}, nil
}

// limitPeriod is how often limits are looked at.
const limitPeriod = time.Second

// A limitWatch is what a limit has seen.
type limitWatch struct {
	since time.Time // the limit is exceeded; zero: it is not
	acted bool      // and what is to be done was done
}

// exceeded gives the watch what is measured now, and reports whether to act: once each time that
// the limit is exceeded for long enough.
func (w *limitWatch) exceeded(over bool, now time.Time, patience time.Duration) bool {
	switch {
	case !over:
		*w = limitWatch{}
	case w.since.IsZero():
		w.since = now
	}
	if !over || w.acted || now.Sub(w.since) < patience {
		return false
	}
	w.acted = true
	return true
}

// The sensors of limits (DCMI 1.5 Table 3-2), which only make events.
const (
	powerLimitSensor   = 0xf0
	powerOffSensor     = 0xf1
	thermalLimitSensor = 0xf2
)

// Generic events of limits and of power states (Table 42-2): event types and offsets.
const (
	eventTypeLimit       = 0x05
	limitExceeded        = 1
	eventTypeState       = 0x0a
	transitionToPowerOff = 2
)

// limitEvent raises the event of a limit that was exceeded.
func (b *BMC) limitEvent(t ipmi.SensorType, sensor uint8) {
	b.raise(Event{SensorType: uint8(t), SensorNumber: sensor, Type: eventTypeLimit,
		Data: [3]byte{limitExceeded, 0xff, 0xff}})
}

// watch begins to look at the limits, or stops to.
func (d *dcmi) watch(b *BMC) {
	if d.ticker != nil {
		d.ticker.Stop()
		d.ticker = nil
	}
	if d.kept.LimitActive || len(d.kept.Thermal) > 0 {
		d.ticker = b.after(limitPeriod, func() {
			d.check(b)
			d.watch(b)
		})
	}
}

// check looks at all limits.
func (d *dcmi) check(b *BMC) {
	now := b.clock.Now()
	if l := d.kept.Limit; d.kept.LimitActive {
		over := b.sensors.watts(now) > float64(l.Watts)
		if d.power.exceeded(over, now, time.Duration(l.Correction)*time.Millisecond) &&
			l.Exception != ipmi.DCMINoAction {
			b.limitEvent(ipmi.SensorPowerUnit, powerLimitSensor)
			if l.Exception == ipmi.DCMIPowerOff {
				b.limitPowerOff()
			}
		}
	}
	d.checkThermal(b, now)
}

// limitPowerOff switches the host off because of a limit.
func (b *BMC) limitPowerOff() {
	b.raise(Event{SensorType: uint8(ipmi.SensorSystemEvent), SensorNumber: powerOffSensor,
		Type: eventTypeState, Data: [3]byte{transitionToPowerOff, 0xff, 0xff}})
	b.control(host.PowerOff, cause{}, func(err error) {
		if err != nil {
			b.logger.Warn("limit exceeded: the host did not switch off", "bmc", b.name, "err", err)
		}
	})
}
