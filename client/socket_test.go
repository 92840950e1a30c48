package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"testing"
	"time"

	"lom/ipmi"
)

// closedPort returns an address where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}

func TestRefusedPort(t *testing.T) {
	took := elapsed(func() {
		if _, err := Dial(context.Background(), closedPort(t)); !errors.Is(err, ipmi.ErrRefused) {
			t.Errorf("socket of its own: %v", err)
		}
	})
	if runtime.GOOS == "linux" {
		tr, err := NewTransport(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		took += elapsed(func() {
			for range 3 {
				if _, err := Dial(context.Background(), closedPort(t),
					WithTransport(tr)); !errors.Is(err, ipmi.ErrRefused) {
					t.Errorf("shared socket: %v", err)
				}
			}
		})
	}
	if took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// Whichever of many sessions on a socket learns of a refusal, it is told to the one that it is
// about.
func TestRefusedPortsOfMany(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells an unconnected socket who refused")
	}
	tr, err := NewTransport(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	port := netip.MustParseAddrPort(closedPort(t)).Port()
	errs := make(chan error)
	const hosts = 24 // the kernel sends no more than some 50 refusals at once
	for i := range hosts {
		go func() {
			_, err := Dial(context.Background(),
				netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 9, byte(i + 1)}), port).String(),
				WithTransport(tr))
			errs <- err
		}()
	}
	for range hosts {
		if err := <-errs; !errors.Is(err, ipmi.ErrRefused) {
			t.Error(err)
		}
	}
}

// TestNextAddress dials a name whose first address may lead nowhere.
func TestNextAddress(t *testing.T) {
	_, err := Dial(context.Background(),
		"localhost:"+strconv.Itoa(int(netip.MustParseAddrPort(closedPort(t)).Port())))
	if !errors.Is(err, ipmi.ErrRefused) {
		t.Errorf("%v", err)
	}
}

func TestResolve(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1": "127.0.0.1:623", "127.0.0.1:6230": "127.0.0.1:6230", "::1": "[::1]:623",
		"[::1]:9":          "[::1]:9",
		"::ffff:127.0.0.1": "127.0.0.1:623",
	} {
		if got, err := (&config{}).resolve(context.Background(), in); err != nil || len(got) != 1 ||
			got[0].String() != want {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:http"} {
		if got, err := (&config{}).resolve(context.Background(), in); err == nil {
			t.Errorf("%q: %v", in, got)
		}
	}
}

// TestBatches sends and reads many packets over real sockets of both families, more than a batch
// has.
func TestBatches(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		for _, listen := range []func() (socket, error){listenShared, func() (socket, error) {
			conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(host)})
			if err != nil {
				return nil, err
			}
			return newSharedSocket(conn), nil
		}} {
			peer, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(host)})
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				echoUDP(peer)
			}()
			sock, err := listen()
			if err != nil {
				t.Fatal(err)
			}
			const packets = 150
			m := newEndpoint(&countingSocket{socket: sock, want: packets,
				done: make(chan map[string]int, 1)})
			to := peer.LocalAddr().(*net.UDPAddr).AddrPort()
			m.cork()
			for i := range packets {
				m.write(fmt.Appendf(nil, "packet %d", i), to)
			}
			m.uncork()
			select {
			case got := <-m.sock.(*countingSocket).done:
				for i := range packets {
					if k := fmt.Sprintf("%v packet %d", to, i); got[k] != 1 {
						t.Errorf("%q came %d times", k, got[k])
					}
				}
			case <-time.After(20 * time.Second):
				t.Errorf("%s: no answers", host)
			}
			if err := m.close(); err != nil {
				t.Error(err)
			}
			_ = peer.Close()
			<-done
		}
	}
}

// echoUDP sends packets back until the socket is closed.
func echoUDP(conn *net.UDPConn) {
	buf := make([]byte, 2048)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		_, _ = conn.WriteToUDPAddrPort(buf[:n], from)
	}
}

// A countingSocket keeps what is read.
type countingSocket struct {
	socket
	want int
	got  map[string]int
	done chan map[string]int
}

func (s *countingSocket) read(ds []datagram) (int, error) {
	n, err := s.socket.read(ds)
	for _, d := range ds[:n] {
		if s.got == nil {
			s.got = map[string]int{}
		}
		s.got[fmt.Sprintf("%v %s", d.peer, d.b)]++
		if s.want--; s.want == 0 {
			s.done <- s.got
		}
	}
	return n, err
}
