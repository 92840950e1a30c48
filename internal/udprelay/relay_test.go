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

// answers sends n numbered datagrams one after the other and returns the first answer to each, or
// nothing.
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

// Packets that are sent together come in their order, and not before the delay is over.
func TestDelayKeepsOrder(t *testing.T) {
	const delay, n = 2500 * time.Microsecond, 50
	r := Start(t, echo(t), Faults{Delay: delay})
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(r.Addr))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	began := time.Now()
	for i := range n {
		c.Write([]byte{byte(i)})
	}
	c.SetReadDeadline(began.Add(10 * time.Second))
	buf := make([]byte, 100)
	for i := range n {
		if m, err := c.Read(buf); err != nil || m != 1 || buf[0] != byte(i) {
			t.Fatalf("answer %d is % x, %v", i, buf[:m], err)
		}
		if took := time.Since(began); i == 0 && took < 2*delay {
			t.Errorf("the first answer came after %v, before twice the delay", took)
		} else if i == 0 {
			t.Logf("round trip: %v", took)
		}
	}
}
