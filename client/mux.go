package client

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// A mux is one socket and the sessions on it.
type mux struct {
	sock   socket
	out    outbox
	alarms alarms
	done   chan struct{} // closed when the receive loop has ended
	stray  atomic.Uint64
	bad    atomic.Uint64

	mu        sync.Mutex
	closed    bool
	sessions  map[uint32]*Session       // IPMI 2.0: by our session ID
	sessions1 map[sessionKey15]*Session // IPMI 1.5: the BMC chose the ID
	probes    map[netip.AddrPort][]*probe
}

func newMux(sock socket) *mux {
	m := &mux{
		sock: sock, done: make(chan struct{}),
		sessions: map[uint32]*Session{}, sessions1: map[sessionKey15]*Session{},
		probes: map[netip.AddrPort][]*probe{},
	}
	m.out.init(sock.batch())
	go m.receive()
	return m
}

// close closes the socket, and ends what waits for packets.
func (m *mux) close() error {
	m.mu.Lock()
	m.closed = true
	var orphans []*Session
	for _, s := range m.sessions {
		orphans = append(orphans, s)
	}
	for _, s := range m.sessions1 {
		orphans = append(orphans, s)
	}
	var probes []*probe
	for _, list := range m.probes {
		probes = append(probes, list...)
	}
	m.mu.Unlock()
	for _, p := range probes {
		p.fail(ipmi.ErrClosed)
	}
	for _, s := range orphans {
		s.abort(ipmi.ErrClosed)
	}
	m.alarms.close()
	err := m.sock.Close()
	<-m.done
	return err
}

// receive reads packets and gives them to whom they belong. What is sent meanwhile goes out in one
// batch.
func (m *mux) receive() {
	defer close(m.done)
	in := newDatagrams(m.sock.batch())
	var p rmcp.Packet
	failures := 0
	for {
		n, err := m.sock.read(in)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			for _, peer := range m.sock.refusals(err) {
				m.refused(peer)
			}
			// An error that does not go away must not become a busy loop.
			if failures++; failures > 16 {
				time.Sleep(10 * time.Millisecond)
			}
			continue
		}
		failures = 0
		if n > 1 {
			m.cork()
		}
		for i := range in[:n] {
			if p, err = rmcp.Parse(in[i].b); err != nil {
				m.bad.Add(1)
				continue
			}
			m.dispatch(&p, in[i].peer)
		}
		if n > 1 {
			m.uncork()
		}
	}
}

// An outbox collects packets that are to be sent.
type outbox struct {
	mu     sync.Mutex
	queue  []datagram
	n      int // packets in it
	corked int // how many want packets collected
}

func (o *outbox) init(n int) { o.queue = newDatagrams(n) }

// write sends a packet, now or when the receive loop is through with a batch.
func (m *mux) write(b []byte, to netip.AddrPort) {
	o := &m.out
	o.mu.Lock()
	defer o.mu.Unlock()
	d := &o.queue[o.n]
	d.b, d.peer = append(d.b[:0], b...), to
	if o.n++; o.corked == 0 || o.n == len(o.queue) {
		m.flush()
	}
}

// cork has packets collected until uncork is called as often.
func (m *mux) cork() {
	m.out.mu.Lock()
	m.out.corked++
	m.out.mu.Unlock()
}

func (m *mux) uncork() {
	m.out.mu.Lock()
	if m.out.corked--; m.out.corked == 0 {
		m.flush()
	}
	m.out.mu.Unlock()
}

// flush sends what was collected. The kernel may report the ICMP error of an earlier packet
// instead; then it has not sent this one. Other errors are as if the packet was lost: the retry
// comes anyhow. The caller holds out.mu.
func (m *mux) flush() {
	left := m.out.queue[:m.out.n]
	m.out.n = 0
	for again := false; len(left) > 0; {
		n, err := m.sock.write(left)
		left = left[n:]
		switch {
		case err == nil:
			again = false
		case isRefusal(err) && !again:
			again = true
			for _, peer := range m.sock.refusals(err) {
				// The caller may hold the lock of a session that refused wants.
				go m.refused(peer)
			}
		default:
			again = false
			left = left[1:]
		}
	}
}

// dispatch finds whom a packet belongs to. The session ID finds a session; everything else is for
// those who wait for an answer of that peer outside a session.
func (m *mux) dispatch(p *rmcp.Packet, from netip.AddrPort) {
	m.mu.Lock()
	var s *Session
	if p.Class == rmcp.ClassIPMI && p.SessionID != 0 {
		if p.V20() {
			s = m.sessions[p.SessionID]
		} else {
			s = m.sessions1[sessionKey15{from, p.SessionID}]
		}
	}
	probes := m.probes[from]
	m.mu.Unlock()
	if s != nil && s.peer == from {
		s.receive(p)
		return
	}
	for _, probe := range probes {
		if probe.take(p) {
			return
		}
	}
	m.stray.Add(1)
}

// refused tells those who wait for a peer that nothing listens at its port.
func (m *mux) refused(peer netip.AddrPort) {
	m.mu.Lock()
	probes := m.probes[peer]
	var sessions []*Session
	for _, s := range m.sessions {
		if s.peer == peer {
			sessions = append(sessions, s)
		}
	}
	for _, s := range m.sessions1 {
		if s.peer == peer {
			sessions = append(sessions, s)
		}
	}
	m.mu.Unlock()
	for _, p := range probes {
		p.fail(ipmi.ErrRefused)
	}
	for _, s := range sessions {
		s.refused()
	}
}

// add makes a session known by its IDs. It reports false if the mux is closed.
func (m *mux) add(s *Session, link rmcp.Session) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	if _, ok := link.(*rmcp.Session15); ok {
		m.sessions1[sessionKey15{s.peer, link.LocalID()}] = s
	} else {
		m.sessions[link.LocalID()] = s
	}
	return true
}

// remove forgets the IDs of a session.
func (m *mux) remove(s *Session, link rmcp.Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := sessionKey15{s.peer, link.LocalID()}
	if _, ok := link.(*rmcp.Session15); ok {
		if m.sessions1[key] == s {
			delete(m.sessions1, key)
		}
	} else if m.sessions[link.LocalID()] == s {
		delete(m.sessions, link.LocalID())
	}
}

// reserve returns a session ID for a new IPMI 2.0 session and keeps it for s, so that
// no other session gets it.
func (m *mux) reserve(s *Session, random func() uint32) (uint32, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return 0, ipmi.ErrClosed
	}
	for {
		id := random()
		if _, taken := m.sessions[id]; id != 0 && !taken {
			m.sessions[id] = s
			return id, nil
		}
	}
}

// release forgets an ID that reserve gave.
func (m *mux) release(s *Session, id uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions[id] == s {
		delete(m.sessions, id)
	}
}
