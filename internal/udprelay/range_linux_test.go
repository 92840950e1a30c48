package udprelay

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// What is sent to an address of the range comes to the server there, and its answer from there.
func TestRange(t *testing.T) {
	one, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 7, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	port := one.LocalAddr().(*net.UDPAddr).Port
	two, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 7, 2), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	for _, c := range []*net.UDPConn{one, two} {
		go func() {
			buf := make([]byte, 100)
			for {
				n, from, err := c.ReadFromUDPAddrPort(buf)
				if err != nil {
					return
				}
				c.WriteToUDPAddrPort(append(buf[:n:n], c.LocalAddr().String()...), from)
			}
		}()
	}
	r := StartRange(t, uint16(port), Faults{Duplicate: 1})
	client, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	client.SetReadDeadline(time.Now().Add(10 * time.Second))
	for _, c := range []*net.UDPConn{one, two, one} {
		at := netip.MustParseAddrPort(c.LocalAddr().String())
		if _, err := client.WriteToUDPAddrPort([]byte("to "),
			netip.AddrPortFrom(at.Addr(), r.Port)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		for range 4 { // the packet and its answer are doubled
			n, from, err := client.ReadFromUDPAddrPort(buf)
			if err != nil {
				t.Fatal(err)
			}
			if from.Addr().Unmap() != at.Addr() || from.Port() != r.Port ||
				string(buf[:n]) != "to "+at.String() {
				t.Errorf("%q from %v, sent to the server at %v", buf[:n], from, at)
			}
		}
	}
}
