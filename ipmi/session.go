package ipmi

// GetChannelAuthCapabilities is the Get Channel Authentication Capabilities command (§22.13).
type GetChannelAuthCapabilities struct {
	Extended  bool      `wire:"byte 1, bit 7"` // ask for the IPMI 2.0 data
	Channel   uint8     `wire:"bits 3:0"`      // Eh is the channel of the request
	Privilege Privilege `wire:"byte 2, bits 3:0"`
}

// ChannelAuthCapabilities is its response (Table 22-15).
type ChannelAuthCapabilities struct {
	Channel        uint8     `wire:"byte 2"`
	Extended       bool      `wire:"byte 3, bit 7"` // the IPMI 2.0 data is there
	AuthTypes      AuthTypes `wire:"bits 5:0"`
	KgSet          bool      `wire:"byte 4, bit 5"`   // two-key log-in
	PerMessageAuth bool      `wire:"bit 4, inverted"` // every packet is authenticated
	UserLevelAuth  bool      `wire:"bit 3, inverted"` // user level commands are authenticated
	NonNullUsers   bool      `wire:"bit 2"`           // users with names exist
	// users without a name but with a password exist
	NullUsers bool `wire:"bit 1"`
	// a user without name and password exists
	AnonymousLogin bool           `wire:"bit 0"`
	SupportsIPMI20 bool           `wire:"byte 5, bit 1"` // RMCP+
	SupportsIPMI15 bool           `wire:"bit 0"`         //
	OEM            ManufacturerID `wire:"byte 6-8"`      // of the OEM authentication type
	OEMAuxiliary   uint8          `wire:"byte 9"`
}

// AuthTypes is a set of authentication types; bit n is type n.
type AuthTypes uint8

// Has reports whether the set contains a.
func (s AuthTypes) Has(a AuthType) bool { return s>>a&1 != 0 }

// GetSessionChallenge is the Get Session Challenge command (§22.16) of IPMI 1.5.
type GetSessionChallenge struct {
	AuthType AuthType `wire:"byte 1, bits 3:0"`
	UserName string   `wire:"byte 2-17"`
}

// SessionChallenge is its response (Table 22-21).
type SessionChallenge struct {
	SessionID uint32   `wire:"byte 2-5"` // temporary
	Challenge [16]byte `wire:"byte 6-21"`
}

// ActivateSession is the Activate Session command (§22.17) of IPMI 1.5.
type ActivateSession struct {
	AuthType  AuthType  `wire:"byte 1, bits 3:0"`
	Privilege Privilege `wire:"byte 2, bits 3:0"` // the most the session may ask for
	Challenge [16]byte  `wire:"byte 3-18"`
	// first sequence number of packets from the BMC, not 0
	OutboundSequence uint32 `wire:"byte 19-22"`
}

// ActivatedSession is its response (Table 22-22).
type ActivatedSession struct {
	AuthType        AuthType  `wire:"byte 2, bits 3:0"` // for the rest of the session
	SessionID       uint32    `wire:"byte 3-6"`
	InboundSequence uint32    `wire:"byte 7-10"` // first sequence number of packets to the BMC
	Privilege       Privilege `wire:"byte 11, bits 3:0"`
}

// SetSessionPrivilege is the Set Session Privilege Level command (§22.18).
// Privilege 0 asks for the present level.
type SetSessionPrivilege struct {
	Privilege Privilege `wire:"byte 1, bits 3:0"`
}

// SessionPrivilege is its response (Table 22-24).
type SessionPrivilege struct {
	Privilege Privilege `wire:"byte 2, bits 3:0"`
}

// CloseSession is the Close Session command (§22.19). The handle is there only when the ID is 0.
type CloseSession struct {
	SessionID uint32 `wire:"byte 1-4"`
	Handle    *uint8 `wire:"byte 5, optional"`
}
