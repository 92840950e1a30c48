package qemu

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

// A process is a running QEMU.
type process struct {
	cmd   *exec.Cmd
	words lastWords
	ended chan struct{} // closed when it has ended, and err says how
	err   error         // nil: it ended as it should
}

// startProcess starts QEMU. The process ends with this one, whatever happens.
func startProcess(program string, arguments []string) (*process, error) {
	p := &process{cmd: exec.Command(program, arguments...), ended: make(chan struct{})}
	p.cmd.Stderr = &p.words
	endWithParent(p.cmd)
	started := make(chan error)
	go func() {
		// A child that is to end with its parent ends with the thread that made it: this one has to
		// stay.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.last(p.cmd.Wait())
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, fmt.Errorf("%s is not installed; on Debian it is in the package "+
				"qemu-system-x86", program)
		}
		return nil, fmt.Errorf("QEMU does not start: %w", err)
	}
	return p, nil
}

// last makes one sentence of how the process ended.
func (p *process) last(err error) error {
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) {
		return err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return fmt.Errorf("QEMU was ended by signal %d (%s)", status.Signal(), status.Signal())
	}
	name := filepath.Base(p.cmd.Path) + ": "
	if line := p.words.line(name); line != "" {
		return fmt.Errorf("QEMU ended: %s", strings.TrimPrefix(line, name))
	}
	return fmt.Errorf("QEMU ended with status %d", exit.ExitCode())
}

// kill ends the process at once, and returns when it has ended.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it fails when the process has ended already
	<-p.ended
}

// lastWords keeps the end of what a program writes.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

// maxWords is how much is kept.
const maxWords = 4096

// Write implements io.Writer.
func (w *lastWords) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, p...)
	if n := len(w.text); n > maxWords {
		w.text = append(w.text[:0], w.text[n-maxWords:]...)
	}
	return len(p), nil
}

// line returns the last line that begins with the program's name, as its complaints do: a hint may
// follow. If none does, it is the last one that is not empty.
func (w *lastWords) line(name string) (last string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	own := false
	for line := range strings.Lines(string(w.text)) {
		line = strings.TrimSpace(line)
		is := strings.HasPrefix(line, name)
		if is || line != "" && !own {
			last, own = line, own || is
		}
	}
	return last
}
