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
// reads, and one timer; a session has neither. Packets are read and written in batches where the
// operating system can. A Transport may be used by many goroutines at a time.
type Transport struct {
	requests  sync.Pool // of *request
	scratches sync.Pool // of *room
	chores    chores

	mu        sync.Mutex
	closed    bool
	endpoints []*endpoint
	most      int // of endpoints
	next      int // index of the endpoint of the next session
}

// maxSockets is the most sockets of a Transport.
const maxSockets = 4

// NewTransport returns a Transport whose only socket is conn, which must have UDP addresses. If
// conn is nil, sockets are opened as they are needed: at most four, and at most one for each
// processor. Close closes them either way.
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
	return &Transport{endpoints: []*endpoint{newEndpoint(sock)}, most: 1}
}

// endpoint returns the endpoint for another session. They are used in turn.
func (t *Transport) endpoint() *endpoint {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.endpoints) < t.most && t.next == len(t.endpoints) && !t.closed {
		if sock, err := listenShared(); err == nil {
			t.endpoints = append(t.endpoints, newEndpoint(sock))
		}
	}
	m := t.endpoints[t.next%len(t.endpoints)]
	t.next = (t.next + 1) % max(t.most, 1)
	return m
}

// Batch calls f, which starts requests of many sessions, and sends their packets in batches, dozens
// in one system call. Other packets wait until f returns, so it should not take long.
func (t *Transport) Batch(f func()) {
	t.mu.Lock()
	endpoints := t.endpoints[:len(t.endpoints):len(t.endpoints)]
	t.mu.Unlock()
	for _, m := range endpoints {
		m.cork()
		defer m.uncork()
	}
	f()
}

// A scratch holds the buffers in which a message and its packet are built.
type scratch struct{ message, packet []byte }

func (t *Transport) scratch() *scratch {
	if r, ok := t.scratches.Get().(*scratch); ok {
		return r
	}
	return &scratch{}
}

// TransportStats counts packets that belong to neither a session nor a log-in.
type TransportStats struct {
	Malformed uint64 // neither RMCP nor IPMI packets
	Stray     uint64 // nobody waits for them; answers to Close Session are among them
}

// Stats returns the counts since the Transport was made.
func (t *Transport) Stats() TransportStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	var st TransportStats
	for _, m := range t.endpoints {
		st.Malformed += m.bad.Load()
		st.Stray += m.stray.Load()
	}
	return st
}

// Close closes the sockets. Close the sessions first: it sends their BMCs no Close Session.
func (t *Transport) Close() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil
	}
	t.closed = true
	endpoints := t.endpoints
	t.mu.Unlock()
	var errs []error
	for _, m := range endpoints {
		errs = append(errs, m.close())
	}
	return errors.Join(errs...)
}

// sessionKey15 identifies an IPMI 1.5 session. Its ID is chosen by the BMC and unique only there.
type sessionKey15 struct {
	peer netip.AddrPort
	id   uint32
}
