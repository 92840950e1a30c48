package client

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// askForRefusals makes the kernel queue ICMP errors with the address that they are about.
func askForRefusals(conn *net.UDPConn) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		// A socket of one family refuses the option of the other.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVERR, 1)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
	})
}

// readRefusals empties the error queue of an unconnected socket.
func readRefusals(conn *net.UDPConn) []netip.AddrPort {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil
	}
	var peers []netip.AddrPort
	_ = raw.Control(func(fd uintptr) {
		var packet, oob [512]byte
		for {
			_, n, _, to, err := unix.Recvmsg(int(fd), packet[:], oob[:],
				unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
			if err != nil {
				return
			}
			if !saysRefused(oob[:n]) {
				continue
			}
			switch a := to.(type) {
			case *unix.SockaddrInet4:
				peers = append(peers, netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)))
			case *unix.SockaddrInet6:
				peers = append(peers, unmap(netip.AddrPortFrom(netip.AddrFrom16(a.Addr),
					uint16(a.Port))))
			}
		}
	})
	return peers
}

// saysRefused reports whether the control messages of an error are about a port where nothing
// listens.
func saysRefused(oob []byte) bool {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return false
	}
	for _, m := range messages {
		// struct sock_extended_err begins with the error number, in the order of the machine.
		if len(m.Data) >= 16 && (m.Header.Level == unix.IPPROTO_IP &&
			m.Header.Type == unix.IP_RECVERR ||
			m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_RECVERR) {
			return unix.Errno(binary.NativeEndian.Uint32(m.Data)) == unix.ECONNREFUSED
		}
	}
	return false
}

// isRefusal reports whether the error of a connected socket says that nothing listens at the peer's
// port.
func isRefusal(err error) bool { return errors.Is(err, unix.ECONNREFUSED) }
