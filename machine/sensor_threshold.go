package machine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sdr"
)

// ThresholdWords are the short names of thresholds; the index is the [ipmi.Threshold].
var ThresholdWords = [...]string{"lnc", "lcr", "lnr", "unc", "ucr", "unr"}

// ThresholdOrder is the order of thresholds by their values.
var ThresholdOrder = [...]ipmi.Threshold{
	ipmi.LowerNonRecoverable, ipmi.LowerCritical, ipmi.LowerNonCritical,
	ipmi.UpperNonCritical, ipmi.UpperCritical, ipmi.UpperNonRecoverable,
}

// A NewThreshold is a threshold and the value that it is to have.
type NewThreshold struct {
	Threshold ipmi.Threshold
	Value     float64 // in the units of the sensor
}

// SetThresholds sets thresholds of the sensor with a name, one after the other, on the controller
// that has it (§35.8). Nothing is set unless the sensor has each of them, can have its value, and
// the thresholds rise from lnr to unr when they are set. tried are those that the controller was
// asked to set, the last of them perhaps in vain.
func (m *Machine) SetThresholds(ctx context.Context, name string,
	set ...NewThreshold) (tried []NewThreshold, err error) {
	r, err := m.sensorRecord(ctx, name)
	if err != nil {
		return nil, err
	}
	full, ok := r.(*sdr.Full)
	if !ok || !full.EventType.Threshold() {
		return nil, fmt.Errorf("sensor %q has no thresholds", name)
	}
	owner := client.OwnerConn(m.conn, full.Key)
	now, err := client.ReadThresholds(ctx, owner, full.Key)
	if err != nil {
		return nil, failed("Get Sensor Thresholds", err)
	}
	set = slices.Clone(set)
	raws, err := rawThresholds(full, now, set)
	if err != nil {
		return nil, err
	}
	for i, n := range set {
		tried = append(tried, n)
		var all [6]uint8
		all[n.Threshold] = raws[i]
		only := ipmi.ThresholdSet(0).With(n.Threshold)
		if err := client.SetThresholds(ctx, owner, full.Key, only, all); err != nil {
			return tried, failed("Setting the threshold", err)
		}
	}
	return tried, nil
}

// rawThresholds returns the raw values of new thresholds, and checks them.
func rawThresholds(f *sdr.Full, now ipmi.SensorThresholds, set []NewThreshold) ([]uint8, error) {
	conv := f.Conversion()
	have := map[ipmi.Threshold]float64{}
	for t, raw := range now.Values {
		if now.Readable.Has(ipmi.Threshold(t)) {
			have[ipmi.Threshold(t)] = conv.Value(raw)
		}
	}
	raws := make([]uint8, len(set))
	for i := range set {
		n := &set[i]
		var err error
		if f.Analog() {
			raws[i], err = conv.Raw(n.Value)
		} else if raws[i], err = byteValue(n.Value); err == nil {
			n.Value = float64(raws[i])
		}
		if bad := (*sdr.ValueError)(nil); errors.As(err, &bad) {
			return nil, fmt.Errorf("sensor %q cannot have the threshold %s = %g: "+
				"it measures from %g to %g %s", f.Name, ThresholdWords[n.Threshold], n.Value,
				bad.Min, bad.Max, f.Units.Name())
		} else if err != nil {
			return nil, err
		}
		if _, ok := have[n.Threshold]; !ok {
			return nil, fmt.Errorf("sensor %q has no threshold %s", f.Name,
				ThresholdWords[n.Threshold])
		}
		have[n.Threshold] = n.Value
	}
	if len(set) == 1 {
		return raws, checkNeighbours(f, set[0].Threshold, have)
	}
	return raws, checkRise(f, set)
}

func byteValue(v float64) (uint8, error) {
	if !(v >= 0 && v <= 255) {
		return 0, fmt.Errorf("%g is not a number from 0 to 255", v)
	}
	return uint8(v), nil
}

// checkRise checks that thresholds rise in the order of their list.
func checkRise(f *sdr.Full, set []NewThreshold) error {
	for i := 1; i < len(set); i++ {
		if lo, hi := set[i-1], set[i]; lo.Value > hi.Value {
			return fmt.Errorf("sensor %q: threshold %s = %g would be above %s = %g", f.Name,
				ThresholdWords[lo.Threshold], lo.Value, ThresholdWords[hi.Threshold], hi.Value)
		}
	}
	return nil
}

// checkNeighbours checks a threshold against those that it must not pass: all on its own side, and
// of the two non-critical ones each other.
func checkNeighbours(f *sdr.Full, t ipmi.Threshold, have map[ipmi.Threshold]float64) error {
	at := slices.Index(ThresholdOrder[:], t)
	for i, other := range ThresholdOrder {
		v, ok := have[other]
		lower, otherLower := at < 3, i < 3
		if !ok || i == at || lower != otherLower && (at+i != 5 || at != 2 && at != 3) {
			continue
		}
		if i < at && v >= have[t] || i > at && v <= have[t] {
			side := "below"
			if i < at {
				side = "above"
			}
			return fmt.Errorf("sensor %q: threshold %s = %g must be %s %s = %g", f.Name,
				ThresholdWords[t],
				have[t], side, ThresholdWords[other], v)
		}
	}
	return nil
}

// SetHysteresis sets the hysteresis of the sensor with a name, in its units, on the controller that
// has it (§35.6).
func (m *Machine) SetHysteresis(ctx context.Context, name string, positive,
	negative float64) error {
	r, err := m.sensorRecord(ctx, name)
	if err != nil {
		return err
	}
	full, ok := r.(*sdr.Full)
	if !ok || !full.EventType.Threshold() || full.Capabilities.Hysteresis != sdr.AccessReadSet {
		return fmt.Errorf("sensor %q has no hysteresis that can be set", name)
	}
	var raw [2]uint8
	for i, v := range []float64{positive, negative} {
		n := v
		if full.Analog() {
			n = math.Round(v / full.Conversion().Difference(1))
		}
		if raw[i], err = byteValue(n); err != nil {
			return fmt.Errorf("sensor %q cannot have the hysteresis %g %s", name, v,
				full.Units.Name())
		}
	}
	err = client.SetHysteresis(ctx, client.OwnerConn(m.conn, full.Key), full.Key, raw[0], raw[1])
	return failed("Setting the hysteresis", err)
}
