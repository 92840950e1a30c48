package bmc

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"lom/bmc/host/sim"
	"lom/ipmi"
)

func ptr[T any](v T) *T { return &v }

func TestIdentify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sim.New(sim.Config{On: true})
		b := newTest(t, func(c *Config) { c.Host = m })
		state := func() ipmi.IdentifyState { return must(t, b, ipmi.GetChassisStatus{}).Identify }
		for _, step := range []struct {
			req   ipmi.ChassisIdentify
			after time.Duration
			want  ipmi.IdentifyState
		}{
			{ipmi.ChassisIdentify{}, 14 * time.Second, ipmi.IdentifyTimed},
			{ipmi.ChassisIdentify{}, 16 * time.Second, ipmi.IdentifyOff},
			{ipmi.ChassisIdentify{Interval: ptr(uint8(200))}, 199 * time.Second, ipmi.IdentifyTimed},
			{ipmi.ChassisIdentify{Interval: ptr(uint8(0))}, 0, ipmi.IdentifyOff},
			{ipmi.ChassisIdentify{Interval: ptr(uint8(0)), Force: ptr(true)}, time.Hour, ipmi.IdentifyIndefinite},
			{ipmi.ChassisIdentify{Interval: ptr(uint8(1)), Force: ptr(false)}, 2 * time.Second, ipmi.IdentifyOff},
		} {
			must(t, b, step.req)
			time.Sleep(step.after)
			if got := state(); got != step.want ||
				m.Identified() != (step.want != ipmi.IdentifyOff) {
				t.Errorf("%+v, after %v: %v, light %v", step.req, step.after, got, m.Identified())
			}
		}
		must(t, b, ipmi.ChassisIdentify{Force: ptr(true)})
		must(t, b, ipmi.ColdReset{})
		time.Sleep(time.Second)
		if got := state(); got != ipmi.IdentifyOff || m.Identified() {
			t.Errorf("after a cold reset: %v, light %v", got, m.Identified())
		}
	})
}

func TestPowerOnHoursLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := filepath.Join(t.TempDir(), "state")
		b := newTest(t, func(c *Config) { c.StateFile = state })
		hours := func() uint32 {
			t.Helper()
			p := must(t, b, ipmi.GetPOHCounter{})
			return uint32(p.Minutes() / 60)
		}
		time.Sleep(10*time.Hour + 30*time.Minute)
		if n := hours(); n != 10 {
			t.Errorf("%d hours after 10.5", n)
		}
		must(t, b, ipmi.ChassisControl{Action: ipmi.PowerDown})
		time.Sleep(100 * time.Hour)
		must(t, b, ipmi.ChassisControl{Action: ipmi.PowerUp})
		time.Sleep(30 * time.Minute)
		if n := hours(); n != 11 {
			t.Errorf("%d hours after 11 hours on", n)
		}
		time.Sleep(time.Hour)
		b.Close()
		b = newTest(t, func(c *Config) { c.StateFile = state })
		if n := hours(); n < 11 || n > 12 {
			t.Errorf("%d hours after a restart", n)
		}
		b.Close()
	})
}

func TestChassisSettingsLast(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	b := newTest(t, func(c *Config) { c.StateFile = state })
	if s := must(t, b, ipmi.SetPowerRestorePolicy{Policy: ipmi.RestoreUnknown}); !s.AlwaysOn ||
		!s.AlwaysOff || !s.Previous {
		t.Errorf("policies %+v", s)
	}
	if p := must(t, b, ipmi.GetChassisStatus{}).RestorePolicy; p != ipmi.RestorePrevious {
		t.Errorf("asking what is supported set the policy to %v", p)
	}
	must(t, b, ipmi.SetPowerRestorePolicy{Policy: ipmi.RestoreAlwaysOn})
	must(t, b, ipmi.SetFrontPanelEnables{DisableReset: true, DisablePowerOff: true})
	must(t, b, ipmi.SetChassisCapabilities{Intrusion: true, FRUDevice: 0x24,
		BridgeDevice: ptr(uint8(0x26))})
	must(t, b, ipmi.SetPowerCycleInterval{Seconds: 9})
	b.Close()
	b = newTest(t, func(c *Config) { c.StateFile = state })
	st := must(t, b, ipmi.GetChassisStatus{})
	if st.RestorePolicy != ipmi.RestoreAlwaysOn || !st.FrontPanelLockout ||
		!st.FrontPanel.ResetDisabled || st.FrontPanel.StandbyDisabled {
		t.Errorf("status %+v %+v", st, st.FrontPanel)
	}
	if c := must(t, b, ipmi.GetChassisCapabilities{}); !c.Intrusion || c.FrontPanelLockout ||
		c.FRUDevice != 0x24 || *c.BridgeDevice != 0x26 {
		t.Errorf("capabilities %+v", c)
	}
	wantCode[ipmi.PowerRestorePolicySupport](t, "policy 5",
		ipmi.CodeInvalidDataField)(ask(t, b, ipmi.SetPowerRestorePolicy{Policy: 5}))
}

func TestRestartCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		must(t, b, ipmi.ChassisControl{Action: ipmi.HardReset})
		time.Sleep(time.Second)
		if c := must(t, b, ipmi.GetSystemRestartCause{}); c !=
			(ipmi.SystemRestartCause{Cause: ipmi.RestartChassisControl, Channel: channelLAN}) {
			t.Errorf("%+v", c)
		}
	})
}

func TestSelfTest(t *testing.T) {
	b := newTest(t, nil)
	if r := must(t, b, ipmi.GetSelfTestResults{}); r !=
		(ipmi.SelfTestResults{Result: ipmi.SelfTestPassed}) {
		t.Errorf("%+v", r)
	}
	b.repository.records = nil
	if r := must(t, b, ipmi.GetSelfTestResults{}); r !=
		(ipmi.SelfTestResults{Result: ipmi.SelfTestCorrupted,
			Detail: uint8(ipmi.SelfTestSDREmpty)}) {
		t.Errorf("without records: %+v", r)
	}
}
