package client

import (
	"errors"
	"net"
	"net/netip"
)

// A socket carries datagrams. All its methods may be used at the same time.
type socket interface {
	read(b []byte) (n int, from netip.AddrPort, err error)
	write(b []byte, to netip.AddrPort) error
	// refusals returns the peers whose host said, after an error of read or write, that nothing listens there.
	refusals(err error) []netip.AddrPort
	Close() error
}

// sharedSocket is an unconnected UDP socket.
type sharedSocket struct{ conn *net.UDPConn }

// listenShared opens a socket for any number of peers.
func listenShared() (socket, error) {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, err
	}
	return newSharedSocket(conn), nil
}

func newSharedSocket(conn *net.UDPConn) *sharedSocket {
	askForRefusals(conn)
	return &sharedSocket{conn}
}

func (s *sharedSocket) read(b []byte) (int, netip.AddrPort, error) {
	n, from, err := s.conn.ReadFromUDPAddrPort(b)
	return n, unmap(from), err
}

func (s *sharedSocket) write(b []byte, to netip.AddrPort) error {
	_, err := s.conn.WriteToUDPAddrPort(b, to)
	return err
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

func (s *connectedSocket) read(b []byte) (int, netip.AddrPort, error) {
	n, err := s.conn.Read(b)
	return n, s.peer, err
}

func (s *connectedSocket) write(b []byte, _ netip.AddrPort) error {
	_, err := s.conn.Write(b)
	return err
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

func (s packetSocket) read(b []byte) (int, netip.AddrPort, error) {
	n, from, err := s.conn.ReadFrom(b)
	if err != nil {
		return n, netip.AddrPort{}, err
	}
	if u, ok := from.(*net.UDPAddr); ok {
		return n, unmap(u.AddrPort()), nil
	}
	addr, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return 0, netip.AddrPort{}, errors.Join(errStrangeAddress, err)
	}
	return n, unmap(addr), nil
}

// errStrangeAddress is the error of a packet from an address that is none of UDP.
var errStrangeAddress = errors.New("packet from an address that is none of UDP")

func (s packetSocket) write(b []byte, to netip.AddrPort) error {
	_, err := s.conn.WriteTo(b, net.UDPAddrFromAddrPort(to))
	return err
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
