package machine

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"lom/ipmi"
	"lom/ipmitest"
)

func TestChannel(t *testing.T) {
	const lan = "> 06 42 01\n< 00 01 04 01 81 f2 1b 00 00 00\n"
	for _, c := range []struct{ name, script, want string }{
		{"LAN", lan + "> 06 41 01 80\n< 00 05 04\n> 06 41 01 40\n< 00 39 00", `{"channel":1,` +
			`"medium":"802.3 LAN","protocol":"IPMB-1.0","session_support":"multi-session",` +
			`"active_sessions":1,"protocol_vendor_id":7154,` +
			`"volatile":{"alerting":true,"per_message_auth":true,"user_level_auth":true,` +
			`"access_mode":"unknown","privilege_limit":"administrator"},` +
			`"non_volatile":{"alerting":false,"per_message_auth":false,"user_level_auth":false,` +
			`"access_mode":"pre-boot-only","privilege_limit":"unknown"}}`},
		{"system interface", "> 06 42 01\n< 00 0f 0c 05 00 f2 1b 00 00 00", `{"channel":15,` +
			`"medium":"System Interface","protocol":"KCS","session_support":"session-less",` +
			`"active_sessions":0,"protocol_vendor_id":7154}`},
	} {
		v, err := New(ipmitest.Script(t, c.script)).Channel(t.Context(), 1)
		if got := asJSON(t, v); err != nil || got != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.name, got, err, c.want)
		}
	}
	_, err := New(ipmitest.Script(t, "> 06 42 09\n< cc")).Channel(t.Context(), 9)
	if e := new(NoChannelError); !errors.As(err, &e) || e.Channel != 9 {
		t.Errorf("got %v, want that there is no channel 9", err)
	}
	_, err = New(ipmitest.Script(t, lan+"> 06 41 01 80\n< d4")).Channel(t.Context(), 1)
	if e := new(ipmi.Error); !errors.As(err, &e) || e.Op != "Get Channel Access (volatile)" {
		t.Errorf("got %v, want a refusal of Get Channel Access (volatile)", err)
	}
}

// A BMC of IPMI 1.5 refuses the question for IPMI 2.0, and is asked without it (§22.13).
func TestAuthCapabilities(t *testing.T) {
	m := New(ipmitest.Script(t, "> 06 38 81 04\n< cc\n> 06 38 01 04\n< 00 01 24 04 00 f2 1b 00 00"))
	v, err := m.AuthCapabilities(t.Context(), 1, ipmi.PrivilegeAdministrator)
	const want = `"auth_types":["md5","oem"],"ipmi_2_0_data":false,`
	if got := asJSON(t, v); err != nil || !strings.Contains(got, want) ||
		!strings.HasSuffix(got, `"oem_id":7154,"oem_auxiliary":0}`) {
		t.Errorf("got %s, %v; want %s and the OEM's numbers", got, err, want)
	}
}

// A BMC whose list of cipher suites does not end is asked 64 times, as often as there are pieces.
func TestCipherSuitesWithoutEnd(t *testing.T) {
	var script strings.Builder
	for i := range 64 {
		fmt.Fprintf(&script, "> 06 54 01 00 %02x\n", 0x80|i)
		script.WriteString("< 00 01 c003014181 c003014181 c003014181 c0\n")
	}
	s := ipmitest.Script(t, script.String())
	list, err := New(s).CipherSuites(t.Context(), 1, ipmi.PayloadIPMI)
	if n := len(s.Asked()); err != nil || n != 64 || len(list) == 0 {
		t.Fatalf("got %d suites after %d requests, %v; want some after 64", len(list), n, err)
	}
	const want = `{"id":3,"authentication":"hmac_sha1","integrity":"hmac_sha1_96",` +
		`"confidentiality":"aes_cbc_128"}`
	if got := asJSON(t, list[0]); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
