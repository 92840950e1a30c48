package many

import (
	"io"
	"strings"
	"sync"
	"time"

	fmt "lom/internal/plainfmt"
)

// progressDelay is how long lom works before it shows how far it is, and progressInterval how often
// it does.
const (
	progressDelay    = 500 * time.Millisecond
	progressInterval = 200 * time.Millisecond
)

// A Screen is where the output of many hosts is written. On a terminal it has a last line with the
// progress, which goes away for everything else.
type Screen struct {
	Out, Err    io.Writer
	OutTerminal bool
	ErrTerminal bool
	Width       func() int // of a line on the terminal

	mu     sync.Mutex
	shown  int // width of the line of progress
	paused bool
}

// Write writes to the standard output.
func (s *Screen) Write(b []byte) (int, error) { return len(b), s.WriteOut(b) }

// WriteOut writes to the standard output.
func (s *Screen) WriteOut(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.OutTerminal {
		s.erase()
	}
	_, err := s.Out.Write(b)
	return err
}

// WriteErr writes to the standard error.
func (s *Screen) WriteErr(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	_, _ = s.Err.Write(b) // there is nowhere else to tell it
}

// erase takes the line of progress away.
func (s *Screen) erase() {
	if s.shown > 0 {
		fmt.Fprintf(s.Err, "\r%s\r", strings.Repeat(" ", s.shown))
		s.shown = 0
	}
}

// Progress shows a line of progress; "" shows none.
func (s *Screen) Progress(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused {
		return
	}
	s.erase()
	if most := s.Width() - 1; len(line) > most {
		line = line[:max(most, 0)]
	}
	if line != "" {
		_, _ = io.WriteString(s.Err, line)
		s.shown = len(line)
	}
}

// Pause keeps progress from a person who is asked something.
func (s *Screen) Pause(ask func()) {
	s.mu.Lock()
	s.erase()
	s.paused = true
	s.mu.Unlock()
	ask()
	s.mu.Lock()
	s.paused = false
	s.mu.Unlock()
}

// ShowProgress shows how far the hosts are, on a terminal, until the function that it returns is
// called. line makes the line of progress.
func (s *Screen) ShowProgress(line func() string) (stop func()) {
	if !s.ErrTerminal {
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
				s.Progress("")
				return
			case <-wait.C:
				s.Progress(line())
				wait.Reset(progressInterval)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// ProgressLine is the line of progress after some time.
func ProgressLine(done, failed, left int, elapsed time.Duration) string {
	line := fmt.Sprintf("%d done, %d failed, %d left", done, failed, left)
	if n := done + failed; n > 0 && left > 0 {
		eta := time.Duration(float64(elapsed) / float64(n) * float64(left))
		line += fmt.Sprintf(", about %v to go", max(eta.Round(time.Second), time.Second))
	}
	return line
}
