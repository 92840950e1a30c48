package rack

import (
	"bytes"
	"crypto/rand"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lom/bmc"
	"lom/bmc/host/sim"
	"lom/ipmi"
	"lom/rmcp"
)

// A pipe is a socket in memory. What comes to it waits in a channel; what goes from it is kept with
// the time.
type pipe struct {
	in     chan piped
	closed chan struct{}
	out    []piped
}

type piped struct {
	peer netip.AddrPort // of what comes its sender, of what goes its receiver
	bmc  netip.Addr
	data []byte
	at   time.Time
}

func newPipe() *pipe { return &pipe{in: make(chan piped, 1000), closed: make(chan struct{})} }

func (p *pipe) receive(deadline time.Time, f func(netip.Addr, netip.AddrPort, []byte)) error {
	var late <-chan time.Time
	if !deadline.IsZero() {
		late = time.After(time.Until(deadline))
	}
	select {
	case d := <-p.in:
		f(d.bmc, d.peer, d.data)
		clear(d.data) // it is the socket's again
		return nil
	case <-late:
		return os.ErrDeadlineExceeded
	case <-p.closed:
		return net.ErrClosed
	}
}

func (p *pipe) send(from netip.Addr, to netip.AddrPort, packet []byte) {
	p.out = append(p.out, piped{to, from, bytes.Clone(packet), time.Now()})
}

func (p *pipe) flush() {}

func (p *pipe) addr() netip.AddrPort { return netip.AddrPortFrom(netip.IPv4Unspecified(), 623) }

func (p *pipe) close() error { close(p.closed); return nil }

// serving returns a port in memory with a BMC at 127.0.0.1 and 127.0.0.2 each, which serve until
// the end of the test.
func serving(t *testing.T, s Service) (*pipe, []*Unit) {
	t.Helper()
	in := newPipe()
	p := &port{socket: in, units: map[netip.Addr]*Unit{}}
	var units []*Unit
	for a := range uint8(2) {
		b, err := bmc.New(bmc.Config{Host: sim.New(sim.Config{On: true}),
			Users: []bmc.UserConfig{{Name: "admin", Password: ipmi.NewSecret("secret")}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close() })
		u := &Unit{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, a + 1}), 623),
			BMC: b, port: p}
		if u.queue, err = newQueue(s); err != nil {
			t.Fatal(err)
		}
		p.add(u)
		units = append(units, u)
	}
	p.publish()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.serve()
	}()
	t.Cleanup(func() {
		in.close()
		<-done
	})
	return in, units
}

var peer = netip.MustParseAddrPort("192.0.2.1:40000")

// ask sends a datagram to a BMC.
func (p *pipe) ask(u *Unit, data []byte) {
	p.in <- piped{peer: peer, bmc: u.Addr.Addr(), data: bytes.Clone(data)}
}

// presession is Get Channel Authentication Capabilities, with a sequence number to tell it by.
func presession(seq uint8) []byte {
	m := rmcp.Message{To: ipmi.AddressBMC, From: ipmi.AddressRemoteSWI, NetFn: ipmi.NetFnApp,
		Seq: seq, Cmd: 0x38, Data: []byte{0x0e, 4}}
	packet, _ := rmcp.AppendPresession15(nil, rmcp.AppendMessage(nil, &m))
	return packet
}

// answers returns the sequence numbers and completion codes of what was sent to the client.
func (p *pipe) answers(t *testing.T) (seqs []uint8, codes []ipmi.CompletionCode) {
	t.Helper()
	for _, d := range p.out {
		packet, err := rmcp.Parse(d.data)
		if err != nil {
			t.Fatal(err)
		}
		m, err := rmcp.ParseMessage(packet.Payload)
		if err != nil {
			t.Fatal(err)
		}
		seqs, codes = append(seqs, m.Seq), append(codes, m.Code)
	}
	return seqs, codes
}

// One request after the other is carried out, each takes its time, and for no more than the buffer
// holds there is room; a BMC has no part in what another has to do.
func TestServiceTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, units := serving(t, Service{Time: 5 * time.Millisecond, Buffer: 3})
		start := time.Now()
		for seq := range uint8(5) {
			in.ask(units[0], presession(seq))
		}
		in.ask(units[1], presession(40))
		time.Sleep(12 * time.Millisecond) // two are done, and one is under way
		in.ask(units[0], presession(20))
		in.ask(units[0], presession(21))
		in.ask(units[0], presession(22)) // the fourth of those there are
		time.Sleep(time.Second)
		in.ask(units[0], presession(30)) // after a rest
		time.Sleep(time.Second)
		synctest.Wait()
		seqs, _ := in.answers(t)
		if want := []uint8{0, 40, 1, 2, 20, 21, 30}; !slices.Equal(seqs, want) {
			t.Fatalf("answered %v, want %v", seqs, want)
		}
		for i, want := range []time.Duration{5, 5, 10, 15, 20, 25, 1012 + 5} {
			if got := in.out[i].at.Sub(start); got != want*time.Millisecond {
				t.Errorf("the answer to %d came after %v, not %d ms", seqs[i], got, want)
			}
		}
		if in.out[1].bmc != units[1].Addr.Addr() || in.out[1].peer != peer {
			t.Errorf("an answer from %v to %v", in.out[1].bmc, in.out[1].peer)
		}
		if got, want := units[0].Stats(), (Stats{Requests: 9, Overflows: 3, Most: 4,
			SinceOverflow: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if got, want := units[1].Stats(), (Stats{Requests: 1, Most: 1, SinceOverflow: 1}); got !=
			want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

// A BMC without room says so, if it is one that does. It takes its time for log-in too.
func TestServiceBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, units := serving(t, Service{Time: 5 * time.Millisecond, Buffer: 1,
			Overflow: OverflowBusy})
		u := units[0]
		suite, _ := rmcp.CipherSuiteByID(3)
		h, err := rmcp.NewClientHandshake(rmcp.ClientConfig{User: "admin",
			Password:  ipmi.NewSecret("secret"),
			Privilege: ipmi.PrivilegeAdministrator, Suite: suite, LocalID: 7, Random: rand.Reader})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for h.Session() == nil {
			packet, err := h.Append(nil)
			if err != nil {
				t.Fatal(err)
			}
			in.out = nil
			in.ask(u, packet)
			in.ask(u, packet) // there is no room for it, and no way to say so
			time.Sleep(5 * time.Millisecond)
			synctest.Wait()
			if len(in.out) != 1 {
				t.Fatalf("%d answers", len(in.out))
			}
			p, err := rmcp.Parse(in.out[0].data)
			if err == nil {
				err = h.Receive(&p)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d != 15*time.Millisecond {
			t.Errorf("the log-in took %v", d)
		}
		s := h.Session()
		message := func(seq uint8) []byte {
			m := rmcp.Message{To: ipmi.AddressBMC, From: ipmi.AddressRemoteSWI,
				NetFn: ipmi.NetFnChassis, Seq: seq, Cmd: 2, Data: []byte{byte(ipmi.PowerDown)}}
			packet, err := s.Append(nil, ipmi.PayloadIPMI, rmcp.AppendMessage(nil, &m))
			if err != nil {
				t.Fatal(err)
			}
			return packet
		}
		in.out = nil
		in.ask(u, presession(1))
		in.ask(u, presession(2)) // busy
		in.ask(u, message(3))    // busy, and not done
		time.Sleep(5 * time.Millisecond)
		synctest.Wait()
		var codes []ipmi.CompletionCode
		for _, d := range in.out {
			p, err := rmcp.Parse(d.data)
			if err != nil {
				t.Fatal(err)
			}
			payload := p.Payload
			if p.SessionID != 0 {
				if payload, err = s.Open(&p); err != nil {
					t.Fatal(err)
				}
			}
			m, err := rmcp.ParseMessage(payload)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, m.Code)
		}
		if want := []ipmi.CompletionCode{ipmi.CodeNodeBusy, ipmi.CodeNodeBusy,
			ipmi.CodeOK}; !slices.Equal(codes, want) {
			t.Errorf("codes %v", codes)
		}
		// What was refused is carried out when it is asked for again, under the same number.
		in.out = nil
		in.ask(u, message(3))
		time.Sleep(5 * time.Millisecond)
		synctest.Wait()
		if len(in.out) != 1 {
			t.Fatalf("%d answers", len(in.out))
		}
		p, _ := rmcp.Parse(in.out[0].data)
		payload, err := s.Open(&p)
		if err != nil {
			t.Fatal(err)
		}
		// the session has user level
		if m, err := rmcp.ParseMessage(payload); err != nil ||
			m.Code != ipmi.CodeInsufficientPrivilege {
			t.Errorf("%v, %v", m.Code, err)
		}
	})
}

func TestServiceLimits(t *testing.T) {
	for _, s := range []Service{{Time: -1}, {Buffer: -1}, {Buffer: MaxBuffer + 1}} {
		if _, err := newQueue(s); err == nil {
			t.Errorf("%+v can be", s)
		}
	}
	if q, err := newQueue(Service{Buffer: 4}); q != nil || err != nil {
		t.Errorf("a BMC that takes no time has a queue: %v", err)
	}
	if q, err := newQueue(Service{Time: 1}); err != nil || q.Buffer != DefaultBuffer {
		t.Errorf("%+v, %v", q, err)
	}
}

// Thousands of BMCs are done in the order of their times.
func TestDueHeap(t *testing.T) {
	var h dueHeap
	start := time.Now()
	for i := range 1000 {
		u := &Unit{queue: &queue{due: start.Add(time.Duration(i*7919%1000) * time.Millisecond)}}
		h.push(u)
	}
	last := start
	for i := range 2000 {
		u := h[0]
		if u.queue.due.Before(last) {
			t.Fatal("not in order")
		}
		last = u.queue.due
		if i < 1000 { // it has more to do
			u.queue.due = last.Add(time.Duration(i%13) * time.Second)
			h.fix(0)
		} else {
			h.pop()
		}
	}
	if len(h) != 0 || !h.next().IsZero() {
		t.Errorf("%d are left", len(h))
	}
}
