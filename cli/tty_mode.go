package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"
)

// A ttyMode is a terminal that lom has put into a mode of its own, such as raw mode or without
// echo. The terminal is as it was before whenever the program is stopped or ends, and in the mode
// again when the program goes on.
type ttyMode struct {
	fd      int
	set     func(fd int) error // enters the mode
	resumed func()             // the program goes on, in the mode; nil: nothing is to be done

	mu     sync.Mutex
	wanted bool
	before *term.State // what to go back to; nil: the terminal is as it was
	ours   *term.State // what the mode looks like
}

// enter puts the terminal into the mode, now or as soon as it is this program's.
func (t *ttyMode) enter() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wanted = true
	return t.apply()
}

// apply enters the mode if the terminal is not in it. The caller holds mu.
func (t *ttyMode) apply() error {
	if !foreground(t.fd) {
		return nil // the terminal is a shell's now, or another job's
	}
	now, err := term.GetState(t.fd)
	if err == nil && t.before != nil && *now == *t.ours {
		return nil
	}
	if err == nil {
		t.before = now
		err = t.set(t.fd)
	}
	if err == nil {
		t.ours, err = term.GetState(t.fd)
	}
	if err != nil {
		return fmt.Errorf("the terminal cannot be set up: %w", err)
	}
	return nil
}

// resume enters the mode again if it is wanted: something else may have changed the terminal.
func (t *ttyMode) resume() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wanted {
		_ = t.apply() // a terminal that is gone is noticed by who reads it
	}
}

// restore puts the terminal right. It may be called at any time, as often as one likes.
func (t *ttyMode) restore() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wanted = false
	t.putBack()
}

// putBack puts the terminal right. The caller holds mu.
func (t *ttyMode) putBack() {
	if t.before != nil && foreground(t.fd) {
		_ = term.Restore(t.fd, t.before) // a terminal that is gone needs none
	}
	t.before = nil
}

// isOn reports whether the mode is wanted: the keys are ours.
func (t *ttyMode) isOn() bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.wanted
}

// foregroundCheck is how often a program looks whether the terminal is its own. A shell that brings
// a job to the foreground that runs in the background already does so without a word.
const foregroundCheck = 500 * time.Millisecond

// isOurs reports whether the terminal may be read. To read it in the background stops the program,
// also while it ends.
func (t *ttyMode) isOurs() bool { return t == nil || foreground(t.fd) }

// await waits until the terminal may be read, and has it in the mode. It reports false when ctx
// ends before.
func (t *ttyMode) await(ctx context.Context) bool {
	for !t.isOurs() {
		select {
		case <-time.After(foregroundCheck):
		case <-ctx.Done():
			return false
		}
	}
	t.resume()
	return true
}

// suspend stops this job as Ctrl-Z does, and has the terminal in the mode again afterwards or not.
func (t *ttyMode) suspend(again bool) {
	t.mu.Lock()
	t.wanted = again
	t.putBack()
	t.mu.Unlock()
	stopJob() // of which watchSignals hears
}

// watchSignals puts the terminal right before a signal ends or stops the program, and enters the
// mode again when the program goes on.
func (t *ttyMode) watchSignals() (stop func()) {
	if t == nil {
		return func() {}
	}
	ending, stopping, continuing := make(chan os.Signal, 1), make(chan os.Signal, 1),
		make(chan os.Signal, 1)
	signal.Notify(ending, endSignals()...)
	notifyJobControl(stopping, continuing)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ending:
				t.restore()
			case <-stopping:
				t.mu.Lock()
				t.putBack()
				t.mu.Unlock()
				stopProcess()
				t.resume()
			case <-continuing: // also after SIGSTOP, and after a read in the background
				t.resume()
				if t.resumed != nil && t.isOn() {
					t.resumed()
				}
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		for _, c := range []chan os.Signal{ending, stopping, continuing} {
			signal.Stop(c)
		}
	}
}

// keyByKey is the mode that hands on every key as it is.
func keyByKey(fd int) error {
	_, err := term.MakeRaw(fd)
	return err
}

// keepBrokenPipe makes a closed output an error of writing, so that what is open can be closed
// properly.
func keepBrokenPipe() (stop func()) {
	if len(brokenPipe) == 0 {
		return func() {}
	}
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, brokenPipe...)
	return func() { signal.Stop(ignored) }
}

// outputError makes of an error of writing to standard output what it means for the program.
func outputError(err error, terminal bool) error {
	switch {
	case errors.Is(err, syscall.EPIPE):
		return errBrokenPipe
	case terminal && errors.Is(err, syscall.EIO):
		return errHangup
	}
	return err
}
