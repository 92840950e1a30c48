package udprelay

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// echo answers every datagram with itself until the test ends.
func echo(t *testing.T) netip.AddrPort {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 100)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			c.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	a := c.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// answers sends n numbered datagrams one after the other and returns the first answer to each, or nothing.
func answers(t *testing.T, r *Relay, n int) []string {
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(r.Addr))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var all []string
	buf := make([]byte, 100)
	for i := range n {
		c.Write([]byte{'n', byte(i)})
		c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		m, err := c.Read(buf)
		if err != nil {
			m = 0
		}
		all = append(all, string(buf[:m]))
	}
	return all
}

func TestRelayPassesAndCounts(t *testing.T) {
	r := Start(t, echo(t), Faults{})
	for i, a := range answers(t, r, 5) {
		if a != string([]byte{'n', byte(i)}) {
			t.Errorf("answer %d is %q", i, a)
		}
	}
	if r.Exchanges() != 5 || len(r.Packets()) != 10 {
		t.Errorf("%d exchanges, %d packets", r.Exchanges(), len(r.Packets()))
	}
}

func TestFaultsHappen(t *testing.T) {
	r := Start(t, echo(t), Faults{Loss: 0.3, Corrupt: 0.3, Seed: 7})
	lost, changed := 0, 0
	for i, a := range answers(t, r, 60) {
		switch {
		case a == "":
			lost++
		case a != string([]byte{'n', byte(i)}):
			changed++
		}
	}
	if lost < 10 || lost > 50 || changed < 5 {
		t.Errorf("%d lost and %d changed of 60", lost, changed)
	}
}
