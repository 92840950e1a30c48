package bmc

import (
	"net/netip"

	"lom/ipmi"
	"lom/rmcp"
)

func handleSessions(m *Mux) {
	Handle(m, getChannelAuthCapabilities)
	Handle(m, getSessionChallenge)
	Handle(m, activateStray)
	Handle(m, setSessionPrivilege)
	Handle(m, closeSession)
	Handle(m, getSessionInfo)
	Handle(m, getChannelCipherSuites)
}

// isLAN reports whether a request's channel number means the LAN channel.
func (c *Context) isLAN(channel uint8) bool {
	return channel == channelLAN || channel == channelSame && c.Channel == channelLAN
}

func getChannelAuthCapabilities(ctx *Context,
	req ipmi.GetChannelAuthCapabilities) (ipmi.ChannelAuthCapabilities, error) {
	b := ctx.BMC
	if !ctx.isLAN(req.Channel) || req.Privilege < ipmi.PrivilegeCallback ||
		req.Privilege > ipmi.PrivilegeOEM {
		return ipmi.ChannelAuthCapabilities{}, ipmi.CodeInvalidDataField
	}
	access := b.channels.access[settingActive]
	r := ipmi.ChannelAuthCapabilities{
		Channel: channelLAN, Extended: req.Extended,
		AuthTypes:      b.login.kept.AuthTypes[req.Privilege],
		PerMessageAuth: !access.PerMessageAuthOff, UserLevelAuth: !access.UserLevelAuthOff,
	}
	for id := uint8(1); id <= maxUsers; id++ {
		u := &b.accounts.user[id]
		switch {
		case !b.accounts.mayLogIn(b, id):
		case len(u.Name) > 0:
			r.NonNullUsers = true
		case len(u.Password) > 0:
			r.NullUsers = true
		default:
			r.AnonymousLogin = true
		}
	}
	if req.Extended {
		r.KgSet = b.channels.kg() != nil
		r.SupportsIPMI15, r.SupportsIPMI20 = true, true
	}
	return r, nil
}

// Completion codes of Set Session Privilege Level and Close Session (Table 22-24).
const (
	codeLevelNotForUser    ipmi.CompletionCode = 0x80
	codeLevelOverLimit     ipmi.CompletionCode = 0x81
	codeCloseSessionID     ipmi.CompletionCode = 0x87
	codeCloseSessionHandle ipmi.CompletionCode = 0x88
)

func setSessionPrivilege(ctx *Context,
	req ipmi.SetSessionPrivilege) (ipmi.SessionPrivilege, error) {
	b, s := ctx.BMC, ctx.session
	switch {
	case s == nil:
		return ipmi.SessionPrivilege{}, ipmi.CodeNotInPresentState
	case req.Privilege == 0:
		return ipmi.SessionPrivilege{Privilege: b.privilege(s)}, nil
	case req.Privilege == ipmi.PrivilegeCallback || req.Privilege > ipmi.PrivilegeOEM:
		return ipmi.SessionPrivilege{}, ipmi.CodeInvalidDataField
	case req.Privilege > b.accounts.user[s.user].Access.Privilege:
		return ipmi.SessionPrivilege{}, codeLevelNotForUser
	case req.Privilege > b.limit(s.user) || req.Privilege > s.limit:
		return ipmi.SessionPrivilege{}, codeLevelOverLimit
	}
	s.privilege = req.Privilege
	return ipmi.SessionPrivilege{Privilege: s.privilege}, nil
}

func closeSession(ctx *Context, req ipmi.CloseSession) (ipmi.NoData, error) {
	t := &ctx.BMC.sessions
	var s *session
	missing := codeCloseSessionID
	switch {
	case req.SessionID != 0:
		s = t.active[req.SessionID]
	case req.Handle != nil:
		s, missing = t.byHandle(*req.Handle), codeCloseSessionHandle
	}
	switch {
	case s == nil:
		return ipmi.NoData{}, missing
	case s != ctx.session && s.user != ctx.User && ctx.Privilege < ipmi.PrivilegeAdministrator:
		return ipmi.NoData{}, ipmi.CodeInsufficientPrivilege
	}
	s.leaving = s == ctx.session
	ctx.AfterAnswer(func() { t.close(s) })
	return ipmi.NoData{}, nil
}

func getSessionInfo(ctx *Context, req ipmi.GetSessionInfo) (ipmi.SessionInfo, error) {
	t := &ctx.BMC.sessions
	var s *session
	list := t.list()
	switch {
	case req.Index == ipmi.SessionIndexPresent:
		s = ctx.session
	case req.Index == ipmi.SessionIndexHandle:
		s = t.byHandle(req.Handle)
	case req.Index == ipmi.SessionIndexID:
		s = t.active[req.ID]
	case int(req.Index) <= len(list):
		s = list[req.Index-1]
	}
	r := ipmi.SessionInfo{Slots: maxSessions, ActiveSessions: uint8(len(list))}
	if s == nil {
		if req.Index == ipmi.SessionIndexPresent || req.Index > maxSessions {
			return r, ipmi.CodeNotPresent
		}
		return r, nil
	}
	r.Handle = s.handle
	r.Session = &ipmi.ActiveSession{User: s.user, Privilege: ctx.BMC.privilege(s),
		Protocol: ipmi.SessionIPMI20, Channel: channelLAN, Peer: peerInfo(s.peer)}
	if s.v15 != nil {
		r.Session.Protocol = ipmi.SessionIPMI15
	}
	return r, nil
}

// peerInfo returns the console's address as Get Session Info shows it. The MAC address is not known
// above UDP.
func peerInfo(a netip.AddrPort) []byte {
	p := ipmi.SessionPeerLAN{Port: a.Port()}
	if ip := a.Addr().Unmap(); ip.Is4() {
		p.IP = ip.As4()
	}
	out, err := p.AppendBinary(nil)
	if err != nil {
		return nil
	}
	return out
}

// cipherSuitePiece is how many bytes of the list come at a time.
const cipherSuitePiece = 16

func getChannelCipherSuites(ctx *Context,
	req ipmi.GetChannelCipherSuites) (ipmi.ChannelCipherSuites, error) {
	b := ctx.BMC
	if !ctx.isLAN(req.Channel) || req.Payload != ipmi.PayloadIPMI &&
		req.Payload != ipmi.PayloadSOL {
		return ipmi.ChannelCipherSuites{}, ipmi.CodeInvalidDataField
	}
	var suites []rmcp.CipherSuite
	for i, s := range b.login.suites {
		if b.login.kept.SuitePrivilege[i] != 0 {
			suites = append(suites, s)
		}
	}
	list := rmcp.AppendCipherSuites(nil, suites)
	if !req.BySuite {
		list = algorithms(list)
	}
	from := min(int(req.Index)*cipherSuitePiece, len(list))
	to := min(from+cipherSuitePiece, len(list))
	return ipmi.ChannelCipherSuites{Channel: channelLAN, Records: list[from:to]}, nil
}

// algorithms returns each algorithm of a list of Cipher Suite Records once, by kind and number:
// their tags order them.
func algorithms(records []byte) []byte {
	var seen [256]bool
	for i := 0; i+5 <= len(records); i += 5 { // standard records with one algorithm of each kind
		for _, a := range records[i+2 : i+5] {
			seen[a] = true
		}
	}
	var list []byte
	for a, in := range seen {
		if in {
			list = append(list, uint8(a))
		}
	}
	return list
}
