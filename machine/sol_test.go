package machine_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
	"lom/ipmitest"
	"lom/machine"
)

func TestSOL(t *testing.T) {
	all := func(answers ...string) string {
		var b strings.Builder
		for i, a := range answers {
			b.WriteString("> 0c 22 02 0" + string(rune('0'+i)) + " 00 00\n< " + a + "\n")
		}
		return b.String()
	}
	read := func(t *testing.T, script string) (machine.SOL, error) {
		v, err := machine.New(ipmitest.Script(t, script)).SOL(t.Context(), 2)
		return v, err
	}
	t.Run("some", func(t *testing.T) {
		v, err := read(t, all("00 11 00", "00 11 00", "80", "80", "00 11 07 32", "00 11 00",
			"00 11 03", "80", "80"))
		p := v.Parameters
		v.Parameters = machine.SOLParameters{}
		want := machine.SOL{
			SetInProgress: "set-complete", Enabled: new(false), Retries: new(uint8(7)),
			Interval: new(0.5), RateAsSerial: new(false), KeptAsSerial: new(true),
		}
		if err != nil || !reflect.DeepEqual(v, want) {
			t.Errorf("got %+v, %v; want %+v", v, err, want)
		}
		if p.Channel.Channel != 2 || p.Port.Port != 623 {
			t.Errorf("got payload channel %d, port %d; want 2, 623", p.Channel.Channel, p.Port.Port)
		}
	})
	t.Run("none", func(t *testing.T) {
		_, err := read(t, all("80", "80", "80", "80", "80", "80", "80", "00 11 01", "00 11 6f 02"))
		if none := new(machine.NoSOLError); !errors.As(err, &none) || none.Channel != 2 {
			t.Errorf("got %v, want a NoSOLError of channel 2", err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		_, err := read(t, all("d4", "d4", "d4", "d4", "d4", "d4", "d4", "d4", "d4"))
		e := new(ipmi.Error)
		if !errors.As(err, &e) || e.Op != "Get SOL Configuration Parameters" ||
			!errors.Is(err, ipmi.CodeInsufficientPrivilege) {
			t.Errorf("got %v, want the refusal with its Op", err)
		}
	})
}

// A setting of SOL is read back, and the other values of its parameter stay what they are.
func TestChangeSOLParameter(t *testing.T) {
	const claims = "> 0c 21 01 00 01\n< 00\n> 0c 21 01 00 02\n< 80\n> 0c 21 01 00 00\n< 00\n"
	const look, set = "> 0c 22 01 02 00 00\n", "> 0c 21 01 02 43\n"
	const old, taken = "< 00 11 c3\n", "< 00 11 43\n"
	for name, c := range map[string]struct {
		script string
		want   error
		says   string
	}{
		"taken late":      {look + old + old + taken + set + "< 00\n", nil, ""},
		"lost, but taken": {look + old + taken + set + "< unknown\n", nil, ""},
		"lost":            {look + old + set + "< unknown\n", ipmi.ErrOutcomeUnknown, ""},
		"not kept":        {look + old + set + "< 00\n", nil, "does not keep it"},
		"cannot be read":  {look + "< 80\n" + "> 0c 21 01 02 00\n< 00\n", nil, ""},
		"refused":         {look + old + set + "< 82\n", ipmi.CodeParameterReadOnly, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				m := machine.New(ipmitest.Script(t, claims+c.script))
				err := machine.ChangeSOLParameter(t.Context(), m, 1, "force-encryption",
					func(p *ipmi.SOLAuthentication) { p.ForceEncryption = false }, true)
				switch {
				case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)),
					c.says == "" && !errors.Is(err, c.want):
					t.Errorf("got %v, want %v%s", err, c.want, c.says)
				case time.Since(began) > time.Minute:
					t.Errorf("got an answer after %v, want it within a minute", time.Since(began))
				}
				const op = "Set SOL parameter force-encryption"
				if e := new(ipmi.Error); errors.As(err, &e) && e.Op != op {
					t.Errorf("got Op %q, want %q", e.Op, op)
				}
			})
		})
	}
}

func TestSOLConsoles(t *testing.T) {
	m := machine.New(ipmitest.Script(t, `
> 06 4a 01
< 00 04 05 80
> 06 4b 01 03
< 00 44 33 22 11 01 00 00 00 00 00 00 00
> 06 49 01 02 00 00 00 00
< 80
`))
	got, err := m.SOLConsoles(t.Context())
	want := machine.SOLConsoles{Capacity: 4, Open: []uint8{1, 3, 16}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if id, err := m.SOLHolder(t.Context(), 3); err != nil || id != 0x11223344 {
		t.Errorf("got %x, %v; want 11223344", id, err)
	}
	if err := m.CloseSOL(t.Context(), 2); !errors.Is(err, ipmi.CodePayloadActive) {
		t.Errorf("got %v, want %v", err, ipmi.CodePayloadActive)
	}
}
