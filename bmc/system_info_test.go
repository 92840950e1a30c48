package bmc

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
)

// setText writes a system information text as ipmitool does: block by block.
func setText(t *testing.T, b *BMC, n uint8, text string) {
	t.Helper()
	data, err := ipmi.AppendSystemText(nil, text)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; len(data) > 0; i++ {
		piece := data[:min(len(data), ipmi.SystemInfoBlockSize)]
		data = data[len(piece):]
		must(t, b, ipmi.SetSystemInfo{Number: n, Data: append([]byte{uint8(i)}, piece...)})
	}
}

func getText(t *testing.T, b *BMC, n uint8) string {
	t.Helper()
	first := must(t, b, ipmi.GetSystemInfo{Number: n})
	data := first.Data[1:]
	for i := 1; i < ipmi.SystemTextBlocks(data[:min(16, len(data))]); i++ {
		data = append(data, must(t, b, ipmi.GetSystemInfo{Number: n, Set: uint8(i)}).Data[1:]...)
	}
	text, err := ipmi.ParseSystemText(data)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSystemInfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := filepath.Join(t.TempDir(), "state")
		b := newTest(t, func(c *Config) { c.StateFile = state })
		long := strings.Repeat("0123456789", 25) + "abcde"
		setText(t, b, ipmi.SystemInfoName, long)
		setText(t, b, ipmi.SystemInfoOS, "Debian GNU/Linux 13")
		if got := getText(t, b, ipmi.SystemInfoOS); got != "Debian GNU/Linux 13" {
			t.Errorf("OS %q", got)
		}
		if got := getText(t, b, ipmi.SystemInfoBMCURL); got != "" {
			t.Errorf("URL %q", got)
		}
		must(t, b, ipmi.ChassisControl{Action: ipmi.HardReset})
		time.Sleep(time.Second)
		if got := getText(t, b, ipmi.SystemInfoOS); got != "" {
			t.Errorf("OS %q after a reset", got)
		}
		b.Close()
		b = newTest(t, func(c *Config) { c.StateFile = state })
		if got := getText(t, b, ipmi.SystemInfoName); got != long {
			t.Errorf("name %q after a restart", got)
		}
		if r := must(t, b, ipmi.GetSystemInfo{Number: 2, RevisionOnly: true}); r.Revision != 0x11 ||
			r.Data != nil {
			t.Errorf("revision %+v", r)
		}
		get := wantCode[ipmi.SystemInfo]
		get(t, "parameter 8", ipmi.CodeParameterNotSupported)(ask(t, b,
			ipmi.GetSystemInfo{Number: 8}))
		get(t, "block 17", ipmi.CodeParameterOutOfRange)(ask(t, b,
			ipmi.GetSystemInfo{Number: 2, Set: 17}))
		set := wantCode[ipmi.NoData]
		set(t, "block 17", ipmi.CodeParameterOutOfRange)(ask(t, b,
			ipmi.SetSystemInfo{Number: 2, Data: []byte{17, 0}}))
		set(t, "no data", ipmi.CodeDataLengthInvalid)(ask(t, b,
			ipmi.SetSystemInfo{Number: 2, Data: []byte{0}}))
		must(t, b, ipmi.SetSystemInfo{Number: 0, Data: []byte{1}})
		set(t, "twice", ipmi.CodeSetInProgress)(ask(t, b,
			ipmi.SetSystemInfo{Number: 0, Data: []byte{1}}))
		b.Close()
	})
}
