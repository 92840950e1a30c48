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

// An endpoint is one UDP socket and the sessions that share it: it hands each packet that comes to
// its session.
type endpoint struct {
	sock   socket
	out    outbox
	timers timers
	done   chan struct{} // closed when receive has returned
	stray  atomic.Uint64
	bad    atomic.Uint64

	mu        sync.Mutex
	closed    bool
	sessions  map[uint32]*Session       // IPMI 2.0: by our session ID
	sessions1 map[sessionKey15]*Session // IPMI 1.5: the BMC chose the ID
	probes    map[netip.AddrPort][]*probe
}

func newEndpoint(sock socket) *endpoint {
	e := &endpoint{
		sock: sock, done: make(chan struct{}),
		sessions: map[uint32]*Session{}, sessions1: map[sessionKey15]*Session{},
		probes: map[netip.AddrPort][]*probe{},
	}
	e.out.init(sock.batch())
	go e.receive()
	return e
}

// close closes the socket and fails the requests that wait for packets.
func (e *endpoint) close() error {
	e.mu.Lock()
	e.closed = true
	var orphans []*Session
	for _, s := range e.sessions {
		orphans = append(orphans, s)
	}
	for _, s := range e.sessions1 {
		orphans = append(orphans, s)
	}
	var probes []*probe
	for _, list := range e.probes {
		probes = append(probes, list...)
	}
	e.mu.Unlock()
	for _, p := range probes {
		p.fail(ipmi.ErrClosed)
	}
	for _, s := range orphans {
		s.abort(ipmi.ErrClosed)
	}
	e.timers.close()
	err := e.sock.Close()
	<-e.done
	return err
}

// receive reads packets and dispatches them until the socket is closed. What is sent in answer to
// one batch of packets goes out as one batch.
func (e *endpoint) receive() {
	defer close(e.done)
	in := newDatagrams(e.sock.batch())
	var p rmcp.Packet
	failures := 0
	for {
		n, err := e.sock.read(in)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			for _, peer := range e.sock.refusals(err) {
				e.refused(peer)
			}
			// An error that persists must not become a busy loop.
			if failures++; failures > 16 {
				time.Sleep(10 * time.Millisecond)
			}
			continue
		}
		failures = 0
		if n > 1 {
			e.cork()
		}
		for i := range in[:n] {
			if p, err = rmcp.Parse(in[i].b); err != nil {
				e.bad.Add(1)
				continue
			}
			e.dispatch(&p, in[i].peer)
		}
		if n > 1 {
			e.uncork()
		}
	}
}

// An outbox is the queue of packets to be sent.
type outbox struct {
	mu     sync.Mutex
	queue  []datagram
	n      int // packets in queue
	corked int // calls of cork without their uncork
}

func (o *outbox) init(n int) { o.queue = newDatagrams(n) }

// write sends a packet at once, or with the batch if the endpoint is corked.
func (e *endpoint) write(b []byte, to netip.AddrPort) {
	o := &e.out
	o.mu.Lock()
	defer o.mu.Unlock()
	d := &o.queue[o.n]
	d.b, d.peer = append(d.b[:0], b...), to
	if o.n++; o.corked == 0 || o.n == len(o.queue) {
		e.flush()
	}
}

// cork queues packets until uncork was called as often as cork.
func (e *endpoint) cork() {
	e.out.mu.Lock()
	e.out.corked++
	e.out.mu.Unlock()
}

func (e *endpoint) uncork() {
	e.out.mu.Lock()
	if e.out.corked--; e.out.corked == 0 {
		e.flush()
	}
	e.out.mu.Unlock()
}

// flush sends the queue. The kernel may report the ICMP error of an earlier packet instead of
// sending this one, which is then written again. After any other error the packet counts as lost,
// and is retransmitted like one. The caller holds out.mu.
func (e *endpoint) flush() {
	left := e.out.queue[:e.out.n]
	e.out.n = 0
	for again := false; len(left) > 0; {
		n, err := e.sock.write(left)
		left = left[n:]
		switch {
		case err == nil:
			again = false
		case isRefusal(err) && !again:
			again = true
			for _, peer := range e.sock.refusals(err) {
				// refused locks sessions, and the caller may hold the lock of one.
				go e.refused(peer)
			}
		default:
			again = false
			left = left[1:]
		}
	}
}

// dispatch hands a packet to the session with its session ID, and any other packet to the probes
// that wait for an answer from this peer.
func (e *endpoint) dispatch(p *rmcp.Packet, from netip.AddrPort) {
	e.mu.Lock()
	var s *Session
	if p.Class == rmcp.ClassIPMI && p.SessionID != 0 {
		if p.V20() {
			s = e.sessions[p.SessionID]
		} else {
			s = e.sessions1[sessionKey15{from, p.SessionID}]
		}
	}
	probes := e.probes[from]
	e.mu.Unlock()
	if s != nil && s.peer == from {
		s.receive(p)
		return
	}
	for _, probe := range probes {
		if probe.take(p) {
			return
		}
	}
	e.stray.Add(1)
}

// refused reports to the probes and sessions of a peer that nothing listens on its port.
func (e *endpoint) refused(peer netip.AddrPort) {
	e.mu.Lock()
	probes := e.probes[peer]
	var sessions []*Session
	for _, s := range e.sessions {
		if s.peer == peer {
			sessions = append(sessions, s)
		}
	}
	for _, s := range e.sessions1 {
		if s.peer == peer {
			sessions = append(sessions, s)
		}
	}
	e.mu.Unlock()
	for _, p := range probes {
		p.fail(ipmi.ErrRefused)
	}
	for _, s := range sessions {
		s.refused()
	}
}

// add registers a session under the ID of link. It returns false if the endpoint is closed.
func (e *endpoint) add(s *Session, link rmcp.Session) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	if _, ok := link.(*rmcp.Session15); ok {
		e.sessions1[sessionKey15{s.peer, link.LocalID()}] = s
	} else {
		e.sessions[link.LocalID()] = s
	}
	return true
}

// remove removes what add registered.
func (e *endpoint) remove(s *Session, link rmcp.Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := sessionKey15{s.peer, link.LocalID()}
	if _, ok := link.(*rmcp.Session15); ok {
		if e.sessions1[key] == s {
			delete(e.sessions1, key)
		}
	} else if e.sessions[link.LocalID()] == s {
		delete(e.sessions, link.LocalID())
	}
}

// reserve returns an unused session ID for a new IPMI 2.0 session and registers s under it.
func (e *endpoint) reserve(s *Session, random func() uint32) (uint32, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return 0, ipmi.ErrClosed
	}
	for {
		id := random()
		if _, taken := e.sessions[id]; id != 0 && !taken {
			e.sessions[id] = s
			return id, nil
		}
	}
}

// release gives back an ID from reserve.
func (e *endpoint) release(s *Session, id uint32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions[id] == s {
		delete(e.sessions, id)
	}
}
