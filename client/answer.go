package client

import (
	"context"
	"fmt"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// arm makes ring be called at when, or earlier. The alarm is not put off when an answer comes: one
// that rings in vain now and then is cheaper than one that is set for each request. The caller
// holds mu.
func (s *Session) arm(when time.Time) {
	if s.alarmAt.IsZero() || when.Before(s.alarmAt) {
		s.alarmAt = when
		s.mux.alarms.set(&s.alarm, when)
	}
}

// ring is called by the alarm. It sees to the requests that are due, and keeps an idle session
// alive.
func (s *Session) ring() {
	s.mu.Lock()
	defer s.unlock()
	due, now := s.alarmAt, time.Now()
	s.alarmAt = time.Time{}
	if s.closed {
		return
	}
	if late := s.mux.alarms.lag.note(due, now); late > 0 {
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
		if r.underWay && !r.due.After(now) { // still
			s.overdue(r, now)
		}
	}
	s.stayAlive(now)
	for _, r := range s.pending {
		s.arm(r.due)
	}
}

// overdue sees to a request when no answer has come in time, or a busy BMC may be asked again. The
// caller holds mu.
func (s *Session) overdue(r *request, now time.Time) {
	unheard := !s.heard.After(r.first)
	changes := r.raw.Command.Changes
	switch {
	case !now.Before(r.giveUp), r.idle && unheard && r.waits+1 >= idlePatience && !changes &&
		!r.patience.once:
		s.stats.Timeouts++
		if unheard {
			// Otherwise the BMC is there, and only this request has no answer.
			s.suspect, s.idle = true, now.Before(r.giveUp)
		}
		s.window.trouble(r.sent, r.depth, now)
		err := ipmi.ErrTimeout
		if s.badSums {
			err = fmt.Errorf("%w: %w", err, rmcp.ErrChecksum)
		}
		s.complete(r, ipmi.RawResponse{}, err)
		s.pump()
		return
	case r.backOff, r.owed: // a busy BMC has not carried it out
		s.resend(r, now)
		return
	case r.overtaken && r.early < mostEarly:
		s.window.trouble(r.sent, r.depth, now)
		r.early++
		s.resend(r, now)
		return
	case r.waits > 0 && now.Before(r.retry):
		s.lag(r)
		r.due = r.retry
		return
	}
	if !changes {
		s.window.trouble(r.sent, r.depth, now)
		r.waits++
		if _, again := r.patience.wait(r.waits); again {
			s.resend(r, now)
			return
		}
	}
	r.due, r.retry = r.giveUp, r.giveUp // the last packet may still be answered
	s.lag(r)
}

// resend sends a request again, or owes it that until pump finds that it may be sent. The caller
// holds mu.
func (s *Session) resend(r *request, now time.Time) {
	if s.mayResend(r) {
		s.pay(r)
		s.unlag(r)
		s.send(r, now)
		return
	}
	if !r.owed {
		r.owed = true
		s.owed++
	}
	wait, _ := r.patience.wait(r.waits)
	r.retry = earliest(now.Add(jitter(wait)), r.giveUp)
	r.due = r.retry
	s.lag(r)
}

// mayResend reports whether a request may be sent again now. When the BMC is silent, one request is
// enough to find out when that is over. Otherwise there must be room in the window, which a lagging
// request has given to another.
func (s *Session) mayResend(r *request) bool {
	if s.farAhead() {
		return s.pending[0] == r
	}
	return !r.lagging || s.inFlight < s.window.size
}

// pay notes that a request is not owed any more. The caller holds mu.
func (s *Session) pay(r *request) {
	if r.owed {
		r.owed = false
		s.owed--
	}
}

// payAll sends requests again that were owed it, if they may be sent now. The caller holds mu.
func (s *Session) payAll() {
	for i := 0; s.owed > 0 && i < len(s.pending); i++ {
		if r := s.pending[i]; r.owed && s.mayResend(r) {
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

// maxLagging is how many requests without an answer may be overtaken by others.
const maxLagging = 2

// lag lets others be sent while a request waits: the BMC may be one that never answers it. The
// caller holds mu.
func (s *Session) lag(r *request) {
	if r.lagging || r.waits == 0 || !r.underWay {
		return
	}
	lagging := 0
	for _, q := range s.pending {
		if q.lagging && !q.owed { // one that is owed takes the room at once
			lagging++
		}
	}
	if lagging >= maxLagging {
		return
	}
	r.lagging = true
	s.lagging++
	s.inFlight--
	s.pump()
}

// unlag makes a request count for the window again. The caller holds mu.
func (s *Session) unlag(r *request) {
	if r.lagging {
		r.lagging = false
		s.lagging--
		s.inFlight++
	}
}

// mostEarly is how often a request is sent again early.
const mostEarly = 2

// overtake notes that the requests that were sent before r have been overtaken by its answer.
// Either they are lost, or the BMC or the network does not keep the order: what has no answer soon
// is sent again, long before its time-out. It reports whether there are any. What goes over a
// bridge takes its own time. The caller holds mu.
func (s *Session) overtake(r *request, now time.Time) (any bool) {
	for _, q := range s.pending {
		if q.order >= r.order || q.backOff || q.route != nil {
			continue
		}
		any = true
		// Where the user said when to send again, that is when.
		if q.overtaken || q.patience.rto == 0 || q.patience.once {
			continue
		}
		q.overtaken, q.overtakenAt = true, now
		if soon := now.Add(s.rtt.most() + reordering); soon.Before(q.due) {
			q.due = soon
			s.arm(soon)
		}
	}
	return any
}

// reordering is by how much packets may overtake each other in a good network.
const reordering = 10 * time.Millisecond

// Back-off of a busy BMC.
const (
	busyFirst = 50 * time.Millisecond
	busyMost  = time.Second
	busyTries = 8
	// timeoutTries is how often a request for a record is sent again that the BMC says it could not
	// carry out in time: some always say so of one record, and more is wanted than that one.
	timeoutTries = 3
)

// saysBusy reports whether a completion code says that the request may fare better later. That
// space ran out is taken for it only where other requests were under way, which may have used it
// up.
func (r *request) saysBusy(code ipmi.CompletionCode) bool {
	switch code {
	case ipmi.CodeNodeBusy:
		return true
	case ipmi.CodeTimeout:
		return !r.raw.Command.Changes
	case ipmi.CodeOutOfSpace:
		return !r.raw.Command.Changes && r.depth > 1
	}
	return false
}

// answer finishes the request that a message answers, unless there is none, or it must wait on. The
// caller holds mu.
func (s *Session) answer(m *rmcp.Message) {
	var r *request
	if m.NetFn.IsResponse() && m.Seq <= rmcp.MaxSeq {
		r = s.find(m.Seq)
	}
	if r == nil {
		s.stats.Stray++
		if d := s.doubt; d.took > 0 && m.Seq == d.seq && m.Cmd == d.cmd {
			s.rtt.sample(d.took)
			s.doubt = doubt{}
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
	s.proved = max(s.proved, r.firstOrder)
	busy := r.saysBusy(m.Code)
	if busy {
		s.stats.Busy++
		if m.Code != ipmi.CodeTimeout { // that is about one command
			s.window.trouble(r.sent, r.depth, now)
		}
		wait := jitter(min(busyFirst<<r.busy, busyMost))
		tries := busyTries
		if m.Code == ipmi.CodeTimeout && r.raw.Command.NetFn == ipmi.NetFnStorage {
			tries = timeoutTries
		}
		if r.busy++; r.busy <= tries && now.Add(wait).Before(r.giveUp) {
			r.backOff = true
			r.due = now.Add(wait)
			s.arm(r.due)
			return
		}
	}
	if m.Code == ipmi.CodeDuplicate && r.tries > 1 {
		return // the answer to the first one is still to come
	}
	if r.tries == 1 {
		rtt := now.Sub(r.sent)
		s.rtt.sample(rtt)
		if r.route == nil {
			disorder := s.overtake(r, now)
			switch {
			case r.overtaken && now.Sub(r.overtakenAt) > reordering+s.rtt.smooth/4:
				s.window.halve(r.sent, now)
			case !busy && !r.overtaken && !disorder:
				s.window.answered(r.depth, rtt)
			}
		}
	}
	if r.tries > 1 {
		s.doubt = doubt{r.seq, m.Cmd, now.Sub(r.first)}
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

// response makes of the answer what the caller gets: without the defining body. The data is that of
// the message.
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
