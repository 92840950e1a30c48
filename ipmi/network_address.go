package ipmi

import (
	"fmt"
	"net/netip"
)

// An IPv4Address is an address or a netmask, first byte first.
type IPv4Address [4]byte

// Addr returns the address as the standard library knows it.
func (a IPv4Address) Addr() netip.Addr { return netip.AddrFrom4(a) }

// String returns the address in dots.
func (a IPv4Address) String() string { return a.Addr().String() }

// An IPv6Address is an address or a prefix, first byte first.
type IPv6Address [16]byte

// Addr returns the address as the standard library knows it.
func (a IPv6Address) Addr() netip.Addr { return netip.AddrFrom16(a) }

// String returns the address in its short form.
func (a IPv6Address) String() string { return a.Addr().String() }

// A MACAddress is an Ethernet address.
type MACAddress [6]byte

// String returns the address in lower-case hex with colons.
func (a MACAddress) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3], a[4], a[5])
}
