package rack

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// tellAddresses has the kernel tell to which address each packet went. It reports whether it does.
func tellAddresses(conn *net.UDPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	told := false
	err = raw.Control(func(fd uintptr) {
		told = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1) == nil ||
			// of a socket of IPv4 alone
			unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1) == nil
	})
	return err == nil && told
}

// askedAddress is the address of this machine that a packet went to, as the kernel told it; on a
// socket of both families one of IPv4 is mapped into IPv6.
func askedAddress(control []byte) netip.Addr {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return netip.Addr{}
	}
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_PKTINFO &&
			len(m.Data) >= 16:
			return netip.AddrFrom16([16]byte(m.Data))
		case m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_PKTINFO &&
			len(m.Data) >= 12:
			return netip.AddrFrom4([4]byte(m.Data[8:]))
		}
	}
	return netip.Addr{}
}

// answerFrom is what the kernel is to be told with an answer, so that it comes from the address
// that askedAddress returned. The interface is chosen by where the answer goes.
func answerFrom(a netip.Addr) []byte {
	if a.Is4() {
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: a.As4()})
	}
	return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: a.As16()})
}
