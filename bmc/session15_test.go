package bmc

import (
	"testing"

	"lom/ipmi"
	"lom/rmcp"
)

// activate15 opens an IPMI 1.5 session; cc is that of the command that failed, 0 with a nil session
// is silence.
func (c *console) activate15(a ipmi.AuthType, user, password string,
	level ipmi.Privilege) (*rmcp.Session15, ipmi.CompletionCode) {
	c.t.Helper()
	data, _ := ipmi.GetSessionChallenge{AuthType: a, UserName: user}.AppendBinary(nil)
	packet, _ := rmcp.AppendPresession15(nil, c.message(ipmi.NetFnApp, 0x39, data...))
	m, err := rmcp.ParseMessage(c.exchange(packet).Payload)
	if err != nil || m.Code != 0 {
		return nil, m.Code
	}
	var ch ipmi.SessionChallenge
	if err := ch.UnmarshalBinary(m.Data); err != nil {
		c.t.Fatal(err)
	}
	auth, err := rmcp.NewAuth15(a, ipmi.NewSecret(password))
	if err != nil {
		c.t.Fatal(err)
	}
	data, _ = ipmi.ActivateSession{AuthType: a, Privilege: level, Challenge: ch.Challenge,
		OutboundSequence: 77}.AppendBinary(nil)
	packet, _ = rmcp.AppendActivate15(nil, auth, ch.SessionID,
		c.message(ipmi.NetFnApp, 0x3a, data...))
	var s *rmcp.Session15
	for range 2 { // the answer to the first is taken as lost
		p := c.exchange(packet)
		if p == nil {
			return nil, 0
		}
		if err := auth.Verify(p); err != nil {
			c.t.Fatalf("answer to Activate Session: %v", err)
		}
		if m, err = rmcp.ParseMessage(p.Payload); err != nil || m.Code != 0 {
			return nil, m.Code
		}
		if p.Sequence != 77 {
			c.t.Errorf("first packet has number %d", p.Sequence)
		}
		var r ipmi.ActivatedSession
		if err := r.UnmarshalBinary(m.Data); err != nil {
			c.t.Fatal(err)
		}
		s, err = rmcp.NewSession15(rmcp.Session15Config{ID: r.SessionID, AuthType: a,
			Password: ipmi.NewSecret(password), SendSequence: r.InboundSequence,
			RecvSequence: 77 + 1})
		if err != nil {
			c.t.Fatal(err)
		}
	}
	return s, 0
}

func TestSessions15(t *testing.T) {
	b := newTest(t, func(c *Config) { c.Allow.AuthNone = true })
	for _, a := range []ipmi.AuthType{ipmi.AuthNone, ipmi.AuthMD2, ipmi.AuthMD5,
		ipmi.AuthPassword} {
		c := newConsole(t, b)
		s, cc := c.activate15(a, "admin", "secret", ipmi.PrivilegeAdministrator)
		if s == nil {
			t.Fatalf("%v: %v", a, cc)
		}
		for range 20 {
			if m, ok := c.request(s, c.message(ipmi.NetFnApp, 1)); !ok || m.Code != 0 {
				t.Fatalf("%v: Get Device ID: %v", a, m.Code)
			}
		}
	}
	if n := len(b.sessions.active); n != 4 {
		t.Errorf("%d sessions, want 4", n)
	}
}

func TestLoginRefused15(t *testing.T) {
	b := newTest(t, func(c *Config) {
		c.Users = append(c.Users,
			UserConfig{Name: "op", Password: ipmi.NewSecret("secret"),
				Privilege: ipmi.PrivilegeOperator},
			UserConfig{Name: "long", Password: ipmi.NewSecret("a password of 20 by."),
				Privilege: ipmi.PrivilegeOperator})
	})
	for _, c := range []struct {
		what           string
		auth           ipmi.AuthType
		user, password string
		want           ipmi.CompletionCode
	}{
		{"none is not allowed", ipmi.AuthNone, "admin", "secret", ipmi.CodeInvalidDataField},
		{"unknown user", ipmi.AuthMD5, "nobody", "secret", codeInvalidUserName},
		{"no name", ipmi.AuthMD5, "", "", codeNullUserDisabled},
		{"20-byte password", ipmi.AuthMD5, "long", "a password of 20", codeInvalidUserName},
		{"too high", ipmi.AuthMD5, "op", "secret", codePrivilegeTooHigh},
		{"wrong password", ipmi.AuthMD5, "admin", "wrong", 0},
	} {
		if s, cc := newConsole(t, b).activate15(c.auth, c.user, c.password,
			ipmi.PrivilegeAdministrator); s != nil || cc != c.want {
			t.Errorf("%s: %v, want %v", c.what, cc, c.want)
		}
	}
	if n := len(b.sessions.active); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

// User level commands may come without an authentication code where the channel allows it, others
// not.
func TestUserLevelAuthDisabled(t *testing.T) {
	b := newTest(t, nil)
	b.channels.access[settingActive].UserLevelAuthOff = true
	c := newConsole(t, b)
	s, cc := c.activate15(ipmi.AuthMD5, "admin", "secret", ipmi.PrivilegeAdministrator)
	if s == nil {
		t.Fatal(cc)
	}
	if m, _ := c.request(s, c.message(ipmi.NetFnApp, 0x3b, 4)); m.Code != 0 {
		t.Fatal(m.Code)
	}
	s.SetSendNone(true)
	plain := func(netFn ipmi.NetFn, cmd uint8, data ...byte) ipmi.CompletionCode {
		packet, _ := s.Append(nil, ipmi.PayloadIPMI, c.message(netFn, cmd, data...))
		p := c.exchange(packet)
		if p == nil {
			t.Fatal("no answer")
		}
		if p.Authenticated {
			t.Error("the answer has an authentication code")
		}
		m, err := rmcp.ParseMessage(p.Payload)
		if err != nil {
			t.Fatal(err)
		}
		return m.Code
	}
	if cc := plain(ipmi.NetFnChassis, 1); cc != 0 {
		t.Errorf("chassis status: %v", cc)
	}
	if cc := plain(ipmi.NetFnChassis, 2, 0); cc != ipmi.CodeInsufficientPrivilege {
		t.Errorf("power off: %v", cc)
	}
}

// What the BMC sends over IPMI 1.5 has no legacy pad, whatever its length: ipmitool would take it
// for data.
func TestNoLegacyPad(t *testing.T) {
	b := newTest(t, nil)
	c := newConsole(t, b)
	s, cc := c.activate15(ipmi.AuthMD5, "admin", "secret", ipmi.PrivilegeAdministrator)
	if s == nil {
		t.Fatal(cc)
	}
	// Read FRU Data answers with as many bytes as are asked for.
	for n := range byte(100) {
		if m, ok := c.request(s, c.message(ipmi.NetFnStorage, 0x11, 0, 0, 0, n+1)); !ok ||
			m.Code != 0 {
			t.Fatalf("%d bytes of FRU: %v", n+1, m.Code)
		}
		packet := c.got[len(c.got)-1]
		if want := 4 + 1 + 4 + 4 + 16 + 1 + int(packet[29]); len(packet) != want {
			t.Errorf("a packet has %d bytes, want %d", len(packet), want)
		}
	}
}
