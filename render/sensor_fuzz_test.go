package render

import (
	"context"
	"io"
	"os"
	"testing"

	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/machine"
)

// fuzzBMC answers all requests about sensors with the same bytes.
type fuzzBMC struct{ reading, events, thresholds []byte }

func (b fuzzBMC) Exchange(_ context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	switch {
	case req.Command.Is(ipmi.GetDeviceID{}.Command()): // HP, whose numbers count
		return ipmi.RawResponse{Data: []byte{0x20, 1, 2, 0x45, 2, 0xbf, 11, 0, 0, 1, 0}}, nil
	case req.Command.Is(ipmi.GetSensorReading{}.Command()):
		return ipmi.RawResponse{Data: b.reading}, nil
	case req.Command.Is(ipmi.GetSensorThresholds{}.Command()):
		return ipmi.RawResponse{Data: b.thresholds}, nil
	}
	return ipmi.RawResponse{Data: b.events}, nil
}

// FuzzSensor holds that no record and no answer of a BMC keeps its sensor from being shown.
func FuzzSensor(f *testing.F) {
	b, err := os.ReadFile("../ipmi/sdr/testdata/sim.raw")
	if err != nil {
		f.Fatal(err)
	}
	raw, err := machine.SplitRecords(b)
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range raw {
		f.Add(r, []byte{0x7f, 0xc0, 0x08, 0x00}, []byte{0xc0, 0x95, 0x0a, 0x95, 0x0a},
			[]byte{0x3f, 1, 2, 3, 4, 5, 6})
	}
	f.Fuzz(func(t *testing.T, record, reading, events, thresholds []byte) {
		r, err := sdr.Parse(record)
		if err != nil {
			return
		}
		m := machine.New(fuzzBMC{reading, events, thresholds})
		opts := []machine.SensorOption{machine.ReadEvents(), machine.ReadThresholds()}
		for s, err := range m.ReadSensors(t.Context(), []sdr.Record{r}, opts...) {
			if err != nil {
				t.Fatal(err)
			}
			for _, view := range []View[machine.Sensor]{SDR, SDRExtended, SensorDetails} {
				for i, format := range []Format{Text, Plain, JSON, Table} {
					p := NewPrinter(io.Discard, Style{Format: format, Verbose: i & 1})
					if err := Show(p, view, s); err != nil && format != Table {
						t.Errorf("%s: %v", format, err)
					}
				}
			}
			if s.Available != nil && !*s.Available && (s.Severity != "unknown" || s.Value != nil) {
				t.Errorf("got severity %s and value %v of a sensor without a reading", s.Severity,
					s.Value)
			}
		}
	})
}
