package programs

import (
	"bufio"
	"bytes"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The administrator of the BMCs that StartBMC runs.
const (
	BMCUser     = "admin"
	BMCPassword = "Quiet-Harbour-17"
)

// A BMC is a running "lom bmc".
type BMC struct {
	Target
	// State is the folder in which it keeps what lasts.
	State string

	cmd  *exec.Cmd
	done chan struct{} // it has ended, and err says how
	err  error

	mu     sync.Mutex
	said   bytes.Buffer
	killed bool
}

var listensAt = regexp.MustCompile(`127\.\d+\.\d+\.\d+:\d+`)

// StartBMC runs "lom bmc" with more options, on a free port, until the test ends.
func StartBMC(t testing.TB, more ...string) *BMC {
	t.Helper()
	return StartBMCAt(t, "127.0.0.1:0", t.TempDir(), more...)
}

// StartBMCAt is StartBMC for an address, and for a folder that may hold the state of a former run.
func StartBMCAt(t testing.TB, listen, state string, more ...string) *BMC {
	t.Helper()
	home := t.TempDir()
	password := filepath.Join(home, "password")
	if err := os.WriteFile(password, []byte(BMCPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"bmc", "--listen", listen, "--user", BMCUser, "--password-file",
		password, "--state", state}, more...)
	b := &BMC{Target: Target{User: BMCUser, Password: BMCPassword}, State: state,
		cmd: exec.Command(lom, args...), done: make(chan struct{})}
	b.cmd.Env = environ(home)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	b.cmd.Stdout, b.cmd.Stderr = w, w
	err = b.cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		t.Fatal(err)
	}
	ready := make(chan netip.AddrPort, 1)
	go b.listen(r, ready)
	t.Cleanup(func() { b.stop(t) })
	select {
	case b.Addr = <-ready:
	case <-b.done:
		t.Fatalf("lom bmc ended (%v): %s", b.err, b.Output())
	case <-time.After(time.Minute): // it may have ten thousand state files to write
		t.Fatalf("lom bmc does not say where it listens: %s", b.Output())
	}
	return b
}

// listen keeps what the process says, and finds the first address in it.
func (b *BMC) listen(r *os.File, ready chan<- netip.AddrPort) {
	defer close(b.done)
	defer r.Close()
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadString('\n')
		b.mu.Lock()
		b.said.WriteString(line)
		b.mu.Unlock()
		if a := listensAt.FindString(line); a != "" && ready != nil {
			if addr, err := netip.ParseAddrPort(a); err == nil {
				ready <- addr
				ready = nil
			}
		}
		if err != nil {
			b.err = b.cmd.Wait()
			return
		}
	}
}

// Output returns what the process has written so far.
func (b *BMC) Output() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.said.String()
}

// PID returns the process ID.
func (b *BMC) PID() int { return b.cmd.Process.Pid }

// Kill ends the process as a power cut would, and returns when it has ended.
func (b *BMC) Kill() {
	b.mu.Lock()
	b.killed = true
	b.mu.Unlock()
	b.cmd.Process.Kill()
	<-b.done
}

// stop ends the process as an administrator would.
func (b *BMC) stop(t testing.TB) {
	b.mu.Lock()
	killed := b.killed
	b.mu.Unlock()
	if !killed {
		b.cmd.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(10*time.Second, func() { b.cmd.Process.Kill() })
		<-b.done
		late.Stop()
		if b.err != nil {
			t.Errorf("lom bmc did not end cleanly at SIGTERM: %v", b.err)
		}
	}
	if t.Failed() {
		t.Logf("lom bmc said:\n%s", b.Output())
	}
}
