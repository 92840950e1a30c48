package ipmi

// SetChannelSecurityKeys is the Set Channel Security Keys command (§22.25), which also reads and
// locks keys.
type SetChannelSecurityKeys struct {
	Channel   uint8
	Operation KeyOperation
	Key       ChannelKey
	Value     Secret // for KeySet: ChannelKeySize bytes; see Secret.Padded
}

// ChannelSecurityKeys is its response (Table 22-30).
type ChannelSecurityKeys struct {
	Lock  KeyLockState
	Value Secret // for KeyRead: the key, NULs of padding included
}

// ChannelKeySize is the length of a channel's key in bytes.
const ChannelKeySize = 20

// A KeyOperation is what Set Channel Security Keys does.
type KeyOperation uint8

// Key operations.
const (
	KeyRead KeyOperation = 0 // not possible once the key is locked
	KeySet  KeyOperation = 1
	KeyLock KeyOperation = 2 // no reading and no setting from now on
)

// A ChannelKey names a key of a channel.
type ChannelKey uint8

// Keys of a channel.
const (
	KeyRandom     ChannelKey = 0 // Kr, which seeds the BMC's random numbers
	KeyGeneration ChannelKey = 1 // Kg, the BMC key of two-key log-in; it cannot be locked
)

// A KeyLockState says whether a key is locked.
type KeyLockState uint8

// Lock states.
const (
	KeyNotLockable KeyLockState = 0
	KeyLocked      KeyLockState = 1
	KeyUnlocked    KeyLockState = 2
)

// Completion codes of Set Channel Security Keys.
const (
	CodeKeyLocked   CompletionCode = 0x80
	CodeKeyTooShort CompletionCode = 0x81
	CodeKeyTooLong  CompletionCode = 0x82
	CodeKeyCriteria CompletionCode = 0x83 // the value does not suit this key
	CodeKeyNotUsed  CompletionCode = 0x84 // the BMC makes its random numbers without Kr
)

// AppendBinary appends the message to b.
func (m SetChannelSecurityKeys) AppendBinary(b []byte) ([]byte, error) {
	switch {
	case m.Channel > 0xf:
		return b, &RangeError{Field: "SetChannelSecurityKeys.Channel", Value: m.Channel, Max: 0xf}
	case m.Operation > 3:
		return b, &RangeError{Field: "SetChannelSecurityKeys.Operation", Value: m.Operation, Max: 3}
	}
	b = append(b, m.Channel, byte(m.Operation), byte(m.Key))
	if m.Operation == KeySet {
		b = append(b, m.Value.Reveal()...)
	}
	return b, nil
}

// UnmarshalBinary reads the message from b. A key of a wrong length is not an error here: the
// completion codes of the command distinguish too short from too long.
func (m *SetChannelSecurityKeys) UnmarshalBinary(b []byte) error {
	if len(b) < 3 {
		return &LengthError{Message: "SetChannelSecurityKeys", Got: len(b), Want: 3}
	}
	*m = SetChannelSecurityKeys{Channel: b[0] & 0xf, Operation: KeyOperation(b[1] & 3),
		Key: ChannelKey(b[2])}
	if m.Operation == KeySet {
		m.Value = NewSecret(string(b[3:]))
	}
	return nil
}

// AppendBinary appends the message to b.
func (m ChannelSecurityKeys) AppendBinary(b []byte) ([]byte, error) {
	if m.Lock > 3 {
		return b, &RangeError{Field: "ChannelSecurityKeys.Lock", Value: m.Lock, Max: 3}
	}
	return append(append(b, byte(m.Lock)), m.Value.Reveal()...), nil
}

// UnmarshalBinary reads the message from b.
func (m *ChannelSecurityKeys) UnmarshalBinary(b []byte) error {
	if len(b) < 1 {
		return &LengthError{Message: "ChannelSecurityKeys", Got: 0, Want: 1}
	}
	*m = ChannelSecurityKeys{Lock: KeyLockState(b[0] & 3), Value: NewSecret(string(b[1:]))}
	return nil
}
