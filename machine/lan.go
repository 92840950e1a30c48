package machine

import (
	"context"
	"fmt"

	"lom/client"
	"lom/ipmi"
)

// LAN is the network settings of a channel (§23.2, Table 23-4). What the BMC does not have is
// absent.
type LAN struct {
	Channel       uint8  `json:"channel"`
	SetInProgress string `json:"set_in_progress,omitempty" enum:"set-complete,set-in-progress,commit-write,reserved"`

	AuthTypes []string `json:"auth_types_supported,omitzero" enum:"none,md2,md5,password,oem"`

	AuthEnabled *LANAuthEnabled `json:"auth_types_enabled,omitempty"`

	IPSource string `json:"ip_address_source,omitempty" enum:"unspecified,static,dhcp,bios,other"`

	IPAddress     string       `json:"ip_address,omitempty"`
	SubnetMask    string       `json:"subnet_mask,omitempty"`
	MACAddress    string       `json:"mac_address,omitempty"`
	Community     *string      `json:"snmp_community,omitempty"` // of traps
	IPHeader      *LANIPHeader `json:"ip_header,omitempty"`
	ARP           *LANARP      `json:"bmc_arp,omitempty"`
	ARPInterval   *float64     `json:"gratuitous_arp_interval_seconds,omitempty"`
	Gateway       string       `json:"default_gateway,omitempty"`
	GatewayMAC    string       `json:"default_gateway_mac,omitempty"`
	BackupGateway string       `json:"backup_gateway,omitempty"`
	BackupMAC     string       `json:"backup_gateway_mac,omitempty"`
	VLAN          *LANVLAN     `json:"vlan,omitempty"`
	VLANPriority  *uint8       `json:"vlan_priority,omitempty"`
	Suites        []int        `json:"cipher_suites,omitzero"` // IDs

	SuitePrivileges []string `json:"cipher_suite_privileges,omitzero" enum:"unused,callback,user,operator,administrator,oem,no-access,unknown"`

	BadPassword *LANBadPassword `json:"bad_password,omitempty"`

	Parameters LANParameters `json:"-"`
}

// LANAuthEnabled is the IPMI 1.5 authentication types that sessions of each privilege level may
// use.
type LANAuthEnabled struct {
	Callback []string `json:"callback" enum:"none,md2,md5,password,oem"`
	User     []string `json:"user" enum:"none,md2,md5,password,oem"`
	Operator []string `json:"operator" enum:"none,md2,md5,password,oem"`
	Admin    []string `json:"admin" enum:"none,md2,md5,password,oem"`
	OEM      []string `json:"oem" enum:"none,md2,md5,password,oem"`
}

// A LANIPHeader is what is in the IPv4 headers of packets that the BMC sends: the bytes in which
// the fields are, with the other bits 0.
type LANIPHeader struct {
	TTL        uint8 `json:"ttl"`
	Flags      uint8 `json:"flags"`
	Precedence uint8 `json:"precedence"`
	TOS        uint8 `json:"tos"`
}

// LANARP is what the BMC does of ARP by itself.
type LANARP struct {
	Responses  bool `json:"responses"`
	Gratuitous bool `json:"gratuitous"`
}

// A LANVLAN is the VLAN of a channel.
type LANVLAN struct {
	Enabled bool   `json:"enabled"`
	ID      uint16 `json:"id"`
}

// LANBadPassword says when a user is locked out.
type LANBadPassword struct {
	Threshold uint8 `json:"threshold"`                // wrong passwords in a row; 0: no limit
	Event     bool  `json:"event"`                    // a lock-out is an event
	Reset     int   `json:"reset_interval_seconds"`   // after which they are forgotten; 0: never
	Lockout   int   `json:"lockout_interval_seconds"` // 0: until somebody enables the user again
}

// LANParameters are the parameters that a [LAN] was made from; nil is one that the BMC does not
// have.
type LANParameters struct {
	Progress        *ipmi.SetInProgress
	AuthTypes       *ipmi.LANAuthTypeSupport
	AuthEnabled     *ipmi.LANAuthTypeEnables
	IPSource        *ipmi.LANIPSource
	IPAddress       *ipmi.LANIPAddress
	SubnetMask      *ipmi.LANSubnetMask
	MACAddress      *ipmi.LANMACAddress
	Community       *ipmi.LANCommunity
	IPHeader        *ipmi.LANIPv4Header
	ARP             *ipmi.LANARPControl
	ARPInterval     *ipmi.LANARPInterval
	Gateway         *ipmi.LANDefaultGateway
	GatewayMAC      *ipmi.LANDefaultGatewayMAC
	BackupGateway   *ipmi.LANBackupGateway
	BackupMAC       *ipmi.LANBackupGatewayMAC
	VLAN            *ipmi.LANVLANID
	VLANPriority    *ipmi.LANVLANPriority
	SuiteCount      *ipmi.LANCipherSuiteCount
	Suites          *ipmi.LANCipherSuites
	SuitePrivileges *ipmi.LANCipherSuitePrivileges
	BadPassword     *ipmi.LANBadPassword
}

// What is tried when LAN parameters are read and written.
const (
	getLAN = "Get LAN Parameter command"
	setLAN = "Set LAN Parameter command"
)

// LAN reads the network settings of a channel. If the BMC refuses some that it has, the others come
// with a [*PartialError].
func (m *Machine) LAN(ctx context.Context, channel uint8) (LAN, error) {
	var p LANParameters
	r := newParamReader(ctx, m.conn)
	readLAN(r, channel, &p.Progress)
	readLAN(r, channel, &p.AuthTypes)
	readLAN(r, channel, &p.AuthEnabled)
	readLAN(r, channel, &p.IPSource)
	readLAN(r, channel, &p.IPAddress)
	readLAN(r, channel, &p.SubnetMask)
	readLAN(r, channel, &p.MACAddress)
	readLAN(r, channel, &p.Community)
	readLAN(r, channel, &p.IPHeader)
	readLAN(r, channel, &p.ARP)
	readLAN(r, channel, &p.ARPInterval)
	readLAN(r, channel, &p.Gateway)
	readLAN(r, channel, &p.GatewayMAC)
	readLAN(r, channel, &p.BackupGateway)
	readLAN(r, channel, &p.BackupMAC)
	readLAN(r, channel, &p.VLAN)
	readLAN(r, channel, &p.VLANPriority)
	readLAN(r, channel, &p.SuiteCount)
	readLAN(r, channel, &p.Suites)
	readLAN(r, channel, &p.SuitePrivileges)
	readLAN(r, channel, &p.BadPassword)
	err := failed(getLAN, r.wait())
	if err != nil && p.Progress != nil {
		err = &PartialError{err} // what could be read may be all that is needed
	}
	return p.lan(channel), err
}

// lan makes the settings of a channel of its parameters.
func (p LANParameters) lan(channel uint8) LAN {
	v := LAN{Channel: channel, Parameters: p}
	if p.Progress != nil {
		v.SetInProgress = SetStates[p.Progress.State&3]
	}
	if p.AuthTypes != nil {
		v.AuthTypes = authWords(p.AuthTypes.Types)
	}
	if e := p.AuthEnabled; e != nil {
		v.AuthEnabled = &LANAuthEnabled{
			authWords(e.Callback), authWords(e.User), authWords(e.Operator),
			authWords(e.Administrator), authWords(e.OEM),
		}
	}
	if p.IPSource != nil {
		v.IPSource = "other"
		if s := int(p.IPSource.Source); s < len(IPSources) {
			v.IPSource = IPSources[s]
		}
	}
	if p.Community != nil {
		v.Community = &p.Community.Community
	}
	if h := p.IPHeader; h != nil {
		v.IPHeader = &LANIPHeader{h.TTL, h.Flags << 5, h.Precedence << 5, h.ServiceType << 1}
	}
	if p.ARP != nil {
		v.ARP = &LANARP{p.ARP.Responses, p.ARP.Gratuitous}
	}
	if p.ARPInterval != nil {
		v.ARPInterval = new(float64(p.ARPInterval.Interval)/2 + 0.5) // counted from 0
	}
	p.addresses(&v)
	if p.VLAN != nil {
		v.VLAN = &LANVLAN{p.VLAN.Enabled, p.VLAN.ID}
	}
	if p.VLANPriority != nil {
		v.VLANPriority = &p.VLANPriority.Priority
	}
	if p.SuiteCount != nil && p.Suites != nil {
		v.Suites = []int{}
		for _, id := range p.Suites.IDs[:min(len(p.Suites.IDs), int(p.SuiteCount.Count))] {
			v.Suites = append(v.Suites, int(id))
		}
	}
	if p.SuitePrivileges != nil {
		for _, level := range p.SuitePrivileges.Max {
			w := "unused"
			if level != 0 {
				w = privilegeWord(level)
			}
			v.SuitePrivileges = append(v.SuitePrivileges, w)
		}
	}
	if b := p.BadPassword; b != nil {
		v.BadPassword = &LANBadPassword{
			b.Threshold, b.Event, 10 * int(b.ResetInterval), 10 * int(b.Lockout),
		}
	}
	return v
}

// addresses writes the addresses as text.
func (p *LANParameters) addresses(v *LAN) {
	if p.IPAddress != nil {
		v.IPAddress = p.IPAddress.Address.String()
	}
	if p.SubnetMask != nil {
		v.SubnetMask = p.SubnetMask.Mask.String()
	}
	if p.MACAddress != nil {
		v.MACAddress = p.MACAddress.Address.String()
	}
	if p.Gateway != nil {
		v.Gateway = p.Gateway.Address.String()
	}
	if p.GatewayMAC != nil {
		v.GatewayMAC = p.GatewayMAC.Address.String()
	}
	if p.BackupGateway != nil {
		v.BackupGateway = p.BackupGateway.Address.String()
	}
	if p.BackupMAC != nil {
		v.BackupMAC = p.BackupMAC.Address.String()
	}
}

// The words for the states of a set of parameters and for the sources of an IPv4 address, by
// number.
var (
	SetStates = []string{"set-complete", "set-in-progress", "commit-write", "reserved"}
	IPSources = []string{"unspecified", "static", "dhcp", "bios"}
)

// AuthTypes are the IPMI 1.5 authentication types in the order in which ipmitool lists them.
var AuthTypes = []ipmi.AuthType{
	ipmi.AuthNone, ipmi.AuthMD2, ipmi.AuthMD5, ipmi.AuthPassword, ipmi.AuthOEM,
}

// authWords are the words for the authentication types in a set.
func authWords(s ipmi.AuthTypes) []string {
	words := []string{}
	for _, t := range AuthTypes {
		if s.Has(t) {
			words = append(words, word(t.String()))
		}
	}
	return words
}

// A NotLANError says that a channel is not a LAN.
type NotLANError struct {
	Channel uint8 // 0: the BMC has no channel that is one
}

func (e *NotLANError) Error() string {
	if e.Channel == 0 {
		return "the BMC has no LAN channel"
	}
	return fmt.Sprintf("channel %d of the BMC is not a LAN", e.Channel)
}

// An UnknownLANError says that a BMC does not say which of its channels are LANs. Err is its
// refusal.
type UnknownLANError struct{ Err error }

func (e *UnknownLANError) Error() string {
	return "the BMC does not say which of its channels are LANs " +
		"(it has no Get Channel Info command)"
}
func (e *UnknownLANError) Unwrap() error { return e.Err }

// FirstLAN returns the number of the first channel that is a LAN. If there is none the error is a
// [*NotLANError], and an [*UnknownLANError] if the BMC has no Get Channel Info command.
func (m *Machine) FirstLAN(ctx context.Context) (uint8, error) {
	for n := uint8(1); n <= ipmi.ChannelPresent; n++ {
		is, err := m.isLAN(ctx, n)
		switch {
		case refused(err, ipmi.CodeInvalidCommand):
			return 0, &UnknownLANError{err}
		case err != nil && !refused(err):
			return 0, err
		case is:
			return n, nil
		}
	}
	return 0, &NotLANError{}
}

// CheckLAN returns a [*NotLANError] if a channel is not a LAN. A BMC without a Get Channel Info
// command leaves it to the caller to know.
func (m *Machine) CheckLAN(ctx context.Context, channel uint8) error {
	is, err := m.isLAN(ctx, channel)
	switch {
	case is, refused(err, ipmi.CodeInvalidCommand):
		return nil
	case err != nil && !refused(err):
		return err
	}
	return &NotLANError{channel}
}

// isLAN reports whether a channel is a LAN (§22.24).
func (m *Machine) isLAN(ctx context.Context, channel uint8) (bool, error) {
	i, err := do(ctx, m, "Get Channel Info command", ipmi.GetChannelInfo{Channel: channel})
	return err == nil && (i.Medium == ipmi.MediumLAN || i.Medium == ipmi.MediumOtherLAN), err
}

// LANStatistics counts the packets of a channel (§23.4). The counters stop at 65535.
type LANStatistics struct {
	IPReceived       uint16 `json:"ip_received"`
	IPHeaderErrors   uint16 `json:"ip_header_errors"`
	IPAddressErrors  uint16 `json:"ip_address_errors"`
	IPFragments      uint16 `json:"ip_fragments"`
	IPSent           uint16 `json:"ip_sent"`
	UDPReceived      uint16 `json:"udp_received"`
	RMCPReceived     uint16 `json:"rmcp_received_valid"`
	UDPProxyReceived uint16 `json:"udp_proxy_received"`
	UDPProxyDropped  uint16 `json:"udp_proxy_dropped"`
}

// LANStatistics reads the packet counters of a channel.
func (m *Machine) LANStatistics(ctx context.Context, channel uint8) (LANStatistics, error) {
	s, err := do(ctx, m, "Get LAN Stats command", ipmi.GetIPStatistics{Channel: channel})
	return LANStatistics(s), err
}

// ClearLANStatistics sets the packet counters of a channel to 0.
func (m *Machine) ClearLANStatistics(ctx context.Context, channel uint8) error {
	q := ipmi.GetIPStatistics{Channel: channel, Clear: true}
	_, err := do(ctx, m, "Get LAN Stats command", q)
	return err
}

// LANParameter reads a parameter of a channel, which may have selectors.
func LANParameter[P ipmi.LANParameter, PP ipmi.Reader[P]](
	ctx context.Context, m *Machine, channel uint8, selectors ...uint8,
) (P, error) {
	p, err := client.LANParam[P, PP](ctx, m.conn, channel, selectors...)
	return p, failed(getLAN, err)
}
