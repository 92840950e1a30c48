package machine

import (
	"context"
	"errors"
	"fmt"
	"math"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sdr"
)

// eventSensors finds the sensors of events. The sensor records are read when the first event of a
// sensor comes.
type eventSensors struct {
	m        *Machine
	note     func(error)
	unwanted bool
	missing  error // why names are not known, if that is worth an error

	index map[eventSensor]sdr.Record
}

// eventSensor is by what the sensor of an event is known: number, type and owner. Many BMCs put a
// wrong unit number into their events, so that it does not count.
type eventSensor struct {
	number uint8
	kind   ipmi.SensorType
	owner  uint8
}

// add puts into an event what the records of its sensor know.
func (s *eventSensors) add(ctx context.Context, v *Event) error {
	if s.unwanted || v.SensorNumber == nil {
		return nil
	}
	if s.index == nil {
		if err := s.load(ctx); err != nil {
			return err
		}
	}
	e := v.Body
	v.Sensor = s.index[eventSensor{e.Sensor, e.SensorType, uint8(e.Generator)}]
	if v.Sensor == nil {
		return nil
	}
	v.SensorName, _ = RecordName(v.Sensor)
	if f, ok := v.Sensor.(*sdr.Full); ok && e.Type.Threshold() && f.Analog() {
		return s.values(ctx, v, f)
	}
	return nil
}

// load reads the sensor records. Without them events have no names.
func (s *eventSensors) load(ctx context.Context) error {
	s.index = map[eventSensor]sdr.Record{}
	records, err := s.m.Records(ctx, nil)
	if err := s.unknown(ctx, err); err != nil {
		return err
	}
	for _, r := range records {
		switch r := r.(type) {
		case *sdr.Full:
			s.know(r, r.Key, r.SensorType)
		case *sdr.Compact:
			for _, one := range r.Expand() {
				s.know(one, one.Key, one.SensorType)
			}
		case *sdr.EventOnly:
			for _, one := range r.Expand() {
				s.know(one, one.Key, one.SensorType)
			}
		}
	}
	return nil
}

// unknown judges an error of reading the sensor records. The events matter more than the names, so
// that only the end of ctx is returned.
func (s *eventSensors) unknown(ctx context.Context, err error) error {
	partial := new(PartialError)
	switch {
	case err == nil:
	case errors.As(err, &partial):
		s.m.log.Info("sensor names perhaps not known", "error", err)
	case refused(err, ipmi.CodeInvalidCommand, ipmi.CodeInsufficientPrivilege,
		ipmi.CodeSubFunctionDisabled):
		s.m.log.Info("sensor names not known", "error", err)
	case ctx.Err() != nil:
		return err
	case !refused(err) && !errors.Is(err, ipmi.ErrMalformed):
		s.missing = &PartialError{fmt.Errorf("the names of sensors are not known: %v", err)}
	case s.note != nil:
		s.note(fmt.Errorf("the names of sensors are not known: %w", err))
	default:
		s.m.log.Info("sensor names not known", "error", err)
	}
	return nil
}

// know notes a sensor; of several that look the same the first counts.
func (s *eventSensors) know(r sdr.Record, k sdr.Key, t ipmi.SensorType) {
	key := eventSensor{k.Number, t, uint8(k.Owner)}
	if s.index[key] == nil {
		s.index[key] = r
	}
}

// values converts the reading and the threshold of an event.
func (s *eventSensors) values(ctx context.Context, v *Event, f *sdr.Full) error {
	v.Unit = f.Units.Name()
	convert := func(raw uint8) (*float64, error) {
		conv := f.Conversion()
		if f.Linearization.PerReading() {
			var err error
			conv, err = client.SensorConversion(ctx, client.OwnerConn(s.m.conn, f.Key), f, raw)
			if refused(err) {
				s.m.log.Info("value of an event not known", "sensor", f.Name.Text, "error", err)
				return nil, nil
			}
			if err != nil {
				return nil, failed("Get Sensor Reading Factors command", err)
			}
		}
		return new(conv.Value(raw)), nil
	}
	var err error
	if raw, ok := v.Body.Trigger(); ok {
		if v.Trigger, err = convert(raw); err != nil {
			return err
		}
	}
	if raw, ok := v.Body.Limit(); ok {
		v.Limit, err = convert(raw)
	}
	v.TriggerReading, v.Threshold = sayable(v.Trigger), sayable(v.Limit)
	return err
}

// sayable returns a number, or nil for one that JSON cannot say.
func sayable(x *float64) *float64 {
	if x == nil || math.IsNaN(*x) || math.IsInf(*x, 0) {
		return nil
	}
	return x
}
