package client

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// memNet is a network in memory. It works inside a testing/synctest bubble.
type memNet struct {
	mu    sync.Mutex
	conns map[netip.AddrPort]*memConn
	next  uint16
	// carry decides what becomes of a packet; nil delivers it as it is. It runs with mu held.
	carry func(from, to netip.AddrPort, b []byte) [][]byte
}

func newMemNet() *memNet { return &memNet{conns: map[netip.AddrPort]*memConn{}, next: 40000} }

// memConn is a socket of a memNet.
type memConn struct {
	network *memNet
	addr    netip.AddrPort
	in      chan memPacket
	closed  chan struct{}
	once    sync.Once
}

type memPacket struct {
	from netip.AddrPort
	b    []byte
}

// listen opens a socket; port 0 is any.
func (n *memNet) listen(host string, port uint16) *memConn {
	n.mu.Lock()
	defer n.mu.Unlock()
	if port == 0 {
		n.next++
		port = n.next
	}
	c := &memConn{
		network: n, addr: netip.AddrPortFrom(netip.MustParseAddr(host), port),
		in: make(chan memPacket, 1024), closed: make(chan struct{}),
	}
	n.conns[c.addr] = c
	return c
}

// send delivers a packet, or loses it if nobody is there.
func (n *memNet) send(from, to netip.AddrPort, b []byte) {
	packets := [][]byte{append([]byte(nil), b...)}
	n.mu.Lock()
	c := n.conns[to]
	if n.carry != nil {
		packets = n.carry(from, to, packets[0])
	}
	n.mu.Unlock()
	for _, p := range packets {
		c.deliver(from, p)
	}
}

// deliver puts a packet into a socket, past carry.
func (n *memNet) deliver(to, from netip.AddrPort, b []byte) {
	n.mu.Lock()
	c := n.conns[to]
	n.mu.Unlock()
	c.deliver(from, b)
}

func (c *memConn) deliver(from netip.AddrPort, b []byte) {
	if c == nil {
		return
	}
	select {
	case c.in <- memPacket{from, b}:
	default:
	}
}

func (c *memConn) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-c.in:
		return copy(b, p.b), net.UDPAddrFromAddrPort(p.from), nil
	case <-c.closed:
		return 0, nil, net.ErrClosed
	}
}

func (c *memConn) WriteTo(b []byte, to net.Addr) (int, error) {
	c.network.send(c.addr, unmap(to.(*net.UDPAddr).AddrPort()), b)
	return len(b), nil
}

func (c *memConn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.network.mu.Lock()
		defer c.network.mu.Unlock()
		delete(c.network.conns, c.addr)
	})
	return nil
}

func (c *memConn) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(c.addr) }
func (c *memConn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (c *memConn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (c *memConn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
