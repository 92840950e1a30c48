package ipmi

// LANIPv6Support is LAN parameter 50: what the BMC can do with IPv6. It is missing in a BMC without
// IPv6.
type LANIPv6Support struct {
	Alerts   bool `wire:"byte 1, bit 2"` // alerts can go to IPv6 addresses
	Both     bool `wire:"bit 1"`         // IPv4 and IPv6 at the same time
	IPv6Only bool `wire:"bit 0"`
}

// LANIPv6Enables is LAN parameter 51.
type LANIPv6Enables struct {
	Mode IPAddressing `wire:"byte 1"`
}

// An IPAddressing says which versions of IP a channel uses.
type IPAddressing uint8

// Addressing modes.
const (
	IPv4Only    IPAddressing = 0
	IPv6Only    IPAddressing = 1
	IPv4AndIPv6 IPAddressing = 2
)

// String returns the mode as ipmitool lan6 print writes it.
func (m IPAddressing) String() string {
	switch m {
	case IPv4Only:
		return "ipv4"
	case IPv6Only:
		return "ipv6"
	case IPv4AndIPv6:
		return "both"
	}
	return "unknown"
}

// LANIPv6TrafficClass is LAN parameter 52: the traffic class of alerts.
type LANIPv6TrafficClass struct {
	Class uint8 `wire:"byte 1"`
}

// LANIPv6HopLimit is LAN parameter 53: the hop limit where no router says one.
type LANIPv6HopLimit struct {
	Limit uint8 `wire:"byte 1"`
}

// LANIPv6FlowLabel is LAN parameter 54.
type LANIPv6FlowLabel struct {
	Label uint32 `wire:"byte 1-3, msb"` // 20 bits
}

// LANIPv6Status is LAN parameter 55: how many IPv6 addresses the BMC can have, and from where.
type LANIPv6Status struct {
	StaticMax  uint8 `wire:"byte 1"`
	DynamicMax uint8 `wire:"byte 2"`
	SLAAC      bool  `wire:"byte 3, bit 1"`
	DHCPv6     bool  `wire:"bit 0"`
}

// LANIPv6StaticAddress is LAN parameter 56.
type LANIPv6StaticAddress struct {
	Set          uint8         `wire:"byte 1"` // from 0
	Enabled      bool          `wire:"byte 2, bit 7"`
	Source       IPv6Source    `wire:"bits 3:0"` // IPv6Static
	Address      IPv6Address   `wire:"byte 3-18"`
	PrefixLength uint8         `wire:"byte 19"`
	Status       AddressStatus `wire:"byte 20, optional"` // read-only
}

// LANIPv6DynamicAddress is LAN parameter 59.
type LANIPv6DynamicAddress struct {
	Set          uint8         `wire:"byte 1"` // from 0
	Source       IPv6Source    `wire:"byte 2, bits 3:0"`
	Address      IPv6Address   `wire:"byte 3-18"`
	PrefixLength uint8         `wire:"byte 19"`
	Status       AddressStatus `wire:"byte 20"`
}

// An IPv6Source says where an IPv6 address comes from.
type IPv6Source uint8

// IPv6 address sources.
const (
	IPv6Static IPv6Source = 0
	IPv6SLAAC  IPv6Source = 1
	IPv6DHCP   IPv6Source = 2
)

// String returns the source as ipmitool lan6 print writes it.
func (s IPv6Source) String() string {
	switch s {
	case IPv6Static:
		return "static"
	case IPv6SLAAC:
		return "SLAAC"
	case IPv6DHCP:
		return "DHCPv6"
	}
	return "unknown"
}

// An AddressStatus is the state of an IPv6 address.
type AddressStatus uint8

// Address states.
const (
	AddressActive     AddressStatus = 0
	AddressDisabled   AddressStatus = 1
	AddressPending    AddressStatus = 2 // duplicate address detection is running
	AddressFailed     AddressStatus = 3 // somebody else has it
	AddressDeprecated AddressStatus = 4 // the preferred lifetime is over
	AddressInvalid    AddressStatus = 5 // the valid lifetime is over
)

// String returns the state as ipmitool lan6 print writes it.
func (s AddressStatus) String() string {
	if int(s) < len(addressStatusWords) {
		return addressStatusWords[s]
	}
	return "unknown"
}

var addressStatusWords = [...]string{"active", "disabled", "pending", "failed", "deprecated",
	"invalid"}

// LANIPv6StaticDUIDBlocks is LAN parameter 57: how many blocks of 16 bytes a static DUID can have.
type LANIPv6StaticDUIDBlocks struct {
	Blocks uint8 `wire:"byte 1"`
}

// LANIPv6StaticDUID is LAN parameter 58: one block of the DUID of a static address. The first byte
// of block 0 is the length of what follows.
type LANIPv6StaticDUID struct {
	Set   uint8  `wire:"byte 1"`
	Block uint8  `wire:"byte 2"` // from 0
	Data  []byte `wire:"byte 3-"`
}

// LANIPv6DynamicDUIDBlocks is LAN parameter 60: how many blocks of 16 bytes a dynamic DUID can
// have.
type LANIPv6DynamicDUIDBlocks struct {
	Blocks uint8 `wire:"byte 1"`
}

// LANIPv6DynamicDUID is LAN parameter 61: one block of the DUID of a dynamic address, as in
// LANIPv6StaticDUID.
type LANIPv6DynamicDUID struct {
	Set   uint8  `wire:"byte 1"`
	Block uint8  `wire:"byte 2"` // from 0
	Data  []byte `wire:"byte 3-"`
}

// A TimingScope says for what timing can be configured.
type TimingScope uint8

// Timing scopes.
const (
	TimingFixed        TimingScope = 0 // it cannot
	TimingGlobal       TimingScope = 1
	TimingPerInterface TimingScope = 2
)

// LANDHCPv6TimingSupport is LAN parameter 62.
type LANDHCPv6TimingSupport struct {
	Scope TimingScope `wire:"byte 1, bits 1:0"`
}

// LANDHCPv6Timing is LAN parameter 63: one block of DHCPv6 timing values
// (Table 23-4a), 16 in the first and 6 in the second, one byte each.
type LANDHCPv6Timing struct {
	Set    uint8   `wire:"byte 1"` // 0 if the timing is global
	Block  uint8   `wire:"byte 2"`
	Values []uint8 `wire:"byte 3-"`
}

// LANIPv6RouterControl is LAN parameter 64.
type LANIPv6RouterControl struct {
	Dynamic bool `wire:"byte 1, bit 1"` // routers are found by router advertisements
	Static  bool `wire:"bit 0"`         // parameters 65-72 say the routers
}

// LANIPv6Router1Address is LAN parameter 65.
type LANIPv6Router1Address struct {
	Address IPv6Address `wire:"byte 1-16"`
}

// LANIPv6Router1MAC is LAN parameter 66.
type LANIPv6Router1MAC struct {
	Address MACAddress `wire:"byte 1-6"`
}

// LANIPv6Router1PrefixLength is LAN parameter 67.
type LANIPv6Router1PrefixLength struct {
	Length uint8 `wire:"byte 1"` // 0 to 128
}

// LANIPv6Router1Prefix is LAN parameter 68.
type LANIPv6Router1Prefix struct {
	Prefix IPv6Address `wire:"byte 1-16"`
}

// LANIPv6Router2Address is LAN parameter 69.
type LANIPv6Router2Address struct {
	Address IPv6Address `wire:"byte 1-16"`
}

// LANIPv6Router2MAC is LAN parameter 70.
type LANIPv6Router2MAC struct {
	Address MACAddress `wire:"byte 1-6"`
}

// LANIPv6Router2PrefixLength is LAN parameter 71.
type LANIPv6Router2PrefixLength struct {
	Length uint8 `wire:"byte 1"` // 0 to 128
}

// LANIPv6Router2Prefix is LAN parameter 72.
type LANIPv6Router2Prefix struct {
	Prefix IPv6Address `wire:"byte 1-16"`
}

// LANIPv6DynamicRouterCount is LAN parameter 73: how many sets parameters 74-77 have.
type LANIPv6DynamicRouterCount struct {
	Count uint8 `wire:"byte 1"`
}

// LANIPv6DynamicRouterAddress is LAN parameter 74.
type LANIPv6DynamicRouterAddress struct {
	Set     uint8       `wire:"byte 1"` // from 0
	Address IPv6Address `wire:"byte 2-17"`
}

// LANIPv6DynamicRouterMAC is LAN parameter 75.
type LANIPv6DynamicRouterMAC struct {
	Set     uint8      `wire:"byte 1"` // from 0
	Address MACAddress `wire:"byte 2-7"`
}

// LANIPv6DynamicRouterPrefixLength is LAN parameter 76.
type LANIPv6DynamicRouterPrefixLength struct {
	Set    uint8 `wire:"byte 1"` // from 0
	Length uint8 `wire:"byte 2"` // 0 to 128; FFh: there is no such router
}

// LANIPv6DynamicRouterPrefix is LAN parameter 77.
type LANIPv6DynamicRouterPrefix struct {
	Set    uint8       `wire:"byte 1"` // from 0
	Prefix IPv6Address `wire:"byte 2-17"`
}

// LANIPv6ReceivedHopLimit is LAN parameter 78: the hop limit that a router said last.
type LANIPv6ReceivedHopLimit struct {
	Limit uint8 `wire:"byte 1"`
}

// LANNeighborTimingSupport is LAN parameter 79.
type LANNeighborTimingSupport struct {
	Scope TimingScope `wire:"byte 1, bits 1:0"`
}

// LANNeighborTiming is LAN parameter 80: one block of neighbor discovery and SLAAC
// timing values (Table 23-4b), one byte each.
type LANNeighborTiming struct {
	Set    uint8   `wire:"byte 1"` // 0 if the timing is global
	Block  uint8   `wire:"byte 2"`
	Values []uint8 `wire:"byte 3-"`
}
