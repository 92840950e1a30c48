package machine

import (
	"context"
	"net"
	"net/netip"

	"lom/ipmi"
)

// A Session is a session that a BMC has open, or an empty place for one (§22.20).
type Session struct {
	Handle    uint8  `json:"handle"` // 0: there is no session
	Slots     uint8  `json:"slots"`  // sessions that the BMC can have
	Active    uint8  `json:"active_sessions"`
	User      uint8  `json:"user_id,omitempty"`
	Privilege string `json:"privilege,omitempty" enum:"callback,user,operator,administrator,oem,no-access,unknown"`
	Type      string `json:"type,omitempty" enum:"ipmi-1.5,ipmi-2.0"`
	Channel   *uint8 `json:"channel,omitempty"`

	ConsoleIP  string `json:"console_ip,omitempty"` // of the other end
	ConsoleMAC string `json:"console_mac,omitempty"`

	// over a serial line
	Activity    string `json:"activity,omitempty" enum:"messaging,callback,dial-out-alert,tap-page,unknown"`
	Destination *uint8 `json:"destination,omitempty"`

	ConsolePort *uint16 `json:"console_port,omitempty"` // UDP

	Info   ipmi.SessionInfo        `json:"-"`
	Serial *ipmi.SessionPeerSerial `json:"-"` // of a session over a serial line
}

// A SessionSelector says which session is asked for.
type SessionSelector struct{ request ipmi.GetSessionInfo }

// SessionOwn selects the session in which it is asked.
func SessionOwn() SessionSelector { return SessionSelector{} }

// SessionByID selects the session with the BMC's ID.
func SessionByID(id uint32) SessionSelector {
	return SessionSelector{ipmi.GetSessionInfo{Index: ipmi.SessionIndexID, ID: id}}
}

// SessionByHandle selects the session with the handle.
func SessionByHandle(handle uint8) SessionSelector {
	return SessionSelector{ipmi.GetSessionInfo{Index: ipmi.SessionIndexHandle, Handle: handle}}
}

// Session asks about one session. If there is no such session its Handle is 0, or the error is a
// refusal.
func (m *Machine) Session(ctx context.Context, which SessionSelector) (Session, error) {
	r, err := do(ctx, m, "Get Session Info command", which.request)
	if err != nil {
		return Session{}, err
	}
	return SessionOf(r)
}

// Sessions asks for each place of the BMC's table, in its order. Those without a session have the
// handle 0.
func (m *Machine) Sessions(ctx context.Context) ([]Session, error) {
	var list []Session
	for i, slots := 1, 1; i <= slots; i++ {
		r, err := do(ctx, m, "Get Session Info command", ipmi.GetSessionInfo{Index: uint8(i)})
		if refused(err, ipmi.CodeInvalidDataField, ipmi.CodeNotPresent) {
			// Some BMCs refuse empty places, and say besides how many there are.
			if len(list) == 0 || r.Slots == 0 {
				break
			}
		} else if err != nil {
			return list, err
		}
		s, err := SessionOf(r)
		if err != nil {
			return list, err
		}
		list, slots = append(list, s), int(s.Slots)
	}
	return list, nil
}

// Lengths of what is said about the other end of a session (Table 22-25).
const (
	peerLANSize    = 12
	peerSerialSize = 6
	peerPPPSize    = 8
)

// SessionOf makes a Session of the answer to Get Session Info (Table 22-25).
func SessionOf(r ipmi.SessionInfo) (Session, error) {
	v := Session{Handle: r.Handle, Slots: r.Slots, Active: r.ActiveSessions, Info: r}
	s := r.Session
	if s == nil {
		return v, nil
	}
	v.User, v.Privilege, v.Channel, v.Type = s.User, privilegeWord(s.Privilege), &s.Channel,
		"ipmi-2.0"
	if s.Protocol == ipmi.SessionIPMI15 {
		v.Type = "ipmi-1.5"
	}
	switch len(s.Peer) {
	case peerLANSize:
		var p ipmi.SessionPeerLAN
		if err := p.UnmarshalBinary(s.Peer); err != nil {
			return v, err
		}
		v.ConsoleIP, v.ConsoleMAC = netip.AddrFrom4(p.IP).String(),
			net.HardwareAddr(p.MAC[:]).String()
		v.ConsolePort = &p.Port
	case peerSerialSize, peerPPPSize:
		var p ipmi.SessionPeerSerial
		if err := p.UnmarshalBinary(s.Peer); err != nil {
			return v, err
		}
		activities := [...]string{"messaging", "callback", "dial-out-alert", "tap-page"}
		v.Activity = "unknown"
		if int(p.Activity) < len(activities) {
			v.Activity = activities[p.Activity]
		}
		v.Destination, v.ConsoleIP, v.ConsolePort = &p.Destination, netip.AddrFrom4(p.IP).String(),
			p.Port
		v.Serial = &p
	}
	return v, nil
}

// SetPrivilege sets the privilege level of the session in which it is asked, and returns the level
// that the session has then (§22.18).
func (m *Machine) SetPrivilege(ctx context.Context, p ipmi.Privilege) (ipmi.Privilege, error) {
	r, err := do(ctx, m, "Set Session Privilege Level to "+p.String(),
		ipmi.SetSessionPrivilege{Privilege: p})
	return r.Privilege, err
}
