package rack

import (
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"lom/bmc"
	"lom/rmcp"
)

// A socket is where the datagrams of one BMC or of many come and go.
type socket interface {
	// receive waits until datagrams are there, and calls f for each; until the deadline, unless
	// that is zero; or until the socket is closed, which is net.ErrClosed. Data is used, and may be
	// changed, until f returns. One goroutine calls it.
	receive(deadline time.Time, f func(to netip.Addr, from netip.AddrPort, data []byte)) error
	// send sends a datagram from an address. While the goroutine that receives has work to do, it
	// may wait until flush. Any goroutine may call it.
	send(from netip.Addr, to netip.AddrPort, packet []byte)
	// flush sends what waits. The goroutine that receives calls it before it waits.
	flush()
	addr() netip.AddrPort
	close() error
}

// A port is a socket with the BMCs that answer there, each at an address of its own. One goroutine
// serves all of them.
type port struct {
	socket socket
	logger *slog.Logger

	units  map[netip.Addr]*Unit // of who starts and ends BMCs
	routes atomic.Pointer[routes]

	mu     sync.Mutex // guards the statistics of the units
	due    dueHeap    // the BMCs that are at work
	memory [][]byte   // of datagrams that waited
}

// routes are the BMCs of a port as the goroutine that serves it sees them. They never change.
type routes struct {
	units map[netip.Addr]*Unit
	one   *Unit // that answers at every address, nil if there are several
}

// add has a BMC answer at the port after publish.
func (p *port) add(u *Unit) { p.units[u.Addr.Addr()] = u }

// remove takes a BMC from the port after publish.
func (p *port) remove(u *Unit) { delete(p.units, u.Addr.Addr()) }

// publish has the port serve the BMCs that were added and not removed.
func (p *port) publish() {
	t := &routes{units: maps.Clone(p.units)}
	if len(t.units) == 1 {
		for _, t.one = range t.units {
		}
	}
	p.routes.Store(t)
}

// serve gives the datagrams that come to the BMCs, until the socket is closed.
func (p *port) serve() {
	arrived := p.arrived // once, and not for each datagram
	for {
		err := p.socket.receive(p.due.next(), arrived)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			// Windows reports here that an answer did not reach its client.
			p.logger.Debug("read", "port", p.socket.addr(), "err", err)
		}
		p.serveDue(time.Now())
		p.socket.flush()
	}
}

// arrived takes a datagram.
func (p *port) arrived(to netip.Addr, from netip.AddrPort, data []byte) {
	t := p.routes.Load()
	u := t.one
	if u == nil {
		u = t.units[to]
	}
	if u == nil {
		return // there is no BMC at that address
	}
	link := u.link(to)
	if u.queue != nil {
		p.enqueue(u, link, from, data)
		return
	}
	p.mu.Lock()
	u.stats.arrived(1)
	p.mu.Unlock()
	u.BMC.HandlePacket(link, from, data)
}

// A unitSocket is the socket of one BMC.
type unitSocket struct {
	conn  *net.UDPConn
	at    netip.AddrPort
	buf   []byte
	until time.Time // the deadline that the conn has

	// room for what the kernel reports of a datagram; nil unless it is at all addresses of the
	// machine
	control []byte
}

func newUnitSocket(conn *net.UDPConn) *unitSocket {
	// One byte more than the longest packet: what fills it was cut off, and its length is wrong.
	s := &unitSocket{conn: conn, at: conn.LocalAddr().(*net.UDPAddr).AddrPort(),
		buf: make([]byte, rmcp.MaxPacket+1)}
	if s.at.Addr().IsUnspecified() && tellAddresses(conn) {
		s.control = make([]byte, 256)
	}
	return s
}

func (s *unitSocket) receive(deadline time.Time, f func(netip.Addr, netip.AddrPort, []byte)) error {
	if !deadline.Equal(s.until) {
		if err := s.conn.SetReadDeadline(deadline); err != nil {
			return err
		}
		s.until = deadline
	}
	if s.control == nil {
		n, from, err := s.conn.ReadFromUDPAddrPort(s.buf)
		if err != nil {
			return err
		}
		f(s.at.Addr(), from, s.buf[:n])
		return nil
	}
	n, told, _, from, err := s.conn.ReadMsgUDPAddrPort(s.buf, s.control)
	if err != nil {
		return err
	}
	f(askedAddress(s.control[:told]), from, s.buf[:n])
	return nil
}

func (s *unitSocket) send(from netip.Addr, to netip.AddrPort, packet []byte) {
	// A datagram that cannot be sent is a datagram lost: the client asks again.
	if s.control != nil && !from.IsUnspecified() {
		_, _, _ = s.conn.WriteMsgUDPAddrPort(packet, answerFrom(from), to)
		return
	}
	_, _ = s.conn.WriteToUDPAddrPort(packet, to)
}

func (s *unitSocket) flush() {}

func (s *unitSocket) addr() netip.AddrPort { return s.at }

func (s *unitSocket) close() error { return s.conn.Close() }

// Send implements bmc.Link.
func (u *Unit) Send(to netip.AddrPort, packet []byte) {
	u.port.socket.send(u.Addr.Addr(), to, packet)
}

// maxLinks is how many of a machine's addresses are remembered.
const maxLinks = 64

// link is where a BMC answers what came to an address. One that is at all addresses of the machine
// answers from the one that was asked, because clients take an answer from no other.
func (u *Unit) link(asked netip.Addr) bmc.Link {
	if !u.Addr.Addr().IsUnspecified() || !asked.IsValid() || asked.IsUnspecified() {
		return u
	}
	l := u.links[asked]
	if l == nil {
		if len(u.links) >= maxLinks || u.links == nil {
			u.links = map[netip.Addr]*addressed{}
		}
		l = &addressed{u, asked}
		u.links[asked] = l
	}
	return l
}

// addressed is the link of a BMC at one of its machine's addresses.
type addressed struct {
	unit *Unit
	at   netip.Addr
}

// Send implements bmc.Link.
func (a *addressed) Send(to netip.AddrPort, packet []byte) {
	a.unit.port.socket.send(a.at, to, packet)
}

// trapPort is the UDP port of those who receive SNMP traps.
const trapPort = 162

// sendTrap sends a Platform Event Trap. Whether it arrives is not known.
func (u *Unit) sendTrap(a bmc.Alert) {
	if data, err := a.Trap.AppendBinary(nil); err == nil {
		u.Send(netip.AddrPortFrom(a.To, trapPort), data)
	}
}
