package pet

import (
	"bytes"
	"fmt"

	"lom/ipmi"
)

// Trap is one trap: the message in a UDP datagram to port 162.
type Trap struct {
	Community string
	Agent     ipmi.IPv4Address // of the BMC
	Uptime    uint32           // of the BMC in 10 ms
	// The specific trap number (Table 17-6).
	SensorType  ipmi.SensorType
	EventType   ipmi.EventType
	Offset      uint8 // of the event, 0 to 15
	Deassertion bool
	Event       Event
}

// enterprise is 1.3.6.1.4.1.3183.1.1, the enterprise of traps; that of their only variable ends in
// one more 1.
var enterprise = []byte{0x2b, 6, 1, 4, 1, 0x98, 0x6f, 1, 1}

// Tags of BER and of SNMP.
const (
	tagInteger   = 0x02
	tagOctets    = 0x04
	tagObject    = 0x06
	tagSequence  = 0x30
	tagIPAddress = 0x40
	tagTimeTicks = 0x43
	tagTrap      = 0xa4

	versionSNMP1       = 0
	enterpriseSpecific = 6 // generic trap number
	maxTrap            = 2048
)

// Specific returns the specific trap number.
func (t Trap) Specific() uint32 {
	n := uint32(t.SensorType)<<16 | uint32(t.EventType)<<8 | uint32(t.Offset)
	if t.Deassertion {
		n |= 0x80
	}
	return n
}

// AppendBinary appends the SNMP message to b.
func (t Trap) AppendBinary(b []byte) ([]byte, error) {
	switch {
	case t.Offset > 0xf:
		return b, &ipmi.RangeError{Field: "Trap.Offset", Value: t.Offset, Max: 0xf}
	case len(t.Event.Custom) > maxCustom:
		return b, &ipmi.RangeError{Field: "Trap.Custom", Value: len(t.Event.Custom), Max: maxCustom}
	case len(t.Community) > 255:
		return b, &ipmi.RangeError{Field: "Trap.Community", Value: len(t.Community), Max: 255}
	}
	event, err := t.Event.AppendBinary(nil)
	if err != nil {
		return b, err
	}
	variable := element(tagSequence, element(tagObject, append(bytes.Clone(enterprise), 1)),
		element(tagOctets, event))
	pdu := element(tagTrap, element(tagObject, enterprise), element(tagIPAddress, t.Agent[:]),
		integer(tagInteger, enterpriseSpecific),
		integer(tagInteger, t.Specific()), integer(tagTimeTicks, t.Uptime),
		element(tagSequence, variable))
	return append(b, element(tagSequence, integer(tagInteger, versionSNMP1),
		element(tagOctets, []byte(t.Community)), pdu)...), nil
}

// element writes one BER element.
func element(tag byte, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	n := len(content)
	switch {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, content...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, content...)
	}
	return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, content...)
}

// integer writes a number that is not negative.
func integer(tag byte, n uint32) []byte {
	b := []byte{byte(n)}
	for n >>= 8; n > 0; n >>= 8 {
		b = append([]byte{byte(n)}, b...)
	}
	if b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return element(tag, b)
}

// UnmarshalBinary reads an SNMP message. One that is not a Platform Event Trap is an ErrNotPET.
func (t *Trap) UnmarshalBinary(b []byte) error {
	if len(b) > maxTrap {
		return fmt.Errorf("%w: %d bytes are too many", ErrNotPET, len(b))
	}
	r := &reader{b: b}
	message := r.enter(tagSequence)
	if message.integer(tagInteger) != versionSNMP1 {
		message.fail("not SNMP version 1")
	}
	var n Trap
	n.Community = string(message.octets(tagOctets))
	pdu := message.enter(tagTrap)
	// Some BMCs put the variable's own last number, or another, behind the enterprise.
	if !bytes.HasPrefix(pdu.octets(tagObject), enterprise) {
		pdu.fail("another enterprise")
	}
	copy(n.Agent[:], pdu.octets(tagIPAddress))
	if pdu.integer(tagInteger) != enterpriseSpecific {
		pdu.fail("a generic trap")
	}
	specific := pdu.integer(tagInteger)
	n.Uptime = pdu.integer(tagTimeTicks)
	variables := pdu.enter(tagSequence)
	for first := true; first || len(variables.b) > 0; first = false {
		v := variables.enter(tagSequence)
		name, value := v.octets(tagObject), v.octets(tagOctets)
		if err := variables.failed(r, message, pdu, v); err != nil {
			return err
		}
		if bytes.HasPrefix(name, enterprise) && len(value) >= 46 {
			n.SensorType, n.EventType = ipmi.SensorType(specific>>16),
				ipmi.EventType(specific>>8&0x7f)
			n.Deassertion, n.Offset = specific&0x80 != 0, uint8(specific&0xf)
			if err := n.Event.UnmarshalBinary(value[:min(len(value), 46+maxCustom)]); err != nil {
				return err
			}
			*t = n
			return nil
		}
	}
	return fmt.Errorf("%w: no variable of an event", ErrNotPET)
}
