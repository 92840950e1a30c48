package bmc

import (
	"crypto/subtle"
	"encoding/binary"

	"lom/ipmi"
	"lom/rmcp"
)

func getSessionChallenge(ctx *Context,
	req ipmi.GetSessionChallenge) (ipmi.SessionChallenge, error) {
	b := ctx.BMC
	var zero ipmi.SessionChallenge
	if req.AuthType > ipmi.AuthOEM || !b.authTypes().Has(req.AuthType) {
		return zero, ipmi.CodeInvalidDataField
	}
	user := b.accounts.find(b, []byte(req.UserName), 0)
	if user == 0 || b.accounts.user[user].Twenty {
		if req.UserName == "" {
			return zero, codeNullUserDisabled
		}
		return zero, codeInvalidUserName
	}
	h := halfOpen{id: b.sessions.newID(b), v15: true,
		challenge: challenge{authType: req.AuthType, user: user}}
	if h.id == 0 || b.random(h.challenge.value[:]) != nil {
		return zero, ipmi.CodeUnspecified
	}
	b.mux.halfOpens.begin(b, ctx.from, h)
	return ipmi.SessionChallenge{SessionID: h.id, Challenge: h.challenge.value}, nil
}

// Completion codes of Get Session Challenge and Activate Session (Tables 22-21 and 22-22).
const (
	codeInvalidUserName    ipmi.CompletionCode = 0x81
	codeNullUserDisabled   ipmi.CompletionCode = 0x82
	codeNoSlot             ipmi.CompletionCode = 0x81
	codeNoSlotForUser      ipmi.CompletionCode = 0x82
	codeNoSlotForPrivilege ipmi.CompletionCode = 0x83
	codeSequenceRange      ipmi.CompletionCode = 0x84
	codeActivateSessionID  ipmi.CompletionCode = 0x85
	codePrivilegeTooHigh   ipmi.CompletionCode = 0x86
)

// activateStray answers an Activate Session that bears no temporary session ID.
func activateStray(*Context, ipmi.ActivateSession) (ipmi.ActivatedSession, error) {
	return ipmi.ActivatedSession{}, codeActivateSessionID
}

// opening15 returns how the session is opened that a packet without a sequence number is about, and
// the session if there is one already. Such a packet is Activate Session, and nothing else, until
// the session is used (§22.17).
func (r *exchange) opening15() (*opening, *session) {
	id := r.p.SessionID
	if s := r.b.sessions.active[id]; s != nil {
		if s.v15 == nil {
			return nil, nil
		}
		return s.opening, s
	}
	if h, ok := r.b.mux.halfOpens.find(r.b, id); ok && h.v15 {
		return &opening{challenge: h.challenge}, nil
	}
	return nil, nil
}

// activate deals with a packet that bears a temporary session ID and no sequence number. The
// temporary ID is that of the session if there comes to be one. The session is made again if the
// answer to the first Activate Session was lost.
func (r *exchange) activate(o *opening, s *session) {
	b, c := r.b, &o.challenge
	m, ok := r.request(r.p.Payload)
	if !ok {
		return
	}
	if r.busy || m.NetFn != ipmi.NetFnApp || m.Cmd != (ipmi.ActivateSession{}).Command().Code {
		r.counters().Unexpected++
		return
	}
	// The user may have been changed since the challenge.
	if !b.accounts.mayLogIn(b, c.user) || b.accounts.user[c.user].Twenty {
		r.counters().LoginsRefused++
		return
	}
	password := ipmi.NewSecret(string(b.accounts.user[c.user].Password))
	auth, err := rmcp.NewAuth15(c.authType, password)
	if err != nil {
		r.counters().Unexpected++
		return
	}
	var req ipmi.ActivateSession
	cc := ipmi.CodeDataLengthInvalid
	if req.UnmarshalBinary(m.Data) == nil {
		cc = b.mayActivate(&req, c, s != nil)
	}
	if err := auth.Verify(r.p); err != nil {
		// A wrong password and a spoiled packet look the same, and neither is answered. Of no
		// account is the password of a request that would have been refused anyway (parameter 26 of
		// Table 23-4).
		r.counters().LoginsRefused++
		if c.authType == r.p.AuthType && cc == ipmi.CodeOK {
			b.login.passwordWrong(b, c.user)
		}
		return
	}
	if cc == ipmi.CodeOK {
		s, cc = r.activateSession(&req, o, s, password)
	}
	var data []byte
	if cc == ipmi.CodeOK {
		data, _ = ipmi.ActivatedSession{AuthType: c.authType, SessionID: s.id,
			InboundSequence: o.first, Privilege: s.limit}.AppendBinary(nil)
	}
	answer := m.Reply(cc, data)
	payload := rmcp.AppendMessage(nil, &answer)
	if cc == ipmi.CodeOK {
		b.respond(s, false, payload)
		return
	}
	// A refusal is authenticated as the session would be, under the number that the console asked
	// for.
	r.counters().LoginsRefused++
	if packet, err := rmcp.AppendActivate15(nil, auth, r.p.SessionID, payload); err == nil {
		r.b.transmit(r.link, r.from, packet)
	}
}

// mayActivate says whether Activate Session may answer a challenge, apart from its password. Again
// is whether there is a session already.
func (b *BMC) mayActivate(req *ipmi.ActivateSession, c *challenge, again bool) ipmi.CompletionCode {
	switch {
	case req.AuthType != c.authType || req.Privilege < ipmi.PrivilegeCallback ||
		req.Privilege > ipmi.PrivilegeOEM:
		return ipmi.CodeInvalidDataField
	case subtle.ConstantTimeCompare(req.Challenge[:], c.value[:]) != 1:
		return ipmi.CodeInvalidDataField
	case req.OutboundSequence == 0:
		return codeSequenceRange
	case req.Privilege > b.limit(c.user):
		return codePrivilegeTooHigh
	case !b.login.kept.AuthTypes[req.Privilege].Has(c.authType):
		return ipmi.CodeInvalidDataField
	case again:
		return ipmi.CodeOK
	}
	return b.sessions.room(b, c.user)
}

// activateSession makes the session of a challenge.
func (r *exchange) activateSession(req *ipmi.ActivateSession, o *opening, s *session,
	password ipmi.Secret) (*session, ipmi.CompletionCode) {
	b, c := r.b, &o.challenge
	// The network may have doubled the request: whichever answer the console takes, it is true.
	if o.first == 0 {
		var random [4]byte
		if b.random(random[:]) != nil {
			return nil, ipmi.CodeUnspecified
		}
		o.first = max(binary.LittleEndian.Uint32(random[:]), 1)
	}
	access := b.channels.access[settingActive]
	v15, err := rmcp.NewSession15(rmcp.Session15Config{
		ID: r.p.SessionID, AuthType: c.authType, Password: password,
		SendSequence: req.OutboundSequence, RecvSequence: o.first,
		AcceptNone: access.PerMessageAuthOff || access.UserLevelAuthOff,
	})
	if err != nil {
		return nil, ipmi.CodeUnspecified
	}
	b.login.passwordRight(c.user)
	if s == nil {
		s = &session{id: r.p.SessionID, user: c.user, limit: req.Privilege, peer: r.from,
			opening: o}
		b.sessions.open(b, s)
		b.mux.halfOpens.end(s.id)
	}
	s.proto, s.v15, s.limit, s.link, s.peer = v15, v15, req.Privilege, r.link, r.from
	s.privilege = min(s.limit, ipmi.PrivilegeUser)
	return s, ipmi.CodeOK
}
