package rmcp

import (
	"encoding/binary"
	"errors"
	"fmt"

	"lom/ipmi"
)

// Errors of readers. What is wrong with the bytes of a packet is always an ErrMalformed as well.
var (
	// ErrIgnored is the error of a packet that is none of the receiver's business or
	// cannot be trusted. It is to be dropped and counted; it says nothing about the session.
	ErrIgnored = errors.New("packet ignored")

	ErrSessionID = fmt.Errorf("%w: wrong session ID", ErrIgnored)
	ErrAuthCode  = fmt.Errorf("%w: wrong authentication code", ErrIgnored)
	ErrFlags     = fmt.Errorf("%w: not protected as negotiated", ErrIgnored)
	ErrSequence  = fmt.Errorf("%w: sequence number out of window or seen before", ErrIgnored)
	ErrDecrypt   = fmt.Errorf("%w: cannot be decrypted", ErrIgnored)
	ErrStray     = fmt.Errorf("%w: not expected now", ErrIgnored)
)

// ErrUnproven is the error of a handshake message whose code is wrong. The handshake goes on
// waiting for a good one.
var ErrUnproven = errors.New("the code of the answer is wrong")

// ErrChecksum is the error of an IPMI message whose second checksum is wrong. It is an
// ErrMalformed.
var ErrChecksum = malformed("wrong checksum")

// malformed returns an ErrIgnored and ErrMalformed that says what is wrong.
func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %w: %s", ErrIgnored, ipmi.ErrMalformed, fmt.Sprintf(format, args...))
}

// Sizes in bytes.
const (
	HeaderLen = 4 // of the RMCP header

	// MaxPacket is a size that no packet of this package exceeds: a buffer of so many bytes holds
	// every datagram that is worth reading.
	MaxPacket = 2048
)

// Port is the primary RMCP port (Table 13-1).
const Port = 623

// A Class is the class of an RMCP message (Table 13-2).
type Class uint8

// Classes.
const (
	ClassASF  Class = 6
	ClassIPMI Class = 7
	ClassOEM  Class = 8
)

// NoACK is the RMCP sequence number of messages that are not to be acknowledged (§13.2.2).
const NoACK = 0xff

// A Header is an RMCP header (Table 13-2).
type Header struct {
	Sequence uint8 // NoACK for IPMI
	ACK      bool
	Class    Class
}

const rmcpVersion = 6

// AppendHeader appends the four bytes of h to dst.
func AppendHeader(dst []byte, h Header) []byte {
	class := uint8(h.Class) & 0x1f
	if h.ACK {
		class |= 0x80
	}
	return append(dst, rmcpVersion, 0, h.Sequence, class)
}

// ParseHeader reads an RMCP header and returns what follows it.
func ParseHeader(b []byte) (h Header, data []byte, err error) {
	if len(b) < HeaderLen {
		return h, nil, malformed("RMCP header of %d bytes", len(b))
	}
	if b[0] != rmcpVersion {
		return h, nil, malformed("RMCP version %02xh", b[0])
	}
	return Header{Sequence: b[2], ACK: b[3]&0x80 != 0, Class: Class(b[3] & 0x1f)}, b[HeaderLen:],
		nil
}

// AppendACK appends the RMCP ACK of the message that begins with h (Table 13-5), or nothing if
// the message is not to be acknowledged.
func AppendACK(dst []byte, h Header) []byte {
	if h.ACK || h.Sequence == NoACK {
		return dst
	}
	h.ACK = true
	return AppendHeader(dst, h)
}

// A Packet is what a datagram says of itself. All slices point into the datagram.
type Packet struct {
	Header

	// The rest is of packets of ClassIPMI.

	AuthType      ipmi.AuthType    // AuthRMCPPlus marks IPMI 2.0
	PayloadType   ipmi.PayloadType // PayloadIPMI in IPMI 1.5
	Encrypted     bool             // IPMI 2.0: the payload is encrypted
	Authenticated bool             // an authentication code is there
	OEM           OEMPayload       // of PayloadOEM
	SessionID     uint32           // the receiver's, 0 outside a session
	Sequence      uint32           // session sequence number
	AuthCode      []byte           // IPMI 1.5: 16 bytes, or nil

	// Payload is the payload as it is in the packet: untrusted, and perhaps encrypted.
	// Of other classes it is all that follows the RMCP header.
	Payload []byte

	raw        []byte
	payloadEnd int
}

// OEMPayload reports the kind of a payload of type PayloadOEM (Table 13-8).
type OEMPayload struct {
	Manufacturer ipmi.ManufacturerID
	ID           uint16
}

// V20 reports whether the packet has the format of IPMI 2.0 (RMCP+).
func (p *Packet) V20() bool { return p.Class == ClassIPMI && p.AuthType == ipmi.AuthRMCPPlus }

// Parse takes a datagram apart without judging it. Bytes after the end of the packet are tolerated
// where there is no session trailer, because of the legacy pad of Table 13-8.
func Parse(b []byte) (Packet, error) {
	var p Packet
	h, data, err := ParseHeader(b)
	p.Header, p.raw, p.Payload = h, b, data
	if err != nil || h.Class != ClassIPMI || h.ACK {
		return p, err
	}
	if len(data) < 1 {
		return p, malformed("IPMI packet of %d bytes", len(b))
	}
	p.AuthType = ipmi.AuthType(data[0] & 0x0f)
	if p.AuthType == ipmi.AuthRMCPPlus {
		return p, p.parse20(data)
	}
	return p, p.parse15(data)
}

// parse15 reads the session header of IPMI 1.5, which begins at data.
func (p *Packet) parse15(data []byte) error {
	n := 9
	if p.AuthType != ipmi.AuthNone {
		n += 16
	}
	if len(data) < n+1 {
		return malformed("IPMI 1.5 packet of %d bytes", len(p.raw))
	}
	p.Sequence = binary.LittleEndian.Uint32(data[1:])
	p.SessionID = binary.LittleEndian.Uint32(data[5:])
	if p.AuthType != ipmi.AuthNone {
		p.Authenticated, p.AuthCode = true, data[9:25]
	}
	return p.cut(data[n+1:], int(data[n]))
}

// parse20 reads the session header of IPMI 2.0, which begins at data.
func (p *Packet) parse20(data []byte) error {
	if len(data) < 2 {
		return malformed("IPMI 2.0 packet of %d bytes", len(p.raw))
	}
	p.Encrypted, p.Authenticated = data[1]&0x80 != 0, data[1]&0x40 != 0
	p.PayloadType = ipmi.PayloadType(data[1] & 0x3f)
	n := 2
	if p.PayloadType == ipmi.PayloadOEM {
		n += 6
	}
	if len(data) < n+10 {
		return malformed("IPMI 2.0 packet of %d bytes", len(p.raw))
	}
	if p.PayloadType == ipmi.PayloadOEM {
		p.OEM.Manufacturer = ipmi.ManufacturerID(uint32(data[2]) | uint32(data[3])<<8 |
			uint32(data[4])<<16)
		p.OEM.ID = binary.LittleEndian.Uint16(data[6:])
	}
	p.SessionID = binary.LittleEndian.Uint32(data[n:])
	p.Sequence = binary.LittleEndian.Uint32(data[n+4:])
	return p.cut(data[n+10:], int(binary.LittleEndian.Uint16(data[n+8:])))
}

// cut takes a payload of n bytes off rest.
func (p *Packet) cut(rest []byte, n int) error {
	if n > len(rest) {
		return malformed("payload of %d bytes in a packet with room for %d", n, len(rest))
	}
	p.Payload = rest[:n]
	p.payloadEnd = len(p.raw) - len(rest) + n
	return nil
}

// AppendPresession15 appends an IPMI 1.5 packet outside a session, with message as its payload.
func AppendPresession15(dst, message []byte) ([]byte, error) {
	return append15(dst, ipmi.AuthNone, 0, 0, message)
}

// AppendPresession20 appends an IPMI 2.0 packet outside a session. Its payload is a step of the
// handshake, or an IPMI message.
func AppendPresession20(dst []byte, t ipmi.PayloadType, payload []byte) ([]byte, error) {
	if len(payload) > maxPayload {
		return dst, errTooLong(len(payload))
	}
	dst = AppendHeader(dst, Header{Sequence: NoACK, Class: ClassIPMI})
	dst = append(dst, uint8(ipmi.AuthRMCPPlus), uint8(t)&0x3f, 0, 0, 0, 0, 0, 0, 0, 0)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(payload)))
	return append(dst, payload...), nil
}

// maxPayload is the longest payload that is written: with headers and trailer it fits MaxPacket.
const maxPayload = MaxPacket - 128

func errTooLong(n int) error {
	return &ipmi.RangeError{Field: "payload length", Value: n, Max: maxPayload}
}
