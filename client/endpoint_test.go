package client

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// An echoSocket is a socket to a BMC that answers at once: what is written comes back as answers
// from take. Sessions are those of a scripted BMC.
type echoSocket struct {
	t       testing.TB
	peer    netip.AddrPort
	bmc     rmcp.Session
	answers int
	packet  []byte
	message []byte
	parsed  rmcp.Packet
	closed  chan struct{}
	once    sync.Once
}

func (s *echoSocket) batch() int { return 1 }

func (s *echoSocket) read([]datagram) (int, error) {
	<-s.closed
	return 0, net.ErrClosed
}

func (s *echoSocket) write(ds []datagram) (int, error) {
	for _, d := range ds {
		var err error
		if s.parsed, err = rmcp.Parse(d.b); err != nil {
			s.t.Fatal(err)
		}
		payload, err := s.bmc.Open(&s.parsed)
		if err != nil {
			s.t.Fatal(err)
		}
		m, err := rmcp.ParseMessage(payload)
		if err != nil {
			s.t.Fatal(err)
		}
		reply := m.Reply(0, m.Data)
		s.message = rmcp.AppendMessage(s.message[:0], &reply)
		if s.packet, err = s.bmc.Append(s.packet[:0], ipmi.PayloadIPMI, s.message); err != nil {
			s.t.Fatal(err)
		}
		s.answers++
	}
	return len(ds), nil
}

func (s *echoSocket) refusals(error) []netip.AddrPort { return nil }

func (s *echoSocket) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// echoSession is an open session over an echoSocket.
func echoSession(t testing.TB, suite int) (*Session, *echoSocket) {
	t.Helper()
	n := newMemNet()
	b := startBMC(t, n)
	b.with(func() { b.suites = []int{suite} })
	s := mustDial(t, n, WithInterface(LANPlus), WithCipherSuite(suite))
	sock := &echoSocket{t: t, peer: bmcAddr, closed: make(chan struct{})}
	b.with(func() {
		for _, link := range b.sessions {
			sock.bmc = link
		}
	})
	m := newEndpoint(sock)
	t.Cleanup(func() { _ = m.close() })
	// From here on the session uses the other socket.
	s.endpoint.remove(s, s.link)
	s.endpoint = m
	m.add(s, s.link)
	return s, sock
}

// TestRoundTripNeedsNoAllocation sends a request and gets its answer without an allocation.
func TestRoundTripNeedsNoAllocation(t *testing.T) {
	for _, suite := range []int{3, 17, 8, 12, 2, 4} {
		s, sock := echoSession(t, suite)
		answered := 0
		done := func(r ipmi.RawResponse, err error) {
			if answered++; err != nil || len(r.Data) != 3 {
				t.Errorf("%+v, %v", r, err)
			}
		}
		req := echo(1)
		req.Data = []byte{1, 2, 3}
		var p rmcp.Packet
		round := func() {
			s.Start(req, done)
			var err error
			if p, err = rmcp.Parse(sock.packet); err != nil {
				t.Fatal(err)
			}
			s.endpoint.dispatch(&p, bmcAddr)
		}
		for range 10 {
			round()
		}
		// with it, pools forget at random
		if n := testing.AllocsPerRun(500, round); n != 0 && !raceDetector {
			t.Errorf("suite %d: %v allocations", suite, n)
		}
		if answered != sock.answers {
			t.Errorf("%d answers of %d", answered, sock.answers)
		}
	}
}

// BenchmarkSession measures our side of a round trip, and the BMC's cryptography: no system calls.
func BenchmarkSession(b *testing.B) {
	s, sock := echoSession(b, 3)
	done := func(ipmi.RawResponse, error) {}
	req := echo(1)
	var p rmcp.Packet
	b.ReportAllocs()
	for b.Loop() {
		s.Start(req, done)
		p, _ = rmcp.Parse(sock.packet)
		s.endpoint.dispatch(&p, bmcAddr)
	}
}

// TestManyMuxes opens more sessions than there are sockets, over both families, and closes the
// Transport under them.
func TestManyMuxes(t *testing.T) {
	tr, err := NewTransport(nil)
	if err != nil {
		t.Fatal(err)
	}
	tr.most = 3
	peers := []netip.AddrPort{udpBMC(t, "127.0.0.1"), udpBMC(t, "::1")}
	var sessions []*Session
	for i := range 7 {
		s, err := Dial(context.Background(), peers[i%2].String(), WithTransport(tr),
			WithUser("admin", ipmi.NewSecret("secret")))
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, s)
		ask(t, s, 3)
	}
	if len(tr.endpoints) != 3 {
		t.Errorf("%d sockets", len(tr.endpoints))
	}
	for _, s := range sessions[:5] {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := tr.Close(); err != nil {
		t.Error(err)
	}
	if _, err := sessions[6].Exchange(context.Background(), echo(1)); !errors.Is(err,
		ipmi.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// udpBMC is a scripted BMC on a real socket.
func udpBMC(t testing.TB, host string) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(host)})
	if err != nil {
		t.Fatal(err)
	}
	b := newBMC(conn)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.serve()
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return unmap(conn.LocalAddr().(*net.UDPAddr).AddrPort())
}

// An answer that comes at the moment of the next try ends the probe: what makes the packets has
// nothing more to send then.
func TestProbeAnsweredAtTheNextTry(t *testing.T) {
	n := newMemNet()
	m := newEndpoint(packetSocket{n.listen("127.0.0.1", 0)})
	defer m.close()
	peer := netip.MustParseAddrPort("127.0.0.2:623")
	schedule := retrySchedule{first: time.Nanosecond, tries: 1 << 20}
	for range 200 {
		answered := false // guarded by the probe
		err := m.probe(t.Context(), peer, schedule, func(dst []byte) ([]byte, error) {
			if answered {
				return nil, errors.New("asked again after the answer")
			}
			go func() {
				var p rmcp.Packet
				m.dispatch(&p, peer)
			}()
			return append(dst, 1), nil
		}, func(*rmcp.Packet) bool {
			answered = true
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
