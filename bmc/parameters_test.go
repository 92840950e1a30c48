package bmc

import (
	"net/netip"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
)

// setLAN writes a LAN parameter and returns the completion code.
func setLAN(t *testing.T, b *BMC, p ipmi.LANParameter) ipmi.CompletionCode {
	t.Helper()
	data, err := p.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, cc := ask(t, b, ipmi.SetLANConfiguration{Channel: channelLAN, Parameter: p.Number(),
		Data: data})
	return cc
}

// lanParam reads a LAN parameter.
func lanParam[P ipmi.LANParameter](t *testing.T, b *BMC, set ...uint8) P {
	t.Helper()
	var p P
	q := ipmi.GetLANConfiguration{Channel: channelLAN, Parameter: p.Number()}
	if len(set) > 0 {
		q.Set = set[0]
	}
	got, err := ipmi.ParseLANParameter(p.Number(), must(t, b, q).Data)
	if err != nil {
		t.Fatal(err)
	}
	return got.(P)
}

func TestLANParameters(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	config := func(c *Config) {
		c.StateFile = file
		c.LAN = LANConfig{Address: netip.MustParsePrefix("192.0.2.10/24"),
			Gateway: netip.MustParseAddr("192.0.2.1"), MAC: ipmi.MACAddress{2, 0, 0, 0, 0, 1}}
	}
	b := newTest(t, config)
	if got := lanParam[ipmi.LANSubnetMask](t, b).Mask.String(); got != "255.255.255.0" {
		t.Errorf("netmask %s", got)
	}
	for _, p := range []ipmi.LANParameter{
		ipmi.LANIPAddress{Address: ipmi.IPv4Address{192, 0, 2, 20}},
		ipmi.LANCommunity{Community: "lab"},
		ipmi.LANAuthTypeEnables{Administrator: 1 << ipmi.AuthMD5},
		ipmi.LANDestinationAddress{Destination: 1, IPv4: ipmi.IPv4Address{192, 0, 2, 50}},
		ipmi.LANDestinationAddress{Destination: 0, IPv4: ipmi.IPv4Address{192, 0, 2, 51}},
		ipmi.LANBadPassword{Threshold: 5, ResetInterval: 6},
		ipmi.LANIPv6StaticAddress{Set: 1, Enabled: true, PrefixLength: 64},
	} {
		if cc := setLAN(t, b, p); cc != ipmi.CodeOK {
			t.Errorf("%T: %v", p, cc)
		}
	}
	if got := lanParam[ipmi.LANIPv6StaticAddress](t, b, 1).Status; got != ipmi.AddressActive {
		t.Errorf("an enabled IPv6 address is %v", got)
	}
	b.Close()

	b = newTest(t, config)
	if got := lanParam[ipmi.LANIPAddress](t, b).Address.String(); got != "192.0.2.20" {
		t.Errorf("after a restart the address is %s", got)
	}
	if got := lanParam[ipmi.LANCommunity](t, b).Community; got != "lab" {
		t.Errorf("after a restart the community is %q", got)
	}
	if got := lanParam[ipmi.LANAuthTypeEnables](t, b); got.Administrator != 1<<ipmi.AuthMD5 {
		t.Errorf("after a restart: %+v", got)
	}
	if got := lanParam[ipmi.LANBadPassword](t, b); got.Threshold != 5 || got.ResetInterval != 6 {
		t.Errorf("after a restart: %+v", got)
	}
	if got := lanParam[ipmi.LANDestinationAddress](t, b, 1).IPv4.String(); got != "192.0.2.50" {
		t.Errorf("after a restart destination 1 is %s", got)
	}
	if got := lanParam[ipmi.LANDestinationAddress](t, b, 0).IPv4.String(); got != "0.0.0.0" {
		t.Errorf("the volatile destination was kept: %s", got)
	}
}

func TestLANParametersRefused(t *testing.T) {
	b := newTest(t, nil)
	for _, c := range []struct {
		name string
		p    ipmi.LANParameter
		want ipmi.CompletionCode
	}{
		{"read-only", ipmi.LANAuthTypeSupport{}, ipmi.CodeParameterReadOnly},
		{"an OEM parameter", ipmi.RawParameter{Selector: 192, Data: []byte{1}}, ipmi.CodeParameterNotSupported},
		{"a known parameter that the BMC lacks", ipmi.LANNeighborTiming{}, ipmi.CodeParameterNotSupported},
		{"too short", ipmi.RawParameter{Selector: 3, Data: []byte{1, 2, 3}}, ipmi.CodeDataLengthInvalid},
		{"too long", ipmi.RawParameter{Selector: 3, Data: []byte{1, 2, 3, 4, 5}}, ipmi.CodeDataLengthInvalid},
		{"authentication none", ipmi.LANAuthTypeEnables{Administrator: 1 << ipmi.AuthNone}, ipmi.CodeInvalidDataField},
		{"a destination too many", ipmi.LANDestinationType{Destination: 9}, ipmi.CodeParameterOutOfRange},
		{"an address source", ipmi.LANIPSource{Source: 7}, ipmi.CodeInvalidDataField},
		{"VLAN 0", ipmi.LANVLANID{Enabled: true}, ipmi.CodeParameterOutOfRange},
	} {
		if cc := setLAN(t, b, c.p); cc != c.want {
			t.Errorf("%s: %v, want %v", c.name, cc, c.want)
		}
	}
	if _, cc := ask(t, b, ipmi.GetLANConfiguration{Channel: 3, Parameter: 3}); cc !=
		ipmi.CodeInvalidDataField {
		t.Errorf("a channel that there is not: %v", cc)
	}
	if _, cc := ask(t, b, ipmi.GetLANConfiguration{Channel: channelLAN, Parameter: 18,
		Set: 9}); cc != ipmi.CodeParameterOutOfRange {
		t.Errorf("a destination that there is not: %v", cc)
	}
	if r := must(t, b, ipmi.GetLANConfiguration{Channel: channelSame, Parameter: 18,
		RevisionOnly: true}); r.Revision != 0x11 || len(r.Data) != 0 {
		t.Errorf("revision only: %+v", r)
	}
}

func TestSetInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		set := func(s ipmi.SetState) ipmi.CompletionCode {
			return setLAN(t, b, ipmi.SetInProgress{State: s})
		}
		if cc := set(ipmi.SetBusy); cc != ipmi.CodeOK {
			t.Fatal(cc)
		}
		if cc := set(ipmi.SetBusy); cc != ipmi.CodeSetInProgress {
			t.Errorf("a second client claims the parameters: %v", cc)
		}
		if got := lanParam[ipmi.SetInProgress](t, b).State; got != ipmi.SetBusy {
			t.Errorf("state %v", got)
		}
		if cc := set(ipmi.SetCommitWrite); cc != ipmi.CodeOK {
			t.Errorf("commit: %v", cc)
		}
		set(ipmi.SetComplete)
		if cc := set(ipmi.SetBusy); cc != ipmi.CodeOK {
			t.Errorf("after completion: %v", cc)
		}
		time.Sleep(claimTime + time.Second)
		if cc := set(ipmi.SetBusy); cc != ipmi.CodeOK {
			t.Errorf("after a client that ended: %v", cc)
		}
	})
}

func TestSOLParameters(t *testing.T) {
	b := newTest(t, nil)
	for _, c := range []struct {
		p    ipmi.SOLParameter
		want ipmi.CompletionCode
	}{
		{ipmi.SOLEnable{}, ipmi.CodeOK},
		{ipmi.SOLRetry{Count: 3, Interval: 10}, ipmi.CodeOK},
		{ipmi.SOLVolatileBitRate{Rate: ipmi.BitRate9600}, ipmi.CodeOK},
		{ipmi.SOLBitRate{Rate: 3}, ipmi.CodeParameterOutOfRange},
		{ipmi.SOLAuthentication{Privilege: ipmi.PrivilegeCallback}, ipmi.CodeInvalidDataField},
		{ipmi.SOLAccumulate{}, ipmi.CodeInvalidDataField},
		{ipmi.SOLPayloadPort{Port: 1}, ipmi.CodeParameterReadOnly},
		{ipmi.SOLPayloadChannel{}, ipmi.CodeParameterReadOnly},
	} {
		data, _ := c.p.AppendBinary(nil)
		if _, cc := ask(t, b, ipmi.SetSOLConfiguration{Channel: channelLAN, Parameter: c.p.Number(),
			Data: data}); cc != c.want {
			t.Errorf("%+v: %v, want %v", c.p, cc, c.want)
		}
	}
	if got := solValue[ipmi.SOLRetry](b); got != (ipmi.SOLRetry{Count: 3, Interval: 10}) {
		t.Errorf("%+v", got)
	}
}

func TestStatistics(t *testing.T) {
	b := newTest(t, nil)
	b.HandlePacket(nil, netip.AddrPort{}, []byte{1, 2})
	if r := must(t, b, ipmi.GetIPStatistics{Channel: channelLAN}); r.IPReceived != 1 ||
		r.RMCPReceived != 0 {
		t.Errorf("%+v", r)
	}
	must(t, b, ipmi.GetIPStatistics{Channel: channelLAN, Clear: true})
	if r := must(t, b, ipmi.GetIPStatistics{Channel: channelLAN}); r != (ipmi.IPStatistics{}) {
		t.Errorf("after clearing: %+v", r)
	}
}
