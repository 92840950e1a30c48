package ipmi

import (
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func bytesOf(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func ptr[T any](v T) *T { return &v }

// realBytes are messages as other programs write them: answers of ipmi_sim (OpenIPMI 2.0.33) to
// ipmitool raw, answers and requests in ipmitool 1.8.19's debug output, and the examples of the
// specifications.
var realBytes = []struct {
	bytes string
	value message
}{
	// ipmi_sim
	{"5a1e0000000000000000000000004ee8", &SystemGUID{GUID{0x5a, 0x1e, 14: 0x4e, 15: 0xe8}}},
	{"08", &BMCGlobalEnables{GlobalEnables{EventLogging: true}}},
	{"013f01020411", &SessionInfo{Handle: 1, Slots: 63, ActiveSessions: 1,
		Session: &ActiveSession{User: 2, Privilege: PrivilegeAdministrator, Protocol: SessionIPMI20,
			Channel: 1}}},
	{"0204", &ChannelAccess{Alerting: true, PerMessage: true, UserLevel: true, Mode: AccessAlways, Limit: PrivilegeAdministrator}},
	{"01040181f21b000000", &ChannelInfo{Channel: 1, Medium: MediumLAN, Protocol: ProtocolIPMB, SessionSupport: MultiSession, ActiveSessions: 1, Vendor: VendorIPMI}},
	{"0f050500f21b000000", &ChannelInfo{Channel: 15, Medium: MediumSerial, Protocol: ProtocolKCS, Vendor: VendorIPMI}},
	{"3f050114", &UserAccess{MaxUsers: 63, EnabledUsers: 5, FixedNames: 1, Messaging: true, Limit: PrivilegeAdministrator}},
	{"61646d696e0000000000000000000000", &UserName{"admin"}},
	{"010000", &PayloadActivationStatus{Capacity: 1}},
	{"000000000100000000000000", &PayloadInstanceInfo{Info: [8]byte{1}}},
	{"0600000000000000", &ChannelPayloadSupport{Standard: 6}},
	{"01c000004080c001014080c002014180c0", &ChannelCipherSuites{1, bytesOf("c000004080c001014080c002014180c0")}},
	{"0020202020", &ChassisCapabilities{FRUDevice: 0x20, SDRDevice: 0x20, SELDevice: 0x20, SystemManagement: 0x20}},

	// ipmitool
	{"b10504", &SetUserAccess{Change: true, Link: true, Messaging: true, Channel: 1, User: 5, Limit: PrivilegeAdministrator}},
	{"85027465737400000000000000000000000000000000", &SetUserPassword{Long: true, User: 5, Operation: PasswordSet, Password: NewSecret("test")}},
	{"0503736563726574000000000000000000" + "00", &SetUserPassword{User: 5, Operation: PasswordTest, Password: NewSecret("secret")}},
	{"0501", &SetUserPassword{User: 5, Operation: PasswordEnableUser}},
	{"010080", &GetChannelCipherSuites{Channel: 1, BySuite: true}},
	{"010180", &GetChannelCipherSuites{Channel: 1, Payload: PayloadSOL, BySuite: true}},
	{"ff78563412", &GetSessionInfo{Index: SessionIndexID, ID: 0x12345678}},
	{"fe07", &GetSessionInfo{Index: SessionIndexHandle, Handle: 7}},
	{"058004000000", &SetSystemBootOptions{Number: 5, Data: bytesOf("8004000000")}},
	{"1e", &ChassisIdentify{Interval: ptr(uint8(30))}},
	{"0001", &ChassisIdentify{Interval: ptr(uint8(0)), Force: ptr(true)}},
	{"", &ChassisIdentify{}},
	{"0401003eb004", &SetWatchdogTimer{Use: WatchdogSMS, Action: WatchdogHardReset, ClearExpired: 0x3e, Countdown: 1200}},
	{"440100005802" + "2001", &WatchdogTimer{Running: true, Use: WatchdogSMS, Action: WatchdogHardReset, InitialCountdown: 600, Countdown: 288}},
	{"5700", &SelfTestResults{Result: SelfTestCorrupted}},
	{"5708", &SelfTestResults{SelfTestCorrupted, uint8(SelfTestSDREmpty)}},
	{"07", &PowerRestorePolicySupport{true, true, true}},
	{"0101", &SystemRestartCause{RestartChassisControl, 1}},
	{"3c39300000", &POHCounter{60, 12345}},
	{"018284", &SetChannelAccess{Channel: 1, SetAccess: AccessVolatile, Alerting: true,
		PerMessage: true, UserLevel: true, Mode: AccessAlways,
		SetLimit: AccessVolatile, Limit: PrivilegeAdministrator}},

	// §6.13 and Table 22-9: a tracked request to a satellite controller on the IPMB
	{"40 2018c8 8104 01 7a", &SendMessage{Tracking: TrackRequest, Data: bytesOf("2018c88104017a")}},

	// Tables 24-2 to 24-12
	{"0101c0000000", &ActivatePayload{PayloadSOL, 1, [4]byte{0xc0}}},
	{"00000000 ff00 ff00 6f02 ffff", &ActivatedPayload{InboundSize: 255, OutboundSize: 255, Port: 623, VLAN: 0xffff}},
	{"0143 02000000", &SetUserPayloadAccess{Channel: 1, Disable: true, User: 3, Payloads: PayloadSet{Standard: 2}}},
	{"10", &ChannelPayloadVersion{Major: 1}},

	// DCMI 1.5 Tables 6-2 to 6-22, the data without DCh
	{"010502" + "000107", &DCMICapabilities{1, 5, 2, bytesOf("000107")}},
	{"010000", &GetPowerReading{Mode: DCMISystemStatistics}},
	{"e700b4009c01e400 00f15365 e8030000 40", &PowerReading{231, 180, 412, 228, 0x6553f100, 1000, true}},
	{"0000 01 f401 e8030000 0000 3c00", &PowerLimit{Exception: DCMIPowerOff, Watts: 500, Correction: 1000, Sampling: 60}},
	{"010000", &ActivatePowerLimit{Active: true}},
	{"0003414243", &SetAssetTag{0, 3, []byte("ABC")}},
	{"0201" + "0300", &DCMISensorInfo{2, 1, []uint16{3}}},
	{"0202 2801 8502", &TemperatureReadings{2, 2, []TemperatureReading{{DCMITemperatureOf(40), 1}, {DCMITemperatureOf(-5), 2}}}},
	{"60 4b 3c00", &ThermalLimit{PowerOff: true, LogEvent: true, Limit: 75, Time: 60}},
}

func TestMessagesHaveTheBytesOfOthers(t *testing.T) {
	for _, test := range realBytes {
		want := bytesOf(test.bytes)
		got, err := test.value.AppendBinary(nil)
		if err != nil {
			t.Errorf("%T: %v", test.value, err)
		}
		name := reflect.TypeOf(test.value).Elem().Name()
		if !reflect.DeepEqual(append([]byte{}, got...), append([]byte{}, want...)) {
			t.Errorf("%s is written as %x, not %x", name, got, want)
		}
		m := reflect.New(reflect.TypeOf(test.value).Elem()).Interface().(message)
		if err := m.UnmarshalBinary(want); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(m, test.value) {
			t.Errorf("%s:\n%s", name, cmp.Diff(test.value, m, cmp.AllowUnexported(Secret{})))
		}
	}
}

func TestChassisCapabilitiesWithNoiseBehind(t *testing.T) {
	// ipmi_sim sends 35 bytes, most of them from uninitialized memory.
	var c ChassisCapabilities
	if err := c.UnmarshalBinary(bytesOf("00202020200000" + strings.Repeat("56e09320", 7))); err !=
		nil || c.SELDevice != 0x20 || *c.BridgeDevice != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestBootParameters(t *testing.T) {
	for _, test := range []struct {
		n     uint8
		bytes string
		value Parameter
	}{
		{0, "01", SetInProgress{SetBusy}},
		{1, "05", BootServicePartition{5}},
		{2, "02", BootServicePartitionScan{Scan: true}},
		{3, "0a", BootValidBitClearing{KeepOnTimeout: true, KeepOnReset: true}},
		{4, "01fe", BootInfoAcknowledge{1, BootPartiesReserved | BootPartyOEM | BootPartySMS | BootPartyOS | BootPartyLoader}},
		{5, "a018000000", BootFlags{Valid: true, EFI: true, Device: BootBIOSSetup}},
		{5, "e008000000", BootFlags{Valid: true, Persistent: true, EFI: true, Device: BootDisk}},
		{5, "80c7f60a13", BootFlags{Valid: true, ClearCMOS: true, LockKeyboard: true,
			Device: BootPXE, BlankScreen: true, LockResetButton: true,
			LockPowerButton: true, Verbosity: 3, ProgressTraps: true, LockSleepButton: true,
			ConsoleRedirection: BootRedirectionEnable,
			SharedMode:         true, Mux: BootMuxSystem, Instance: 0x13}},
		{6, "010700000000f15365", BootInitiator{1, 7, 0x6553f100}},
		{7, "00f21b0068656c6c6f2d6d626f782e2e00", BootMailbox{0, bytesOf("f21b0068656c6c6f2d6d626f782e2e00")}},
		{96, "0102", RawParameter{96, []byte{1, 2}}},
	} {
		p, err := ParseBootParameter(test.n, bytesOf(test.bytes))
		if err != nil || !reflect.DeepEqual(p, test.value) {
			t.Errorf("parameter %d: %+v, %v", test.n, p, err)
			continue
		}
		set, err := SetBootParameter(p)
		if err != nil || set.Number != test.n || fmt.Sprintf("%x", set.Data) != test.bytes {
			t.Errorf("parameter %d is written as %+v, %v", test.n, set, err)
		}
	}
	if _, err := ParseBootParameter(5, []byte{1, 2, 3, 4}); !errors.Is(err, ErrMalformed) {
		t.Errorf("four bytes of boot flags: %v", err)
	}
}

func TestDCMIParameters(t *testing.T) {
	for _, test := range []struct {
		parse func(uint8, []byte) (Parameter, error)
		n     uint8
		bytes string
		value Parameter
	}{
		{ParseDCMICapability, 1, "000107", DCMISupported{PowerManagement: true, SecondaryLAN: true, SerialTerminal: true, SystemInterface: true}},
		{ParseDCMICapability, 2, "00a20000" + "01", DCMIPlatformAttributes{SELRollover: true, FlushRecord: true, SELEntries: 512, TemperatureSampling: ptr(uint8(1))}},
		{ParseDCMICapability, 3, "2000", DCMIPowerController{Address: AddressBMC}},
		{ParseDCMICapability, 4, "01ffff", DCMIAccessAttributes{1, DCMINoChannel, DCMINoChannel}},
		{ParseDCMICapability, 5, "03054f81", DCMIPowerPeriods{3, []DCMIPeriod{5, 0x4f, 0x81}}},
		{ParseDCMICapability, 9, "ff", RawParameter{9, []byte{0xff}}},
		{ParseDCMIParameter, 1, "01", DCMIActivateDHCP{true}},
		{ParseDCMIParameter, 2, "82", DCMIDiscovery{RandomBackOff: true, VendorClass: true}},
		{ParseDCMIParameter, 3, "04", DCMIDHCPInitialTimeout{4}},
		{ParseDCMIParameter, 4, "7800", DCMIDHCPServerTimeout{120}},
		{ParseDCMIParameter, 5, "4000", DCMIDHCPServerRetry{64}},
	} {
		p, err := test.parse(test.n, bytesOf(test.bytes))
		if err != nil || !reflect.DeepEqual(p, test.value) {
			t.Errorf("parameter %d: %+v, %v", test.n, p, err)
			continue
		}
		if b, err := p.AppendBinary(nil); err != nil || p.Number() != test.n ||
			fmt.Sprintf("%x", b) != test.bytes {
			t.Errorf("parameter %d is written as %x, %v", p.Number(), b, err)
		}
	}
	for p, want := range map[DCMIPeriod]string{5: "5s 5 seconds", 0x4f: "15m0s 15 minutes",
		0x81: "1h0m0s 1 hours", 0xc2: "48h0m0s 2 days"} {
		if got := fmt.Sprint(p.Duration(), " ", p); got != want {
			t.Errorf("period %02x: %s, not %s", uint8(p), got, want)
		}
	}
}

func TestGUIDAsIPMIToolShowsIt(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	sim := GUID(bytesOf("a123456789abcdefa123456789abcdef"))
	if o := sim.Order(now); o != GUIDIPMI ||
		sim.Format(o) != "efcdab89-6745-23a1-efcd-ab89674523a1" || sim.Version(o) != GUIDSecurity {
		t.Errorf("%v %s %v", o, sim.Format(o), sim.Version(o))
	}
	odd := GUID(bytesOf("33221100554477668899aabbccddeeff"))
	if o := odd.Order(now); o != GUIDDump || odd.Format(o) != "33221100554477668899AABBCCDDEEFF" {
		t.Errorf("%v %s", o, odd.Format(o))
	}
	if s, v := odd.Format(GUIDSMBIOS), odd.Version(GUIDSMBIOS).String(); s !=
		"00112233-4455-6677-8899-aabbccddeeff" || v != "Unknown/unsupported (6)" {
		t.Errorf("%s %s", s, v)
	}
	// The name space of DNS in RFC 4122, Appendix C: time-based, 1998-02-04.
	dns := GUID(bytesOf("6ba7b8109dad11d180b400c04fd430c8"))
	for _, o := range []GUIDOrder{GUIDRFC4122, GUIDIPMI, GUIDSMBIOS} {
		sent := dns.In(o)
		if got := sent.Order(now); got != o ||
			sent.Format(o) != "6ba7b810-9dad-11d1-80b4-00c04fd430c8" ||
			sent.Time(o).Format(time.DateOnly) != "1998-02-04" {
			t.Errorf("in %v: %v %s %v", o, got, sent.Format(o), sent.Time(o))
		}
		if dns.In(o).In(o) != dns {
			t.Errorf("%v is not its own inverse", o)
		}
	}
}

func TestSystemText(t *testing.T) {
	for _, text := range []string{"", "node042", "Debian GNU/Linux 12", "Zürich", "日本語のシステム",
		strings.Repeat("x", 255)} {
		b, err := AppendSystemText(nil, text)
		if err != nil || len(b) != SystemTextBlocks(b)*SystemInfoBlockSize && len(text) < 255 {
			t.Errorf("%q: %d bytes, %d blocks, %v", text, len(b), SystemTextBlocks(b), err)
		}
		if got, err := ParseSystemText(b); err != nil || got != text {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	if _, err := AppendSystemText(nil, strings.Repeat("x", 256)); err == nil {
		t.Error("256 bytes were accepted")
	}
	if s, err := ParseSystemText(bytesOf("02044100e400")); err != nil || s != "Aä" {
		t.Errorf("Unicode: %q, %v", s, err)
	}
	if _, err := ParseSystemText(bytesOf("000561")); !errors.Is(err, ErrMalformed) {
		t.Errorf("cut short: %v", err)
	}
}

func FuzzSystemText(f *testing.F) {
	f.Add(bytesOf("00076e6f6465303432"))
	f.Add(bytesOf("02044100e400"))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = ParseSystemText(b) })
}

// Secrets in messages are not printed, however the message is.
func TestMessagesDoNotPrintSecrets(t *testing.T) {
	for _, m := range []any{SetUserPassword{User: 2, Operation: PasswordSet,
		Password: NewSecret("hunter2")},
		SetChannelSecurityKeys{Value: NewSecret("hunter2")},
		ChannelSecurityKeys{Value: NewSecret("hunter2")}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if s := fmt.Sprintf(verb, m) + fmt.Sprintf(verb, &m); strings.Contains(s, "hunter2") ||
				strings.Contains(s, "68756e74657232") {
				t.Errorf("%T with %s: %s", m, verb, s)
			}
		}
	}
	_, err := SetUserPassword{User: 2, Operation: PasswordSet,
		Password: NewSecret("a password of more than 16 bytes")}.AppendBinary(nil)
	if err == nil || strings.Contains(err.Error(), "more than") {
		t.Errorf("too long: %v", err)
	}
}
