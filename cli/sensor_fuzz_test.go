package cli

import (
	"io"
	"os"
	"testing"

	"lom/client"
	"lom/ipmi/sdr"
	"lom/machine"
)

// FuzzSensorView holds that no record and no answer of a BMC keeps lom from printing them.
func FuzzSensorView(f *testing.F) {
	b, err := os.ReadFile("../ipmi/sdr/testdata/sim.raw")
	if err != nil {
		f.Fatal(err)
	}
	raw, err := machine.SplitRecords(b)
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range raw {
		f.Add(r, []byte{0x7f, 0xc0, 0x08, 0x00}, []byte{0xc0, 0x95, 0x0a, 0x95, 0x0a}, []byte{0x3f, 1, 2, 3, 4, 5, 6})
	}
	f.Fuzz(func(t *testing.T, record, reading, events, thresholds []byte) {
		r, err := sdr.Parse(record)
		if err != nil {
			return
		}
		v := &sensorView{record: r, status: events, enable: events, thresholds: thresholds}
		if s := client.SensorOf(r); s != nil {
			v.sensor = s
			if full, ok := r.(*sdr.Full); ok {
				v.full, v.conv = full, full.Conversion()
			}
			if len(reading) >= 2 {
				v.take(reading)
				v.analog = v.full != nil && v.full.Analog()
				v.value = v.conv.Value(v.reading)
			}
		}
		for i := range 8 {
			style := sdrStyle{extended: i&1 != 0, verbose: i&2 != 0, csv: i&4 != 0}
			v.print(io.Discard, style)
			if v.sensor != nil {
				v.printSensor(io.Discard, style)
			}
		}
		v.json()
	})
}

// FuzzSplitRecords holds that a file of records is cut apart without a rest, or refused.
func FuzzSplitRecords(f *testing.F) {
	f.Add([]byte{1, 0, 0x51, 1, 2, 3, 4})
	f.Add([]byte{1, 0, 0x51, 1, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		raw, err := machine.SplitRecords(b)
		if err != nil {
			return
		}
		n := 0
		for _, r := range raw {
			n += len(r)
		}
		if n != len(b) {
			t.Errorf("%d of %d bytes", n, len(b))
		}
	})
}
