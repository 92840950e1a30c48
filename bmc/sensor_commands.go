package bmc

import (
	"slices"

	"lom/ipmi"
	"lom/ipmi/sdr"
)

func handleSensors(m *Mux) {
	Handle(m, getSensorReading)
	Handle(m, getSensorReadingFactors)
	Handle(m, getSensorThresholds)
	Handle(m, setSensorThresholds)
	Handle(m, getSensorHysteresis)
	Handle(m, setSensorHysteresis)
	Handle(m, getSensorEventEnable)
	Handle(m, setSensorEventEnable)
	Handle(m, getSensorEventStatus)
	Handle(m, rearmSensorEvents)
	Handle(m, getSensorType)
	Handle(m, setSensorType)
}

func getSensorReading(ctx *Context, req ipmi.GetSensorReading) (ipmi.SensorReading, error) {
	b := ctx.BMC
	s := &b.sensors
	i, err := s.find(ctx, req.Sensor)
	if err != nil {
		return ipmi.SensorReading{}, err
	}
	st := s.state[i]
	out := ipmi.SensorReading{EventsEnabled: st.events, Scanning: st.scanning,
		Unavailable: !s.available(i) || !st.scanning}
	out.Reading = s.look(b, i)
	st = s.state[i]
	states := ipmi.SensorStates(0)
	if !out.Unavailable {
		states = ipmi.SensorStates(st.now)
	}
	if s.set.sensors[i].full != nil {
		states |= 0xc0 // reserved bits of a threshold sensor are 1
	} else {
		states |= 0x8000
	}
	s.told = states
	out.States = &s.told
	return out, nil
}

func getSensorReadingFactors(ctx *Context,
	req ipmi.GetSensorReadingFactors) (ipmi.SensorReadingFactors, error) {
	s := &ctx.BMC.sensors
	i, err := s.find(ctx, req.Sensor)
	if err != nil {
		return ipmi.SensorReadingFactors{}, err
	}
	f := s.set.sensors[i].full
	if f == nil {
		return ipmi.SensorReadingFactors{}, ipmi.CodeIllegalForType
	}
	return f.Factors.Response(req.Reading), nil
}

// analog is find for sensors with thresholds.
func (s *sensors) analog(ctx *Context, number uint8, access func(sdr.Capabilities) sdr.Access,
	set bool) (int, error) {
	i, err := s.find(ctx, number)
	if err != nil {
		return 0, err
	}
	x := &s.set.sensors[i]
	if x.full == nil || access(x.sensor.Capabilities) != sdr.AccessReadSet &&
		(set || access(x.sensor.Capabilities) != sdr.AccessRead) {
		return 0, ipmi.CodeIllegalForType
	}
	return i, nil
}

func thresholdAccess(c sdr.Capabilities) sdr.Access  { return c.Thresholds }
func hysteresisAccess(c sdr.Capabilities) sdr.Access { return c.Hysteresis }

func getSensorThresholds(ctx *Context,
	req ipmi.GetSensorThresholds) (ipmi.SensorThresholds, error) {
	s := &ctx.BMC.sensors
	i, err := s.find(ctx, req.Sensor)
	if err != nil {
		return ipmi.SensorThresholds{}, err
	}
	if s.set.sensors[i].full == nil {
		return ipmi.SensorThresholds{}, ipmi.CodeIllegalForType
	}
	return ipmi.SensorThresholds{Readable: s.set.sensors[i].sensor.ReadableThresholds(),
		Values: s.state[i].thresholds}, nil
}

func setSensorThresholds(ctx *Context, req ipmi.SetSensorThresholds) (ipmi.NoData, error) {
	b := ctx.BMC
	s := &b.sensors
	i, err := s.analog(ctx, req.Sensor, thresholdAccess, true)
	if err != nil {
		return ipmi.NoData{}, err
	}
	if req.Set&^s.set.sensors[i].sensor.SettableThresholds() != 0 {
		return ipmi.NoData{}, ipmi.CodeInvalidDataField
	}
	st := s.change(b, i)
	values := st.thresholds
	for t, v := range req.Values {
		if req.Set.Has(ipmi.Threshold(t)) {
			values[t] = v
		}
	}
	set(ctx, &st.thresholds, values, nil)
	set(ctx, &st.persistent().Thresholds, slices.Clone(values[:]), s.saver(i))
	ctx.AfterAnswer(func() { s.look(b, i) })
	return ipmi.NoData{}, nil
}

func getSensorHysteresis(ctx *Context,
	req ipmi.GetSensorHysteresis) (ipmi.SensorHysteresis, error) {
	s := &ctx.BMC.sensors
	i, err := s.analog(ctx, req.Sensor, hysteresisAccess, false)
	if err != nil {
		return ipmi.SensorHysteresis{}, err
	}
	return ipmi.SensorHysteresis(s.state[i].hysteresis), nil
}

func setSensorHysteresis(ctx *Context, req ipmi.SetSensorHysteresis) (ipmi.NoData, error) {
	b := ctx.BMC
	s := &b.sensors
	i, err := s.analog(ctx, req.Sensor, hysteresisAccess, true)
	if err != nil {
		return ipmi.NoData{}, err
	}
	st := s.change(b, i)
	set(ctx, &st.hysteresis, sdr.Hysteresis{Positive: req.Positive, Negative: req.Negative}, nil)
	set(ctx, &st.persistent().Hysteresis, []byte{req.Positive, req.Negative}, s.saver(i))
	return ipmi.NoData{}, nil
}

func getSensorEventEnable(ctx *Context,
	req ipmi.GetSensorEventEnable) (ipmi.SensorEventEnable, error) {
	s := &ctx.BMC.sensors
	i, err := s.find(ctx, req.Sensor)
	if err != nil {
		return ipmi.SensorEventEnable{}, err
	}
	st := s.state[i]
	a, d := ipmi.EventMask(st.assertOn), ipmi.EventMask(st.deassertOn)
	return ipmi.SensorEventEnable{Events: st.events, Scanning: st.scanning, Assertions: &a,
		Deassertions: &d}, nil
}

func setSensorEventEnable(ctx *Context, req ipmi.SetSensorEventEnable) (ipmi.NoData, error) {
	b := ctx.BMC
	s := &b.sensors
	i, err := s.find(ctx, req.Sensor)
	if err != nil {
		return ipmi.NoData{}, err
	}
	x := s.set.sensors[i].sensor
	a, d := uint16(req.Assertions), uint16(req.Deassertions)
	if req.Change > ipmi.DisableEvents {
		return ipmi.NoData{}, ipmi.CodeInvalidDataField
	}
	// An event that the sensor cannot make cannot be switched on.
	if req.Change == ipmi.EnableEvents &&
		(a&^uint16(x.AssertionEvents()) != 0 || d&^uint16(x.DeassertionEvents()) != 0) {
		return ipmi.NoData{}, ipmi.CodeInvalidDataField
	}
	st := s.change(b, i)
	st.events, st.scanning = req.Events, req.Scanning
	switch req.Change {
	case ipmi.EnableEvents:
		st.assertOn |= a
		st.deassertOn |= d
	case ipmi.DisableEvents:
		st.assertOn &^= a
		st.deassertOn &^= d
	}
	s.look(b, i)
	return ipmi.NoData{}, nil
}

func getSensorEventStatus(ctx *Context,
	req ipmi.GetSensorEventStatus) (ipmi.SensorEventStatus, error) {
	b := ctx.BMC
	s := &b.sensors
	i, err := s.find(ctx, req.Sensor)
	if err != nil {
		return ipmi.SensorEventStatus{}, err
	}
	s.look(b, i)
	st := s.state[i]
	a, d := ipmi.EventMask(st.asserted), ipmi.EventMask(st.deasserted)
	return ipmi.SensorEventStatus{EventsEnabled: st.events, Scanning: st.scanning,
		Unavailable: !s.available(i) || !st.scanning, Assertions: &a, Deassertions: &d}, nil
}

// rearmSensorEvents forgets events, so that those whose condition persists are raised again
// (§35.12).
func rearmSensorEvents(ctx *Context, req ipmi.RearmSensorEvents) (ipmi.NoData, error) {
	b := ctx.BMC
	s := &b.sensors
	i, err := s.find(ctx, req.Sensor)
	if err != nil {
		return ipmi.NoData{}, err
	}
	a, d := uint16(0x7fff), uint16(0x7fff)
	if req.Selected {
		a, d = uint16(req.Assertions), uint16(req.Deassertions)
	}
	x, st := &s.set.sensors[i], s.change(b, i)
	st.asserted &^= a
	st.deasserted &^= d
	for bit := range uint8(15) {
		offset := bit
		if x.full != nil {
			offset = thresholdEvent(ipmi.Threshold(bit))
		}
		// States other than faults, such as a part's presence, have no event to be raised again.
		if a>>offset&1 != 0 && (x.full != nil || (x.statesOn|x.statesOff)>>bit&1 == 0) {
			st.now &^= 1 << bit
		}
		if x.full != nil && bit == uint8(ipmi.UpperNonRecoverable) {
			break
		}
	}
	s.look(b, i)
	return ipmi.NoData{}, nil
}

func getSensorType(ctx *Context, req ipmi.GetSensorType) (ipmi.AssignedSensorType, error) {
	s := &ctx.BMC.sensors
	i, err := s.find(ctx, req.Sensor)
	if err != nil {
		return ipmi.AssignedSensorType{}, err
	}
	return ipmi.AssignedSensorType{Type: s.state[i].typ, EventType: s.state[i].event}, nil
}

// setSensorType takes what the initialization agent sets, and refuses what would make another
// sensor of it.
func setSensorType(ctx *Context, req ipmi.SetSensorType) (ipmi.NoData, error) {
	s := &ctx.BMC.sensors
	i, err := s.find(ctx, req.Sensor)
	if err != nil {
		return ipmi.NoData{}, err
	}
	if threshold := req.EventType.Threshold(); threshold != (s.set.sensors[i].full != nil) {
		return ipmi.NoData{}, ipmi.CodeIllegalForType
	}
	st := s.change(ctx.BMC, i)
	st.typ, st.event = req.Type, req.EventType
	return ipmi.NoData{}, nil
}
