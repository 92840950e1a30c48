package client

import (
	"sync"
	"time"
)

// A lag is by how much this process is late, as its own timers show: on a busy machine, or after it
// was stopped. An answer may have come in time then, and wait to be read.
type lag struct {
	mu    sync.Mutex
	level time.Duration
	at    time.Time
}

const (
	lagLeast = 50 * time.Millisecond // less is nothing
	// what a late process gets at most to read what has come meanwhile
	lagRead = 250 * time.Millisecond
	lagHalf = 250 * time.Millisecond // after which a lag counts half
)

// note notes that something is done at now that was due earlier, and returns by how much the
// process is late, 0 if that is nothing.
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

// now returns by how much the process is late. The caller holds mu.
func (l *lag) now(now time.Time) time.Duration {
	return l.level >> min(now.Sub(l.at)/lagHalf, 62)
}

// Lag tells by how much this process has been late in the last seconds, as the timers of its
// sessions show; 0 is a process that has the processor when it needs it. One that is late does well
// to begin with fewer BMCs at a time. Of a nil Transport it is 0.
func (t *Transport) Lag() time.Duration {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	muxes := t.muxes[:len(t.muxes):len(t.muxes)]
	t.mu.Unlock()
	var most time.Duration
	for _, m := range muxes {
		l := &m.alarms.lag
		l.mu.Lock()
		most = max(most, l.now(time.Now()))
		l.mu.Unlock()
	}
	return most
}

// forgive makes the requests under way wait for as much longer as the process was late, and lets
// what has come meanwhile be read before anything is done about them. The caller holds mu.
func (s *Session) forgive(late time.Duration, now time.Time) {
	read := now.Add(min(late, lagRead))
	for _, r := range s.pending {
		r.giveUp = r.giveUp.Add(late)
		if r.due.Before(read) {
			r.due = read
		}
		if r.retry.Before(read) {
			r.retry = read
		}
		if r.giveUp.Before(read) {
			r.giveUp = read
		}
		s.arm(r.due)
	}
}
