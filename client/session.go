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
// time: their requests share the session, several of them under way at once: as many as the BMC has
// shown that it takes, see [Session.Window].
//
// Every packet is checked before it is believed. A packet that fails the check is dropped and
// counted, and never ends the session. Packets that are lost are sent again, until the time that
// [WithRetry] gives is over. A command that changes state ([ipmi.Command].Changes) goes alone and
// is sent once only, because a BMC need not notice that it got it twice; when no answer comes, the
// error is ipmi.ErrOutcomeUnknown. A BMC that forgot the session is logged in to again, once,
// without the caller's notice.
type Session struct {
	transport    *Transport
	mux          *mux // of the transport
	ownTransport bool
	peer         netip.AddrPort
	config       config
	log          *slog.Logger
	tracing      bool // packets are logged
	info         Info // guarded by mu

	reviving chan struct{} // full while the session is set up again
	habits   habits

	mu          sync.Mutex   // released by unlock, where requests may have been finished
	link        rmcp.Session // nil before the first log-in
	generation  int          // counts log-ins
	suspect     bool         // the BMC seems to have forgotten the session
	idle        bool         // that is suspected after a long silence of ours
	closed      bool
	level       ipmi.Privilege // that the session has at the BMC
	limit       ipmi.Privilege // the highest that is worth asking for
	queue       requestList    // not sent yet
	pending     []*request     // under way, in the order in which they were sent first
	finished    requestList    // whose answers are told when mu is released
	seqs        uint64         // bit n: rqSeq n is in use
	nextSeq     uint8
	inFlight    int    // requests under way that count for the window
	lagging     int    // those that do not, because they had no answer in time
	owed        int    // requests that are to be sent again as soon as they may be
	alone       bool   // the request under way suffers no other beside it
	sends       uint64 // packets
	proved      uint64 // as many of them, at the least, as the BMC has got the last of
	rtt         roundTrip
	doubt       doubt
	window      congestion
	heard       time.Time // when the last good packet came
	refusals    int       // ICMP refusals since then
	alarm       alarm
	alarmAt     time.Time // when it rings, or zero
	keepAliveAt time.Time
	stats       Stats
	handlers    map[ipmi.PayloadType]func([]byte)
	outage      *outage // of one that carries a console
	goodSums    bool    // a message with a right checksum came
	badSums     bool    // one with a wrong checksum was dropped
}

var _ Conn = (*Session)(nil)

// Info is what is known of a session since its log-in.
type Info struct {
	Peer        netip.AddrPort
	Interface   Interface        // LAN or LANPlus
	AuthType    ipmi.AuthType    // of LAN
	CipherSuite rmcp.CipherSuite // of LANPlus
	Privilege   ipmi.Privilege   // the most the session may do, as far as the BMC said so
	ID          uint32           // the BMC's ID of the session
	GUID        ipmi.GUID        // of the managed system, as RAKP Message 2 told it; zero over LAN
}

// Stats counts what happened to the packets of a session.
type Stats struct {
	Sent     uint64 // packets, retries among them
	Received uint64 // good packets
	Retries  uint64 // packets that were sent again
	Timeouts uint64 // requests without an answer
	Busy     uint64 // answers that said so
	Revived  uint64 // log-ins after the first

	// Packets that were dropped, by reason.
	BadAuthCode  uint64 // wrong authentication code
	BadFlags     uint64 // not protected as negotiated
	BadSequence  uint64 // out of the window or a replay
	BadSessionID uint64
	Malformed    uint64 // lengths, checksums, padding
	// answers that no request waits for: wrong sequence number, network function or command
	Stray uint64
}

// Info returns what is known of the session.
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

// Window tells how many requests at a time the BMC takes, and whether that was found out, by this
// session or, with [WithWindowHint], an earlier one. It takes some dozens of requests, several of
// them wanted at a time; until then n is what has gone well so far.
func (s *Session) Window() (n int, learnt bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.window.learnt {
		return s.window.most, true
	}
	return s.window.size, false
}

// String names the session by its BMC. It also keeps fmt from printing what is in it, such as keys.
func (s *Session) String() string { return "session with " + s.peer.String() }

// Exchange sends one request to the BMC and waits for its answer.
func (s *Session) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	return s.exchange(ctx, req, nil)
}

// exchange sends a request over the bridges of route, outermost first.
func (s *Session) exchange(ctx context.Context, req ipmi.RawRequest,
	route []hop) (ipmi.RawResponse, error) {
	resp, err := s.exchangeRevived(ctx, req, route)
	if err != nil {
		return resp, s.explain(req.Command, err)
	}
	return resp, nil
}

// install makes the session that a log-in opened the one to use.
func (s *Session) install(l *login) {
	s.mu.Lock()
	old := s.link
	s.link, s.info = l.link, l.info
	s.generation++
	s.suspect, s.idle, s.refusals, s.proved = false, false, 0, s.sends
	s.level, s.limit = min(ipmi.PrivilegeUser, l.info.Privilege), l.info.Privilege
	s.rtt = l.rtt
	if old == nil {
		s.window = newCongestion(maxWindow(l.info.Interface), s.config.window, s.config.windowHint)
	} else {
		s.window.restart()
	}
	s.heard = time.Now()
	s.failInFlight(errLinkLost)
	s.unlock()
	if old != nil {
		s.mux.remove(s, old)
	}
	s.mu.Lock()
	s.pump()
	if s.config.keepAlive > 0 {
		s.keepAliveAt = s.heard.Add(s.config.keepAlive)
		s.arm(s.keepAliveAt)
	}
	s.unlock()
}

// Close sends Close Session and gives up what is under way. It does not wait for the answer: a BMC
// that does not get the packet ends the session by itself.
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
	room := s.transport.room()
	defer s.transport.rooms.Put(room)
	_ = s.transmit(room, ipmi.PayloadIPMI, r.appendMessage(nil))
}

// abort ends the session on our side.
func (s *Session) abort(cause error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	link := s.link
	s.mux.alarms.stop(&s.alarm)
	s.failInFlight(cause)
	for s.queue.head != nil {
		s.complete(s.queue.pop(), ipmi.RawResponse{}, cause)
	}
	s.unlock()
	if link != nil {
		s.mux.remove(s, link)
	}
}

// stayAlive sends Get Device ID if the session was idle for as long as WithKeepAlive says; nobody
// waits for the answer. The caller holds mu.
func (s *Session) stayAlive(now time.Time) {
	if s.config.keepAlive == 0 {
		return
	}
	if !now.Before(s.keepAliveAt) {
		rest := s.config.keepAlive - now.Sub(s.heard)
		if rest <= 0 && !s.suspect && len(s.pending) == 0 {
			s.greet()
			rest = s.config.keepAlive
		}
		s.keepAliveAt = now.Add(max(rest, time.Second))
	}
	s.arm(s.keepAliveAt)
}

// greet sends Get Device ID, so that the BMC and the session hear of each other. The caller holds
// mu.
func (s *Session) greet() {
	r := s.newRequest(ipmi.RawRequest{Command: ipmi.GetDeviceID{}.Command()}, nil, nil)
	r.unsung = true
	s.submit(r)
}

// refused notes an ICMP refusal. One may be the last word of a BMC that restarts, or forged; two
// without an answer between them end the wait for those under way.
func (s *Session) refused() {
	s.mu.Lock()
	defer s.unlock()
	if s.refusals++; s.refusals >= 2 {
		s.suspect = true
		s.failInFlight(ipmi.ErrRefused)
	}
}

// HandlePayload makes f get the payloads of a type other than PayloadIPMI, such as PayloadSOL. f
// runs on the receive loop of the Transport: it must not block, call the Session, or keep the
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
	room := s.transport.room()
	defer s.transport.rooms.Put(room)
	return s.transmitPayload(room, t, payload)
}

// Protect sets how packets of a payload type other than PayloadIPMI are protected, as was agreed on
// in Activate Payload. It holds until the session is set up again.
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

// transmit sends one packet, made in room. The caller holds mu.
func (s *Session) transmit(room *room, t ipmi.PayloadType, payload []byte) error {
	packet, err := s.link.Append(room.packet[:0], t, payload)
	if err != nil {
		return err
	}
	room.packet = packet
	s.stats.Sent++
	s.sends++
	s.mux.write(packet, s.peer)
	return nil
}

// receive takes a packet that bears our session ID. It runs on the receive loop.
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
		s.provePayload(p.PayloadType, payload)
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

// takesBadSum reports whether a message with an error is taken all the same: one whose second
// checksum is wrong, from a BMC that has never made a right one, in a packet whose authentication
// code proves it. Boards of Supermicro make such (FreeIPMI's workaround nochecksumcheck). The
// caller holds mu.
func (s *Session) takesBadSum(p *rmcp.Packet, err error) bool {
	return errors.Is(err, rmcp.ErrChecksum) && p.Authenticated && !s.goodSums
}

// count counts a packet that was dropped. The caller holds mu.
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
