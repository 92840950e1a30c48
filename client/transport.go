package client

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"sync"

	"lom/ipmi"
)

// A Transport is a few UDP sockets that many sessions share. Each socket has one goroutine, which
// reads, and one timer; a session costs neither. Packets are read and written in batches where the
// system can. It may be used by many goroutines at a time.
type Transport struct {
	requests sync.Pool // of *request
	rooms    sync.Pool // of *room
	chores   chores

	mu     sync.Mutex
	closed bool
	muxes  []*mux
	most   int // sockets
	next   int // of muxes, for the next session
}

// maxSockets is the most sockets of a Transport.
const maxSockets = 4

// NewTransport returns a Transport. conn is the only socket, whose addresses must be those of UDP;
// if it is nil, sockets are opened as they are needed, as many as can be read at the same time.
// Close closes them either way.
func NewTransport(conn net.PacketConn) (*Transport, error) {
	if conn != nil {
		return newTransport(newSocket(conn)), nil
	}
	sock, err := listenShared()
	if err != nil {
		return nil, &ipmi.Error{Op: "open a UDP socket", Err: err}
	}
	t := newTransport(sock)
	t.most = min(runtime.GOMAXPROCS(0), maxSockets)
	return t, nil
}

// newTransport returns a Transport with one socket.
func newTransport(sock socket) *Transport {
	return &Transport{muxes: []*mux{newMux(sock)}, most: 1}
}

// mux returns the socket for another session. They are taken in turn.
func (t *Transport) mux() *mux {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.muxes) < t.most && t.next == len(t.muxes) && !t.closed {
		if sock, err := listenShared(); err == nil {
			t.muxes = append(t.muxes, newMux(sock))
		}
	}
	m := t.muxes[t.next%len(t.muxes)]
	t.next = (t.next + 1) % max(t.most, 1)
	return m
}

// Batch calls f, which starts requests of many sessions, and has their packets sent in batches: a
// system call for dozens. Other packets wait until f returns, so it should not take long.
func (t *Transport) Batch(f func()) {
	t.mu.Lock()
	muxes := t.muxes[:len(t.muxes):len(t.muxes)]
	t.mu.Unlock()
	for _, m := range muxes {
		m.cork()
		defer m.uncork()
	}
	f()
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
	Stray     uint64 // nobody waits for them, as for the answers to Close Session
}

// Stats returns the counts since the Transport was made.
func (t *Transport) Stats() TransportStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	var st TransportStats
	for _, m := range t.muxes {
		st.Malformed += m.bad.Load()
		st.Stray += m.stray.Load()
	}
	return st
}

// Close closes the sockets. Sessions should be closed before; those that are not lose their
// connection without a word to their BMCs.
func (t *Transport) Close() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil
	}
	t.closed = true
	muxes := t.muxes
	t.mu.Unlock()
	var errs []error
	for _, m := range muxes {
		errs = append(errs, m.close())
	}
	return errors.Join(errs...)
}

// sessionKey15 is what finds an IPMI 1.5 session, whose ID is unique only to its BMC.
type sessionKey15 struct {
	peer netip.AddrPort
	id   uint32
}
