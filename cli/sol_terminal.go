package cli

import (
	"fmt"
	"os"
	"os/signal"
	"sync"

	"golang.org/x/term"
)

// A rawTerminal is a terminal that hands on every key as it is, and can be put right again.
type rawTerminal struct {
	fd    int
	mu    sync.Mutex
	state *term.State // before; nil: it is as it was
}

func (t *rawTerminal) enter() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state != nil {
		return nil
	}
	state, err := term.MakeRaw(t.fd)
	if err != nil {
		return fmt.Errorf("the terminal cannot be set up: %w", err)
	}
	t.state = state
	return nil
}

// restore puts the terminal right. It may be called at any time, as often as one likes.
func (t *rawTerminal) restore() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state != nil {
		_ = term.Restore(t.fd, t.state) // a terminal that is gone needs none
		t.state = nil
	}
}

// watchSignals puts the terminal right at the first signal that ends the program: the second ends it at once.
func (t *rawTerminal) watchSignals() (stop func()) {
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, hardSignals...)
	go func() {
		defer signal.Stop(signals)
		select {
		case <-signals:
			t.restore()
		case <-done:
		}
	}()
	return func() { close(done) }
}

// ignoreBrokenPipe makes a closed output an error of writing, so that the console is closed properly.
func ignoreBrokenPipe() (stop func()) {
	if len(brokenPipe) == 0 {
		return func() {}
	}
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, brokenPipe...)
	return func() { signal.Stop(ignored) }
}
