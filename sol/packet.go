package sol

import "lom/ipmi"

// headerSize is the size of the four bytes in front of the characters (Table 15-2).
const headerSize = 4

// A Flags is the operation/status byte of a packet. The meaning of its bits depends on who sent it.
type Flags uint8

// NACK, in both directions, says that the packet being acknowledged was not (wholly) accepted.
const NACK Flags = 1 << 6

// Operations that a console asks for.
const (
	Ring          Flags = 1 << 5 // assert RI
	SendBreak     Flags = 1 << 4 // 300 ms of break to the serial port
	DeassertCTS   Flags = 1 << 3 // hold the system's characters back
	DeassertDCD   Flags = 1 << 2 // carrier lost, for the system
	FlushInbound  Flags = 1 << 1 // drop what is on its way to the system
	FlushOutbound Flags = 1 << 0 // drop what is on its way to the console
)

// Statuses that a BMC reports.
const (
	Unavailable   Flags = 1 << 5 // the system is off or asleep: characters cannot be transferred
	Deactivated   Flags = 1 << 4 // SOL has been deactivated, or is about to be
	Overrun       Flags = 1 << 3 // characters of the system were lost before this packet
	BreakDetected Flags = 1 << 2 // the system sent a break
)

// A Packet is an SOL payload (Table 15-2).
type Packet struct {
	Sequence uint8 // 1 to 15; 0: the packet wants no acknowledge
	Ack      uint8 // sequence number of the packet being acknowledged; 0: none
	Accepted uint8 // how many characters of it were accepted
	Flags    Flags
	Data     []byte // characters
}

// AppendBinary appends the packet to b.
func (p Packet) AppendBinary(b []byte) ([]byte, error) {
	if p.Sequence > 15 {
		return b, &ipmi.RangeError{Field: "sol.Packet.Sequence", Value: p.Sequence, Max: 15}
	}
	if p.Ack > 15 {
		return b, &ipmi.RangeError{Field: "sol.Packet.Ack", Value: p.Ack, Max: 15}
	}
	return append(append(b, p.Sequence, p.Ack, p.Accepted, byte(p.Flags)), p.Data...), nil
}

// UnmarshalBinary reads the packet from b. Data points into b.
func (p *Packet) UnmarshalBinary(b []byte) error {
	if len(b) < headerSize {
		return &ipmi.LengthError{Message: "sol.Packet", Got: len(b), Want: headerSize}
	}
	*p = Packet{Sequence: b[0] & 15, Ack: b[1] & 15, Accepted: b[2], Flags: Flags(b[3]),
		Data: b[headerSize:]}
	return nil
}
