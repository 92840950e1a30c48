package rack

import (
	"errors"
	"net/netip"
	"slices"
)

// Changes is what Reload has changed.
type Changes struct {
	Added   []*Unit // those that were started again because something about them has changed too
	Removed []string
	Kept    int
}

// Reload makes the rack what a configuration says: what is in both stays as it is, with its
// sessions, its machine and its address; what is new is started, what is not in it any longer is
// ended, and what has changed is ended and started. When it fails, the rack is what it was, but
// that servers that have changed or are gone may have been started again. Its error is one
// sentence.
func (r *Rack) Reload(c Config) (ch Changes, err error) {
	if c.StateDir != r.cfg.StateDir {
		return ch, errors.New("the state directory cannot change while BMCs run; end lom and " +
			"start it again")
	}
	stays, leaves := map[string]*Unit{}, map[string]*Unit{}
	for _, u := range r.units {
		leaves[u.Name] = u
	}
	var fresh []Server
	for _, s := range c.Servers {
		if u := leaves[s.Name]; u != nil && s.Revision != "" && s.Revision == u.server.Revision &&
			s.Addr == u.server.Addr {
			stays[s.Name] = u
			delete(leaves, s.Name)
		} else {
			fresh = append(fresh, s)
		}
	}
	of, made, err := r.portsFor(fresh, leaves)
	if err != nil {
		return ch, errors.Join(err, closePorts(made))
	}
	var old []*Unit
	for _, u := range r.units {
		if leaves[u.Name] != nil {
			old = append(old, u)
		}
	}
	// What was served goes on while BMCs begin and end, but for those that leave.
	warn := r.end(old)
	started, err := r.startAll(fresh, of)
	if err != nil {
		back := make([]*Unit, len(old))
		for i, u := range old {
			back[i] = newUnit(&u.server, u.port)
		}
		failed := err
		for _, u := range back {
			if err := r.start(u); err != nil {
				failed = errors.Join(failed, err)
				continue
			}
			u.port.add(u)
			u.port.publish()
			r.units = append(r.units, u)
		}
		return ch, errors.Join(failed, closePorts(made), warn)
	}
	byName := stays
	for _, u := range started {
		u.port.add(u)
		byName[u.Name] = u
	}
	r.units = nil
	for _, s := range c.Servers {
		r.units = append(r.units, byName[s.Name])
	}
	awaitLooks(started)
	for _, p := range r.ports {
		p.publish()
	}
	r.serve(made)
	r.ports = append(r.ports, made...)
	r.ports = slices.DeleteFunc(r.ports, func(p *port) bool {
		if len(p.units) > 0 {
			return false
		}
		p.socket.close()
		return true
	})
	ch.Added, ch.Kept = started, len(c.Servers)-len(started)
	for _, u := range old {
		if byName[u.Name] == nil {
			ch.Removed = append(ch.Removed, u.Name)
		}
	}
	return ch, warn
}

// portsFor returns the ports of servers that are to be started: that of a BMC that leaves the same
// address, a socket that is shared already, or a new one, which is among those made.
func (r *Rack) portsFor(servers []Server, leaves map[string]*Unit) (of, made []*port, err error) {
	left := map[netip.AddrPort]*port{}
	for _, u := range leaves {
		left[u.server.Addr] = u.port
	}
	shared := map[uint16]*port{}
	for _, p := range r.ports {
		if a := p.socket.addr(); isShared(p.socket) {
			shared[a.Port()] = p
		}
	}
	of = make([]*port, len(servers))
	var others []Server
	var at []int
	for i, s := range servers {
		switch p := left[s.Addr]; {
		case p != nil:
			of[i] = p
			delete(left, s.Addr) // the next with this address needs another port
		case shared[s.Addr.Port()] != nil && s.Addr.Addr().Is4() && s.Addr.Addr().IsLoopback():
			of[i] = shared[s.Addr.Port()]
		default:
			others, at = append(others, s), append(at, i)
		}
	}
	ports, made, err := open(others, r.cfg.Logger)
	for i, p := range ports {
		of[at[i]] = p
	}
	return of, made, err
}

// end ends units.
func (r *Rack) end(units []*Unit) error {
	var errs []error
	for _, u := range units {
		u.port.remove(u)
		u.port.publish()
	}
	for _, u := range units {
		r.gone.add(u.Stats())
		errs = append(errs, u.BMC.Close())
		r.units = slices.DeleteFunc(slices.Clone(r.units), func(o *Unit) bool { return o == u })
	}
	return errors.Join(errs...)
}

// startAll starts servers, all or none.
func (r *Rack) startAll(servers []Server, of []*port) (started []*Unit, err error) {
	for i := range servers {
		u := newUnit(&servers[i], of[i])
		if err := r.start(u); err != nil {
			for _, u := range started {
				err = errors.Join(err, u.BMC.Close())
			}
			return nil, err
		}
		started = append(started, u)
	}
	return started, nil
}

// closePorts closes the sockets of ports that nobody serves.
func closePorts(ports []*port) error {
	var errs []error
	for _, p := range ports {
		errs = append(errs, p.socket.close())
	}
	return errors.Join(errs...)
}
