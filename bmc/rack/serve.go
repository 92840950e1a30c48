package rack

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/netip"

	"lom/bmc"
	"lom/rmcp"
)

// serve gives the datagrams that come to the BMC, until the socket is closed.
func (u *Unit) serve(logger *slog.Logger) {
	// One byte more than the longest packet: what fills it was cut off, and its length is wrong.
	buf, control := make([]byte, rmcp.MaxPacket+1), []byte(nil)
	links := map[string]bmc.Link{"": u}
	if u.Addr.Addr().IsUnspecified() && tellAddresses(u.conn) {
		control = make([]byte, 256)
	}
	for {
		n, told, _, from, err := u.conn.ReadMsgUDPAddrPort(buf, control)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Windows reports here that an answer did not reach its client.
			logger.Debug("read", "bmc", u.Name, "err", err)
			continue
		}
		there := fromThere(control[:told])
		link := links[string(there)]
		if link == nil {
			if len(links) > maxLinks {
				links = map[string]bmc.Link{"": u}
			}
			link = &addressed{u, bytes.Clone(there)}
			links[string(there)] = link
		}
		u.BMC.HandlePacket(link, from, buf[:n])
	}
}

// maxLinks is how many of a machine's addresses are remembered.
const maxLinks = 64

// Send implements bmc.Link.
func (u *Unit) Send(to netip.AddrPort, packet []byte) {
	// A datagram that cannot be sent is a datagram lost: the client asks again.
	_, _ = u.conn.WriteToUDPAddrPort(packet, to)
}

// addressed is the link of a BMC that answers at all addresses of the machine. An answer comes from the address that was asked, because
// clients take it from no other.
type addressed struct {
	unit    *Unit
	control []byte // the address, as the kernel takes it
}

// Send implements bmc.Link.
func (a *addressed) Send(to netip.AddrPort, packet []byte) {
	_, _, _ = a.unit.conn.WriteMsgUDPAddrPort(packet, a.control, to)
}

// trapPort is the UDP port of those who receive SNMP traps.
const trapPort = 162

// sendTrap sends a Platform Event Trap. It is not heard of again if nobody listens.
func (u *Unit) sendTrap(a bmc.Alert) {
	if data, err := a.Trap.AppendBinary(nil); err == nil {
		u.Send(netip.AddrPortFrom(a.To, trapPort), data)
	}
}
