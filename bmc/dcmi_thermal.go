package bmc

import (
	"maps"
	"math"
	"slices"
	"time"

	"lom/ipmi"
)

func handleDCMIThermal(m *Mux) {
	Handle(m, getDCMISensorInfo)
	Handle(m, getTemperatureReadings)
	Handle(m, getThermalLimit)
	Handle(m, setThermalLimit)
}

// A dcmiSensor is a temperature sensor that DCMI shows. Its instance is its place among those of
// its entity, from 1 on, because instances in records may have gaps (DCMI 1.5 Table 6-22).
type dcmiSensor struct {
	index    int // in sensors
	record   uint16
	instance uint8
}

// dcmiSensors returns the temperature sensors of an entity, by either of its numbers.
func (s *sensors) dcmiSensors(t ipmi.SensorType, e ipmi.EntityID) ([]dcmiSensor, error) {
	entity, ok := ipmi.DCMIEntity(e)
	if !ok || t != ipmi.SensorTemperature {
		return nil, ipmi.CodeInvalidDataField
	}
	var list []dcmiSensor
	for i := range s.set.sensors {
		x := &s.set.sensors[i]
		if x.full == nil || s.state[i].typ != ipmi.SensorTemperature || len(list) == math.MaxUint8 {
			continue
		}
		if x.idle < 0 && x.busy < 0 {
			continue // what is left to a limit, not a temperature (DCMI 1.5 §6.7.3)
		}
		if own, _ := ipmi.DCMIEntity(x.sensor.Entity.ID); own == entity {
			list = append(list, dcmiSensor{i, x.full.ID, uint8(len(list) + 1)})
		}
	}
	return list, nil
}

// dcmiPage returns those of list that a request asks for: one instance, or a page from start on.
func dcmiPage(list []dcmiSensor, instance, start uint8) ([]dcmiSensor, error) {
	if instance != 0 {
		start = instance
	}
	from := max(int(start), 1) - 1
	switch {
	case len(list) == 0:
		return nil, nil
	case from >= len(list):
		return nil, ipmi.CodeNotPresent
	case instance != 0:
		return list[from : from+1], nil
	}
	return list[from:min(from+ipmi.DCMIPage, len(list))], nil
}

func getDCMISensorInfo(ctx *Context,
	req ipmi.GetDCMISensorInfo) (r ipmi.DCMISensorInfo, err error) {
	list, err := ctx.BMC.sensors.dcmiSensors(req.SensorType, req.Entity)
	if err != nil {
		return r, err
	}
	page, err := dcmiPage(list, req.Instance, req.Start)
	if err != nil {
		return r, err
	}
	r.Total, r.Count = uint8(len(list)), uint8(len(page))
	for _, s := range page {
		r.Records = append(r.Records, s.record)
	}
	return r, nil
}

// celsius returns what a temperature sensor says now.
func (s *sensors) celsius(b *BMC, i int) int {
	return int(math.Round(s.set.sensors[i].conv.Value(s.raw(b, i))))
}

func getTemperatureReadings(ctx *Context,
	req ipmi.GetTemperatureReadings) (r ipmi.TemperatureReadings, err error) {
	s := &ctx.BMC.sensors
	list, err := s.dcmiSensors(req.SensorType, req.Entity)
	if err != nil {
		return r, err
	}
	list = slices.DeleteFunc(list, func(x dcmiSensor) bool { return !s.available(x.index) })
	page, err := dcmiPage(list, req.Instance, req.Start)
	if err != nil {
		return r, err
	}
	r.Total, r.Count = uint8(len(list)), uint8(len(page))
	for _, x := range page {
		r.Readings = append(r.Readings,
			ipmi.TemperatureReading{Temperature: ipmi.DCMITemperatureOf(s.celsius(ctx.BMC,
				x.index)), Instance: x.instance})
	}
	return r, nil
}

// inlet finds an inlet sensor by its instance.
func (s *sensors) inlet(e ipmi.EntityID, instance uint8) (dcmiSensor, error) {
	entity, _ := ipmi.DCMIEntity(e)
	if inlet, _ := ipmi.DCMIEntity(ipmi.DCMIInlet); entity != inlet {
		return dcmiSensor{}, ipmi.CodeInvalidDataField
	}
	list, err := s.dcmiSensors(ipmi.SensorTemperature, e)
	if err != nil {
		return dcmiSensor{}, err
	}
	if instance < 1 || int(instance) > len(list) {
		return dcmiSensor{}, ipmi.CodeNotPresent
	}
	return list[instance-1], nil
}

func getThermalLimit(ctx *Context, req ipmi.GetThermalLimit) (r ipmi.ThermalLimit, err error) {
	if _, err := ctx.BMC.sensors.inlet(req.Entity, req.Instance); err != nil {
		return r, err
	}
	l := ctx.BMC.dcmi.kept.Thermal[req.Instance] // one that was never set is off
	return ipmi.ThermalLimit{Persistent: l.Persistent, PowerOff: l.PowerOff, LogEvent: l.LogEvent,
		Limit: l.Limit, Time: l.Time}, nil
}

func setThermalLimit(ctx *Context, req ipmi.SetThermalLimit) (r ipmi.NoData, err error) {
	b := ctx.BMC
	if _, err := b.sensors.inlet(req.Entity, req.Instance); err != nil {
		return r, err
	}
	d := &b.dcmi
	limits := maps.Clone(d.kept.Thermal)
	if limits[req.Instance] = req; !req.PowerOff && !req.LogEvent {
		delete(limits, req.Instance)
	}
	set(ctx, &d.kept.Thermal, limits, d.save)
	ctx.AfterAnswer(func() {
		delete(d.thermal, req.Instance)
		d.watch(b)
	})
	return r, nil
}

// checkThermal looks at the limits of the inlets.
func (d *dcmi) checkThermal(b *BMC, now time.Time) {
	for instance, l := range d.kept.Thermal {
		x, err := b.sensors.inlet(l.Entity, instance)
		if err != nil || !b.sensors.available(x.index) {
			continue
		}
		w := d.thermal[instance]
		if w == nil {
			w = &limitWatch{}
			d.thermal[instance] = w
		}
		if !w.exceeded(b.sensors.celsius(b, x.index) > int(l.Limit), now,
			time.Duration(l.Time)*time.Second) {
			continue
		}
		b.limitEvent(ipmi.SensorTemperature, thermalLimitSensor)
		if l.PowerOff {
			b.limitPowerOff()
		}
	}
}
