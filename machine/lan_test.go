package machine_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"lom/ipmi"
	"lom/ipmitest"
	"lom/machine"
)

// noLAN makes a BMC refuse every LAN parameter of channel 1 that lan print reads as one that it
// does not have. What stands before it in a script is answered.
func noLAN(script string) string {
	var b strings.Builder
	for _, number := range []string{
		"00", "01", "02", "03", "04", "05", "06", "07", "0a", "0b", "0c", "0d", "0e", "0f", "10",
		"14", "15", "16", "17", "18", "1a",
	} {
		if !strings.Contains(script, "> 0c 02 01 "+number+" ") {
			b.WriteString("> 0c 02 01 " + number + " 00 00\n< 80\n")
		}
	}
	return script + b.String()
}

func TestLAN(t *testing.T) {
	read := func(t *testing.T, script string) (machine.LAN, error) {
		m := machine.New(ipmitest.Script(t, noLAN(script)))
		v, err := m.LAN(t.Context(), 1)
		v.Parameters = machine.LANParameters{}
		return v, err
	}
	t.Run("nothing", func(t *testing.T) {
		v, err := read(t, "")
		if want := (machine.LAN{Channel: 1}); err != nil || !reflect.DeepEqual(v, want) {
			t.Errorf("got %+v, %v; want %+v", v, err, want)
		}
	})
	t.Run("reserved values", func(t *testing.T) {
		v, err := read(t, `
> 0c 02 01 00 00 00
< 00 11 03
> 0c 02 01 01 00 00
< 00 11 00
> 0c 02 01 04 00 00
< 00 11 0f
> 0c 02 01 0b 00 00
< 00 11 00
> 0c 02 01 16 00 00
< 00 11 10
> 0c 02 01 17 00 00
< 00 11 00 11
> 0c 02 01 18 00 00
< 00 11 00 40 f7 00 00 00 00 00 00
`)
		want := machine.LAN{
			Channel: 1, SetInProgress: "reserved", AuthTypes: []string{}, IPSource: "other",
			ARPInterval: new(0.5), Suites: []int{17},
		}
		want.SuitePrivileges = append([]string{"unused", "administrator", "unknown", "no-access"},
			slices.Repeat([]string{"unused"}, 12)...)
		if err != nil || !reflect.DeepEqual(v, want) {
			t.Errorf("got %+v, %v; want %+v", v, err, want)
		}
	})
	t.Run("one refused", func(t *testing.T) {
		v, err := read(t, `
> 0c 02 01 00 00 00
< 00 11 00
> 0c 02 01 03 00 00
< ff
> 0c 02 01 06 00 00
< 00 11 ff ff ff 00
`)
		partial, refusal := new(machine.PartialError), new(ipmi.Error)
		if !errors.As(err, &partial) || !errors.As(err, &refusal) ||
			v.SubnetMask != "255.255.255.0" || v.IPAddress != "" {
			t.Errorf("got %+v, %v; want the mask and a PartialError", v, err)
		}
		if got, want := refusal.Op, "Get LAN Parameter command"; got != want {
			t.Errorf("got Op %q, want %q", got, want)
		}
	})
	t.Run("too short", func(t *testing.T) {
		v, err := read(t, "> 0c 02 01 03 00 00\n< 00 11 c0\n")
		if err != nil || v.IPAddress != "" {
			t.Errorf("got %q, %v; want no address and no error", v.IPAddress, err)
		}
	})
}

func TestFirstLAN(t *testing.T) {
	const (
		serial = "\n< 00 01 05 01 81 f2 1b 00 00 00\n"
		lan    = "\n< 00 01 04 01 81 f2 1b 00 00 00\n"
		none   = "\n< cc\n"
	)
	var noneAtAll strings.Builder
	for _, n := range "123456789abcde" {
		noneAtAll.WriteString("> 06 42 0" + string(n) + none)
	}
	for name, c := range map[string]struct {
		script string
		want   uint8
		says   string
	}{
		"the third": {"> 06 42 01" + none + "> 06 42 02" + serial + "> 06 42 03" + lan, 3, ""},
		"none":      {noneAtAll.String(), 0, "the BMC has no LAN channel"},
		"not told": {"> 06 42 01\n< c1\n", 0, "the BMC does not say which of its " +
			"channels are LANs (it has no Get Channel Info command)"},
		"no answer":   {"> 06 42 01\n< lost\n", 0, "timeout"},
		"then silent": {"> 06 42 01" + none + "> 06 42 02\n< lost\n", 0, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := machine.New(ipmitest.Script(t, c.script)).FirstLAN(t.Context())
			if c.says == "timeout" {
				if !errors.Is(err, ipmi.ErrTimeout) {
					t.Errorf("got %v, want %v", err, ipmi.ErrTimeout)
				}
				return
			}
			if got != c.want || (err == nil) != (c.says == "") ||
				err != nil && err.Error() != c.says {
				t.Errorf("got %d, %v; want %d, %q", got, err, c.want, c.says)
			}
		})
	}
}

func TestCheckLAN(t *testing.T) {
	for answer, want := range map[string]error{
		"00 01 04 01 81 f2 1b 00 00 00": nil,
		"00 01 06 01 81 f2 1b 00 00 00": nil, // another LAN
		"00 01 05 01 81 f2 1b 00 00 00": &machine.NotLANError{Channel: 7},
		"cc":                            &machine.NotLANError{Channel: 7},
		"c1":                            nil, // only the user knows
	} {
		m := machine.New(ipmitest.Script(t, "> 06 42 07\n< "+answer+"\n"))
		if got := m.CheckLAN(t.Context(), 7); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", answer, got, want)
		}
	}
}

// claims are the answers to claiming the parameters of channel 1.
const claims = "> 0c 01 01 00 01\n< 00\n> 0c 01 01 00 02\n< 80\n> 0c 01 01 00 00\n< 00\n"

func TestSetLANParameter(t *testing.T) {
	const set, look = "> 0c 01 01 03 c0 00 02 14\n", "> 0c 02 01 03 00 00\n"
	const old, taken = "< 00 11 c0 00 02 0a\n", "< 00 11 c0 00 02 14\n"
	silent := func(acknowledged bool) func(error) bool {
		return func(err error) bool {
			e := new(machine.LANSilentError)
			return errors.As(err, &e) && e.Set == acknowledged && errors.Is(err, ipmi.ErrTimeout)
		}
	}
	is := func(want error) func(error) bool {
		return func(err error) bool { return errors.Is(err, want) }
	}
	for name, c := range map[string]struct {
		script string
		want   func(error) bool
	}{
		"taken":                      {set + "< 00\n" + look + taken, is(nil)},
		"taken late":                 {set + "< 00\n" + look + old + "< d3\n" + taken, is(nil)},
		"refused":                    {set + "< 82\n", is(ipmi.CodeParameterReadOnly)},
		"the answer lost, but taken": {set + "< unknown\n" + look + taken, is(nil)},
		"the answer lost, and not taken": {set + "< unknown\n" + look + old,
			is(ipmi.ErrOutcomeUnknown)},
		"then silent":    {set + "< 00\n" + look + "< lost\n", silent(true)},
		"silent at once": {set + "< unknown\n" + look + "< lost\n", silent(false)},
		"not kept": {set + "< 00\n" + look + old, func(err error) bool {
			return err != nil && strings.Contains(err.Error(), "does not keep it")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bmc := ipmitest.Script(t, claims+c.script)
				p := ipmi.LANIPAddress{Address: ipmi.IPv4Address{192, 0, 2, 20}}
				err := machine.SetLANParameter(t.Context(), machine.New(bmc), 1, p)
				if !c.want(err) {
					t.Errorf("got %v", err)
				}
				asked := bmc.Asked()
				if got, want := asked[len(asked)-1], "0c01010000"; got != want {
					t.Errorf("got %s as the last request, want the end of the claim, %s", got, want)
				}
			})
		})
	}
}

// A VLAN that is off already is left alone.
func TestDisableVLAN(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		was    bool
		asked  int
	}{
		"off": {"> 0c 02 01 14 00 00\n< 00 11 00 00\n", false, 1},
		"on": {claims + "> 0c 02 01 14 00 00\n< 00 11 64 80\n< 00 11 64 00\n" +
			"> 0c 01 01 14 64 00\n< 00\n", true, 6},
		"missing": {claims + "> 0c 02 01 14 00 00\n< 80\n> 0c 01 01 14 00 00\n< 80\n", true, 4},
	} {
		bmc := ipmitest.Script(t, c.script)
		was, err := machine.New(bmc).DisableVLAN(t.Context(), 1)
		got := len(bmc.Asked())
		if was != c.was || got != c.asked || (err != nil) != (name == "missing") {
			t.Errorf("%s: got %t, %v and %d requests; want %t and %d",
				name, was, err, got, c.was, c.asked)
		}
	}
}

// What would close the channel of the session is not done unasked.
func TestLANLockout(t *testing.T) {
	const own = "> 06 3d 00\n< 00 01 10 01 02 04 11\n"
	const other = "> 06 3d 00\n< 00 01 10 01 02 04 12\n"
	const close = "> 06 41 01 40\n< 00 02 04\n> 06 41 01 80\n< 00 02 04\n" +
		"> 06 40 01 40 44\n< 00\n> 06 40 01 80 84\n< 00\n"
	open := strings.NewReplacer("01 40 44", "01 42 44", "01 80 84", "01 82 84").Replace(close)
	for name, c := range map[string]struct {
		script    string
		on, force bool
		lockout   bool
	}{
		"own channel":              {own, false, false, true},
		"own channel, by force":    {close, false, true, false},
		"another channel":          {other + close, false, false, false},
		"the BMC does not say":     {"> 06 3d 00\n< c1\n" + close, false, false, false},
		"own channel, switched on": {open, true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			bmc := ipmitest.Script(t, c.script)
			err := machine.New(bmc).SetLANAccess(t.Context(), 1, c.on, c.force)
			lockout := new(machine.LANLockoutError)
			if errors.As(err, &lockout) != c.lockout || (err != nil) != c.lockout {
				t.Errorf("got %v, want a LANLockoutError: %t", err, c.lockout)
			}
		})
	}
	t.Run("no suite for administrators", func(t *testing.T) {
		p := ipmi.LANCipherSuitePrivileges{}
		p.Max[3] = ipmi.PrivilegeOperator
		bmc := ipmitest.Script(t, own)
		err := machine.New(bmc).SetLANSuites(t.Context(), 1, p, false)
		lockout := new(machine.LANLockoutError)
		if !errors.As(err, &lockout) || lockout.Channel != 1 || len(bmc.Asked()) != 1 {
			t.Errorf("got %v after %v, want a LANLockoutError and no other request",
				err, bmc.Asked())
		}
	})
}

func TestLANDestinations(t *testing.T) {
	const count = "> 0c 02 01 11 00 00\n< 00 11 02\n"
	const one = "> 0c 02 01 12 01 00\n< 00 11 01 86 05 02\n" +
		"> 0c 02 01 13 01 00\n< 00 11 01 00 01 c0 00 02 32 02 00 5e 00 00 32\n"
	const six = "> 0c 02 01 12 00 00\n< 00 11 00 03 03 03\n" +
		"> 0c 02 01 13 00 00\n< 00 11 00 10 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 07\n"
	const gone = "> 0c 02 01 12 02 00\n< 80\n> 0c 02 01 13 02 00\n< 80\n"
	m := machine.New(ipmitest.Script(t, count+one+six+gone))
	got, err := m.LANDestinations(t.Context(), 1)
	for i := range got {
		got[i].Kind, got[i].Address = ipmi.LANDestinationType{}, ipmi.LANDestinationAddress{}
	}
	want := []machine.LANDestination{
		{Destination: 0, Type: "unknown", Interval: 3, Retries: 3, IP: "2001:db8::7"},
		{
			Destination: 1, Acknowledged: true, Type: "oem1", Interval: 5, Retries: 2,
			Gateway: "backup", IP: "192.0.2.50", MAC: "02:00:5e:00:00:32",
		},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	got, err = m.LANDestinations(t.Context(), 1, 1)
	if err != nil || len(got) != 1 || got[0].Destination != 1 {
		t.Errorf("got %+v, %v; want destination 1 alone", got, err)
	}
	const says = "there is no alert destination 3 on channel 1: the last is 2"
	if _, err := m.LANDestinations(t.Context(), 1, 3); err == nil || err.Error() != says {
		t.Errorf("got %v, want %s", err, says)
	}
	if _, err := m.LANDestinationType(t.Context(), 1, 3); err == nil || err.Error() != says {
		t.Errorf("got %v, want %s", err, says)
	}
	// The address of another form is not kept in part.
	p, err := m.LANDestinationAddress(t.Context(), 1, 0)
	if err != nil || p != (ipmi.LANDestinationAddress{}) {
		t.Errorf("got %+v, %v; want an address of all 0", p, err)
	}
}

// A destination is set while the parameters are claimed, and the claim ends.
func TestSetLANDestination(t *testing.T) {
	const set = "> 0c 01 01 12 01 80 03 03\n< 00\n"
	bmc := ipmitest.Script(t, claims+set)
	p := ipmi.LANDestinationType{Destination: 1, Acknowledged: true, Timeout: 3, Retries: 3}
	if err := machine.New(bmc).SetLANDestination(t.Context(), 1, p); err != nil {
		t.Fatal(err)
	}
	want := []string{"0c01010001", "0c01011201800303", "0c01010002", "0c01010000"}
	if got := bmc.Asked(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
