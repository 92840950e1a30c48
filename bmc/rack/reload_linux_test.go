package rack

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A rack takes another configuration while it runs: what is in both keeps its sessions, also when
// the new one cannot be had.
func TestReload(t *testing.T) {
	for _, n := range []int{4, shareFrom} { // with a socket each, and with one for all
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			state := t.TempDir()
			list := manyServers(n)
			port := uint16(0)
			if n < shareFrom {
				free, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
				if err != nil {
					t.Fatal(err)
				}
				port = free.LocalAddr().(*net.UDPAddr).AddrPort().Port()
				free.Close()
			}
			for i := range list {
				list[i].Revision, list[i].Addr = "1", netip.AddrPortFrom(list[i].Addr.Addr(), port)
			}
			r, err := Start(Config{Servers: list, StateDir: state})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			first := addresses(r)
			kept := newLoader(t, 3, first[2:], powerAndSensors()...)
			kept.run(0)
			kept.run(3)
			works := func(a netip.AddrPort) {
				t.Helper()
				l := newLoader(t, 3, []netip.AddrPort{a}, powerAndSensors()...)
				l.run(0)
				l.run(2)
			}

			// The first is gone, the second has changed, another has come.
			next := append([]Server{}, list[1:]...)
			next[0].Revision = "2"
			added := list[0]
			added.Name, added.Addr = "added",
				netip.AddrPortFrom(netip.MustParseAddr("127.0.12.1"), first[1].Port())
			next = append(next, added)
			changes, err := r.Reload(Config{Servers: next, StateDir: state})
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, u := range changes.Added {
				names = append(names, u.Name)
			}
			if got, want := fmt.Sprint(names, changes.Removed,
				changes.Kept), fmt.Sprint([]string{"bmc2", "added"}, []string{"bmc1"}, n-2); got !=
				want {
				t.Errorf("added, removed and kept: got %s, want %s", got, want)
			}
			now := addresses(r)
			if len(now) != n || now[0] != first[1] || now[1] != first[2] || now[n-1] != added.Addr {
				t.Errorf("the BMCs answer at %v, before at %v", now, first)
			}
			kept.run(3)
			works(now[0])
			works(now[n-1])
			if n < shareFrom { // of a shared socket, nobody else can have an address
				other, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(first[0]))
				if err != nil {
					t.Errorf("the address of the one that is gone is in use: %v", err)
				} else {
					defer other.Close()
				}
			}

			// What cannot be had leaves all as it was.
			damaged := filepath.Join(state, "damaged.state")
			if err := os.WriteFile(damaged, []byte("no state\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			taken, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 13, 1)})
			if err != nil {
				t.Fatal(err)
			}
			defer taken.Close()
			for want, change := range map[string]func(s *Server){
				"damaged.state is damaged": func(s *Server) { s.Name = "damaged" },
				"another program uses that port": func(s *Server) {
					s.Name, s.Addr = "clash", taken.LocalAddr().(*net.UDPAddr).AddrPort()
				},
				"there is no cipher suite": func(s *Server) {
					s.Revision, s.BMC.CipherSuites = "3", []uint8{99}
				},
			} {
				bad := append([]Server{}, next...)
				change(&bad[0])
				if _, err := r.Reload(Config{Servers: bad, StateDir: state}); err == nil ||
					!strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %s", err, want)
				}
				kept.run(3)
				works(first[1])
				works(added.Addr)
			}
			if _, err := r.Reload(Config{Servers: next, StateDir: t.TempDir()}); err == nil {
				t.Error("the state directory has changed")
			}
			changes, err = r.Reload(Config{Servers: next, StateDir: state})
			if err != nil || changes.Kept != n || len(changes.Added)+len(changes.Removed) != 0 {
				t.Errorf("the same once more: %+v, %v", changes, err)
			}
		})
	}
}
