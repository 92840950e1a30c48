package ipmi

// LANAuthTypeSupport is LAN parameter 1: the IPMI 1.5 authentication types that can be enabled.
type LANAuthTypeSupport struct {
	Types AuthTypes `wire:"byte 1, bits 5:0"`
}

// LANAuthTypeEnables is LAN parameter 2: the authentication types enabled for
// sessions of each maximum privilege level.
type LANAuthTypeEnables struct {
	Callback      AuthTypes `wire:"byte 1, bits 5:0"`
	User          AuthTypes `wire:"byte 2, bits 5:0"`
	Operator      AuthTypes `wire:"byte 3, bits 5:0"`
	Administrator AuthTypes `wire:"byte 4, bits 5:0"`
	OEM           AuthTypes `wire:"byte 5, bits 5:0"`
}

// LANIPAddress is LAN parameter 3.
type LANIPAddress struct {
	Address IPv4Address `wire:"byte 1-4"`
}

// LANIPSource is LAN parameter 4: where the IPv4 address comes from.
type LANIPSource struct {
	Source IPSource `wire:"byte 1, bits 3:0"`
}

// An IPSource says where an IPv4 address comes from.
type IPSource uint8

// Address sources.
const (
	IPSourceUnspecified IPSource = 0
	IPSourceStatic      IPSource = 1
	IPSourceDHCP        IPSource = 2
	IPSourceBIOS        IPSource = 3
	IPSourceOther       IPSource = 4
)

// String returns the source as ipmitool lan print writes it.
func (s IPSource) String() string {
	switch s {
	case IPSourceUnspecified:
		return "Unspecified"
	case IPSourceStatic:
		return "Static Address"
	case IPSourceDHCP:
		return "DHCP Address"
	case IPSourceBIOS:
		return "BIOS Assigned Address"
	}
	return "Other"
}

// LANMACAddress is LAN parameter 5. It may be read-only.
type LANMACAddress struct {
	Address MACAddress `wire:"byte 1-6"`
}

// LANSubnetMask is LAN parameter 6.
type LANSubnetMask struct {
	Mask IPv4Address `wire:"byte 1-4"`
}

// LANIPv4Header is LAN parameter 7: fields of the IPv4 headers of packets that the BMC sends.
type LANIPv4Header struct {
	TTL         uint8 `wire:"byte 1"`
	Flags       uint8 `wire:"byte 2, bits 7:5"` // 2 is don't fragment
	Precedence  uint8 `wire:"byte 3, bits 7:5"`
	ServiceType uint8 `wire:"bits 4:1"` // 8 is least delay
}

// LANPrimaryPort is LAN parameter 8: the UDP port of RMCP, by default 623.
type LANPrimaryPort struct {
	Port uint16 `wire:"byte 1-2"`
}

// LANSecondaryPort is LAN parameter 9: the UDP port of secure RMCP, by default 664.
type LANSecondaryPort struct {
	Port uint16 `wire:"byte 1-2"`
}

// LANARPControl is LAN parameter 10.
type LANARPControl struct {
	Responses  bool `wire:"byte 1, bit 1"` // the BMC answers ARP requests
	Gratuitous bool `wire:"bit 0"`         // the BMC sends gratuitous ARPs
}

// LANARPInterval is LAN parameter 11: the time between gratuitous ARPs.
type LANARPInterval struct {
	Interval uint8 `wire:"byte 1"` // in 500 ms
}

// LANDefaultGateway is LAN parameter 12.
type LANDefaultGateway struct {
	Address IPv4Address `wire:"byte 1-4"`
}

// LANDefaultGatewayMAC is LAN parameter 13.
type LANDefaultGatewayMAC struct {
	Address MACAddress `wire:"byte 1-6"`
}

// LANBackupGateway is LAN parameter 14.
type LANBackupGateway struct {
	Address IPv4Address `wire:"byte 1-4"`
}

// LANBackupGatewayMAC is LAN parameter 15.
type LANBackupGatewayMAC struct {
	Address MACAddress `wire:"byte 1-6"`
}

// LANCommunity is LAN parameter 16: the SNMP community of Platform Event Traps.
type LANCommunity struct {
	Community string `wire:"byte 1-18"`
}

// LANVLANID is LAN parameter 20.
type LANVLANID struct {
	ID      uint16 `wire:"byte 1-2, bits 11:0"`
	Enabled bool   `wire:"bit 15"` // packets of this channel have the VLAN's tag
}

// LANVLANPriority is LAN parameter 21.
type LANVLANPriority struct {
	Priority uint8 `wire:"byte 1, bits 2:0"`
}

// LANCipherSuiteCount is LAN parameter 22: how many cipher suites the next two parameters have.
type LANCipherSuiteCount struct {
	Count uint8 `wire:"byte 1, bits 4:0"` // 0 to 16
}

// maxCipherSuites is how many cipher suites LAN parameters 23 and 24 hold.
const maxCipherSuites = 16

// LANCipherSuites is LAN parameter 23: the IDs of the cipher suites. Some BMCs return 16
// of them, with 0 behind the last: LANCipherSuiteCount says how many are valid.
type LANCipherSuites struct {
	IDs []uint8 // at most 16
}

// AppendBinary appends the parameter's data to b.
func (p LANCipherSuites) AppendBinary(b []byte) ([]byte, error) {
	if len(p.IDs) > maxCipherSuites {
		return b, &RangeError{Field: "LANCipherSuites.IDs", Value: len(p.IDs), Max: maxCipherSuites}
	}
	return append(append(b, 0), p.IDs...), nil
}

// UnmarshalBinary reads the parameter from b.
func (p *LANCipherSuites) UnmarshalBinary(b []byte) error {
	if len(b) < 1 {
		return &LengthError{Message: "LANCipherSuites", Got: len(b), Want: 1}
	}
	p.IDs = append([]uint8(nil), b[1:min(len(b), 1+maxCipherSuites)]...)
	return nil
}

// LANCipherSuitePrivileges is LAN parameter 24: the maximum privilege level of sessions that use
// a cipher suite, in the order of LANCipherSuites. 0 is a suite that is not used.
type LANCipherSuitePrivileges struct {
	Max [maxCipherSuites]Privilege
}

// AppendBinary appends the parameter's data to b.
func (p LANCipherSuitePrivileges) AppendBinary(b []byte) ([]byte, error) {
	for _, m := range p.Max {
		if m > 0xf {
			return b, &RangeError{Field: "LANCipherSuitePrivileges.Max", Value: m, Max: 0xf}
		}
	}
	b = append(b, 0)
	for i := 0; i < maxCipherSuites; i += 2 {
		b = append(b, byte(p.Max[i])|byte(p.Max[i+1])<<4)
	}
	return b, nil
}

// UnmarshalBinary reads the parameter from b; what a BMC leaves out at the end is 0.
func (p *LANCipherSuitePrivileges) UnmarshalBinary(b []byte) error {
	if len(b) < 1 {
		return &LengthError{Message: "LANCipherSuitePrivileges", Got: len(b), Want: 1}
	}
	*p = LANCipherSuitePrivileges{}
	for i, c := range b[1:min(len(b), 1+maxCipherSuites/2)] {
		p.Max[2*i], p.Max[2*i+1] = Privilege(c&0xf), Privilege(c>>4)
	}
	return nil
}

// LANBadPassword is LAN parameter 26: when a user is locked out.
type LANBadPassword struct {
	Event     bool  `wire:"byte 1, bit 0"` // of the session audit sensor
	Threshold uint8 `wire:"byte 2"`        // wrong passwords in a row; 0 is no limit
	// in 10 s, after which wrong passwords are forgotten; 0 never
	ResetInterval uint16 `wire:"byte 3-4"`
	// in 10 s, how long a user is locked out; 0 for ever
	Lockout uint16 `wire:"byte 5-6"`
}
