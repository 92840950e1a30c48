package ipmi

// GetSessionInfo is the Get Session Info command (§22.20).
type GetSessionInfo struct {
	// SessionIndexPresent, 1 and up in the table of active sessions, or one of the two others
	Index  uint8
	Handle uint8  // for SessionIndexHandle
	ID     uint32 // for SessionIndexID: the BMC's session ID
}

// Indexes with a meaning of their own in Get Session Info.
const (
	SessionIndexPresent = 0x00 // the session that the command came over
	SessionIndexHandle  = 0xfe
	SessionIndexID      = 0xff
)

// AppendBinary appends the message to b.
func (m GetSessionInfo) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, m.Index)
	switch m.Index {
	case SessionIndexHandle:
		b = append(b, m.Handle)
	case SessionIndexID:
		b = append(b, byte(m.ID), byte(m.ID>>8), byte(m.ID>>16), byte(m.ID>>24))
	}
	return b, nil
}

// UnmarshalBinary reads the message from b.
func (m *GetSessionInfo) UnmarshalBinary(b []byte) error {
	if len(b) < 1 {
		return &LengthError{Message: "GetSessionInfo", Got: 0, Want: 1}
	}
	*m = GetSessionInfo{Index: b[0]}
	switch m.Index {
	case SessionIndexHandle:
		if len(b) < 2 {
			return &LengthError{Message: "GetSessionInfo", Got: len(b), Want: 2}
		}
		m.Handle = b[1]
	case SessionIndexID:
		if len(b) < 5 {
			return &LengthError{Message: "GetSessionInfo", Got: len(b), Want: 5}
		}
		m.ID = uint32(b[1]) | uint32(b[2])<<8 | uint32(b[3])<<16 | uint32(b[4])<<24
	}
	return nil
}

// SessionInfo is its response (Table 22-25).
type SessionInfo struct {
	Handle         uint8          `wire:"byte 2"`           // 0: no session at that index
	Slots          uint8          `wire:"byte 3, bits 5:0"` // sessions that are possible
	ActiveSessions uint8          `wire:"byte 4, bits 5:0"` // on all channels
	Session        *ActiveSession `wire:"byte 5-, optional"`
}

// An ActiveSession is bytes 5 and up of Table 22-25.
type ActiveSession struct {
	User      uint8           `wire:"byte 1, bits 5:0"`
	Privilege Privilege       `wire:"byte 2, bits 3:0"` // the present level
	Protocol  SessionProtocol `wire:"byte 3, bits 7:4"`
	Channel   uint8           `wire:"bits 3:0"`
	// a SessionPeerLAN or a SessionPeerSerial, as the channel is
	Peer []byte `wire:"byte 4-, optional"`
}

// A SessionProtocol distinguishes the sessions of a LAN channel.
type SessionProtocol uint8

// Session protocols.
const (
	SessionIPMI15 SessionProtocol = 0
	SessionIPMI20 SessionProtocol = 1
)

// String returns the protocol as ipmitool writes it.
func (p SessionProtocol) String() string {
	switch p {
	case SessionIPMI15:
		return "IPMIv1.5"
	case SessionIPMI20:
		return "IPMIv2/RMCP+"
	}
	return "Unknown"
}

// SessionPeerLAN is the remote console of a session on a LAN channel.
type SessionPeerLAN struct {
	IP   [4]byte `wire:"byte 1-4"`
	MAC  [6]byte `wire:"byte 5-10"`
	Port uint16  `wire:"byte 11-12"` // UDP
}

// SessionPeerSerial is the remote console of a session on a serial channel.
type SessionPeerSerial struct {
	// 0 messaging, 1 callback, 2 dial-out alert, 3 TAP page
	Activity    uint8   `wire:"byte 1"`
	Destination uint8   `wire:"byte 2, bits 3:0"` // of a call-out session
	IP          [4]byte `wire:"byte 3-6"`         // of a PPP connection
	Port        *uint16 `wire:"byte 7-8, optional"`
}

// GetAuthCode is the Get AuthCode command (§22.21): the BMC hashes data with a user's password.
type GetAuthCode struct {
	// Algorithm is an integrity algorithm of RMCP+, otherwise an AuthType
	IPMI20    bool     `wire:"byte 1, bit 6"`
	Algorithm uint8    `wire:"bits 5:0"` // not 0
	Channel   uint8    `wire:"byte 2, bits 3:0"`
	User      uint8    `wire:"byte 3, bits 5:0"`
	Data      [16]byte `wire:"byte 4-19"`
}

// AuthCode is its response: 16 bytes for an AuthType, up to 20 for an integrity algorithm.
type AuthCode struct {
	Code []byte `wire:"byte 2-"`
}
