package bmc

import (
	"testing"

	"lom/ipmi"
)

func TestCommandDiscovery(t *testing.T) {
	b := newTest(t, nil)
	netFns := must(t, b, ipmi.GetNetFnSupport{Channel: 0xe})
	for n := ipmi.NetFn(0); n < 0x40; n += 2 {
		want := n == ipmi.NetFnApp || n == ipmi.NetFnChassis || n == ipmi.NetFnSensor ||
			n == ipmi.NetFnStorage || n == ipmi.NetFnTransport || n == ipmi.NetFnGroup
		if netFns.Has(0, n) != want || netFns.Has(1, n) {
			t.Errorf("%v: %v", n, netFns.Has(0, n))
		}
	}
	// What discovery says of each command is what the command does.
	for _, c := range ipmi.Commands() {
		s := must(t, b, ipmi.GetCommandSupport{Channel: 0xe, NetFn: c.NetFn, Half: c.Code >> 7,
			Body: []byte(c.Body)})
		if want := b.mux.Has(c) && c.Privilege != ipmi.PrivilegeSystem; s.Has(c.Code) != want {
			t.Errorf("%v %02x %s: %v", c.NetFn, c.Code, c.Name, !want)
		}
	}
	if s := must(t, b, ipmi.GetCommandSupport{Channel: 15, NetFn: ipmi.NetFnApp}); !s.Has(0x33) {
		t.Error("Get Message is missing on the system interface")
	}
	if r := must(t, b, ipmi.GetOEMNetFnIANASupport{Channel: 1, NetFn: ipmi.NetFnGroup}); !r.Last ||
		string(r.Body) != "\xdc" {
		t.Errorf("%+v", r)
	}
	wantCode[ipmi.NetFnSupport](t, "channel 5",
		ipmi.CodeInvalidDataField)(ask(t, b, ipmi.GetNetFnSupport{Channel: 5}))
	wantCode[ipmi.OEMNetFnIANASupport](t, "no OEM",
		ipmi.CodeParameterOutOfRange)(ask(t, b,
		ipmi.GetOEMNetFnIANASupport{Channel: 1, NetFn: ipmi.NetFnOEM}))
	wantCode[ipmi.CommandSupport](t, "no body",
		ipmi.CodeDataLengthInvalid)(ask(t, b,
		ipmi.GetCommandSupport{Channel: 1, NetFn: ipmi.NetFnGroup}))
}
