package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// A fleetPeer is the other end of thousands of sessions: it opens any and answers every request
// with its data. It has one socket, read and written in batches as ours are.
type fleetPeer struct {
	sock   socket
	addr   netip.AddrPort
	plain  bool // sends back what comes, as it is
	served atomic.Int64

	mu         sync.Mutex
	handshakes map[uint32]*rmcp.BMCHandshake
	sessions   map[uint32]*rmcp.Session20
	next       uint32
	message    []byte
}

func startFleet(t testing.TB, plain bool) *fleetPeer {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	f := &fleetPeer{
		sock: newSharedSocket(conn), addr: unmap(conn.LocalAddr().(*net.UDPAddr).AddrPort()),
		plain:      plain,
		handshakes: map[uint32]*rmcp.BMCHandshake{}, sessions: map[uint32]*rmcp.Session20{},
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.serve()
	}()
	t.Cleanup(func() {
		_ = f.sock.Close()
		<-done
	})
	return f
}

func (f *fleetPeer) serve() {
	in, out := newDatagrams(f.sock.batch()), newDatagrams(f.sock.batch())
	for {
		n, err := f.sock.read(in)
		if err != nil {
			return
		}
		answers := 0
		for _, d := range in[:n] {
			o := &out[answers]
			if o.b, o.peer = f.answer(o.b[:0], d.b), d.peer; len(o.b) > 0 {
				answers++
			}
		}
		f.served.Add(int64(answers))
		for left := out[:answers]; len(left) > 0; {
			n, err := f.sock.write(left)
			if err != nil {
				return
			}
			left = left[n:]
		}
	}
}

// answer appends the answer to a packet, if there is one.
func (f *fleetPeer) answer(dst, b []byte) []byte {
	if f.plain {
		return append(dst, b...)
	}
	p, err := rmcp.Parse(b)
	if err != nil {
		return dst
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.SessionID != 0 {
		s := f.sessions[p.SessionID]
		if s == nil {
			return dst
		}
		payload, err := s.Open(&p)
		if err != nil {
			return dst
		}
		m, err := rmcp.ParseMessage(payload)
		if err != nil {
			return dst
		}
		reply := m.Reply(0, m.Data)
		f.message = rmcp.AppendMessage(f.message[:0], &reply)
		packet, _ := s.Append(dst, ipmi.PayloadIPMI, f.message)
		return packet
	}
	if p.PayloadType == ipmi.PayloadOpenSession {
		f.next++
		var suites []rmcp.AllowedSuite
		for _, s := range rmcp.CipherSuites() {
			suites = append(suites, rmcp.AllowedSuite{CipherSuite: s,
				Privilege: ipmi.PrivilegeAdministrator})
		}
		h, reply, _ := rmcp.AcceptHandshake(rmcp.BMCConfig{Random: rand.Reader, Suites: suites,
			Lookup: func(string, rmcp.Role, rmcp.CipherSuite) (rmcp.BMCUser, rmcp.Status) {
				return rmcp.BMCUser{ID: 2, Password: ipmi.NewSecret("secret"),
					Limit: ipmi.PrivilegeAdministrator}, rmcp.StatusOK
			}}, f.next, &p, dst)
		f.handshakes[f.next] = h
		return reply
	}
	id, _ := rmcp.HandshakeID(&p)
	h := f.handshakes[id]
	if h == nil {
		return dst
	}
	reply, _ := h.Receive(&p, dst)
	if s := h.Session(); s != nil {
		f.sessions[id] = s
		delete(f.handshakes, id)
	}
	return reply
}

// dialFleet opens sessions, some dozens at a time.
func dialFleet(t testing.TB, f *fleetPeer, n int, opts ...Option) (*Transport, []*Session) {
	t.Helper()
	tr, err := NewTransport(nil)
	if err != nil {
		t.Fatal(err)
	}
	opts = append([]Option{WithTransport(tr), WithInterface(LANPlus), WithCipherSuite(3),
		WithUser("admin", ipmi.NewSecret("secret"))}, opts...)
	sessions := make([]*Session, n)
	var all sync.WaitGroup
	var next atomic.Int64
	for range 64 {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				s, err := Dial(context.Background(), f.addr.String(), opts...)
				if err != nil {
					t.Error(err)
					return
				}
				sessions[i] = s
			}
		})
	}
	all.Wait()
	t.Cleanup(func() { _ = tr.Close() })
	if t.Failed() {
		t.FailNow()
	}
	return tr, sessions
}

// rounds has every session ask again and again, one request at a time, until there were so many
// answers. It returns how long that took.
func rounds(t testing.TB, sessions []*Session, requests int) time.Duration {
	var left atomic.Int64
	left.Store(int64(requests))
	var all sync.WaitGroup
	all.Add(len(sessions))
	req := echo(1)
	req.Data = []byte{1, 2, 3}
	start := func() {
		for _, s := range sessions {
			var done func(r ipmi.RawResponse, err error)
			done = func(r ipmi.RawResponse, err error) {
				if err != nil || len(r.Data) != 3 {
					t.Errorf("%+v, %v", r, err)
					all.Done()
					return
				}
				if left.Add(-1) <= 0 {
					all.Done()
					return
				}
				s.Start(req, done)
			}
			s.Start(req, done)
		}
	}
	return elapsed(func() {
		sessions[0].transport.Batch(start)
		all.Wait()
	})
}

// kernelRounds is rounds with packets of the same size and without sessions: what the kernel alone
// takes.
func kernelRounds(t testing.TB, f *fleetPeer, outstanding, requests int) time.Duration {
	sock, err := listenShared()
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	const size = 76 // of a request with suite 3
	return elapsed(func() {
		out := newDatagrams(sock.batch())
		for i := range out {
			out[i].b, out[i].peer = out[i].b[:size], f.addr
		}
		for sent := 0; sent < outstanding; {
			n, err := sock.write(out[:min(len(out), outstanding-sent)])
			if err != nil {
				t.Fatal(err)
			}
			sent += n
		}
		for answers := 0; answers < requests; {
			n, err := sock.read(out)
			if err != nil {
				t.Fatal(err)
			}
			answers += n
			for left := out[:n]; len(left) > 0; {
				n, err := sock.write(left)
				if err != nil {
					t.Fatal(err)
				}
				left = left[n:]
			}
		}
	})
}

// TestFleet asks two thousand BMCs at once: no goroutine for each, and little memory.
func TestFleet(t *testing.T) {
	const sessions, most = 2000, 4096
	f := startFleet(t, false)
	before, goroutines := heapInUse(), runtime.NumGoroutine()
	tr, all := dialFleet(t, f, sessions)
	rounds(t, all, 5*sessions)
	if n := runtime.NumGoroutine() - goroutines; n > 2*maxSockets {
		t.Errorf("%d goroutines", n)
	}
	// What the peer needs for its sessions is not ours.
	f.mu.Lock()
	clear(f.sessions)
	f.sessions, f.handshakes = nil, nil
	f.mu.Unlock()
	each := (heapInUse() - before) / sessions
	t.Logf("%d bytes a session", each)
	if each > most {
		t.Errorf("%d bytes a session, more than %d", each, most)
	}
	if st := tr.Stats(); st.Malformed != 0 {
		t.Errorf("%+v", st)
	}
	runtime.KeepAlive(all)
}

// heapInUse returns the bytes of the heap that are in use.
func heapInUse() int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkFleet has sessions ask over a real socket. x-kernel is how much longer that takes than
// echoes of as many packets without sessions and cryptography, theirs and ours, measured in the
// same run.
func BenchmarkFleet(b *testing.B) {
	for _, n := range []int{64, 1000} {
		b.Run(fmt.Sprint("sessions=", n), func(b *testing.B) {
			f, plain := startFleet(b, false), startFleet(b, true)
			_, sessions := dialFleet(b, f, n)
			rounds(b, sessions, 2*n)
			b.ReportAllocs()
			b.ResetTimer()
			took := rounds(b, sessions, b.N)
			b.StopTimer()
			kernel := kernelRounds(b, plain, n, b.N)
			b.ReportMetric(float64(took)/float64(kernel), "x-kernel")
			b.ReportMetric(float64(b.N)/took.Seconds(), "requests/s")
		})
	}
}
