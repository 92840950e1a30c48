//go:build !linux

package client

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// askForRefusals does nothing: only Linux tells an unconnected socket whom an ICMP error is about.
func askForRefusals(*net.UDPConn) {}

func readRefusals(*net.UDPConn) []netip.AddrPort { return nil }

// isRefusal reports whether the error of a connected socket says that nothing listens at the peer's port.
func isRefusal(err error) bool {
	const wsaConnReset = syscall.Errno(10054) // what Windows says for ICMP port unreachable
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, wsaConnReset)
}
