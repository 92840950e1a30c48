package bmc

import (
	"crypto/subtle"
	"encoding/binary"

	"lom/ipmi"
	"lom/rmcp"
)

// A challenge is a Get Session Challenge that was answered (§22.16). Its temporary session ID
// is that of the session if there comes to be one.
type challenge struct {
	id       uint32
	authType ipmi.AuthType
	user     uint8
	value    [16]byte
	made     *session // by the first Activate Session
	first    uint32   // the console's first sequence number; 0 before that
}

func getSessionChallenge(ctx *Context, req ipmi.GetSessionChallenge) (ipmi.SessionChallenge, error) {
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
	c := &challenge{id: b.sessions.newID(b), authType: req.AuthType, user: user}
	if c.id == 0 || b.random(c.value[:]) != nil {
		return zero, ipmi.CodeUnspecified
	}
	b.sessions.begin(b, c.id, &halfOpen{v15: c})
	return ipmi.SessionChallenge{SessionID: c.id, Challenge: c.value}, nil
}

// Completion codes of Get Session Challenge and Activate Session (Tables 22-21 and 22-22).
const (
	codeInvalidUserName   ipmi.CompletionCode = 0x81
	codeNullUserDisabled  ipmi.CompletionCode = 0x82
	codeNoSlot            ipmi.CompletionCode = 0x81
	codeNoSlotForUser     ipmi.CompletionCode = 0x82
	codeSequenceRange     ipmi.CompletionCode = 0x84
	codeActivateSessionID ipmi.CompletionCode = 0x85
	codePrivilegeTooHigh  ipmi.CompletionCode = 0x86
)

// activateStray answers an Activate Session that bears no temporary session ID.
func activateStray(*Context, ipmi.ActivateSession) (ipmi.ActivatedSession, error) {
	return ipmi.ActivatedSession{}, codeActivateSessionID
}

// activate deals with a packet that bears a temporary session ID and no sequence number: Activate
// Session, and nothing else, until the session is used (§22.17).
func (r *exchange) activate(c *challenge) {
	b := r.b
	m, ok := r.request(r.p.Payload)
	if !ok {
		return
	}
	if r.busy {
		r.counters().Unexpected++
		return
	}
	if m.NetFn != ipmi.NetFnApp || m.Cmd != (ipmi.ActivateSession{}).Command().Code || c.made != nil && (c.made.used || b.sessions.active[c.id] != c.made) {
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
	if err := auth.Verify(r.p); err != nil {
		// A wrong password and a spoiled packet look the same, and neither is answered.
		r.counters().LoginsRefused++
		if c.authType == r.p.AuthType {
			b.login.passwordWrong(b, c.user)
		}
		return
	}
	s, first, cc := r.activateSession(c, m.Data, password)
	var data []byte
	if cc == ipmi.CodeOK {
		data, _ = ipmi.ActivatedSession{AuthType: c.authType, SessionID: c.id, InboundSequence: first, Privilege: s.limit}.AppendBinary(nil)
	}
	answer := m.Reply(cc, data)
	payload := rmcp.AppendMessage(nil, &answer)
	if s != nil {
		b.respond(s, false, payload)
		return
	}
	// A refusal is authenticated as the session would be, under the number that the console asked for.
	r.counters().LoginsRefused++
	if packet, err := rmcp.AppendActivate15(nil, auth, c.id, payload); err == nil {
		r.b.transmit(r.link, r.from, packet)
	}
}

// activateSession makes the session of a challenge, or makes it anew if the answer to the first Activate Session was lost.
func (r *exchange) activateSession(c *challenge, data []byte, password ipmi.Secret) (s *session, first uint32, cc ipmi.CompletionCode) {
	b := r.b
	var req ipmi.ActivateSession
	if err := req.UnmarshalBinary(data); err != nil {
		return nil, 0, ipmi.CodeDataLengthInvalid
	}
	forAny, forUser := b.sessions.hasRoom(b, c.user)
	switch {
	case req.AuthType != c.authType || req.Privilege < ipmi.PrivilegeCallback || req.Privilege > ipmi.PrivilegeOEM:
		return nil, 0, ipmi.CodeInvalidDataField
	case subtle.ConstantTimeCompare(req.Challenge[:], c.value[:]) != 1:
		return nil, 0, ipmi.CodeInvalidDataField
	case req.OutboundSequence == 0:
		return nil, 0, codeSequenceRange
	case req.Privilege > b.limit(c.user):
		return nil, 0, codePrivilegeTooHigh
	case !b.login.kept.AuthTypes[req.Privilege].Has(c.authType):
		return nil, 0, ipmi.CodeInvalidDataField
	case c.made == nil && !forAny:
		return nil, 0, codeNoSlot
	case c.made == nil && !forUser:
		return nil, 0, codeNoSlotForUser
	}
	// The network may have doubled the request: whichever answer the console takes, it is true.
	if c.first == 0 {
		var random [4]byte
		if b.random(random[:]) != nil {
			return nil, 0, ipmi.CodeUnspecified
		}
		c.first = max(binary.LittleEndian.Uint32(random[:]), 1)
	}
	access := b.channels.access[settingActive]
	v15, err := rmcp.NewSession15(rmcp.Session15Config{
		ID: c.id, AuthType: c.authType, Password: password, SendSequence: req.OutboundSequence, RecvSequence: c.first,
		AcceptNone: access.PerMessageAuthOff || access.UserLevelAuthOff,
	})
	if err != nil {
		return nil, 0, ipmi.CodeUnspecified
	}
	b.login.passwordRight(c.user)
	if c.made == nil {
		c.made = &session{id: c.id, user: c.user, limit: req.Privilege, peer: r.from}
		b.sessions.open(b, c.made)
	}
	s = c.made
	s.proto, s.v15, s.limit, s.link, s.peer = v15, v15, req.Privilege, r.link, r.from
	s.privilege = min(s.limit, ipmi.PrivilegeUser)
	return s, c.first, ipmi.CodeOK
}
