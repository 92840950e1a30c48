package rack

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

// A rack whose port another program has at one of its addresses names that one; a program at
// another address does no harm.
func TestPortOfAnotherProgram(t *testing.T) {
	for address, within := range map[string]bool{"127.0.11.40": true, "127.0.11.200": false} {
		other, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(address)})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		taken := other.LocalAddr().(*net.UDPAddr).AddrPort()
		servers := manyServers(shareFrom)
		a := netip.MustParseAddr("127.0.11.1")
		for i := range servers {
			servers[i].Addr = netip.AddrPortFrom(a, taken.Port())
			a = a.Next()
		}
		r, err := Start(Config{Servers: servers})
		var inUse *InUseError
		switch {
		case within && (!errors.As(err, &inUse) || inUse.Where != taken.String()):
			t.Errorf("with another program at %v, Start says %v", taken, err)
		case !within && err != nil:
			t.Errorf("with another program at %v, which is none of the rack's, Start says %v",
				taken, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
