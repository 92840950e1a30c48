package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

func runMCReset(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 1); err != nil {
		return err
	}
	var err error
	switch args[0] {
	case "warm":
		_, err = do(ctx, a, ipmi.WarmReset{})
	case "cold":
		_, err = do(ctx, a, ipmi.ColdReset{})
	default:
		return usagef("a reset is warm or cold, not %q", args[0])
	}
	// A BMC may reset itself before it answers, and has then forgotten the session (§20.2).
	if errors.Is(err, ipmi.ErrOutcomeUnknown) && args[0] == "cold" {
		err = nil
	}
	if err != nil {
		return failed("MC reset command", err)
	}
	return a.Done("Sent " + args[0] + " reset command to MC")
}

func runMCSelfTest(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	r, err := do(ctx, a, ipmi.GetSelfTestResults{})
	if err != nil {
		return failed("Get Self Test Results", err)
	}
	failure := r.Result == ipmi.SelfTestNone || r.Result == ipmi.SelfTestCorrupted || r.Result == ipmi.SelfTestFatal || r.Result == 0xff
	err = a.Show(newSelfTest(r), func(w io.Writer) {
		switch {
		case r.Result == ipmi.SelfTestCorrupted:
			fmt.Fprintf(w, "Selftest: %s\n", r.Result)
			for i := len(selfTestBits) - 1; i >= 0; i-- {
				if r.Detail>>i&1 != 0 {
					fmt.Fprintln(w, selfTestBits[i].mc)
				}
			}
		case r.Result == ipmi.SelfTestFatal:
			fmt.Fprintf(w, "Selftest     : %s\nFailure code : %02x\n", r.Result, r.Detail)
		case failure || r.Result == ipmi.SelfTestPassed:
			fmt.Fprintf(w, "Selftest: %s\n", r.Result)
		default:
			fmt.Fprintf(w, "Selftest     : %s\nFailure code : %02Xh\n", r.Result, r.Detail)
		}
	}, nil)
	if err == nil && failure {
		err = errReported
	}
	return err
}

// globalEnables are the settings of mc getenables in the order in which they are shown.
var globalEnables = [...]struct {
	name, words string
	bit         func(*ipmi.GlobalEnables) *bool
}{
	{"recv_msg_intr", "Receive Message Queue Interrupt", func(e *ipmi.GlobalEnables) *bool { return &e.ReceiveQueueIRQ }},
	{"event_msg_intr", "Event Message Buffer Full Interrupt", func(e *ipmi.GlobalEnables) *bool { return &e.EventBufferFullIRQ }},
	{"event_msg", "Event Message Buffer", func(e *ipmi.GlobalEnables) *bool { return &e.EventBuffer }},
	{"system_event_log", "System Event Logging", func(e *ipmi.GlobalEnables) *bool { return &e.EventLogging }},
	{"oem0", "OEM 0", func(e *ipmi.GlobalEnables) *bool { return &e.OEM0 }},
	{"oem1", "OEM 1", func(e *ipmi.GlobalEnables) *bool { return &e.OEM1 }},
	{"oem2", "OEM 2", func(e *ipmi.GlobalEnables) *bool { return &e.OEM2 }},
}

func (a *App) globalEnables(ctx context.Context) (ipmi.GlobalEnables, error) {
	r, err := do(ctx, a, ipmi.GetBMCGlobalEnables{})
	return r.Enables, failed("Get Global Enables command", err)
}

func runGetEnables(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	e, err := a.globalEnables(ctx)
	if err != nil {
		return err
	}
	return a.showEnables(e, "")
}

// showEnables prints the settings behind some lines about what was done.
func (a *App) showEnables(e ipmi.GlobalEnables, before string) error {
	v := make(map[string]bool)
	for _, g := range globalEnables {
		v[g.name] = *g.bit(&e)
	}
	return a.Show(v, func(w io.Writer) {
		_, _ = io.WriteString(w, before)
		for _, g := range globalEnables {
			fmt.Fprintf(w, "%-40s : %s\n", g.words, enabled(*g.bit(&e)))
		}
	}, nil)
}

func enabled(b bool) string { return choose(b, "enabled", "disabled") }

func runSetEnables(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, -1); err != nil {
		return err
	}
	var change ipmi.GlobalEnables // the bits named
	var to ipmi.GlobalEnables
	text := ""
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		on, err := parseOnOff(value)
		if err != nil {
			return usagef("%s: %v", name, err)
		}
		known := false
		for _, g := range globalEnables {
			if g.name == name {
				known, *g.bit(&change), *g.bit(&to) = true, true, on
				text += choose(on, "Enabling ", "Disabling ") + g.words + "\n"
			}
		}
		if !known {
			return usagef("there is no setting %q", name)
		}
	}
	e, err := a.globalEnables(ctx)
	if err != nil {
		return err
	}
	before := e
	for _, g := range globalEnables {
		if *g.bit(&change) {
			*g.bit(&e) = *g.bit(&to)
		}
	}
	if e == before {
		return a.showEnables(e, "\nNothing to change...\n")
	}
	if _, err := do(ctx, a, ipmi.SetBMCGlobalEnables{Enables: e}); err != nil {
		if hasCode(err, ipmi.CodeInsufficientPrivilege, ipmi.CodeInvalidCommand) {
			return fmt.Errorf("%w; most BMCs let these be changed from the server itself only", failed("Set Global Enables command", err))
		}
		return failed("Set Global Enables command", err)
	}
	if e, err = a.globalEnables(ctx); err != nil {
		return err
	}
	return a.showEnables(e, text+"\nVerifying...\n")
}

// parseOnOff reads on or off and what people write for them.
func parseOnOff(s string) (bool, error) {
	switch s {
	case "on", "enable", "enabled", "yes", "true":
		return true, nil
	case "off", "disable", "disabled", "no", "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither on nor off", s)
}

// Two parameters of Dell, from the range for makers.
const (
	systemInfoDellURL       = 0xde
	systemInfoDellOSVersion = 0xe4
)

var systemInfoNames = [...]struct {
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

func systemInfoNumber(name string) (uint8, error) {
	var names []string
	for _, n := range systemInfoNames {
		if n.name == name {
			return n.number, nil
		}
		names = append(names, n.name)
	}
	return 0, usagef("there is no system information %q; there is %s", name, strings.Join(names, ", "))
}

func runGetSysInfo(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 1); err != nil {
		return err
	}
	number, err := systemInfoNumber(args[0])
	if err != nil {
		return err
	}
	text, err := a.systemInfo(ctx, number)
	if err != nil {
		if hasCode(err, ipmi.CodeParameterNotSupported) {
			return fmt.Errorf("the BMC does not keep %s", args[0])
		}
		return failed("Get System Info command", err)
	}
	return a.Show(map[string]string{args[0]: text}, func(w io.Writer) { fmt.Fprintln(w, printable(text)) }, nil)
}

// systemInfo reads a text in as many blocks as its first one says.
func (a *App) systemInfo(ctx context.Context, number uint8) (string, error) {
	var data []byte
	blocks := 1
	for n := 0; n < blocks; n++ {
		r, err := do(ctx, a, ipmi.GetSystemInfo{Number: number, Set: uint8(n)})
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

func runSetSysInfo(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 2, 2); err != nil {
		return err
	}
	number, err := systemInfoNumber(args[0])
	if err != nil {
		return err
	}
	data, err := ipmi.AppendSystemText(nil, args[1])
	if err != nil {
		return err
	}
	for n := 0; len(data) > 0; n++ {
		block := append([]byte{byte(n)}, bytes.Clone(data[:ipmi.SystemInfoBlockSize])...)
		if _, err := do(ctx, a, ipmi.SetSystemInfo{Number: number, Data: block}); err != nil {
			if hasCode(err, ipmi.CodeParameterNotSupported) {
				return fmt.Errorf("the BMC does not keep %s", args[0])
			}
			return failed("Set System Info command", err)
		}
		data = data[ipmi.SystemInfoBlockSize:]
	}
	return a.Done("")
}
