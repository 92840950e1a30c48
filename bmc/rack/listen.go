package rack

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
)

// shareFrom is from how many BMCs on on one port they share a socket. Fewer have one each, so that
// other programs can have the port at other addresses.
const shareFrom = 64

// open opens the sockets for servers: one for many BMCs where they are on loopback addresses, and
// one for each of the others. It returns the port of each server, and the ports that there are
// then.
func open(servers []Server, logger *slog.Logger) (of, made []*port, err error) {
	shared := map[netip.AddrPort]*port{} // by the address that the configuration says
	add := func(s socket, units int) *port {
		p := &port{socket: s, logger: logger, units: make(map[netip.Addr]*Unit, units)}
		made = append(made, p)
		return p
	}
	if canShare {
		for _, group := range loopbackGroups(servers) {
			s, err := listenShared(group[0].Port())
			if errors.Is(err, syscall.EADDRINUSE) {
				if taken, ok := findTaken(group); ok {
					return nil, made, listenError(taken.String(), err)
				}
				// another program has the port at an address that is none of these: they get a
				// socket each
				continue
			}
			if err != nil {
				return nil, made, listenError(fmt.Sprintf("%v and %d other addresses", group[0],
					len(group)-1), err)
			}
			p := add(s, len(group))
			for _, a := range group {
				shared[a] = p
			}
		}
	}
	for i := range servers {
		s := &servers[i]
		p := shared[s.Addr]
		if p != nil {
			delete(shared, s.Addr) // the next with this address needs another port
		} else {
			conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(s.Addr))
			if err != nil {
				return nil, made, listenError(s.Addr.String(), err)
			}
			p = add(newUnitSocket(conn), 1)
		}
		of = append(of, p)
	}
	return of, made, nil
}

// newUnit returns the unit of a server that answers at a port. It is not there yet.
func newUnit(s *Server, p *port) *Unit {
	return &Unit{Name: s.Name, Addr: netip.AddrPortFrom(s.Addr.Addr(), p.socket.addr().Port()),
		server: *s, port: p}
}

// loopbackGroups returns the addresses of servers that can share a socket, in their order.
func loopbackGroups(servers []Server) [][]netip.AddrPort {
	seen := map[netip.AddrPort]bool{}
	byPort := map[uint16][]netip.AddrPort{}
	var ports []uint16
	for _, s := range servers {
		if a := s.Addr; a.Addr().Is4() && a.Addr().IsLoopback() && !seen[a] {
			seen[a] = true
			if byPort[a.Port()] == nil {
				ports = append(ports, a.Port())
			}
			byPort[a.Port()] = append(byPort[a.Port()], a)
		}
	}
	var groups [][]netip.AddrPort
	for _, p := range ports {
		if n := len(byPort[p]); n >= shareFrom || p == 0 && n > 1 {
			groups = append(groups, byPort[p])
		}
	}
	return groups
}

// findTaken returns the first of some addresses that another program has.
func findTaken(addresses []netip.AddrPort) (taken netip.AddrPort, ok bool) {
	for _, a := range addresses {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(a))
		if errors.Is(err, syscall.EADDRINUSE) {
			return a, true
		}
		if err == nil {
			conn.Close()
		}
	}
	return taken, false
}

// An InUseError says that another program has the address of a BMC.
type InUseError struct{ Where string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("cannot listen on %s: another program uses that port; end it or choose "+
		"another with --listen", e.Where)
}

// listenError says why a socket cannot be opened.
func listenError(where string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return &InUseError{where}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("cannot listen on %s: this machine does not have that address", where)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("cannot listen on %s: ports below 1024 are for root; choose another "+
			"with --listen", where)
	}
	// Of net's error only the cause is kept: the rest of it repeats the address.
	if op := new(net.OpError); errors.As(err, &op) {
		err = op.Err
	}
	if errors.Is(err, syscall.EMFILE) {
		return fmt.Errorf("cannot listen on %s: %w; each BMC needs a file of its own (ulimit -n "+
			"says how many there may be)", where, err)
	}
	return fmt.Errorf("cannot listen on %s: %w", where, err)
}
