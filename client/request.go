package client

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// A request is a request on its way through a session: queued, then under way with a sequence number, then finished.
// All fields but resp and err are guarded by the session's mu.
type request struct {
	session *Session
	raw     ipmi.RawRequest
	route   []hop

	seq      uint8
	started  bool // it has a sequence number
	tries    int  // packets sent
	waits    int  // waits for an answer that were in vain
	busy     int  // answers that said so
	backOff  bool // it waits for a busy BMC
	lagging  bool // it no longer keeps others from being sent
	first    time.Time
	idle     bool // the session had been silent for long before it
	sent     time.Time
	giveUp   time.Time
	patience patience
	alarm    alarm

	finished atomic.Bool
	done     chan struct{}
	resp     ipmi.RawResponse
	err      error
}

func newRequest(s *Session, raw ipmi.RawRequest, route []hop) *request {
	r := &request{session: s, raw: raw, route: route, done: make(chan struct{})}
	r.alarm.f = r.overdue
	return r
}

// finish gives the request its answer. Only the first call counts. The caller has taken the
// request out of the session.
func (r *request) finish(resp ipmi.RawResponse, err error) {
	if r.finished.Swap(true) {
		return
	}
	r.resp, r.err = resp, err
	close(r.done)
}

// do sends a request and waits for its answer.
func (s *Session) do(ctx context.Context, raw ipmi.RawRequest, route []hop) (ipmi.RawResponse, error) {
	r := newRequest(s, raw, route)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ipmi.RawResponse{}, ipmi.ErrClosed
	}
	s.submit(r)
	s.mu.Unlock()
	select {
	case <-r.done:
		return r.resp, r.err
	case <-ctx.Done():
	}
	s.mu.Lock()
	sent := r.started && r.tries > 0
	s.drop(r)
	s.pump()
	s.mu.Unlock()
	r.finish(ipmi.RawResponse{}, context.Cause(ctx))
	<-r.done
	if r.err != nil && sent && raw.Command.Changes {
		return r.resp, fmt.Errorf("%w: %w", ipmi.ErrOutcomeUnknown, r.err)
	}
	return r.resp, r.err
}

// submit queues a request. The caller holds mu.
func (s *Session) submit(r *request) {
	s.queue = append(s.queue, r)
	s.pump()
}

// pump sends queued requests as far as the window allows. A command that changes state goes alone, so that the order
// of what happens is that of the calls. The caller holds mu.
func (s *Session) pump() {
	for len(s.queue) > 0 && s.link != nil && !s.alone && s.inFlight < s.window.limit() {
		r := s.queue[0]
		if r.raw.Command.Changes && s.inFlight+s.lagging > 0 {
			return
		}
		seq, ok := s.freeSeq()
		if !ok {
			return
		}
		s.queue = s.queue[1:]
		r.seq, r.started = seq, true
		s.pending[seq] = r
		s.inFlight++
		s.alone = r.raw.Command.Changes
		r.patience = s.patience()
		r.giveUp = time.Now().Add(r.patience.total())
		s.send(r)
	}
}

// patience is how long the session waits for an answer now. The caller holds mu.
func (s *Session) patience() patience {
	p := s.config.patience(s.info.Interface)
	if s.config.timeout == 0 {
		p.rto = s.rtt.rto()
	}
	return p
}

// freeSeq returns a rqSeq that is not in use. They are used in turn, so that a late answer
// does not meet the next request. The caller holds mu.
func (s *Session) freeSeq() (uint8, bool) {
	for range s.pending {
		seq := s.nextSeq
		s.nextSeq = (s.nextSeq + 1) & rmcp.MaxSeq
		if s.pending[seq] == nil {
			return seq, true
		}
	}
	return 0, false
}

// send sends a request for the first time or again: always as a new packet, always with its own rqSeq. The caller holds mu.
func (s *Session) send(r *request) {
	now := time.Now()
	r.sent, r.backOff = now, false
	if r.tries++; r.tries == 1 {
		r.first, r.idle = now, now.Sub(s.heard) > idleDoubt
	} else {
		s.stats.Retries++
	}
	s.message = r.appendMessage(s.message[:0])
	if err := s.transmit(ipmi.PayloadIPMI, s.message); err != nil {
		s.remove(r)
		r.finish(ipmi.RawResponse{}, err)
		return
	}
	if s.tracing {
		s.log.Log(context.Background(), levelPacket, "sent a request",
			"peer", s.peer, "command", r.raw.Command.Name, "netfn", uint8(r.raw.Command.NetFn), "cmd", r.raw.Command.Code,
			"seq", r.seq, "try", r.tries)
	}
	wait, more := r.patience.wait(r.waits)
	when := now.Add(jitter(wait))
	if !more || r.raw.Command.Changes || when.After(r.giveUp) {
		when = r.giveUp
	}
	s.transport.alarms.set(&r.alarm, when)
}

// overdue is called by the alarm when no answer has come in time, or a busy BMC may be asked again.
func (r *request) overdue() {
	s := r.session
	s.mu.Lock()
	if !r.started || s.pending[r.seq] != r {
		s.mu.Unlock()
		return
	}
	now := time.Now()
	unheard := !s.heard.After(r.first)
	if now.Before(r.giveUp) && !(r.idle && unheard && r.waits+1 >= idlePatience && !r.raw.Command.Changes && !r.patience.once) {
		again := r.backOff // a busy BMC has not carried it out
		if !again && !r.raw.Command.Changes {
			s.window.trouble(now, s.rtt.smooth)
			r.waits++
			_, again = r.patience.wait(r.waits)
		}
		if again {
			s.send(r)
		} else {
			s.transport.alarms.set(&r.alarm, r.giveUp) // the last packet may still be answered
		}
		s.lag(r)
		s.mu.Unlock()
		return
	}
	s.stats.Timeouts++
	if unheard {
		// Otherwise the BMC is there, and only this request has no answer.
		s.suspect, s.idle = true, now.Before(r.giveUp)
	}
	s.window.trouble(now, s.rtt.smooth)
	s.remove(r)
	s.pump()
	s.mu.Unlock()
	r.finish(ipmi.RawResponse{}, ipmi.ErrTimeout)
}

// maxLagging is how many requests without an answer may be overtaken by others.
const maxLagging = 2

// lag lets others be sent while a request waits: the BMC may be one that never answers it. The caller holds mu.
func (s *Session) lag(r *request) {
	if r.lagging || r.waits == 0 || s.pending[r.seq] != r || s.lagging >= maxLagging {
		return
	}
	r.lagging = true
	s.lagging++
	s.inFlight--
	s.pump()
}

// remove takes a request that is under way out of the session. The caller holds mu.
func (s *Session) remove(r *request) {
	if !r.started || s.pending[r.seq] != r {
		return
	}
	s.pending[r.seq] = nil
	if r.lagging {
		s.lagging--
	} else {
		s.inFlight--
	}
	if r.raw.Command.Changes {
		s.alone = false
	}
	s.transport.alarms.stop(&r.alarm)
}

// drop takes a request out of the session, wherever it is. The caller holds mu.
func (s *Session) drop(r *request) {
	s.remove(r)
	for i, q := range s.queue {
		if q == r {
			s.queue = append(s.queue[:i:i], s.queue[i+1:]...)
			return
		}
	}
}

// takeInFlight takes all requests that are under way out of the session. The caller holds mu.
func (s *Session) takeInFlight() []*request {
	var all []*request
	for _, r := range s.pending {
		if r != nil {
			all = append(all, r)
			s.remove(r)
		}
	}
	return all
}

// Back-off of a busy BMC.
const (
	busyFirst = 50 * time.Millisecond
	busyMost  = time.Second
	busyTries = 8
)

// answer finds the request that a message answers, and takes it out of the session. It returns nil if
// there is none, or if it must wait on. The caller holds mu.
func (s *Session) answer(m *rmcp.Message) (*request, ipmi.RawResponse, error) {
	var r *request
	if m.NetFn.IsResponse() && m.Seq <= rmcp.MaxSeq {
		r = s.pending[m.Seq]
	}
	if r == nil {
		s.stats.Stray++
		return nil, ipmi.RawResponse{}, nil
	}
	m, verdict := r.unwrap(m)
	switch verdict {
	case notOurs:
		s.stats.Stray++
		return nil, ipmi.RawResponse{}, nil
	case onTheWay:
		return nil, ipmi.RawResponse{}, nil
	}
	if s.tracing {
		s.log.Log(context.Background(), levelPacket, "got an answer",
			"peer", s.peer, "command", r.raw.Command.Name, "seq", m.Seq, "code", uint8(m.Code), "length", len(m.Data))
	}

	busy := m.Code == ipmi.CodeNodeBusy || m.Code == ipmi.CodeTimeout && !r.raw.Command.Changes
	now := time.Now()
	if busy {
		s.stats.Busy++
		s.window.trouble(now, s.rtt.smooth)
		wait := jitter(min(busyFirst<<r.busy, busyMost))
		if r.busy++; r.busy <= busyTries && now.Add(wait).Before(r.giveUp) {
			r.backOff = true
			s.transport.alarms.set(&r.alarm, now.Add(wait))
			return nil, ipmi.RawResponse{}, nil
		}
	}
	if m.Code == ipmi.CodeDuplicate && r.tries > 1 {
		return nil, ipmi.RawResponse{}, nil // the answer to the first one is still to come
	}
	if r.tries == 1 {
		s.rtt.sample(now.Sub(r.sent))
		if !busy {
			s.window.answered(s.inFlight >= s.window.limit())
		}
	}
	s.remove(r)
	s.pump()
	if verdict == bridgeFailed {
		return r, ipmi.RawResponse{}, &ipmi.Error{Peer: s.peer.String(), Command: sendMessage, Code: m.Code}
	}
	resp, err := r.response(m)
	return r, resp, err
}

// response makes of the answer what the caller gets: its own copy of the data, without the defining body.
func (r *request) response(m *rmcp.Message) (ipmi.RawResponse, error) {
	resp := ipmi.RawResponse{Code: m.Code}
	data, hasBody := strings.CutPrefix(string(m.Data), r.raw.Command.Body)
	if !hasBody && m.Code == ipmi.CodeOK {
		return resp, fmt.Errorf("%w: the answer does not begin with the group's % x", ipmi.ErrMalformed, r.raw.Command.Body)
	}
	if len(data) > 0 {
		resp.Data = []byte(data)
	}
	return resp, nil
}
