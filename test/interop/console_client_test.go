package interop

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lom/internal/ipmisim"
	"lom/internal/programs"
	"lom/internal/udprelay"
)

// echoPort is a serial port whose host sends back what it gets.
func echoPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			c.Close()
		}
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	return l.Addr().String()
}

// A running is a program that has not ended yet.
type running struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	mu    sync.Mutex
	out   bytes.Buffer
	ended chan struct{}
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Write(p)
}

func (r *running) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.String()
}

// startProgram starts a program whose input is open; standard output and error are one.
func startProgram(t *testing.T, home, program string, args ...string) *running {
	t.Helper()
	r := &running{cmd: exec.Command(program, args...), ended: make(chan struct{})}
	r.cmd.Env = append(os.Environ(), "HOME="+home, "XDG_STATE_HOME="+filepath.Join(home, "state"))
	r.cmd.Stdout, r.cmd.Stderr = r, r
	var err error
	if r.in, err = r.cmd.StdinPipe(); err == nil {
		err = r.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait() // ProcessState reports the same
		close(r.ended)
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.ended
	})
	return r
}

// await waits until the program has said text.
func (r *running) await(t *testing.T, text string) {
	t.Helper()
	for range 2000 {
		if strings.Contains(r.said(), text) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%v does not say %q, but:\n%s", r.cmd.Args, text, r.said())
}

// wait waits for the end of the program, and returns its exit status.
func (r *running) wait(t *testing.T, most time.Duration) int {
	t.Helper()
	select {
	case <-r.ended:
		return r.cmd.ProcessState.ExitCode()
	case <-time.After(most):
		t.Fatalf("%v has not ended after %v; it said:\n%s", r.cmd.Args, most, r.said())
		return 0
	}
}

const operational = "[SOL Session operational.  Use ~? for help]\n"

// A console against the simulator, whose host sends back every character.
func TestConsoleClientOnTheSimulator(t *testing.T) {
	t.Parallel()
	programs.Need(t, "ipmitool")
	sim := simTarget(ipmisim.Start(t, ipmisim.Config{Sensors: 1, Serial: echoPort(t)}))
	home := t.TempDir()
	lom := func(b programs.Target, args ...string) *running {
		return startProgram(t, home, programs.Lom(),
			b.Tool("lanplus", append([]string{"-C", "3", "sol"}, args...)...)...)
	}
	run := func(args ...string) programs.Result {
		return programs.Run(t, home, programs.Lom(),
			sim.Tool("lanplus", append([]string{"-C", "3", "sol"}, args...)...)...)
	}

	t.Run("64 KB there and back", func(t *testing.T) {
		// In a relay the port of the answer is not the one that lom can reach: address translation
		// does no harm.
		relay := udprelay.Start(t, sim.Addr, udprelay.Faults{})
		for name, b := range map[string]programs.Target{"directly": sim,
			"through address translation": sim.At(relay.Addr)} {
			text := strings.Repeat("0123456789abcdef0123456789abcde\n", 2048)
			log := filepath.Join(t.TempDir(), "log")
			r := lom(b, "activate", "--linger", "1s", "--log", log)
			if _, err := io.WriteString(r.in, text); err != nil {
				t.Fatal(err)
			}
			r.in.Close()
			code := r.wait(t, time.Minute)
			logged, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			if code != 0 || r.said() != operational+text || string(logged) != text {
				t.Errorf("%s: exit status %d, %d bytes back and %d in the log, of %d", name, code,
					len(r.said())-len(operational), len(logged), len(text))
			}
		}
	})
	t.Run("another client closes it", func(t *testing.T) {
		r := lom(sim, "activate")
		r.await(t, operational)
		if other := programs.Run(t, home, "ipmitool",
			sim.Tool("lanplus", "-C", "3", "sol", "deactivate")...); other.Code != 0 {
			t.Fatal(other)
		}
		if code := r.wait(t, 8*time.Second); code != 1 ||
			!strings.Contains(r.said(),
				"the console was closed by another session, or by the BMC") {
			t.Errorf("exit status %d: %s", code, r.said())
		}
	})
	t.Run("no input and SIGTERM", func(t *testing.T) {
		r := lom(sim, "activate")
		r.in.Close()
		r.await(t, operational)
		time.Sleep(300 * time.Millisecond)
		_ = r.cmd.Process.Signal(syscall.SIGTERM)
		if code := r.wait(t, 5*time.Second); code != 143 {
			t.Errorf("exit status %d: %s", code, r.said())
		}
		if d := run("deactivate"); d.Code != 1 {
			t.Errorf("the console was left open: %s", d)
		}
	})
	t.Run("a crash is healed", func(t *testing.T) {
		r := lom(sim, "activate")
		r.await(t, operational)
		_ = r.cmd.Process.Kill()
		r.wait(t, 5*time.Second)
		next := lom(sim, "activate", "--linger", "100ms")
		next.in.Close()
		if code := next.wait(t, 10*time.Second); code != 0 ||
			!strings.Contains(next.said(), "left behind in a crash") {
			t.Errorf("exit status %d: %s", code, next.said())
		}
	})
	t.Run("a stranger's is not", func(t *testing.T) {
		theirs := startProgram(t, home, "ipmitool",
			sim.Tool("lanplus", "-C", "3", "sol", "activate")...)
		time.Sleep(2 * time.Second) // what it says to a pipe, it keeps back
		select {
		case <-theirs.ended:
			t.Fatal(theirs.said())
		default:
		}
		r := lom(sim, "activate")
		if code := r.wait(t, 10*time.Second); code != 1 ||
			!strings.Contains(r.said(), "--takeover") || strings.Count(r.said(), "\n") != 1 {
			t.Errorf("exit status %d: %s", code, r.said())
		}
		r = lom(sim, "activate", "--takeover", "--linger", "100ms")
		r.in.Close()
		if code := r.wait(t, 10*time.Second); code != 0 ||
			!strings.Contains(r.said(), operational) {
			t.Errorf("exit status %d: %s", code, r.said())
		}
	})
	t.Run("looptest", func(t *testing.T) {
		want := "remain loop test counter: 2\n" + operational + "remain loop test counter: 1\n" +
			operational
		if r := run("looptest", "2", "10"); r.Code != 0 || r.Stdout != want || r.Stderr != "" {
			t.Error(r)
		}
	})
}

// What is typed over a bad network reaches the host of the simulator whole. What the host says need
// not: the simulator sends a packet once, and what is lost is lost.
func TestConsoleClientOnTheSimulatorOverABadNetwork(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sim := simTarget(ipmisim.Start(t, ipmisim.Config{Sensors: 1, Serial: l.Addr().String()}))
	host, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	// At the simulator's own port: else lom goes around the relay, to the port that the simulator
	// names for consoles.
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), sim.Addr.Port())
	relay := udprelay.StartAt(t, at, sim.Addr, udprelay.Faults{Loss: .05, Seed: 1})
	r := startProgram(t, t.TempDir(), programs.Lom(),
		sim.At(relay.Addr).Tool("lanplus", "-C", "3", "-R", "7", "sol", "activate", "--linger",
			"1s")...)
	r.await(t, operational)
	text := strings.Repeat("0123456789abcdef0123456789abcde\n", 512)
	if _, err := io.WriteString(r.in, text); err != nil {
		t.Fatal(err)
	}
	r.in.Close()
	got := make([]byte, len(text))
	_ = host.SetReadDeadline(time.Now().Add(time.Minute)) // ReadFull says that it is over
	if n, err := io.ReadFull(host, got); err != nil || string(got) != text {
		t.Errorf("the host got %d characters of %d: %v", n, len(text), err)
	}
	if code := r.wait(t, 20*time.Second); code != 0 {
		t.Errorf("exit status %d: %.300q", code, r.said())
	}
}

// A console against "lom bmc": log in and carry out a command.
func TestConsoleClientOnOurBMC(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	bmc := programs.StartBMCAt(t, "127.0.0.1:0", state)
	r := startProgram(t, t.TempDir(), programs.Lom(),
		bmc.Tool("lanplus", "sol", "activate", "--reconnect")...)
	r.await(t, operational)
	for _, k := range []struct {
		typed, shown string
	}{{"\r", "login: "}, {"root\r", "Password: "}, {"\r", "# "}, {"date\r", "date"}} {
		if _, err := io.WriteString(r.in, k.typed); err != nil {
			t.Fatal(err)
		}
		r.await(t, k.shown)
	}
	bmc.Kill()
	r.await(t, "[no answer from the BMC; waiting for it]")
	programs.StartBMCAt(t, bmc.Addr.String(), state)
	r.await(t, "[console open again]")
	if _, err := io.WriteString(r.in, "\r~."); err != nil {
		t.Fatal(err)
	}
	if code := r.wait(t, 10*time.Second); code != 0 ||
		!strings.Contains(r.said(), "~. [terminated lom]\n") {
		t.Errorf("exit status %d: %s", code, r.said())
	}
}
