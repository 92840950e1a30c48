package host

import (
	"strings"
	"sync"
	"time"
	"unicode"
)

// A Sight is what looks at a machine have shown of it, and makes events of that. The zero value has
// seen nothing yet. It has no lock.
type Sight struct {
	now   Power
	known Power // when it was known last
	why   string
}

// Power returns what the last look has shown.
func (s *Sight) Power() Power { return s.now }

// Look takes what a look has shown, and returns what has happened. Why says why it has shown
// nothing; the power is then Unknown.
func (s *Sight) Look(p Power, why error) []Event {
	was := s.now
	if why != nil {
		s.now = Unknown
		// Words that differ in numbers only, such as a time or a process, are the same reason.
		words := strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return -1
			}
			return r
		}, why.Error())
		if was == Unknown && words == s.why {
			return nil
		}
		s.why = words
		return []Event{{Kind: Unseen, Err: why}}
	}
	known := s.known
	s.now, s.known, s.why = p, p, ""
	var events []Event
	if was == Unknown {
		events = append(events, Event{Kind: Seen})
	}
	switch {
	case known == Off && p == On:
		events = append(events, Event{Kind: Started})
	case known == On && p == Off:
		events = append(events, Event{Kind: PoweredOff})
	}
	return events
}

// Overdue has f called after d, unless stop is called before. F is not running when stop returns.
func Overdue(d time.Duration, f func()) (stop func()) {
	var mu sync.Mutex
	stopped := false
	t := time.AfterFunc(d, func() {
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			f()
		}
	})
	return func() {
		t.Stop()
		mu.Lock()
		defer mu.Unlock()
		stopped = true
	}
}
