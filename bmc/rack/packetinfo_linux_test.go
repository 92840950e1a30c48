package rack

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"lom/rmcp"
)

// A BMC that has all addresses of the machine answers from the one that was asked.
func TestAnswersFromTheAddressThatWasAsked(t *testing.T) {
	for all, asked := range map[string][]string{"[::]:0": {"127.0.0.1", "127.0.0.9", "::1"},
		"0.0.0.0:0": {"127.0.0.1", "127.0.0.9"}} {
		s := servers(1)
		s[0].Addr = netip.MustParseAddrPort(all)
		r, err := Start(Config{Servers: s})
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range asked {
			to := netip.AddrPortFrom(netip.MustParseAddr(a), r.Units()[0].Addr.Port())
			// it hears no other address
			conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write(rmcp.AppendPing(nil, rmcp.NoACK,
				rmcp.Ping{Tag: uint8(i)})); err != nil {
				t.Fatal(err)
			}
			conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := conn.Read(make([]byte, rmcp.MaxPacket)); err != nil {
				t.Errorf("%s at %s: %v", all, to, err)
			}
			conn.Close()
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
