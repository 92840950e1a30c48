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
	// read waits for a datagram, and reads the further ones that are there, as many as there is
	// room for in ds.
	read(ds []datagram) (int, error)
	// write sends datagrams in their order. With an error, the first that was not sent is the one
	// that it is about.
	write(ds []datagram) (int, error)
	// refusals returns the peers whose host said, after an error of read or write, that nothing
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
	room := make([]byte, n*rmcp.MaxPacket)
	for i := range ds {
		ds[i].b, room = room[:0:rmcp.MaxPacket], room[rmcp.MaxPacket:]
	}
	return ds
}

// socketBuffer is how many bytes the kernel is asked to keep for a shared socket in each direction:
// ten thousand BMCs may answer at once.
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

// packetSocket is a socket that was handed in. Its addresses are those of UDP.
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

// errStrangeAddress is the error of a packet from an address that is none of UDP.
var errStrangeAddress = errors.New("packet from an address that is none of UDP")

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

// newSocket wraps a socket that was handed in.
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

// unmap makes an IPv4 address of one that is mapped into IPv6, so that addresses can be compared.
func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
