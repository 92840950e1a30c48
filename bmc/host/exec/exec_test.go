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
func newMachine(t *testing.T, change func(*Config)) (m *Machine, dir string, events chan host.Event) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no shell to play the machine")
	}
	dir = t.TempDir()
	sh := func(script string) []string { return []string{"sh", "-c", "cd " + dir + "; " + script, "sh"} }
	cfg := Config{
		On: sh("touch on; echo on >>log"), Off: sh("rm -f on; echo off >>log"), Reset: sh("echo reset $KEY >>log"),
		Diag: sh("echo first >&2; echo no such outlet >&2; exit 7"), Soft: sh("sleep 60"),
		Status: sh("[ -e on ] && echo Power is ON || echo Power is Off"), BootDevice: sh("echo boot $1 >>log"),
		Poll: 20 * time.Millisecond, Timeout: 300 * time.Millisecond, Env: []string{"KEY=secret"},
	}
	if change != nil {
		change(&cfg)
	}
	m, events = New(cfg), make(chan host.Event, 100)
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
		case <-time.After(20 * time.Second):
			t.Fatalf("no event, want %d", k)
		}
		if e.Kind != k {
			t.Fatalf("event %d (%v), want %d", e.Kind, e.Err, k)
		}
	}
	return e
}

func TestCommands(t *testing.T) {
	m, dir, events := newMachine(t, func(c *Config) { c.Timeout = 10 * time.Second })
	do := func(a host.Action) {
		t.Helper()
		if err := m.Control(a); err != nil {
			t.Fatalf("%v: %v", a, err)
		}
	}
	if err := m.Control(host.Reset); !errors.Is(err, host.ErrState) {
		t.Errorf("reset while off: %v", err)
	}
	do(host.PowerOn)
	expect(t, events, host.Started)
	if err := m.SetBoot(host.Boot{Device: host.BootCD}); err != nil {
		t.Fatal(err)
	}
	do(host.Reset)
	expect(t, events, host.Restarted)
	do(host.PowerCycle)
	expect(t, events, host.PoweredOff, host.Started)
	do(host.Diagnostic)
	if e := expect(t, events, host.Failed); e.Err == nil || e.Err.Error() != "sh: no such outlet (exit status 7)" {
		t.Errorf("%v", e.Err)
	}
	// Somebody else switches it off.
	if err := os.Remove(filepath.Join(dir, "on")); err != nil {
		t.Fatal(err)
	}
	expect(t, events, host.PoweredOff)
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	if want := "boot default\non\nboot cd\nreset secret\nboot cd\noff\non\n"; err != nil || string(log) != want {
		t.Errorf("%q, %v", log, err)
	}
}

func TestCommandsThatFail(t *testing.T) {
	m, _, events := newMachine(t, func(c *Config) { c.On, c.Off, c.Status = []string{"no-such-program"}, []string{"sleep", "60"}, nil })
	for a, want := range map[host.Action]string{host.PowerOn: "no-such-program", host.PowerOff: "sleep took longer than 300ms"} {
		if err := m.Control(a); err != nil {
			t.Fatal(err)
		}
		if e := expect(t, events, host.Failed); e.Err == nil || !strings.Contains(e.Err.Error(), want) || m.State().Fault == nil {
			t.Errorf("%v: %v", a, e.Err)
		}
	}
	for _, bad := range []Config{{}, {On: []string{"x"}}, {On: []string{""}, Off: []string{"x"}}} {
		if bad.Check() == nil {
			t.Errorf("%v passes", bad)
		}
	}
}
