package faults

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lom/internal/programs"
	"lom/internal/udprelay"
)

// A machine is what is behind the serial port of a BMC: the test itself.
type machine struct {
	conn net.Conn

	mu    sync.Mutex
	echo  bool
	typed bytes.Buffer // that it got
}

// startMachine runs a BMC whose machine is the test. The BMC repeats what is not acknowledged after
// 50 ms.
func startMachine(t testing.TB) (programs.Target, *machine) {
	t.Helper()
	l := listenSerial(t)
	file := filepath.Join(t.TempDir(), "bmc.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "bmcs: [{console: \"tcp:%s\"}]\n", l.Addr()),
		0o600); err != nil {
		t.Fatal(err)
	}
	b := programs.StartBMCAt(t, lowAddress(t), t.TempDir(), "--config", file)
	m := acceptMachine(t, l)
	for _, setting := range []string{"retry-interval 5", "retry-count 7"} {
		r := programs.Run(t, t.TempDir(), programs.Lom(),
			b.Tool("lanplus", append([]string{"sol", "set"}, programs.Words(setting)...)...)...)
		if r.Code != 0 {
			t.Fatal(r)
		}
	}
	return b.Target, m
}

// listenSerial opens the port at which a BMC finds the serial port of its machine.
func listenSerial(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// acceptMachine waits for the BMC.
func acceptMachine(t testing.TB, l net.Listener) *machine {
	t.Helper()
	m := &machine{}
	if d, ok := l.(*net.TCPListener); ok {
		_ = d.SetDeadline(time.Now().Add(20 * time.Second)) // Accept says why
	}
	var err error
	if m.conn, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.conn.Close() })
	go func() { _, _ = io.Copy(m, m.conn) }()
	return m
}

// lowAddress returns an address that is free, with a port that ipmiconsole takes: it refuses those
// from 32768 on.
func lowAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		near, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			continue
		}
		near.Close()
		if far, err := net.ListenUDP("udp4",
			&net.UDPAddr{IP: net.IPv4(127, 0, 0, 2), Port: port}); err == nil {
			far.Close()
			return fmt.Sprintf("127.0.0.1:%d", port)
		}
	}
	t.Fatal("no port is free")
	return ""
}

// spoil puts a relay in front of a BMC that is a good network until it is told otherwise. It has
// the port of the BMC, which tells clients where its consoles are: behind another port, ipmitool
// gives up and lom goes around.
func spoil(t *testing.T, b programs.Target, seed uint64) (*udprelay.Relay, programs.Target) {
	t.Helper()
	relay := udprelay.StartAt(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"),
		b.Addr.Port()), b.Addr, udprelay.Faults{Seed: seed})
	return relay, b.At(relay.Addr)
}

// Write takes what the machine got.
func (m *machine) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.echo {
		return m.conn.Write(p)
	}
	return m.typed.Write(p)
}

// echoes makes the machine send back what it gets from now on.
func (m *machine) echoes() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.echo = true
}

func (m *machine) got() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.typed.String()
}

// size returns how many characters the machine got.
func (m *machine) size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.typed.Len()
}

// A viewer is a program that shows a console.
type viewer interface {
	Type(keys string)
	Shown() string
	size() int // of Shown
	ended() bool
}

// piped is lom with pipes for a terminal.
type piped struct {
	in   io.WriteCloser
	out  *machine // where it says what it says
	done chan struct{}
}

func startPiped(t testing.TB, b programs.Target) *piped {
	t.Helper()
	p := &piped{out: &machine{}, done: make(chan struct{})}
	home := t.TempDir()
	cmd := exec.Command(programs.Lom(), b.Tool("lanplus", "sol", "activate")...)
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_STATE_HOME="+home)
	cmd.Stdout, cmd.Stderr = p.out, p.out
	var err error
	if p.in, err = cmd.StdinPipe(); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.done
	})
	return p
}

// that it has ended is seen elsewhere
func (p *piped) Type(keys string) { _, _ = io.WriteString(p.in, keys) }
func (p *piped) Shown() string    { return p.out.got() }
func (p *piped) size() int        { return p.out.size() }

func (p *piped) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// terminal is a program on a terminal.
type terminal struct{ *programs.Terminal }

func (x terminal) size() int   { return len(x.Shown()) }
func (x terminal) ended() bool { return x.Ended() }

// An exchange is what became of two numbered texts that went both ways at once.
type exchange struct {
	up, down tally
	whole    bool // both are, to the SHA-256, what was sent
	ended    bool // the program did, before
	took     time.Duration
}

func (e exchange) String() string {
	s := fmt.Sprintf("to the machine: %v; from it: %v; after %v", e.up, e.down,
		e.took.Round(100*time.Millisecond))
	if e.ended {
		s += "; the program ended"
	}
	return s
}

// run sends n blocks each way, and waits until all are there, or nothing has come for patience.
// ahead is how many characters may be typed that the machine has not got yet.
func (m *machine) run(t *testing.T, v viewer, n, ahead int, patience time.Duration) exchange {
	t.Helper()
	text := numbered(n)
	before := v.size()
	began := time.Now()
	go func() { _, _ = io.WriteString(m.conn, text) }()
	typed, moved, sum := 0, time.Now(), -1
	for {
		up, down := m.size(), v.size()-before
		if up+down != sum {
			sum, moved = up+down, time.Now()
		}
		stuck := time.Since(moved)
		if up >= len(text) && down >= len(text) && stuck > 500*time.Millisecond ||
			stuck > patience || v.ended() {
			up, down := m.got(), v.Shown()[before:]
			e := exchange{ended: v.ended(), took: moved.Sub(began)}
			sum := sha256.Sum256([]byte(text))
			if e.whole = sha256.Sum256([]byte(up)) == sum &&
				sha256.Sum256([]byte(down)) == sum; !e.whole {
				e.up, e.down = count(up, n), count(down, n)
			}
			return e
		}
		// What got lost leaves a gap for ever.
		if typed < len(text) && (typed-up < ahead || stuck > patience/2) {
			k := min(len(text)-typed, max(ahead/4, 1))
			v.Type(text[typed : typed+k])
			typed += k
			continue
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// Both directions at once over sockets, and a bad network between: what comes out is what went in.
func TestSOLOverSockets(t *testing.T) {
	for _, c := range []struct {
		size   int
		seed   uint64
		faults udprelay.Faults
	}{
		{4 << 20, 0, udprelay.Faults{}},
		{512 << 10, 5, udprelay.Faults{Loss: .05, Duplicate: .05, Reorder: .05}},
		{64 << 10, 30, udprelay.Faults{Loss: .3, Duplicate: .1, Reorder: .2}},
	} {
		t.Run(fmt.Sprintf("%d KB, loss %v", c.size>>10, c.faults.Loss), func(t *testing.T) {
			t.Parallel()
			b, m := startMachine(t)
			relay, b := spoil(t, b, c.seed)
			v := startPiped(t, b)
			awaitBanner(t, v)
			relay.SetFaults(c.faults)
			e := m.run(t, v, c.size/blockSize, 256<<10, 20*time.Second)
			t.Logf("%v; %d packets", e, len(relay.Packets()))
			if len(relay.Packets()) < c.size/255 {
				t.Error("the characters did not go through the network")
			}
			if !e.whole || e.ended {
				t.Errorf("not what was sent; %.300q", v.Shown())
			}
			relay.SetFaults(udprelay.Faults{})
			v.in.Close()
			select {
			case <-v.done:
			case <-time.After(20 * time.Second):
				t.Error("lom has not ended 20 s after its input")
			}
		})
	}
}

func awaitBanner(t testing.TB, v viewer) {
	t.Helper()
	const banner = "SOL Session operational.  Use ~? for help]\n"
	for limit := time.Now().Add(30 * time.Second); !strings.HasSuffix(v.Shown(),
		banner); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) || v.ended() {
			t.Fatalf("no console: %q", v.Shown())
		}
	}
}

// What other programs make of 5 % loss with our BMC as the other end. They are what they are, so
// their numbers are shown, not judged: lom itself must lose nothing, and something of theirs must
// arrive both ways.
func TestSOLOfOtherClients(t *testing.T) {
	const size = 32 << 10
	faults := udprelay.Faults{Loss: .05}
	var mu sync.Mutex
	table := map[string]string{}
	t.Cleanup(func() {
		for _, name := range []string{"lom", "ipmitool", "ipmiconsole"} {
			if table[name] != "" {
				t.Logf("%-11s | %s", name, table[name])
			}
		}
	})
	for name, open := range map[string]func(t *testing.T, b programs.Target) viewer{
		"lom": func(t *testing.T, b programs.Target) viewer {
			v := startPiped(t, b)
			awaitBanner(t, v)
			return v
		},
		"ipmitool": func(t *testing.T, b programs.Target) viewer {
			programs.Need(t, "ipmitool")
			x := programs.StartTerminal(t, "ipmitool",
				b.Tool("lanplus", "-C", "17", "sol", "activate")...)
			x.Wait("Use ~? for help]\r\n")
			return terminal{x}
		},
		"ipmiconsole": func(t *testing.T, b programs.Target) viewer {
			programs.Need(t, "ipmiconsole")
			x := programs.StartTerminal(t, "ipmiconsole", "-h", b.Addr.String(), "-u", b.User, "-p",
				b.Password)
			x.Wait("[SOL established]\r\n")
			return terminal{x}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, m := startMachine(t)
			relay, b := spoil(t, b, 55)
			v := open(t, b)
			relay.SetFaults(faults)
			e := m.run(t, v, size/blockSize, 1000, 12*time.Second)
			mu.Lock()
			table[name] = e.String()
			mu.Unlock()
			switch n := size / blockSize; {
			case name == "lom" && !e.whole:
				t.Error("lom lost or doubled something")
			case e.up.lost == n || e.down.lost == n:
				t.Errorf("nothing arrived: %v", e)
			}
			relay.SetFaults(udprelay.Faults{})
		})
	}
}
