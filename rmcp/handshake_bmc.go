package rmcp

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"io"

	"lom/ipmi"
)

// BMCConfig is what a BMC brings into a handshake.
type BMCConfig struct {
	GUID   [16]byte    // of the managed system, in the order of the wire
	Kg     ipmi.Secret // empty for one-key log-in
	Random io.Reader

	// Suites are the cipher suites that the channel allows, the best first. The client's proposals decide;
	// the order matters only when it leaves the choice to the BMC.
	Suites []AllowedSuite

	// Lookup finds the user of a session at RAKP Message 1. A Status other than StatusOK refuses:
	// StatusUnauthorizedName, StatusUnauthorizedRole, StatusNoResources …
	Lookup func(name string, role Role, suite CipherSuite) (BMCUser, Status)
}

// An AllowedSuite is a cipher suite and the most that may be done with it.
type AllowedSuite struct {
	CipherSuite
	Privilege ipmi.Privilege
}

// A BMCUser is a user, as a handshake needs to know it.
type BMCUser struct {
	ID       uint8
	Password ipmi.Secret    // 20 bytes at the most
	Limit    ipmi.Privilege // the most that user and channel allow
}

// A BMCHandshake opens an RMCP+ session from the BMC's side (§13.15):
//
//	awaitRAKP1 → awaitRAKP3 → done
//
// A repeated message gets the same answer again, also after the end, so the listener does well to
// keep a handshake for a few seconds after it made its session.
type BMCHandshake struct {
	config  BMCConfig
	await   ipmi.PayloadType // the message that is waited for, 0 at the end
	x       exchange
	suite   AllowedSuite
	user    BMCUser
	session *Session20

	lastType           ipmi.PayloadType
	lastPayload, reply []byte // the last message, and the packet that answered it
}

// AcceptHandshake answers an Open Session Request. localID is the session ID that the BMC chose for packets
// to itself, not 0. A reply that is not nil is to be sent to the client, also when there is an error; then there is no handshake.
func AcceptHandshake(c BMCConfig, localID uint32, p *Packet, dst []byte) (h *BMCHandshake, reply []byte, err error) {
	if !p.V20() || p.ACK || p.SessionID != 0 || p.PayloadType != ipmi.PayloadOpenSession || p.Encrypted || p.Authenticated {
		return nil, nil, ErrStray
	}
	var q OpenSessionRequest
	if err := q.UnmarshalBinary(p.Payload); err != nil {
		return nil, nil, err
	}
	if q.Privilege > ipmi.PrivilegeOEM {
		return RefuseHandshake(p, StatusInvalidRole, dst)
	}
	if q.ConsoleID == 0 {
		return RefuseHandshake(p, StatusInvalidSessionID, dst)
	}
	suite, status := c.choose(&q)
	if status != StatusOK {
		return RefuseHandshake(p, status, dst)
	}
	h = &BMCHandshake{config: c, await: ipmi.PayloadRAKP1, suite: suite}
	h.x = exchange{auth: suite.Auth, consoleID: q.ConsoleID, systemID: localID, kg: c.Kg}
	payload, err := OpenSessionResponse{
		Tag: q.Tag, Privilege: suite.Privilege, ConsoleID: q.ConsoleID, SystemID: localID,
		Auth: suite.Auth, Integrity: suite.Integrity, Conf: suite.Conf,
	}.AppendBinary(nil)
	if err != nil {
		return nil, nil, err
	}
	reply, err = h.answer(p, payload, dst)
	return h, reply, err
}

// RefuseHandshake answers an Open Session Request with a status, such as StatusNoResources when there is
// no free session. The error is the StatusError.
func RefuseHandshake(p *Packet, status Status, dst []byte) (*BMCHandshake, []byte, error) {
	var q OpenSessionRequest
	if err := q.UnmarshalBinary(p.Payload); err != nil {
		return nil, nil, err
	}
	payload, err := OpenSessionResponse{Tag: q.Tag, Status: status, ConsoleID: q.ConsoleID}.AppendBinary(nil)
	if err != nil {
		return nil, nil, err
	}
	reply, err := AppendPresession20(dst, ipmi.PayloadOpenSessionResp, payload)
	if err != nil {
		return nil, nil, err
	}
	return nil, reply, &StatusError{Message: ipmi.PayloadOpenSessionResp, Status: status}
}

// choose finds the suite for a request. If the level is left to the BMC, it is the one that allows most.
func (c *BMCConfig) choose(q *OpenSessionRequest) (AllowedSuite, Status) {
	var best AllowedSuite
	found := false
	for _, s := range c.Suites {
		if !s.Supported() || !q.Proposes(s.CipherSuite) || s.Privilege < q.Privilege {
			continue
		}
		if !found || s.Privilege > best.Privilege && q.Privilege == ipmi.PrivilegeHighest {
			best, found = s, true
		}
	}
	if !found {
		return best, StatusNoCipherSuiteMatch
	}
	return best, StatusOK
}

// Session returns the session, or nil as long as there is none.
func (h *BMCHandshake) Session() *Session20 { return h.session }

// User returns the user whom Lookup found.
func (h *BMCHandshake) User() BMCUser { return h.user }

// UserName returns the name in RAKP Message 1.
func (h *BMCHandshake) UserName() string { return h.x.user }

// Receive takes RAKP Message 1 or 3, or the repetition of a message. A reply that is not nil is to be sent, also when
// there is an error. An ErrIgnored leaves the handshake as it was; any other error says why a
// step failed. After a failed RAKP Message 1 the client may send another; after a failed RAKP Message 3, [BMCHandshake.Over]
// tells the listener to forget the handshake.
func (h *BMCHandshake) Receive(p *Packet, dst []byte) (reply []byte, err error) {
	if !p.V20() || p.ACK || p.SessionID != 0 || p.Encrypted || p.Authenticated {
		return nil, ErrStray
	}
	if p.PayloadType == h.lastType && bytes.Equal(p.Payload, h.lastPayload) {
		return append(dst, h.reply...), nil
	}
	switch {
	case p.PayloadType == ipmi.PayloadRAKP1 && h.await != 0:
		return h.receiveRAKP1(p, dst)
	case p.PayloadType == ipmi.PayloadRAKP3 && h.await == ipmi.PayloadRAKP3:
		return h.receiveRAKP3(p, dst)
	}
	return nil, ErrStray
}

// Over reports whether the handshake has failed for good.
func (h *BMCHandshake) Over() bool { return h.await == 0 && h.session == nil }

// answer appends the packet that answers p, and keeps it for repetitions.
func (h *BMCHandshake) answer(p *Packet, payload, dst []byte) ([]byte, error) {
	packet, err := AppendPresession20(nil, p.PayloadType+1, payload)
	if err != nil {
		return nil, err
	}
	h.lastType, h.lastPayload, h.reply = p.PayloadType, bytes.Clone(p.Payload), packet
	return append(dst, packet...), nil
}

func (h *BMCHandshake) receiveRAKP1(p *Packet, dst []byte) ([]byte, error) {
	var m RAKP1
	parseErr := m.UnmarshalBinary(p.Payload)
	if len(p.Payload) < 28 {
		return nil, parseErr
	}
	if m.SystemID != h.x.systemID {
		return nil, ErrSessionID
	}
	status := StatusOK
	var user BMCUser
	switch {
	case parseErr != nil:
		status = StatusInvalidNameLength
	case m.Role.Privilege() == ipmi.PrivilegeHighest || m.Role.Privilege() > ipmi.PrivilegeOEM:
		status = StatusInvalidRole
	default:
		user, status = h.config.Lookup(m.User, m.Role, h.suite.CipherSuite)
	}
	reply := RAKP2{Tag: m.Tag, Status: status, ConsoleID: h.x.consoleID}
	if status != StatusOK {
		h.await = ipmi.PayloadRAKP1
		return h.refuse(p, reply, status, dst)
	}
	h.user = user
	h.x.role, h.x.user, h.x.password = m.Role, m.User, user.Password
	h.x.consoleRandom, h.x.guid = m.Random, h.config.GUID
	if _, err := io.ReadFull(h.config.Random, h.x.systemRandom[:]); err != nil {
		return nil, fmt.Errorf("random number: %w", err)
	}
	h.await = ipmi.PayloadRAKP3
	reply.Random, reply.GUID, reply.AuthCode = h.x.systemRandom, h.x.guid, h.x.code2()
	payload, err := reply.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	return h.answer(p, payload, dst)
}

// refuse answers with a status.
func (h *BMCHandshake) refuse(p *Packet, m interface {
	AppendBinary([]byte) ([]byte, error)
}, status Status, dst []byte) ([]byte, error) {
	payload, err := m.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	reply, err := h.answer(p, payload, dst)
	if err != nil {
		return nil, err
	}
	return reply, &StatusError{Message: p.PayloadType + 1, Status: status}
}

func (h *BMCHandshake) receiveRAKP3(p *Packet, dst []byte) ([]byte, error) {
	var m RAKP3
	if err := m.UnmarshalBinary(p.Payload); err != nil {
		return nil, err
	}
	if m.SystemID != h.x.systemID {
		return nil, ErrSessionID
	}
	if m.Status != StatusOK {
		h.await = 0
		return nil, &StatusError{Message: ipmi.PayloadRAKP3, Status: m.Status}
	}
	reply := RAKP4{Tag: m.Tag, ConsoleID: h.x.consoleID}
	if subtle.ConstantTimeCompare(h.x.code3(), m.AuthCode) != 1 {
		h.await = 0
		reply.Status = StatusInvalidCheckValue
		return h.refuse(p, reply, StatusInvalidCheckValue, dst)
	}
	sik := h.x.sik()
	session, err := newSession20(session20Config{
		localID: h.x.systemID, remoteID: h.x.consoleID, suite: h.suite.CipherSuite,
		privilege: min(h.x.role.Privilege(), h.user.Limit, h.suite.Privilege),
		sik:       sik, password: h.x.password, random: h.config.Random, bmc: true,
	})
	if err != nil {
		return nil, err
	}
	reply.CheckValue = h.x.check4(sik)
	payload, err := reply.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	h.session, h.await = session, 0
	return h.answer(p, payload, dst)
}
