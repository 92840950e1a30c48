package client

import (
	"context"
	"errors"
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
				if _, err := Dial(context.Background(), closedPort(t), WithTransport(tr)); !errors.Is(err, ipmi.ErrRefused) {
					t.Errorf("shared socket: %v", err)
				}
			}
		})
	}
	if took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestNextAddress dials a name whose first address may lead nowhere.
func TestNextAddress(t *testing.T) {
	_, err := Dial(context.Background(), "localhost:"+strconv.Itoa(int(netip.MustParseAddrPort(closedPort(t)).Port())))
	if !errors.Is(err, ipmi.ErrRefused) {
		t.Errorf("%v", err)
	}
}

func TestResolve(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1": "127.0.0.1:623", "127.0.0.1:6230": "127.0.0.1:6230", "::1": "[::1]:623", "[::1]:9": "[::1]:9",
		"::ffff:127.0.0.1": "127.0.0.1:623",
	} {
		if got, err := resolve(context.Background(), in); err != nil || len(got) != 1 || got[0].String() != want {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:http"} {
		if got, err := resolve(context.Background(), in); err == nil {
			t.Errorf("%q: %v", in, got)
		}
	}
}
