package interop

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lom/internal/ipmisim"
	"lom/internal/programs"
)

// failure is a command that fails, and a few words of the sentence that says why.
type failure struct {
	name string
	args []string
	says string
	// How long it may take; 0: far less than a timeout.
	least, most time.Duration
	// The same sentence as another failure's is allowed.
	same bool
	// What could be read is printed before.
	prints bool
}

// Each cause has its own sentence: one line, on stderr, with exit status 1.
func TestErrorsTellTheirCauses(t *testing.T) {
	sim := simTarget(ipmisim.Start(t, ipmisim.Config{Sensors: 10, Entries: 12, SELSize: 12,
		BadFRU: true}))
	keyed := simTarget(ipmisim.Start(t, ipmisim.Config{Sensors: 5, Kg: "the-bmc-key"}))
	bmc := programs.StartBMC(t).Target

	silent, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	none := bmc.At(closed.LocalAddr().(*net.UDPAddr).AddrPort())
	closed.Close()
	dead := bmc.At(silent.LocalAddr().(*net.UDPAddr).AddrPort())

	monitor := sim.As(ipmisim.Monitor.Name, ipmisim.Monitor.Password)
	event := filepath.Join(t.TempDir(), "event")
	if err := os.WriteFile(event, []byte("0x04 0x01 0x30 0x01 0x59 0x40 0x41\n"), 0o600); err !=
		nil {
		t.Fatal(err)
	}
	for _, f := range []failure{
		{name: "truncated FRU", args: sim.Tool("lanplus", "-C", "3", "fru", "print", "4"), says: "FRU", prints: true},
		{name: "full SEL", args: sim.Tool("lanplus", "-C", "3", "sel", "add", event), says: "full", prints: true},
		{name: "wrong password", args: bmc.As(programs.BMCUser, "wrong").Tool("lanplus", "mc", "info"), says: "password"},
		{name: "wrong password, suite 3", args: bmc.As(programs.BMCUser, "wrong").Tool("lanplus", "-C", "3", "mc", "info"), says: "password", same: true},
		{name: "wrong password, ipmi_sim", args: sim.As("admin", "wrong").Tool("lanplus", "-C", "3", "mc", "info"), says: "password", same: true},
		{name: "wrong password, 1.5", args: bmc.As(programs.BMCUser, "wrong").Tool("lan", "mc",
			"info"), says: "password", same: true,
			most: 20 * time.Second}, // IPMI 1.5 answers it with silence
		{name: "wrong user", args: bmc.As("nobody", "x").Tool("lanplus", "mc", "info"), says: "user"},
		{name: "wrong user, ipmi_sim", args: sim.As("nobody", "x").Tool("lanplus", "-C", "3", "mc", "info"), says: "user", same: true},
		{name: "wrong user, 1.5", args: bmc.As("nobody", "x").Tool("lan", "mc", "info"), says: "user", same: true},
		{name: "no Kg", args: keyed.Tool("lanplus", "-C", "3", "mc", "info"), says: "BMC key"},
		{name: "wrong Kg", args: keyed.Tool("lanplus", "-C", "3", "-k", "another", "mc", "info"), says: "BMC key"},
		{name: "refused suite", args: sim.Tool("lanplus", "-C", "17", "mc", "info"), says: "cipher suite"},
		{name: "refused suite 0", args: bmc.Tool("lanplus", "-C", "0", "mc", "info"), says: "cipher suite 0"},
		{name: "no BMC: silence", args: dead.Tool("lanplus", "-N", "1", "-R", "2", "mc", "info"), says: "answer", least: time.Second, most: 15 * time.Second},
		{name: "no BMC: silence, auto", args: dead.Tool("auto", "-N", "1", "-R", "2", "mc", "info"), says: "answer", least: time.Second, most: 15 * time.Second, same: true},
		{name: "no BMC: silence, 1.5", args: dead.Tool("lan", "-N", "1", "-R", "2", "mc", "info"), says: "answer", least: time.Second, most: 15 * time.Second, same: true},
		{name: "no BMC: closed port", args: none.Tool("lanplus", "-N", "1", "-R", "2", "mc", "info"), says: "nothing listens"},
		{name: "privilege too high to log in", args: monitorOn(t, bmc).Tool("lanplus", "-L", "ADMINISTRATOR", "mc", "info"), says: "privilege"},
		{name: "privilege too low for a command", args: monitor.Tool("lanplus", "-C", "3", "-L", "USER", "power", "off"), says: "privilege"},
		{name: "unresolvable", args: []string{"-I", "lanplus", "-H", "no-such-host.invalid", "-U", "a", "-P", "b", "mc", "info"}, says: "no-such-host.invalid", most: 30 * time.Second},
		{name: "no host", args: []string{"-I", "lanplus", "-U", "a", "-P", "b", "mc", "info"}, says: "-H"},
		{name: "unknown command", args: bmc.Tool("lanplus", "frobnicate"), says: "frobnicate"},
		{name: "unknown sub-command", args: bmc.Tool("lanplus", "mc", "frobnicate"), says: "frobnicate"},
		{name: "unknown option", args: []string{"--frobnicate"}, says: "frobnicate"},
		{name: "unknown interface", args: bmc.Tool("carrier-pigeon", "mc", "info"), says: "carrier-pigeon"},
		{name: "suite out of range", args: bmc.Tool("lanplus", "-C", "99", "mc", "info"), says: "99"},
		{name: "sensor that does not exist", args: bmc.Tool("lanplus", "sensor", "reading", "Flux Capacitor"), says: "Flux Capacitor"},
		{name: "value out of range", args: bmc.Tool("lanplus", "chassis", "identify", "4000"), says: "4000"},
		{name: "user ID out of range", args: bmc.Tool("lanplus", "user", "enable", "99"), says: "99"},
		{name: "no such FRU", args: bmc.Tool("lanplus", "fru", "read", "77", filepath.Join(t.TempDir(), "x")), says: "77"},
		{name: "no such SEL entry", args: bmc.Tool("lanplus", "sel", "get", "0x7777"), says: "7777"},
		{name: "password file missing", args: []string{"-I", "lanplus", "-H", "127.0.0.1", "-U", "a", "-f", "/no/such/file", "mc", "info"}, says: "/no/such/file"},
		{name: "password too long for 1.5", args: bmc.As(programs.BMCUser, "seventeen-letters").Tool("lan", "mc", "info"), says: "16"},
		{name: "password too long", args: bmc.As(programs.BMCUser, "twenty-one-letters-xx").Tool("lanplus", "mc", "info"), says: "20"},
		{name: "user name too long", args: bmc.As("seventeen-letters", "x").Tool("lanplus", "mc", "info"), says: "16"},
	} {
		t.Run(f.name, func(t *testing.T) { f.check(t) })
	}
	t.Run("each its own", func(t *testing.T) {
		for s, names := range sentences {
			if len(names) > 1 {
				t.Errorf("%q is said for %s", s, strings.Join(names, " and "))
			}
		}
	})
}

// sentences holds which failures are told by which sentence.
var sentences = map[string][]string{}

func (f failure) check(t *testing.T) {
	r := programs.Run(t, t.TempDir(), programs.Lom(), f.args...)
	switch {
	case r.Code != 1:
		t.Errorf("exit status %d: %s", r.Code, r)
	case r.Stdout != "" && !f.prints || strings.Count(r.Stderr, "\n") != 1 ||
		!strings.HasSuffix(r.Stderr, "\n"):
		t.Errorf("not one line on stderr: %s", r)
	case !strings.Contains(r.Stderr, f.says):
		t.Errorf("does not say %q: %s", f.says, r.Stderr)
	}
	most := f.most
	if most == 0 {
		most = 5 * time.Second
	}
	if r.Took < f.least || r.Took > most {
		t.Errorf("takes %v: %s", r.Took, r)
	}
	t.Logf("%v: %s", r.Took.Round(time.Millisecond), r.Stderr)
	if !f.same {
		sentences[r.Stderr] = append(sentences[r.Stderr], f.name)
	}
}

// monitorOn makes a user of privilege level User.
func monitorOn(t *testing.T, b programs.Target) programs.Target {
	t.Helper()
	for _, line := range []string{"user set name 6 watcher", "user set password 6 watch-only",
		"user priv 6 2 1",
		"channel setaccess 1 6 callin=on ipmi=on link=on privilege=2", "user enable 6"} {
		if r := programs.Run(t, t.TempDir(), programs.Lom(),
			b.Tool("lanplus", programs.Words(line)...)...); r.Code != 0 {
			t.Fatalf("%s", r)
		}
	}
	return b.As("watcher", "watch-only")
}

// What is wrong with a BMC's files is said by the BMC.
func TestBMCTellsWhatIsWrongWithItsFiles(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("secret-enough\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A BMC that ran once leaves its file.
	once := programs.StartBMCAt(t, "127.0.0.1:0", state)
	if r := programs.Run(t, dir, programs.Lom(),
		once.Tool("lanplus", "user", "set", "name", "5", "kept")...); r.Code != 0 {
		t.Fatal(r)
	}
	once.Kill()
	var damaged []string
	filepath.Walk(state, func(name string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			damaged = append(damaged, name)
			return os.WriteFile(name, []byte(strings.Repeat("this is not a BMC's state\n", 20)),
				0o600)
		}
		return nil
	})
	if len(damaged) == 0 {
		t.Fatal("no state file")
	}
	for _, c := range []struct {
		name, says string
		args       []string
	}{
		{"damaged state", state, []string{"bmc", "--listen", "127.0.0.1:0", "--user", "admin", "--password-file", password, "--state", state}},
		{"missing configuration", "none.yaml", []string{"bmc", "--config", filepath.Join(dir, "none.yaml")}},
		{"missing password file", "no-password", []string{"bmc", "--listen", "127.0.0.1:0", "--password-file", filepath.Join(dir, "no-password")}},
		{"bad address", "not-an-address", []string{"bmc", "--listen", "not-an-address"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			failure{name: c.name, args: c.args, says: c.says}.check(t)
		})
	}
}
