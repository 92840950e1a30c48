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

// A request passes through a session: it is queued, then in flight with a sequence number (rqSeq),
// then finished. The session's mu guards it until it is finished. After that it belongs to whoever
// gets its answer.
type request struct {
	raw     ipmi.RawRequest
	route   []hop
	done    func(ipmi.RawResponse, error) // gets the answer; nil: somebody waits on ready
	discard bool                          // nobody waits for the answer, as of a keep-alive
	ready   chan struct{}
	resp    ipmi.RawResponse
	err     error
	next    *request // in a requestList

	seq         uint8
	inFlight    bool
	flightSize  int    // requests in flight, this one among them, when it was last sent
	lastPacket  uint64 // number of its last packet, counted over the session
	firstPacket uint64 // number of its first packet
	tries       int    // packets sent
	timeouts    int    // retransmission timeouts
	// retransmissions before the timeout, because a later request was answered first
	fastRetransmits int
	busy            int  // answers that reported a busy BMC
	backingOff      bool // it backs off from a busy BMC
	overtaken       bool // a later request was answered before it
	overdue         bool // it timed out and does not count against the window any more
	resendPending   bool // its retransmission waits for room in the window
	idle            bool // nothing was received for idleLimit before it was first sent
	overtakenAt     time.Time
	firstSent       time.Time
	lastSent        time.Time
	due             time.Time // when onTimeout is to look at it next
	retryAt         time.Time // when the retransmission timeout expires
	deadline        time.Time
	schedule        retrySchedule
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

// newRequest returns a request from the pool.
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

// complete finishes a request; unlock then delivers its answer. The data is copied for a caller
// that waits on ready, because the packet's memory is reused. The caller holds mu.
func (s *Session) complete(r *request, resp ipmi.RawResponse, err error) {
	s.remove(r)
	if r.done == nil && !r.discard {
		resp.Data = bytes.Clone(resp.Data)
	}
	r.resp, r.err = resp, err
	s.finished.push(r)
}

// unlock releases mu and delivers the answers of the requests that were finished under it.
func (s *Session) unlock() {
	finished := s.finished
	s.finished = requestList{}
	s.mu.Unlock()
	for finished.head != nil {
		s.deliver(finished.pop())
	}
}

// deliver hands the answer of a finished request to whoever waits for it.
func (s *Session) deliver(r *request) {
	switch {
	case r.done != nil:
		raw, done, resp, err := r.raw, r.done, r.resp, r.err
		s.recycle(r)
		s.started(raw, done, resp, err)
	case r.discard:
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
		if r.inFlight || s.queue.remove(r) {
			sent := r.inFlight
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

// pump sends queued requests as far as the congestion window allows. A command that changes state
// is in flight alone, so that changes happen in the order of the calls. The caller holds mu.
func (s *Session) pump() {
	s.flushResends()
	for s.queue.head != nil && s.link != nil && !s.exclusive && s.inFlight < s.window.size &&
		!s.farAhead() {
		r := s.queue.head
		if r.raw.Command.Changes && s.inFlight+s.overdue > 0 {
			return
		}
		seq, ok := s.freeSeq()
		if !ok {
			return
		}
		s.queue.pop()
		s.inFlight++
		r.seq, r.inFlight, r.flightSize = seq, true, s.inFlight
		s.pending = append(s.pending, r)
		s.exclusive = r.raw.Command.Changes
		r.schedule = s.schedule()
		now := time.Now()
		r.deadline = now.Add(r.schedule.total())
		s.send(r, now)
	}
}

// farAhead reports whether so many packets were sent since the last acknowledged one that the next
// might be ahead of the BMC's sequence window (§6.12.14), if all of them were lost. The caller
// holds mu.
func (s *Session) farAhead() bool {
	return len(s.pending) > 0 && s.packetsSent-s.acked >=
		uint64(max(maxWindow(s.info.Interface), s.window.size))
}

// schedule returns the retry schedule of a request that is sent now. The caller holds mu.
func (s *Session) schedule() retrySchedule {
	p := s.config.schedule(s.info.Interface)
	if s.config.timeout == 0 {
		p.rto = s.rtt.rto(s.config.minRTO, s.config.maxRTO)
	}
	return p
}

// freeSeq allocates an unused rqSeq. They are used in turn, so that a late answer does not match
// the next request. The caller holds mu.
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

// find returns the request in flight with the given rqSeq, or nil. The caller holds mu.
func (s *Session) find(seq uint8) *request {
	for _, r := range s.pending {
		if r.seq == seq {
			return r
		}
	}
	return nil
}

// send transmits or retransmits a request: each time in a new packet, with the same rqSeq. It sets
// the retransmission timer. The caller holds mu.
func (s *Session) send(r *request, now time.Time) {
	r.lastSent, r.lastPacket, r.backingOff, r.overtaken = now, s.packetsSent+1, false, false
	if r.tries++; r.tries == 1 {
		r.firstPacket = r.lastPacket
		r.firstSent, r.idle = now, now.Sub(s.heard) > idleLimit
	} else {
		r.flightSize = s.inFlight
		s.stats.Retries++
	}
	scratch := s.transport.scratch()
	scratch.message = r.appendMessage(scratch.message[:0])
	err := s.transmit(scratch, ipmi.PayloadIPMI, scratch.message)
	s.transport.scratches.Put(scratch)
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
	wait, more := r.schedule.wait(r.timeouts)
	r.retryAt = earliest(now.Add(jitter(wait)), r.deadline)
	if !more || r.raw.Command.Changes {
		r.retryAt = r.deadline
	}
	r.due = r.retryAt
	if soon := now.Add(s.rtt.bound() + reordering); r.timeouts > 0 && soon.Before(r.due) {
		r.due = soon // when it becomes overdue again
	}
	s.arm(r.due)
}

// remove takes a request out of flight. The caller holds mu.
func (s *Session) remove(r *request) {
	if !r.inFlight {
		return
	}
	r.inFlight = false
	s.seqs &^= 1 << r.seq
	i := slices.Index(s.pending, r)
	s.pending = slices.Delete(s.pending, i, i+1)
	s.clearResend(r)
	if r.overdue {
		s.overdue--
	} else {
		s.inFlight--
	}
	if r.raw.Command.Changes {
		s.exclusive = false
	}
}

// failInFlight finishes all requests in flight with err. The caller holds mu.
func (s *Session) failInFlight(err error) {
	for len(s.pending) > 0 {
		s.complete(s.pending[0], ipmi.RawResponse{}, err)
	}
}
