// Package udprelay puts a relay between the clients and one server of a test: it counts and
// records what goes through, and, where asked, makes the network a bad one.
package udprelay

import (
	"fmt"
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
	Hold      time.Duration // how long; 0: four times Delay, at least 4 ms
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
	fates *fates
	front *net.UDPConn

	mu      sync.Mutex
	peers   map[netip.AddrPort]*net.UDPConn
	packets []Packet
	attack  func(p Packet) (on, back [][]byte)
	closed  bool
	work    sync.WaitGroup
	line    *line // of the packets that are delayed and not held
}

// Start runs a relay to a server until the test ends.
func Start(t testing.TB, to netip.AddrPort, f Faults) *Relay {
	t.Helper()
	return StartAt(t, netip.MustParseAddrPort("127.0.0.1:0"), to, f)
}

// StartAt is Start for an address. A BMC tells the port of its consoles: one whose relay has the
// same port, at another address, is not gone around.
func StartAt(t testing.TB, at, to netip.AddrPort, f Faults) *Relay {
	t.Helper()
	r, err := New(at, to, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// New runs a relay at an address to a server until it is closed.
func New(at, to netip.AddrPort, f Faults) (*Relay, error) {
	front, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	a := front.LocalAddr().(*net.UDPAddr).AddrPort()
	r := &Relay{
		Addr: netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), to: to, fates: newFates(f),
		front: front,
		peers: map[netip.AddrPort]*net.UDPConn{}, line: newLine(),
	}
	r.work.Go(r.listen)
	r.work.Go(r.line.run)
	return r, nil
}

// SetFaults changes what the relay does to the packets that come from now on. The random numbers go
// on.
func (r *Relay) SetFaults(f Faults) { r.fates.set(f) }

// Attack makes f decide what becomes of each packet in the place of the faults: on goes on instead
// of it, and back is sent to the client, as if it came from the server.
func (r *Relay) Attack(f func(p Packet) (on, back [][]byte)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attack = f
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

// Close ends the relay. Packets that are under way are lost.
func (r *Relay) Close() {
	r.mu.Lock()
	r.closed = true
	r.line.close()
	r.front.Close()
	for _, c := range r.peers {
		c.Close()
	}
	r.mu.Unlock()
	r.work.Wait()
}

func (r *Relay) listen() {
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
			r.pass(Packet{Client: client}, buf[:n], func(b []byte) {
				r.front.WriteToUDPAddrPort(b, client)
			})
		}
	}()
	return c
}

func (r *Relay) pass(p Packet, b []byte, send func([]byte)) {
	p.Time = time.Now()
	p.Data = append([]byte(nil), b...)
	fate := r.fates.of(b)
	r.mu.Lock()
	r.packets = append(r.packets, p)
	if r.attack != nil { // one packet after the other
		on, back := r.attack(p)
		r.mu.Unlock()
		for _, b := range back {
			r.front.WriteToUDPAddrPort(b, p.Client)
		}
		for _, b := range on {
			send(b)
		}
		return
	}
	r.mu.Unlock()
	for _, b := range fate.packets {
		switch {
		case fate.held:
			time.AfterFunc(fate.wait, func() { send(b) })
		case fate.wait > 0:
			r.line.put(p.Time.Add(fate.wait), func() { send(b) })
		default:
			send(b)
		}
	}
}
