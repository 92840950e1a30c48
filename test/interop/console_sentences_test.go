package interop

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lom/internal/programs"
)

// Every sentence of a console that is refused names what leads to one, and that was tried: it does.
func TestConsoleSentencesLeadOn(t *testing.T) {
	t.Parallel()
	b := startConsoleBMC(t, "bmcs: [{users: [{name: admin, password: Quiet-Harbour-17, "+
		"privilege: administrator}, "+
		"{name: ops, password: Loud-Harbour-18, privilege: operator}]}]\n")
	ops := b.Target
	ops.User, ops.Password = "ops", "Loud-Harbour-18"
	home := t.TempDir()
	run := func(who programs.Target, line string) programs.Result {
		t.Helper()
		return programs.Run(t, home, programs.Lom(),
			who.Tool("lanplus", programs.Words(line)...)...)
	}
	do := func(line string) {
		t.Helper()
		if r := run(b.Target, line); r.Code != 0 {
			t.Fatal(r)
		}
	}
	const open = "sol activate --linger 10ms" // input ends at once
	for _, c := range []struct {
		before []string
		who    programs.Target
		line   string
		want   string
		remedy []string // of the administrator
		again  string   // what opens a console then
		as     programs.Target
	}{
		{nil, b.Target, open + " instance=2", "the BMC has one console; omit instance=2", nil, open, b.Target},
		{nil, b.Target, "sol looptest 1 1 2", "the BMC has one console; omit instance=2", nil, "sol looptest 1 1", b.Target},
		{[]string{"sol set enabled false"}, b.Target, open,
			`Serial over LAN is disabled; "sol set enabled true" enables it`,
			[]string{"sol set enabled true"}, open, b.Target},
		{[]string{"sol set privilege-level oem"}, b.Target, open,
			`the BMC opens consoles at privilege level OEM only, which hardly a user has; "sol set privilege-level admin" opens them to administrators`,
			[]string{"sol set privilege-level admin"}, open, b.Target},
		{nil, b.Target, "-L OPERATOR " + open,
			"the BMC opens consoles from privilege level ADMINISTRATOR on, and this session has " +
				"OPERATOR; use -L ADMINISTRATOR",
			nil, "-L ADMINISTRATOR " + open, b.Target},
		{nil, ops, "-L OPERATOR " + open,
			"the BMC opens consoles from privilege level ADMINISTRATOR on, and this session has " +
				"OPERATOR; use a user who may have ADMINISTRATOR",
			nil, open, b.Target},
		{[]string{"sol set privilege-level operator", "sol payload disable 1 3"}, ops,
			"-L OPERATOR " + open,
			`user ID 3 may not open consoles; "sol payload enable 1 3" by an administrator lets it`,
			[]string{"sol payload enable 1 3"}, "-L OPERATOR " + open, ops},
		{[]string{"sol set force-encryption true"}, b.Target, "-C 2 " + open,
			"the BMC wants the console encrypted; use a cipher suite that encrypts, such as -C " +
				"17 or -C 3",
			nil, "-C 3 " + open, b.Target},
		{[]string{"sol set force-encryption false", "sol set force-authentication true"}, b.Target,
			"-C 1 " + open,
			"the BMC wants the console authenticated; use a cipher suite with integrity, such as " +
				"-C 17 or -C 3", nil, "-C 2 " + open, b.Target},
	} {
		for _, line := range c.before {
			do(line)
		}
		if r := run(c.who, c.line); r.Code != 1 || r.Stderr != "lom: 127.0.0.1: "+c.want+"\n" {
			t.Errorf("%s: got %q (exit status %d), want %q", c.line, r.Stderr, r.Code, c.want)
		}
		for _, line := range c.remedy {
			do(line)
		}
		if r := run(c.as, c.again); r.Code != 0 || r.Stderr != "" {
			t.Errorf("%s, after %q: %v", c.again, c.want, r)
		}
	}

	// Who has the console, and who may do what about it.
	holder := startProgram(t, t.TempDir(), programs.Lom(), b.Tool("lanplus", "sol", "activate")...)
	holder.await(t, operational)
	const admin = `a session of user "admin" (ID 2) from 127.0.0.1`
	for _, c := range []struct {
		who        programs.Target
		line, want string
	}{
		{b.Target, open, `the console is open in ` + admin + `; "sol deactivate" closes it there, and "sol activate --takeover" takes it over`},
		{ops, "-L OPERATOR " + open + " --takeover", "the console is open in " + admin + ", and only an administrator may take it over"},
		{ops, "-L OPERATOR sol deactivate", "the console is open in a session of another user; an administrator may close it"},
	} {
		if r := run(c.who, c.line); r.Code != 1 || r.Stderr != "lom: 127.0.0.1: "+c.want+"\n" {
			t.Errorf("%s: got %q (exit status %d), want %q", c.line, r.Stderr, r.Code, c.want)
		}
	}
	taker := startProgram(t, t.TempDir(), programs.Lom(),
		b.Tool("lanplus", "sol", "activate", "--takeover")...)
	taker.await(t, operational)
	if code, want := holder.wait(t, time.Minute), "the console was taken over by "+admin+
		`; "sol activate --takeover" takes it back`; code != 1 ||
		!strings.Contains(holder.said(), want) {
		t.Errorf("got %q (exit status %d), want %q", holder.said(), code, want)
	}
	bystander := startProgram(t, t.TempDir(), programs.Lom(),
		ops.Tool("lanplus", "-L", "OPERATOR", "shell")...)
	if _, err := io.WriteString(bystander.in, "power status\n"); err != nil {
		t.Fatal(err)
	}
	bystander.await(t, "Chassis Power is")
	do("sol deactivate")
	taker.wait(t, time.Minute)
	for _, want := range []string{"the console was closed by another session, or by the BMC; " +
		"logged in at that time: ",
		`a session of user "ops" (ID 3) from 127.0.0.1`, `; "sol activate" opens it again` + "\n"} {
		if !strings.Contains(taker.said(), want) {
			t.Errorf("got %q, want %q", taker.said(), want)
		}
	}
	if r := run(b.Target, "sol deactivate"); r.Code != 1 ||
		r.Stderr != "lom: 127.0.0.1: no console is open there; nothing to do\n" {
		t.Error(r)
	}

	// A host that is off takes no input, which ends all the same.
	do("power off")
	typist := startProgram(t, t.TempDir(), programs.Lom(), b.Tool("lanplus", "sol", "activate")...)
	if _, err := io.WriteString(typist.in, "reboot\r~."); err != nil {
		t.Fatal(err)
	}
	if code, want := typist.wait(t,
		time.Minute), `the host is off or asleep and has not taken all of the input; "power on" starts it`; code != 1 || !strings.Contains(typist.said(), want) {
		t.Errorf("got %q (exit status %d), want %q", typist.said(), code, want)
	}
	do("power on")
	if r := run(b.Target, open); r.Code != 0 {
		t.Error(r)
	}
}

// A host without a console is said to have none, and no command is named that would not give it
// one.
func TestConsoleOfAHostWithoutOne(t *testing.T) {
	t.Parallel()
	b := startConsoleBMC(t, "bmcs: [{console: none}]\n")
	for _, line := range []string{"sol activate", "sol looptest 1"} {
		r := programs.Run(t, t.TempDir(), programs.Lom(),
			b.Tool("lanplus", programs.Words(line)...)...)
		if want := "lom: 127.0.0.1: the host has no serial console that the BMC can reach; reach " +
			"the host in another way, such as ssh\n"; r.Code != 1 || r.Stderr != want {
			t.Errorf("%s: got %q (exit status %d), want %q", line, r.Stderr, r.Code, want)
		}
	}
	r := programs.Run(t, t.TempDir(), programs.Lom(), b.Tool("lanplus", "sol", "deactivate")...)
	if want := "lom: 127.0.0.1: the BMC has no Serial over LAN, so no console can be open; " +
		"nothing to do\n"; r.Code != 1 || r.Stderr != want {
		t.Errorf("got %q, want %q", r.Stderr, want)
	}
}

// A console whose BMC dies names --reconnect, which opens it again.
func TestConsoleOfABMCThatDies(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	b := programs.StartBMCAt(t, "127.0.0.1:0", state)
	plain := startProgram(t, t.TempDir(), programs.Lom(), b.Tool("lanplus", "sol", "activate")...)
	plain.await(t, operational)
	b.Kill()
	if code, want := plain.wait(t,
		time.Minute), `the BMC has stopped answering; "sol activate --reconnect" waits for it and opens the console again`; code != 1 || !strings.Contains(plain.said(), want) {
		t.Errorf("got %q (exit status %d), want %q", plain.said(), code, want)
	}
	b = programs.StartBMCAt(t, b.Addr.String(), state)
	patient := startProgram(t, t.TempDir(), programs.Lom(),
		b.Tool("lanplus", "sol", "activate", "--reconnect")...)
	patient.await(t, operational)
	b.Kill()
	patient.await(t, "[no answer from the BMC; waiting for it]")
	programs.StartBMCAt(t, b.Addr.String(), state)
	patient.await(t, "[console open again]")
	if err := patient.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := patient.wait(t, time.Minute); code != 130 {
		t.Errorf("after SIGINT with input from a pipe: got exit status %d, want 130", code)
	}
}

// asIPMItool returns a folder in which a program is called ipmitool.
func asIPMItool(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(path, filepath.Join(dir, "ipmitool")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// conman's script for ipmitool does with lom under that name what it does with ipmitool.
func TestConmanScript(t *testing.T) {
	t.Parallel()
	const script = "/usr/lib/conman/exec/ipmitool.exp"
	programs.Need(t, "ipmitool", "expect")
	text, err := os.ReadFile(script)
	if err != nil {
		t.Skipf("%s is not there; scripts/install-peers tries to install conman", script)
	}
	b := startConsoleBMC(t, "")
	for _, c := range []struct{ name, password, end string }{
		{"right password", b.Password, "bmc1 login: "},
		{"wrong password", "not-" + b.Password, ""},
	} {
		said := map[string]string{}
		for _, program := range []string{"ipmitool", programs.Lom()} {
			// The script looks for programs in two folders, and knows nothing of ports.
			mine := strings.Replace(string(text), `set env(PATH) "`,
				fmt.Sprintf(`set env(PATH) "%s:`, asIPMItool(t, program)), 1)
			mine = strings.Replace(mine, `"ipmitool -e`,
				fmt.Sprintf(`"ipmitool -p %d -e`, b.Addr.Port()), 1)
			if strings.Count(mine, fmt.Sprintf("-p %d", b.Addr.Port())) != 1 {
				t.Fatal("this is not the script that is known")
			}
			file := filepath.Join(t.TempDir(), "ipmitool.exp")
			if err := os.WriteFile(file, []byte(mine), 0o600); err != nil {
				t.Fatal(err)
			}
			r := startProgram(t, t.TempDir(), "expect", file, "127.0.0.1", b.User, c.password)
			want := 1
			if c.end != "" {
				want = 0
				r.await(t, "Connection established via ipmitool")
				if _, err := io.WriteString(r.in, "\r"); err != nil {
					t.Fatal(err)
				}
				r.await(t, c.end)
				if _, err := io.WriteString(r.in, "\r&."); err != nil {
					t.Fatal(err)
				}
			}
			if code := r.wait(t, time.Minute); code != want {
				t.Errorf("%s, %s: got exit status %d, want %d: %s", program, c.name, code, want,
					r.said())
			}
			first, _, _ := strings.Cut(r.said(), " (pid ")
			said[program] = first
		}
		if got, want := said[programs.Lom()], said["ipmitool"]; got != want {
			t.Errorf("%s: with lom %q, with ipmitool %q", c.name, got, want)
		}
	}
}

// Who closes a console that is not open is told in ipmitool's words, which programs look for.
func TestDeactivateAsIPMItool(t *testing.T) {
	t.Parallel()
	programs.Need(t, "ipmitool")
	b := startConsoleBMC(t, "")
	home := t.TempDir()
	want := programs.Run(t, home, "ipmitool", b.Tool("lanplus", "-C", "17", "sol", "deactivate")...)
	got := programs.Run(t, home, filepath.Join(asIPMItool(t, programs.Lom()), "ipmitool"),
		b.Tool("lanplus", "sol", "deactivate")...)
	if got.Code != want.Code || got.Code != 1 || got.Stdout != want.Stdout ||
		got.Stderr != want.Stderr {
		t.Errorf("got %v, want %v", got, want)
	}
	x := openers[2].open(t, b.Target)
	got = programs.Run(t, home, filepath.Join(asIPMItool(t, programs.Lom()), "ipmitool"),
		b.Tool("lanplus", "sol", "activate")...)
	if line := "Info: SOL payload already active on another session\n"; got.Code != 1 ||
		!strings.HasPrefix(got.Stderr, line) {
		t.Errorf("got %v, want %q first", got, line)
	}
	x.Type(openers[2].leave)
	if err := x.End(); err != nil {
		t.Error(err)
	}
}
