package rack

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lom/ipmi"
	"lom/rmcp"
)

// A loader is a client of many BMCs at a time, with a socket, and a session on each. It has one
// request under way in each session, and asks again when nothing comes for a while.
type loader struct {
	t        testing.TB
	socket   socket
	sessions []*loadSession
	requests [][]byte // messages that a session sends in turn

	left  int // sessions that are not done
	again int // requests that were sent again
}

type loadSession struct {
	to        netip.AddrPort
	handshake *rmcp.ClientHandshake
	session   *rmcp.Session20
	want      int // answers until it is done
	answers   int
	seq       uint8
	message   []byte
	packet    []byte
	sent      time.Time
}

func newLoader(t testing.TB, suite int, to []netip.AddrPort, requests ...rmcp.Message) *loader {
	t.Helper()
	s, err := listenShared(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	l := &loader{t: t, socket: s}
	for i := range requests {
		requests[i].To, requests[i].From = ipmi.AddressBMC, ipmi.AddressRemoteSWI
		l.requests = append(l.requests, rmcp.AppendMessage(nil, &requests[i]))
	}
	c, _ := rmcp.CipherSuiteByID(suite)
	for i, a := range to {
		h, err := rmcp.NewClientHandshake(rmcp.ClientConfig{User: "admin",
			Password:  ipmi.NewSecret("secret"),
			Privilege: ipmi.PrivilegeAdministrator, Suite: c, LocalID: uint32(i + 1),
			Random: rand.Reader})
		if err != nil {
			t.Fatal(err)
		}
		l.sessions = append(l.sessions, &loadSession{to: a, handshake: h})
	}
	return l
}

var loopback = netip.MustParseAddr("127.0.0.1")

// window is how many sessions have a request under way at a time.
const window = 512

// run has n sessions more requests answered each, 0 opens the sessions.
func (l *loader) run(n int) {
	l.t.Helper()
	l.left = len(l.sessions)
	next, underWay := 0, 0
	begin := func() {
		for underWay < window && next < len(l.sessions) {
			s := l.sessions[next]
			s.want = s.answers + n
			next++
			underWay++
			l.send(s)
		}
		l.socket.flush()
	}
	done := func() { underWay--; l.left-- }
	begin()
	silent := 0
	for l.left > 0 {
		before := l.left
		heard := false
		err := l.socket.receive(time.Now().Add(time.Second),
			func(_ netip.Addr, from netip.AddrPort, data []byte) {
				heard = true
				l.receive(data, n, done)
			})
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			l.t.Fatal(err)
		}
		if l.left != before {
			begin()
		}
		l.socket.flush()
		if silent++; heard {
			silent = 0
		}
		if silent > 60 {
			l.t.Fatalf("%d sessions hear nothing", l.left)
		}
		if !heard {
			for _, s := range l.sessions[:next] {
				if time.Since(s.sent) > 500*time.Millisecond &&
					(n == 0 && s.session == nil || n > 0 && s.answers < s.want) {
					l.again++
					l.send(s)
				}
			}
			l.socket.flush()
		}
	}
}

// send sends what the session has to say.
func (l *loader) send(s *loadSession) {
	var err error
	if s.session == nil {
		s.packet, err = s.handshake.Append(s.packet[:0])
	} else {
		s.message = append(s.message[:0], l.requests[s.answers%len(l.requests)]...)
		s.seq = uint8(s.answers) & rmcp.MaxSeq
		s.message[4] = s.seq << 2
		s.message[len(s.message)-1] = 0
		sum := byte(0)
		for _, c := range s.message[3 : len(s.message)-1] {
			sum -= c
		}
		s.message[len(s.message)-1] = sum
		s.packet, err = s.session.Append(s.packet[:0], ipmi.PayloadIPMI, s.message)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	s.sent = time.Now()
	l.socket.send(loopback, s.to, s.packet)
}

// receive takes an answer.
func (l *loader) receive(data []byte, n int, done func()) {
	p, err := rmcp.Parse(data)
	if err != nil {
		l.t.Fatalf("% x: %v", data, err)
	}
	id := p.SessionID
	if id == 0 && len(p.Payload) >= 8 {
		id = binary.LittleEndian.Uint32(p.Payload[4:])
	}
	if id == 0 || int(id) > len(l.sessions) {
		l.t.Fatalf("an answer to session %d", id)
	}
	s := l.sessions[id-1]
	if s.session == nil {
		if err := s.handshake.Receive(&p); err != nil {
			if errors.Is(err, rmcp.ErrIgnored) {
				return
			}
			l.t.Fatal(err)
		}
		if s.session = s.handshake.Session(); s.session == nil {
			l.send(s)
			return
		}
		s.handshake = nil
		done()
		return
	}
	payload, err := s.session.Open(&p)
	if err != nil {
		return
	}
	m, err := rmcp.ParseMessage(payload)
	if err != nil || m.Seq != s.seq || s.answers >= s.want {
		return // the answer to one that was sent again
	}
	if m.Code != ipmi.CodeOK {
		l.t.Fatalf("%v: request %d: %v", s.to, s.answers, m.Code)
	}
	if s.answers++; s.answers == s.want {
		done()
		return
	}
	l.send(s)
}

// manyServers returns n servers on successive addresses from 127.0.0.1 on, with one port.
func manyServers(n int) []Server {
	list := servers(1)
	one := list[0]
	list = nil
	a := loopback
	for i := range n {
		s := one
		s.Name, s.Addr = fmt.Sprintf("bmc%d", i+1), netip.AddrPortFrom(a, 0)
		list = append(list, s)
		a = a.Next()
	}
	return list
}

func addresses(r *Rack) []netip.AddrPort {
	var list []netip.AddrPort
	for _, u := range r.Units() {
		list = append(list, u.Addr)
	}
	return list
}

// powerAndSensors is what a program that watches servers asks.
func powerAndSensors() []rmcp.Message {
	list := []rmcp.Message{{NetFn: ipmi.NetFnChassis, Cmd: 1}}
	for i := range 30 {
		list = append(list, rmcp.Message{NetFn: ipmi.NetFnSensor, Cmd: 0x2d,
			Data: []byte{byte(i + 1)}})
	}
	return list
}

// BenchmarkExchange has a thousand BMCs asked over and over, in a session each. The time of the
// processor is that of both ends.
func BenchmarkExchange(b *testing.B) {
	r, err := Start(Config{Servers: manyServers(1000)})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	l := newLoader(b, 3, addresses(r), powerAndSensors()...)
	l.run(0)
	l.run(10)
	each := max(1, b.N/len(l.sessions))
	before := processor(b)
	b.ReportAllocs()
	b.ResetTimer()
	l.run(each)
	b.StopTimer()
	b.ReportMetric(float64(processor(b)-before)/float64(each*len(l.sessions)), "cpu-ns/exchange")
	b.ReportMetric(float64(each*len(l.sessions))/b.Elapsed().Seconds(), "exchanges/s")
}

// processor returns the time of the processor that the program has used.
func processor(t testing.TB) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
