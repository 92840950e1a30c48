package rack

import (
	"fmt"
	"net/netip"
	"time"

	"lom/bmc"
)

// A Service says how fast a BMC is. Real ones take milliseconds for a request, carry out one after
// the other, and have room for few: the specification promises two. The zero value is a BMC that is
// as fast as it can, and loses nothing.
type Service struct {
	Time time.Duration // from the begin of a request to its answer; 0: as little as can be
	// requests that there is room for, with the one that is carried out: 1 to MaxBuffer; 0 is
	// DefaultBuffer
	Buffer   int
	Overflow Overflow // what happens to more
}

// Limits of Service.Buffer, and its value if nothing is said.
const (
	MaxBuffer     = 8
	DefaultBuffer = 2
)

// An Overflow is what a BMC does with requests for which it has no room.
type Overflow uint8

// What a BMC does with requests for which it has no room.
const (
	OverflowDrop Overflow = iota // nothing
	// it answers at once with the completion code C0h; messages that open a session it drops
	OverflowBusy
)

// String returns the word by which people choose it.
func (o Overflow) String() string { return [...]string{"drop", "busy"}[o&1] }

// UnmarshalText reads what String returns.
func (o *Overflow) UnmarshalText(text []byte) error {
	switch string(text) {
	case "drop":
		*o = OverflowDrop
	case "busy":
		*o = OverflowBusy
	default:
		return fmt.Errorf("%q is neither drop nor busy", text)
	}
	return nil
}

// Stats counts the datagrams that came to a BMC, log-in and all. It says whether a client kept to
// what the BMC has room for.
type Stats struct {
	Requests  uint64 `json:"requests"`
	Overflows uint64 `json:"overflows"` // of Requests, those for which there was no room
	// requests that there were at a time, those that found no room with them
	Most int `json:"most"`
	// SinceOverflow is how many requests came after the last that found no room.
	SinceOverflow uint64 `json:"since-overflow"`
}

// arrived notes a request, the nth of those that there are now.
func (s *Stats) arrived(n int) {
	s.Requests++
	s.SinceOverflow++
	s.Most = max(s.Most, n)
}

// add adds the statistics of another BMC.
func (s *Stats) add(o Stats) {
	s.Requests += o.Requests
	s.Overflows += o.Overflows
	s.Most = max(s.Most, o.Most)
	s.SinceOverflow += o.SinceOverflow
}

// A queue is the requests that a BMC has: the first is being carried out.
type queue struct {
	Service
	waiting []datagram
	due     time.Time // when the first is done
}

// A datagram is a request that waits.
type datagram struct {
	link bmc.Link
	from netip.AddrPort
	data []byte
}

// newQueue returns the queue of a BMC, nil if it needs none.
func newQueue(s Service) (*queue, error) {
	if s.Buffer == 0 {
		s.Buffer = DefaultBuffer
	}
	switch {
	case s.Time < 0:
		return nil, fmt.Errorf("a request cannot take %v", s.Time)
	case s.Buffer < 1 || s.Buffer > MaxBuffer:
		return nil, fmt.Errorf("a buffer for %d requests; 1 to %d are possible", s.Buffer,
			MaxBuffer)
	case s.Time == 0:
		return nil, nil
	}
	return &queue{Service: s}, nil
}

// enqueue gives a datagram to a BMC that takes its time.
func (p *port) enqueue(u *Unit, link bmc.Link, from netip.AddrPort, data []byte) {
	q := u.queue
	n := len(q.waiting)
	room := n < q.Buffer
	p.mu.Lock()
	u.stats.arrived(n + 1)
	if !room {
		u.stats.Overflows++
		u.stats.SinceOverflow = 0
	}
	p.mu.Unlock()
	switch {
	case room:
		q.waiting = append(q.waiting, datagram{link, from, p.copyOf(data)})
		if n == 0 {
			q.due = time.Now().Add(q.Time)
			p.due.push(u)
		}
	case q.Overflow == OverflowBusy:
		u.BMC.HandleBusy(link, from, data)
	}
}

// copyOf copies a datagram into memory that is free.
func (p *port) copyOf(data []byte) []byte {
	const usual = 256
	var m []byte
	if n := len(p.memory); n > 0 {
		m, p.memory = p.memory[n-1], p.memory[:n-1]
	}
	if cap(m) < len(data) {
		m = make([]byte, 0, max(usual, len(data)))
	}
	return append(m[:0], data...)
}

// serveDue carries out the requests whose time is over.
func (p *port) serveDue(now time.Time) {
	for len(p.due) > 0 && !p.due[0].queue.due.After(now) {
		u := p.due[0]
		q := u.queue
		d := q.waiting[0]
		q.waiting = q.waiting[:copy(q.waiting, q.waiting[1:])]
		if len(q.waiting) > 0 {
			q.due = now.Add(q.Time)
			p.due.fix(0)
		} else {
			p.due.pop()
		}
		u.BMC.HandlePacket(d.link, d.from, d.data)
		p.memory = append(p.memory, d.data)
	}
}

// A dueHeap is the BMCs that carry out a request, the one that is done next first.
type dueHeap []*Unit

// next returns when the next request is done, the zero time if there is none.
func (h dueHeap) next() time.Time {
	if len(h) == 0 {
		return time.Time{}
	}
	return h[0].queue.due
}

func (h *dueHeap) push(u *Unit) {
	*h = append(*h, u)
	h.up(len(*h) - 1)
}

// pop removes the first.
func (h *dueHeap) pop() {
	last := len(*h) - 1
	(*h)[0] = (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	if last > 0 {
		h.fix(0)
	}
}

func (h dueHeap) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h[i].queue.due.Before(h[parent].queue.due) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

// fix puts the one at i, whose time has become later, into its place.
func (h dueHeap) fix(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[child].queue.due.Before(h[least].queue.due) {
				least = child
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
