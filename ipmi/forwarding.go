package ipmi

// GetForwardedCommands is the Get Forwarded Commands command (§35b.1): which commands from a
// channel the BMC hands to another controller.
type GetForwardedCommands struct {
	Channel uint8 `wire:"byte 1, bits 3:0"`
	Upper   bool  `wire:"byte 2, bit 6"` // commands 80h-FFh instead of 00h-7Fh
	NetFn   NetFn `wire:"bits 5:0"`
	LUN     uint8 `wire:"byte 3, bits 1:0"`
}

// ForwardedCommands is its response (Table 35b-2).
type ForwardedCommands struct {
	Mask [16]byte `wire:"byte 2-17"` // bit n%8 of byte n/8: command n, or 80h+n
}

// SetForwardedCommands is the Set Forwarded Commands command (§35b.2).
type SetForwardedCommands struct {
	Channel   uint8            `wire:"byte 1, bits 3:0"`
	Operation ForwardOperation `wire:"byte 2, bits 7:6"`
	NetFn     NetFn            `wire:"bits 5:0"`
	LUN       uint8            `wire:"byte 3, bits 1:0"`
	Mask      [16]byte         `wire:"byte 4-19, optional"` // as in ForwardedCommands
}

// A ForwardOperation is what Set Forwarded Commands does.
type ForwardOperation uint8

// Operations.
const (
	ForwardSetLower ForwardOperation = 0 // commands 00h-7Fh
	ForwardSetUpper ForwardOperation = 1 // commands 80h-FFh
	ForwardDisable  ForwardOperation = 2
	ForwardEnable   ForwardOperation = 3
)

// EnableForwardedCommands is the Enable Forwarded Commands command (§35b.3): to
// which controller commands are forwarded.
type EnableForwardedCommands struct {
	Operation ForwardTarget `wire:"byte 1, bits 1:0"`
	Channel   uint8         `wire:"byte 2, bits 3:0, optional"`
	LUN       uint8         `wire:"byte 3, bits 1:0"`
	Address   uint8         `wire:"byte 4"` // slave address
	Timeout   uint8         `wire:"byte 5"` // in 10 ms, at least 3
}

// A ForwardTarget is what Enable Forwarded Commands does.
type ForwardTarget uint8

// Operations.
const (
	ForwardTargetGet     ForwardTarget = 0
	ForwardTargetSet     ForwardTarget = 1
	ForwardTargetEnable  ForwardTarget = 2
	ForwardTargetDisable ForwardTarget = 3
)

// ForwardingStatus is its response (Table 35b-4).
type ForwardingStatus struct {
	Status  ForwardTarget `wire:"byte 2, bits 1:0"` // ForwardTargetEnable or ForwardTargetDisable
	Channel uint8         `wire:"byte 3, bits 3:0"`
	LUN     uint8         `wire:"byte 4, bits 1:0"`
	Address uint8         `wire:"byte 5"`
	Timeout uint8         `wire:"byte 6"`    // in 10 ms
	Sources uint16        `wire:"byte 7-8"`  // bit n: commands from channel n can be forwarded
	Targets uint16        `wire:"byte 9-10"` // bit n: commands can be forwarded to channel n
}

// ForwardedCommand is the Forwarded Command command (§35b.4): a request that came to the BMC,
// on its way to another controller. Only BMCs send it.
type ForwardedCommand struct {
	Channel uint8 // where the request came from
	Session *ForwardedSession
	Request []byte // NetFn and LUN, command, data
}

// ForwardedSession says who sent a forwarded request, if it came in a session.
type ForwardedSession struct {
	User         uint8     `wire:"byte 1, bits 5:0"`
	MaxPrivilege Privilege `wire:"byte 2, bits 7:4"`
	Privilege    Privilege `wire:"bits 3:0"`
	Handle       uint8     `wire:"byte 3"`
}

// AppendBinary appends the message to b.
func (m ForwardedCommand) AppendBinary(b []byte) ([]byte, error) {
	if m.Channel > 0xf {
		return b, &RangeError{Field: "ForwardedCommand.Channel", Value: m.Channel, Max: 0xf}
	}
	o := len(b)
	if m.Session == nil {
		b = append(b, m.Channel)
	} else {
		var err error
		if b, err = m.Session.AppendBinary(append(b, 0x80|m.Channel)); err != nil {
			return b[:o], err
		}
	}
	return append(b, m.Request...), nil
}

// UnmarshalBinary reads the message from b.
func (m *ForwardedCommand) UnmarshalBinary(b []byte) error {
	if len(b) < 1 {
		return &LengthError{Message: "ForwardedCommand", Got: len(b), Want: 1}
	}
	c := ForwardedCommand{Channel: b[0] & 0xf}
	request := b[1:]
	if b[0]&0x80 != 0 {
		c.Session = new(ForwardedSession)
		if err := c.Session.UnmarshalBinary(request); err != nil {
			return err
		}
		request = request[3:]
	}
	c.Request = append([]byte(nil), request...)
	*m = c
	return nil
}

// ForwardedResponse is its response (Table 35b-5).
type ForwardedResponse struct {
	Response []byte `wire:"byte 2-"` // NetFn and LUN, command, completion code, data
}
