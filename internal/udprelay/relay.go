// Package udprelay puts a relay between the clients and one server of a test: it counts and
// records what goes through, and, where asked, makes the network a bad one.
package udprelay

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// Faults says what the relay does to packets, in each direction. The shares are from 0 to 1.
type Faults struct {
	Delay     time.Duration // of every packet
	Loss      float64       // share that is dropped
	Duplicate float64       // share that is sent twice
	Corrupt   float64       // share that has one bit turned
	Spare     bool          // packets that set up a session are not corrupted
	Reorder   float64       // share that is held back, and so overtaken
	Hold      time.Duration // how long; 0: four times Delay, 4 ms at the least
	Seed      uint64        // of the random numbers: the same seed makes the same choices
}

// A Packet is one that came to the relay.
type Packet struct {
	Time    time.Time
	Request bool // from a client to the server
	Client  netip.AddrPort
	Data    []byte
	Dropped bool
}

// A Relay passes datagrams between clients and a server.
type Relay struct {
	// Addr is where clients send to.
	Addr netip.AddrPort

	to    netip.AddrPort
	front *net.UDPConn

	mu      sync.Mutex
	faults  Faults
	rng     *rand.Rand
	peers   map[netip.AddrPort]*net.UDPConn
	packets []Packet
	closed  bool
	work    sync.WaitGroup
}

// Start runs a relay to a server until the test ends.
func Start(t testing.TB, to netip.AddrPort, f Faults) *Relay {
	t.Helper()
	return StartAt(t, netip.MustParseAddrPort("127.0.0.1:0"), to, f)
}

// StartAt is Start for an address. A BMC tells the port of its consoles: one whose relay has the same port, at another address, is not
// gone around.
func StartAt(t testing.TB, at, to netip.AddrPort, f Faults) *Relay {
	t.Helper()
	front, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	a := front.LocalAddr().(*net.UDPAddr).AddrPort()
	r := &Relay{
		Addr: netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), to: to, faults: f, front: front,
		rng: rand.New(rand.NewPCG(f.Seed, 1)), peers: map[netip.AddrPort]*net.UDPConn{},
	}
	r.work.Add(1)
	go r.listen()
	t.Cleanup(r.close)
	return r
}

// SetFaults changes what the relay does to the packets that come from now on. The random numbers go on.
func (r *Relay) SetFaults(f Faults) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = f
}

// Host is the address for -H.
func (r *Relay) Host() string { return r.Addr.Addr().String() }

// Port is the port for -p.
func (r *Relay) Port() string { return fmt.Sprint(r.Addr.Port()) }

// Packets returns what came so far.
func (r *Relay) Packets() []Packet {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Packet(nil), r.packets...)
}

// Exchanges returns how many packets clients have sent: the round trips of a client that asks one
// thing at a time, and never fewer than those of one that asks several.
func (r *Relay) Exchanges() int {
	n := 0
	for _, p := range r.Packets() {
		if p.Request {
			n++
		}
	}
	return n
}

// Reset forgets the packets so far.
func (r *Relay) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.packets = nil
}

func (r *Relay) close() {
	r.mu.Lock()
	r.closed = true
	r.front.Close()
	for _, c := range r.peers {
		c.Close()
	}
	r.mu.Unlock()
	r.work.Wait()
}

func (r *Relay) listen() {
	defer r.work.Done()
	buf := make([]byte, 65536)
	for {
		n, client, err := r.front.ReadFromUDPAddrPort(buf)
		if err != nil {
			if r.isClosed() {
				return
			}
			continue
		}
		client = netip.AddrPortFrom(client.Addr().Unmap(), client.Port())
		if back := r.peer(client); back != nil {
			r.pass(Packet{Request: true, Client: client}, buf[:n], func(b []byte) { back.Write(b) })
		}
	}
}

func (r *Relay) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// peer returns the socket that stands for a client towards the server.
func (r *Relay) peer(client netip.AddrPort) *net.UDPConn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.peers[client]; c != nil || r.closed {
		return c
	}
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(r.to))
	if err != nil {
		return nil
	}
	r.peers[client] = c
	r.work.Add(1)
	go func() {
		defer r.work.Done()
		buf := make([]byte, 65536)
		for {
			n, err := c.Read(buf)
			if err != nil {
				if r.isClosed() {
					return
				}
				continue // the server's port is closed for now
			}
			r.pass(Packet{Client: client}, buf[:n], func(b []byte) { r.front.WriteToUDPAddrPort(b, client) })
		}
	}()
	return c
}

func (r *Relay) pass(p Packet, b []byte, send func([]byte)) {
	p.Time = time.Now()
	p.Data = append([]byte(nil), b...)
	out := append([]byte(nil), b...)

	r.mu.Lock()
	f := r.faults
	// All numbers are drawn for each packet, so that one fault does not move the others.
	lost, double, turned, held := r.rng.Float64() < f.Loss, r.rng.Float64() < f.Duplicate, r.rng.Float64() < f.Corrupt, r.rng.Float64() < f.Reorder
	place := r.rng.IntN(max(1, 8*len(out)))
	r.packets = append(r.packets, p)
	turned = turned && !(f.Spare && setsUp(p.Data))
	r.mu.Unlock()

	if lost {
		return
	}
	if turned && len(out) > 0 {
		out[place/8] ^= 1 << (place % 8)
	}
	wait := f.Delay
	if held {
		hold := f.Hold
		if hold == 0 {
			hold = max(4*f.Delay, 4*time.Millisecond)
		}
		wait += hold
	}
	copies := 1
	if double {
		copies = 2
	}
	for range copies {
		if wait == 0 {
			send(out)
			continue
		}
		time.AfterFunc(wait, func() { send(out) })
	}
}

// setsUp reports whether an RMCP packet sets up a session: of IPMI 1.5, it has no session ID or no sequence number
// yet; of RMCP+, it is an Open Session or RAKP message.
func setsUp(b []byte) bool {
	const rmcpPlus = 6
	switch {
	case len(b) < 16:
		return true
	case b[4] == rmcpPlus:
		return b[5]&0x3f >= 0x10 && b[5]&0x3f <= 0x15
	}
	return [4]byte(b[5:9]) == [4]byte{} || [4]byte(b[9:13]) == [4]byte{}
}
