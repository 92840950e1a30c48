package bmc

import (
	"crypto/sha256"
	"maps"
	"net/netip"
	"sync"

	"lom/ipmi"
	"lom/rmcp"
)

// LANConfig is what the LAN configuration parameters say at first start. What a client writes later
// is kept, and shown again, but does not move the BMC's socket: that is the business of who
// listens.
type LANConfig struct {
	Address netip.Prefix // IPv4 address and netmask; the zero value is 0.0.0.0
	Gateway netip.Addr   // IPv4
	MAC     ipmi.MACAddress
	Port    uint16 // UDP; 0 is 623
}

// lan is the LAN channel's configuration and statistics (§23).
type lan struct {
	parameters
	suspended  ipmi.ARPStatus // true: while the watchdog runs, ARPs are left to software
	statistics Counters       // when they were last cleared
}

// lanDestinations is the number of non-volatile alert destinations; destination 0 is volatile.
const lanDestinations = 4

// lanIPv6Addresses is the number of static IPv6 addresses.
const lanIPv6Addresses = 2

// lanFamily is the LAN parameters that all BMCs have.
var lanFamily = sync.OnceValue(func() *parameterFamily {
	f := &parameterFamily{section: "lan", table: ipmi.LANParameters(),
		parse: parser(ipmi.ParseLANParameter), compute: computeLAN, accept: acceptLAN}
	f.add(
		ipmi.LANIPAddress{},
		ipmi.LANIPSource{Source: ipmi.IPSourceStatic},
		ipmi.LANMACAddress{},
		ipmi.LANSubnetMask{},
		ipmi.LANIPv4Header{TTL: 64, Flags: 2, ServiceType: 8},
		ipmi.LANPrimaryPort{Port: rmcp.Port},
		ipmi.LANSecondaryPort{Port: 664},
		ipmi.LANARPControl{Responses: true},
		ipmi.LANARPInterval{Interval: 4},
		ipmi.LANDefaultGateway{},
		ipmi.LANDefaultGatewayMAC{},
		ipmi.LANBackupGateway{},
		ipmi.LANBackupGatewayMAC{},
		ipmi.LANCommunity{Community: "public"},
		ipmi.LANDestinationCount{Count: lanDestinations},
		ipmi.LANVLANID{},
		ipmi.LANVLANPriority{},

		ipmi.LANIPv6Support{IPv6Only: true, Both: true},
		ipmi.LANIPv6Enables{Mode: ipmi.IPv4Only},
		ipmi.LANIPv6TrafficClass{},
		ipmi.LANIPv6HopLimit{Limit: 64},
		ipmi.LANIPv6FlowLabel{},
		ipmi.LANIPv6Status{StaticMax: lanIPv6Addresses},
		ipmi.LANIPv6StaticDUIDBlocks{},
		ipmi.LANIPv6StaticDUID{},
		ipmi.LANIPv6DynamicAddress{Status: ipmi.AddressDisabled},
		ipmi.LANIPv6DynamicDUIDBlocks{},
		ipmi.LANIPv6DynamicDUID{},
		ipmi.LANDHCPv6TimingSupport{},
		ipmi.LANIPv6RouterControl{},
		ipmi.LANIPv6Router1Address{}, ipmi.LANIPv6Router1MAC{}, ipmi.LANIPv6Router1PrefixLength{},
		ipmi.LANIPv6Router1Prefix{},
		ipmi.LANIPv6Router2Address{}, ipmi.LANIPv6Router2MAC{}, ipmi.LANIPv6Router2PrefixLength{},
		ipmi.LANIPv6Router2Prefix{},
		ipmi.LANIPv6DynamicRouterCount{},
		ipmi.LANNeighborTimingSupport{},
	)
	for d := range uint8(lanDestinations + 1) {
		f.add(ipmi.LANDestinationType{Destination: d, Timeout: 3},
			ipmi.LANDestinationAddress{Destination: d}, ipmi.LANDestinationVLAN{Destination: d})
	}
	for a := range uint8(lanIPv6Addresses) {
		f.add(ipmi.LANIPv6StaticAddress{Set: a, Status: ipmi.AddressDisabled})
	}
	return f
})

func (l *lan) load(b *BMC) error {
	l.parameterFamily = lanFamily()
	c := b.cfg.LAN
	port := c.Port
	if port == 0 {
		port = rmcp.Port
	}
	l.put(
		ipmi.LANIPAddress{Address: ipv4(c.Address.Addr())},
		ipmi.LANMACAddress{Address: b.macAddress()},
		ipmi.LANSubnetMask{Mask: netmask(c.Address)},
		ipmi.LANPrimaryPort{Port: port},
		ipmi.LANDefaultGateway{Address: ipv4(c.Gateway)},
	)
	b.listenReset(func(cold bool) {
		if cold {
			l.suspended = ipmi.ARPStatus{}
		}
	})
	return l.parameters.load(b)
}

// macAddress is the configured MAC address or else one made of the GUID, of those that anybody may
// use.
func (b *BMC) macAddress() ipmi.MACAddress {
	if b.cfg.LAN.MAC != (ipmi.MACAddress{}) {
		return b.cfg.LAN.MAC
	}
	sum := sha256.Sum256(b.controller.guid[:])
	mac := ipmi.MACAddress(sum[:6])
	mac[0] = mac[0]&^1 | 2
	return mac
}

func ipv4(a netip.Addr) ipmi.IPv4Address {
	if a = a.Unmap(); a.Is4() {
		return a.As4()
	}
	return ipmi.IPv4Address{}
}

func netmask(p netip.Prefix) (m ipmi.IPv4Address) {
	if !p.Addr().Unmap().Is4() {
		return m
	}
	for i := range max(p.Bits(), 0) {
		m[i/8] |= 0x80 >> (i % 8)
	}
	return m
}

// computeLAN returns the parameters that the log-in keeps (§23.2, Table 23-4).
func computeLAN(b *BMC, key parameterKey) ipmi.Parameter {
	l := &b.login
	switch key.Number {
	case ipmi.LANAuthTypeSupport{}.Number():
		return ipmi.LANAuthTypeSupport{Types: b.authTypes()}
	case ipmi.LANAuthTypeEnables{}.Number():
		t := &l.kept.AuthTypes
		return ipmi.LANAuthTypeEnables{Callback: t[ipmi.PrivilegeCallback],
			User:     t[ipmi.PrivilegeUser],
			Operator: t[ipmi.PrivilegeOperator], Administrator: t[ipmi.PrivilegeAdministrator],
			OEM: t[ipmi.PrivilegeOEM]}
	case ipmi.LANCipherSuiteCount{}.Number():
		return ipmi.LANCipherSuiteCount{Count: uint8(len(l.suites))}
	case ipmi.LANCipherSuites{}.Number():
		ids := make([]uint8, len(l.kept.SuitePrivilege)) // all of them, as most BMCs return them
		for i, s := range l.suites {
			ids[i] = uint8(s.ID)
		}
		return ipmi.LANCipherSuites{IDs: ids}
	case ipmi.LANCipherSuitePrivileges{}.Number():
		return ipmi.LANCipherSuitePrivileges{Max: l.kept.SuitePrivilege}
	case ipmi.LANBadPassword{}.Number():
		p := l.kept.BadPassword
		return ipmi.LANBadPassword{Event: p.Event, Threshold: p.Threshold, ResetInterval: p.Reset,
			Lockout: p.Lockout}
	}
	return nil
}

// acceptLAN says which values a LAN parameter can have.
func acceptLAN(ctx *Context, key parameterKey, p ipmi.Parameter) (ipmi.Parameter, error) {
	b := ctx.BMC
	l := &b.login
	switch p := p.(type) {
	case ipmi.LANAuthTypeEnables:
		types := l.kept.AuthTypes
		for i, t := range [...]ipmi.AuthTypes{p.Callback, p.User, p.Operator, p.Administrator,
			p.OEM} {
			if t&^b.authTypes() != 0 {
				return nil, ipmi.CodeInvalidDataField
			}
			types[int(ipmi.PrivilegeCallback)+i] = t
		}
		set(ctx, &l.kept.AuthTypes, types, l.save)
		return nil, nil
	case ipmi.LANCipherSuitePrivileges:
		for _, m := range p.Max {
			if m > ipmi.PrivilegeOEM {
				return nil, ipmi.CodeInvalidDataField
			}
		}
		for i := range p.Max[len(l.suites):] {
			p.Max[len(l.suites)+i] = 0
		}
		set(ctx, &l.kept.SuitePrivilege, p.Max, l.save)
		return nil, nil
	case ipmi.LANBadPassword:
		set(ctx, &l.kept.BadPassword, badPassword{Event: p.Event, Threshold: p.Threshold,
			Reset: p.ResetInterval, Lockout: p.Lockout}, l.save)
		ctx.AfterAnswer(func() {
			maps.DeleteFunc(l.failed, func(_ uint8, f failures) bool { return !f.locked })
		})
		return nil, nil
	case ipmi.LANIPSource:
		if p.Source > ipmi.IPSourceOther {
			return nil, ipmi.CodeInvalidDataField
		}
	case ipmi.LANMACAddress:
		if p.Address[0]&1 != 0 {
			return nil, ipmi.CodeInvalidDataField // a group of stations
		}
	case ipmi.LANDestinationType:
		if p.Type > ipmi.DestinationPET && p.Type < ipmi.DestinationOEM1 {
			return nil, ipmi.CodeInvalidDataField
		}
		return volatileSet(ctx, &b.lan.parameters, key, p), nil
	case ipmi.LANDestinationAddress:
		if p.Format != ipmi.AddressIPv4 {
			return nil, ipmi.CodeInvalidDataField // as LANIPv6Support says
		}
		return volatileSet(ctx, &b.lan.parameters, key, p), nil
	case ipmi.LANDestinationVLAN:
		if p.Format > 1 {
			return nil, ipmi.CodeInvalidDataField
		}
		return volatileSet(ctx, &b.lan.parameters, key, p), nil
	case ipmi.LANVLANID:
		if p.Enabled && (p.ID == 0 || p.ID == 0xfff) {
			return nil, ipmi.CodeParameterOutOfRange
		}
	case ipmi.LANIPv6Enables:
		if p.Mode > ipmi.IPv4AndIPv6 {
			return nil, ipmi.CodeInvalidDataField
		}
	case ipmi.LANIPv6FlowLabel:
		p.Label &= 0xfffff
		return p, nil
	case ipmi.LANIPv6StaticAddress:
		if p.Source != ipmi.IPv6Static || p.PrefixLength > 128 {
			return nil, ipmi.CodeInvalidDataField
		}
		if p.Status = ipmi.AddressDisabled; p.Enabled {
			p.Status = ipmi.AddressActive
		}
		return p, nil
	case ipmi.LANIPv6Router1PrefixLength:
		return p, prefixLength(p.Length)
	case ipmi.LANIPv6Router2PrefixLength:
		return p, prefixLength(p.Length)
	case ipmi.LANIPv6StaticDUID, ipmi.LANIPv6DynamicDUID:
		return nil, ipmi.CodeParameterOutOfRange // there is no room for any
	}
	return p, nil
}

func prefixLength(n uint8) error {
	if n > 128 {
		return ipmi.CodeInvalidDataField
	}
	return nil
}

// volatileSet returns p for a set that lasts; set 0, which does not, it stores itself.
func volatileSet(ctx *Context, s *parameters, key parameterKey, p ipmi.Parameter) ipmi.Parameter {
	if key.Set != 0 {
		return p
	}
	s.store(ctx, key, p, false)
	return nil
}

func handleLAN(m *Mux) {
	Handle(m, setLANConfiguration)
	Handle(m, getLANConfiguration)
	Handle(m, suspendARPs)
	Handle(m, getIPStatistics)
}

func setLANConfiguration(ctx *Context, req ipmi.SetLANConfiguration) (ipmi.NoData, error) {
	if !ctx.isLAN(req.Channel) {
		return ipmi.NoData{}, ipmi.CodeInvalidDataField
	}
	return ipmi.NoData{}, ctx.BMC.lan.set(ctx, req.Parameter, req.Data)
}

func getLANConfiguration(ctx *Context, req ipmi.GetLANConfiguration) (ipmi.ParameterData, error) {
	if !ctx.isLAN(req.Channel) {
		return ipmi.ParameterData{}, ipmi.CodeInvalidDataField
	}
	return ctx.BMC.lan.get(ctx.BMC, parameterKey{req.Parameter, req.Set, req.Block},
		req.RevisionOnly)
}

func suspendARPs(ctx *Context, req ipmi.SuspendARPs) (ipmi.ARPStatus, error) {
	b := ctx.BMC
	if !ctx.isLAN(req.Channel) {
		return ipmi.ARPStatus{}, ipmi.CodeInvalidDataField
	}
	b.lan.suspended = ipmi.ARPStatus{Responses: req.Responses, Gratuitous: req.Gratuitous}
	control, _ := b.lan.find(
		parameterKey{Number: ipmi.LANARPControl{}.Number()}).(ipmi.LANARPControl)
	runs := b.watchdog.timer != nil
	return ipmi.ARPStatus{
		Responses:  control.Responses && !(runs && req.Responses),
		Gratuitous: control.Gratuitous && !(runs && req.Gratuitous),
	}, nil
}

func getIPStatistics(ctx *Context, req ipmi.GetIPStatistics) (ipmi.IPStatistics, error) {
	b := ctx.BMC
	if !ctx.isLAN(req.Channel) {
		return ipmi.IPStatistics{}, ipmi.CodeInvalidDataField
	}
	now, then := b.sessions.counters, b.lan.statistics
	if req.Clear {
		b.lan.statistics = now
		return ipmi.IPStatistics{}, nil
	}
	packets := until16(now.Packets - then.Packets)
	return ipmi.IPStatistics{
		IPReceived: packets, UDPReceived: packets, IPSent: until16(now.Sent - then.Sent),
		RMCPReceived: until16(now.Packets - then.Packets - (now.Malformed - then.Malformed)),
	}, nil
}

// until16 returns n, or the most that a counter of 16 bits holds.
func until16(n uint64) uint16 { return uint16(min(n, 0xffff)) }
