package qemu

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lom/bmc/host"
)

// The test program is also what plays QEMU.
func TestMain(m *testing.M) {
	if os.Getenv("LOM_TEST_QEMU") != "" {
		playQEMU()
		return
	}
	goleak.VerifyTestMain(m)
}

// playQEMU does what QEMU does with its control socket. Some arguments make it behave badly.
func playQEMU() {
	args := strings.Join(os.Args[1:], " ")
	if strings.Contains(args, "die") {
		fmt.Fprintln(os.Stderr, "a warning\nqemu: could not open 'no.img': No such file or "+
			"directory")
		os.Exit(1)
	}
	path := args[strings.Index(args, "id=lom-qmp,path=")+len("id=lom-qmp,path="):]
	path, _, _ = strings.Cut(path, " ")
	conn, err := net.Dial("unix", path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	playQMP(conn, args)
}

// playQMP is QEMU's end of a control connection, until quit.
func playQMP(conn net.Conn, args string) {
	onReset := "reset"
	fmt.Fprintln(conn, `{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}`)
	event := func(name, reason string) {
		fmt.Fprintf(conn, `{"timestamp": {"seconds": 1, "microseconds": 2}, "event": %q, "data": {"guest": true, "reason": %q}}`+"\n", name, reason)
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		var q struct {
			Execute   string
			ID        uint64
			Arguments map[string]string
		}
		if json.Unmarshal(lines.Bytes(), &q) != nil {
			return
		}
		if q.Execute == "inject-nmi" {
			fmt.Fprintf(conn, `{"id": %d, "error": {"class": "GenericError", "desc": "machine does not provide NMIs"}}`+"\n", q.ID)
			continue
		}
		if q.Execute == "query-status" {
			fmt.Fprintf(conn, `{"return": {"status": "running"}, "id": %d}`+"\n", q.ID)
			continue
		}
		fmt.Fprintf(conn, `{"return": {}, "id": %d}`+"\n", q.ID)
		switch q.Execute {
		case "set-action":
			onReset = q.Arguments["reboot"]
			if strings.Contains(args, "reboots") && onReset == "shutdown" { // the guest resets
				event("SHUTDOWN", "guest-reset")
				return
			}
		case "system_reset":
			event("RESET", "host-qmp-system-reset")
			event("RESET", "guest-reset") // as SeaBIOS does
		case "system_powerdown":
			event("POWERDOWN", "")
			event("SHUTDOWN", "guest-shutdown")
			return
		case "quit":
			event("SHUTDOWN", "host-qmp-quit")
			return
		}
	}
}

// newMachine returns a machine whose QEMU is played, and its events.
func newMachine(t *testing.T, cfg Config) (*Machine, chan host.Event) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("programs end differently there")
	}
	if cfg.Program == "" && cfg.Attach == "" {
		t.Setenv("LOM_TEST_QEMU", "1")
		cfg.Program, _ = os.Executable()
	}
	m := New(cfg)
	events := make(chan host.Event, 100)
	m.SetCycleInterval(10 * time.Millisecond)
	m.Notify(func(e host.Event) { events <- e })
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m, events
}

func expect(t *testing.T, events chan host.Event, kinds ...host.EventKind) host.Event {
	t.Helper()
	var e host.Event
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

func control(t *testing.T, m *Machine, a host.Action) {
	t.Helper()
	if err := try(t, m, a); err != nil {
		t.Fatalf("%v: %v", a, err)
	}
}

// try has an action done, and returns how it ended.
func try(t *testing.T, m *Machine, a host.Action) error {
	t.Helper()
	done := make(chan error, 1)
	pending, err := m.Control(a, func(err error) { done <- err })
	if !pending {
		return err
	}
	select {
	case err = <-done:
	case <-time.After(time.Minute): // only bounds a hang
		t.Fatalf("%v does not end", a)
	}
	return err
}

func TestPower(t *testing.T) {
	m, events := newMachine(t, Config{On: true})
	expect(t, events, host.Started)
	for _, step := range []struct {
		do   host.Action
		want []host.EventKind
		on   bool
	}{
		{host.Reset, []host.EventKind{host.Restarted}, true},
		{host.PowerCycle, []host.EventKind{host.PoweredOff, host.Started}, true},
		{host.SoftShutdown, []host.EventKind{host.PoweredOff}, false},
		{host.PowerOn, []host.EventKind{host.Started}, true},
		{host.PowerOff, []host.EventKind{host.PoweredOff}, false},
	} {
		control(t, m, step.do)
		expect(t, events, step.want...)
		if st := m.State(); st.Power != host.PowerOf(step.on) {
			t.Errorf("after %v: %+v", step.do, st)
		}
		if step.do == host.Reset {
			if err := try(t, m, host.Diagnostic); err == nil || m.State().Fault == nil {
				t.Errorf("an NMI that QEMU refuses: %v, %+v", err, m.State())
			}
		}
	}
	if err := try(t, m, host.Reset); !errors.Is(err, host.ErrState) {
		t.Errorf("reset while off: %v", err)
	}
}

// What is asked for before QEMU listens is done when it does.
func TestControlAtOnce(t *testing.T) {
	m, events := newMachine(t, Config{})
	for _, a := range []host.Action{host.PowerOn, host.Reset, host.SoftShutdown} {
		for {
			if _, err := m.Control(a, func(err error) {
				if err != nil {
					t.Errorf("%v: %v", a, err)
				}
			}); !errors.Is(err, host.ErrState) {
				break
			}
			time.Sleep(time.Millisecond) // until QEMU was started
		}
	}
	expect(t, events, host.Started, host.Restarted, host.PoweredOff)
}

func TestKilledFromOutside(t *testing.T) {
	m, events := newMachine(t, Config{On: true})
	expect(t, events, host.Started)
	m.mu.Lock()
	p := m.current.process
	m.mu.Unlock()
	p.cmd.Process.Kill()
	e := expect(t, events, host.PoweredOff)
	if e.Err == nil || !strings.Contains(e.Err.Error(), "signal 9") || m.State().Power != host.Off {
		t.Errorf("%v, %+v", e.Err, m.State())
	}
}

func TestMachineThatDoesNotStart(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Args: []string{"die"}}, "QEMU ended: qemu: could not open 'no.img': No such file or directory"},
		{Config{Program: "no-such-qemu"}, "no-such-qemu is not installed; on Debian it is in the package qemu-system-x86"},
	} {
		m, _ := newMachine(t, c.cfg)
		if err := try(t, m, host.PowerOn); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
		if st := m.State(); st.Power != host.Off || st.Fault == nil {
			t.Errorf("%+v", st)
		}
		// Nobody asked for the start of this one.
		c.cfg.On = true
		_, events := newMachine(t, c.cfg)
		if e := expect(t, events, host.Failed); e.Err == nil || e.Err.Error() != c.want {
			t.Errorf("got %v, want %s", e.Err, c.want)
		}
	}
}

// A machine that is to boot from elsewhere next is started again when its guest resets it.
func TestBootDeviceOfARunningMachine(t *testing.T) {
	m, events := newMachine(t, Config{On: true, Args: []string{"reboots"}})
	expect(t, events, host.Started)
	if err := m.SetBoot(host.Boot{Device: host.BootCD}); err != nil {
		t.Fatal(err)
	}
	expect(t, events, host.Restarted)
	m.mu.Lock()
	args := m.current.args
	m.mu.Unlock()
	if !strings.Contains(args, `"order=dcn"`) {
		t.Error(args)
	}
}

func TestAttach(t *testing.T) {
	path := filepath.Join(t.TempDir(), "qmp")
	wire := filepath.Join(t.TempDir(), "ipmi")
	left, err := net.Listen("unix", wire)
	if err != nil {
		t.Fatal(err)
	}
	left.(*net.UnixListener).SetUnlinkOnClose(false) // as a program that was killed leaves it
	left.Close()
	m, events := newMachine(t, Config{Attach: path, Wire: wire})
	if conn, err := net.Dial("unix", wire); err != nil || m.SystemInterface() == nil {
		t.Errorf("the machine's software cannot reach the BMC: %v", err)
	} else {
		conn.Close()
	}
	expect(t, events, host.Unseen)
	<-m.Looked()
	if p := m.State().Power; p != host.Unknown {
		t.Errorf("without a machine, the power is %v, want unknown", p)
	}
	for _, a := range []host.Action{host.PowerOn, host.PowerOff, host.Reset} {
		if err := try(t, m, a); !errors.Is(err, host.ErrUnseen) ||
			!strings.Contains(err.Error(), path) {
			t.Errorf("%v of a machine that is not seen: %v", a, err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	serve := func() {
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		go func() { playQMP(conn, ""); conn.Close(); done <- struct{}{} }()
	}
	serve()
	expect(t, events, host.Seen, host.Started)
	control(t, m, host.Reset)
	expect(t, events, host.Restarted)
	control(t, m, host.PowerOff)
	expect(t, events, host.PoweredOff)
	<-done
	l.Close()
	// It has said that it ends, and nothing has come since.
	if err := try(t, m, host.PowerOn); !errors.Is(err, host.ErrState) ||
		m.State().Power != host.Off {
		t.Errorf("power on after the end: %v, the power is %v", err, m.State().Power)
	}
	if l, err = net.Listen("unix", path); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	expect(t, events, host.Unseen) // something is there that does not answer
	conn.Close()
	serve()
	expect(t, events, host.Unseen, host.Seen, host.Started)
	m.mu.Lock()
	current := m.current
	m.mu.Unlock()
	current.monitor.conn.Close() // QEMU was killed, or has left us
	<-done
	expect(t, events, host.Unseen)
	if p := m.State().Power; p != host.Unknown {
		t.Errorf("after the end of the connection, the power is %v, want unknown", p)
	}
}

func TestArguments(t *testing.T) {
	raw := filepath.Join(t.TempDir(), "a,b.img")
	if err := os.WriteFile(raw, []byte("QFI\xfb..."), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Config{Disks: []string{raw}, CDROM: "cd.iso", Kernel: "vmlinuz", Append: "quiet",
		Network: []string{"user"}}
	for device, want := range map[host.Device]string{
		host.BootDefault: "-kernel vmlinuz -append quiet -boot order=cdn",
		host.BootDisk:    "e1000,netdev=lom-net0 -boot order=cdn",
		host.BootCD:      "-boot order=dcn", host.BootNetwork: "-boot order=ncd",
		host.BootSetup: "-boot order=cdn,menu=on",
	} {
		args, err := c.arguments(host.Boot{Device: device}, paths{dir: "/run/x"})
		line := strings.Join(args, " ")
		if err != nil || !strings.Contains(line, want) ||
			!strings.Contains(line, "format=qcow2,file="+strings.ReplaceAll(raw, ",", ",,")) {
			t.Errorf("%d: %v %s", device, err, line)
		}
		if device != host.BootDefault && strings.Contains(line, "vmlinuz") {
			t.Errorf("%d: %s", device, line)
		}
	}
	for _, bad := range []Config{{Attach: "x", Memory: 1}, {Attach: "x", On: true}, {Memory: -1},
		{Append: "x"}, {NVRAM: "x"}, {Wire: "x"}, {Disks: []string{"1", "2", "3"}}} {
		if bad.Check() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}

// What is no QEMU at the other end is told from one.
func FuzzMonitor(f *testing.F) {
	f.Add([]byte("{\"QMP\":{}}\n{\"event\":\"RESET\"}\n{\"return\":{},\"id\":0}\n{\"event\":\"STOP\",\"data\":{\"reason\":\"x\"}}\n"))
	f.Add([]byte("{\"QMP\":{}}\n{\"error\":{\"desc\":\"no\"}}\n"))
	f.Add([]byte("SSH-2.0-x\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		ours, theirs := net.Pipe()
		go func() {
			go func() {
				for buf := make([]byte, 512); ; {
					if _, err := theirs.Read(buf); err != nil {
						return
					}
				}
			}()
			theirs.Write(said)
			theirs.Close()
		}()
		if m, err := newMonitor(ours, time.Second); err == nil {
			m.serve(func(string, string) {})
			if _, err := m.do("stop", nil); !errors.Is(err, errMonitorGone) {
				t.Error(err)
			}
		}
	})
}
