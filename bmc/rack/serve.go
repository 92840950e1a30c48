package rack

import (
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
	buf := make([]byte, rmcp.MaxPacket+1)
	for {
		n, from, err := u.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Windows reports here that an answer did not reach its client.
			logger.Debug("read", "bmc", u.Name, "err", err)
			continue
		}
		u.BMC.HandlePacket(u, from, buf[:n])
	}
}

// Send implements bmc.Link.
func (u *Unit) Send(to netip.AddrPort, packet []byte) {
	// A datagram that cannot be sent is a datagram lost: the client asks again.
	_, _ = u.conn.WriteToUDPAddrPort(packet, to)
}

// trapPort is the UDP port of those who receive SNMP traps.
const trapPort = 162

// sendTrap sends a Platform Event Trap. It is not heard of again if nobody listens.
func (u *Unit) sendTrap(a bmc.Alert) {
	if data, err := a.Trap.AppendBinary(nil); err == nil {
		u.Send(netip.AddrPortFrom(a.To, trapPort), data)
	}
}
