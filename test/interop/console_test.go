package interop

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lom/internal/programs"
)

// startConsoleBMC runs a BMC whose machine starts fast. More is YAML.
func startConsoleBMC(t *testing.T, more string) *programs.BMC {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rack.yaml")
	if err := os.WriteFile(file, []byte("host: {boot-time: 2s, stop-time: 500ms}\n"+more),
		0o600); err != nil {
		t.Fatal(err)
	}
	return programs.StartBMCAt(t, lowAddress(t), t.TempDir(), "--config", file)
}

// lowAddress returns an address that is free, with a port that ipmiconsole takes: it refuses those
// from 32768 on.
func lowAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		a := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))
		if c, err := net.ListenPacket("udp", a); err == nil {
			c.Close()
			return a
		}
	}
	t.Fatal("no port is free")
	return ""
}

// openers are the programs that open consoles, and how they are told to leave.
var openers = []struct {
	name, leave string
	open        func(t *testing.T, b programs.Target) *programs.Terminal
}{
	{"ipmitool", "\r~.", func(t *testing.T, b programs.Target) *programs.Terminal {
		programs.Need(t, "ipmitool")
		x := programs.StartTerminal(t, "ipmitool",
			b.Tool("lanplus", "-C", "17", "sol", "activate")...)
		x.Wait("SOL Session operational")
		return x
	}},
	{"ipmiconsole", "&.", func(t *testing.T, b programs.Target) *programs.Terminal {
		programs.Need(t, "ipmiconsole")
		x := programs.StartTerminal(t, "ipmiconsole", "-h", b.Addr.String(), "-u", b.User, "-p",
			b.Password)
		x.Wait("SOL established")
		return x
	}},
	{"lom", "\r~.", func(t *testing.T, b programs.Target) *programs.Terminal {
		x := programs.StartTerminal(t, programs.Lom(), b.Tool("lanplus", "sol", "activate")...)
		x.Wait("SOL Session operational")
		return x
	}},
}

// A person works at the console of a server of ours with other people's programs, which need no
// workaround.
func TestConsoleOfOurBMC(t *testing.T) {
	for _, o := range openers {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			programs.Need(t, "ipmitool")
			b := startConsoleBMC(t, "")
			home := t.TempDir()
			tool := func(line string) programs.Result {
				return programs.Run(t, home, "ipmitool",
					b.Tool("lanplus", append([]string{"-C", "17"}, programs.Words(line)...)...)...)
			}
			quiet(t, tool("sol info"))
			if r := tool("sol payload status 1 2"); r.Code != 0 ||
				r.Stdout != "User 2 on channel 1 is enabled\n" {
				t.Error(r)
			}
			x := o.open(t, b.Target)
			x.Type("\r")
			x.Wait("bmc1 login: ")
			x.Type("root\r")
			x.Wait("Password: ")
			x.Type("secret\r")
			x.Wait("# ")
			for i := range 5 {
				word := fmt.Sprintf("word-%d-%d", i, i*i)
				x.Type("echo " + word + "\r")
				x.Wait("echo " + word + "\r\n" + word + "\r\n")
			}
			if r := tool("sol activate"); r.Code == 0 ||
				!strings.Contains(r.Stdout+r.Stderr, "already active on another session") {
				t.Error(r)
			}
			x.Type("reboot\r")
			for _, line := range []string{"Restarting system", "Simulated BIOS", "Boot menu",
				"Linux version", "bmc1 login: "} {
				x.Wait(line)
			}
			quiet(t, tool("power off"))
			quiet(t, tool("power on"))
			x.Wait("bmc1 login: ")
			x.Type(o.leave)
			if err := x.End(); err != nil {
				t.Error(err)
			}
			if r := tool("sol deactivate"); !strings.Contains(r.Stdout+r.Stderr,
				"already de-activated") {
				t.Error(r)
			}
		})
	}
}

// A console that another session ends is free at once, and FreeIPMI, which listens, says so.
// (ipmitool does not listen.)
func TestConsoleIsTakenOver(t *testing.T) {
	programs.Need(t, "ipmitool", "ipmiconsole")
	b := startConsoleBMC(t, "")
	x := openers[1].open(t, b.Target)
	quiet(t, programs.Run(t, t.TempDir(), "ipmitool",
		b.Tool("lanplus", "-C", "3", "sol", "deactivate")...))
	x.Wait("SOL session stolen")
	y := openers[0].open(t, b.Target)
	y.Type("\r")
	y.Wait("login: ")
	// FreeIPMI takes over what it finds in use.
	z := openers[1].open(t, b.Target)
	z.Type("\r")
	z.Wait("login: ")
}

// What is pasted arrives whole at a port behind a socket, and what that says before anybody came is
// shown as history.
func TestConsoleBehindSocket(t *testing.T) {
	for _, o := range openers {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			b := startConsoleBMC(t, fmt.Sprintf("console-history: 4\nbmcs: [{console: "+
				"\"tcp:%s\"}]\n", l.Addr()))
			machine, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer machine.Close()
			io.WriteString(machine, "what was said before\r\n")
			time.Sleep(100 * time.Millisecond)
			x := o.open(t, b.Target)
			x.Wait("what was said before")
			flood := strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz\r\n", 2000)
			go func() {
				pause := time.Duration(0)
				if o.name == "ipmiconsole" {
					// it fails with an internal error when its terminal is slower than its BMC
					pause = 10 * time.Millisecond
				}
				for rest := flood + "the end\r\n"; rest != ""; time.Sleep(pause) {
					n := min(len(rest), 1000)
					io.WriteString(machine, rest[:n])
					rest = rest[n:]
				}
			}()
			x.Wait("the end\r\n")
			if !strings.Contains(x.Shown(), flood) {
				t.Error("the terminal does not show what the machine said")
			}
			paste := strings.Repeat("a line of text that is pasted into the terminal\r", 60)
			got := make([]byte, len(paste))
			// slower than the eye, for the terminal's own queue
			for i := 0; i < len(paste); i += 490 {
				x.Type(paste[i:min(i+490, len(paste))])
				time.Sleep(30 * time.Millisecond)
			}
			machine.SetReadDeadline(time.Now().Add(20 * time.Second))
			if n, err := io.ReadFull(machine, got); err != nil || string(got) != paste {
				t.Errorf("the machine got %d characters of %d: %v", n, len(paste), err)
			}
			x.Type(o.leave)
			if err := x.End(); err != nil {
				t.Error(err)
			}
		})
	}
}
