package client

import (
	"errors"
	"net"
	"net/netip"

	"lom/rmcp"
)

// A socket carries datagrams. Reading and writing may happen at the same time, but each on one
// goroutine at a time.
type socket interface {
	// batch is how many datagrams are worth reading or writing at a time.
	batch() int
	// read waits for a datagram. It also reads those that are there already, as far as ds has room.
	read(ds []datagram) (int, error)
	// write sends datagrams in order and returns how many it sent. An error is about the first that
	// it did not send.
	write(ds []datagram) (int, error)
	// refusals returns, after an error of read or write, the peers whose host reported that nothing
	// listens there.
	refusals(err error) []netip.AddrPort
	Close() error
}

// A datagram is a packet and the other end's address.
type datagram struct {
	b    []byte // of the capacity of the greatest packet
	peer netip.AddrPort
}

func newDatagrams(n int) []datagram {
	ds := make([]datagram, n)
	scratch := make([]byte, n*rmcp.MaxPacket)
	for i := range ds {
		ds[i].b, scratch = scratch[:0:rmcp.MaxPacket], scratch[rmcp.MaxPacket:]
	}
	return ds
}

// socketBuffer is the size in bytes of a shared socket's buffer in each direction: ten thousand
// BMCs may answer at once.
const socketBuffer = 8 << 20

// listenShared opens a socket for any number of peers.
func listenShared() (socket, error) {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, err
	}
	return newSharedSocket(conn), nil
}

// sharedSocket is an unconnected UDP socket, read and written one packet at a time.
type sharedSocket struct{ conn *net.UDPConn }

func (*sharedSocket) batch() int { return 1 }

func (s *sharedSocket) read(ds []datagram) (int, error) {
	b := ds[0].b
	n, from, err := s.conn.ReadFromUDPAddrPort(b[:cap(b)])
	if err != nil {
		return 0, err
	}
	ds[0].b, ds[0].peer = b[:n], unmap(from)
	return 1, nil
}

func (s *sharedSocket) write(ds []datagram) (int, error) {
	for i, d := range ds {
		if _, err := s.conn.WriteToUDPAddrPort(d.b, d.peer); err != nil {
			return i, err
		}
	}
	return len(ds), nil
}

func (s *sharedSocket) refusals(error) []netip.AddrPort { return readRefusals(s.conn) }

func (s *sharedSocket) Close() error { return s.conn.Close() }

// connectedSocket is a UDP socket for one peer, from which every system reports refusals.
type connectedSocket struct {
	conn *net.UDPConn
	peer netip.AddrPort
}

func dialConnected(peer netip.AddrPort) (socket, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(peer))
	if err != nil {
		return nil, err
	}
	return &connectedSocket{conn, peer}, nil
}

func (*connectedSocket) batch() int { return 1 }

func (s *connectedSocket) read(ds []datagram) (int, error) {
	b := ds[0].b
	n, err := s.conn.Read(b[:cap(b)])
	if err != nil {
		return 0, err
	}
	ds[0].b, ds[0].peer = b[:n], s.peer
	return 1, nil
}

func (s *connectedSocket) write(ds []datagram) (int, error) {
	for i, d := range ds {
		if _, err := s.conn.Write(d.b); err != nil {
			return i, err
		}
	}
	return len(ds), nil
}

func (s *connectedSocket) refusals(err error) []netip.AddrPort {
	if isRefusal(err) {
		return []netip.AddrPort{s.peer}
	}
	return nil
}

func (s *connectedSocket) Close() error { return s.conn.Close() }

// packetSocket is a socket of the caller. It has UDP addresses.
type packetSocket struct{ conn net.PacketConn }

func (packetSocket) batch() int { return 1 }

func (s packetSocket) read(ds []datagram) (int, error) {
	b := ds[0].b
	n, from, err := s.conn.ReadFrom(b[:cap(b)])
	if err != nil {
		return 0, err
	}
	ds[0].b = b[:n]
	if u, ok := from.(*net.UDPAddr); ok {
		ds[0].peer = unmap(u.AddrPort())
		return 1, nil
	}
	addr, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return 0, errors.Join(errStrangeAddress, err)
	}
	ds[0].peer = unmap(addr)
	return 1, nil
}

// errStrangeAddress is the error of a packet from an address that is not a UDP address.
var errStrangeAddress = errors.New("packet from an address that is not a UDP address")

func (s packetSocket) write(ds []datagram) (int, error) {
	for i, d := range ds {
		if _, err := s.conn.WriteTo(d.b, net.UDPAddrFromAddrPort(d.peer)); err != nil {
			return i, err
		}
	}
	return len(ds), nil
}

func (packetSocket) refusals(error) []netip.AddrPort { return nil }

func (s packetSocket) Close() error { return s.conn.Close() }

// newSocket wraps a socket of the caller.
func newSocket(conn net.PacketConn) socket {
	if u, ok := conn.(*net.UDPConn); ok {
		if u.RemoteAddr() == nil {
			return newSharedSocket(u)
		}
		if a, err := netip.ParseAddrPort(u.RemoteAddr().String()); err == nil {
			return &connectedSocket{u, unmap(a)}
		}
	}
	return packetSocket{conn}
}

// unmap turns an IPv4-mapped IPv6 address into an IPv4 address, so that addresses can be compared.
func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
