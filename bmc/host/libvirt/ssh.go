package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// An sshTarget is a daemon on another machine, reached by the program ssh, which has keys and names
// of hosts in its own configuration.
type sshTarget struct {
	program, user, host, port, key string // "" is what ssh takes itself
	driver, socket                 string
}

// check says what ssh must not be given: what it would take for an option.
func (t *sshTarget) check() error {
	for _, word := range []string{t.user, t.host, t.port, t.key, t.program} {
		if strings.HasPrefix(word, "-") {
			return fmt.Errorf("%q in the URI of libvirt is not a name; a name does not begin "+
				"with a dash", word)
		}
	}
	return nil
}

// arguments returns those of ssh. Netcat, at the other end, is what libvirt itself uses where its
// own helper is not installed.
func (t *sshTarget) arguments() []string {
	args := []string{"-T", "-o", "BatchMode=yes", "-e", "none"}
	for _, o := range [][2]string{{"-p", t.port}, {"-l", t.user}, {"-i", t.key}} {
		if o[1] != "" {
			args = append(args, o[0], o[1])
		}
	}
	socket := quote(t.socket)
	if t.socket == "" {
		socket = "/run/libvirt/virt" + quote(t.driver) + "d-sock"
		socket = "$([ -S " + socket + " ] && echo " + socket + " || echo /run/libvirt/libvirt-sock)"
	}
	return append(args, "--", t.host, "exec nc -U "+socket)
}

// quote makes one word of the shell of s.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// dial starts ssh.
func (t *sshTarget) dial(ctx context.Context) (net.Conn, error) {
	program := t.program
	if program == "" {
		program = "ssh"
	}
	cmd := exec.Command(program, t.arguments()...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.WaitDelay = time.Second // children that keep its output open are not waited for
	c := &processConn{in: in, out: out, cmd: cmd}
	cmd.Stderr = &c.words
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("ssh does not start: %w", err)
	}
	return c, nil
}

// A processConn is a connection to what a process reads and writes.
type processConn struct {
	in    io.WriteCloser
	out   io.ReadCloser
	cmd   *exec.Cmd
	words lastLine
	once  sync.Once
}

// Read implements net.Conn. At the end its error has the last words of the process.
func (c *processConn) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	if line := c.words.String(); err != nil && line != "" {
		err = fmt.Errorf("ssh says: %s", line)
	}
	return n, err
}

// Write implements net.Conn.
func (c *processConn) Write(p []byte) (int, error) { return c.in.Write(p) }

// Close implements net.Conn. It ends the process.
func (c *processConn) Close() error {
	c.once.Do(func() {
		c.in.Close()
		_ = c.cmd.Process.Kill() // it fails when the process has ended already
		_ = c.cmd.Wait()         // and that it was killed is known
	})
	return nil
}

// The rest of net.Conn is not used.

func (c *processConn) LocalAddr() net.Addr              { return processAddr{} }
func (c *processConn) RemoteAddr() net.Addr             { return processAddr{} }
func (c *processConn) SetDeadline(time.Time) error      { return errNoDeadline }
func (c *processConn) SetReadDeadline(time.Time) error  { return errNoDeadline }
func (c *processConn) SetWriteDeadline(time.Time) error { return errNoDeadline }

var errNoDeadline = errors.New("a process has no deadlines")

type processAddr struct{}

func (processAddr) Network() string { return "ssh" }
func (processAddr) String() string  { return "ssh" }

// lastLine keeps the last line of what is written to it.
type lastLine struct {
	mu   sync.Mutex
	line []byte
}

// maxLine is how much of the line is kept.
const maxLine = 512

// Write implements io.Writer.
func (l *lastLine) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range p {
		switch {
		case c == '\n' && len(l.line) > 0 && l.line[len(l.line)-1] != '\n':
			l.line = append(l.line, c)
		case c >= ' ' && c != 0x7f:
			if n := len(l.line); n > 0 && l.line[n-1] == '\n' {
				l.line = l.line[:0]
			}
			if len(l.line) < maxLine {
				l.line = append(l.line, c)
			}
		}
	}
	return len(p), nil
}

func (l *lastLine) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(string(l.line))
}
