package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"lom/client"
	"lom/ipmi"
)

// A fleet is many BMCs of which only the power and a little more is there. Time is that of
// synctest.
type fleet struct {
	mu      sync.Mutex
	hosts   map[string]*fleetHost
	open    int      // sessions
	most    int      // that were open at the same time
	began   []string // hosts in the order in which they were dialled, with the time since the first
	start   time.Time
	actions []string // power actions, in order
}

// fleetHost is one of its BMCs.
type fleetHost struct {
	name    string
	off     bool
	delay   time.Duration // of each answer
	dial    error
	switchT time.Duration // from the command to the power's switching
	stuck   bool          // the power does not switch
	blind   bool          // it does not see its server
	lost    bool          // the answer of the power action is lost
	refuse  ipmi.CompletionCode
	says    []byte // answer to raw 30h 01h
	fleet   *fleet
}

func newFleet(names ...string) *fleet {
	f := &fleet{hosts: map[string]*fleetHost{}}
	for _, n := range names {
		f.hosts[n] = &fleetHost{name: n, fleet: f}
	}
	return f
}

func (f *fleet) dial(ctx context.Context, o *Options, _ *slog.Logger) (Session, error) {
	name := o.Host
	if o.Port != 623 {
		name = fmt.Sprintf("%s:%d", o.Host, o.Port)
	}
	f.mu.Lock()
	if f.start.IsZero() {
		f.start = time.Now()
	}
	f.began = append(f.began, fmt.Sprintf("%s %v", name, time.Since(f.start)))
	h := f.hosts[name]
	f.open++
	f.most = max(f.most, f.open)
	f.mu.Unlock()
	closed := func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.open--
	}
	if h == nil {
		closed()
		return nil, &ipmi.Error{Op: "open session", Peer: name, Err: ipmi.ErrRefused}
	}
	if h.dial != nil {
		closed()
		return nil, &ipmi.Error{Op: "open session", Peer: name, Err: h.dial}
	}
	return &fleetSession{h, sync.OnceFunc(closed)}, nil
}

type fleetSession struct {
	host  *fleetHost
	close func()
}

func (s *fleetSession) Close() error {
	s.close()
	return nil
}

func (s *fleetSession) Exchange(ctx context.Context,
	req ipmi.RawRequest) (ipmi.RawResponse, error) {
	h := s.host
	if err := sleep(ctx, h.delay); err != nil {
		return ipmi.RawResponse{}, err
	}
	h.fleet.mu.Lock()
	defer h.fleet.mu.Unlock()
	switch {
	case req.Command.NetFn == 0x30:
		return ipmi.RawResponse{Data: h.says}, nil
	case req.Command.NetFn == 0 && req.Command.Code == 1 && h.blind:
		return ipmi.RawResponse{Code: ipmi.CodeNotInPresentState}, nil
	case req.Command.NetFn == 0 && req.Command.Code == 1:
		data := []byte{0x21, 0, 0x60}
		if h.off {
			data[0] = 0x20
		}
		return ipmi.RawResponse{Data: data}, nil
	case req.Command.NetFn == 0 && req.Command.Code == 2:
		act := ipmi.ChassisAction(req.Data[0])
		h.fleet.actions = append(h.fleet.actions, fmt.Sprintf("%s %d", h.name, act))
		if h.refuse != 0 {
			return ipmi.RawResponse{Code: h.refuse}, nil
		}
		if !h.stuck {
			h.switchPower(act)
		}
		if h.lost {
			return ipmi.RawResponse{}, &ipmi.Error{Command: req.Command,
				Err: ipmi.ErrOutcomeUnknown}
		}
		return ipmi.RawResponse{}, nil
	}
	return ipmi.RawResponse{Code: ipmi.CodeInvalidCommand}, nil
}

func (h *fleetHost) switchPower(act ipmi.ChassisAction) {
	set := func(off bool, after time.Duration) {
		time.AfterFunc(after, func() {
			h.fleet.mu.Lock()
			defer h.fleet.mu.Unlock()
			h.off = off
		})
	}
	switch act {
	case ipmi.PowerUp:
		set(false, h.switchT)
	case ipmi.PowerDown:
		set(true, h.switchT)
	case ipmi.PowerCycle:
		set(true, h.switchT)
		set(false, h.switchT+5*time.Second)
	}
}

// fleetRun is what a run on a fleet printed.
type fleetRun struct {
	stdout, stderr string
	exit           int
}

// run carries out a command line on the fleet. change changes the App before.
func (f *fleet) run(t *testing.T, change func(*App), args ...string) (r fleetRun) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var out, errs bytes.Buffer
		a := f.app(&out, &errs)
		ctx := t.Context()
		if change != nil {
			change(a)
		}
		r.exit = a.Run(ctx, append([]string{"-U", "admin", "-P", "secret"}, args...))
		r.stdout, r.stderr = out.String(), errs.String()
	})
	if f.open != 0 {
		t.Errorf("%d sessions left open", f.open)
	}
	return r
}

func (f *fleet) app(out, errs io.Writer) *App {
	a := newApp("lom", strings.NewReader(""), out, errs)
	a.env = func(string) (string, bool) { return "", false }
	a.zone, a.registry = time.UTC, nil
	a.readPass = func(context.Context, string) (string, error) {
		return "", errors.New("nobody is there to ask")
	}
	a.dial = f.dial
	a.transport = func() (*client.Transport, error) { return nil, nil }
	a.terminal = func(any) bool { return false }
	return a
}

func (r fleetRun) check(t *testing.T, exit int, stdout, stderr string) {
	t.Helper()
	if r.exit != exit || r.stdout != stdout || r.stderr != stderr {
		t.Errorf("exit code %d, want %d\n--- stdout\n%s--- want\n%s--- stderr\n%s--- want\n%s",
			r.exit, exit, r.stdout, stdout, r.stderr, stderr)
	}
}

func onTerminal(a *App) { a.terminal = func(any) bool { return true } }

// slow gives the hosts answers that come in the opposite order.
func (f *fleet) slow(names ...string) {
	for i, n := range names {
		f.hosts[n].delay = time.Duration(len(names)-i) * time.Millisecond
	}
}

func TestManySorted(t *testing.T) {
	f := newFleet("n1", "n2", "n3")
	f.slow("n1", "n2", "n3")
	f.hosts["n2"].off = true
	f.run(t, nil, "-H", "n[1-3]", "power", "status").check(t, 0,
		"n1: Chassis Power is on\nn2: Chassis Power is off\nn3: Chassis Power is on\n", "")
	f.run(t, onTerminal, "-H", "n[1-3]", "power", "status").check(t, 0,
		"n3: Chassis Power is on\nn2: Chassis Power is off\nn1: Chassis Power is on\n", "")
	f.run(t, nil, "-H", "n3", "-H", "n[1-3]", "-c", "power", "status").check(t, 0,
		"n3,Chassis Power is on\nn1,Chassis Power is on\nn2,Chassis Power is off\n", "")
	f.run(t, nil, "-H", "n[1-3]", "-x", "n[1,3]", "power", "status").check(t, 0,
		"Chassis Power is off\n", "")
}

func TestManyJSON(t *testing.T) {
	f := newFleet("n1", "n2", "n3")
	f.hosts["n1"].says = []byte{1, 2}
	f.hosts["n2"].dial = ipmi.ErrPassword
	f.hosts["n3"].off = true
	const failures = "lom: 1 of 3 hosts failed\n  1  n2  wrong password for user \"admin\"\n"
	f.run(t, nil, "-H", "n[1-3]", "-o", "json", "power", "status").check(t, 1,
		`{"host":"n1","power":"on"}`+"\n"+
			`{"host":"n2","error":"wrong password for user \"admin\"","error_code":"wrong_password"}`+"\n"+`{"host":"n3","power":"off"}`+"\n", failures)
	f.run(t, nil, "-H", "n[1-3]", "-o", "json", "--consolidate", "power", "status").check(t, 1,
		`{"hosts":["n1"],"power":"on"}`+"\n"+
			`{"hosts":["n2"],"error":"wrong password for user \"admin\"","error_code":"wrong_password"}`+"\n"+`{"hosts":["n3"],"power":"off"}`+"\n", failures)
}

func TestManyConsolidated(t *testing.T) {
	f := newFleet("n1", "n2", "n3", "n4")
	f.slow("n1", "n2", "n3", "n4")
	f.hosts["n3"].off = true
	f.run(t, nil, "-H", "n[1-5]", "--consolidate", "power", "status").check(t, 1,
		"n[1-2,4]: Chassis Power is on\nn3: Chassis Power is off\n",
		"lom: 1 of 5 hosts failed\n  1  n5  nothing listens on UDP port 623; check -H and -p, "+
			"and whether IPMI over LAN is enabled on the BMC\n")
	f.run(t, nil, "-H", "n[1-4]", "--consolidate", "-c", "power", "status").check(t, 0,
		"\"n[1-2,4]\",Chassis Power is on\nn3,Chassis Power is off\n", "")
	for _, h := range f.hosts {
		h.says = bytes.Repeat([]byte{0xab}, 17)
	}
	f.run(t, nil, "-H", "n[1-4]", "--consolidate", "raw", "0x30", "1").check(t, 0,
		"----------------\nn[1-4]\n----------------\n"+
			" ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab\n ab\n", "")
}

// What is wrong with the command line is said once, and costs no session.
func TestManyCommandLine(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty, bad := file("empty", "# nothing\n\n"), file("bad", "n1\nn[2\n")
	for _, c := range []struct{ line, stdout, stderr string }{
		{"-H n[1-3] mc reset lukewarm", "", `lom: a reset is warm or cold, not "lukewarm"; usage: lom mc reset warm|cold`},
		{"-H n[1-3] frobnicate", "", `lom: there is no command "frobnicate"; "lom help" lists what there is`},
		{"-H n[1-3] sol activate", "", "lom: sol activate opens a console, so it works on one host, and -H names 3"},
		{"-H n[1-3] shell", "", "lom: shell asks a person, so it works on one host, and -H names 3"},
		{"-H n[1-3] sel save x", "", "lom: sel save writes a file, so it works on one host, and -H names 3"},
		{"-H n[1-3] exec -", "", "lom: exec - reads standard input once only; for the 3 hosts that -H names, give the commands in a file"},
		{"-H n[1-3] -a power status", "", "lom: nobody is there to ask"},
		{"-H n[1-3] -I open power status", "", "lom: -I open leads to one BMC only, and -H names 3 hosts"},
		{"-H n[1-3] -x n[1-9] power status", "", "lom: no host is left: -x takes away all that -H names"},
		{"-H n[1-3 power status", "", `lom: -H: "n[1-3" has a [ without a ] behind it`},
		{"-H n[1-3] -x n[ power status", "", `lom: -x: "n[" has a [ without a ] behind it`},
		{"-H n1:0,n2 power status", "", `lom: -H: "n1:0": "0" is not a UDP port; there are 1 to 65535`},
		{"-H n[1-2000000] power status", "", "lom: -H: more than 1000000 hosts are named; that is more than one call works on"},
		{"-H @" + dir + "/none power status", "", "lom: -H: the file of hosts " + dir + "/none cannot be read: no such file or directory"},
		{"-H @" + empty + " power status", "", "lom: -H: " + empty + " names no host"},
		{"-H @" + bad + " power status", "", "lom: -H: " + bad + `: line 2: "n[2" has a [ without a ] behind it`},
		{"-H @ power status", "", "lom: -H: behind the @ belongs the name of a file with hosts"},
		{"-H n[1-3] --fanout 0 power status", "", `lom: option --fanout "0": a number from 1 to 1048576 is needed`},
		{"-H n[1-3] --stagger soon power status", "", `lom: option --stagger "soon": a time up to an hour is needed, such as 500ms or 2s`},
		{"-H n[1-3] power off", "", `lom: there is no terminal to ask on whether "power off" is meant for 3 hosts; --yes says that it is`},
		{"-H n[1-3] raw chassis 2 0", "", `lom: there is no terminal to ask on whether "raw chassis 2 0" is meant for 3 hosts; --yes says that it is`},
	} {
		f := newFleet("n1", "n2", "n3")
		f.run(t, nil, strings.Fields(c.line)...).check(t, 1, c.stdout, c.stderr+"\n")
		if len(f.began) > 0 {
			t.Errorf("%s: dialled %v", c.line, f.began)
		}
	}
	// None of these may lead to the BMC of the machine that lom runs on.
	for _, expr := range []string{",", " ", "n1!n1", "n1&n2", "n[1-2]^n[1-2]"} {
		f := newFleet("n1", "n2", "")
		f.run(t, nil, "-H", expr, "power", "off").check(t, 1, "",
			fmt.Sprintf("lom: -H: %q names no host\n", expr))
		if len(f.began) > 0 {
			t.Errorf("-H %q: dialled %v", expr, f.began)
		}
	}
	f := newFleet("")
	f.run(t, nil, "-x", "n1", "power", "off").check(t, 1, "",
		"lom: -x leaves out some of the hosts that -H names, and there is no -H\n")
	f = newFleet("n1", "n2", "n3")
	if r := f.run(t, nil, "-H", "n[1-3]", "sdr", "type", "list"); r.exit != 0 ||
		strings.Count(r.stdout, "Temperature") != 1 || strings.Contains(r.stdout, "n1") {
		t.Errorf("%+v", r)
	}
	if r := f.run(t, nil, "-H", "n[1-3]", "version"); r.exit != 0 ||
		!strings.HasPrefix(r.stdout, "lom ") {
		t.Errorf("%+v", r)
	}
}

// Files of hosts, ports and exclusion.
func TestManyHosts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rack")
	if err := os.WriteFile(file, []byte("# rack 1\nn[1-2]\n\nh:[6231-6232] # by port\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	f := newFleet("n1", "n2", "h:6231", "h:6232", "::1")
	f.run(t, nil, "-H", "@"+file+",[::1]", "power", "status").check(t, 0,
		"n1: Chassis Power is on\nn2: Chassis Power is on\nh:6231: Chassis Power is on\nh:6232: "+
			"Chassis Power is on\n[::1]: Chassis Power is on\n", "")
	f.run(t, nil, "-H", "@"+file, "-x", "h,n1", "power", "status").check(t, 0,
		"Chassis Power is on\n", "")
	f.run(t, nil, "-H", "@"+file, "-x", "h:6231", "-x", "n1", "power", "status").check(t, 0,
		"n2: Chassis Power is on\nh:6232: Chassis Power is on\n", "")
	// With its port or without, and by a file that Windows wrote: it is the same host.
	f.run(t, nil, "-H", "n1,n1:623,n2", "power", "status").check(t, 0,
		"n1: Chassis Power is on\nn2: Chassis Power is on\n", "")
	f.run(t, nil, "-H", "n1,n2", "-x", "n1:623", "-p", "623", "power", "status").check(t, 0,
		"Chassis Power is on\n", "")
	f.run(t, nil, "-H", "n1,n2", "-x", "n1:624", "power", "status").check(t, 0,
		"n1: Chassis Power is on\nn2: Chassis Power is on\n", "")
	if err := os.WriteFile(file, []byte("\xef\xbb\xbfn1\r\nn2\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.run(t, nil, "-H", "@"+file, "power", "status").check(t, 0,
		"n1: Chassis Power is on\nn2: Chassis Power is on\n", "")
	f.run(t, nil, "-H", "h:6232", "power", "status").check(t, 0, "Chassis Power is on\n", "")
	f.run(t, nil, "-H", "[::1]", "power", "status").check(t, 0, "Chassis Power is on\n", "")
}

// Failures stand in a table, the most frequent reason first.
func TestManyFailures(t *testing.T) {
	f := newFleet("n1", "n2", "n3", "n4", "n5", "n6")
	f.hosts["n2"].dial, f.hosts["n3"].dial, f.hosts["n5"].dial = ipmi.ErrPassword, ipmi.ErrTimeout,
		ipmi.ErrTimeout
	f.hosts["n6"].refuse = ipmi.CodeNotInPresentState
	f.run(t, nil, "-H", "n[1-6]", "--yes", "power", "soft").check(t, 1,
		"n1: Chassis Power Control: Soft\nn4: Chassis Power Control: Soft\n",
		`lom: 4 of 6 hosts failed
  2  n[3,5]  no answer on UDP port 623; check -H and -p, that the BMC is up, and that no firewall is between (-N and -R wait longer)
  1  n2      wrong password for user "admin"
  1  n6      Set Chassis Power Control to Soft failed: Command not supported in present state
`)
}

// One person answers for all hosts.
func TestManyPasswordsOnce(t *testing.T) {
	f := newFleet("n1", "n2", "n3")
	asked := []string{}
	ask := func(a *App) {
		a.readPass = func(_ context.Context, prompt string) (string, error) {
			asked = append(asked, prompt)
			return "x", nil
		}
	}
	r := f.run(t, ask, "-H", "n[1-3]", "-a", "user", "set", "password", "3")
	if want := []string{"Password: ", "Password for user 3: ",
		"Password for user 3: "}; !slices.Equal(asked, want) {
		t.Errorf("%q", asked)
	}
	r.check(t, 1, "", "lom: 3 of 3 hosts failed\n  3  n[1-3]  Set User Password command (user 3) "+
		"failed: Invalid command\n")
}

func TestManyPowerAsks(t *testing.T) {
	for _, c := range []struct {
		answer, stdout, stderr string
		exit                   int
	}{
		{"yes\n", "n1: Chassis Power Control: Down/Off\nn2: Chassis Power Control: Down/Off\n", "", 0},
		{"no\n", "", "lom: nothing was done\n", 1},
		{"", "", "lom: nothing was done\n", 1},
	} {
		f := newFleet("n1", "n2")
		r := f.run(t, func(a *App) {
			a.In = strings.NewReader(c.answer)
			a.terminal = func(s any) bool { return s == any(a.In) || s == any(a.Err) }
		}, "-H", "n[1-2]", "power", "off")
		r.check(t, c.exit, c.stdout, "power off on 2 hosts: n[1-2]\nGo on? (yes or no) "+c.stderr)
		if c.exit != 0 && len(f.began)+len(f.actions) > 0 {
			t.Errorf("%q: %v %v", c.answer, f.began, f.actions)
		}
	}
	// One host is switched without a question, as ever.
	f := newFleet("n1")
	f.run(t, nil, "-H", "n1", "power", "off").check(t, 0, "Chassis Power Control: Down/Off\n", "")
	file := filepath.Join(t.TempDir(), "commands")
	if err := os.WriteFile(file, []byte("power status\nchassis power cycle # now\n"), 0o600); err !=
		nil {
		t.Fatal(err)
	}
	if r := newFleet("n1", "n2").run(t, nil, "-H", "n[1-2]", "exec", file); r.exit != 1 ||
		strings.Count(r.stderr, "--yes") != 1 {
		t.Errorf("%+v", r)
	}
	f = newFleet("n1", "n2")
	f.run(t, nil, "-H", "n[1-2]", "--yes", "exec", file).check(t, 0,
		"n1: Chassis Power is on\nn1: Chassis Power Control: Cycle\nn2: Chassis Power is on\nn2: "+
			"Chassis Power Control: Cycle\n", "")
}

// A power action on many hosts is over when the power is as it should be.
func TestManyPowerConfirmed(t *testing.T) {
	f := newFleet("n1", "n2", "n3", "n4")
	for _, h := range f.hosts {
		h.off, h.switchT = true, 7*time.Second
	}
	f.hosts["n3"].stuck, f.hosts["n4"].lost = true, true
	f.hosts["n4"].switchT = 2 * time.Second
	r := f.run(t, nil, "-H", "n[1-4]", "--yes", "power", "on")
	r.check(t, 1, "n1: Chassis Power Control: Up/On\nn2: Chassis Power Control: Up/On\nn4: "+
		"Chassis Power Control: Up/On\n",
		"lom: 1 of 4 hosts failed\n  1  n3  the power is still off 1m0s after it was to be "+
			"switched on; look with power status before you repeat it\n")
	slices.Sort(f.actions)
	if want := []string{"n1 1", "n2 1", "n3 1", "n4 1"}; !slices.Equal(f.actions, want) {
		t.Errorf("on sends %v", f.actions)
	}
	f = newFleet("n1", "n2")
	f.hosts["n2"].stuck = true // or off for so short a time that nobody sees it
	for _, c := range []struct {
		action, words string
	}{{"cycle", "Cycle"}, {"reset", "Reset"}, {"diag", "Diag"}} {
		f.run(t, nil, "-H", "n[1-2]", "--yes", "power", c.action).check(t, 0,
			fmt.Sprintf("n1: Chassis Power Control: %s\nn2: Chassis Power Control: %[1]s\n",
				c.words), "")
		if f.hosts["n1"].off {
			t.Errorf("%s was over before the power was on again", c.action)
		}
	}
}

func TestManyStagger(t *testing.T) {
	f := newFleet("n1", "n2", "n3")
	f.run(t, nil, "-H", "n[1-3]", "--stagger", "500ms/host", "--yes", "power", "soft")
	if want := []string{"n1 0s", "n2 500ms", "n3 1s"}; !slices.Equal(f.began, want) {
		t.Errorf("%q", f.began)
	}
}

func TestManyBatch(t *testing.T) {
	f := newFleet("n1", "n2", "n3", "n4", "n5")
	for _, h := range f.hosts {
		h.off, h.switchT = true, 50*time.Millisecond
	}
	f.hosts["n2"].switchT = 9 * time.Second
	f.hosts["n3"].dial = ipmi.ErrPassword
	r := f.run(t, nil, "-H", "n[1-5]", "--batch", "2", "--yes", "power", "on")
	if r.exit != 1 || f.most != 2 {
		t.Errorf("%d at the same time: %+v", f.most, r)
	}
	for i, s := range f.began {
		_, at, _ := strings.Cut(s, " ")
		d, err := time.ParseDuration(at)
		if err != nil || (i < 2) != (d < 9*time.Second) {
			t.Errorf("%q", f.began)
		}
	}
	// A batch without any success ends it all.
	f = newFleet("n1", "n2", "n5")
	f.hosts["n1"].stuck, f.hosts["n2"].stuck = true, true
	f.hosts["n1"].off, f.hosts["n2"].off = true, true
	f.run(t, nil, "-H", "n[1-2,5-6]", "--batch", "2", "--yes", "power", "on").check(t, 1, "",
		`lom: no host of a batch could do it, so the rest was not begun: 0 of 4 hosts done, 2 failed, 2 not begun
  2  n[1-2]  the power is still off 1m0s after it was to be switched on; look with power status before you repeat it
  2  n[5-6]  not begun
`)
}

func TestManyFanout(t *testing.T) {
	var names []string
	for i := range 300 {
		names = append(names, fmt.Sprintf("n%d", i))
	}
	f := newFleet(names...)
	for _, h := range f.hosts {
		h.delay = time.Second
	}
	f.run(t, nil, "-H", "n[0-299]", "power", "status")
	if f.most != busyFanout {
		t.Errorf("%d at the same time, want %d", f.most, busyFanout)
	}
	f.most = 0
	f.run(t, nil, "-H", "n[0-299]", "--fanout", "7", "power", "status")
	if f.most != 7 {
		t.Errorf("%d at the same time, want 7", f.most)
	}
}

// Silent hosts do not hold up those that answer.
func TestManySilent(t *testing.T) {
	f := newFleet("x1")
	dial := f.dial
	var took time.Duration
	r := f.run(t, func(a *App) {
		start := time.Now()
		a.dial = func(ctx context.Context, o *Options, log *slog.Logger) (Session, error) {
			if o.Host != "x1" {
				if err := sleep(ctx, 10*time.Second); err != nil {
					return nil, err
				}
				return nil, &ipmi.Error{Op: "open session", Peer: o.Host, Err: ipmi.ErrTimeout}
			}
			took = time.Since(start)
			return dial(ctx, o, log)
		}
	}, "-H", "dead[1-1000],x1", "power", "status")
	if took > 2*time.Second || r.stdout != "x1: Chassis Power is on\n" ||
		!strings.Contains(r.stderr, "1000  dead[1-1000]  no answer") {
		t.Errorf("begun after %v: %+v", took, r)
	}
}

// A signal ends it in order, and what was done is told.
func TestManyInterrupted(t *testing.T) {
	for _, c := range []struct {
		signal syscall.Signal
		exit   int
	}{{syscall.SIGINT, exitInterrupted}, {syscall.SIGTERM, exitTerminated}} {
		f := newFleet("n1", "n2", "n3", "n4", "n5")
		f.hosts["n3"].delay = time.Hour
		f.hosts["n2"].dial = ipmi.ErrPassword
		var r fleetRun
		synctest.Test(t, func(t *testing.T) {
			var out, errs bytes.Buffer
			a := f.app(&out, &errs)
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Minute, func() { cancel(signalError{c.signal}) })
			r.exit = a.Run(ctx, []string{"-U", "admin", "-P", "secret", "-H", "n[1-5]", "--fanout",
				"1", "--yes", "-o", "json", "power", "soft"})
			r.stdout, r.stderr = out.String(), errs.String()
		})
		r.check(t, c.exit, `{"host":"n1","action":"soft","outcome":"done","before":"on"}
{"host":"n2","error":"wrong password for user \"admin\"","error_code":"wrong_password"}
{"host":"n3","action":"soft","outcome":"not-done","before":"unknown","error":"stopped before it was done","error_code":"canceled"}
{"host":"n4","error":"not begun","error_code":"canceled"}
{"host":"n5","error":"not begun","error_code":"canceled"}
`, `lom: stopped: 1 of 5 hosts done, 1 failed, 1 under way, 2 not begun
  1  n2      wrong password for user "admin"
  1  n1      done
  1  n3      under way; look before you repeat it
  2  n[4-5]  not begun
`)
		if f.open != 0 {
			t.Errorf("%d sessions left open", f.open)
		}
	}
}

// On a terminal a last line tells how far it is, and is gone in the end.
func TestManyProgress(t *testing.T) {
	f := newFleet("n1", "n2", "n3", "n4")
	for i, n := range []string{"n1", "n2", "n3", "n4"} {
		f.hosts[n].delay = time.Duration(1+i) * 1050 * time.Millisecond
	}
	r := f.run(t, onTerminal, "-H", "n[1-5]", "power", "status")
	if r.exit != 1 || r.stdout !=
		"n1: Chassis Power is on\nn2: Chassis Power is on\nn3: Chassis Power is on\nn4: Chassis "+
			"Power is on\n" {
		t.Errorf("%+v", r)
	}
	for _, want := range []string{"0 done, 1 failed, 4 left, about 2s to go",
		"2 done, 1 failed, 2 left, about 2s to go"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("%q does not show %q", r.stderr, want)
		}
	}
	if _, last, _ := strings.Cut(r.stderr, "lom:"); !strings.HasPrefix(last,
		" 1 of 5 hosts failed\n") {
		t.Errorf("ends with %q", last)
	}
	if before, _, _ := strings.Cut(r.stderr, "lom:"); !strings.HasSuffix(before, " \r") {
		t.Errorf("the line is not erased: %q", before)
	}
}
