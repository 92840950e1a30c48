package rmcp

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"io"

	"lom/ipmi"
)

// BMCConfig is what a BMC needs for a handshake.
type BMCConfig struct {
	GUID   [16]byte    // of the managed system, in the order of the wire
	Kg     ipmi.Secret // empty for one-key log-in
	Random io.Reader

	// Suites are the cipher suites that the channel allows, the best first. The client's proposals
	// decide; the order matters only when it leaves the choice to the BMC.
	Suites []AllowedSuite

	// Lookup finds the user of a session, at RAKP Message 1 and again at RAKP Message 3. A Status
	// other than StatusOK refuses: StatusUnauthorizedName, StatusUnauthorizedRole,
	// StatusNoResources …
	Lookup func(name string, role Role, suite CipherSuite) (BMCUser, Status)
}

// An AllowedSuite is a cipher suite and the highest privilege level of its sessions.
type AllowedSuite struct {
	CipherSuite
	Privilege ipmi.Privilege
}

// A BMCUser is what a handshake needs to know of a user.
type BMCUser struct {
	ID       uint8
	Password ipmi.Secret    // at most 20 bytes
	Limit    ipmi.Privilege // the highest level that user and channel allow
}

// A BMCHandshake opens an RMCP+ session from the BMC's side (§13.15):
//
//	awaitRAKP1 → awaitRAKP3 → done
//
// A retransmitted message gets the same answer, also after the end. So the listener should keep a
// handshake until the first packet of its session.
type BMCHandshake struct {
	config BMCConfig
	state  BMCHandshakeState
	user   BMCUser

	session *Session20
	// the RAKP Message 3 that made the session, and the packet that answered it
	proved, answer []byte
}

// A BMCHandshakeState is what a BMC has to remember of a handshake between two packets, without
// pointers: the garbage collector does not scan the memory of thousands of them.
// Everything else, such as the user's password, is looked up again for each packet.
type BMCHandshakeState struct {
	consoleID, systemID         uint32
	consoleRandom, systemRandom [16]byte
	suite                       CipherSuite
	await                       ipmi.PayloadType // the message that is waited for, 0 at the end
	failed                      Status           // that RAKP Message 3 was refused with
	role                        Role
	nameLength                  uint8
	name                        [maxUserName]byte
}

// ResumeHandshake returns the handshake that had the state.
func ResumeHandshake(c BMCConfig, s BMCHandshakeState) *BMCHandshake {
	return &BMCHandshake{config: c, state: s}
}

// State returns what has to be remembered until the next packet. Once there is a session it is of
// no use.
func (h *BMCHandshake) State() BMCHandshakeState { return h.state }

// AcceptHandshake answers an Open Session Request. localID is the session ID that the BMC chose for
// packets to itself, not 0. A reply that is not nil is to be sent to the client, also when there is
// an error; then there is no handshake.
func AcceptHandshake(c BMCConfig, localID uint32, p *Packet,
	dst []byte) (h *BMCHandshake, reply []byte, err error) {
	if !p.V20() || p.ACK || p.SessionID != 0 || p.PayloadType != ipmi.PayloadOpenSession ||
		p.Encrypted || p.Authenticated {
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
	h = ResumeHandshake(c, BMCHandshakeState{
		await: ipmi.PayloadRAKP1, suite: suite.CipherSuite, consoleID: q.ConsoleID,
		systemID: localID,
	})
	payload, err := OpenSessionResponse{
		Tag: q.Tag, Privilege: suite.Privilege, ConsoleID: q.ConsoleID, SystemID: localID,
		Auth: suite.Auth, Integrity: suite.Integrity, Conf: suite.Conf,
	}.AppendBinary(nil)
	if err != nil {
		return nil, nil, err
	}
	if reply, err = AppendPresession20(dst, ipmi.PayloadOpenSessionResp, payload); err != nil {
		return nil, nil, err
	}
	return h, reply, nil
}

// RefuseHandshake answers an Open Session Request with a status, such as StatusNoResources when
// there is no free session. The error is the StatusError.
func RefuseHandshake(p *Packet, status Status, dst []byte) (*BMCHandshake, []byte, error) {
	var q OpenSessionRequest
	if err := q.UnmarshalBinary(p.Payload); err != nil {
		return nil, nil, err
	}
	payload, err := OpenSessionResponse{Tag: q.Tag, Status: status,
		ConsoleID: q.ConsoleID}.AppendBinary(nil)
	if err != nil {
		return nil, nil, err
	}
	reply, err := AppendPresession20(dst, ipmi.PayloadOpenSessionResp, payload)
	if err != nil {
		return nil, nil, err
	}
	return nil, reply, &StatusError{Message: ipmi.PayloadOpenSessionResp, Status: status}
}

// choose finds the suite for a request. If the level is left to the BMC, it is the one that allows
// most.
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

// User returns the user whom Lookup found last.
func (h *BMCHandshake) User() BMCUser { return h.user }

// UserName returns the name in RAKP Message 1.
func (h *BMCHandshake) UserName() string { return string(h.state.name[:h.state.nameLength]) }

// Receive takes RAKP Message 1 or 3, or the repetition of a message. A reply that is not nil is to
// be sent, also when there is an error. An ErrIgnored leaves the handshake as it was; any other
// error says why a step failed. After a failed RAKP Message 1 the client may send another; after a
// failed RAKP Message 3, [BMCHandshake.Over] reports that no session comes of it.
//
// RAKP Message 3 has Lookup called again, because much may have changed since RAKP Message 1.
func (h *BMCHandshake) Receive(p *Packet, dst []byte) (reply []byte, err error) {
	if !p.V20() || p.ACK || p.SessionID != 0 || p.Encrypted || p.Authenticated {
		return nil, ErrStray
	}
	switch {
	case p.PayloadType == ipmi.PayloadRAKP1 && h.state.await != 0:
		return h.receiveRAKP1(p, dst)
	case p.PayloadType != ipmi.PayloadRAKP3:
	case h.session != nil && bytes.Equal(p.Payload, h.proved):
		return append(dst, h.answer...), nil
	case h.state.await == ipmi.PayloadRAKP3 || h.state.failed != StatusOK:
		return h.receiveRAKP3(p, dst)
	}
	return nil, ErrStray
}

// Over reports whether the handshake has failed for good.
func (h *BMCHandshake) Over() bool { return h.state.await == 0 && h.session == nil }

// allowed returns the suite of the handshake with the privilege that the channel allows it now.
func (h *BMCHandshake) allowed() (AllowedSuite, bool) {
	for _, s := range h.config.Suites {
		if s.CipherSuite == h.state.suite {
			return s, true
		}
	}
	return AllowedSuite{}, false
}

// keyMaterial returns what both ends know by now.
func (h *BMCHandshake) keyMaterial() keyMaterial {
	return keyMaterial{
		auth: h.state.suite.Auth, consoleID: h.state.consoleID, systemID: h.state.systemID,
		consoleRandom: h.state.consoleRandom, systemRandom: h.state.systemRandom,
		guid: h.config.GUID,
		role: h.state.role, user: h.UserName(), password: h.user.Password, kg: h.config.Kg,
	}
}

// take remembers what RAKP Message 1 says, and chooses a random number unless the message is a
// repetition.
func (h *BMCHandshake) take(m *RAKP1) error {
	s := &h.state
	if s.await == ipmi.PayloadRAKP3 && m.Random == s.consoleRandom && m.Role == s.role &&
		m.User == h.UserName() {
		return nil
	}
	if _, err := io.ReadFull(h.config.Random, s.systemRandom[:]); err != nil {
		return fmt.Errorf("random number: %w", err)
	}
	s.consoleRandom, s.role, s.nameLength = m.Random, m.Role, uint8(copy(s.name[:], m.User))
	s.await = ipmi.PayloadRAKP3
	return nil
}

func (h *BMCHandshake) receiveRAKP1(p *Packet, dst []byte) ([]byte, error) {
	var m RAKP1
	parseErr := m.UnmarshalBinary(p.Payload)
	if len(p.Payload) < 28 {
		return nil, parseErr
	}
	if m.SystemID != h.state.systemID {
		return nil, ErrSessionID
	}
	status := StatusOK
	suite, allowed := h.allowed()
	switch {
	case parseErr != nil:
		status = StatusInvalidNameLength
	case m.Role.Privilege() == ipmi.PrivilegeHighest || m.Role.Privilege() > ipmi.PrivilegeOEM:
		status = StatusInvalidRole
	case !allowed:
		status = StatusInactiveSessionID
	default:
		h.user, status = h.config.Lookup(m.User, m.Role, suite.CipherSuite)
	}
	reply := RAKP2{Tag: m.Tag, Status: status, ConsoleID: h.state.consoleID}
	if status != StatusOK {
		h.state.await = ipmi.PayloadRAKP1
		return refuse(p, reply, status, dst)
	}
	if err := h.take(&m); err != nil {
		return nil, err
	}
	x := h.keyMaterial()
	reply.Random, reply.GUID, reply.AuthCode = x.systemRandom, x.guid, x.code2()
	payload, err := reply.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	return AppendPresession20(dst, ipmi.PayloadRAKP2, payload)
}

// refuse answers with a status.
func refuse(p *Packet, m interface {
	AppendBinary([]byte) ([]byte, error)
}, status Status, dst []byte) ([]byte, error) {
	payload, err := m.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	reply, err := AppendPresession20(dst, p.PayloadType+1, payload)
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
	if m.SystemID != h.state.systemID {
		return nil, ErrSessionID
	}
	reply := RAKP4{Tag: m.Tag, Status: h.state.failed, ConsoleID: h.state.consoleID}
	if reply.Status != StatusOK { // it was refused before: another password is not tried
		again, err := refuse(p, reply, reply.Status, dst)
		if again == nil {
			return nil, err
		}
		return again, nil
	}
	h.state.await = 0
	if m.Status != StatusOK {
		return nil, &StatusError{Message: ipmi.PayloadRAKP3, Status: m.Status}
	}
	suite, allowed := h.allowed()
	if !allowed {
		reply.Status = StatusInactiveSessionID
	} else {
		h.user, reply.Status = h.config.Lookup(h.UserName(), h.state.role, suite.CipherSuite)
		reply.Status = rakp4Status(reply.Status)
	}
	x := h.keyMaterial()
	if reply.Status == StatusOK && subtle.ConstantTimeCompare(x.code3(), m.AuthCode) != 1 {
		reply.Status = StatusInvalidCheckValue
	}
	if reply.Status != StatusOK {
		h.state.failed = reply.Status
		return refuse(p, reply, reply.Status, dst)
	}
	sik := x.sik()
	session, err := newSession20(session20Config{
		localID: x.systemID, remoteID: x.consoleID, suite: suite.CipherSuite,
		privilege: min(x.role.Privilege(), h.user.Limit, suite.Privilege),
		sik:       sik, password: x.password, random: h.config.Random, bmc: true,
	})
	if err != nil {
		return nil, err
	}
	reply.CheckValue = x.check4(sik)
	payload, err := reply.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	packet, err := AppendPresession20(nil, ipmi.PayloadRAKP4, payload)
	if err != nil {
		return nil, err
	}
	h.session, h.proved, h.answer = session, bytes.Clone(p.Payload), packet
	return append(dst, packet...), nil
}

// rakp4Status returns the status of RAKP Message 4 for what Lookup says (Table 13-15).
func rakp4Status(s Status) Status {
	switch s {
	case StatusOK, StatusNoResources:
		return s
	case StatusNoResourcesForRole:
		return StatusNoResources
	}
	return StatusInactiveSessionID // RAKP Message 2 of the next attempt says more
}
