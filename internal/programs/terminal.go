package programs

import (
	"bytes"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Terminal is a program that runs on a terminal of its own, made by script(1): what it shows is
// read, and it is typed to.
type Terminal struct {
	t     testing.TB
	what  string
	cmd   *exec.Cmd
	keys  io.WriteCloser
	ended chan struct{}
	err   error

	mu    sync.Mutex
	shown bytes.Buffer
	from  int // what Wait has seen
}

// StartTerminal runs a program on a terminal until it ends or the test does.
func StartTerminal(t testing.TB, program string, args ...string) *Terminal {
	t.Helper()
	Need(t, "script")
	home := t.TempDir()
	line := quote(program)
	for _, a := range args {
		line += " " + quote(a)
	}
	x := &Terminal{t: t, what: filepath.Base(program) + " " + strings.Join(args, " "),
		cmd: exec.Command("script", "-qfec", line, "/dev/null"), ended: make(chan struct{})}
	x.cmd.Dir, x.cmd.Env = home, append(environ(home), "TERM=xterm", "SHELL=/bin/sh")
	x.cmd.Stdout, x.cmd.Stderr = x, x
	var err error
	if x.keys, err = x.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		x.err = x.cmd.Wait()
		close(x.ended)
	}()
	t.Cleanup(func() {
		select {
		case <-x.ended:
		default:
			x.cmd.Process.Signal(syscall.SIGTERM)
			late := time.AfterFunc(5*time.Second, func() { x.cmd.Process.Kill() })
			<-x.ended
			late.Stop()
		}
		if t.Failed() {
			t.Logf("%s showed:\n%s", x.what, x.Shown())
		}
	})
	return x
}

// quote makes one word of the shell of s.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Write takes what the program shows.
func (x *Terminal) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.shown.Write(p)
}

// Shown returns all that the program has shown.
func (x *Terminal) Shown() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.shown.String()
}

// Type types.
func (x *Terminal) Type(keys string) {
	x.t.Helper()
	if _, err := io.WriteString(x.keys, keys); err != nil {
		x.t.Fatalf("%s: %v", x.what, err)
	}
}

// Wait waits until the program shows text, after what it waited for before.
func (x *Terminal) Wait(text string) {
	x.t.Helper()
	x.Within(20*time.Second, text)
}

// Within is Wait with a limit of its own.
func (x *Terminal) Within(most time.Duration, text string) {
	x.t.Helper()
	x.Press("", most, text)
}

// Press types keys as a person does, within a limit: again if the program shows nothing of text for
// five seconds. GRUB on a busy machine reads the escape sequence of a key as its characters.
func (x *Terminal) Press(keys string, most time.Duration, text string) {
	x.t.Helper()
	const again = 5 * time.Second
	began := time.Now()
	for typed := began.Add(-again); ; time.Sleep(10 * time.Millisecond) {
		if keys != "" && time.Since(typed) >= again {
			typed = time.Now()
			x.Type(keys)
		}
		if x.find(text) {
			return
		}
		if time.Since(began) > most {
			x.t.Fatalf("%s does not show %q, but\n%s", x.what, text, x.Shown())
		}
	}
}

// find looks for text after what was found before.
func (x *Terminal) find(text string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := bytes.Index(x.shown.Bytes()[x.from:], []byte(text))
	if i >= 0 {
		x.from += i + len(text)
	}
	return i >= 0
}

// Ended reports whether the program has ended.
func (x *Terminal) Ended() bool {
	select {
	case <-x.ended:
		return true
	default:
		return false
	}
}

// End waits for the program's end and returns its error.
func (x *Terminal) End() error {
	x.t.Helper()
	select {
	case <-x.ended:
	case <-time.After(20 * time.Second):
		x.t.Fatalf("%s does not end; it shows\n%s", x.what, x.Shown())
	}
	return x.err
}
