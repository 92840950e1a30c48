package rmcp

import (
	"crypto/subtle"
	"fmt"
	"io"
	"slices"

	"lom/ipmi"
)

// ClientConfig says what session a client asks for.
type ClientConfig struct {
	LocalID    uint32      // session ID of packets to the client, not 0
	User       string      // at most 16 bytes
	Password   ipmi.Secret // at most 20 bytes
	Kg         ipmi.Secret // at most 20 bytes; empty for one-key log-in
	Privilege  ipmi.Privilege
	RoleLookup bool // the user is looked up by name and privilege
	Suite      CipherSuite
	Tag        uint8 // of the first message; each following one has the next
	Random     io.Reader
}

// A ClientHandshake opens an RMCP+ session from the client's side (§13.15):
//
//	awaitOpen → awaitRAKP2 → awaitRAKP4 → done
//
// Each answer that Receive takes leads to the next state. The package comment shows its use.
type ClientHandshake struct {
	config  ClientConfig
	await   ipmi.PayloadType // the answer that is waited for, 0 at the end
	tag     uint8
	x       keyMaterial
	sik     []byte
	limit   ipmi.Privilege // what Open Session Response allows
	refused bool           // RAKP Message 2 is refused
	session *Session20
}

// NewClientHandshake returns a handshake that begins with Open Session Request.
func NewClientHandshake(c ClientConfig) (*ClientHandshake, error) {
	for _, l := range []struct {
		field string
		n     int
		max   uint64
	}{
		{"length of the user name", len(c.User), maxUserName},
		{"length of the password", c.Password.Len(), passwordLen},
		{"length of the BMC key", c.Kg.Len(), passwordLen},
	} {
		if uint64(l.n) > l.max {
			return nil, &ipmi.RangeError{Field: l.field, Value: l.n, Max: l.max}
		}
	}
	if !c.Suite.Supported() {
		return nil, &ipmi.Error{Op: "cipher suite " + c.Suite.String(), Err: ipmi.ErrCipherSuite}
	}
	h := &ClientHandshake{config: c, await: ipmi.PayloadOpenSessionResp, tag: c.Tag}
	h.x = keyMaterial{
		auth: c.Suite.Auth, consoleID: c.LocalID, role: NewRole(c.Privilege, !c.RoleLookup),
		user: c.User, password: c.Password, kg: c.Kg,
	}
	if _, err := io.ReadFull(c.Random, h.x.consoleRandom[:]); err != nil {
		return nil, err
	}
	return h, nil
}

// Awaits returns the type and the tag of the answer that is waited for. The type is 0 when the
// handshake is over.
func (h *ClientHandshake) Awaits() (t ipmi.PayloadType, tag uint8) { return h.await, h.tag }

// Session returns the session, or nil as long as there is none.
func (h *ClientHandshake) Session() *Session20 { return h.session }

// Append appends the packet to send now. Called again before an answer came, it appends the same
// packet; the BMC recognizes the retransmission by its tag.
func (h *ClientHandshake) Append(dst []byte) ([]byte, error) {
	var payload []byte
	var err error
	switch h.await {
	case ipmi.PayloadOpenSessionResp:
		s := h.config.Suite
		payload, err = OpenSessionRequest{
			Tag: h.tag, Privilege: h.config.Privilege, ConsoleID: h.config.LocalID,
			Auth: []AuthAlgorithm{s.Auth}, Integrity: []IntegrityAlgorithm{s.Integrity},
			Conf: []ConfAlgorithm{s.Conf},
		}.AppendBinary(nil)
	case ipmi.PayloadRAKP2:
		payload, err = RAKP1{
			Tag: h.tag, SystemID: h.x.systemID, Random: h.x.consoleRandom, Role: h.x.role,
			User: h.x.user,
		}.AppendBinary(nil)
	case ipmi.PayloadRAKP4:
		payload, err = RAKP3{Tag: h.tag, SystemID: h.x.systemID,
			AuthCode: h.x.code3()}.AppendBinary(nil)
	default:
		return dst, ErrStray
	}
	if err != nil {
		return dst, err
	}
	return AppendPresession20(dst, h.await-1, payload)
}

// AppendAbort ends the handshake, and appends the packet that reports to the BMC that its RAKP
// Message 2 was refused (§13.22), so that it need not keep the handshake until a timeout. It
// appends nothing if there is nothing to report.
func (h *ClientHandshake) AppendAbort(dst []byte) []byte {
	h.await = 0
	if !h.refused {
		return dst
	}
	payload, err := RAKP3{Tag: h.tag + 1, Status: StatusInvalidCheckValue,
		SystemID: h.x.systemID}.AppendBinary(nil)
	if err != nil {
		return dst
	}
	out, err := AppendPresession20(dst, ipmi.PayloadRAKP3, payload)
	if err != nil {
		return dst
	}
	return out
}

// Receive takes a packet. With a nil error the handshake has gone a step forward: either there is a
// Session, or the next packet is to be sent. An ErrIgnored leaves the handshake as it was. So does
// an [ErrUnproven], which is an ipmi.ErrPassword if the code of RAKP Message 2 is not that of the
// password, an ipmi.ErrKey if that of RAKP Message 4 is not that of the Kg, and an
// ipmi.ErrMalformed if either is too short: the packet may have been damaged or forged on its way,
// so the message should be retransmitted. Any other error ends the handshake: a [StatusError], and
// an ipmi.ErrCipherSuite if the BMC chose algorithms that were not proposed.
func (h *ClientHandshake) Receive(p *Packet) error {
	if h.await == 0 || !p.V20() || p.ACK || p.SessionID != 0 || p.PayloadType != h.await ||
		p.Encrypted || p.Authenticated {
		return ErrStray
	}
	var err error
	switch h.await {
	case ipmi.PayloadOpenSessionResp:
		err = h.receiveOpen(p.Payload)
	case ipmi.PayloadRAKP2:
		err = h.receiveRAKP2(p.Payload)
	case ipmi.PayloadRAKP4:
		err = h.receiveRAKP4(p.Payload)
	}
	return err
}

// expects checks that a message is the answer to ours. A refusal may come without our session ID
// (§13.21).
func (h *ClientHandshake) expects(tag uint8, status Status, consoleID uint32) error {
	if tag != h.tag {
		return ErrStray
	}
	if consoleID != h.config.LocalID && (status == StatusOK || consoleID != 0) {
		return ErrSessionID
	}
	if status != StatusOK {
		e := &StatusError{Message: h.await, Status: status}
		h.await = 0
		return e
	}
	return nil
}

// step goes on to wait for the given answer.
func (h *ClientHandshake) step(await ipmi.PayloadType) error {
	h.await = await
	h.tag++
	return nil
}

// fail ends the handshake.
func (h *ClientHandshake) fail(err error) error {
	h.await = 0
	return err
}

func (h *ClientHandshake) receiveOpen(payload []byte) error {
	var r OpenSessionResponse
	if err := r.UnmarshalBinary(payload); err != nil {
		return err
	}
	if err := h.expects(r.Tag, r.Status, r.ConsoleID); err != nil {
		return err
	}
	if r.SystemID == 0 {
		return malformed("Open Session Response without a session ID")
	}
	if got := (CipherSuite{Auth: r.Auth, Integrity: r.Integrity,
		Conf: r.Conf}); !got.Same(h.config.Suite) {
		return h.fail(fmt.Errorf("%w: the BMC chose %v, %v, %v instead",
			ipmi.ErrCipherSuite, r.Auth, r.Integrity, r.Conf))
	}
	h.x.systemID = r.SystemID
	// Some BMCs leave the level at 0, which means nothing here.
	h.limit = h.config.Privilege
	if r.Privilege != ipmi.PrivilegeHighest &&
		(r.Privilege < h.limit || h.limit == ipmi.PrivilegeHighest) {
		h.limit = r.Privilege
	}
	return h.step(ipmi.PayloadRAKP2)
}

func (h *ClientHandshake) receiveRAKP2(payload []byte) error {
	var m RAKP2
	if err := m.UnmarshalBinary(payload); err != nil {
		return err
	}
	if err := h.expects(m.Tag, m.Status, m.ConsoleID); err != nil {
		return err
	}
	h.x.systemRandom, h.x.guid = m.Random, m.GUID
	if err := proves(m.AuthCode, h.x.code2(), ipmi.ErrPassword); err != nil {
		h.refused = true
		return err
	}
	h.refused = false
	h.sik = h.x.sik()
	return h.step(ipmi.PayloadRAKP4)
}

func (h *ClientHandshake) receiveRAKP4(payload []byte) error {
	var m RAKP4
	if err := m.UnmarshalBinary(payload); err != nil {
		return err
	}
	if err := h.expects(m.Tag, m.Status, m.ConsoleID); err != nil {
		return err
	}
	// Some BMCs send a check value for RAKP-none, too, where it means nothing.
	if h.x.auth != RAKPNone {
		if err := proves(m.CheckValue, h.x.check4(h.sik), ipmi.ErrKey); err != nil {
			return err
		}
	}
	s, err := newSession20(session20Config{
		localID: h.x.consoleID, remoteID: h.x.systemID, suite: h.config.Suite, privilege: h.limit,
		sik: h.sik, password: h.x.password, random: h.config.Random,
	})
	if err != nil {
		return h.fail(err)
	}
	h.session, h.await = s, 0
	return nil
}

// proves checks a code of the BMC, and returns an ErrUnproven of a kind otherwise. Bytes after the
// whole correct code are ignored: some BMCs send the unused rest of a buffer (FreeIPMI's workaround
// supermicro20).
func proves(got, want []byte, kind error) error {
	if len(got) < len(want) {
		return fmt.Errorf("%w: %w: code of %d bytes, not %d", ErrUnproven, ipmi.ErrMalformed,
			len(got), len(want))
	}
	if subtle.ConstantTimeCompare(got[:len(want)], want) != 1 {
		return fmt.Errorf("%w: %w", ErrUnproven, kind)
	}
	return nil
}

// GUID returns the GUID of RAKP Message 2, in the order of the wire. It is right once there is a
// session.
func (h *ClientHandshake) GUID() [16]byte { return h.x.guid }

// HandshakeID returns the session ID by which the receiver of a handshake message finds its
// handshake: that of the BMC in RAKP Messages 1 and 3, that of the console in the answers. It is 0
// in refusals without one.
func HandshakeID(p *Packet) (uint32, bool) {
	if !p.V20() || p.SessionID != 0 || len(p.Payload) < 8 ||
		!slices.Contains([]ipmi.PayloadType{
			ipmi.PayloadOpenSessionResp, ipmi.PayloadRAKP1, ipmi.PayloadRAKP2, ipmi.PayloadRAKP3,
			ipmi.PayloadRAKP4,
		}, p.PayloadType) {
		return 0, false
	}
	b := p.Payload[4:8]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24, true
}
