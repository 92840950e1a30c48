package libvirt

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lom/bmc/host"
	"lom/internal/libvirtd"
)

func TestMain(m *testing.M) {
	if os.Getenv("LOM_TEST_SSH") != "" {
		os.Exit(playSSH(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// start begins to watch a domain.
func start(t *testing.T, cfg Config) (*Machine, chan host.Event) {
	t.Helper()
	if err := cfg.Check(); err != nil {
		t.Fatal(err)
	}
	m, events := New(cfg), make(chan host.Event, 100)
	m.SetCycleInterval(10 * time.Millisecond)
	m.Notify(func(e host.Event) { events <- e })
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m, events
}

// expect waits for events, and fails at others.
func expect(t *testing.T, events chan host.Event, kinds ...host.EventKind) (e host.Event) {
	t.Helper()
	for _, k := range kinds {
		select {
		case e = <-events:
		case <-time.After(30 * time.Second):
			t.Fatalf("event %d does not come", k)
		}
		if e.Kind != k {
			t.Fatalf("event %d (%v), want %d", e.Kind, e.Err, k)
		}
	}
	return e
}

// expectOne waits for one of two events.
func expectOne(t *testing.T, events chan host.Event, a, b host.EventKind) (e host.Event) {
	t.Helper()
	select {
	case e = <-events:
	case <-time.After(time.Minute): // only bounds a hang
		t.Fatalf("neither event %d nor %d comes", a, b)
	}
	if e.Kind != a && e.Kind != b {
		t.Fatalf("event %d (%v), want %d or %d", e.Kind, e.Err, a, b)
	}
	return e
}

// none fails if there was an event.
func none(t *testing.T, events chan host.Event) {
	t.Helper()
	select {
	case e := <-events:
		t.Fatalf("event %d (%v)", e.Kind, e.Err)
	default:
	}
}

func must(t *testing.T, m *Machine, a host.Action) {
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
	case <-time.After(2 * time.Minute): // only bounds a hang
		t.Fatalf("%v does not end", a)
	}
	return err
}

func within(t *testing.T, d time.Duration, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", d, what)
		}
	}
}

// A domain is switched, from here and from outside, and each change is told once.
func TestPower(t *testing.T) {
	d := libvirtd.Start(t)
	d.Define("node1", "", "")
	m, events := start(t, Config{Domain: "node1", URI: "qemu:///session", Socket: d.Socket})
	expect(t, events, host.Seen)
	if m.State() != (host.State{Power: host.Off}) {
		t.Fatalf("%+v", m.State())
	}
	if err := try(t, m, host.Reset); err != host.ErrState {
		t.Errorf("a reset while it is off: %v", err)
	}
	must(t, m, host.PowerOn)
	expect(t, events, host.Started)
	must(t, m, host.PowerOn)
	must(t, m, host.Diagnostic)
	must(t, m, host.SoftShutdown) // which nobody hears
	must(t, m, host.Reset)
	expect(t, events, host.Restarted)
	must(t, m, host.PowerCycle)
	expect(t, events, host.PoweredOff, host.Started)
	must(t, m, host.PowerOff)
	expect(t, events, host.PoweredOff)
	d.Virsh("start", "node1")
	expect(t, events, host.Started)
	d.Virsh("destroy", "node1")
	expect(t, events, host.PoweredOff)
	if got := d.Virsh("domstate", "node1"); got != "shut off" || m.State().Power != host.Off {
		t.Errorf("virsh says %s, State %+v", got, m.State())
	}
	if s := m.State(); s.Fault != nil {
		t.Error(s.Fault)
	}
	none(t, events)

	// A machine that does not start says why.
	d.Define("broken", "", "<disk type='file'><source file='/nowhere/disk'/><target dev='hda' "+
		"bus='ide'/></disk>")
	broken, events := start(t, Config{Domain: "broken", URI: d.URI("qemu:///session")})
	expect(t, events, host.Seen)
	if err := try(t, broken, host.PowerOn); err == nil ||
		!strings.Contains(err.Error(), "/nowhere/disk") || broken.State().Power != host.Off ||
		broken.State().Fault == nil {
		t.Errorf("%v, %+v", err, broken.State())
	}
}

// The daemon is killed and comes back: what happened meanwhile is told, and nothing else.
func TestDaemonRestarts(t *testing.T) {
	d := libvirtd.Start(t)
	d.Define("node1", "", "")
	d.Virsh("start", "node1")
	m, events := start(t, Config{Domain: "node1", URI: d.URI("qemu:///session")})
	expect(t, events, host.Seen)
	if m.State().Power != host.On {
		t.Fatal("it is on, and that is not known at once")
	}
	d.Kill()
	why := "libvirt at qemu:///session?socket=" + d.Socket + " cannot be reached: "
	if e := expect(t, events, host.Unseen); !strings.Contains(e.Err.Error(), why) ||
		m.State().Power != host.Unknown {
		t.Errorf("%v, the power is %v", e.Err, m.State().Power)
	}
	if err := try(t, m, host.PowerOff); !errors.Is(err, host.ErrUnseen) ||
		!strings.Contains(err.Error(), why) {
		t.Errorf("an action without a daemon: %v", err)
	}
	seen := func() {
		t.Helper()
		for {
			// That the connection has ended is one reason, and that there is no daemon another.
			if e := expectOne(t, events, host.Unseen, host.Seen); e.Kind == host.Seen {
				return
			}
		}
	}
	d.Run()
	seen()
	none(t, events)
	d.Kill()
	expect(t, events, host.Unseen)
	d.Run()
	d.Virsh("destroy", "node1")
	d.Virsh("start", "node1")
	seen()
	expect(t, events, host.PoweredOff, host.Started)
	must(t, m, host.PowerOff)
	expect(t, events, host.PoweredOff)
}

// A boot device is used at the next starts, without a change of the domain, and also by a reset.
func TestBootDeviceOfDomain(t *testing.T) {
	d := libvirtd.Start(t)
	d.Define("node1", "<boot dev='hd'/>",
		"<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk><interface "+
			"type='user'/>")
	before := d.Virsh("dumpxml", "--inactive", "node1")
	m, events := start(t, Config{Domain: "node1", URI: d.URI("qemu:///session")})
	expect(t, events, host.Seen)
	boots := func() string {
		of, err := readDescription(d.Virsh("dumpxml", "node1"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(of.kinds, " ")
	}
	set := func(b host.Device) {
		t.Helper()
		if err := m.SetBoot(host.Boot{Device: b}); err != nil {
			t.Fatal(err)
		}
	}
	set(host.BootCD)
	must(t, m, host.PowerOn)
	expect(t, events, host.Started)
	if got := boots(); got != "cdrom hd" {
		t.Errorf("it boots from %s", got)
	}
	id := d.Virsh("domid", "node1")
	must(t, m, host.Reset)
	expect(t, events, host.Restarted)
	if d.Virsh("domid", "node1") != id {
		t.Error("a reset without a change of the boot device is a new start")
	}
	set(host.BootNetwork)
	must(t, m, host.Reset)
	expect(t, events, host.Restarted)
	if got := boots(); got != "network hd" {
		t.Errorf("after a reset, it boots from %s", got)
	}
	set(host.BootDefault)
	must(t, m, host.PowerCycle)
	expect(t, events, host.PoweredOff, host.Started)
	if got := boots(); got != "hd" {
		t.Errorf("by itself, it boots from %s", got)
	}
	must(t, m, host.PowerOff)
	expect(t, events, host.PoweredOff)
	if after := d.Virsh("dumpxml", "--inactive", "node1"); after != before {
		t.Errorf("the domain was changed:\n%s\n%s", before, after)
	}
	none(t, events)
}

// The console hears the first words of the firmware, and those of the next start.
func TestConsole(t *testing.T) {
	d := libvirtd.Start(t)
	d.Define("node1", "<bios useserial='yes'/>", "")
	cfg := Config{Domain: "node1", URI: d.URI("qemu:///session")}
	m := New(cfg)
	c := m.Console()
	events := make(chan host.Event, 100)
	m.Notify(func(e host.Event) { events <- e })
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	hear := func(words string) {
		t.Helper()
		var heard strings.Builder
		within(t, 60*time.Second, "the console says "+words, func() bool {
			var buf [1000]byte
			n, _ := c.Read(buf[:])
			heard.Write(buf[:n])
			return strings.Contains(heard.String(), words)
		})
	}
	c.Attach(func() {})
	must(t, m, host.PowerOn)
	hear("SeaBIOS (version")
	expect(t, events, host.Seen, host.Started)
	if err := c.Break(); err != nil {
		t.Errorf("break: %v", err)
	}
	must(t, m, host.PowerCycle)
	hear("SeaBIOS (version")
	expect(t, events, host.PoweredOff, host.Started)
	// Who goes leaves the console to others.
	c.Detach()
	within(t, 10*time.Second, "the console is left", func() bool { return !c.Present() })
	other := New(cfg)
	o := other.Console()
	o.Attach(func() {})
	within(t, 10*time.Second, "the console is taken", o.Present)
	o.Close()
	other.Close()
}

// The driver that libvirt has for tests, which has no QEMU.
func TestOtherDriver(t *testing.T) {
	d := libvirtd.Start(t)
	m, events := start(t, Config{Domain: "test", URI: d.URI("test:///default")})
	expect(t, events, host.Seen)
	if s := m.State(); s != (host.State{Power: host.On}) {
		t.Fatalf("%+v", s)
	}
	must(t, m, host.SoftShutdown)
	expect(t, events, host.PoweredOff)
	must(t, m, host.PowerOn)
	expect(t, events, host.Started)
	if e := m.SetBoot(host.Boot{Device: host.BootNetwork}); e != nil {
		t.Error(e)
	}
	must(t, m, host.PowerCycle)
	expect(t, events, host.PoweredOff, host.Started)
	missing, events := start(t, Config{Domain: "nobody", URI: d.URI("test:///default")})
	if e := expect(t, events, host.Unseen); missing.State().Power != host.Unknown ||
		!strings.Contains(e.Err.Error(),
			"has no domain nobody; virsh list --all shows those it has") {
		t.Errorf("%v, %+v", e.Err, missing.State())
	}
}

// By ssh, a program connects to the socket on the other machine. Here that is this one, and the
// program plays both ssh and netcat.
func TestBySSH(t *testing.T) {
	d := libvirtd.Start(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ssh := filepath.Join(t.TempDir(), "ssh")
	if err := os.WriteFile(ssh, []byte("#!/bin/sh\nLOM_TEST_SSH=1 exec "+self+" \"$@\"\n"),
		0o755); err != nil {
		t.Fatal(err)
	}
	m, events := start(t, Config{Domain: "test",
		URI: "test+ssh://root@192.0.2.1:22/default?command=" + ssh + "&socket=" + d.Socket})
	expect(t, events, host.Seen)
	if p := m.State().Power; p != host.On {
		t.Errorf("the power is %v, want on", p)
	}
	must(t, m, host.PowerOff)
	expect(t, events, host.PoweredOff)

	_, events = start(t, Config{Domain: "test",
		URI: "test+ssh://nobody@192.0.2.1/default?command=" + ssh + "&socket=" + d.Socket})
	if e := expect(t, events, host.Unseen); !strings.Contains(e.Err.Error(),
		"ssh says: nobody@192.0.2.1: Permission denied (publickey).") {
		t.Errorf("got %v", e.Err)
	}
}

// playSSH is what the test above starts.
func playSSH(args []string) int {
	line := strings.Join(args, " ")
	_, socket, ok := strings.Cut(args[len(args)-1], "exec nc -U ")
	if !ok || !strings.HasPrefix(line, "-T -o BatchMode=yes -e none -p 22 -l root -- 192.0.2.1 ") {
		fmt.Fprint(os.Stderr, "Warning: not allowed\r\nnobody@192.0.2.1: Permission denied "+
			"(publickey).\r\n")
		return 255
	}
	conn, err := net.Dial("unix", strings.Trim(socket, "'"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() {
		_, _ = io.Copy(conn, os.Stdin) // until either ends
		os.Exit(0)
	}()
	_, _ = io.Copy(os.Stdout, conn)
	return 0
}
