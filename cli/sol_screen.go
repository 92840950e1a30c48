package cli

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"
)

// A consoleScreen is where a console is shown: what the host says on standard output, and between
// its lines notes of what happens to the console, on standard error.
type consoleScreen struct {
	out, err io.Writer
	eol      string // "\r\n" on a terminal in raw mode
	shared   bool   // both go to the same place, where a note must not tear a line of the host
	failed   func(error)

	mu      sync.Mutex
	midLine bool
	spoke   time.Time // when the host spoke last
	notes   []string  // that wait for the end of the line
	timer   *time.Timer
}

// For how long the host must be quiet before a note is printed, so that it comes after what the
// host said before; and where its line has not ended and may never, as at a prompt.
const (
	noteDelay      = 50 * time.Millisecond
	noteInLineWait = time.Second
)

// sameFile reports whether two outputs go to the same place.
func sameFile(a, b io.Writer) bool {
	f, ok := fileOf(a)
	g, ok2 := fileOf(b)
	if !ok || !ok2 {
		return a == b
	}
	of, err := f.Stat()
	if err != nil {
		return false
	}
	other, err := g.Stat()
	return err == nil && os.SameFile(of, other)
}

// show shows what the host says, and between two lines of it the notes that wait.
func (s *consoleScreen) show(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spoke = time.Now()
	if len(s.notes) > 0 {
		if end := bytes.IndexByte(b, '\n') + 1; end > 0 {
			s.emit(b[:end])
			s.printNotes()
			b = b[end:]
		}
	}
	s.emit(b)
	s.arm()
}

// emit writes to the output. The caller holds mu.
func (s *consoleScreen) emit(b []byte) {
	if len(b) == 0 {
		return
	}
	s.midLine = b[len(b)-1] != '\n'
	if _, err := s.out.Write(b); err != nil {
		s.failed(err)
	}
}

// say writes a line of our own.
func (s *consoleScreen) say(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emit(append(bytes.ReplaceAll([]byte(line), []byte("\n"), []byte(s.eol)), s.eol...))
}

// note tells of an event, when the line ends.
func (s *consoleScreen) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, "["+text+"]"+s.eol)
	if !s.shared {
		s.printNotes()
	}
	s.arm()
}

// arm has the notes that wait printed when the host is quiet. The caller holds mu.
func (s *consoleScreen) arm() {
	if len(s.notes) == 0 {
		return
	}
	wait := noteDelay
	if s.midLine {
		wait = noteInLineWait
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = time.AfterFunc(wait, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.printNotes()
	})
}

// printNotes prints the notes that wait, on lines of their own. The caller holds mu.
func (s *consoleScreen) printNotes() {
	if len(s.notes) == 0 {
		return
	}
	s.endLine()
	for _, n := range s.notes {
		_, _ = io.WriteString(s.err, n) // there is nowhere else to tell it
	}
	s.notes = nil
}

// endLine ends a line of the host for something that comes after it at the same place. The caller
// holds mu.
func (s *consoleScreen) endLine() {
	if s.shared && s.midLine {
		s.emit([]byte(s.eol))
	}
}

// endNotes prints what waits, and ends the line if something is to come after it.
func (s *consoleScreen) endNotes() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
	s.printNotes()
}

// close is endNotes, and ends the line for an error that comes after it.
func (s *consoleScreen) close(err error) {
	s.endNotes()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.endLine()
	}
}

// quietSince returns when the host spoke last.
func (s *consoleScreen) quietSince() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spoke
}
