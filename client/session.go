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

// A Session is a session with a BMC over IPMI 1.5 or 2.0. It may be used by many goroutines at a time: their requests
// share the session, several of them under way at once.
//
// Every packet is checked before it is believed. A packet that fails the check is dropped and counted, and never ends the
// session. Packets that are lost are sent again, until the time that [WithRetry] gives is over. A command
// that changes state ([ipmi.Command].Changes) goes alone and is sent once only, because a BMC need not notice that it
// got it twice; when no answer comes, the error is ipmi.ErrOutcomeUnknown. A BMC that forgot the session is
// logged in to again, once, without the caller's notice.
type Session struct {
	transport    *Transport
	ownTransport bool
	peer         netip.AddrPort
	config       config
	log          *slog.Logger
	tracing      bool // packets are logged
	info         Info // guarded by mu

	reviving chan struct{} // full while the session is set up again

	mu         sync.Mutex
	link       rmcp.Session // nil before the first log-in
	generation int          // counts log-ins
	suspect    bool         // the BMC seems to have forgotten the session
	idle       bool         // that is suspected after a long silence of ours
	closed     bool
	level      ipmi.Privilege // that the session has at the BMC
	limit      ipmi.Privilege // the highest that is worth asking for
	pending    [rmcp.MaxSeq + 1]*request
	nextSeq    uint8
	queue      []*request
	inFlight   int  // requests under way that count for the window
	lagging    int  // those that do not, because they had no answer in time
	alone      bool // the request under way suffers no other beside it
	rtt        roundTrip
	window     congestion
	heard      time.Time // when the last good packet came
	refusals   int       // ICMP refusals since then
	keepAlive  alarm
	stats      Stats
	handlers   map[ipmi.PayloadType]func([]byte)
	message    []byte // room to build messages and packets in
	packet     []byte
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
	Stray        uint64 // answers that no request waits for: wrong sequence number, network function or command
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

// String names the session by its BMC. It also keeps fmt from printing what is in it, such as keys.
func (s *Session) String() string { return "session with " + s.peer.String() }

// Exchange sends one request to the BMC and waits for its answer.
func (s *Session) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	return s.exchange(ctx, req, nil)
}

// exchange sends a request over the bridges of route, outermost first.
func (s *Session) exchange(ctx context.Context, req ipmi.RawRequest, route []hop) (ipmi.RawResponse, error) {
	resp, err := s.exchangeRevived(ctx, req, route)
	if err != nil {
		var e *ipmi.Error
		if errors.As(err, &e) {
			return resp, err
		}
		return resp, &ipmi.Error{Peer: s.peer.String(), Command: req.Command, Err: err}
	}
	return resp, nil
}

// install makes the session that a log-in opened the one to use.
func (s *Session) install(l *login) {
	s.mu.Lock()
	old := s.link
	s.link, s.info = l.link, l.info
	s.generation++
	s.suspect, s.idle, s.refusals = false, false, 0
	s.level, s.limit = min(ipmi.PrivilegeUser, l.info.Privilege), l.info.Privilege
	s.rtt = l.rtt
	s.window = congestion{size: 1}
	s.heard = time.Now()
	orphans := s.takeInFlight()
	s.mu.Unlock()
	if old != nil {
		s.transport.remove(s, old)
	}
	for _, r := range orphans {
		r.finish(ipmi.RawResponse{}, errLinkLost)
	}
	s.mu.Lock()
	s.pump()
	s.mu.Unlock()
	s.armKeepAlive()
}

// Close sends Close Session and gives up what is under way. It waits for the answer for a moment
// only: a BMC that does not answer ends the session by itself.
func (s *Session) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	suspect, id, wait := s.suspect || s.link == nil, s.info.ID, s.rtt.rto()
	s.mu.Unlock()
	if !suspect {
		ctx, cancel := context.WithTimeout(context.Background(), max(wait, minRTO))
		q := ipmi.CloseSession{SessionID: id}
		if data, err := q.AppendBinary(nil); err == nil {
			_, _ = s.do(ctx, ipmi.RawRequest{Command: q.Command(), Data: data}, nil)
		}
		cancel()
	}
	s.abort(ipmi.ErrClosed)
	if s.ownTransport {
		return s.transport.Close()
	}
	return nil
}

// abort ends the session on our side.
func (s *Session) abort(cause error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	orphans := append(s.takeInFlight(), s.queue...)
	s.queue = nil
	link := s.link
	s.mu.Unlock()
	s.transport.alarms.stop(&s.keepAlive)
	if link != nil {
		s.transport.remove(s, link)
	}
	for _, r := range orphans {
		r.finish(ipmi.RawResponse{}, cause)
	}
}

// armKeepAlive sets the alarm for the next command of an idle session.
func (s *Session) armKeepAlive() {
	if s.config.keepAlive > 0 {
		s.transport.alarms.set(&s.keepAlive, time.Now().Add(s.config.keepAlive))
	}
}

// stayAlive is called by the alarm. It sends Get Device ID if the session was idle; nobody waits for the answer.
func (s *Session) stayAlive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	rest := s.config.keepAlive - time.Since(s.heard)
	if rest <= 0 && !s.suspect && s.inFlight+s.lagging == 0 {
		s.submit(newRequest(s, ipmi.RawRequest{Command: ipmi.GetDeviceID{}.Command()}, nil))
		rest = s.config.keepAlive
	}
	s.transport.alarms.set(&s.keepAlive, time.Now().Add(max(rest, time.Second)))
}

// refused notes an ICMP refusal. One may be the last word of a BMC that restarts, or forged; two without
// an answer between them end the wait for those under way.
func (s *Session) refused() {
	s.mu.Lock()
	s.refusals++
	var orphans []*request
	if s.refusals >= 2 {
		orphans = s.takeInFlight()
		s.suspect = true
	}
	s.mu.Unlock()
	for _, r := range orphans {
		r.finish(ipmi.RawResponse{}, ipmi.ErrRefused)
	}
}

// HandlePayload makes f get the payloads of a type other than PayloadIPMI, such as PayloadSOL. f runs on the receive
// loop of the Transport: it must not block, call the Session, or keep the bytes. A nil f
// drops them.
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
	defer s.mu.Unlock()
	if s.closed || s.link == nil {
		return &ipmi.Error{Peer: s.peer.String(), Err: ipmi.ErrClosed}
	}
	return s.transmit(t, payload)
}

// Protect sets how packets of a payload type other than PayloadIPMI are protected, as was agreed on in Activate
// Payload. It holds until the session is set up again.
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

// transmit sends one packet. The caller holds mu.
func (s *Session) transmit(t ipmi.PayloadType, payload []byte) error {
	packet, err := s.link.Append(s.packet[:0], t, payload)
	if err != nil {
		return err
	}
	s.packet = packet
	s.stats.Sent++
	s.transport.write(packet, s.peer)
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
			s.log.Log(context.Background(), levelPacket, "dropped a packet", "peer", s.peer, "reason", err)
		}
		return
	}
	s.stats.Received++
	s.heard = time.Now()
	s.refusals = 0
	if p.PayloadType != ipmi.PayloadIPMI {
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
	if err != nil {
		s.count(err)
		s.mu.Unlock()
		return
	}
	r, resp, err := s.answer(&m)
	s.mu.Unlock()
	if r != nil {
		r.finish(resp, err)
	}
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
