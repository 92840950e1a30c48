package bmc

import (
	"bytes"
	"context"
	"errors"
	"net/netip"

	"lom/bmc/host"
	"lom/ipmi"
	"lom/rmcp"
)

// HandlePacket takes a datagram that came to the BMC's address, and answers it over link. It uses
// data, and changes it, only until it returns. What is not valid is dropped and counted.
func (b *BMC) HandlePacket(link Link, from netip.AddrPort, data []byte) {
	b.handlePacket(link, from, data, false)
}

// HandleBusy is HandlePacket while the BMC has no room for a request: it answers with the
// completion code C0h, Node Busy, and does nothing else. What has no completion code, such as the
// messages that open a session, is dropped.
func (b *BMC) HandleBusy(link Link, from netip.AddrPort, data []byte) {
	b.handlePacket(link, from, data, true)
}

func (b *BMC) handlePacket(link Link, from netip.AddrPort, data []byte, busy bool) {
	x := b.mux.exchange()
	x.b, x.link, x.from, x.busy = b, link, from, busy
	waits := false // who answers later releases x, and may have done so already
	b.do(func() {
		x.receive(data)
		waits = x.waits
	})
	if !waits {
		x.release()
	}
}

// listening reports whether the LAN channel takes IPMI messages now (§6.6).
func (b *BMC) listening() bool {
	switch b.channels.access[settingActive].Mode {
	case uint8(ipmi.AccessDisabled):
		return false
	case uint8(ipmi.AccessPreBoot):
		return b.host.State().Power == host.Off // not while that is unknown
	}
	return true
}

// ping answers an ASF presence ping (§13.2.3).
func (r *exchange) ping() {
	if ack := rmcp.AppendACK(nil, r.p.Header); len(ack) > 0 {
		r.b.transmit(r.link, r.from, ack)
	}
	q, err := rmcp.ParsePing(r.p.Payload)
	if err != nil || q.Tag == 0xff {
		r.counters().Unexpected++
		return
	}
	r.b.transmit(r.link, r.from, rmcp.AppendPong(nil,
		rmcp.Pong{Tag: q.Tag, Enterprise: rmcp.IANAASF, IPMI: true, ASFVersion: 1}))
}

// packet15 deals with a packet of IPMI 1.5.
func (r *exchange) packet15() {
	if r.p.SessionID == 0 {
		if r.p.AuthType != ipmi.AuthNone || r.p.Sequence != 0 {
			r.counters().Unverified++
			return
		}
		r.presession()
		return
	}
	if r.p.Sequence == 0 {
		if o, s := r.opening15(); o != nil {
			r.activate(o, s)
			return
		}
	}
	r.inSession()
}

// packet20 deals with a packet of IPMI 2.0.
func (r *exchange) packet20() {
	if r.p.SessionID != 0 {
		r.inSession()
		return
	}
	switch r.p.PayloadType {
	case ipmi.PayloadIPMI:
		if r.p.Encrypted || r.p.Authenticated {
			r.counters().Unverified++
			return
		}
		r.presession()
	case ipmi.PayloadOpenSession, ipmi.PayloadRAKP1, ipmi.PayloadRAKP3:
		r.handshake()
	default:
		r.counters().Unexpected++
	}
}

// request reads an IPMI request to the BMC, or a message to system management software. What is
// none is counted, and false returned.
func (r *exchange) request(payload []byte) (rmcp.Message, bool) {
	m, err := rmcp.ParseMessage(payload)
	switch {
	case err != nil:
		r.counters().Malformed++
	case m.NetFn.IsResponse() && m.ToLUN != smsLUN || m.To != ipmi.AddressBMC:
		r.counters().Unexpected++
	default:
		return m, true
	}
	return m, false
}

// presession carries out a request outside a session.
func (r *exchange) presession() {
	m, ok := r.request(r.p.Payload)
	switch {
	case !ok:
		return
	case m.ToLUN == smsLUN:
		r.counters().Unexpected++ // it is for sessions
		return
	}
	r.message = m
	r.ctx = Context{Context: context.Background(), Channel: channelLAN, LUN: m.ToLUN,
		from: r.from.Addr(), data: r.ctx.data}
	r.execute()
}

// inSession deals with a packet of an open session.
func (r *exchange) inSession() {
	b := r.b
	s := b.sessions.active[r.p.SessionID]
	if s == nil {
		r.counters().NoSession++
		return
	}
	payload, err := s.proto.Open(r.p)
	if err != nil {
		r.counters().Unverified++
		return
	}
	s.last, s.opening = b.clock.Now(), nil
	s.peer, s.link = r.from, r.link // the console may have moved: what it sent is verified
	if t := r.p.PayloadType; t != ipmi.PayloadIPMI {
		if f := b.sessions.payload[t]; f != nil && !r.busy {
			f(s, payload)
		} else {
			r.counters().Unexpected++
		}
		return
	}
	if m, ok := r.request(payload); ok {
		r.sessionRequest(s, m)
	}
}

// sessionRequest carries out a request in a session.
func (r *exchange) sessionRequest(s *session, m rmcp.Message) {
	b := r.b
	r.plain = s.v15 != nil && !r.p.Authenticated
	if old := s.repeated(&m, s.last); old != nil {
		r.counters().Repeated++
		if old.answer != nil { // otherwise the answer is on its way
			b.respond(s, r.plain, old.answer)
		}
		return
	}
	privilege := b.privilege(s)
	if r.plain && !b.channels.access[settingActive].PerMessageAuthOff {
		// only user level authentication is disabled (§6.12.4)
		privilege = min(privilege, ipmi.PrivilegeUser)
	}
	r.ctx = Context{Context: context.Background(), Channel: channelLAN, LUN: m.ToLUN,
		Privilege: privilege, User: s.user, SessionID: s.id,
		session: s, data: r.ctx.data}
	if m.ToLUN == smsLUN {
		if !r.busy {
			s.remember(&m, s.last) // so that a repetition is not put into the queue
			b.toSystem(&r.ctx, &m)
		}
		return
	}
	r.message = m
	if e, _ := b.mux.find(m.NetFn, m.Cmd, m.Data); (e == nil || e.command.Changes) && !r.busy {
		r.at = s.last
		r.message.Data = bytes.Clone(m.Data)
		s.remember(&r.message, r.at)
	}
	r.execute()
}

// respond sends an answer in the session, in IPMI 1.5 with an authentication code if its request
// had one.
func (b *BMC) respond(s *session, plain bool, message []byte) {
	if s.v15 != nil {
		s.v15.SetSendNone(plain)
	}
	b.send(s, ipmi.PayloadIPMI, message)
}

// handshake deals with the messages that open an IPMI 2.0 session (§13.15).
func (r *exchange) handshake() {
	b, t := r.b, &r.b.sessions
	if r.busy {
		r.counters().Unexpected++
		return
	}
	if r.p.PayloadType == ipmi.PayloadOpenSession {
		id := t.newID(b)
		var h *rmcp.BMCHandshake
		var reply []byte
		var err error
		if id == 0 {
			_, reply, err = rmcp.RefuseHandshake(r.p, rmcp.StatusNoResources, nil)
		} else {
			h, reply, err = rmcp.AcceptHandshake(b.handshakeConfig(), id, r.p, nil)
		}
		if h != nil {
			b.mux.halfOpens.begin(b, r.from.Addr(), halfOpen{id: id, v20: h.State()})
		}
		r.handshakeReply(reply, err)
		return
	}
	id, ok := rmcp.HandshakeID(r.p)
	if !ok {
		r.counters().Malformed++
		return
	}
	if s := t.active[id]; s != nil && s.opening != nil && s.v15 == nil {
		reply, err := s.opening.v20.Receive(r.p, nil) // the console may have missed RAKP Message 4
		r.handshakeReply(reply, err)
		return
	}
	entry, ok := b.mux.halfOpens.find(b, id)
	if !ok || entry.v15 {
		r.counters().NoSession++
		return
	}
	h := rmcp.ResumeHandshake(b.handshakeConfig(), entry.v20)
	reply, err := h.Receive(r.p, nil)
	user := h.User().ID
	switch s := h.Session(); {
	case s != nil:
		b.login.passwordRight(user)
		t.open(b, &session{id: id, proto: s, user: user, limit: s.Privilege(), link: r.link,
			peer: r.from, opening: &opening{v20: h}})
		b.mux.halfOpens.end(id)
	case h.Over() && len(reply) == 0:
		b.mux.halfOpens.end(id)
	default:
		if wrongPassword(err) {
			b.login.passwordWrong(b, user)
		}
		b.mux.halfOpens.update(id, h.State())
	}
	r.handshakeReply(reply, err)
}

// wrongPassword reports whether the handshake ended because RAKP Message 3 did not show knowledge
// of the password.
func wrongPassword(err error) bool {
	var refusal *rmcp.StatusError
	return errors.As(err, &refusal) && refusal.Message == ipmi.PayloadRAKP4 &&
		refusal.Status == rmcp.StatusInvalidCheckValue
}

func (r *exchange) handshakeReply(reply []byte, err error) {
	switch {
	case err == nil:
	case errors.Is(err, rmcp.ErrIgnored):
		r.counters().Unexpected++
	default:
		r.counters().LoginsRefused++
		r.b.logger.Debug("log-in refused", "bmc", r.b.name, "peer", r.from, "err", err)
	}
	if len(reply) > 0 {
		r.b.transmit(r.link, r.from, reply)
	}
}

// handshakeConfig returns what the BMC brings into a handshake.
func (b *BMC) handshakeConfig() rmcp.BMCConfig {
	return rmcp.BMCConfig{
		GUID:   b.controller.guid,
		Kg:     ipmi.NewSecret(string(b.channels.kg())),
		Random: b.rand,
		Suites: b.login.allowedSuites(),
		Lookup: b.lookup,
	}
}

// lookup finds the user who logs in by RAKP (§13.20). It is asked at RAKP Message 1 and again at 3:
// an account that was changed, or locked because of wrong passwords in other log-ins, counts for a
// log-in that is under way (§1.7.32).
func (b *BMC) lookup(name string, role rmcp.Role, _ rmcp.CipherSuite) (rmcp.BMCUser, rmcp.Status) {
	wanted := role.Privilege()
	var id uint8
	if role.NameOnly() {
		id = b.accounts.find(b, []byte(name), 0)
	} else if id = b.accounts.find(b, []byte(name), wanted); id == 0 &&
		b.accounts.find(b, []byte(name), 0) != 0 {
		return rmcp.BMCUser{}, rmcp.StatusUnauthorizedRole
	}
	if id == 0 {
		return rmcp.BMCUser{}, rmcp.StatusUnauthorizedName
	}
	limit := b.limit(id)
	if wanted > limit {
		return rmcp.BMCUser{}, rmcp.StatusUnauthorizedRole
	}
	switch b.sessions.room(b, id) {
	case ipmi.CodeOK:
	case codeNoSlot:
		return rmcp.BMCUser{}, rmcp.StatusNoResources
	default:
		return rmcp.BMCUser{}, rmcp.StatusNoResourcesForRole
	}
	return rmcp.BMCUser{ID: id, Password: ipmi.NewSecret(string(b.accounts.user[id].Password)),
		Limit: limit}, rmcp.StatusOK
}
