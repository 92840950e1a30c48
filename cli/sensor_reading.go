package cli

import (
	"context"
	"fmt"
	"math"
	"strings"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sdr"
)

// Digits behind the point of readings: ipmitool's sdr has two, its sensor three.
const (
	sdrPrecision    = 2
	sensorPrecision = 3
)

// A sensorView is a record and, for a sensor that can be read, what it says now.
type sensorView struct {
	record sdr.Record

	sensor    *sdr.Sensor // nil: not a sensor that can be read
	full      *sdr.Full   // nil: not described by a full record
	conv      sdr.Conversion
	valid     bool // there is a reading
	disabled  bool // the sensor is not scanned
	reading   uint8
	states    [2]uint8
	hasStates bool
	analog    bool // the reading is a number with a unit
	value     float64
	text      string // the value with as many digits as wanted
	units     string

	status, enable, thresholds []byte // answers of the controller; nil where it refused
}

// read asks the owner of the sensor what it says.
func (v *sensorView) read(ctx context.Context, a *App, c client.Conn, s *sdr.Sensor, precision int, events, thresholds bool) error {
	v.sensor = s
	v.full, _ = v.record.(*sdr.Full)
	if v.full != nil {
		v.conv = v.full.Conversion()
	}
	answer, err := ask(ctx, c, s.LUN, ipmi.GetSensorReading{Sensor: s.Number}.Command(), s.Number)
	if err != nil {
		return err
	}
	if len(answer) >= 2 {
		v.take(answer)
		if err := v.convert(ctx, a, c, precision); err != nil {
			return err
		}
	}
	if events {
		if v.status, err = ask(ctx, c, s.LUN, ipmi.GetSensorEventStatus{}.Command(), s.Number); err != nil {
			return err
		}
		if v.enable, err = ask(ctx, c, s.LUN, ipmi.GetSensorEventEnable{}.Command(), s.Number); err != nil {
			return err
		}
	}
	if thresholds && s.EventType.Threshold() {
		v.thresholds, err = ask(ctx, c, s.LUN, ipmi.GetSensorThresholds{}.Command(), s.Number)
	}
	return err
}

// ask returns the data of an answer, and nil when the controller refuses. The bytes themselves
// count: how much ipmitool prints depends on how many there are.
func ask(ctx context.Context, c client.Conn, lun uint8, cmd ipmi.Command, data ...byte) ([]byte, error) {
	r, err := c.Exchange(ctx, ipmi.RawRequest{Command: cmd, LUN: lun, Data: data})
	if err != nil || r.Code != ipmi.CodeOK {
		return nil, err
	}
	return r.Data, nil
}

// take reads an answer to Get Sensor Reading (Table 35-15), of two bytes at least.
func (v *sensorView) take(answer []byte) {
	const unavailable, scanned = 1 << 5, 1 << 6
	if answer[1]&scanned == 0 {
		v.disabled = true
		return
	}
	if answer[1]&unavailable == 0 {
		v.valid, v.reading = true, answer[0]
	}
	v.hasStates = len(answer) > 2
	copy(v.states[:], answer[2:])
}

// convert makes a number of the reading, if it is one.
func (v *sensorView) convert(ctx context.Context, a *App, c client.Conn, precision int) error {
	if v.disabled || v.full == nil || !v.full.Analog() {
		return nil
	}
	if !v.sensor.EventType.Threshold() {
		u := v.full.Units
		if !u.Percent && u.Relation == 0 && u.Base == 0 && u.Modifier == 0 {
			return nil
		}
		// HP's BMCs have numbers in sensors without thresholds; those of other makes mean nothing.
		if hp, err := a.isHP(ctx); err != nil || !hp {
			return err
		}
	}
	conv, err := client.SensorConversion(ctx, c, v.full, v.reading)
	if _, refused := code(err); refused {
		v.valid = false
		return nil
	} else if err != nil {
		return err
	}
	v.conv, v.analog = conv, true
	if v.valid {
		v.value = conv.Value(v.reading)
	}
	v.units = v.full.Units.Name()
	v.text = number2text(v.value, precision)
	return nil
}

const manufacturerHP = 11

func (a *App) isHP(ctx context.Context) (bool, error) {
	c, err := a.Dial(ctx)
	if err != nil {
		return false, err
	}
	id, err := a.deviceID(ctx, c)
	if _, refused := code(err); refused {
		err = nil
	}
	return id.Manufacturer == manufacturerHP, err
}

// number2text prints whole numbers without digits behind the point.
func number2text(x float64, precision int) string {
	if x == math.Trunc(x) && math.Abs(x) < 1<<31 {
		precision = 0
	}
	return cFloat(x, precision)
}

// cFloat prints a number as C does.
func cFloat(x float64, precision int) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 0):
		return strings.TrimPrefix(strings.ToLower(fmt.Sprint(x)), "+")
	}
	return fmt.Sprintf("%.*f", precision, x)
}
