package machine_test

import (
	"errors"
	"strings"
	"testing"

	"lom/ipmi"
	"lom/ipmitest"
	"lom/machine"
)

// Nothing is written if nothing is to be changed, and what is afterwards is read again.
func TestSetEnables(t *testing.T) {
	m := machine.New(ipmitest.Script(t, `
		> 06 2f
		< 00 08
		< 00 08
		< 00 40
		> 06 2e 40
		< 00`))
	on := func(e *machine.Enables) { *e.Setting("system_event_log") = true }
	got, changed, err := m.SetEnables(t.Context(), on)
	if changed || !got.EventLogging || err != nil {
		t.Errorf("got %+v, %v, %v, want no change", got, changed, err)
	}
	swap := func(e *machine.Enables) { e.EventLogging, e.OEM1 = false, true }
	want := machine.Enables{OEM1: true}
	got, changed, err = m.SetEnables(t.Context(), swap)
	if got != want || !changed || err != nil {
		t.Errorf("got %+v, %v, %v, want %+v", got, changed, err, want)
	}
	if got := new(machine.Enables).Setting("mood"); got != nil {
		t.Errorf("got %v, want nil", got)
	}
}

// A text whose BMC says that it is longer than it is ends where the bytes do.
func TestSystemInfo(t *testing.T) {
	m := machine.New(ipmitest.Script(t, `
		> 06 59 00 02 00 00
		< 00 11 00 00 0a 6e6f6465
		> 06 59 00 04 00 00
		< 80
		> 06 59 00 03 00 00
		< 00 11`))
	for name, want := range map[string]string{"system_name": "node", "primary_os_name": ""} {
		got, err := m.SystemInfo(t.Context(), name)
		if got != want || name == "system_name" && err != nil ||
			want == "" && !errors.Is(err, ipmi.ErrMalformed) {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
	_, err := m.SystemInfo(t.Context(), "os_name")
	if !errors.Is(err, ipmi.CodeParameterNotSupported) {
		t.Errorf("got %v, want parameter not supported", err)
	}
	if err := m.SetSystemInfo(t.Context(), "os_name", strings.Repeat("x", 256)); err == nil {
		t.Error("a text of 256 bytes was taken, want an error")
	}
}

// A cold reset whose answer is lost is done: the BMC may reset itself first.
func TestResetController(t *testing.T) {
	m := machine.New(ipmitest.Script(t, "> 06 02\n< unknown\n> 06 03\n< unknown"))
	if err := m.ResetController(t.Context(), true); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	if err := m.ResetController(t.Context(), false); !errors.Is(err, ipmi.ErrOutcomeUnknown) {
		t.Errorf("got %v, want %v", err, ipmi.ErrOutcomeUnknown)
	}
}

// Raw gives data as they are, and a refusal as its code.
func TestRaw(t *testing.T) {
	m := machine.New(ipmitest.Script(t, "> 6c 01 dc 01\n< 00 dc 01 05\n> 06 99\n< c1"))
	got, err := m.Raw(t.Context(), 1, 0x2c, 1, []byte{0xdc, 1})
	if string(got.Data) != "\xdc\x01\x05" || got.Bytes != 3 || err != nil {
		t.Errorf("got %+v, %v, want dc 01 05", got, err)
	}
	if _, err := m.Raw(t.Context(), 0, 6, 0x99, nil); err != ipmi.CodeInvalidCommand {
		t.Errorf("got %v, want the completion code", err)
	}
}
