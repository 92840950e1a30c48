package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"lom/ipmi"
)

// ResetController resets the BMC, not the server: cold makes it start as after power up (§20.2).
func (m *Machine) ResetController(ctx context.Context, cold bool) error {
	const what = "MC reset command"
	if !cold {
		_, err := do(ctx, m, what, ipmi.WarmReset{})
		return err
	}
	_, err := do(ctx, m, what, ipmi.ColdReset{})
	// A BMC may reset itself before it answers, and has then forgotten the session.
	if errors.Is(err, ipmi.ErrOutcomeUnknown) {
		return nil
	}
	return err
}

// A SelfTest is the result of a controller's self test (§20.4).
type SelfTest struct {
	Result string `json:"result" enum:"passed,not-implemented,corrupted,fatal,not-available,device-specific"`
	// Failures are what failed in a test whose result is corrupted.
	Failures []string `json:"failures,omitempty" enum:"firmware-corrupted,boot-block-corrupted,internal-use-area-corrupted,sdr-repository-empty,ipmb-not-responding,fru-not-accessible,sdr-not-accessible,sel-not-accessible"`
	Detail   uint8    `json:"detail"` // of a fatal or device-specific result: the maker's own

	Results ipmi.SelfTestResults `json:"-"`
}

// selfTestFailures are the words for the bits of ipmi.SelfTestFailures.
var selfTestFailures = [8]string{
	"firmware-corrupted", "boot-block-corrupted", "internal-use-area-corrupted",
	"sdr-repository-empty",
	"ipmb-not-responding", "fru-not-accessible", "sdr-not-accessible", "sel-not-accessible",
}

// Passed reports whether nothing has failed as far as the controller says.
func (s SelfTest) Passed() bool { return s.Results.Result == ipmi.SelfTestPassed }

// SelfTest asks for the result of the self test.
func (m *Machine) SelfTest(ctx context.Context) (SelfTest, error) {
	r, err := do(ctx, m, "Get Self Test Results", ipmi.GetSelfTestResults{})
	if err != nil {
		return SelfTest{}, err
	}
	v := SelfTest{Result: "device-specific", Detail: r.Detail, Results: r}
	switch r.Result {
	case ipmi.SelfTestPassed:
		v.Result = "passed"
	case ipmi.SelfTestNone:
		v.Result = "not-implemented"
	case ipmi.SelfTestFatal:
		v.Result = "fatal"
	case 0xff: // reserved (Table 20-5); ipmitool prints N/A
		v.Result = "not-available"
	case ipmi.SelfTestCorrupted:
		v.Result = "corrupted"
		for i, w := range selfTestFailures {
			if r.Detail>>i&1 != 0 {
				v.Failures = append(v.Failures, w)
			}
		}
	}
	return v, nil
}

// Enables are what a BMC does with messages and events (§22.1).
type Enables struct {
	ReceiveQueueIRQ    bool `json:"recv_msg_intr"`
	EventBufferFullIRQ bool `json:"event_msg_intr"`
	EventBuffer        bool `json:"event_msg"`
	EventLogging       bool `json:"system_event_log"`
	OEM0               bool `json:"oem0"`
	OEM1               bool `json:"oem1"`
	OEM2               bool `json:"oem2"`
}

// EnableNames are the names of the settings of [Enables], as in JSON and in their order.
var EnableNames = []string{
	"recv_msg_intr", "event_msg_intr", "event_msg", "system_event_log", "oem0", "oem1", "oem2",
}

// Setting returns the setting with one of EnableNames, and nil for another name.
func (e *Enables) Setting(name string) *bool {
	for i, b := range []*bool{
		&e.ReceiveQueueIRQ, &e.EventBufferFullIRQ, &e.EventBuffer, &e.EventLogging,
		&e.OEM0, &e.OEM1, &e.OEM2,
	} {
		if EnableNames[i] == name {
			return b
		}
	}
	return nil
}

// Enables reads the global enables.
func (m *Machine) Enables(ctx context.Context) (Enables, error) {
	r, err := do(ctx, m, "Get Global Enables command", ipmi.GetBMCGlobalEnables{})
	e := r.Enables
	return Enables{
		e.ReceiveQueueIRQ, e.EventBufferFullIRQ, e.EventBuffer, e.EventLogging, e.OEM0, e.OEM1,
		e.OEM2,
	}, err
}

// SetEnables changes the global enables by a function that is given what they are now. The result
// is what they are afterwards, read again; nothing is written, and changed is false, if all is as
// it should be already.
func (m *Machine) SetEnables(
	ctx context.Context, change func(*Enables),
) (after Enables, changed bool, err error) {
	before, err := m.Enables(ctx)
	if err != nil {
		return before, false, err
	}
	e := before
	if change(&e); e == before {
		return e, false, nil
	}
	_, err = do(ctx, m, "Set Global Enables command",
		ipmi.SetBMCGlobalEnables{Enables: ipmi.GlobalEnables{
			ReceiveQueueIRQ: e.ReceiveQueueIRQ, EventBufferFullIRQ: e.EventBufferFullIRQ,
			EventBuffer: e.EventBuffer, EventLogging: e.EventLogging,
			OEM0: e.OEM0, OEM1: e.OEM1, OEM2: e.OEM2,
		}})
	if err != nil {
		return before, false, err
	}
	after, err = m.Enables(ctx)
	return after, true, err
}

// Two parameters of Dell, from the range for makers.
const (
	systemInfoDellURL       = 0xde
	systemInfoDellOSVersion = 0xe4
)

// systemInfo are the texts that a BMC keeps about its system (§22.14a).
var systemInfo = []struct {
	name   string
	number uint8
}{
	{"system_fw_version", ipmi.SystemInfoFirmware},
	{"system_name", ipmi.SystemInfoName},
	{"primary_os_name", ipmi.SystemInfoPrimaryOS},
	{"os_name", ipmi.SystemInfoOS},
	{"os_version", ipmi.SystemInfoOSVersion},
	{"bmc_url", ipmi.SystemInfoBMCURL},
	{"hypervisor_url", ipmi.SystemInfoHypervisorURL},
	{"delloem_os_version", systemInfoDellOSVersion},
	{"delloem_url", systemInfoDellURL},
}

// SystemInfoNames returns the names of the texts that a BMC may keep about its system.
func SystemInfoNames() []string {
	names := make([]string, len(systemInfo))
	for i, s := range systemInfo {
		names[i] = s.name
	}
	return names
}

func systemInfoNumber(name string) (uint8, error) {
	for _, s := range systemInfo {
		if s.name == name {
			return s.number, nil
		}
	}
	return 0, fmt.Errorf("there is no system information %q", name)
}

// SystemInfo reads a text that the BMC keeps about its system, named as in [SystemInfoNames]. A BMC
// that does not keep it answers with ipmi.CodeParameterNotSupported.
func (m *Machine) SystemInfo(ctx context.Context, name string) (string, error) {
	number, err := systemInfoNumber(name)
	if err != nil {
		return "", err
	}
	var data []byte
	blocks := 1 // as many as the first one says
	for n := 0; n < blocks; n++ {
		r, err := do(ctx, m, "Get System Info command",
			ipmi.GetSystemInfo{Number: number, Set: uint8(n)})
		if err != nil {
			return "", err
		}
		if len(r.Data) == 0 {
			break
		}
		data = append(data, r.Data[1:]...)
		if n == 0 {
			blocks = ipmi.SystemTextBlocks(data)
		}
	}
	if len(data) >= 2 {
		// Some BMCs say more than they send.
		data[1] = byte(min(int(data[1]), len(data)-2))
	}
	text, err := ipmi.ParseSystemText(data)
	text, _, _ = strings.Cut(text, "\x00")
	return text, err
}

// SetSystemInfo changes a text that the BMC keeps about its system: at most 255 bytes.
func (m *Machine) SetSystemInfo(ctx context.Context, name, text string) error {
	number, err := systemInfoNumber(name)
	if err != nil {
		return err
	}
	data, err := ipmi.AppendSystemText(nil, text)
	if err != nil {
		return err
	}
	for n := 0; len(data) > 0; n++ {
		block := append([]byte{byte(n)}, bytes.Clone(data[:ipmi.SystemInfoBlockSize])...)
		req := ipmi.SetSystemInfo{Number: number, Data: block}
		if _, err := do(ctx, m, "Set System Info command", req); err != nil {
			return err
		}
		data = data[ipmi.SystemInfoBlockSize:]
	}
	return nil
}
