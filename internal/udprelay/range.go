package udprelay

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
)

// A Range passes datagrams between clients and the servers of a whole range of loopback addresses,
// all on one port: what is sent to the Range's port at an address comes to the server at that
// address. It records nothing. Linux has such ranges; other systems have the addresses that are
// configured.
type Range struct {
	// Port is where clients send to, at the addresses of the servers.
	Port uint16

	to    uint16 // port of the servers
	fates *fates
	front *net.UDPConn
	work  sync.WaitGroup

	// Packets counts those that came, from either side, and Passed those that went on.
	Packets, Passed atomic.Int64

	mu     sync.Mutex
	peers  map[netip.AddrPort]*net.UDPConn
	closed bool
}

// rangeBuffer is how many bytes of packets may wait for a Range, where the system allows.
const rangeBuffer = 4 << 20

// StartRange runs a relay to the servers on a port until the test ends.
func StartRange(t testing.TB, port uint16, f Faults) *Range {
	t.Helper()
	front, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := ipv4.NewPacketConn(front).SetControlMessage(ipv4.FlagDst, true); err != nil {
		front.Close()
		t.Fatal(err)
	}
	_ = front.SetReadBuffer(rangeBuffer)
	r := &Range{
		Port: front.LocalAddr().(*net.UDPAddr).AddrPort().Port(), to: port, fates: newFates(f),
		front: front,
		peers: map[netip.AddrPort]*net.UDPConn{},
	}
	r.work.Go(r.listen)
	t.Cleanup(r.close)
	return r
}

func (r *Range) close() {
	r.mu.Lock()
	r.closed = true
	r.front.Close()
	for _, c := range r.peers {
		c.Close()
	}
	r.mu.Unlock()
	r.work.Wait()
}

func (r *Range) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// listen passes on what clients send.
func (r *Range) listen() {
	buf, oob := make([]byte, 65536), make([]byte, 256)
	for {
		n, m, _, client, err := r.front.ReadMsgUDPAddrPort(buf, oob)
		if err != nil {
			if r.isClosed() {
				return
			}
			continue
		}
		var about ipv4.ControlMessage
		if err := about.Parse(oob[:m]); err != nil {
			continue
		}
		at, ok := netip.AddrFromSlice(about.Dst.To4())
		if !ok {
			continue
		}
		if up := r.peer(netip.AddrPortFrom(client.Addr().Unmap(), client.Port())); up != nil {
			to := netip.AddrPortFrom(at, r.to)
			r.pass(buf[:n], func(b []byte) { up.WriteToUDPAddrPort(b, to) })
		}
	}
}

// peer returns the socket that stands for a client towards the servers.
func (r *Range) peer(client netip.AddrPort) *net.UDPConn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.peers[client]; c != nil || r.closed {
		return c
	}
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return nil
	}
	_ = c.SetReadBuffer(rangeBuffer)
	r.peers[client] = c
	r.work.Go(func() { r.answer(c, client) })
	return c
}

// answer passes on what servers send to a client, from the address that the client knows.
func (r *Range) answer(c *net.UDPConn, client netip.AddrPort) {
	buf := make([]byte, 65536)
	for {
		n, server, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			if r.isClosed() {
				return
			}
			continue
		}
		oob := (&ipv4.ControlMessage{Src: server.Addr().Unmap().AsSlice()}).Marshal()
		r.pass(buf[:n], func(b []byte) { r.front.WriteMsgUDPAddrPort(b, oob, client) })
	}
}

func (r *Range) pass(b []byte, send func([]byte)) {
	r.Packets.Add(1)
	fate := r.fates.of(b)
	for _, b := range fate.packets {
		r.Passed.Add(1)
		if fate.wait == 0 {
			send(b)
			continue
		}
		time.AfterFunc(fate.wait, func() { send(b) })
	}
}

// String reports what came and went.
func (r *Range) String() string {
	return fmt.Sprintf("%d packets came to the relay, %d were passed on", r.Packets.Load(),
		r.Passed.Load())
}
