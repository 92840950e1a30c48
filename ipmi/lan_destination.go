package ipmi

// LANDestinationCount is LAN parameter 17: the number of non-volatile alert
// destinations. They are numbered from 1; destination 0 is volatile and always there.
type LANDestinationCount struct {
	Count uint8 `wire:"byte 1, bits 3:0"` // 0: no LAN alerts
}

// LANDestinationType is LAN parameter 18: how an alert is sent.
type LANDestinationType struct {
	Destination  uint8           `wire:"byte 1, bits 3:0"` // the set selector
	Acknowledged bool            `wire:"byte 2, bit 7"`    // repeat until a PET Acknowledge comes
	Type         DestinationType `wire:"bits 2:0"`
	Timeout      uint8           `wire:"byte 3"` // seconds between tries
	Retries      uint8           `wire:"byte 4, bits 2:0"`
}

// A DestinationType is a kind of LAN alert.
type DestinationType uint8

// Destination types.
const (
	DestinationPET  DestinationType = 0
	DestinationOEM1 DestinationType = 6
	DestinationOEM2 DestinationType = 7
)

// String returns the type as ipmitool lan alert print writes it.
func (t DestinationType) String() string {
	switch t {
	case DestinationPET:
		return "PET Trap"
	case DestinationOEM1:
		return "OEM 1"
	case DestinationOEM2:
		return "OEM 2"
	}
	return "Unknown"
}

// An AddressFormat is a format of LANDestinationAddress.
type AddressFormat uint8

// Address formats.
const (
	AddressIPv4 AddressFormat = 0 // with a MAC address
	AddressIPv6 AddressFormat = 1
)

// LANDestinationAddress is LAN parameter 19: where an alert is sent.
type LANDestinationAddress struct {
	Destination   uint8 // the set selector, 0 to 15
	Format        AddressFormat
	BackupGateway bool        // IPv4: use the backup gateway only
	IPv4          IPv4Address // in the format AddressIPv4
	MAC           MACAddress  // in the format AddressIPv4; all 0: the BMC finds it
	IPv6          IPv6Address // in the format AddressIPv6
}

// AppendBinary appends the parameter's data to b.
func (p LANDestinationAddress) AppendBinary(b []byte) ([]byte, error) {
	if p.Destination > 0xf {
		return b, &RangeError{Field: "LANDestinationAddress.Destination", Value: p.Destination,
			Max: 0xf}
	}
	switch p.Format {
	case AddressIPv4:
		gateway := byte(0)
		if p.BackupGateway {
			gateway = 1
		}
		b = append(b, p.Destination, byte(p.Format)<<4, gateway)
		return append(append(b, p.IPv4[:]...), p.MAC[:]...), nil
	case AddressIPv6:
		return append(append(b, p.Destination, byte(p.Format)<<4), p.IPv6[:]...), nil
	}
	return b, &RangeError{Field: "LANDestinationAddress.Format", Value: p.Format,
		Max: uint64(AddressIPv6)}
}

// UnmarshalBinary reads the parameter from b. A format that is not known is a CodeInvalidDataField.
func (p *LANDestinationAddress) UnmarshalBinary(b []byte) error {
	want := 13
	if len(b) >= 2 && AddressFormat(b[1]>>4) == AddressIPv6 {
		want = 18
	}
	if len(b) < want {
		return &LengthError{Message: "LANDestinationAddress", Got: len(b), Want: want}
	}
	*p = LANDestinationAddress{Destination: b[0] & 0xf, Format: AddressFormat(b[1] >> 4)}
	switch p.Format {
	case AddressIPv4:
		p.BackupGateway = b[2]&1 != 0
		copy(p.IPv4[:], b[3:])
		copy(p.MAC[:], b[7:])
	case AddressIPv6:
		copy(p.IPv6[:], b[2:])
	default:
		return CodeInvalidDataField
	}
	return nil
}

// LANDestinationVLAN is LAN parameter 25: the VLAN tag of alerts to a destination.
type LANDestinationVLAN struct {
	Destination uint8  `wire:"byte 1, bits 3:0"` // the set selector
	Format      uint8  `wire:"byte 2, bits 7:4"` // 0: no tag; 1: an 802.1q tag
	ID          uint16 `wire:"byte 3-4, bits 11:0, optional"`
	CFI         bool   `wire:"bit 12"` // canonical format indicator, 0
	Priority    uint8  `wire:"bits 15:13"`
}
