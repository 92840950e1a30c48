package cli

import (
	"context"
	"io"
	"net"
	"net/netip"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

func newSession(a *App) *cobra.Command {
	return group(a, "session", "Sessions that the BMC has open",
		leaf(a, "info active|all|id 0xN|handle 0xN", "Show this session, all of them, or one of them", runSessionInfo))
}

// sessionInfo is one session of session info.
type sessionInfo struct {
	Handle    uint8  `json:"handle"`
	Slots     uint8  `json:"slots"`
	Active    uint8  `json:"active_sessions"`
	User      uint8  `json:"user_id,omitempty"`
	Privilege string `json:"privilege,omitempty"`
	Type      string `json:"type,omitempty"`
	Channel   *uint8 `json:"channel,omitempty"`

	ConsoleIP  string `json:"console_ip,omitempty"`
	ConsoleMAC string `json:"console_mac,omitempty"`

	Activity    string `json:"activity,omitempty"`
	Destination *uint8 `json:"destination,omitempty"`

	ConsolePort *uint16 `json:"console_port,omitempty"`
}

func runSessionInfo(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 2); err != nil {
		return err
	}
	var req ipmi.GetSessionInfo
	words := map[string]int{"active": 1, "all": 1, "id": 2, "handle": 2}
	if n, ok := words[args[0]]; !ok || n != len(args) {
		return usagef("%q is not active, all, id 0xN or handle 0xN", args[0])
	}
	switch args[0] {
	case "id":
		n, err := parseNumber(args[1], 0, 1<<32-1)
		if err != nil {
			return usagef("session ID: %v", err)
		}
		req = ipmi.GetSessionInfo{Index: ipmi.SessionIndexID, ID: uint32(n)}
	case "handle":
		n, err := parseByte(args[1])
		if err != nil {
			return usagef("session handle: %v", err)
		}
		req = ipmi.GetSessionInfo{Index: ipmi.SessionIndexHandle, Handle: n}
	}
	// The level of this session is shown: the one asked for, not the one that these commands need. A BMC
	// may refuse it.
	if _, err := do(ctx, a, ipmi.SetSessionPrivilege{Privilege: a.Options.Privilege}); err != nil {
		if _, refused := code(err); !refused {
			return err
		}
	}
	if args[0] == "all" {
		return a.allSessions(ctx)
	}
	r, err := do(ctx, a, req)
	if err != nil {
		return failed("Get Session Info command", err)
	}
	v, err := newSessionInfo(r)
	if err != nil {
		return err
	}
	return a.Show(v, v.text, v.csv)
}

// allSessions asks for each slot of the BMC's table. Empty slots are shown too, as ipmitool shows them, but not in JSON.
func (a *App) allSessions(ctx context.Context) error {
	var list []sessionInfo
	open := []sessionInfo{}
	for i, slots := 1, 1; i <= slots; i++ {
		r, err := do(ctx, a, ipmi.GetSessionInfo{Index: uint8(i)})
		if hasCode(err, ipmi.CodeInvalidDataField, ipmi.CodeNotPresent) {
			if len(list) == 0 || r.Slots == 0 {
				break
			}
		} else if err != nil {
			return failed("Get Session Info command", err)
		}
		v, err := newSessionInfo(r)
		if err != nil {
			return err
		}
		list, slots = append(list, v), int(v.Slots)
		if v.Handle != 0 {
			open = append(open, v)
		}
	}
	each := func(f func(sessionInfo, io.Writer)) func(io.Writer) {
		return func(w io.Writer) {
			for _, v := range list {
				f(v, w)
			}
		}
	}
	return a.Show(open, each(sessionInfo.text), each(sessionInfo.csv))
}

// Lengths of what is said about the other end of a session (Table 22-25).
const (
	peerLANSize    = 12
	peerSerialSize = 6
	peerPPPSize    = 8
)

func newSessionInfo(r ipmi.SessionInfo) (sessionInfo, error) {
	v := sessionInfo{Handle: r.Handle, Slots: r.Slots, Active: r.ActiveSessions}
	s := r.Session
	if s == nil {
		return v, nil
	}
	v.User, v.Privilege, v.Channel = s.User, privilegeWord(s.Privilege), &s.Channel
	v.Type = choose(s.Protocol == ipmi.SessionIPMI15, ipmi.SessionIPMI15.String(), ipmi.SessionIPMI20.String())
	switch len(s.Peer) {
	case peerLANSize:
		var p ipmi.SessionPeerLAN
		if err := p.UnmarshalBinary(s.Peer); err != nil {
			return v, err
		}
		v.ConsoleIP, v.ConsoleMAC = netip.AddrFrom4(p.IP).String(), net.HardwareAddr(p.MAC[:]).String()
		v.ConsolePort = &p.Port
	case peerSerialSize, peerPPPSize:
		var p ipmi.SessionPeerSerial
		if err := p.UnmarshalBinary(s.Peer); err != nil {
			return v, err
		}
		activities := [...]string{"IPMI Messaging session active", "Callback Messaging session active",
			"Dial-out Alert active", "TAP Page Active"}
		v.Activity = fmt.Sprintf("Unknown (0x%02X)", p.Activity)
		if int(p.Activity) < len(activities) {
			v.Activity = activities[p.Activity]
		}
		v.Destination, v.ConsoleIP, v.ConsolePort = &p.Destination, netip.AddrFrom4(p.IP).String(), p.Port
	}
	return v, nil
}

func (v sessionInfo) text(w io.Writer) {
	line := func(key string, value any) { fmt.Fprintf(w, "%-30s: %v\n", key, value) }
	line("session handle", v.Handle)
	line("slot count", v.Slots)
	line("active sessions", v.Active)
	if v.Channel != nil {
		line("user id", v.User)
		line("privilege level", v.Privilege)
		line("session type", v.Type)
		line("channel number", fmt.Sprintf("0x%02x", *v.Channel))
	}
	if v.Destination != nil {
		line("Session/Channel Activity Type", v.Activity)
		line("Destination selector", *v.Destination)
	}
	if v.ConsoleIP != "" {
		line("console ip", v.ConsoleIP)
	}
	if v.ConsoleMAC != "" {
		line("console mac", v.ConsoleMAC)
	}
	if v.ConsolePort != nil {
		line("console port", *v.ConsolePort)
	}
	fmt.Fprintln(w)
}

func (v sessionInfo) csv(w io.Writer) {
	fmt.Fprintf(w, "%d,%d,%d", v.Handle, v.Slots, v.Active)
	if v.Channel != nil {
		fmt.Fprintf(w, ",%d,%s,%s,0x%02x", v.User, v.Privilege, v.Type, *v.Channel)
	}
	if v.Destination != nil {
		fmt.Fprintf(w, ",%s,%d", v.Activity, *v.Destination)
	}
	if v.ConsoleIP != "" {
		fmt.Fprintf(w, ",%s", v.ConsoleIP)
	}
	if v.ConsoleMAC != "" {
		fmt.Fprintf(w, ",%s", v.ConsoleMAC)
	}
	if v.ConsolePort != nil {
		fmt.Fprintf(w, ",%d", *v.ConsolePort)
	}
	fmt.Fprintln(w)
}
