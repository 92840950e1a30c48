package rmcp

import (
	"crypto/md5"
	"crypto/subtle"
	"encoding/binary"
	"hash"

	"lom/ipmi"
)

// Session15Config says how an IPMI 1.5 session was activated.
//
// A client sends Get Session Challenge outside a session, then Activate Session with
// [AppendActivate15], and checks the answer with [Auth15.Verify]; the answer has what is missing
// here. A BMC does the same from the other side: it verifies Activate Session with the password of
// the user whom the challenge was made for, makes the session, and answers with its first packet,
// whose session ID is the temporary one if it chose another.
type Session15Config struct {
	ID           uint32        // of both directions
	AuthType     ipmi.AuthType // of the session
	Password     ipmi.Secret   // at most 16 bytes
	SendSequence uint32        // of the first packet that this end sends, not 0
	RecvSequence uint32        // of the first packet that this end gets, not 0

	// SendNone makes packets carry no authentication code, because per-message
	// authentication is disabled (§6.12.4).
	SendNone bool
	// AcceptNone accepts packets without an authentication code too: per-message or user-level
	// authentication is disabled. Where it is the latter, the BMC refuses commands above user level
	// in a Packet that is not Authenticated.
	AcceptNone bool
}

// A Session15 is an IPMI 1.5 session.
type Session15 struct {
	id         uint32
	auth       Auth15
	send       counter
	recv       sequenceWindow
	sendNone   bool
	acceptNone bool
}

var _ Session = (*Session15)(nil)

// NewSession15 returns the session that was activated as c says.
func NewSession15(c Session15Config) (*Session15, error) {
	auth, err := NewAuth15(c.AuthType, c.Password)
	if err != nil {
		return nil, err
	}
	if c.SendSequence == 0 || c.RecvSequence == 0 || c.ID == 0 {
		return nil, malformed("IPMI 1.5 session with ID %08xh and sequence numbers %d and %d", c.ID,
			c.SendSequence, c.RecvSequence)
	}
	none := c.AuthType == ipmi.AuthNone
	return &Session15{
		id: c.ID, auth: *auth, send: counter(c.SendSequence),
		recv:     newSequenceWindow15(c.RecvSequence),
		sendNone: c.SendNone || none, acceptNone: c.AcceptNone || none,
	}, nil
}

// LocalID returns the session ID.
func (s *Session15) LocalID() uint32 { return s.id }

// RemoteID returns the session ID.
func (s *Session15) RemoteID() uint32 { return s.id }

// SetSendNone changes whether packets carry an authentication code, as a BMC does that answers
// each request in the way it was sent. It has no effect on sessions of type AuthNone.
func (s *Session15) SetSendNone(none bool) { s.sendNone = none || s.auth.typ == ipmi.AuthNone }

// Append appends a packet. The payload type must be PayloadIPMI; there is no other in IPMI 1.5.
func (s *Session15) Append(dst []byte, t ipmi.PayloadType, payload []byte) ([]byte, error) {
	if t != ipmi.PayloadIPMI {
		return dst, &ipmi.RangeError{Field: "IPMI 1.5 payload type", Value: t, Max: 0}
	}
	if len(payload) > maxMessage15 {
		return dst, errTooLong15(len(payload))
	}
	n := s.send.next()
	if s.sendNone {
		return append15(dst, ipmi.AuthNone, n, s.id, payload)
	}
	return s.auth.append(dst, n, s.id, payload)
}

// Open checks a packet of the session.
func (s *Session15) Open(p *Packet) ([]byte, error) {
	switch {
	case p.Class != ClassIPMI || p.V20() || p.ACK:
		return nil, ErrStray
	case p.SessionID != s.id:
		return nil, ErrSessionID
	case p.Sequence == 0 || !s.recv.fits(p.Sequence):
		return nil, ErrSequence
	case p.AuthType == ipmi.AuthNone && !s.acceptNone:
		return nil, ErrFlags
	case p.AuthType != ipmi.AuthNone:
		if err := s.auth.Verify(p); err != nil {
			return nil, err
		}
	}
	s.recv.accept(p.Sequence)
	return p.Payload, nil
}

// Auth15 makes and checks the authentication codes of IPMI 1.5 (Table 22-23).
type Auth15 struct {
	typ ipmi.AuthType
	key [16]byte // the password, padded with 0
	md5 hash.Hash
	sum [16]byte
}

// NewAuth15 returns the authentication of the given type: none, MD2, MD5 or straight password. The
// password has at most 16 bytes.
func NewAuth15(t ipmi.AuthType, password ipmi.Secret) (*Auth15, error) {
	a := &Auth15{typ: t}
	switch t {
	case ipmi.AuthNone, ipmi.AuthMD2, ipmi.AuthPassword:
	case ipmi.AuthMD5:
		a.md5 = md5.New()
	default:
		return nil, &ipmi.Error{Op: "authentication type " + t.String(), Err: ipmi.ErrAuthType}
	}
	if password.Len() > len(a.key) {
		return nil, &ipmi.RangeError{Field: "length of the password", Value: password.Len(),
			Max: uint64(len(a.key))}
	}
	copy(a.key[:], password.Reveal())
	return a, nil
}

// Verify checks the authentication code of a packet, in constant time. Its type must be that of a.
func (a *Auth15) Verify(p *Packet) error {
	if p.AuthType != a.typ {
		return ErrFlags
	}
	if a.typ == ipmi.AuthNone {
		return nil
	}
	a.compute(p.SessionID, p.Sequence, p.Payload)
	if subtle.ConstantTimeCompare(a.sum[:], p.AuthCode) != 1 {
		return ErrAuthCode
	}
	return nil
}

// compute leaves the authentication code of a packet in a.sum.
func (a *Auth15) compute(id, sequence uint32, message []byte) {
	var idBytes, seqBytes [4]byte
	binary.LittleEndian.PutUint32(idBytes[:], id)
	binary.LittleEndian.PutUint32(seqBytes[:], sequence)
	switch a.typ {
	case ipmi.AuthPassword:
		a.sum = a.key
	case ipmi.AuthMD2:
		var d md2
		d.write(a.key[:])
		d.write(idBytes[:])
		d.write(message)
		d.write(seqBytes[:])
		d.write(a.key[:])
		a.sum = d.sum()
	case ipmi.AuthMD5:
		// The sum is the scratch space: slices of local arrays would be allocated.
		a.md5.Reset()
		a.md5.Write(a.key[:])
		copy(a.sum[:], idBytes[:])
		a.md5.Write(a.sum[:4])
		a.md5.Write(message)
		copy(a.sum[:], seqBytes[:])
		a.md5.Write(a.sum[:4])
		a.md5.Write(a.key[:])
		a.md5.Sum(a.sum[:0])
	}
}

// append appends an authenticated packet.
func (a *Auth15) append(dst []byte, sequence, id uint32, message []byte) ([]byte, error) {
	start := len(dst)
	dst, err := append15(dst, a.typ, sequence, id, message)
	if err == nil && a.typ != ipmi.AuthNone {
		a.compute(id, sequence, message)
		copy(dst[start+HeaderLen+9:], a.sum[:])
	}
	return dst, err
}

// AppendActivate15 appends the packet of an Activate Session request, which bears the temporary
// session ID, the sequence number 0, and the authentication code of a (Table 22-22).
func AppendActivate15(dst []byte, a *Auth15, temporaryID uint32, message []byte) ([]byte, error) {
	return a.append(dst, 0, temporaryID, message)
}

// maxMessage15 is the longest message whose length fits its byte.
const maxMessage15 = 255

func errTooLong15(n int) error {
	return &ipmi.RangeError{Field: "IPMI 1.5 message length", Value: n, Max: maxMessage15}
}

// append15 appends a packet of IPMI 1.5, its authentication code zero. The legacy pad byte of
// Table 13-8 keeps packets from lengths that old network chips drop.
func append15(dst []byte, t ipmi.AuthType, sequence, id uint32, message []byte) ([]byte, error) {
	if len(message) > maxMessage15 {
		return dst, errTooLong15(len(message))
	}
	start := len(dst)
	dst = AppendHeader(dst, Header{Sequence: NoACK, Class: ClassIPMI})
	dst = append(dst, uint8(t))
	dst = binary.LittleEndian.AppendUint32(dst, sequence)
	dst = binary.LittleEndian.AppendUint32(dst, id)
	if t != ipmi.AuthNone {
		dst = append(dst, make([]byte, 16)...)
	}
	dst = append(dst, uint8(len(message)))
	dst = append(dst, message...)
	switch len(dst) - start {
	case 56, 84, 112, 128, 156:
		dst = append(dst, 0)
	}
	return dst, nil
}

// WithoutPad returns a packet without its legacy pad, and any other packet as it is. The pad is for
// the network chips of old BMCs; what a BMC sends needs none, and ipmitool takes it for data.
func WithoutPad(packet []byte) []byte {
	p, err := Parse(packet)
	if err != nil || p.Class != ClassIPMI || p.V20() || p.ACK {
		return packet
	}
	return packet[:p.payloadEnd]
}
