package client

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"lom/ipmi"
	"lom/ipmi/sdr"
)

// A Reading is what a sensor reads now.
type Reading struct {
	ipmi.SensorReading
	Value    float64 // in the units of the sensor's record
	HasValue bool    // the sensor is analog and its reading is valid
	Status   sdr.Status
	Severity ipmi.Severity
	// Code is the completion code of a controller that refused: the sensor is not present, or
	// cannot be read now. The reading is unavailable then.
	Code ipmi.CompletionCode
}

// ReadSensor reads the sensor of a full or compact record. Other records cannot be read. A
// controller that refuses is not an error: see Reading.Code.
func ReadSensor(ctx context.Context, c Conn, record sdr.Record) (Reading, error) {
	s := SensorOf(record)
	if s == nil {
		return Reading{}, &ipmi.Error{Op: "read sensor",
			Err: errors.New("a record of this type has no reading")}
	}
	c = OwnerConn(c, s.Key)
	raw, err := DoLUN(ctx, c, s.LUN, ipmi.GetSensorReading{Sensor: s.Number})
	var code ipmi.CompletionCode
	if errors.As(err, &code) {
		return Reading{SensorReading: ipmi.SensorReading{Unavailable: true}, Code: code}, nil
	}
	if err != nil {
		return Reading{}, err
	}
	r := Reading{SensorReading: raw, Severity: s.Severity(raw)}
	if s.EventType.Threshold() && raw.States != nil {
		r.Status = sdr.ThresholdStatus(raw.States.Thresholds())
	}
	full, ok := record.(*sdr.Full)
	if !ok || !full.Analog() || raw.Unavailable || !raw.Scanning {
		return r, nil
	}
	conv, err := SensorConversion(ctx, c, full, raw.Reading)
	if errors.As(err, &code) {
		return r, nil // the value of this reading is not known
	}
	if err != nil {
		return Reading{}, err
	}
	r.Value, r.HasValue = conv.Value(raw.Reading), true
	return r, nil
}

// ReadSensors reads the sensors of the records, up to parallel at a time, and returns the
// readings in the records' order. Records of other types are left zero. The first error ends it.
func ReadSensors(ctx context.Context, c Conn, records []sdr.Record,
	parallel int) ([]Reading, error) {
	out := make([]Reading, len(records))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(parallel, 1))
	for i, r := range records {
		if SensorOf(r) == nil {
			continue
		}
		g.Go(func() (err error) {
			out[i], err = ReadSensor(ctx, c, r)
			return err
		})
	}
	return out, g.Wait()
}

// OwnerConn returns the connection to the controller that has a sensor: c itself for the BMC's own
// and for sensors of system software, which cannot be read, and otherwise one through c. Over a
// Conn that is not a [Router], a sensor of another controller is refused with
// CodeDestinationUnavailable, because the BMC's own sensor of the same number is another one.
func OwnerConn(c Conn, k sdr.Key) Conn {
	if k.Local() || k.Owner.Software() {
		return c
	}
	return Via(c, uint8(k.Owner), k.Channel)
}

// Via returns the connection through c to the controller with the slave address on the channel, 0
// for the primary IPMB. Over a Conn that is not a [Router] it refuses all requests with
// CodeDestinationUnavailable.
func Via(c Conn, address, channel uint8) Conn {
	if r, ok := c.(Router); ok {
		return r.Target(address, channel)
	}
	return unreachable{}
}

// unreachable is a Conn to a controller that cannot be reached.
type unreachable struct{}

func (unreachable) Exchange(context.Context, ipmi.RawRequest) (ipmi.RawResponse, error) {
	return ipmi.RawResponse{Code: ipmi.CodeDestinationUnavailable}, nil
}

// SensorOf returns what full and compact records have in common, and nil for other records.
func SensorOf(r sdr.Record) *sdr.Sensor {
	switch r := r.(type) {
	case *sdr.Full:
		return &r.Sensor
	case *sdr.Compact:
		return &r.Sensor
	}
	return nil
}

// SensorConversion returns how a reading of the sensor becomes a value. For a sensor that is not
// linear the controller is asked for the factors of just this reading (§36.3).
func SensorConversion(ctx context.Context, c Conn, f *sdr.Full,
	reading uint8) (sdr.Conversion, error) {
	conv := f.Conversion()
	if !f.Linearization.PerReading() {
		return conv, nil
	}
	factors, err := DoLUN(ctx, c, f.LUN,
		ipmi.GetSensorReadingFactors{Sensor: f.Number, Reading: reading})
	if err != nil {
		return conv, err
	}
	conv.Factors = sdr.FactorsOf(factors)
	return conv, nil
}

// ReadThresholds reads the thresholds of a sensor, raw. This and the functions below need the
// connection to the sensor's owner: see OwnerConn.
func ReadThresholds(ctx context.Context, c Conn, k sdr.Key) (ipmi.SensorThresholds, error) {
	return DoLUN(ctx, c, k.LUN, ipmi.GetSensorThresholds{Sensor: k.Number})
}

// SetThresholds sets those thresholds of a sensor that set names; values are raw.
func SetThresholds(ctx context.Context, c Conn, k sdr.Key, set ipmi.ThresholdSet,
	values [6]uint8) error {
	_, err := DoLUN(ctx, c, k.LUN, ipmi.SetSensorThresholds{Sensor: k.Number, Set: set,
		Values: values})
	return err
}

// ReadHysteresis reads the hysteresis of a sensor in raw counts.
func ReadHysteresis(ctx context.Context, c Conn, k sdr.Key) (ipmi.SensorHysteresis, error) {
	return DoLUN(ctx, c, k.LUN, ipmi.GetSensorHysteresis{Sensor: k.Number, Mask: 0xff})
}

// SetHysteresis sets the hysteresis of a sensor in raw counts.
func SetHysteresis(ctx context.Context, c Conn, k sdr.Key, positive, negative uint8) error {
	_, err := DoLUN(ctx, c, k.LUN, ipmi.SetSensorHysteresis{Sensor: k.Number, Mask: 0xff,
		Positive: positive, Negative: negative})
	return err
}
