package client

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// A Transport is a UDP socket that many sessions share. It has one goroutine, which reads, and one timer; a session
// without a request under way costs neither. It may be used by many goroutines at a time.
type Transport struct {
	sock   socket
	alarms alarms
	done   chan struct{} // closed when the receive loop has ended
	stray  atomic.Uint64
	bad    atomic.Uint64

	requests sync.Pool // of *request
	rooms    sync.Pool // of *room
	chores   chores

	mu        sync.Mutex
	closed    bool
	sessions  map[uint32]*Session       // IPMI 2.0: by our session ID
	sessions1 map[sessionKey15]*Session // IPMI 1.5: the BMC chose the ID
	probes    map[netip.AddrPort][]*probe
}

// sessionKey15 is what finds an IPMI 1.5 session, whose ID is unique only to its BMC.
type sessionKey15 struct {
	peer netip.AddrPort
	id   uint32
}

// NewTransport returns a Transport. conn is the socket, whose addresses must be those of UDP; if it is nil, one is
// opened. Close closes it either way.
func NewTransport(conn net.PacketConn) (*Transport, error) {
	if conn != nil {
		return newTransport(newSocket(conn)), nil
	}
	sock, err := listenShared()
	if err != nil {
		return nil, &ipmi.Error{Op: "open a UDP socket", Err: err}
	}
	return newTransport(sock), nil
}

func newTransport(sock socket) *Transport {
	t := &Transport{
		sock: sock, done: make(chan struct{}),
		sessions: map[uint32]*Session{}, sessions1: map[sessionKey15]*Session{},
		probes: map[netip.AddrPort][]*probe{},
	}
	go t.receive()
	return t
}

// A room is space to build a message and its packet in.
type room struct{ message, packet []byte }

func (t *Transport) room() *room {
	if r, ok := t.rooms.Get().(*room); ok {
		return r
	}
	return &room{}
}

// TransportStats counts packets that belong to no session or exchange.
type TransportStats struct {
	Malformed uint64 // no RMCP or IPMI packets
	Stray     uint64 // nobody waits for them
}

// Stats returns the counts since the Transport was made.
func (t *Transport) Stats() TransportStats {
	return TransportStats{Malformed: t.bad.Load(), Stray: t.stray.Load()}
}

// Close closes the socket. Sessions should be closed before; those that are not lose their connection without a word
// to their BMCs.
func (t *Transport) Close() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil
	}
	t.closed = true
	var orphans []*Session
	for _, s := range t.sessions {
		orphans = append(orphans, s)
	}
	for _, s := range t.sessions1 {
		orphans = append(orphans, s)
	}
	var probes []*probe
	for _, list := range t.probes {
		probes = append(probes, list...)
	}
	t.mu.Unlock()
	for _, p := range probes {
		p.fail(ipmi.ErrClosed)
	}
	for _, s := range orphans {
		s.abort(ipmi.ErrClosed)
	}
	t.alarms.close()
	err := t.sock.Close()
	<-t.done
	return err
}

// receive reads packets and gives them to whom they belong.
func (t *Transport) receive() {
	defer close(t.done)
	buf := make([]byte, rmcp.MaxPacket)
	failures := 0
	for {
		n, from, err := t.sock.read(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			for _, peer := range t.sock.refusals(err) {
				t.refused(peer)
			}
			// An error that does not go away must not become a busy loop.
			if failures++; failures > 16 {
				time.Sleep(10 * time.Millisecond)
			}
			continue
		}
		failures = 0
		p, err := rmcp.Parse(buf[:n])
		if err != nil {
			t.bad.Add(1)
			continue
		}
		t.dispatch(&p, from)
	}
}

// dispatch finds whom a packet belongs to. The session ID finds a session; everything else is for those who wait for an
// answer of that peer outside a session.
func (t *Transport) dispatch(p *rmcp.Packet, from netip.AddrPort) {
	t.mu.Lock()
	var s *Session
	if p.Class == rmcp.ClassIPMI && p.SessionID != 0 {
		if p.V20() {
			s = t.sessions[p.SessionID]
		} else {
			s = t.sessions1[sessionKey15{from, p.SessionID}]
		}
	}
	probes := t.probes[from]
	t.mu.Unlock()
	if s != nil && s.peer == from {
		s.receive(p)
		return
	}
	for _, probe := range probes {
		if probe.take(p) {
			return
		}
	}
	t.stray.Add(1)
}

// refused tells those who wait for a peer that nothing listens at its port.
func (t *Transport) refused(peer netip.AddrPort) {
	t.mu.Lock()
	probes := t.probes[peer]
	var sessions []*Session
	for _, s := range t.sessions {
		if s.peer == peer {
			sessions = append(sessions, s)
		}
	}
	for _, s := range t.sessions1 {
		if s.peer == peer {
			sessions = append(sessions, s)
		}
	}
	t.mu.Unlock()
	for _, p := range probes {
		p.fail(ipmi.ErrRefused)
	}
	for _, s := range sessions {
		s.refused()
	}
}

// write sends a packet. The kernel may report the ICMP error of an earlier packet instead; then it
// has not sent this one. Other errors are as if the packet was lost: the retry comes anyhow.
func (t *Transport) write(b []byte, to netip.AddrPort) {
	if err := t.sock.write(b, to); err != nil && isRefusal(err) {
		for _, peer := range t.sock.refusals(err) {
			if peer == to {
				// The caller may hold the lock of a session that refused wants.
				go t.refused(peer)
			}
		}
		_ = t.sock.write(b, to)
	}
}

// add makes a session known by its IDs. It reports false if the Transport is closed.
func (t *Transport) add(s *Session, link rmcp.Session) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	if _, ok := link.(*rmcp.Session15); ok {
		t.sessions1[sessionKey15{s.peer, link.LocalID()}] = s
	} else {
		t.sessions[link.LocalID()] = s
	}
	return true
}

// remove forgets the IDs of a session.
func (t *Transport) remove(s *Session, link rmcp.Session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := sessionKey15{s.peer, link.LocalID()}
	if _, ok := link.(*rmcp.Session15); ok {
		if t.sessions1[key] == s {
			delete(t.sessions1, key)
		}
	} else if t.sessions[link.LocalID()] == s {
		delete(t.sessions, link.LocalID())
	}
}

// reserve returns a session ID for a new IPMI 2.0 session and keeps it for s, so that
// no other session gets it.
func (t *Transport) reserve(s *Session, random func() uint32) (uint32, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return 0, ipmi.ErrClosed
	}
	for {
		id := random()
		if _, taken := t.sessions[id]; id != 0 && !taken {
			t.sessions[id] = s
			return id, nil
		}
	}
}

// release forgets an ID that reserve gave.
func (t *Transport) release(s *Session, id uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sessions[id] == s {
		delete(t.sessions, id)
	}
}

// A probe is an exchange outside a session.
type probe struct {
	mu       sync.Mutex
	accept   func(*rmcp.Packet) bool
	finished bool
	err      error
	done     chan struct{}
}

// take gives a packet to the probe and reports whether it was the answer.
func (p *probe) take(packet *rmcp.Packet) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.finished || !p.accept(packet) {
		return false
	}
	p.finished = true
	close(p.done)
	return true
}

// fail ends the probe with an error.
func (p *probe) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.finished {
		return
	}
	p.finished, p.err = true, err
	close(p.done)
}

// probe sends the packet that packet appends, again and again as patience allows, until accept
// takes a packet from the peer. accept runs on the receive loop, must not block, and must not
// keep the packet.
func (t *Transport) probe(ctx context.Context, peer netip.AddrPort, pat patience, packet func(dst []byte) ([]byte, error), accept func(*rmcp.Packet) bool) error {
	p := &probe{accept: accept, done: make(chan struct{})}
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return ipmi.ErrClosed
	}
	t.probes[peer] = append(t.probes[peer][:len(t.probes[peer]):len(t.probes[peer])], p)
	t.mu.Unlock()
	defer p.fail(ipmi.ErrClosed) // accept is not called any more
	defer t.removeProbe(peer, p)

	var buf []byte
	timer := time.NewTimer(0)
	defer timer.Stop()
	sent := 0
	for {
		select {
		case <-p.done:
			return p.err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		wait, ok := pat.wait(sent)
		if !ok {
			return ipmi.ErrTimeout
		}
		sent++
		p.mu.Lock()
		b, err := packet(buf[:0])
		p.mu.Unlock()
		if err != nil {
			return err
		}
		buf = b
		t.write(b, peer)
		timer.Reset(wait)
	}
}

func (t *Transport) removeProbe(peer netip.AddrPort, p *probe) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var rest []*probe
	for _, q := range t.probes[peer] {
		if q != p {
			rest = append(rest, q)
		}
	}
	if rest == nil {
		delete(t.probes, peer)
		return
	}
	t.probes[peer] = rest
}
