package udprelay

import (
	"sync"
	"time"
)

// A line delays what is put into it, and keeps its order. Timers of their own for each packet would
// do neither well: they ring up to a millisecond late, and those that are due together in any
// order.
type line struct {
	mu     sync.Mutex
	some   sync.Cond
	queue  []delayed
	closed bool
}

type delayed struct {
	due  time.Time
	send func()
}

func newLine() *line {
	l := &line{}
	l.some.L = &l.mu
	return l
}

// put makes the line call send when it is due, and all that was put before has been.
func (l *line) put(due time.Time, send func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, delayed{due, send})
	l.some.Signal()
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.some.Signal()
}

// run sends what is due until the line is closed.
func (l *line) run() {
	for {
		l.mu.Lock()
		for len(l.queue) == 0 && !l.closed {
			l.some.Wait()
		}
		if l.closed {
			l.mu.Unlock()
			return
		}
		next := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()
		sleep(time.Until(next.due))
		next.send()
	}
}
