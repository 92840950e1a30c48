package client

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// levelPacket is the level of log records about single packets.
const levelPacket = slog.LevelDebug - 4

// A Session is a session with a BMC over IPMI 1.5 or 2.0. It may be used by many goroutines at a
// time. Their requests share the session, with several in flight: as many as the BMC has shown that
// it takes, see [Session.Window].
//
// Every packet is checked before it is used. A packet that fails the check is dropped and counted,
// and never ends the session. Lost packets are retransmitted until the time that [WithRetry] gives
// is over. A command that changes state ([ipmi.Command].Changes) is in flight alone and is sent
// only once, because a BMC need not notice that it got it twice. When no answer comes, the error is
// ipmi.ErrOutcomeUnknown. When the BMC has forgotten the session, the Session logs in again, once,
// without the caller's notice.
type Session struct {
	transport    *Transport
	endpoint     *endpoint // of the transport
	ownTransport bool
	peer         netip.AddrPort
	config       config
	log          *slog.Logger
	tracing      bool // packets are logged
	info         Info // guarded by mu

	reviving      chan struct{} // full while the session logs in again
	transferSizes transferSizes

	mu             sync.Mutex   // release it with unlock wherever requests may have been finished
	link           rmcp.Session // nil before the first log-in
	generation     int          // counts log-ins
	suspect        bool         // the BMC seems to have forgotten the session
	idle           bool         // it was suspected after idleLimit without a request
	closed         bool
	level          ipmi.Privilege // the privilege level of the session at the BMC
	limit          ipmi.Privilege // the highest level that is worth asking for
	queue          requestList    // not sent yet
	pending        []*request     // in flight, in the order of their first packets
	finished       requestList    // unlock delivers their answers
	seqs           uint64         // bit n: rqSeq n is in use
	nextSeq        uint8
	inFlight       int    // pending requests that count against the window
	overdue        int    // pending requests that do not, because they timed out
	resendsPending int    // requests whose retransmission waits for room in the window
	exclusive      bool   // the request in flight changes state, so no other may be in flight
	packetsSent    uint64 // packets
	acked          uint64 // number of the last packet that the BMC is known to have got
	rtt            rttEstimator
	ambiguous      ambiguity
	window         congestionWindow
	heard          time.Time // when the last good packet came
	refusals       int       // ICMP port unreachable messages since then
	timer          timer
	timerAt        time.Time // when timer expires, or zero
	keepAliveAt    time.Time
	stats          Stats
	handlers       map[ipmi.PayloadType]func([]byte)
	outage         *outage // nil until the session carries a console
	goodSums       bool    // a message with a correct checksum was received
	badSums        bool    // one with a wrong checksum was dropped
}

var _ PayloadConn = (*Session)(nil)

// Info describes a session as of its last log-in.
type Info struct {
	Peer        netip.AddrPort
	Interface   Interface        // LAN or LANPlus
	AuthType    ipmi.AuthType    // of LAN
	CipherSuite rmcp.CipherSuite // of LANPlus
	Privilege   ipmi.Privilege   // the highest level of the session, as far as the BMC reported it
	ID          uint32           // the BMC's ID of the session
	GUID        ipmi.GUID        // of the managed system, from RAKP Message 2; zero over LAN
}

// Stats counts the packets of a session since it was opened.
type Stats struct {
	Sent     uint64 // packets, with retransmissions
	Received uint64 // good packets
	Retries  uint64 // retransmissions
	Timeouts uint64 // requests without an answer
	Busy     uint64 // answers that reported a busy BMC
	Revived  uint64 // log-ins after the first

	// Packets that were dropped, by reason.
	BadAuthCode  uint64 // wrong authentication code
	BadFlags     uint64 // not protected as negotiated
	BadSequence  uint64 // outside the sequence window, or a replay
	BadSessionID uint64
	Malformed    uint64 // lengths, checksums, padding
	// answers that no request waits for: wrong sequence number, network function or command
	Stray uint64
}

// Info describes the session.
func (s *Session) Info() Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.info
}

// Stats returns the counts of the session.
func (s *Session) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Window returns how many requests in flight the BMC takes, and whether that was learnt, by this
// session or, with [WithWindowHint], an earlier one. To learn it takes some dozens of requests,
// several of them wanted at a time. Until then n is the present size of the congestion window.
func (s *Session) Window() (n int, learnt bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.window.learnt {
		return s.window.limit, true
	}
	return s.window.size, false
}

// String names the session by its BMC. It also keeps fmt from printing what is in it, such as keys.
func (s *Session) String() string { return "session with " + s.peer.String() }

// Exchange sends one request to the BMC and waits for its answer.
func (s *Session) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	return s.exchange(ctx, req, nil)
}

// exchange is Exchange over the bridges of route, outermost first.
func (s *Session) exchange(ctx context.Context, req ipmi.RawRequest,
	route []hop) (ipmi.RawResponse, error) {
	resp, err := s.exchangeRevived(ctx, req, route)
	if err != nil {
		return resp, s.explain(req.Command, err)
	}
	return resp, nil
}

// payloads returns the session that carries payloads.
func (s *Session) payloads() *Session { return s }

// install makes the session use what a log-in opened.
func (s *Session) install(l *login) {
	s.mu.Lock()
	old := s.link
	s.link, s.info = l.link, l.info
	s.generation++
	s.suspect, s.idle, s.refusals, s.acked = false, false, 0, s.packetsSent
	s.level, s.limit = min(ipmi.PrivilegeUser, l.info.Privilege), l.info.Privilege
	s.rtt = l.rtt
	if old == nil {
		s.window = newCongestionWindow(maxWindow(l.info.Interface), s.config.window,
			s.config.windowHint)
	} else {
		s.window.restart()
	}
	s.heard = time.Now()
	s.failInFlight(errLinkLost)
	s.unlock()
	if old != nil {
		s.endpoint.remove(s, old)
	}
	s.mu.Lock()
	s.pump()
	if s.config.keepAlive > 0 {
		s.keepAliveAt = s.heard.Add(s.config.keepAlive)
		s.arm(s.keepAliveAt)
	}
	s.unlock()
}

// Close sends Close Session and fails the requests in flight. It does not wait for the answer,
// because a BMC that does not get the packet ends the session by itself (§6.12.15).
func (s *Session) Close() error {
	s.mu.Lock()
	if !s.closed && !s.suspect && s.link != nil {
		s.sendClose()
	}
	s.mu.Unlock()
	s.abort(ipmi.ErrClosed)
	if s.ownTransport {
		return s.transport.Close()
	}
	return nil
}

// sendClose sends Close Session, once. The caller holds mu.
func (s *Session) sendClose() {
	q := ipmi.CloseSession{SessionID: s.info.ID}
	seq, ok := s.freeSeq()
	data, err := q.AppendBinary(nil)
	if !ok || err != nil {
		return
	}
	r := request{raw: ipmi.RawRequest{Command: q.Command(), Data: data}, seq: seq}
	scratch := s.transport.scratch()
	defer s.transport.scratches.Put(scratch)
	_ = s.transmit(scratch, ipmi.PayloadIPMI, r.appendMessage(nil))
}

// abort closes the session without a packet to the BMC, and fails its requests with cause.
func (s *Session) abort(cause error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	link := s.link
	s.endpoint.timers.stop(&s.timer)
	s.failInFlight(cause)
	for s.queue.head != nil {
		s.complete(s.queue.pop(), ipmi.RawResponse{}, cause)
	}
	s.unlock()
	if link != nil {
		s.endpoint.remove(s, link)
	}
}

// checkKeepAlive sends a keep-alive if the session was idle for the time of WithKeepAlive. The
// caller holds mu.
func (s *Session) checkKeepAlive(now time.Time) {
	if s.config.keepAlive == 0 {
		return
	}
	if !now.Before(s.keepAliveAt) {
		rest := s.config.keepAlive - now.Sub(s.heard)
		if rest <= 0 && !s.suspect && len(s.pending) == 0 {
			s.sendKeepAlive()
			rest = s.config.keepAlive
		}
		s.keepAliveAt = now.Add(max(rest, time.Second))
	}
	s.arm(s.keepAliveAt)
}

// sendKeepAlive sends Get Device ID, whose answer nobody waits for. The caller holds mu.
func (s *Session) sendKeepAlive() {
	r := s.newRequest(ipmi.RawRequest{Command: ipmi.GetDeviceID{}.Command()}, nil, nil)
	r.discard = true
	s.submit(r)
}

// refused notes an ICMP port unreachable message. One may be forged, or come from a BMC that
// restarts. Two without a packet from the BMC between them fail the requests in flight.
func (s *Session) refused() {
	s.mu.Lock()
	defer s.unlock()
	if s.refusals++; s.refusals >= 2 {
		s.suspect = true
		s.failInFlight(ipmi.ErrRefused)
	}
}

// HandlePayload makes f receive the payloads of a type other than PayloadIPMI, such as PayloadSOL.
// f runs on the receive loop of the Transport. It must not block, call the Session, or retain the
// bytes. A nil f drops them.
func (s *Session) HandlePayload(t ipmi.PayloadType, f func(payload []byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handlers == nil {
		s.handlers = map[ipmi.PayloadType]func([]byte){}
	}
	s.handlers[t] = f
}

// SendPayload sends a payload of a type other than PayloadIPMI, once.
func (s *Session) SendPayload(t ipmi.PayloadType, payload []byte) error {
	s.mu.Lock()
	defer s.unlock()
	if s.closed || s.link == nil {
		return &ipmi.Error{Peer: s.peer.String(), Err: ipmi.ErrClosed}
	}
	scratch := s.transport.scratch()
	defer s.transport.scratches.Put(scratch)
	return s.transmitPayload(scratch, t, payload)
}

// Protect sets how packets of a payload type other than PayloadIPMI are protected, as agreed in
// Activate Payload (§24.1). It holds until the next log-in.
func (s *Session) Protect(t ipmi.PayloadType, authenticated, encrypted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if link, ok := s.link.(*rmcp.Session20); ok {
		link.Protect(t, authenticated, encrypted)
	}
}

// Generation counts the log-ins of the session. What was activated under an earlier one, such as a
// console, is gone.
func (s *Session) Generation() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation
}

// transmit sends a payload in one packet, built in scratch. The caller holds mu.
func (s *Session) transmit(scratch *scratch, t ipmi.PayloadType, payload []byte) error {
	packet, err := s.link.Append(scratch.packet[:0], t, payload)
	if err != nil {
		return err
	}
	scratch.packet = packet
	s.stats.Sent++
	s.packetsSent++
	s.endpoint.write(packet, s.peer)
	return nil
}

// receive handles a packet with our session ID. It runs on the receive loop.
func (s *Session) receive(p *rmcp.Packet) {
	s.mu.Lock()
	if s.link == nil {
		s.stats.Stray++
		s.mu.Unlock()
		return
	}
	payload, err := s.link.Open(p)
	if err != nil {
		s.count(err)
		s.mu.Unlock()
		if s.tracing {
			s.log.Log(context.Background(), levelPacket, "dropped a packet", "peer", s.peer,
				"reason", err)
		}
		return
	}
	s.stats.Received++
	s.heard = time.Now()
	s.refusals = 0
	if p.PayloadType != ipmi.PayloadIPMI {
		s.ackPayload(p.PayloadType, payload)
		f := s.handlers[p.PayloadType]
		if f == nil {
			s.stats.Stray++
		}
		s.mu.Unlock()
		if f != nil {
			f(payload)
		}
		return
	}
	m, err := rmcp.ParseMessage(payload)
	s.goodSums = s.goodSums || err == nil
	switch {
	case err == nil, s.takesBadSum(p, err):
		s.answer(&m)
	default:
		s.badSums = s.badSums || errors.Is(err, rmcp.ErrChecksum)
		s.count(err)
	}
	s.unlock()
}

// takesBadSum reports whether a message is taken in spite of err, a wrong second checksum. It is if
// the authentication code of the packet is right and the BMC has never sent a correct checksum, as
// some boards of Supermicro (FreeIPMI's workaround nochecksumcheck). The caller holds mu.
func (s *Session) takesBadSum(p *rmcp.Packet, err error) bool {
	return errors.Is(err, rmcp.ErrChecksum) && p.Authenticated && !s.goodSums
}

// count counts a dropped packet by its reason. The caller holds mu.
func (s *Session) count(err error) {
	switch {
	case errors.Is(err, rmcp.ErrAuthCode):
		s.stats.BadAuthCode++
	case errors.Is(err, rmcp.ErrFlags):
		s.stats.BadFlags++
	case errors.Is(err, rmcp.ErrSequence):
		s.stats.BadSequence++
	case errors.Is(err, rmcp.ErrSessionID):
		s.stats.BadSessionID++
	default:
		s.stats.Malformed++
	}
}

// randomID returns a random number for a session ID or a sequence number.
func randomID() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // it never fails
	return binary.LittleEndian.Uint32(b[:])
}
