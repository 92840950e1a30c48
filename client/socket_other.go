//go:build !linux

package client

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// newSharedSocket wraps an unconnected socket. Only Linux has the calls for many packets at a time.
func newSharedSocket(conn *net.UDPConn) socket {
	_ = conn.SetReadBuffer(socketBuffer) // as much as the system allows
	_ = conn.SetWriteBuffer(socketBuffer)
	return &sharedSocket{conn}
}

// readRefusals returns nothing: only Linux reports to an unconnected socket which peer an ICMP
// error is about.
func readRefusals(*net.UDPConn) []netip.AddrPort { return nil }

// isRefusal reports whether the error of a connected socket says that nothing listens at the peer's
// port.
func isRefusal(err error) bool {
	const wsaConnReset = syscall.Errno(10054) // what Windows says for ICMP port unreachable
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, wsaConnReset)
}
