package client

import (
	"bytes"
	"context"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// A request is a request on its way through a session: queued, then under way with a sequence
// number, then finished. It belongs to the session, whose mu guards it, until it is finished; then
// to whoever gets its answer.
type request struct {
	raw    ipmi.RawRequest
	route  []hop
	done   func(ipmi.RawResponse, error) // is told the answer; nil: somebody waits at ready
	unsung bool                          // nobody wants the answer
	ready  chan struct{}
	resp   ipmi.RawResponse
	err    error
	next   *request // in a requestList

	seq        uint8
	underWay   bool
	depth      int    // how many were under way with it, when it was sent last
	order      uint64 // number of its last packet among the session's
	firstOrder uint64 // of its first one
	tries      int    // packets sent
	waits      int    // waits for an answer that were in vain
	// packets that were sent again before their time, because the request was overtaken
	early       int
	busy        int  // answers that said so
	backOff     bool // it waits for a busy BMC
	overtaken   bool // a later request was answered before it
	lagging     bool // it no longer keeps others from being sent
	owed        bool // it is to be sent again as soon as it may be
	idle        bool // the session had been silent for long before it
	overtakenAt time.Time
	first       time.Time
	sent        time.Time
	due         time.Time // when something is to be done about it
	retry       time.Time // when it is to be sent again, or given up
	giveUp      time.Time
	patience    patience
}

// A requestList is a queue of requests.
type requestList struct{ head, tail *request }

func (l *requestList) push(r *request) {
	r.next = nil
	if l.head == nil {
		l.head = r
	} else {
		l.tail.next = r
	}
	l.tail = r
}

func (l *requestList) pop() *request {
	r := l.head
	l.head, r.next = r.next, nil
	return r
}

// remove takes r out, and reports whether it was there.
func (l *requestList) remove(r *request) bool {
	var before *request
	for q := l.head; q != nil; before, q = q, q.next {
		if q != r {
			continue
		}
		if before == nil {
			l.head = r.next
		} else {
			before.next = r.next
		}
		if l.tail == r {
			l.tail = before
		}
		r.next = nil
		return true
	}
	return false
}

// newRequest takes a request from the pool.
func (s *Session) newRequest(raw ipmi.RawRequest, route []hop,
	done func(ipmi.RawResponse, error)) *request {
	r, _ := s.transport.requests.Get().(*request)
	if r == nil {
		r = &request{ready: make(chan struct{}, 1)}
	}
	*r = request{raw: raw, route: route, done: done, ready: r.ready}
	return r
}

// recycle gives a finished request back to the pool.
func (s *Session) recycle(r *request) {
	*r = request{ready: r.ready}
	s.transport.requests.Put(r)
}

// complete finishes a request: who waits for it is told by unlock. An answer that is waited for is
// copied. The caller holds mu.
func (s *Session) complete(r *request, resp ipmi.RawResponse, err error) {
	s.remove(r)
	if r.done == nil && !r.unsung {
		resp.Data = bytes.Clone(resp.Data)
	}
	r.resp, r.err = resp, err
	s.finished.push(r)
}

// unlock releases mu and tells the answers of what was finished under it.
func (s *Session) unlock() {
	finished := s.finished
	s.finished = requestList{}
	s.mu.Unlock()
	for finished.head != nil {
		s.deliver(finished.pop())
	}
}

// deliver tells the answer of a finished request.
func (s *Session) deliver(r *request) {
	switch {
	case r.done != nil:
		raw, done, resp, err := r.raw, r.done, r.resp, r.err
		s.recycle(r)
		s.started(raw, done, resp, err)
	case r.unsung:
		s.recycle(r)
	default:
		r.ready <- struct{}{}
	}
}

// do sends a request and waits for its answer.
func (s *Session) do(ctx context.Context, raw ipmi.RawRequest,
	route []hop) (ipmi.RawResponse, error) {
	r := s.newRequest(raw, route, nil)
	s.mu.Lock()
	s.submit(r)
	s.unlock()
	select {
	case <-r.ready:
	case <-ctx.Done():
		s.mu.Lock()
		if r.underWay || s.queue.remove(r) {
			sent := r.underWay
			s.complete(r, ipmi.RawResponse{}, context.Cause(ctx))
			if sent && raw.Command.Changes {
				r.err = fmt.Errorf("%w: %w", ipmi.ErrOutcomeUnknown, r.err)
			}
			s.pump()
		}
		s.unlock()
		<-r.ready
	}
	resp, err := r.resp, r.err
	s.recycle(r)
	return resp, err
}

// submit queues a request. The caller holds mu.
func (s *Session) submit(r *request) {
	if s.closed {
		s.complete(r, ipmi.RawResponse{}, ipmi.ErrClosed)
		return
	}
	s.queue.push(r)
	s.pump()
}

// pump sends queued requests as far as the window allows. A command that changes state goes alone,
// so that the order of what happens is that of the calls. The caller holds mu.
func (s *Session) pump() {
	s.payAll()
	for s.queue.head != nil && s.link != nil && !s.alone && s.inFlight < s.window.size &&
		!s.farAhead() {
		r := s.queue.head
		if r.raw.Command.Changes && s.inFlight+s.lagging > 0 {
			return
		}
		seq, ok := s.freeSeq()
		if !ok {
			return
		}
		s.queue.pop()
		s.inFlight++
		r.seq, r.underWay, r.depth = seq, true, s.inFlight
		s.pending = append(s.pending, r)
		s.alone = r.raw.Command.Changes
		r.patience = s.patience()
		now := time.Now()
		r.giveUp = now.Add(r.patience.total())
		s.send(r, now)
	}
}

// farAhead reports whether so many packets were sent since the last one that the BMC is known to
// have got, that it may have lost all of them and would not take many more. The caller holds mu.
func (s *Session) farAhead() bool {
	return len(s.pending) > 0 && s.sends-s.proved >=
		uint64(max(maxWindow(s.info.Interface), s.window.size))
}

// patience is how long the session waits for an answer now. The caller holds mu.
func (s *Session) patience() patience {
	p := s.config.patience(s.info.Interface)
	if s.config.timeout == 0 {
		p.rto = s.rtt.rto(s.config.minRTO, s.config.maxRTO)
	}
	return p
}

// freeSeq takes a rqSeq that is not in use. They are used in turn, so that a late answer
// does not meet the next request. The caller holds mu.
func (s *Session) freeSeq() (uint8, bool) {
	free := bits.RotateLeft64(^s.seqs, -int(s.nextSeq))
	if free == 0 {
		return 0, false
	}
	seq := (s.nextSeq + uint8(bits.TrailingZeros64(free))) & rmcp.MaxSeq
	s.nextSeq = (seq + 1) & rmcp.MaxSeq
	s.seqs |= 1 << seq
	return seq, true
}

// find returns the request under way that has a rqSeq, or nil. The caller holds mu.
func (s *Session) find(seq uint8) *request {
	for _, r := range s.pending {
		if r.seq == seq {
			return r
		}
	}
	return nil
}

// send sends a request for the first time or again: always as a new packet, always with its own
// rqSeq. The caller holds mu.
func (s *Session) send(r *request, now time.Time) {
	r.sent, r.order, r.backOff, r.overtaken = now, s.sends+1, false, false
	if r.tries++; r.tries == 1 {
		r.firstOrder = r.order
		r.first, r.idle = now, now.Sub(s.heard) > idleDoubt
	} else {
		r.depth = s.inFlight
		s.stats.Retries++
	}
	room := s.transport.room()
	room.message = r.appendMessage(room.message[:0])
	err := s.transmit(room, ipmi.PayloadIPMI, room.message)
	s.transport.rooms.Put(room)
	if err != nil {
		s.complete(r, ipmi.RawResponse{}, err)
		return
	}
	if s.tracing {
		s.log.Log(context.Background(), levelPacket, "sent a request",
			"peer", s.peer, "command", r.raw.Command.Name, "netfn", uint8(r.raw.Command.NetFn),
			"cmd", r.raw.Command.Code,
			"seq", r.seq, "try", r.tries)
	}
	wait, more := r.patience.wait(r.waits)
	r.retry = earliest(now.Add(jitter(wait)), r.giveUp)
	if !more || r.raw.Command.Changes {
		r.retry = r.giveUp
	}
	r.due = r.retry
	if soon := now.Add(s.rtt.most() + reordering); r.waits > 0 && soon.Before(r.due) {
		r.due = soon // time to lag again
	}
	s.arm(r.due)
}

// remove takes a request that is under way out of the session. The caller holds mu.
func (s *Session) remove(r *request) {
	if !r.underWay {
		return
	}
	r.underWay = false
	s.seqs &^= 1 << r.seq
	i := slices.Index(s.pending, r)
	s.pending = slices.Delete(s.pending, i, i+1)
	s.pay(r)
	if r.lagging {
		s.lagging--
	} else {
		s.inFlight--
	}
	if r.raw.Command.Changes {
		s.alone = false
	}
}

// failInFlight finishes all requests that are under way. The caller holds mu.
func (s *Session) failInFlight(err error) {
	for len(s.pending) > 0 {
		s.complete(s.pending[0], ipmi.RawResponse{}, err)
	}
}
