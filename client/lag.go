package client

import (
	"sync"
	"time"
)

// A lag measures by how much this process is late, on a busy machine or after it was stopped, from
// how late its own timers expire. An answer may then have come in time, and wait to be read.
type lag struct {
	mu    sync.Mutex
	level time.Duration
	at    time.Time
}

const (
	lagLeast = 50 * time.Millisecond // less does not count
	// the longest that timeouts are put off to read what has come meanwhile
	lagRead = 250 * time.Millisecond
	lagHalf = 250 * time.Millisecond // half-life of a measured lag
)

// note notes that a timer for due expired at now. It returns by how much it is late, or 0 if that
// is less than lagLeast.
func (l *lag) note(due, now time.Time) time.Duration {
	late := now.Sub(due)
	if late < lagLeast {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.level, l.at = max(late, l.now(now)), now
	return late
}

// now returns the lag at the given time. The caller holds mu.
func (l *lag) now(now time.Time) time.Duration {
	return l.level >> min(now.Sub(l.at)/lagHalf, 62)
}

// Lag returns by how much this process has been late in the last seconds, as the timers of its
// sessions show. It is 0 if the process gets the processor when it needs it, and of a nil
// Transport. A process that is late should start with fewer BMCs at a time.
func (t *Transport) Lag() time.Duration {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	endpoints := t.endpoints[:len(t.endpoints):len(t.endpoints)]
	t.mu.Unlock()
	var most time.Duration
	for _, m := range endpoints {
		l := &m.timers.lag
		l.mu.Lock()
		most = max(most, l.now(time.Now()))
		l.mu.Unlock()
	}
	return most
}

// forgive puts off the timeouts of the requests in flight by as much as the process was late, so
// that the answers that have come meanwhile are read first. The caller holds mu.
func (s *Session) forgive(late time.Duration, now time.Time) {
	read := now.Add(min(late, lagRead))
	for _, r := range s.pending {
		r.deadline = r.deadline.Add(late)
		if r.due.Before(read) {
			r.due = read
		}
		if r.retryAt.Before(read) {
			r.retryAt = read
		}
		if r.deadline.Before(read) {
			r.deadline = read
		}
		s.arm(r.due)
	}
}
