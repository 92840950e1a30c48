package ipmi

import "testing"

func TestLookupState(t *testing.T) {
	for _, c := range []struct {
		e        EventType
		s        SensorType
		off      uint8
		words    string
		severity Severity
	}{
		{EventThreshold, SensorTemperature, 9, "Upper Critical going high", Critical},
		{EventThreshold, SensorVoltage, 2, "Lower Critical going low ", Critical},
		{EventDigital, SensorProcessor, 1, "State Asserted", Critical},
		{EventDigital, SensorVoltage, 1, "State Asserted", Warning},
		{EventSensorSpecific, SensorPowerSupply, 0, "Presence detected", Nominal},
		{EventSensorSpecific, SensorFirmwareProgress, 2, "Unknown Progress", Nominal},
		{EventSensorSpecific, SensorPowerSupply, 15, "", SeverityUnknown},
		{0x70, SensorProcessor, 0, "", SeverityUnknown},
	} {
		st, ok := LookupState(c.e, c.s, c.off)
		if st.Words != c.words || st.Severity != c.severity || ok != (c.words != "") {
			t.Errorf("%v %v %d: %+v %t", c.e, c.s, c.off, st, ok)
		}
	}
	if st, _ := LookupEvent(EventSensorSpecific, SensorPowerSupply, 6, 3); st.Words !=
		"Config Error: Power Supply Rating Mismatch" {
		t.Errorf("with data 2: %q", st.Words)
	}
	if st, _ := LookupEvent(EventSensorSpecific, SensorPowerSupply, 6, 0x44); st.Words !=
		"Config Error" {
		t.Errorf("with unknown data 2: %q", st.Words)
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{SensorTemperature.String(), "Temperature"},
		{SensorType(0xc1).String(), "Unknown"},
		{EntityID(0x40).String(), "Air Inlet"},
		{EntityID(0x90).String(), ""},
		{Unit(92).String(), "grams"},
		{UnitRPM.String(), "RPM"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	if n, ok := Manufacturer(674).Name(); !ok || n != "Dell Inc." {
		t.Errorf("674 is %q", n)
	}
}

func TestEventDataFields(t *testing.T) {
	var got []string
	for _, f := range EventDataFields(SensorWatchdog2, 1) {
		got = append(got, f.Text(f.Value(0x14, 0)))
	}
	if len(got) != 2 || got[0] != "Interrupt: SMI" || got[1] != "Timer use: SMS/OS" {
		t.Errorf("watchdog: %q", got)
	}
	fs := EventDataFields(SensorSystemEvent, 4)
	if len(fs) != 6 || !fs[0].Flag() || fs[0].Value(0x20, 0) != 1 ||
		fs[0].Text(1) != "Diagnostic interrupt" {
		t.Errorf("PEF action: %+v", fs)
	}
}
