// Package ipmisim runs OpenIPMI's ipmi_sim, a BMC that was not written here, for tests.
//
// It listens on 127.0.0.1 only, on a free port. Its users are in [Admin] and the other
// variables; what it is known to get wrong is told in the comments of this package.
package ipmisim

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A User is one that the simulator knows.
type User struct{ Name, Password string }

// The users, each allowed to log in by every authentication type.
var (
	Admin    = User{"admin", "testbed"}
	Operator = User{"operator", "oper-pass"}
	Monitor  = User{"monitor", "mon-pass"} // privilege level User
	Disabled = User{"disabled", "nope"}
)

// Config says what the simulated BMC is like.
type Config struct {
	Sensors   int    // how many besides the watchdog; 0: the built-in set of 84
	Entries   int    // of the SEL
	Kg        string // the BMC key; "": one-key log-in
	Satellite bool   // a second management controller at 0x30, reached by bridging
	SixBit    bool   // pack upper-case sensor names as 6-bit ASCII
	BadFRU    bool   // a FRU device 4 that ends in the middle of its product area
	// HOST:PORT of a TCP server that is the host's serial port; "": there is none, and no SOL
	Serial  string
	SELSize int // how many records the SEL holds; 0: enough
}

// Sim is a running simulator.
type Sim struct {
	// Addr is where it listens.
	Addr netip.AddrPort
	// Dir is where its files are.
	Dir string

	mu      sync.Mutex
	cmd     *exec.Cmd
	crashes int
	stopped bool
	done    chan struct{}
}

// Available returns an error that says what is missing when ipmi_sim cannot be run.
func Available() error {
	for _, p := range []string{"ipmi_sim", "sdrcomp"} {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Errorf("%s is not installed (Debian: openipmi)", p)
		}
	}
	return nil
}

// Start runs a simulator until the test ends. It skips the test where there is no ipmi_sim.
func Start(t testing.TB, c Config) *Sim {
	t.Helper()
	if err := Available(); err != nil {
		t.Skip(err)
	}
	s, err := Run(t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		if n := s.crashes; n > 0 {
			t.Logf("ipmi_sim crashed %d times", n)
		}
		if t.Failed() {
			if log, err := os.ReadFile(filepath.Join(s.Dir, "sim.log")); err == nil &&
				len(log) > 0 {
				t.Logf("ipmi_sim said:\n%s", log)
			}
		}
	})
	return s
}

// Run runs a simulator, with its files in a folder of dir, until it is stopped.
func Run(dir string, c Config) (s *Sim, err error) {
	if err := Available(); err != nil {
		return nil, err
	}
	// ipmi_sim cannot choose a port itself: another process may take the one we found.
	for range 5 {
		var own string
		if own, err = os.MkdirTemp(dir, "sim-"); err != nil {
			return nil, err
		}
		if s, err = start(own, c); err == nil {
			break
		}
	}
	return s, err
}

func start(dir string, c Config) (*Sim, error) {
	addr, err := freePort()
	if err != nil {
		return nil, err
	}
	if err := write(dir, addr, c); err != nil {
		return nil, err
	}
	s := &Sim{Addr: addr, Dir: dir, done: make(chan struct{})}
	if err := s.run(); err != nil {
		return nil, err
	}
	go s.supervise()
	if err := s.await(5 * time.Second); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// Host returns the address for -H.
func (s *Sim) Host() string { return s.Addr.Addr().String() }

// Port returns the port for -p.
func (s *Sim) Port() string { return fmt.Sprint(s.Addr.Port()) }

// Crashes returns how often the simulator crashed and was started again.
func (s *Sim) Crashes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.crashes
}

// run starts the process from the state that write made.
func (s *Sim) run() error {
	// What an earlier run stored would win over the configuration.
	state := filepath.Join(s.Dir, "state", "ipmi_sim", name)
	for _, pattern := range []string{"sel.*", "users.*", "lanparm.*"} {
		files, _ := filepath.Glob(filepath.Join(state, pattern))
		for _, f := range files {
			os.Remove(f)
		}
	}
	log, err := os.OpenFile(filepath.Join(s.Dir, "sim.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND,
		0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("ipmi_sim", "-c", "lan.conf", "-f", "sim.emu", "-s", "state", "-n")
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, log, log
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C")
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd = cmd
	return nil
}

// supervise starts the simulator again when it crashes: known reasons are Get Channel Payload
// Support for channel 0Eh, and a half-open session with MD5-128 integrity that times out.
func (s *Sim) supervise() {
	defer close(s.done)
	for quick := 0; quick < 3; {
		began := time.Now()
		s.cmd.Wait()
		if time.Since(began) < 100*time.Millisecond {
			quick++ // it cannot start: the port is taken
		}
		s.mu.Lock()
		if s.stopped {
			s.mu.Unlock()
			return
		}
		s.crashes++
		err := s.run()
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// Stop ends the simulator.
func (s *Sim) Stop() {
	s.mu.Lock()
	if !s.stopped {
		s.stopped = true
		s.cmd.Process.Kill()
	}
	s.mu.Unlock()
	<-s.done
}

// presencePing is the ASF Presence Ping of §13.2.3.
var presencePing = []byte{6, 0, 0xff, 6, 0, 0, 0x11, 0xbe, 0x80, 1, 0, 0}

// await waits until the simulator answers a Presence Ping.
func (s *Sim) await(d time.Duration) error {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(s.Addr))
	if err != nil {
		return err
	}
	defer conn.Close()
	buf := make([]byte, 64)
	for end := time.Now().Add(d); time.Now().Before(end); {
		conn.Write(presencePing)
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := conn.Read(buf); err == nil && n >= 12 && buf[8] == 0x40 {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	log, _ := os.ReadFile(filepath.Join(s.Dir, "sim.log"))
	return errors.New("ipmi_sim does not answer: " + strings.TrimSpace(string(log)))
}

func freePort() (netip.AddrPort, error) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer c.Close()
	a := c.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), nil
}
