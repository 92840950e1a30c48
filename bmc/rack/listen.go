package rack

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"syscall"
)

// shareFrom is from how many BMCs on on one port they share a socket. Fewer have one each, so that other programs can have the
// port at other addresses.
const shareFrom = 64

// listen opens the sockets: one for many BMCs where they are on loopback addresses, and one for each of the others.
func (r *Rack) listen(c *Config) error {
	shared := map[netip.AddrPort]*port{} // by the address that the configuration says
	if canShare {
		for _, group := range loopbackGroups(c.Servers) {
			s, err := listenShared(group[0].Port())
			if errors.Is(err, syscall.EADDRINUSE) {
				if taken, ok := findTaken(group); ok {
					return listenError(taken.String(), err)
				}
				continue // another program has the port at an address that is none of these: they get a socket each
			}
			if err != nil {
				return listenError(fmt.Sprintf("%v and %d other addresses", group[0], len(group)-1), err)
			}
			p := r.addPort(s, c, len(group))
			for _, a := range group {
				shared[a] = p
			}
		}
	}
	for i := range c.Servers {
		s := &c.Servers[i]
		p := shared[s.Addr]
		if p != nil {
			delete(shared, s.Addr) // the next with this address needs another port
		} else {
			conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(s.Addr))
			if err != nil {
				return listenError(s.Addr.String(), err)
			}
			p = r.addPort(newUnitSocket(conn), c, 1)
		}
		u := &Unit{Name: s.Name, Addr: netip.AddrPortFrom(s.Addr.Addr(), p.socket.addr().Port()), port: p}
		p.add(u)
		r.units = append(r.units, u)
	}
	return nil
}

func (r *Rack) addPort(s socket, c *Config, units int) *port {
	p := &port{socket: s, logger: c.Logger, units: make(map[netip.Addr]*Unit, units)}
	r.ports = append(r.ports, p)
	return p
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
	return fmt.Sprintf("cannot listen on %s: another program uses that port; end it or choose another with --listen", e.Where)
}

// listenError says why a socket cannot be opened.
func listenError(where string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return &InUseError{where}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("cannot listen on %s: this machine does not have that address", where)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("cannot listen on %s: ports below 1024 are for root; choose another with --listen", where)
	}
	// Of net's error only the cause is kept: the rest of it repeats the address.
	if op := new(net.OpError); errors.As(err, &op) {
		err = op.Err
	}
	if errors.Is(err, syscall.EMFILE) {
		return fmt.Errorf("cannot listen on %s: %w; each BMC needs a file of its own (ulimit -n says how many there may be)", where, err)
	}
	return fmt.Errorf("cannot listen on %s: %w", where, err)
}
