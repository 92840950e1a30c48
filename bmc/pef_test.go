package bmc

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
)

// setPEF writes PEF parameters.
func setPEF(t *testing.T, b *BMC, list ...ipmi.PEFParameter) {
	t.Helper()
	for _, p := range list {
		data, err := p.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		must(t, b, ipmi.SetPEFConfiguration{Parameter: p.Number(), Data: data})
	}
}

// overheat is an event message: upper critical going high.
var overheat = ipmi.PlatformEvent{Revision: ipmi.EventRevision, SensorType: ipmi.SensorTemperature,
	Sensor: 1, EventType: ipmi.EventThreshold,
	Data: [3]byte{0x59, 0x70, 0x60}}

// withActions returns the factory's first filter with other actions.
func withActions(a ipmi.PEFActions) ipmi.PEFFilter {
	f := ipmi.PEFFilter{Entry: 1, EventFilter: factoryFilters[0].filter()}
	f.Actions = a
	return f
}

func TestFilterSwitchesThePower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		setPEF(t, b, withActions(ipmi.PEFReset|ipmi.PEFPowerOff),
			ipmi.PEFControl{Enabled: true, EventMessages: true})
		must(t, b, overheat)
		if on := must(t, b, ipmi.GetChassisStatus{}).PowerOn; !on {
			t.Fatal("an action that is not enabled was done")
		}
		setPEF(t, b, ipmi.PEFActionControl{Enabled: pefActions})
		must(t, b, overheat)
		time.Sleep(time.Second)
		if on := must(t, b, ipmi.GetChassisStatus{}).PowerOn; on {
			t.Error("on after an event that switches off")
		}
		actions := 0
		for _, r := range b.eventLog.records {
			if e := r.Bytes(); e[10] == sensorTypeSystemEvent && e[14] == byte(ipmi.PEFPowerOff) {
				actions++
			}
		}
		last := must(t, b, ipmi.GetLastProcessedEvent{})
		if actions != 1 || last.BMC != last.LastRecord || last.Software != 0xffff {
			t.Errorf("%d events of PEF's action; %+v", actions, last)
		}
	})
}

func TestFilterStateIsTheFilter(t *testing.T) {
	b := newTest(t, nil)
	setPEF(t, b, ipmi.PEFFilterState{Entry: 1})
	if f, _ := pefValue[ipmi.PEFFilter](b, 1); f.Enabled || f.SensorType != ipmi.SensorTemperature {
		t.Errorf("%+v", f)
	}
	if _, cc := ask(t, b, ipmi.GetPEFConfiguration{Parameter: 7, Set: 99}); cc !=
		ipmi.CodeParameterOutOfRange {
		t.Errorf("filter 99: %v", cc)
	}
}

// alerting returns a BMC that alerts destination 1, and what it has sent.
func alerting(t *testing.T, d ipmi.LANDestinationType) (*BMC, func() []Alert) {
	t.Helper()
	var mu sync.Mutex
	var list []Alert
	sent := func() []Alert {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(list)
	}
	b := newTest(t, func(c *Config) {
		c.SendAlert = func(a Alert) {
			mu.Lock()
			defer mu.Unlock()
			list = append(list, a)
		}
	})
	setPEF(t, b, ipmi.PEFPolicy{Entry: 1, Set: 1, Enabled: true, Channel: channelLAN,
		Destination: 1, String: 2},
		ipmi.PEFPolicy{Entry: 2, Set: 1, Enabled: true, Channel: channelLAN, Destination: 2,
			Rule: ipmi.PolicyNextEntry},
		ipmi.PEFString{String: 2, Block: 1, Data: []byte("too hot")})
	d.Destination = 1
	for _, p := range []ipmi.LANParameter{d,
		ipmi.LANDestinationAddress{Destination: 1, IPv4: ipmi.IPv4Address{192, 0, 2, 50}},
		ipmi.LANDestinationAddress{Destination: 2, IPv4: ipmi.IPv4Address{192, 0, 2, 51}}} {
		if cc := setLAN(t, b, p); cc != ipmi.CodeOK {
			t.Fatal(cc)
		}
	}
	return b, sent
}

func TestAlert(t *testing.T) {
	b, sent := alerting(t, ipmi.LANDestinationType{})
	must(t, b, overheat)
	if len(sent()) != 1 {
		t.Fatalf("%d alerts", len(sent()))
	}
	a := sent()[0]
	if e := a.Trap.Event; a.To.String() != "192.0.2.50" || a.Trap.Community != "public" ||
		e.Text() != "too hot" || e.Severity != ipmi.PEFSeverityCritical ||
		e.Sensor != 1 || e.GUID != b.controller.guid || a.Trap.Specific() != 0x010109 {
		t.Errorf("%+v", a)
	}
}

func TestAlertIsRepeatedUntilAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, sent := alerting(t, ipmi.LANDestinationType{Acknowledged: true, Timeout: 2, Retries: 3})
		must(t, b, overheat)
		time.Sleep(4 * time.Second)
		if len(sent()) != 2 || sent()[1].Try != 1 {
			t.Fatalf("%d alerts in 4 seconds", len(sent()))
		}
		must(t, b, ipmi.PETAcknowledge{Sequence: sent()[1].Trap.Event.Sequence, Sensor: 1})
		time.Sleep(time.Minute)
		if len(sent()) != 2 {
			t.Errorf("%d alerts although one was acknowledged", len(sent()))
		}

		must(t, b, overheat)
		time.Sleep(time.Minute)
		// Four to the first destination, which is silent, and then the second.
		if list := sent()[2:]; len(list) != 5 || list[4].To.String() != "192.0.2.51" {
			t.Errorf("without an answer: %+v", list)
		}
	})
}

func TestAlertImmediate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, sent := alerting(t, ipmi.LANDestinationType{Acknowledged: true})
		status := func() ipmi.AlertStatus {
			return *must(t, b, ipmi.AlertImmediate{Channel: channelLAN,
				Operation: ipmi.AlertGetStatus}).Status
		}
		if got := status(); got != ipmi.AlertNoStatus {
			t.Errorf("before: %v", got)
		}
		must(t, b, ipmi.AlertImmediate{Channel: channelLAN, Destination: 1, SendString: true,
			String: 2,
			Event:  &[8]byte{0x41, 0x04, 0x01, 0x07, 0x01, 0x59, 0x01, 0x02}})
		if len(sent()) != 1 || sent()[0].Trap.Event.Sensor != 7 ||
			sent()[0].Trap.Event.Text() != "too hot" {
			t.Fatalf("%+v", sent())
		}
		if _, cc := ask(t, b, ipmi.AlertImmediate{Channel: channelLAN, Destination: 1}); cc !=
			codeAlertInProgress {
			t.Errorf("a second one: %v", cc)
		}
		time.Sleep(2 * time.Second)
		if got := status(); got != ipmi.AlertNoAnswer {
			t.Errorf("without an answer: %v", got)
		}
		must(t, b, ipmi.AlertImmediate{Channel: channelLAN, Operation: ipmi.AlertClearStatus})
		if got := status(); got != ipmi.AlertNoStatus {
			t.Errorf("cleared: %v", got)
		}
	})
}

func TestPEFWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, sent := alerting(t, ipmi.LANDestinationType{})
		must(t, b, ipmi.ArmPEFPostponeTimer{Timeout: 20})
		must(t, b, overheat)
		time.Sleep(10 * time.Second)
		if r := must(t, b, ipmi.ArmPEFPostponeTimer{Timeout: ipmi.PEFPostponeQuery}); r.Countdown !=
			10 || len(sent()) != 0 {
			t.Errorf("countdown %d, %d alerts", r.Countdown, len(sent()))
		}
		must(t, b, ipmi.SetLastProcessedEvent{Record: must(t, b,
			ipmi.GetLastProcessedEvent{}).LastRecord})
		time.Sleep(time.Minute)
		if len(sent()) != 0 {
			t.Error("an alert for an event that software had processed")
		}
		must(t, b, overheat)
		time.Sleep(21 * time.Second)
		if len(sent()) != 1 {
			t.Errorf("%d alerts when software did nothing", len(sent()))
		}

		// which disarms the timer and begins the startup delay
		must(t, b, ipmi.ChassisControl{Action: ipmi.HardReset})
		time.Sleep(10 * time.Second)
		must(t, b, overheat)
		time.Sleep(45 * time.Second)
		if len(sent()) != 1 {
			t.Error("an alert during the startup delay")
		}
		time.Sleep(15 * time.Second)
		if len(sent()) != 2 {
			t.Errorf("%d alerts after the startup delay", len(sent()))
		}
	})
}

func TestClearedSELForgetsWhatWasProcessed(t *testing.T) {
	b := newTest(t, nil)
	must(t, b, overheat)
	r := must(t, b, ipmi.ReserveSEL{})
	must(t, b, ipmi.ClearSEL{Reservation: r.ID, Action: ipmi.EraseStart})
	if l := must(t, b, ipmi.GetLastProcessedEvent{}); l.BMC != 0xffff || l.LastRecord != 0xffff {
		t.Errorf("%+v", l)
	}
}
