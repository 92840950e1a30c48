package ipmi

import (
	"errors"
	"reflect"
	"testing"
)

// Parameters as ipmi_sim returned them to ipmitool raw, without the revision byte.
func TestParametersOfSimulator(t *testing.T) {
	checkWire(t, []wireCase{
		{"auth types", "\x1f", LANAuthTypeSupport{Types: 0x1f}},
		{"auth type enables", "\x17\x17\x17\x17\x00", LANAuthTypeEnables{Callback: 0x17, User: 0x17, Operator: 0x17, Administrator: 0x17}},
		{"address", "\x7f\x00\x00\x01", LANIPAddress{Address: IPv4Address{127, 0, 0, 1}}},
		{"source", "\x01", LANIPSource{Source: IPSourceStatic}},
		{"MAC", "\x02\x00\x00\x00\x4f\x4c", LANMACAddress{Address: MACAddress{2, 0, 0, 0, 0x4f, 0x4c}}},
		{"community", "public\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", LANCommunity{Community: "public"}},
		{"VLAN off", "\x00\x00", LANVLANID{}},
		{"suite count", "\x0f", LANCipherSuiteCount{Count: 15}},
		{"suites", "\x00\x01\x02\x03", LANCipherSuites{IDs: []uint8{1, 2, 3}}},
		{"filter", "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", PEFFilter{Entry: 1}},
		{"policy", "\x02\x00\x00\x00", PEFPolicy{Entry: 2}},
		{"PEF", "\x51\x3f\x10", PEFCapabilities{Version: 0x51, Actions: 0x3f, Filters: 16}},
		{"thresholds", "\x3f\x56\x42\x32\x9c\xa4\xae", SensorThresholds{Readable: AllThresholds, Values: [6]uint8{0x56, 0x42, 0x32, 0x9c, 0xa4, 0xae}}},
		{"SEL", "\x51\x0c\x00\x40\x3f\xa9\x0a\x00\x00\x00\x00\x00\x00\x0b",
			SELInfo{Version: 0x51, Entries: 12, Free: 0x3f40, LastAddition: 0xaa9,
				CanDelete: true, CanReserve: true, CanGetAllocation: true}},
		{"SEL allocation", "\x00\x40\x10\x00\x40\x3f\x40\x3f\x01", AllocationInfo{Units: 0x4000, UnitSize: 16, Free: 0x3f40, LargestFree: 0x3f40, MaxRecord: 1}},
		{"SDR repository", "\x51\x58\x00\xfe\xff\x13\x0f\x03\x6b\x00\x00\x00\x00\x02",
			SDRRepositoryInfo{Version: 0x51, Records: 88, Free: 0xfffe,
				LastAddition: 0x6b030f13, CanReserve: true}},
		{"FRU size", "\x00\x08\x00", FRUInventoryAreaInfo{Size: 2048}},
	})
}

// Parameters as their tables say, with every field at work.
func TestParametersOfTables(t *testing.T) {
	checkWire(t, []wireCase{
		{"IPv4 header", "\x40\x40\x10", LANIPv4Header{TTL: 64, Flags: 2, ServiceType: 8}},
		{"ARP", "\x02", LANARPControl{Responses: true}},
		{"VLAN", "\x64\x80", LANVLANID{ID: 100, Enabled: true}},
		{"suite privileges", "\x00\x44\x03\x00\x00\x00\x00\x00\x50", LANCipherSuitePrivileges{Max: [16]Privilege{4, 4, 3, 15: 5}}},
		{"destination", "\x01\x80\x03\x03", LANDestinationType{Destination: 1, Acknowledged: true, Timeout: 3, Retries: 3}},
		{"destination address", "\x01\x00\x01\xc0\x00\x02\x32\x02\x00\x5e\x00\x00\x32",
			LANDestinationAddress{Destination: 1, BackupGateway: true,
				IPv4: IPv4Address{192, 0, 2, 50}, MAC: MACAddress{2, 0, 0x5e, 0, 0, 0x32}}},
		{"IPv6 destination", "\x02\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", LANDestinationAddress{Destination: 2, Format: AddressIPv6,
			IPv6: IPv6Address{0x20, 0x01, 0x0d, 0xb8, 15: 1}}},
		{"VLAN tag", "\x03\x10\x2a\x61", LANDestinationVLAN{Destination: 3, Format: 1, ID: 0x12a, Priority: 3}},
		{"bad password", "\x01\x05\x3c\x00\x2c\x01", LANBadPassword{Event: true, Threshold: 5, ResetInterval: 60, Lockout: 300}},
		{"flow label", "\x01\x23\x45", LANIPv6FlowLabel{Label: 0x12345}},
		{"SOL authentication", "\xc3", SOLAuthentication{ForceEncryption: true, ForceAuthentication: true, Privilege: PrivilegeOperator}},
		{"SOL retry", "\x07\x32", SOLRetry{Count: 7, Interval: 50}},
		{"SOL bit rate", "\x0a", SOLBitRate{Rate: BitRate115200}},
		// Critical temperatures, any sensor.
		{"filter", "\x01\x80\x01\x01\x10\xff\xff\x01\xff\x01\x80\x00\x00\xff\x00\x00\xff\x00\x00\xff\x00", PEFFilter{Entry: 1, EventFilter: EventFilter{
			Enabled: true, Actions: PEFAlert, Policy: 1, Severity: PEFSeverityCritical,
			Generator: FilterAny, GeneratorLUN: FilterAny,
			SensorType: SensorTemperature, Sensor: FilterAny, EventType: EventThreshold,
			Offsets: 0x80,
			Data1:   ByteFilter{Exact: 0xff}, Data2: ByteFilter{Exact: 0xff},
			Data3: ByteFilter{Exact: 0xff}}}},
		{"filter state", "\x05\xc0", PEFFilterState{Entry: 5, Enabled: true, Kind: FilterPreconfigured}},
		{"policy", "\x01\x18\x11\x83", PEFPolicy{Entry: 1, Set: 1, Enabled: true, Channel: 1, Destination: 1, EventString: true, String: 3}},
		{"alert string", "\x01\x02over", PEFString{String: 1, Block: 2, Data: []byte("over")}},
		{"serial mode", "\x85", SerialConnectionMode{Direct: true, Terminal: true, Basic: true}},
		{"forwarded", "\x81\x02\x43\x07\x18\x01", ForwardedCommand{Channel: 1, Session: &ForwardedSession{User: 2, MaxPrivilege: 4, Privilege: 3, Handle: 7}, Request: []byte{0x18, 1}}},
	})
}

func TestParseParameter(t *testing.T) {
	p, err := ParseLANParameter(3, []byte{192, 0, 2, 1})
	if want := (LANIPAddress{Address: IPv4Address{192, 0, 2, 1}}); err != nil || p != want {
		t.Errorf("parameter 3: %v, %v", p, err)
	}
	if _, err := ParsePEFParameter(6, []byte{1, 2}); !errors.Is(err, ErrMalformed) {
		t.Errorf("a short filter: %v", err)
	}
	data := []byte{1, 2, 3}
	p, err = ParseLANParameter(0xc0, data)
	data[0] = 9
	if want := (RawParameter{0xc0, []byte{1, 2, 3}}); err != nil || !reflect.DeepEqual(p, want) {
		t.Errorf("an OEM parameter: %v, %v", p, err)
	}
	if i, ok := FindParameter(LANParameters(), 18); !ok || !i.HasSet || i.ReadOnly {
		t.Errorf("parameter 18: %+v", i)
	}
	if a, err := (LANDestinationAddress{Format: 9}).AppendBinary(nil); err == nil {
		t.Errorf("an unknown format became % x", a)
	}
}

// TestByteFilter has the examples of §17.10 and the wildcard of Table 17-2.
func TestByteFilter(t *testing.T) {
	for _, c := range []struct {
		name    string
		f       ByteFilter
		yes, no []byte
	}{
		{"two bits", ByteFilter{0x06, 0xff, 0x06}, []byte{0x06, 0xff}, []byte{0x02, 0x04, 0x00}},
		{"either bit", ByteFilter{0x06, 0xf9, 0x06}, []byte{0x02, 0x04, 0x06}, []byte{0x00, 0xf9}},
		{"one set and one clear", ByteFilter{0x06, 0xff, 0x04}, []byte{0x04, 0xfd}, []byte{0x06, 0x02, 0x00}},
		{"one set or one clear", ByteFilter{0x06, 0xf9, 0x04}, []byte{0x04, 0x00, 0x06}, []byte{0x02}},
		{"a nibble and any bit", ByteFilter{0xff, 0xf0, 0xaf}, []byte{0xa1, 0xaf, 0xa8}, []byte{0xa0, 0xb1}},
		{"a nibble and any clear bit", ByteFilter{0xff, 0xf0, 0xa0}, []byte{0xa0, 0xa7}, []byte{0xaf, 0xb0}},
		{"any byte", ByteFilter{}, []byte{0x00, 0x5a, 0xff}, nil},
		{"any byte, with exact compares", ByteFilter{0x00, 0xff, 0x00}, []byte{0x00, 0x5a, 0xff}, nil},
	} {
		for _, b := range c.yes {
			if !c.f.Match(b) {
				t.Errorf("%s: %02x does not match", c.name, b)
			}
		}
		for _, b := range c.no {
			if c.f.Match(b) {
				t.Errorf("%s: %02x matches", c.name, b)
			}
		}
	}
}

func TestEventFilter(t *testing.T) {
	f := EventFilter{Generator: FilterAny, GeneratorLUN: FilterAny, SensorType: SensorTemperature,
		Sensor: FilterAny, EventType: EventThreshold, Offsets: 1 << 9}
	e := PlatformEvent{Revision: EventRevision, SensorType: SensorTemperature, Sensor: 5,
		EventType: EventThreshold, Data: [3]byte{0x59, 0x70, 0x6e}}
	if !f.Match(0x20, 0, e) {
		t.Error("upper critical going high does not match")
	}
	e.Data[0] = 0x57
	if f.Match(0x20, 0, e) {
		t.Error("another offset matches")
	}
	e.Data[0], e.Deassertion = 0x59, true
	if f.Match(0x20, 0, e) {
		t.Error("a deassertion matches")
	}
	f.Generator, e.Deassertion = 0x41, false
	if f.Match(0x20, 0, e) {
		t.Error("another generator matches")
	}
}
