package ipmi

// MaxUsers is the greatest number of user IDs that a BMC can have: IDs are six bits wide, and 0 is
// none.
const MaxUsers = 63

// Sizes of user names and passwords in bytes.
const (
	UserNameSize       = 16
	PasswordSizeIPMI15 = 16 // good for IPMI 1.5 and 2.0
	PasswordSizeIPMI20 = 20 // good for IPMI 2.0 only
)

// SetUserAccess is the Set User Access command (§22.26): what a user may do on a channel.
type SetUserAccess struct {
	// otherwise Callback, Link and Messaging stay as they are
	Change bool `wire:"byte 1, bit 7"`
	// only Callback level outside callback connections
	CallbackOnly bool      `wire:"bit 6"`
	Link         bool      `wire:"bit 5"` // link authentication, such as PPP CHAP
	Messaging    bool      `wire:"bit 4"` // IPMI messages
	Channel      uint8     `wire:"bits 3:0"`
	User         uint8     `wire:"byte 2, bits 5:0"` // 1 to 63
	Limit        Privilege `wire:"byte 3, bits 3:0"`
	// simultaneous sessions; 0: as many as the BMC has
	SessionLimit *uint8 `wire:"byte 4, bits 3:0, optional"`
}

// GetUserAccess is the Get User Access command (§22.27).
type GetUserAccess struct {
	Channel uint8 `wire:"byte 1, bits 3:0"`
	User    uint8 `wire:"byte 2, bits 5:0"` // 1 to 63
}

// UserAccess is its response (Table 22-32): counts of the channel's users, and what this one may
// do.
type UserAccess struct {
	MaxUsers     uint8      `wire:"byte 2, bits 5:0"` // user 1 included
	Enabled      UserStatus `wire:"byte 3, bits 7:6"`
	EnabledUsers uint8      `wire:"bits 5:0"`         // how many are enabled
	FixedNames   uint8      `wire:"byte 4, bits 5:0"` // IDs from 1 on whose names cannot be set
	CallbackOnly bool       `wire:"byte 5, bit 6"`
	Link         bool       `wire:"bit 5"`
	Messaging    bool       `wire:"bit 4"`
	Limit        Privilege  `wire:"bits 3:0"`
}

// A UserStatus says whether a user ID is enabled by Set User Password.
type UserStatus uint8

// User statuses (Table 22-32).
const (
	UserStatusUnknown  UserStatus = 0 // BMCs older than IPMI 2.0 errata 3 do not say
	UserStatusEnabled  UserStatus = 1
	UserStatusDisabled UserStatus = 2
)

// String returns the status as ipmitool writes it.
func (s UserStatus) String() string {
	switch s {
	case UserStatusUnknown:
		return "unknown"
	case UserStatusEnabled:
		return "enabled"
	case UserStatusDisabled:
		return "disabled"
	}
	return "reserved"
}

// SetUserName is the Set User Name command (§22.28). User 1 has no name.
type SetUserName struct {
	User uint8  `wire:"byte 1, bits 5:0"`
	Name string `wire:"byte 2-17"` // up to 16 bytes
}

// GetUserName is the Get User Name command (§22.29).
type GetUserName struct {
	User uint8 `wire:"byte 1, bits 5:0"`
}

// UserName is its response.
type UserName struct {
	Name string `wire:"byte 2-17"`
}

// SetUserPassword is the Set User Password command (§22.30), which also enables and disables users
// and tests passwords. Its codes: CodePasswordMismatch and CodePasswordSize.
type SetUserPassword struct {
	Long      bool // 20 bytes instead of 16: the password is good for IPMI 2.0 only
	User      uint8
	Operation PasswordOperation
	// Password is for PasswordSet and PasswordTest. It is padded with NULs to 16 or 20 bytes, and
	// read without them.
	Password Secret
}

// A PasswordOperation is what Set User Password does (Table 22-35).
type PasswordOperation uint8

// Password operations.
const (
	PasswordDisableUser PasswordOperation = 0
	PasswordEnableUser  PasswordOperation = 1
	PasswordSet         PasswordOperation = 2
	PasswordTest        PasswordOperation = 3
)

// Completion codes of Set User Password.
const (
	CodePasswordMismatch CompletionCode = 0x80 // the size is right, the password is not
	CodePasswordSize     CompletionCode = 0x81 // the password was stored in the other size
)

// HasPassword reports whether the operation needs a password.
func (o PasswordOperation) HasPassword() bool { return o == PasswordSet || o == PasswordTest }

func (m SetUserPassword) size() int {
	if m.Long {
		return PasswordSizeIPMI20
	}
	return PasswordSizeIPMI15
}

// AppendBinary appends the message to b.
func (m SetUserPassword) AppendBinary(b []byte) ([]byte, error) {
	switch {
	case m.User > MaxUsers:
		return b, &RangeError{Field: "SetUserPassword.User", Value: m.User, Max: MaxUsers}
	case m.Operation > PasswordTest:
		return b, &RangeError{Field: "SetUserPassword.Operation", Value: m.Operation,
			Max: uint64(PasswordTest)}
	case m.Password.Len() > m.size():
		// The error has the length, not the password.
		return b, &RangeError{Field: "length of SetUserPassword.Password", Value: m.Password.Len(),
			Max: uint64(m.size())}
	}
	first := m.User
	if m.Long {
		first |= 0x80
	}
	b = append(b, first, byte(m.Operation))
	if m.Operation.HasPassword() {
		b = append(b, m.Password.Reveal()...)
		b = append(b, make([]byte, m.size()-m.Password.Len())...)
	}
	return b, nil
}

// UnmarshalBinary reads the message from b. A password that comes with an operation that needs none
// is ignored.
func (m *SetUserPassword) UnmarshalBinary(b []byte) error {
	if len(b) < 2 {
		return &LengthError{Message: "SetUserPassword", Got: len(b), Want: 2}
	}
	*m = SetUserPassword{Long: b[0]&0x80 != 0, User: b[0] & 0x3f,
		Operation: PasswordOperation(b[1] & 3)}
	if !m.Operation.HasPassword() {
		return nil
	}
	if n := 2 + m.size(); len(b) < n {
		return &LengthError{Message: "SetUserPassword", Got: len(b), Want: n}
	}
	p := b[2 : 2+m.size()]
	for len(p) > 0 && p[len(p)-1] == 0 {
		p = p[:len(p)-1]
	}
	m.Password = NewSecret(string(p))
	return nil
}
