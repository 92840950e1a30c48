package rmcp

import (
	"encoding/binary"
	"io"

	"lom/ipmi"
)

// A Session20 is an IPMI 2.0 (RMCP+) session. The handshake makes it.
type Session20 struct {
	localID, remoteID uint32
	suite             CipherSuite
	privilege         ipmi.Privilege
	integrity         *integrity      // nil for none
	conf              confidentiality // nil for none

	// Packets with and without an authentication code are numbered apart (§6.12.13).
	sendAuth, sendPlain counter
	recvAuth, recvPlain sequenceWindow

	policies map[ipmi.PayloadType]protection
	// encryption of what is sent; what comes may be encrypted or not
	suspended map[ipmi.PayloadType]bool
}

// protection says how the packets of a payload type are protected.
type protection struct{ authenticated, encrypted bool }

var _ Session = (*Session20)(nil)

// session20Config is what the handshake knows at its end.
type session20Config struct {
	localID, remoteID uint32
	suite             CipherSuite
	privilege         ipmi.Privilege
	sik               []byte
	password          ipmi.Secret
	random            io.Reader
	bmc               bool
}

func newSession20(c session20Config) (*Session20, error) {
	k1, k2 := additionalKeys(c.suite.Auth, c.sik)
	conf, err := newConfidentiality(c.suite.Conf, k2, c.random, c.bmc)
	if err != nil {
		return nil, err
	}
	auth := newSequenceWindow20()
	if !c.bmc {
		auth.forward = consoleForward
	}
	return &Session20{
		localID: c.localID, remoteID: c.remoteID, suite: c.suite, privilege: c.privilege,
		integrity: newIntegrity(c.suite.Integrity, k1, c.password.Reveal()),
		conf:      conf,
		sendAuth:  1, sendPlain: 1,
		recvAuth: auth, recvPlain: newSequenceWindow20(),
	}, nil
}

// consoleForward is how far ahead the number of a packet may be that a BMC has signed. The window
// of §6.12.13 is there for the BMC's memory; a console that kept to it would be deaf for ever once
// the network was away for as long as the BMC sends 16 packets.
const consoleForward = 1024

// LocalID returns the session ID of packets to this end.
func (s *Session20) LocalID() uint32 { return s.localID }

// RemoteID returns the session ID of packets to the other end.
func (s *Session20) RemoteID() uint32 { return s.remoteID }

// CipherSuite returns the suite that was negotiated. Its ID is right only if the BMC chose one of
// Table 22-20.
func (s *Session20) CipherSuite() CipherSuite { return s.suite }

// Privilege returns the greatest privilege level that the handshake agreed on.
func (s *Session20) Privilege() ipmi.Privilege { return s.privilege }

// Protect sets how packets of a payload type other than PayloadIPMI are protected, both ways, as
// Activate Payload (§24.1) and Suspend/Resume Payload Encryption (§24.3) may agree. Without it
// every packet is protected by all that the cipher suite has. What the suite does not have cannot
// be set.
func (s *Session20) Protect(t ipmi.PayloadType, authenticated, encrypted bool) {
	if t == ipmi.PayloadIPMI {
		return
	}
	if s.policies == nil {
		s.policies = map[ipmi.PayloadType]protection{}
	}
	s.policies[t] = protection{authenticated, encrypted}
	delete(s.suspended, t)
}

// SuspendEncryption has packets of a payload type sent without encryption, or as before, when the
// console has asked the BMC for that (§24.3). While it is suspended, what comes may be encrypted or
// not: the command speaks of one direction only.
func (s *Session20) SuspendEncryption(t ipmi.PayloadType, suspend bool) {
	if t == ipmi.PayloadIPMI {
		return
	}
	if s.suspended == nil {
		s.suspended = map[ipmi.PayloadType]bool{}
	}
	s.suspended[t] = suspend
}

// RenewEncryption restarts the encryption of what is sent in a payload type, where the algorithm
// has a state (§24.3).
func (s *Session20) RenewEncryption(t ipmi.PayloadType) {
	if x, ok := s.conf.(*xrc4); ok {
		x.stream(t).confirmed = false
	}
}

// Encrypts reports whether what is sent in a payload type is encrypted.
func (s *Session20) Encrypts(t ipmi.PayloadType) bool {
	return s.protectionOf(t).encrypted && !s.suspended[t]
}

// protectionOf returns how packets of type t are protected.
func (s *Session20) protectionOf(t ipmi.PayloadType) protection {
	p, ok := s.policies[t]
	if !ok {
		p = protection{true, true}
	}
	return protection{p.authenticated && s.integrity != nil, p.encrypted && s.conf != nil}
}

// Append appends a packet. A payload of type PayloadOEM needs AppendOEM.
func (s *Session20) Append(dst []byte, t ipmi.PayloadType, payload []byte) ([]byte, error) {
	if t == ipmi.PayloadOEM {
		return dst, malformed("OEM explicit payload without its numbers")
	}
	return s.append(dst, t, OEMPayload{}, payload)
}

// AppendOEM appends a packet with an OEM explicit payload.
func (s *Session20) AppendOEM(dst []byte, kind OEMPayload, payload []byte) ([]byte, error) {
	return s.append(dst, ipmi.PayloadOEM, kind, payload)
}

func (s *Session20) append(dst []byte, t ipmi.PayloadType, kind OEMPayload,
	payload []byte) ([]byte, error) {
	if len(payload) > maxPayload {
		return dst, errTooLong(len(payload))
	}
	start := len(dst)
	prot := s.protectionOf(t)
	prot.encrypted = s.Encrypts(t)
	flags := uint8(t) & 0x3f
	n := &s.sendPlain
	if prot.authenticated {
		flags |= 0x40
		n = &s.sendAuth
	}
	if prot.encrypted {
		flags |= 0x80
	}
	dst = AppendHeader(dst, Header{Sequence: NoACK, Class: ClassIPMI})
	dst = append(dst, uint8(ipmi.AuthRMCPPlus), flags)
	if t == ipmi.PayloadOEM {
		m := uint32(kind.Manufacturer)
		dst = append(dst, uint8(m), uint8(m>>8), uint8(m>>16), 0)
		dst = binary.LittleEndian.AppendUint16(dst, kind.ID)
	}
	dst = binary.LittleEndian.AppendUint32(dst, s.remoteID)
	dst = binary.LittleEndian.AppendUint32(dst, n.next())
	dst = append(dst, 0, 0)
	payloadStart := len(dst)
	if prot.encrypted {
		var err error
		if dst, err = s.conf.seal(dst, t, payload); err != nil {
			return dst[:start], err
		}
	} else {
		dst = append(dst, payload...)
	}
	binary.LittleEndian.PutUint16(dst[payloadStart-2:], uint16(len(dst)-payloadStart))
	if prot.authenticated {
		dst = s.appendTrailer(dst, start+HeaderLen)
	}
	return dst, nil
}

// nextHeader is the Next Header byte of the session trailer.
const nextHeader = 0x07

// appendTrailer appends the session trailer. The data that the authentication code covers begins at
// from, and is padded to a multiple of four bytes.
func (s *Session20) appendTrailer(dst []byte, from int) []byte {
	pad := -(len(dst) - from + 2) & 3
	for range pad {
		dst = append(dst, 0xff)
	}
	dst = append(dst, uint8(pad), nextHeader)
	return append(dst, s.integrity.code(dst[from:])...)
}

// Open checks a packet of the session and decrypts its payload.
func (s *Session20) Open(p *Packet) ([]byte, error) {
	if !p.V20() || p.ACK {
		return nil, ErrStray
	}
	if p.SessionID != s.localID {
		return nil, ErrSessionID
	}
	prot := s.protectionOf(p.PayloadType)
	if p.Authenticated != prot.authenticated ||
		p.Encrypted != prot.encrypted && (p.Encrypted || !s.suspended[p.PayloadType]) {
		return nil, ErrFlags
	}
	w := &s.recvPlain
	if p.Authenticated {
		w = &s.recvAuth
	}
	if p.Sequence == 0 || !w.fits(p.Sequence) ||
		p.PayloadType == ipmi.PayloadSOL && w.behind(p.Sequence) > solBehind {
		return nil, ErrSequence
	}
	if p.Authenticated {
		if err := s.verify(p); err != nil {
			return nil, err
		}
	}
	w.accept(p.Sequence)
	if p.Encrypted {
		return s.conf.open(p.PayloadType, p.Sequence, p.Payload)
	}
	return p.Payload, nil
}

// solBehind is how late a packet of Serial over LAN may be. SOL's own numbers are 1 to 15, round
// and round (§15.9): a packet that is half a round late could be taken for one of the next round,
// as characters that come twice or as the acknowledge of others.
const solBehind = 7

// verify checks the session trailer.
func (s *Session20) verify(p *Packet) error {
	end := len(p.raw) - s.integrity.size
	if end < p.payloadEnd+2 {
		return malformed("session trailer of %d bytes", len(p.raw)-p.payloadEnd)
	}
	if pad := int(p.raw[end-2]); p.payloadEnd+pad+2 != end {
		return malformed("session trailer with an integrity pad of %d bytes", pad)
	}
	if !s.integrity.verify(p.raw[HeaderLen:end], p.raw[end:]) {
		return ErrAuthCode
	}
	return nil
}
