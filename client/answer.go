package client

import (
	"context"
	"fmt"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// arm sets the session's timer to expire at when or earlier. The timer is not stopped when an
// answer comes: one that expires early now and then is cheaper than one that is set for each
// request. The caller holds mu.
func (s *Session) arm(when time.Time) {
	if s.timerAt.IsZero() || when.Before(s.timerAt) {
		s.timerAt = when
		s.endpoint.timers.set(&s.timer, when)
	}
}

// onTimer is called when the session's timer expires. It handles the requests that are due and
// sends keep-alives.
func (s *Session) onTimer() {
	s.mu.Lock()
	defer s.unlock()
	due, now := s.timerAt, time.Now()
	s.timerAt = time.Time{}
	if s.closed {
		return
	}
	if late := s.endpoint.timers.lag.note(due, now); late > 0 {
		s.forgive(late, now)
	}
	var late [rmcp.MaxSeq + 1]*request
	n := 0
	for _, r := range s.pending {
		if !r.due.After(now) {
			late[n] = r
			n++
		}
	}
	for _, r := range late[:n] {
		if r.inFlight && !r.due.After(now) { // still
			s.onTimeout(r, now)
		}
	}
	s.checkKeepAlive(now)
	for _, r := range s.pending {
		s.arm(r.due)
	}
}

// onTimeout handles a request that is due: it fails, is retransmitted, or becomes overdue. The
// caller holds mu.
func (s *Session) onTimeout(r *request, now time.Time) {
	unheard := !s.heard.After(r.firstSent)
	changes := r.raw.Command.Changes
	switch {
	case !now.Before(r.deadline), r.idle && unheard && r.timeouts+1 >= idleTries && !changes &&
		!r.schedule.once:
		s.stats.Timeouts++
		if unheard {
			// Otherwise the BMC is there, and only this request has no answer.
			s.suspect, s.idle = true, now.Before(r.deadline)
		}
		s.window.onLoss(r.lastSent, r.flightSize, now)
		err := ipmi.ErrTimeout
		if s.badSums {
			err = fmt.Errorf("%w: %w", err, rmcp.ErrChecksum)
		}
		s.complete(r, ipmi.RawResponse{}, err)
		s.pump()
		return
	case r.backingOff, r.resendPending:
		// a busy BMC has not executed it, so this is safe for a change too
		s.resend(r, now)
		return
	case r.overtaken && r.fastRetransmits < maxFastRetransmits:
		s.window.onLoss(r.lastSent, r.flightSize, now)
		r.fastRetransmits++
		s.resend(r, now)
		return
	case r.timeouts > 0 && now.Before(r.retryAt):
		s.markOverdue(r)
		r.due = r.retryAt
		return
	}
	if !changes {
		s.window.onLoss(r.lastSent, r.flightSize, now)
		r.timeouts++
		if _, again := r.schedule.wait(r.timeouts); again {
			s.resend(r, now)
			return
		}
	}
	r.due, r.retryAt = r.deadline, r.deadline // there may still be an answer to the last packet
	s.markOverdue(r)
}

// resend retransmits a request, or marks it for flushResends to retransmit when mayResend allows.
// The caller holds mu.
func (s *Session) resend(r *request, now time.Time) {
	if s.mayResend(r) {
		s.clearResend(r)
		s.clearOverdue(r)
		s.send(r, now)
		return
	}
	if !r.resendPending {
		r.resendPending = true
		s.resendsPending++
	}
	wait, _ := r.schedule.wait(r.timeouts)
	r.retryAt = earliest(now.Add(jitter(wait)), r.deadline)
	r.due = r.retryAt
	s.markOverdue(r)
}

// mayResend reports whether a request may be retransmitted now. While the BMC is silent, only the
// oldest is: it is enough to find out when the silence ends. Otherwise an overdue request needs
// room in the congestion window, because it gave its place to another. The caller holds mu.
func (s *Session) mayResend(r *request) bool {
	if s.farAhead() {
		return s.pending[0] == r
	}
	return !r.overdue || s.inFlight < s.window.size
}

// clearResend unmarks a request that waited to be retransmitted. The caller holds mu.
func (s *Session) clearResend(r *request) {
	if r.resendPending {
		r.resendPending = false
		s.resendsPending--
	}
}

// flushResends retransmits the requests that wait for it, as far as mayResend allows. The caller
// holds mu.
func (s *Session) flushResends() {
	for i := 0; s.resendsPending > 0 && i < len(s.pending); i++ {
		if r := s.pending[i]; r.resendPending && s.mayResend(r) {
			s.resend(r, time.Now())
		}
	}
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// maxOverdue is how many overdue requests may be in flight besides those in the congestion window.
const maxOverdue = 2

// markOverdue takes a request that timed out off the congestion window, so that others can be sent
// while it waits: some BMCs never answer a certain request. The caller holds mu.
func (s *Session) markOverdue(r *request) {
	if r.overdue || r.timeouts == 0 || !r.inFlight {
		return
	}
	lagging := 0
	for _, q := range s.pending {
		// one that waits to be retransmitted takes its place back
		if q.overdue && !q.resendPending {
			lagging++
		}
	}
	if lagging >= maxOverdue {
		return
	}
	r.overdue = true
	s.overdue++
	s.inFlight--
	s.pump()
}

// clearOverdue counts a request against the congestion window again. The caller holds mu.
func (s *Session) clearOverdue(r *request) {
	if r.overdue {
		r.overdue = false
		s.overdue--
		s.inFlight++
	}
}

// maxFastRetransmits is how often a request is retransmitted before its timeout.
const maxFastRetransmits = 2

// markOvertaken marks the requests in flight that were sent before r, which has been answered, and
// reports whether there are any. They are lost, or the BMC or the network reorders. Without an
// answer soon they are retransmitted, long before their timeout (fast retransmit). Bridged requests
// are exempt: another controller answers them. The caller holds mu.
func (s *Session) markOvertaken(r *request, now time.Time) (any bool) {
	for _, q := range s.pending {
		if q.lastPacket >= r.lastPacket || q.backingOff || q.route != nil {
			continue
		}
		any = true
		// A timeout that the user set (WithRetry) is not cut short.
		if q.overtaken || q.schedule.rto == 0 || q.schedule.once {
			continue
		}
		q.overtaken, q.overtakenAt = true, now
		if soon := now.Add(s.rtt.bound() + reordering); soon.Before(q.due) {
			q.due = soon
			s.arm(soon)
		}
	}
	return any
}

// reordering is by how much a good network may delay one packet more than the next.
const reordering = 10 * time.Millisecond

// Backoff from a busy BMC.
const (
	busyFirst = 50 * time.Millisecond
	busyMost  = time.Second
	busyTries = 8
	// timeoutTries is how often a storage request is retried that the BMC answers with CodeTimeout.
	// Some BMCs always answer so for one record, and the other records are wanted too.
	timeoutTries = 3
)

// saysBusy reports whether a completion code means that the request may succeed later.
// CodeOutOfSpace does only where other requests were in flight, which may have used up the space.
func (r *request) saysBusy(code ipmi.CompletionCode) bool {
	switch code {
	case ipmi.CodeNodeBusy:
		return true
	case ipmi.CodeTimeout:
		return !r.raw.Command.Changes
	case ipmi.CodeOutOfSpace:
		return !r.raw.Command.Changes && r.flightSize > 1
	}
	return false
}

// answer handles a response: it updates the RTT and the congestion window and finishes its request,
// or lets it back off if the BMC is busy. The caller holds mu.
func (s *Session) answer(m *rmcp.Message) {
	var r *request
	if m.NetFn.IsResponse() && m.Seq <= rmcp.MaxSeq {
		r = s.find(m.Seq)
	}
	if r == nil {
		s.stats.Stray++
		if d := s.ambiguous; d.took > 0 && m.Seq == d.seq && m.Cmd == d.cmd {
			s.rtt.sample(d.took)
			s.ambiguous = ambiguity{}
		}
		return
	}
	inner, verdict := r.unwrap(*m)
	switch verdict {
	case notOurs:
		s.stats.Stray++
		return
	case onTheWay:
		return
	}
	m = &inner
	if s.tracing {
		s.log.Log(context.Background(), levelPacket, "got an answer",
			"peer", s.peer, "command", r.raw.Command.Name, "seq", m.Seq, "code", uint8(m.Code),
			"length", len(m.Data))
	}

	now := s.heard
	s.acked = max(s.acked, r.firstPacket)
	busy := r.saysBusy(m.Code)
	if busy {
		s.stats.Busy++
		if m.Code != ipmi.CodeTimeout { // which is about this command only
			s.window.onLoss(r.lastSent, r.flightSize, now)
		}
		wait := jitter(min(busyFirst<<r.busy, busyMost))
		tries := busyTries
		if m.Code == ipmi.CodeTimeout && r.raw.Command.NetFn == ipmi.NetFnStorage {
			tries = timeoutTries
		}
		if r.busy++; r.busy <= tries && now.Add(wait).Before(r.deadline) {
			r.backingOff = true
			r.due = now.Add(wait)
			s.arm(r.due)
			return
		}
	}
	if m.Code == ipmi.CodeDuplicate && r.tries > 1 {
		return // the BMC still works on the first packet, and will answer that
	}
	if r.tries == 1 {
		rtt := now.Sub(r.lastSent)
		s.rtt.sample(rtt)
		if r.route == nil {
			disorder := s.markOvertaken(r, now)
			switch {
			case r.overtaken && now.Sub(r.overtakenAt) > reordering+s.rtt.srtt/4:
				s.window.halve(r.lastSent, now)
			case !busy && !r.overtaken && !disorder:
				s.window.onAnswer(r.flightSize, rtt)
			}
		}
	}
	if r.tries > 1 {
		s.ambiguous = ambiguity{r.seq, m.Cmd, now.Sub(r.firstSent)}
	}
	if verdict == bridgeFailed {
		s.complete(r, ipmi.RawResponse{},
			&ipmi.Error{Peer: s.peer.String(), Command: sendMessage, Code: m.Code})
	} else {
		resp, err := r.response(m)
		s.complete(r, resp, err)
	}
	s.pump()
}

// response returns the response to r without the defining body. Its data is in the memory of m.
func (r *request) response(m *rmcp.Message) (ipmi.RawResponse, error) {
	resp := ipmi.RawResponse{Code: m.Code}
	body, data := r.raw.Command.Body, m.Data
	if len(data) >= len(body) && string(data[:len(body)]) == body {
		data = data[len(body):]
	} else if m.Code == ipmi.CodeOK {
		return resp, fmt.Errorf("%w: the answer does not begin with the group's % x",
			ipmi.ErrMalformed, body)
	}
	if len(data) > 0 {
		resp.Data = data
	}
	return resp, nil
}
