package machine_test

import (
	"context"
	"errors"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/ipmitest"
	"lom/machine"
)

// A sensorBMC answers Get Sensor Reading by the number of the sensor. Satellites are asked by
// Target.
type sensorBMC struct {
	answers map[uint8]ipmi.RawResponse
	errs    map[uint8]error
	other   client.Conn // at 22h

	mu  sync.Mutex
	set []byte // the last request that changes something
}

func (b *sensorBMC) Exchange(_ context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	switch {
	case req.Command.Is(ipmi.GetSensorReading{}.Command()):
		if err := b.errs[req.Data[0]]; err != nil {
			return ipmi.RawResponse{}, err
		}
		if r, ok := b.answers[req.Data[0]]; ok {
			return r, nil
		}
		return ipmi.RawResponse{Code: ipmi.CodeNotPresent}, nil
	case req.Command.Is(ipmi.GetSensorThresholds{}.Command()):
		return ipmi.RawResponse{Data: []byte{0x3f, 10, 5, 1, 70, 80, 90}}, nil
	case req.Command.Is(ipmi.SetSensorThresholds{}.Command()),
		req.Command.Is(ipmi.SetSensorHysteresis{}.Command()):
		b.mu.Lock()
		defer b.mu.Unlock()
		b.set = req.Data
		return ipmi.RawResponse{}, nil
	}
	return ipmi.RawResponse{Code: ipmi.CodeInvalidCommand}, nil
}

func (b *sensorBMC) Target(address, channel uint8) client.Conn {
	if address == 0x22 {
		return b.other
	}
	return b
}

// full returns the record of a linear threshold sensor in degrees C, whose readings are its raw
// values.
func full(name string, number uint8) *sdr.Full {
	f := &sdr.Full{}
	f.ID, f.Owner, f.Number = uint16(number), sdr.BMCAddress, number
	f.SensorType, f.EventType = 1, 1
	f.Capabilities.Thresholds, f.Capabilities.Hysteresis = sdr.AccessReadSet, sdr.AccessReadSet
	f.Units.Base, f.Factors.M = 1, 1
	f.Hysteresis = sdr.Hysteresis{Positive: 2}
	f.Max = 0xff
	f.Entity.ID, f.Name.Text = 7, name
	return f
}

func bytesOf(t *testing.T, r sdr.Record) []byte {
	t.Helper()
	b, err := sdr.Append(nil, r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func machineOf(t *testing.T, b client.Conn, records ...sdr.Record) *machine.Machine {
	t.Helper()
	var raw [][]byte
	for _, r := range records {
		raw = append(raw, bytesOf(t, r))
	}
	return machine.New(b, machine.WithRecords(func(context.Context) ([][]byte, error) {
		return raw, nil
	}))
}

// What is not known never passes for nominal, and why there is no reading is said.
func TestSensorAvailability(t *testing.T) {
	answer := func(data ...byte) ipmi.RawResponse { return ipmi.RawResponse{Data: data} }
	satellite := full("sat", 9)
	satellite.Owner = 0x22
	gone := full("gone", 10)
	gone.Owner = 0x22
	b := &sensorBMC{answers: map[uint8]ipmi.RawResponse{
		1: answer(40, 0xc0, 0), 2: answer(85, 0xc0, 0x18), 3: answer(95, 0xc0, 0x38),
		4: answer(40, 0xc0),
		5: answer(40, 0x80, 0), 6: answer(40, 0xe0, 0), 9: answer(1, 0xc0, 0),
		10: answer(1, 0xc0, 0),
	}, other: &sensorBMC{answers: map[uint8]ipmi.RawResponse{
		9: answer(23, 0xc0, 0), 10: {Code: ipmi.CodeDestinationUnavailable},
	}}}
	m := machineOf(t, b, full("fine", 1), full("hot", 2), full("burning", 3), full("bare", 4),
		full("off", 5), full("starting", 6), full("refused", 7), satellite, gone)
	type state struct {
		name, why, status, severity string
		value                       float64
	}
	want := []state{
		{"fine", "", "ok", "nominal", 40}, {"hot", "", "ucr", "critical", 85}, {"burning", "", "unr", "non-recoverable", 95},
		{"bare", "", "unknown", "unknown", 40}, {"off", "not-scanned", "ns", "unknown", 0},
		{"starting", "unavailable", "ns", "unknown", 0}, {"refused", "refused", "ns", "unknown", 0},
		{"sat", "", "ok", "nominal", 23}, {"gone", "unreachable", "ns", "unknown", 0},
	}
	var got []state
	for s, err := range m.Sensors(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		x := state{s.Name, s.Unavailable, s.Status, s.Severity, 0}
		if s.Value != nil {
			x.value = *s.Value
		}
		if *s.Available != (s.Unavailable == "") {
			t.Errorf("%s: available %t, but %q", s.Name, *s.Available, s.Unavailable)
		}
		got = append(got, x)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	s, err := m.Sensor(t.Context(), "sat", machine.ReadThresholds())
	if err != nil || s.Hysteresis == nil || *s.Hysteresis.Positive != 2 ||
		s.Hysteresis.Negative != nil {
		t.Errorf("got %+v, %v, want hysteresis 2 and none", s.Hysteresis, err)
	}
	if missing := new(machine.NoSensorError); true {
		if _, err := m.Sensor(t.Context(), "FINE"); !errors.As(err, &missing) ||
			missing.Near != "fine" {
			t.Errorf("got %v, want a near miss", err)
		}
	}
}

// Sensors that share a record are read one by one, unless they are wanted as records.
func TestSensorsAreExpanded(t *testing.T) {
	c := &sdr.Compact{}
	c.ID, c.Owner, c.Number, c.SensorType, c.EventType = 1, sdr.BMCAddress, 0x30, 4, 3
	c.Sharing = sdr.Sharing{Count: 3, InstanceGrows: true}
	c.Entity.ID, c.Entity.Instance, c.Name.Text = 29, 1, "Fan "
	b := &sensorBMC{answers: map[uint8]ipmi.RawResponse{
		0x30: {Data: []byte{0, 0xc0, 1, 0x80}}, 0x31: {Data: []byte{0, 0xc0, 2, 0x80}}, 0x32: {Data: []byte{0, 0xc0, 1, 0x80}},
	}}
	m := machineOf(t, b, c)
	names := func(opts ...machine.SensorOption) (list []string) {
		for s, err := range m.Sensors(t.Context(), opts...) {
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, s.Name+": "+strings.Join(s.States, ","))
		}
		return list
	}
	if got, want := len(names()), 3; got != want {
		t.Errorf("got %d sensors, want %d: %q", got, want, names())
	}
	if got := names(); got[0] == got[1] || !strings.HasPrefix(got[1], "Fan 1: ") {
		t.Errorf("got %q", got)
	}
	if got, want := len(names(machine.AsRecords())), 1; got != want {
		t.Errorf("got %d records, want %d", got, want)
	}
}

// Thresholds of a satellite's sensor are set on the satellite; what makes no sense is not sent.
func TestSetThresholds(t *testing.T) {
	satellite := &sensorBMC{}
	b := &sensorBMC{other: satellite}
	f := full("CPU", 1)
	f.Owner = 0x22
	m := machineOf(t, b, f)
	tried, err := m.SetThresholds(t.Context(), "CPU",
		machine.NewThreshold{Threshold: ipmi.UpperCritical, Value: 85})
	if err != nil || len(tried) != 1 || b.set != nil || len(satellite.set) != 8 ||
		satellite.set[6] != 85 {
		t.Errorf("got %v, %v; the BMC got % x and the satellite % x", tried, err, b.set,
			satellite.set)
	}
	satellite.set = nil
	for _, bad := range []machine.NewThreshold{
		{Threshold: ipmi.UpperCritical, Value: 60}, {Threshold: ipmi.UpperCritical, Value: 95},
		{Threshold: ipmi.UpperCritical, Value: 1000}, {Threshold: ipmi.LowerNonCritical, Value: 75},
	} {
		if tried, err := m.SetThresholds(t.Context(), "CPU", bad); err == nil || tried != nil ||
			satellite.set != nil {
			t.Errorf("%v: got %v, %v, sent % x", bad, tried, err, satellite.set)
		}
	}
	if err := m.SetHysteresis(t.Context(), "CPU", 3, 1); err != nil || len(satellite.set) != 4 ||
		satellite.set[2] != 3 || satellite.set[3] != 1 {
		t.Errorf("hysteresis: got %v, sent % x", err, satellite.set)
	}
	if err := m.SetHysteresis(t.Context(), "CPU", 300, 1); err == nil {
		t.Error("a hysteresis of 300 was set")
	}
}

// An exchange that fails ends the sequence, after the sensors before it.
func TestSensorsEndWithTheSession(t *testing.T) {
	b := &sensorBMC{answers: map[uint8]ipmi.RawResponse{1: {Data: []byte{40, 0xc0, 0}}},
		errs: map[uint8]error{2: ipmi.ErrTimeout}}
	var names []string
	var errs []error
	for s, err := range machineOf(t, b, full("a", 1), full("b", 2),
		full("c", 1)).Sensors(t.Context()) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		names = append(names, s.Name)
	}
	if len(names) != 1 || len(errs) != 1 || !errors.Is(errs[0], ipmi.ErrTimeout) {
		t.Errorf("got %q and %v, want a and one timeout", names, errs)
	}
}

// A record that makes no sense is named, and costs no other.
func TestRecordsInPart(t *testing.T) {
	good := bytesOf(t, full("a", 1))
	bad := append([]byte{9, 0, 0x51, 1, 3}, 1, 2, 3)
	m := machine.New(nil, machine.WithRecords(func(context.Context) ([][]byte, error) {
		return [][]byte{bad, good}, nil
	}))
	list, err := m.Records(t.Context(), nil)
	partial := new(machine.PartialError)
	if len(list) != 1 || !errors.As(err, &partial) ||
		!strings.Contains(err.Error(), "SDR 0009h makes no sense") {
		t.Errorf("got %d records, %v", len(list), err)
	}
}

// Times that a repository counts from its start are not dates, and what it does not know is absent.
func TestRepository(t *testing.T) {
	for _, c := range []struct {
		answer   string
		date     bool
		since    bool
		hasSpace bool
	}{
		{"00 51 01 00 fe ff 71 0b 03 6b ff ff ff ff 02", true, false, true},
		{"00 51 01 00 ff ff 10 00 00 00 ff ff ff ff 02", false, true, false},
	} {
		v, err := machine.New(ipmitest.Script(t, "> 0a 20\n< "+c.answer)).Repository(t.Context())
		if err != nil || v.LastAddition.IsZero() == c.date ||
			(v.AdditionSinceInit != nil) != c.since ||
			!v.LastErase.IsZero() || v.EraseSinceInit != nil || (v.FreeBytes != nil) != c.hasSpace {
			t.Errorf("%s: got %+v, %v", c.answer, v, err)
		}
	}
}

// FuzzSplitRecords holds that records stored one after the other are taken apart without a rest, or
// refused.
func FuzzSplitRecords(f *testing.F) {
	if b, err := os.ReadFile("../ipmi/sdr/testdata/sim.raw"); err == nil {
		f.Add(b)
	}
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
			t.Errorf("got %d of %d bytes", n, len(b))
		}
	})
}
