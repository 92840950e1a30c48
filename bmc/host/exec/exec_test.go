package exec

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lom/bmc/host"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newMachine returns a machine whose power is a file, and what was done to it, another.
func newMachine(t *testing.T,
	change func(*Config)) (m *Machine, dir string, events chan host.Event) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no shell to play the machine")
	}
	dir = t.TempDir()
	sh := func(script string) []string {
		return []string{"sh", "-c", "cd " + dir + "; " + script, "sh"}
	}
	cfg := Config{
		On: sh("touch on; echo on >>log"), Off: sh("rm -f on; echo off >>log"),
		Reset: sh("echo reset $KEY >>log"),
		Diag:  sh("echo first >&2; echo no such outlet >&2; exit 7"),
		Status: sh("[ ! -e fault ] || { cat fault; exit 1; }; [ -e on ] && echo Power is ON || " +
			"echo Power is Off"), BootDevice: sh("echo boot $1 >>log"),
		Poll: 20 * time.Millisecond, Timeout: time.Hour, Env: []string{"KEY=secret"},
	}
	if change != nil {
		change(&cfg)
	}
	m, events = New(cfg), make(chan host.Event, 100)
	if len(cfg.Status) > 0 && cfg.Status[0] == "sleep" {
		m.lookTime = time.Millisecond
	} else {
		m.lookTime = time.Hour // however much else the test's machine has to do
	}
	m.SetCycleInterval(time.Millisecond)
	m.Notify(func(e host.Event) { events <- e })
	t.Cleanup(func() { m.Close() })
	return m, dir, events
}

func expect(t *testing.T, events chan host.Event, kinds ...host.EventKind) (e host.Event) {
	t.Helper()
	for _, k := range kinds {
		select {
		case e = <-events:
		case <-time.After(time.Minute): // only bounds a hang
			t.Fatalf("no event, want %d", k)
		}
		if e.Kind != k {
			t.Fatalf("event %d (%v), want %d", e.Kind, e.Err, k)
		}
	}
	return e
}

// do has an action done, and returns how it ended.
func do(t *testing.T, m *Machine, a host.Action) error {
	t.Helper()
	done := make(chan error, 1)
	if pending, err := m.Control(a, func(err error) { done <- err }); err != nil || !pending {
		t.Fatalf("%v: pending %v, %v", a, pending, err)
	}
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute): // only bounds a hang
		t.Fatalf("%v does not end", a)
	}
	return nil
}

func TestCommands(t *testing.T) {
	m, dir, events := newMachine(t, nil)
	must := func(a host.Action) {
		t.Helper()
		if err := do(t, m, a); err != nil {
			t.Fatalf("%v: %v", a, err)
		}
	}
	expect(t, events, host.Seen)
	if p := m.State().Power; p != host.Off {
		t.Errorf("at first the power is %v", p)
	}
	if _, err := m.Control(host.Reset, nil); !errors.Is(err, host.ErrState) {
		t.Errorf("reset while off: %v", err)
	}
	must(host.PowerOn)
	if p := m.State().Power; p != host.On {
		t.Errorf("after power on, the power is %v", p)
	}
	expect(t, events, host.Started)
	if err := m.SetBoot(host.Boot{Device: host.BootCD}); err != nil {
		t.Fatal(err)
	}
	must(host.Reset)
	expect(t, events, host.Restarted)
	must(host.PowerCycle)
	expect(t, events, host.PoweredOff, host.Started)
	if err := do(t, m, host.Diagnostic); err == nil ||
		err.Error() != "sh: no such outlet (exit status 7)" || m.State().Fault == nil {
		t.Errorf("diag: %v, fault %v", err, m.State().Fault)
	}
	// Somebody else switches it off.
	if err := os.Remove(filepath.Join(dir, "on")); err != nil {
		t.Fatal(err)
	}
	expect(t, events, host.PoweredOff)
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	if want := "boot default\non\nboot cd\nreset secret\nboot cd\noff\non\n"; err != nil ||
		string(log) != want {
		t.Errorf("%q, %v", log, err)
	}
}

// A machine that cannot be asked is neither on nor off, and what it was does not count.
func TestStatusThatFails(t *testing.T) {
	m, dir, events := newMachine(t, nil)
	expect(t, events, host.Seen)
	fault := filepath.Join(dir, "fault")
	if err := os.WriteFile(fault+"1", []byte("no answer\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fault+"1", fault); err != nil {
		t.Fatal(err)
	}
	if e := expect(t, events, host.Unseen); e.Err == nil ||
		e.Err.Error() != "sh: no answer (exit status 1)" {
		t.Errorf("got %v", e.Err)
	}
	if p := m.State().Power; p != host.Unknown {
		t.Errorf("the power is %v, want unknown", p)
	}
	if err := do(t, m, host.PowerOn); err != nil { // which can be done without being seen
		t.Error(err)
	}
	if p := m.State().Power; p != host.Unknown {
		t.Errorf("after power on, the power is %v, want unknown", p)
	}
	if err := os.Remove(fault); err != nil {
		t.Fatal(err)
	}
	expect(t, events, host.Seen, host.Started)

	for _, status := range [][]string{{"no-such-program"}, {"false"}, {"true"},
		{"sh", "-c", "echo on; exit 1"}, {"sh", "-c", "echo off; exit 1"},
		{"echo", "unknown"}, {"sh", "-c", "kill -9 $$"}} {
		blind, _, events := newMachine(t, func(c *Config) { c.Status = status })
		expect(t, events, host.Unseen)
		<-blind.Looked()
		if p := blind.State().Power; p != host.Unknown {
			t.Errorf("%v: the power is %v, want unknown", status, p)
		}
	}
	// A program that hangs is found out before its time is over.
	hangs, _, events := newMachine(t, func(c *Config) { c.Status = []string{"sleep", "600"} })
	if e := expect(t, events, host.Unseen); e.Err.Error() != "sleep does not answer" ||
		hangs.State().Power != host.Unknown {
		t.Errorf("got %v, %v", e.Err, hangs.State().Power)
	}
}

// Without a command for it, the power is what was commanded, as long as that is known.
func TestWithoutStatus(t *testing.T) {
	m, dir, events := newMachine(t, func(c *Config) {
		c.Status = nil
		c.Off[2] += "; [ ! -e fault ]"
	})
	expect(t, events, host.Unseen)
	for _, step := range []struct {
		do   host.Action
		want []host.EventKind
		now  host.Power
	}{
		{host.PowerOff, []host.EventKind{host.Seen}, host.Off},
		{host.PowerOn, []host.EventKind{host.Started}, host.On},
		{host.PowerCycle, []host.EventKind{host.PoweredOff, host.Started}, host.On},
	} {
		if err := do(t, m, step.do); err != nil || m.State().Power != step.now {
			t.Errorf("%v: %v, the power is %v, want %v", step.do, err, m.State().Power, step.now)
		}
		expect(t, events, step.want...)
	}
	if err := os.WriteFile(filepath.Join(dir, "fault"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := do(t, m, host.PowerOff); err == nil || m.State().Power != host.Unknown {
		t.Errorf("after an off that failed (%v), the power is %v, want unknown", err,
			m.State().Power)
	}
	expect(t, events, host.Unseen)
}

func TestCommandsThatFail(t *testing.T) {
	for a, change := range map[host.Action]func(*Config){
		host.PowerOn: func(c *Config) { c.On = []string{"no-such-program"} },
		host.PowerOff: func(c *Config) {
			c.Off, c.Timeout = []string{"sleep", "60"}, time.Millisecond
		},
	} {
		m, _, events := newMachine(t, func(c *Config) {
			c.Status, c.BootDevice = nil, nil
			change(c)
		})
		expect(t, events, host.Unseen)
		want := map[host.Action]string{host.PowerOn: "no-such-program",
			host.PowerOff: "sleep took longer than 1ms"}[a]
		if err := do(t, m, a); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %s", a, err, want)
		}
		if st := m.State(); st.Fault == nil || st.Power != host.Unknown {
			t.Errorf("after %v failed: %+v, want a fault and unknown power", a, st)
		}
	}
	for _, bad := range []Config{{}, {On: []string{"x"}}, {On: []string{""}, Off: []string{"x"}}} {
		if bad.Check() == nil {
			t.Errorf("%v passes", bad)
		}
	}
}
