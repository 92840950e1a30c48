package bmc

import (
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
	"lom/ipmi/sdr"
)

// sensorNumber returns the number of a sensor by its name.
func sensorNumber(t *testing.T, b *BMC, name string) uint8 {
	t.Helper()
	for i := range b.sensors.set.sensors {
		if s := &b.sensors.set.sensors[i]; s.name == name {
			return s.sensor.Number
		}
	}
	t.Fatalf("no sensor %q", name)
	return 0
}

// value reads an analog sensor in its units.
func value(t *testing.T, b *BMC, name string) float64 {
	t.Helper()
	n := sensorNumber(t, b, name)
	r := must(t, b, ipmi.GetSensorReading{Sensor: n})
	if r.Unavailable || !r.Scanning {
		t.Fatalf("%s: no reading", name)
	}
	return b.sensors.set.sensors[b.sensors.set.byNum[n]-1].conv.Value(r.Reading)
}

// crossedNow reads which thresholds a sensor says are crossed.
func crossedNow(t *testing.T, b *BMC, name string) ipmi.ThresholdSet {
	t.Helper()
	return must(t, b, ipmi.GetSensorReading{Sensor: sensorNumber(t, b, name)}).States.Thresholds()
}

// hear returns where the events of one sensor are collected.
func hear(b *BMC, number uint8) *[]Event {
	var events []Event
	b.do(func() {
		b.listen(func(e Event) {
			if e.SensorNumber == number {
				events = append(events, e)
			}
		})
	})
	return &events
}

func TestProfiles(t *testing.T) {
	for _, p := range Profiles() {
		set := p.Sensors()
		if set.Sensors() < 40 {
			t.Errorf("%s: %d sensors", p.Name, set.Sensors())
		}
		if set != p.Sensors() {
			t.Errorf("%s: not the same sensors again", p.Name)
		}
		types := map[sdr.Type]int{}
		names := map[string]bool{}
		for i, raw := range set.records {
			r, err := sdr.Parse(raw)
			if err != nil {
				t.Fatalf("%s: record %d: %v", p.Name, i, err)
			}
			types[r.Type()]++
			if r.RecordHeader().ID != uint16(i+1) {
				t.Errorf("%s: record %d has ID %d", p.Name, i+1, r.RecordHeader().ID)
			}
		}
		for i := range set.sensors {
			s := &set.sensors[i]
			if names[s.name] {
				t.Errorf("%s: two sensors %q", p.Name, s.name)
			}
			names[s.name] = true
			if s.full == nil {
				continue
			}
			// What the sensor should read must be within what it can read, to a step.
			for _, v := range []float64{s.idle, s.busy, s.off} {
				if got := s.conv.Value(linearRaw(s.conv, v)); got-v > s.conv.Resolution() ||
					v-got > s.conv.Resolution() {
					t.Errorf("%s: %s cannot read %v: %v", p.Name, s.name, v, got)
				}
			}
		}
		for _, want := range []sdr.Type{sdr.TypeFull, sdr.TypeCompact, sdr.TypeEventOnly,
			sdr.TypeMCLocator, sdr.TypeFRULocator, sdr.TypeEntity} {
			if types[want] == 0 {
				t.Errorf("%s: no record of type %s", p.Name, want)
			}
		}
	}
}

// No profile may raise an alarm while nothing is wrong, on or off.
func TestProfilesAreWell(t *testing.T) {
	for _, p := range Profiles() {
		synctest.Test(t, func(t *testing.T) {
			b := newTest(t, func(c *Config) { c.Profile = p })
			var events []Event
			b.do(func() {
				b.listen(func(e Event) {
					if e.Type == uint8(ipmi.EventThreshold) {
						events = append(events, e)
					}
				})
			})
			must(t, b, ipmi.ChassisControl{Action: ipmi.PowerDown})
			time.Sleep(10 * time.Minute)
			must(t, b, ipmi.ChassisControl{Action: ipmi.PowerUp})
			time.Sleep(3 * time.Hour)
			if len(events) != 0 {
				t.Errorf("%s: %d events: %+v", p.Name, len(events), events[0])
			}
		})
	}
}

func TestReadingsFollowPower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		fan, cpu := value(t, b, "Fan 1"), value(t, b, "CPU1 Temp")
		if fan < 3000 || cpu < 35 {
			t.Errorf("on: %v RPM, %v °C", fan, cpu)
		}
		moved := false
		for range 30 {
			time.Sleep(time.Minute)
			moved = moved || value(t, b, "CPU1 Temp") != cpu
		}
		if !moved {
			t.Error("the temperature does not move")
		}
		events := hear(b, sensorNumber(t, b, "Power Unit"))
		must(t, b, ipmi.ChassisControl{Action: ipmi.PowerDown})
		time.Sleep(15 * time.Minute)
		if fan, cpu := value(t, b, "Fan 1"), value(t, b, "CPU1 Temp"); fan != 0 || cpu > 25 {
			t.Errorf("off: %v RPM, %v °C", fan, cpu)
		}
		if got := crossedNow(t, b, "Fan 1"); got != 0 {
			t.Errorf("a fan of a server that is off crosses %x", got)
		}
		if len(*events) != 1 || (*events)[0].Data[0] != 0 || (*events)[0].Deassert {
			t.Errorf("power unit: %+v", *events)
		}
		must(t, b, ipmi.ChassisControl{Action: ipmi.PowerUp})
		time.Sleep(time.Minute)
		if fan := value(t, b, "Fan 1"); fan < 3000 {
			t.Errorf("on again: %v RPM", fan)
		}
	})
}

func TestThresholdEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		n := sensorNumber(t, b, "CPU1 Temp")
		events := hear(b, n)
		set := func(v float64) {
			t.Helper()
			if err := b.SetSensor(SensorFault{Sensor: "CPU1 Temp", Value: &v}); err != nil {
				t.Fatal(err)
			}
		}
		offsets := func() (out []int) {
			for _, e := range *events {
				o := int(e.Data[0] & 0xf)
				if e.Deassert {
					o = -o
				}
				out = append(out, o)
			}
			*events = nil
			return out
		}
		equal := func(what string, want ...int) {
			t.Helper()
			got := offsets()
			if len(got) != len(want) {
				t.Errorf("%s: events %v, want %v", what, got, want)
				return
			}
			for i := range got {
				if got[i] != want[i] {
					t.Errorf("%s: events %v, want %v", what, got, want)
				}
			}
		}
		set(94)
		if crossedNow(t, b, "CPU1 Temp") != 1<<ipmi.UpperNonCritical|1<<ipmi.UpperCritical {
			t.Errorf("crossed: %x", crossedNow(t, b, "CPU1 Temp"))
		}
		if e := (*events)[1]; e.Data != [3]byte{0x59, 94, 93} || e.Type != 1 || e.SensorType != 1 {
			t.Errorf("event %+v", e)
		}
		equal("94", 7, 9)
		set(92) // 93 less a hysteresis of 2 is 91
		equal("92")
		set(90)
		equal("90", -9)
		status := must(t, b, ipmi.GetSensorEventStatus{Sensor: n})
		if *status.Assertions != 1<<7 || *status.Deassertions != 1<<9 {
			t.Errorf("status: %x %x", *status.Assertions, *status.Deassertions)
		}
		must(t, b, ipmi.RearmSensorEvents{Sensor: n})
		equal("rearmed", 7)
		must(t, b, ipmi.SetSensorEventEnable{Sensor: n, Events: true, Scanning: true,
			Change: ipmi.DisableEvents, Deassertions: 1 << 7})
		set(40)
		equal("deassertion off")
		if _, cc := ask(t, b, ipmi.SetSensorEventEnable{Sensor: n, Events: true, Scanning: true,
			Change: ipmi.EnableEvents, Assertions: 1}); cc != ipmi.CodeInvalidDataField {
			t.Errorf("an event the sensor cannot make: %v", cc)
		}
		must(t, b, ipmi.SetEventReceiver{Address: ipmi.EventsOff})
		set(94)
		equal("no receiver")
		must(t, b, ipmi.SetSensorEventEnable{Sensor: n, Events: true})
		if r := must(t, b, ipmi.GetSensorReading{Sensor: n}); r.Scanning || !r.Unavailable {
			t.Errorf("not scanned: %+v", r)
		}
		if err := b.SetSensor(SensorFault{Sensor: "none"}); err == nil {
			t.Error("a sensor that does not exist was set")
		}
	})
}

func TestScanFindsFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := states(0, 1)
		b := newTest(t, func(c *Config) {
			c.Faults = []SensorFault{{Sensor: "PSU2 Status", States: &failed}}
		})
		events := hear(b, sensorNumber(t, b, "PSU2 Status"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(*events) != 1 || (*events)[0].Data[0] != 1 || (*events)[0].SensorType != 8 {
			t.Errorf("events: %+v", *events)
		}
		if st := must(t, b, ipmi.GetSensorReading{Sensor: sensorNumber(t, b,
			"PSU2 Status")}).States; !st.Has(1) || !st.Has(0) || st.Has(2) {
			t.Errorf("states %x", *st)
		}
		if err := b.SetSensor(SensorFault{Sensor: "Fan 3", Absent: true}); err != nil {
			t.Fatal(err)
		}
		if r := must(t, b, ipmi.GetSensorReading{Sensor: sensorNumber(t, b,
			"Fan 3")}); !r.Unavailable {
			t.Errorf("absent: %+v", r)
		}
	})
}

func TestThresholdsLast(t *testing.T) {
	file := t.TempDir() + "/state"
	open := func() *BMC {
		return newTest(t, func(c *Config) { c.StateFile = file; c.GUID = ipmi.GUID{1, 2, 3} })
	}
	b := open()
	n := sensorNumber(t, b, "Inlet Temp")
	was := must(t, b, ipmi.GetSensorThresholds{Sensor: n})
	values := [6]uint8{ipmi.UpperCritical: 155}
	must(t, b, ipmi.SetSensorThresholds{Sensor: n,
		Set: ipmi.ThresholdSet(0).With(ipmi.UpperCritical), Values: values})
	must(t, b, ipmi.SetSensorHysteresis{Sensor: n, Mask: 0xff, Positive: 5, Negative: 6})
	b.Close()
	b = open()
	want := was.Values
	want[ipmi.UpperCritical] = 155
	if got := must(t, b, ipmi.GetSensorThresholds{Sensor: n}); got.Values != want ||
		got.Readable != 0x3f {
		t.Errorf("thresholds %v, want %v", got, want)
	}
	if got := must(t, b, ipmi.GetSensorHysteresis{Sensor: n, Mask: 0xff}); got.Positive != 5 ||
		got.Negative != 6 {
		t.Errorf("hysteresis %+v", got)
	}
}

func TestSensorErrors(t *testing.T) {
	b := newTest(t, nil)
	status := sensorNumber(t, b, "CPU1 Status")
	if _, cc := ask(t, b, ipmi.GetSensorReading{Sensor: 0xfe}); cc != ipmi.CodeNotPresent {
		t.Errorf("no sensor: %v", cc)
	}
	if _, cc := ask(t, b, ipmi.GetSensorThresholds{Sensor: status}); cc != ipmi.CodeIllegalForType {
		t.Errorf("thresholds of a discrete sensor: %v", cc)
	}
	if _, cc := ask(t, b, ipmi.GetSensorReadingFactors{Sensor: status}); cc !=
		ipmi.CodeIllegalForType {
		t.Errorf("factors of a discrete sensor: %v", cc)
	}
	if _, cc := ask(t, b, ipmi.SetSensorThresholds{Sensor: sensorNumber(t, b, "Exhaust Temp"),
		Set: 1}); cc != ipmi.CodeInvalidDataField {
		t.Errorf("a threshold that the sensor has not: %v", cc)
	}
	if f := must(t, b, ipmi.GetSensorReadingFactors{Sensor: sensorNumber(t, b, "Inlet Temp"),
		Reading: 7}); f.M != 5 || f.B != -40 || f.Next != 7 {
		t.Errorf("factors: %+v", f)
	}
	if ty := must(t, b, ipmi.GetSensorType{Sensor: status}); ty.Type != 7 || ty.EventType != 0x6f {
		t.Errorf("type: %+v", ty)
	}
}

func BenchmarkScan(b *testing.B) {
	m := newBenchmark(b)
	for b.Loop() {
		m.do(func() { m.sensors.scan(m) })
	}
}

func TestStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, func(c *Config) { c.Still = true })
		for i := range b.sensors.set.sensors {
			x := &b.sensors.set.sensors[i]
			if x.full == nil {
				continue
			}
			was := value(t, b, x.name)
			for range 20 {
				time.Sleep(77 * time.Second)
				if now := value(t, b, x.name); now != was {
					t.Errorf("%s moved from %v to %v", x.name, was, now)
				}
			}
		}
	})
}

// A BMC to which nothing happens looks at no sensors, for none can say anything new; one whose
// sensors may does.
func TestQuietSensorsAreNotScanned(t *testing.T) {
	for _, p := range Profiles() {
		synctest.Test(t, func(t *testing.T) {
			b := newTest(t, func(c *Config) { c.Profile = p })
			scanning := func() bool {
				b.mu.Lock()
				defer b.mu.Unlock()
				return b.sensors.scans != nil
			}
			if scanning() {
				t.Fatalf("%s: it scans", p.Name)
			}
			// Whatever the power does, and however long, no scan would have found anything.
			for _, a := range []ipmi.ChassisAction{ipmi.PowerDown, ipmi.PowerUp, ipmi.PowerCycle} {
				must(t, b, ipmi.ChassisControl{Action: a})
				for range 200 {
					time.Sleep(scanPeriod)
					b.do(func() { b.sensors.scan(b) })
				}
			}
			for i, st := range b.sensors.state {
				if st.now != 0 && b.sensors.set.sensors[i].full != nil {
					t.Errorf("%s: %s crosses %06b", p.Name, b.sensors.set.sensors[i].name, st.now)
				}
			}
			if scanning() {
				t.Errorf("%s: it scans after the power went and came", p.Name)
			}
			must(t, b, ipmi.SetSensorThresholds{Sensor: b.sensors.set.sensors[0].sensor.Number})
			if !scanning() {
				t.Errorf("%s: thresholds may have changed, and it does not scan", p.Name)
			}
		})
	}
}
