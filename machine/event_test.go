package machine_test

import (
	"slices"
	"testing"

	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/ipmi/sel"
	"lom/ipmitest"
	"lom/machine"
)

func TestSendEvent(t *testing.T) {
	for want, inBand := range map[string]bool{
		"04020401300109ffff": false, "0402410401300109ffff": true,
	} {
		bmc := ipmitest.Script(t, "> "+want+"\n< 00")
		event := machine.SampleEvents[0].Event
		if err := machine.New(bmc).SendEvent(t.Context(), event, inBand); err != nil {
			t.Error(err)
		}
		if got := bmc.Asked(); !slices.Equal(got, []string{want}) {
			t.Errorf("got %v, want %s", got, want)
		}
	}
}

func TestSensorEvent(t *testing.T) {
	temperature := &sdr.Sensor{
		Key: sdr.Key{Owner: 0x20, Number: 2}, SensorType: ipmi.SensorTemperature,
		EventType: ipmi.EventThreshold,
	}
	presence := &sdr.Sensor{
		Key: sdr.Key{Owner: 0x20, Number: 3}, SensorType: ipmi.SensorProcessor, EventType: 8,
	}
	// Thresholds 10h to 15h; hysteresis 2 upwards, 3 downwards.
	const script = "> 04 27 02\n< 00 3f 10 11 12 13 14 15\n> 04 25 02 ff\n< 00 02 03"
	for _, c := range []struct {
		sensor   *sdr.Sensor
		state    string
		deassert bool
		want     [3]byte
		fails    bool
	}{
		{temperature, "ucr", false, [3]byte{0x59, 0x16, 0x14}, false},
		{temperature, "ucr", true, [3]byte{0x58, 0x11, 0x14}, false},
		{temperature, "lnc", false, [3]byte{0x50, 0x0d, 0x10}, false},
		{temperature, "hot", false, [3]byte{}, true},
		{presence, "Device Present", false, [3]byte{1, 0xff, 0xff}, false},
		{presence, "absent", false, [3]byte{0, 0xff, 0xff}, false},
		{presence, "hot", false, [3]byte{}, true},
	} {
		m := machine.New(ipmitest.Script(t, script))
		e, err := m.SensorEvent(t.Context(), c.sensor, c.state, c.deassert)
		want := sel.Event{
			SensorType: c.sensor.SensorType, Sensor: c.sensor.Number, Type: c.sensor.EventType,
			Deassertion: c.deassert, Data: c.want,
		}
		if (err != nil) != c.fails || err == nil && e != want {
			t.Errorf("%s: got %+v, %v, want %+v", c.state, e, err, want)
		}
	}
	got := machine.EventStates(temperature)
	want := []string{"lnc", "lcr", "lnr", "unc", "ucr", "unr"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
