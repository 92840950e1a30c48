package rmcp

import (
	"encoding/binary"
	"slices"

	"lom/ipmi"
)

// OpenSessionRequest is the RMCP+ Open Session Request (Table 13-9). An empty list of algorithms
// leaves the choice to the BMC.
type OpenSessionRequest struct {
	Tag       uint8
	Privilege ipmi.Privilege // the most the session may do; PrivilegeHighest leaves it to the BMC
	ConsoleID uint32         // session ID of packets to the console
	Auth      []AuthAlgorithm
	Integrity []IntegrityAlgorithm
	Conf      []ConfAlgorithm
}

// Proposes reports whether the algorithms of the suite are among those proposed.
func (r *OpenSessionRequest) Proposes(s CipherSuite) bool {
	return (len(r.Auth) == 0 || slices.Contains(r.Auth, s.Auth)) &&
		(len(r.Integrity) == 0 || slices.Contains(r.Integrity, s.Integrity)) &&
		(len(r.Conf) == 0 || slices.Contains(r.Conf, s.Conf))
}

// algorithmLen is the length of an algorithm payload in Open Session messages.
const algorithmLen = 8

// Types of algorithm payloads.
const (
	algorithmAuth = iota
	algorithmIntegrity
	algorithmConf
)

// AppendBinary appends the request.
func (r OpenSessionRequest) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, r.Tag, uint8(r.Privilege)&0x0f, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, r.ConsoleID)
	b = appendAlgorithms(b, algorithmAuth, r.Auth)
	b = appendAlgorithms(b, algorithmIntegrity, r.Integrity)
	return appendAlgorithms(b, algorithmConf, r.Conf), nil
}

// appendAlgorithms appends an algorithm payload for each of the list, or a null one.
func appendAlgorithms[T ~uint8](b []byte, kind uint8, list []T) []byte {
	if len(list) == 0 {
		return append(b, kind, 0, 0, 0, 0, 0, 0, 0)
	}
	for _, a := range list {
		b = append(b, kind, 0, 0, algorithmLen, uint8(a)&0x3f, 0, 0, 0)
	}
	return b
}

// UnmarshalBinary reads the request. There may be several proposals of each kind.
func (r *OpenSessionRequest) UnmarshalBinary(b []byte) error {
	if len(b) < 8+3*algorithmLen {
		return malformed("Open Session Request of %d bytes", len(b))
	}
	*r = OpenSessionRequest{Tag: b[0], Privilege: ipmi.Privilege(b[1] & 0x0f),
		ConsoleID: binary.LittleEndian.Uint32(b[4:])}
	for b = b[8:]; len(b) >= algorithmLen; b = b[algorithmLen:] {
		if b[3] == 0 {
			continue // any
		}
		if b[3] != algorithmLen {
			return malformed("algorithm payload of %d bytes", b[3])
		}
		switch n := b[4] & 0x3f; b[0] {
		case algorithmAuth:
			r.Auth = append(r.Auth, AuthAlgorithm(n))
		case algorithmIntegrity:
			r.Integrity = append(r.Integrity, IntegrityAlgorithm(n))
		case algorithmConf:
			r.Conf = append(r.Conf, ConfAlgorithm(n))
		default:
			return malformed("algorithm payload of type %d", b[0])
		}
	}
	return nil
}

// OpenSessionResponse is the RMCP+ Open Session Response (Table 13-10).
type OpenSessionResponse struct {
	Tag       uint8
	Status    Status
	Privilege ipmi.Privilege // the most that the algorithms allow
	ConsoleID uint32

	// The rest is there only if Status is StatusOK.

	SystemID  uint32 // session ID of packets to the BMC
	Auth      AuthAlgorithm
	Integrity IntegrityAlgorithm
	Conf      ConfAlgorithm
}

// AppendBinary appends the response.
func (r OpenSessionResponse) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, r.Tag, uint8(r.Status), uint8(r.Privilege)&0x0f, 0)
	b = binary.LittleEndian.AppendUint32(b, r.ConsoleID)
	if r.Status != StatusOK {
		return b, nil
	}
	b = binary.LittleEndian.AppendUint32(b, r.SystemID)
	b = appendAlgorithms(b, algorithmAuth, []AuthAlgorithm{r.Auth})
	b = appendAlgorithms(b, algorithmIntegrity, []IntegrityAlgorithm{r.Integrity})
	return appendAlgorithms(b, algorithmConf, []ConfAlgorithm{r.Conf}), nil
}

// UnmarshalBinary reads the response. A refusal may be as short as its status.
func (r *OpenSessionResponse) UnmarshalBinary(b []byte) error {
	tag, status, id, err := refusable(b, "Open Session Response")
	*r = OpenSessionResponse{Tag: tag, Status: status, ConsoleID: id}
	if err != nil || status != StatusOK {
		return err
	}
	if len(b) < 12+3*algorithmLen {
		return malformed("Open Session Response of %d bytes", len(b))
	}
	r.Privilege = ipmi.Privilege(b[2] & 0x0f)
	r.SystemID = binary.LittleEndian.Uint32(b[8:])
	r.Auth = AuthAlgorithm(b[12+4] & 0x3f)
	r.Integrity = IntegrityAlgorithm(b[20+4] & 0x3f)
	r.Conf = ConfAlgorithm(b[28+4] & 0x3f)
	return nil
}

// refusable reads what all messages with a status have in common. The session ID of a refusal
// is 0 if the message is too short for it.
func refusable(b []byte, name string) (tag uint8, status Status, id uint32, err error) {
	if len(b) < 2 || len(b) < 8 && b[1] == 0 {
		return 0, 0, 0, malformed("%s of %d bytes", name, len(b))
	}
	if len(b) >= 8 {
		id = binary.LittleEndian.Uint32(b[4:])
	}
	return b[0], Status(b[1]), id, nil
}

// maxUserName is the length of the longest user name in bytes.
const maxUserName = 16

// roleNameOnly is the bit of the role byte that asks for a look-up by name only.
const roleNameOnly = 0x10

// RAKP1 is RAKP Message 1 (Table 13-11).
type RAKP1 struct {
	Tag      uint8
	SystemID uint32
	Random   [16]byte
	Role     Role
	User     string // at most 16 bytes
}

// A Role is the byte of RAKP Message 1 with the privilege level and how the user is looked up. It
// goes into the hashes as it is.
type Role uint8

// NewRole returns the role byte for a privilege level and a look-up by name only or by name and
// privilege.
func NewRole(p ipmi.Privilege, nameOnly bool) Role {
	r := Role(p) & 0x0f
	if nameOnly {
		r |= roleNameOnly
	}
	return r
}

// Privilege returns the requested maximum privilege level.
func (r Role) Privilege() ipmi.Privilege { return ipmi.Privilege(r & 0x0f) }

// NameOnly reports whether the user is looked up by name only.
func (r Role) NameOnly() bool { return r&roleNameOnly != 0 }

// AppendBinary appends the message.
func (m RAKP1) AppendBinary(b []byte) ([]byte, error) {
	if len(m.User) > maxUserName {
		return b, &ipmi.RangeError{Field: "length of the user name", Value: len(m.User),
			Max: maxUserName}
	}
	b = append(b, m.Tag, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, m.SystemID)
	b = append(b, m.Random[:]...)
	b = append(b, uint8(m.Role), 0, 0, uint8(len(m.User)))
	return append(b, m.User...), nil
}

// UnmarshalBinary reads the message. A name that is too long is an ErrMalformed, with the fields
// before it filled in.
func (m *RAKP1) UnmarshalBinary(b []byte) error {
	if len(b) < 28 {
		return malformed("RAKP Message 1 of %d bytes", len(b))
	}
	*m = RAKP1{Tag: b[0], SystemID: binary.LittleEndian.Uint32(b[4:]), Random: [16]byte(b[8:24]),
		Role: Role(b[24])}
	n := int(b[27])
	if n > maxUserName || n > len(b)-28 {
		return malformed("RAKP Message 1 with a user name of %d bytes", n)
	}
	m.User = string(b[28 : 28+n])
	return nil
}

// RAKP2 is RAKP Message 2 (Table 13-12).
type RAKP2 struct {
	Tag       uint8
	Status    Status
	ConsoleID uint32

	// The rest is there only if Status is StatusOK.

	Random   [16]byte
	GUID     [16]byte // of the managed system, in the order of the wire
	AuthCode []byte   // key exchange authentication code
}

// AppendBinary appends the message.
func (m RAKP2) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, m.Tag, uint8(m.Status), 0, 0)
	b = binary.LittleEndian.AppendUint32(b, m.ConsoleID)
	if m.Status != StatusOK {
		return b, nil
	}
	b = append(b, m.Random[:]...)
	b = append(b, m.GUID[:]...)
	return append(b, m.AuthCode...), nil
}

// UnmarshalBinary reads the message. A refusal may be as short as its status.
func (m *RAKP2) UnmarshalBinary(b []byte) error {
	tag, status, id, err := refusable(b, "RAKP Message 2")
	*m = RAKP2{Tag: tag, Status: status, ConsoleID: id}
	if err != nil || status != StatusOK {
		return err
	}
	if len(b) < 40 {
		return malformed("RAKP Message 2 of %d bytes", len(b))
	}
	m.Random, m.GUID = [16]byte(b[8:24]), [16]byte(b[24:40])
	m.AuthCode = slices.Clone(b[40:])
	return nil
}

// RAKP3 is RAKP Message 3 (Table 13-13). With another Status than StatusOK it ends the handshake.
type RAKP3 struct {
	Tag      uint8
	Status   Status
	SystemID uint32
	AuthCode []byte // key exchange authentication code; only if Status is StatusOK
}

// AppendBinary appends the message.
func (m RAKP3) AppendBinary(b []byte) ([]byte, error) {
	return appendRAKP34(b, m.Tag, m.Status, m.SystemID, m.AuthCode), nil
}

// UnmarshalBinary reads the message.
func (m *RAKP3) UnmarshalBinary(b []byte) (err error) {
	m.Tag, m.Status, m.SystemID, m.AuthCode, err = parseRAKP34(b, "RAKP Message 3")
	return err
}

// RAKP4 is RAKP Message 4 (Table 13-14).
type RAKP4 struct {
	Tag        uint8
	Status     Status
	ConsoleID  uint32
	CheckValue []byte // integrity check value; only if Status is StatusOK
}

// AppendBinary appends the message.
func (m RAKP4) AppendBinary(b []byte) ([]byte, error) {
	return appendRAKP34(b, m.Tag, m.Status, m.ConsoleID, m.CheckValue), nil
}

// UnmarshalBinary reads the message. A refusal may be as short as its status.
func (m *RAKP4) UnmarshalBinary(b []byte) (err error) {
	m.Tag, m.Status, m.ConsoleID, m.CheckValue, err = parseRAKP34(b, "RAKP Message 4")
	return err
}

func appendRAKP34(b []byte, tag uint8, status Status, id uint32, code []byte) []byte {
	b = append(b, tag, uint8(status), 0, 0)
	b = binary.LittleEndian.AppendUint32(b, id)
	if status == StatusOK {
		b = append(b, code...)
	}
	return b
}

func parseRAKP34(b []byte,
	name string) (tag uint8, status Status, id uint32, code []byte, err error) {
	tag, status, id, err = refusable(b, name)
	if err == nil && status == StatusOK {
		code = slices.Clone(b[8:])
	}
	return tag, status, id, code, err
}
