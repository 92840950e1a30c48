package bmc

import (
	"context"
	"encoding"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"lom/bmc/host/sim"
	"lom/ipmi"
)

// newTest returns a BMC with a simulated host; change adjusts its Config.
func newTest(t testing.TB, change func(*Config)) *BMC {
	t.Helper()
	cfg := Config{Name: "test", Host: sim.New(sim.Config{On: true}), Users: []UserConfig{
		{Name: "admin", Password: ipmi.NewSecret("secret"), Privilege: ipmi.PrivilegeAdministrator},
	}}
	if change != nil {
		change(&cfg)
	}
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// ask has b carry out a request as an administrator on the LAN channel.
func ask[Q ipmi.Request[R], R any, PR interface {
	*R
	encoding.BinaryUnmarshaler
}](t *testing.T, b *BMC, req Q) (R, ipmi.CompletionCode) {
	t.Helper()
	data, err := req.AppendBinary([]byte(req.Command().Body))
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		cc  ipmi.CompletionCode
		out []byte
	}
	ch := make(chan answer, 1)
	ctx := &Context{Context: context.Background(), Channel: channelLAN,
		Privilege: ipmi.PrivilegeAdministrator, User: 2}
	b.Answer(ctx, req.Command().NetFn, req.Command().Code, data,
		func(cc ipmi.CompletionCode, out []byte) {
			ch <- answer{cc, out}
		})
	a := <-ch
	var r R
	if a.cc == ipmi.CodeOK {
		if err := PR(&r).UnmarshalBinary(a.out[len(req.Command().Body):]); err != nil {
			t.Fatalf("%s: answer % x: %v", req.Command().Name, a.out, err)
		}
	}
	return r, a.cc
}

// must is ask for requests that have to succeed.
func must[Q ipmi.Request[R], R any, PR interface {
	*R
	encoding.BinaryUnmarshaler
}](t *testing.T, b *BMC, req Q) R {
	t.Helper()
	r, cc := ask[Q, R, PR](t, b, req)
	if cc != ipmi.CodeOK {
		t.Fatalf("%s: %v", req.Command().Name, cc)
	}
	return r
}

func TestPower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		on := func() bool { return must(t, b, ipmi.GetChassisStatus{}).PowerOn }
		if !on() {
			t.Fatal("off at start")
		}
		must(t, b, ipmi.ChassisControl{Action: ipmi.SoftShutdown})
		if !on() {
			t.Error("a soft shutdown took no time")
		}
		time.Sleep(6 * time.Second)
		if on() {
			t.Error("on after a soft shutdown")
		}
		if _, cc := ask(t, b, ipmi.ChassisControl{Action: ipmi.HardReset}); cc !=
			ipmi.CodeNotInPresentState {
			t.Errorf("reset while off: %v", cc)
		}
		must(t, b, ipmi.ChassisControl{Action: ipmi.PowerUp})
		time.Sleep(time.Second)
		if st := must(t, b, ipmi.GetChassisStatus{}); !st.PowerOn || !st.OnByCommand {
			t.Errorf("after power up: %+v", st)
		}
		must(t, b, ipmi.ChassisControl{Action: ipmi.PowerCycle})
		if on() {
			t.Error("on during a power cycle")
		}
		time.Sleep(2 * time.Second)
		if !on() {
			t.Error("off after a power cycle")
		}
		if _, cc := ask(t, b, ipmi.ChassisControl{Action: 9}); cc != ipmi.CodeInvalidDataField {
			t.Errorf("action 9: %v", cc)
		}
	})
}

func TestPowerThatDoesNotSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, func(c *Config) { c.Host = sim.New(sim.Config{On: true, Stuck: true}) })
		must(t, b, ipmi.ChassisControl{Action: ipmi.PowerDown})
		time.Sleep(time.Second)
		if st := must(t, b, ipmi.GetChassisStatus{}); !st.PowerOn || !st.ControlFault {
			t.Errorf("%+v", st)
		}
	})
}

// What lasts comes back, as the power restore policy says.
func TestPowerAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state")
		start := func() *BMC { return newTest(t, func(c *Config) { c.StateFile = path }) }
		b := start()
		guid := b.controller.guid
		must(t, b, ipmi.ChassisControl{Action: ipmi.PowerDown})
		time.Sleep(time.Second)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		b = start()
		if must(t, b, ipmi.GetChassisStatus{}).PowerOn {
			t.Error("on, though it was off before")
		}
		if b.controller.guid != guid {
			t.Error("another GUID")
		}
	})
}

func TestPrivilege(t *testing.T) {
	b := newTest(t, nil)
	for _, c := range []struct {
		privilege ipmi.Privilege
		want      ipmi.CompletionCode
	}{
		{0, ipmi.CodeInsufficientPrivilege},
		{ipmi.PrivilegeUser, ipmi.CodeInsufficientPrivilege},
		{ipmi.PrivilegeOperator, ipmi.CodeOK},
		{ipmi.PrivilegeSystem, ipmi.CodeOK},
	} {
		ch := make(chan ipmi.CompletionCode, 1)
		b.Answer(&Context{Context: context.Background(), Privilege: c.privilege}, ipmi.NetFnChassis,
			2, []byte{5}, func(cc ipmi.CompletionCode, _ []byte) {
				ch <- cc
			})
		if cc := <-ch; cc != c.want {
			t.Errorf("as %v: %v, want %v", c.privilege, cc, c.want)
		}
	}
}

func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		var events []Event
		b.listen(func(e Event) {
			if e.SensorNumber == watchdogSensor {
				events = append(events, e)
			}
		})
		if _, cc := ask(t, b, ipmi.ResetWatchdogTimer{}); cc != ipmi.CodeWatchdogNotSet {
			t.Errorf("reset before set: %v", cc)
		}
		must(t, b, ipmi.SetWatchdogTimer{Use: ipmi.WatchdogSMS, Action: ipmi.WatchdogPowerDown,
			PreTimeout: ipmi.WatchdogMessaging, PreTimeoutInterval: 2, Countdown: 100})
		must(t, b, ipmi.ResetWatchdogTimer{})
		time.Sleep(7 * time.Second)
		must(t, b, ipmi.ResetWatchdogTimer{})
		time.Sleep(3 * time.Second)
		if w := must(t, b, ipmi.GetWatchdogTimer{}); !w.Running || w.Countdown != 70 ||
			w.InitialCountdown != 100 {
			t.Errorf("after 3 s of 10: %+v", w)
		}
		time.Sleep(6 * time.Second) // past the pre-timeout: a reset comes too late
		must(t, b, ipmi.ResetWatchdogTimer{})
		time.Sleep(2 * time.Second)
		if must(t, b, ipmi.GetChassisStatus{}).PowerOn {
			t.Error("the watchdog did not switch off")
		}
		w := must(t, b, ipmi.GetWatchdogTimer{})
		if w.Running || !w.Expired.Has(ipmi.WatchdogSMS) {
			t.Errorf("after the timeout: %+v", w)
		}
		if len(events) != 2 || events[0].Data != [3]byte{0xc8, 0x34, 0xff} ||
			events[1].Data != [3]byte{0xc2, 0x34, 0xff} {
			t.Errorf("events: %+v", events)
		}
		must(t, b, ipmi.SetWatchdogTimer{Use: ipmi.WatchdogSMS, ClearExpired: 0xff, Countdown: 10})
		if w := must(t, b, ipmi.GetWatchdogTimer{}); w.Expired != 0 {
			t.Errorf("cleared: %+v", w)
		}
	})
}

func TestACPIPowerState(t *testing.T) {
	b := newTest(t, nil)
	if st := must(t, b, ipmi.GetACPIPowerState{}); st.System != ipmi.ACPIS0 ||
		st.Device != ipmi.ACPID0 {
		t.Errorf("at start: %+v", st)
	}
	must(t, b, ipmi.SetACPIPowerState{SetSystem: true, System: ipmi.ACPILegacyOn, SetDevice: true,
		Device: ipmi.ACPINoChange})
	if st := must(t, b, ipmi.GetACPIPowerState{}); st.System != ipmi.ACPILegacyOn ||
		st.Device != ipmi.ACPID0 {
		t.Errorf("after it was set: %+v", st)
	}
	if _, cc := ask(t, b, ipmi.SetACPIPowerState{SetDevice: true, Device: 0x10}); cc !=
		ipmi.CodeInvalidDataField {
		t.Errorf("device state 10h: %v", cc)
	}
}
