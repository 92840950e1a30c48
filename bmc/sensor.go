package bmc

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"

	"lom/bmc/host"
	"lom/ipmi"
	"lom/ipmi/sdr"
)

// scanPeriod is how often the BMC looks at its sensors for events.
const scanPeriod = 10 * time.Second

// sensors is the state of the sensors (§35).
type sensors struct {
	set *SensorSet
	// by index in set; never changed in place, but for those that change returns
	state []*sensorState
	own   bool // state is this BMC's own, and not the set's
	model model
	scans Timer // nil while nothing can happen by itself

	told ipmi.SensorStates // in the answer that is being made
}

// sensorState is what can change about a sensor.
type sensorState struct {
	typ        ipmi.SensorType
	event      ipmi.EventType
	thresholds [6]uint8 // raw, by ipmi.Threshold
	hysteresis sdr.Hysteresis
	scanning   bool
	events     bool   // event messages are made
	assertOn   uint16 // which of them
	deassertOn uint16
	now        uint16 // crossed thresholds (bit n is Threshold n) or asserted states
	asserted   uint16 // event status: events by offset
	deasserted uint16
	fault      *SensorFault
	kept       *sensorKept // nil: nothing
}

// sensorKept is what lasts of a sensor.
type sensorKept struct {
	Thresholds []byte  `json:",omitempty"` // all six, when one was set
	Hysteresis []byte  `json:",omitempty"`
	Now        *uint16 `json:",omitempty"` // states that events have reported
}

// A SensorFault makes a sensor say something else than its model does, so that faults can be shown
// and tested.
type SensorFault struct {
	Sensor string   // name
	Value  *float64 // of an analog sensor, in its units
	States *uint16  // of a discrete sensor: asserted offsets
	Absent bool     // the reading is unavailable
}

func (s *sensors) load(b *BMC) error {
	s.set = b.cfg.Sensors
	if s.set == nil {
		s.set = b.profile().Sensors()
	}
	s.model = model{still: b.cfg.Still, power: b.host.State().Power,
		changed: b.clock.Now().Add(-time.Hour),
		seed: binary.LittleEndian.Uint64(b.controller.guid[:8]) ^
			binary.LittleEndian.Uint64(b.controller.guid[8:])}
	s.state = s.set.states(s.model.power == host.On)
	err := loadSection(b, "sensor", func(key string, v sensorKept) error {
		n, err := strconv.ParseUint(key, 10, 8)
		if err != nil {
			return err
		}
		if i := int(s.set.byNum[n]) - 1; i >= 0 {
			s.change(b, i).restore(v)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, f := range b.cfg.Faults {
		if err := s.setFault(b, f); err != nil {
			return err
		}
	}
	b.onHostEvent(func(e host.Event) {
		p := b.host.State().Power
		if p == s.model.power {
			return
		}
		if s.model.power == host.Unknown { // it was so before: what it was, it had time to become
			s.model.changed = b.clock.Now().Add(-time.Hour)
		} else {
			s.model.changed = b.clock.Now()
		}
		s.model.power = p
		s.scan(b)
	})
	b.listenReset(func(cold bool) {
		if !cold {
			return
		}
		for i := range s.state {
			if !s.owns(i) {
				continue
			}
			st := s.state[i]
			kept, fault, now := st.kept, st.fault, st.now
			st.init(&s.set.sensors[i])
			if kept != nil {
				st.restore(*kept)
			}
			st.fault, st.now = fault, now
		}
	})
	if s.restless() {
		s.watch(b)
	}
	return nil
}

// watch scans the sensors once more, and goes on for as long as something can come of it.
func (s *sensors) watch(b *BMC) {
	if s.scans != nil {
		return
	}
	s.scans = b.after(scanPeriod, func() {
		s.scans = nil
		s.scan(b)
		if s.restless() {
			s.watch(b)
		}
	})
}

// restless reports whether a sensor can cross a threshold, or come back from one, only because time
// passes.
func (s *sensors) restless() bool {
	if !s.set.calm {
		return true
	}
	for i, st := range s.state {
		if x := &s.set.sensors[i]; x.full != nil && s.owns(i) &&
			(st.now != 0 || st.thresholds != x.start.thresholds ||
				st.hysteresis != x.start.hysteresis) {
			return true
		}
	}
	return false
}

// owns reports whether the state of a sensor is this BMC's own.
func (s *sensors) owns(i int) bool {
	x := &s.set.sensors[i]
	return s.state[i] != &x.start && s.state[i] != &x.startOff
}

// change returns the state of a sensor for changing it. What follows from that is seen at the next
// scan, if not before.
func (s *sensors) change(b *BMC, i int) *sensorState {
	if !s.own {
		s.state, s.own = slices.Clone(s.state), true
	}
	if !s.owns(i) {
		st := *s.state[i]
		s.state[i] = &st
	}
	s.watch(b)
	return s.state[i]
}

// init sets the state to what the record says.
func (st *sensorState) init(s *simulated) {
	*st = sensorState{typ: s.sensor.SensorType, event: s.sensor.EventType, scanning: true,
		events:     s.sensor.Capabilities.Events != sdr.ControlNoEvents,
		assertOn:   uint16(s.sensor.AssertionEvents()),
		deassertOn: uint16(s.sensor.DeassertionEvents())}
	if s.full == nil {
		return
	}
	for t := range st.thresholds {
		st.thresholds[t] = s.full.Threshold(ipmi.Threshold(t))
	}
	st.hysteresis = s.full.Hysteresis
}

func (st *sensorState) restore(v sensorKept) {
	st.kept = &v
	if len(v.Thresholds) == len(st.thresholds) {
		copy(st.thresholds[:], v.Thresholds)
	}
	if len(v.Hysteresis) == 2 {
		st.hysteresis = sdr.Hysteresis{Positive: v.Hysteresis[0], Negative: v.Hysteresis[1]}
	}
	if v.Now != nil {
		st.now = *v.Now
	}
}

// persistent returns what is stored of a sensor, to change it.
func (st *sensorState) persistent() *sensorKept {
	if st.kept == nil {
		st.kept = &sensorKept{}
	}
	return st.kept
}

// saver returns what keeps what lasts of a sensor.
func (s *sensors) saver(i int) func(*BMC) {
	return func(b *BMC) {
		b.put("sensor", strconv.Itoa(int(s.set.sensors[i].sensor.Number)), s.state[i].kept)
	}
}

// find returns the index of a sensor.
func (s *sensors) find(ctx *Context, number uint8) (int, error) {
	i := int(s.set.byNum[number]) - 1
	if i < 0 || ctx.LUN != 0 {
		return 0, ipmi.CodeNotPresent
	}
	return i, nil
}

// setFault puts a fault in place, or takes it away if it says nothing.
func (s *sensors) setFault(b *BMC, f SensorFault) error {
	for i := range s.set.sensors {
		if s.set.sensors[i].name != f.Sensor {
			continue
		}
		st := s.change(b, i)
		st.fault = &f
		if f.Value == nil && f.States == nil && !f.Absent {
			st.fault = nil
		}
		return nil
	}
	return fmt.Errorf("there is no sensor %q", f.Sensor)
}

// SetSensor makes a sensor faulty, and makes it right again when the fault says nothing but its
// name.
func (b *BMC) SetSensor(f SensorFault) error {
	var err error
	b.do(func() {
		if err = b.sensors.setFault(b, f); err == nil {
			b.sensors.scan(b)
		}
	})
	return err
}

// available says whether a sensor has a reading. What depends on the power has none while that is
// unknown.
func (s *sensors) available(i int) bool {
	f, x := s.state[i].fault, &s.set.sensors[i]
	switch {
	case f != nil:
		return !f.Absent
	case s.model.power != host.Unknown:
		return true
	case x.full == nil:
		return x.statesOn == x.statesOff
	}
	return x.off == x.idle && x.off == x.busy
}

// raw returns the reading of an analog sensor now.
func (s *sensors) raw(b *BMC, i int) uint8 {
	x := &s.set.sensors[i]
	if f := s.state[i].fault; f != nil && f.Value != nil {
		return linearRaw(x.conv, *f.Value)
	}
	return linearRaw(x.conv, s.model.at(x, i, b.clock.Now()))
}

// states returns what a discrete sensor asserts now.
func (s *sensors) states(i int) uint16 {
	x := &s.set.sensors[i]
	if f := s.state[i].fault; f != nil && f.States != nil {
		return *f.States & 0x7fff
	}
	if s.model.power == host.On {
		return x.statesOn
	}
	return x.statesOff
}

// scan looks at all sensors.
func (s *sensors) scan(b *BMC) {
	for i := range s.state {
		s.look(b, i)
	}
}

// look brings the state of a sensor up to date and makes the events that follow from it. It returns
// the raw reading of an analog sensor.
func (s *sensors) look(b *BMC, i int) uint8 {
	x, st := &s.set.sensors[i], s.state[i]
	if !st.scanning || !s.available(i) {
		return 0
	}
	if x.full == nil {
		s.becomes(b, i, s.states(i), 0)
		return 0
	}
	raw := s.raw(b, i)
	s.becomes(b, i, s.crossed(b, i, raw), raw)
	return raw
}

// crossed returns the thresholds that a reading crosses. One that was crossed stays so until the
// reading has come back by more than the hysteresis (§35.6). Sensors of parts without power cross
// none.
func (s *sensors) crossed(b *BMC, i int, raw uint8) uint16 {
	x, st := &s.set.sensors[i], s.state[i]
	on := s.model.power == host.On
	if !x.mains && st.fault == nil && (!on || b.clock.Now().Sub(s.model.changed) < settled) ||
		!x.mains && !on {
		return 0
	}
	return st.crossed(x, raw)
}

// crossed returns the thresholds that a reading crosses.
func (st *sensorState) crossed(x *simulated, raw uint8) uint16 {
	compared := x.sensor.ComparedThresholds()
	v := x.conv.Number(raw)
	var now uint16
	for t := range ipmi.UpperNonRecoverable + 1 {
		if !compared.Has(t) {
			continue
		}
		limit := x.conv.Number(st.thresholds[t])
		was := st.now>>t&1 != 0
		if t < ipmi.UpperNonCritical {
			if v <= limit || was && v <= limit+int(st.hysteresis.Negative) {
				now |= 1 << t
			}
		} else if v >= limit || was && v >= limit-int(st.hysteresis.Positive) {
			now |= 1 << t
		}
	}
	return now
}

// becomes sets what a sensor says and makes events of what is new.
func (s *sensors) becomes(b *BMC, i int, now uint16, raw uint8) {
	was := s.state[i].now
	if now == was {
		return
	}
	x, st := &s.set.sensors[i], s.change(b, i)
	st.now = now
	st.persistent().Now = &st.now
	s.saver(i)(b)
	for bit := range uint8(15) {
		if (now^was)>>bit&1 == 0 {
			continue
		}
		offset := bit
		data := [3]byte{0, 0xff, 0xff}
		if x.full != nil {
			offset = thresholdEvent(ipmi.Threshold(bit))
			data = [3]byte{0x50, raw, st.thresholds[bit]}
		}
		data[0] |= offset
		s.event(b, i, offset, now>>bit&1 != 0, data)
	}
}

// event notes an event in the sensor's status and reports it.
func (s *sensors) event(b *BMC, i int, offset uint8, assert bool, data [3]byte) {
	x, st := &s.set.sensors[i], s.change(b, i)
	mask := uint16(1) << offset
	enabled := st.deassertOn
	if assert {
		enabled = st.assertOn
		st.asserted |= mask
		st.deasserted &^= mask
	} else {
		st.deasserted |= mask
		st.asserted &^= mask
	}
	if enabled&mask == 0 || !st.events || b.eventReceiver.to.Address == ipmi.EventsOff {
		return
	}
	b.raise(Event{SensorType: uint8(st.typ), SensorNumber: x.sensor.Number, Type: uint8(st.event),
		Deassert: !assert, Data: data})
}
