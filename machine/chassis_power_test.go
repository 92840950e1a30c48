package machine_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"lom/ipmi"
	"lom/ipmitest"
	"lom/machine"
)

// A server that its BMC does not see, or that does not answer, is neither on nor off.
func TestPower(t *testing.T) {
	for answer, want := range map[string]struct {
		power   string
		partial bool
		err     error
	}{
		"00 21 00 60": {machine.PowerOn, false, nil},
		"00 20 00 60": {machine.PowerOff, false, nil},
		"d5":          {machine.PowerUnknown, true, ipmi.CodeNotInPresentState},
		"c3":          {machine.PowerUnknown, false, ipmi.CompletionCode(0xc3)},
		"lost":        {machine.PowerUnknown, false, ipmi.ErrTimeout},
		"00":          {machine.PowerUnknown, false, ipmi.ErrMalformed},
	} {
		got, err := machine.New(ipmitest.Script(t, "> 00 01\n< "+answer)).Power(t.Context())
		partial := new(machine.PartialError)
		if got.Power != want.power || !errors.Is(err, want.err) ||
			errors.As(err, &partial) != want.partial {
			t.Errorf("%s: got %v, %v, want %+v", answer, got, err, want)
		}
	}
}

// Done, not done and unknown are told apart, and no action is sent twice.
func TestSetPower(t *testing.T) {
	const on, off = "\n< 00 21 00 60", "\n< 00 20 00 60"
	const status = "\n> 00 01"
	sure := machine.WithReadBack(0)
	for _, c := range []struct {
		name   string
		action ipmi.ChassisAction
		answer string // to the action; "": it is not to be sent
		rest   string
		opts   []machine.PowerOption
		want   machine.PowerChange
		err    string
	}{
		{"accepted", ipmi.PowerDown, "00", "", nil,
			machine.PowerChange{Action: "off", Outcome: "done"}, ""},
		{"refused", ipmi.SoftShutdown, "d5", "", nil,
			machine.PowerChange{Action: "soft", Outcome: "not-done"},
			"Set Chassis Power Control to Soft: Command not supported in present state"},
		{"no such action", 9, "", "", nil,
			machine.PowerChange{Action: "unknown (9)", Outcome: "not-done"},
			"there is no power action 9"},

		{"lost, and done", ipmi.PowerUp, "unknown", status + off + on, nil,
			machine.PowerChange{Action: "on", Outcome: "done", After: "on"}, ""},
		{"lost, and not seen", ipmi.PowerUp, "unknown", status + off, nil,
			machine.PowerChange{Action: "on", Outcome: "unknown", After: "off"},
			"Set Chassis Power Control to Up/On: " + ipmi.ErrOutcomeUnknown.Error()},
		{"lost, and blind", ipmi.PowerDown, "unknown", status + "\n< d5", nil,
			machine.PowerChange{Action: "off", Outcome: "unknown", After: "unknown"},
			"Set Chassis Power Control to Down/Off: " + ipmi.ErrOutcomeUnknown.Error()},
		{"lost cycle", ipmi.PowerCycle, "unknown", "", nil,
			machine.PowerChange{Action: "cycle", Outcome: "unknown"},
			"Set Chassis Power Control to Cycle: " + ipmi.ErrOutcomeUnknown.Error()},

		{"seen", ipmi.PowerUp, "00", status + off + off + on, []machine.PowerOption{sure},
			machine.PowerChange{Action: "on", Outcome: "done", Before: "off", After: "on"}, ""},
		{"seen between silence", ipmi.PowerUp, "00", status + off + "\n< lost\n< d5" + on,
			[]machine.PowerOption{sure},
			machine.PowerChange{Action: "on", Outcome: "done", Before: "off", After: "on"}, ""},
		{"cycle", ipmi.PowerCycle, "00", status + on + on + off + off + on,
			[]machine.PowerOption{sure},
			machine.PowerChange{Action: "cycle", Outcome: "done", Before: "on", After: "on"}, ""},
		{"stuck", ipmi.PowerDown, "00", status + on, []machine.PowerOption{sure},
			machine.PowerChange{Action: "off", Outcome: "not-done", Before: "on", After: "on"},
			"the power is still on 1m0s after it was to be switched off; look with power status " +
				"before you repeat it"},
		{"silent afterwards", ipmi.PowerDown, "00", status + on + "\n< lost",
			[]machine.PowerOption{sure},
			machine.PowerChange{Action: "off", Outcome: "unknown", Before: "on", After: "unknown"},
			"Get Chassis Power Status: " + ipmi.ErrTimeout.Error()},
		{"silent before", ipmi.PowerDown, "", status + "\n< lost", []machine.PowerOption{sure},
			machine.PowerChange{Action: "off", Outcome: "not-done", Before: "unknown"},
			"Get Chassis Power Status: " + ipmi.ErrTimeout.Error()},
		{"blind before", ipmi.PowerDown, "00", status + "\n< d5" + off, []machine.PowerOption{sure},
			machine.PowerChange{Action: "off", Outcome: "done", Before: "unknown",
				After: "off"}, ""},
		{"soft", ipmi.SoftShutdown, "00", status + on, []machine.PowerOption{sure},
			machine.PowerChange{Action: "soft", Outcome: "done", Before: "on"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				request := "00020" + string('0'+rune(c.action))
				script := c.rest
				if c.answer != "" {
					script += "\n> " + request + "\n< " + c.answer
				}
				bmc := ipmitest.Script(t, script)
				got, err := machine.New(bmc).SetPower(t.Context(), c.action, c.opts...)
				text := ""
				if err != nil {
					text = err.Error()
				}
				if got != c.want || text != c.err {
					t.Errorf("got %+v, %q\nwant %+v, %q", got, text, c.want, c.err)
				}
				sent := 0
				for _, r := range bmc.Asked() {
					if r == request {
						sent++
					}
				}
				if want := min(len(c.answer), 1); sent != want {
					t.Errorf("the action was sent %d times, want %d", sent, want)
				}
			})
		})
	}
}

// Boot parameters: what makes no sense comes with its bytes, and what is written comes to an end.
func TestBoot(t *testing.T) {
	get := func(data string) (machine.BootParameter, error) {
		bmc := ipmitest.Script(t, "> 00 09 05 00 00\n< "+data)
		return machine.New(bmc).BootParameter(t.Context(), 5, 0)
	}
	for data, want := range map[string]machine.BootFlags{
		"00 01 05 a0 18 00 00 00": {Valid: true, EFI: true, Device: "bios", Verbosity: "default",
			ConsoleRedirection: "default", Mux: "default"},
		"00 01 05 80 30 63 07 1f": {Valid: true, Device: "reserved", Verbosity: "reserved",
			ConsoleRedirection: "reserved", Mux: "reserved", Instance: 31},
		"00 01 05 80 2c 00 00 00": {Valid: true, Device: "remote-disk", Verbosity: "default",
			ConsoleRedirection: "default", Mux: "default"},
	} {
		got, err := get(data)
		if err != nil || got.Flags == nil || *got.Flags != want {
			t.Errorf("%s: got %+v, %v, want %+v", data, got.Flags, err, want)
		}
	}
	got, err := get("00 01 05")
	partial := new(machine.PartialError)
	if !errors.As(err, &partial) || !errors.Is(err, ipmi.ErrMalformed) ||
		got.Flags != nil || got.Number != 5 {
		t.Errorf("got %+v, %v, want a partial error of data that make no sense", got, err)
	}

	// A parameter that is refused leaves no change in progress behind.
	bmc := ipmitest.Script(t, `
		> 00 08 00 01
		< 00
		> 00 08 04 01 01
		< c1
		> 00 08 05 80 04 00 00 00
		< d4
		> 00 08 00 00
		< 00`)
	err = machine.New(bmc).SetBootDevice(t.Context(), ipmi.BootFlags{Device: ipmi.BootPXE})
	if !errors.Is(err, ipmi.CodeInsufficientPrivilege) {
		t.Errorf("got %v, want insufficient privilege", err)
	}
	if asked := bmc.Asked(); asked[len(asked)-1] != "00080000" {
		t.Errorf("the last request was %v, want set complete", asked)
	}
}

// A mailbox that is too small is not written at all, and one with all 256 blocks is read to its
// end.
func TestBootMailbox(t *testing.T) {
	bmc := ipmitest.Script(t, "> 00 09 07 05 00\n< c9")
	err := machine.New(bmc).SetBootMailbox(t.Context(), 7154, make([]byte, 90))
	if want := "the BMC's boot mailbox has no block 5; nothing was written: give less"; err ==
		nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	m := machine.New(ipmitest.New(t).Conn())
	data := []byte("hello, whoever boots from this")
	if err := m.SetBootMailbox(t.Context(), 7154, data); err != nil {
		t.Fatal(err)
	}
	blocks, err := m.BootMailbox(t.Context())
	if err != nil || len(blocks) == 0 || blocks[0].Enterprise == nil ||
		*blocks[0].Enterprise != 7154 {
		t.Fatalf("got %+v, %v, want a mailbox of enterprise 7154", blocks, err)
	}
	var got []byte
	for _, b := range blocks {
		got = append(got, b.Data...)
	}
	if got = got[:len(data)]; string(got) != string(data) {
		t.Errorf("got %q, want %q", got, data)
	}
}

// Words of the chassis' other commands.
func TestChassisWords(t *testing.T) {
	m := machine.New(ipmitest.Script(t, `
		> 00 07
		< 00 0b 01
		< 00 0f 00
		> 00 06 02
		< 00 05
		> 06 04
		< 00 57 88
		< 00 ff 00
		< 00 31 07`))
	ctx := t.Context()
	for _, want := range []string{"rtc", "reserved"} {
		if got, err := m.RestartCause(ctx); got.Cause != want || err != nil {
			t.Errorf("got %+v, %v, want %s", got, err, want)
		}
	}
	p, err := m.SetRestorePolicy(ctx, ipmi.RestoreAlwaysOn)
	want := []string{"always-off", "always-on"}
	if p.Policy != "always-on" || !slices.Equal(p.Supported, want) {
		t.Errorf("got %+v, %v, want always-on of %v", p, err, want)
	}
	s, err := m.SelfTest(ctx)
	want = []string{"sdr-repository-empty", "sel-not-accessible"}
	if !slices.Equal(s.Failures, want) || s.Passed() {
		t.Errorf("got %+v, %v, want %v", s, err, want)
	}
	for _, want := range []string{"not-available", "device-specific"} {
		if got, err := m.SelfTest(ctx); got.Result != want || err != nil {
			t.Errorf("got %+v, %v, want %s", got, err, want)
		}
	}
}
