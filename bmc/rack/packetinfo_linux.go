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
			unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1) == nil // of a socket of IPv4 alone
	})
	return err == nil && told
}

// fromThere makes of what the kernel told with a packet what it is to be told with the answer, in place: the address stays, and the
// interface is chosen anew, but for addresses that mean something on one interface only.
func fromThere(control []byte) []byte {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_PKTINFO && len(m.Data) >= 20:
			if a := netip.AddrFrom16([16]byte(m.Data)); !a.IsLinkLocalUnicast() || a.Is4In6() {
				clear(m.Data[16:20])
			}
		case m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_PKTINFO && len(m.Data) >= 12:
			clear(m.Data[:4])
		}
	}
	return control
}
