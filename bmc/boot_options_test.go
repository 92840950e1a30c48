package bmc

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"lom/bmc/host"
	"lom/bmc/host/sim"
	"lom/ipmi"
)

// bootTest is a BMC with a host that is on, and short ways to its boot flags.
type bootTest struct {
	t *testing.T
	b *BMC
	m *sim.Machine
}

func newBootTest(t *testing.T, change func(*Config)) *bootTest {
	m := sim.New(sim.Config{On: true})
	return &bootTest{t, newTest(t, func(c *Config) {
		c.Host = m
		if change != nil {
			change(c)
		}
	}), m}
}

func (x *bootTest) set(p ipmi.Parameter) {
	x.t.Helper()
	req, err := ipmi.SetBootParameter(p)
	if err != nil {
		x.t.Fatal(err)
	}
	must(x.t, x.b, req)
}

func (x *bootTest) flags() ipmi.BootFlags {
	x.t.Helper()
	p, err := must(x.t, x.b, ipmi.GetSystemBootOptions{Number: 5}).Parameter()
	if err != nil {
		x.t.Fatal(err)
	}
	return p.(ipmi.BootFlags)
}

func TestBootFlagsForOneBoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBootTest(t, nil)
		x.set(ipmi.BootInfoAcknowledge{Mask: 0xff, Pending: 0xff})
		x.set(ipmi.BootFlags{Valid: true, EFI: true, Device: ipmi.BootPXE})
		time.Sleep(50 * time.Second)
		must(t, x.b, ipmi.ChassisControl{Action: ipmi.PowerCycle})
		if got := x.m.Boot(); got != (host.Boot{Device: host.BootNetwork, EFI: true}) {
			t.Errorf("boots from %+v", got)
		}
		time.Sleep(2 * time.Second)
		if f := x.flags(); f.Valid || f.Device != ipmi.BootPXE {
			t.Errorf("after the boot: %+v", f)
		}
		if got := x.m.Boot(); got != (host.Boot{}) {
			t.Errorf("boots next from %+v", got)
		}
		ack := must(t, x.b, ipmi.GetSystemBootOptions{Number: 4})
		if ack.Data[0] != 0 || ack.Data[1] != 0xfe {
			t.Errorf("acknowledge % x", ack.Data)
		}
	})
}

func TestBootFlagsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBootTest(t, nil)
		valid := func(when string, want bool) {
			t.Helper()
			if f := x.flags(); f.Valid != want {
				t.Errorf("%s: %+v", when, f)
			}
		}
		x.set(ipmi.BootFlags{Valid: true, Persistent: true, Device: ipmi.BootDisk})
		time.Sleep(59 * time.Second)
		valid("after 59 s", true)
		time.Sleep(2 * time.Second)
		valid("after 61 s", false)
		if x.flags().Persistent {
			t.Error("the persistent bit stayed")
		}
		x.set(ipmi.BootValidBitClearing{KeepOnTimeout: true})
		x.set(ipmi.BootFlags{Valid: true, Device: ipmi.BootDisk})
		time.Sleep(time.Hour)
		valid("kept for an hour", true)
		// A watchdog reset is no Chassis Control.
		must(t, x.b, ipmi.SetWatchdogTimer{Use: ipmi.WatchdogOEM, Action: ipmi.WatchdogHardReset,
			Countdown: 1})
		must(t, x.b, ipmi.ResetWatchdogTimer{})
		time.Sleep(time.Second)
		valid("after a watchdog reset", false)
		if got := x.m.Boot(); got.Device != host.BootDefault {
			t.Errorf("a watchdog reset booted from %v", got)
		}
	})
}

func TestBootFlagsPersist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := filepath.Join(t.TempDir(), "state")
		x := newBootTest(t, func(c *Config) { c.StateFile = state })
		x.set(ipmi.BootFlags{Valid: true, Persistent: true, EFI: true, Device: ipmi.BootDisk})
		x.b.Close()
		x = newBootTest(t, func(c *Config) { c.StateFile = state })
		if f := x.flags(); !f.Valid || !f.Persistent {
			t.Errorf("after a restart: %+v", f)
		}
		must(t, x.b, ipmi.ChassisControl{Action: ipmi.HardReset})
		time.Sleep(time.Second)
		x.b.Close()
		x = newBootTest(t, func(c *Config) { c.StateFile = state })
		if got := x.m.Boot(); got != (host.Boot{Device: host.BootDisk, EFI: true}) {
			t.Errorf("boots for ever from %+v", got)
		}
		if cause := must(t, x.b, ipmi.GetSystemRestartCause{}); cause.Channel != 0 &&
			cause.Cause == ipmi.RestartUnknown {
			t.Errorf("restart cause %+v", cause)
		}
		x.b.Close()
	})
}

func TestBootOptionsRefuse(t *testing.T) {
	b := newTest(t, nil)
	code := wantCode[ipmi.NoData]
	set := func(n uint8, data ...byte) (ipmi.NoData, ipmi.CompletionCode) {
		return ask(t, b, ipmi.SetSystemBootOptions{Number: n, Data: data})
	}
	code(t, "progress", ipmi.CodeOK)(set(0, 1))
	code(t, "progress again", ipmi.CodeSetInProgress)(set(0, 1))
	code(t, "commit", ipmi.CodeInvalidDataField)(set(0, 2))
	code(t, "complete", ipmi.CodeOK)(set(0, 0))
	code(t, "parameter 8", ipmi.CodeParameterNotSupported)(set(8, 0))
	code(t, "parameter 96", ipmi.CodeParameterNotSupported)(set(96, 0))
	code(t, "short flags", ipmi.CodeDataLengthInvalid)(set(5, 0x80, 4, 0, 0))
	code(t, "mailbox block", ipmi.CodeParameterOutOfRange)(set(7, bootMailboxBlocks, 1))
	code(t, "mailbox size", ipmi.CodeDataLengthInvalid)(set(7,
		append([]byte{0}, make([]byte, 17)...)...))
	wantCode[ipmi.SystemBootOptions](t, "get 9",
		ipmi.CodeParameterNotSupported)(ask(t, b, ipmi.GetSystemBootOptions{Number: 9}))
	flags, err := ipmi.SetBootParameter(ipmi.BootFlags{Valid: true, Persistent: true})
	if err != nil {
		t.Fatal(err)
	}
	if cc := askAs(t, b, &Context{Channel: channelLAN, Privilege: ipmi.PrivilegeOperator},
		flags); cc != ipmi.CodeInsufficientPrivilege {
		t.Errorf("an operator sets persistent flags: %v", cc)
	}
	// Marking a parameter invalid leaves its data.
	code(t, "service partition", ipmi.CodeOK)(set(1, 7))
	must(t, b, ipmi.SetSystemBootOptions{Number: 1, Invalid: true})
	if got := must(t, b, ipmi.GetSystemBootOptions{Number: 1}); !got.Invalid || got.Data[0] != 7 {
		t.Errorf("%+v", got)
	}
	must(t, b, ipmi.SetSystemBootOptions{Number: 7, Data: []byte{4, 0xf2, 0x1b, 0}})
	if got := must(t, b, ipmi.GetSystemBootOptions{Number: 7, Set: 4}); len(got.Data) != 17 ||
		got.Data[1] != 0xf2 {
		t.Errorf("mailbox % x", got.Data)
	}
}
