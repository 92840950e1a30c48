package cli

import (
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	fmt "lom/internal/plainfmt"
)

// progressDelay is how long lom works before it shows how far it is, and progressInterval how often it does.
const (
	progressDelay    = 500 * time.Millisecond
	progressInterval = 200 * time.Millisecond
)

// A hostScreen is where the output of many hosts is written. On a terminal it has a last line with the progress, which
// goes away for everything else.
type hostScreen struct {
	out, err    io.Writer
	outTerminal bool
	errTerminal bool
	width       func() int

	mu     sync.Mutex
	shown  int // width of the line of progress
	paused bool
}

func newHostScreen(a *App) *hostScreen {
	return &hostScreen{
		out: a.Out, err: a.Err, outTerminal: a.terminal(a.stdout), errTerminal: a.terminal(a.Err),
		width: func() int { return terminalWidth(a.Err) },
	}
}

// isTerminalFile reports whether a file is a terminal.
func isTerminalFile(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// terminalWidth returns how many characters a line has, 80 if it is not known.
func terminalWidth(w io.Writer) int {
	if f, ok := fileOf(w); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return 80
}

func (s *hostScreen) writeOut(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outTerminal {
		s.erase()
	}
	_, err := s.out.Write(b)
	return err
}

func (s *hostScreen) writeErr(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	_, _ = s.err.Write(b) // there is nowhere else to tell it
}

// erase takes the line of progress away.
func (s *hostScreen) erase() {
	if s.shown > 0 {
		fmt.Fprintf(s.err, "\r%s\r", strings.Repeat(" ", s.shown))
		s.shown = 0
	}
}

// progress shows a line of progress; "" shows none.
func (s *hostScreen) progress(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused {
		return
	}
	s.erase()
	if most := s.width() - 1; len(line) > most {
		line = line[:max(most, 0)]
	}
	if line != "" {
		_, _ = io.WriteString(s.err, line)
		s.shown = len(line)
	}
}

// pause keeps progress from a person who is asked something.
func (s *hostScreen) pause(ask func()) {
	s.mu.Lock()
	s.erase()
	s.paused = true
	s.mu.Unlock()
	ask()
	s.mu.Lock()
	s.paused = false
	s.mu.Unlock()
}

// showProgress shows how far the hosts are, on a terminal, until the function that it returns is called.
func (m *many) showProgress() (stop func()) {
	if !m.screen.errTerminal {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		wait := time.NewTimer(progressDelay)
		defer wait.Stop()
		for {
			select {
			case <-done:
				m.screen.progress("")
				return
			case <-wait.C:
				m.screen.progress(m.progressLine(time.Since(m.began)))
				wait.Reset(progressInterval)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// progressLine is the line of progress after some time.
func (m *many) progressLine(elapsed time.Duration) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	done, failed := m.counts[hostDone], m.counts[hostFailed]
	left := m.counts[hostWaiting] + m.counts[hostRunning]
	line := fmt.Sprintf("%d done, %d failed, %d left", done, failed, left)
	if n := done + failed; n > 0 && left > 0 {
		eta := time.Duration(float64(elapsed) / float64(n) * float64(left))
		line += fmt.Sprintf(", about %v to go", max(eta.Round(time.Second), time.Second))
	}
	return line
}
