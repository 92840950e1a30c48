package bmc

import (
	"crypto/rand"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// A pending is a log-in in which nothing is missing but the packet that proves the password.
type pending struct {
	c      *console
	h      *rmcp.ClientHandshake // nil in IPMI 1.5
	id     uint32
	packet []byte // RAKP Message 3 or Activate Session
}

// begin takes a log-in of "admin" as far as it comes without the password.
func begin(t *testing.T, b *BMC, v15 bool) *pending {
	t.Helper()
	p := &pending{c: newConsole(t, b)}
	if v15 {
		data, _ := ipmi.GetSessionChallenge{AuthType: ipmi.AuthMD5,
			UserName: "admin"}.AppendBinary(nil)
		packet, _ := rmcp.AppendPresession15(nil, p.c.message(ipmi.NetFnApp, 0x39, data...))
		m, err := rmcp.ParseMessage(p.c.exchange(packet).Payload)
		var ch ipmi.SessionChallenge
		if err != nil || ch.UnmarshalBinary(m.Data) != nil {
			t.Fatalf("Get Session Challenge: %+v, %v", m, err)
		}
		data, _ = ipmi.ActivateSession{AuthType: ipmi.AuthMD5,
			Privilege: ipmi.PrivilegeAdministrator, Challenge: ch.Challenge,
			OutboundSequence: 9}.AppendBinary(nil)
		auth, _ := rmcp.NewAuth15(ipmi.AuthMD5, ipmi.NewSecret("secret"))
		p.id = ch.SessionID
		p.packet, _ = rmcp.AppendActivate15(nil, auth, p.id,
			p.c.message(ipmi.NetFnApp, 0x3a, data...))
		return p
	}
	cfg := admin(17)
	cfg.LocalID, cfg.Random = 0x11223344, rand.Reader
	var err error
	if p.h, err = rmcp.NewClientHandshake(cfg); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		packet, err := p.h.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.h.Receive(p.c.exchange(packet)); err != nil {
			t.Fatal(err)
		}
	}
	if p.packet, err = p.h.Append(nil); err != nil {
		t.Fatal(err)
	}
	sent, err := rmcp.Parse(p.packet)
	if err != nil {
		t.Fatal(err)
	}
	p.id, _ = rmcp.HandshakeID(&sent)
	return p
}

// wrong sends what somebody sends who does not know the password.
func (p *pending) wrong() *rmcp.Packet {
	packet := append([]byte(nil), p.packet...)
	at := len(packet) - 1 // in the code of RAKP Message 3
	if p.h == nil {
		at = rmcp.HeaderLen + 9 // in the code of the packet
	}
	packet[at] ^= 1
	return p.c.exchange(packet)
}

// right proves the password, and returns what the BMC says: the status of RAKP Message 4 or the
// completion code of Activate Session, and -1 if it says nothing.
func (p *pending) right(t *testing.T) int {
	t.Helper()
	answer := p.c.exchange(p.packet)
	switch {
	case answer == nil:
		return -1
	case p.h != nil:
		return int(answer.Payload[1])
	}
	m, err := rmcp.ParseMessage(answer.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return int(m.Code)
}

// Wrong passwords lock a user also where the log-ins were begun before, and the lock holds for
// those.
func TestLockoutHoldsForParallelLogins(t *testing.T) {
	for _, v15 := range []bool{false, true} {
		b := newTest(t, nil)
		b.login.kept.BadPassword = badPassword{Event: true, Threshold: 3}
		events := 0
		b.listen(func(Event) { events++ })
		open, err := newConsole(t, b).login(admin(3)) // of the administrator at work
		if err != nil {
			t.Fatal(err)
		}
		var all []*pending
		for range 12 {
			all = append(all, begin(t, b, v15))
		}
		for _, p := range all[:11] {
			p.wrong()
			p.wrong() // the network doubles it
		}
		if got := all[11].right(t); got == 0 {
			t.Errorf("1.5=%v: the right password after 11 wrong ones: got in, want a refusal", v15)
		}
		if n := len(b.sessions.active); n != 1 {
			t.Errorf("1.5=%v: %d sessions, want 1", v15, n)
		}
		if f := b.login.failed[2]; f.count != 3 || !f.locked || events != 1 {
			t.Errorf("1.5=%v: %+v and %d events, want 3 wrong passwords, a lock and 1 event", v15,
				f, events)
		}
		if m, ok := newConsole(t, b).request(open,
			newConsole(t, b).message(ipmi.NetFnApp, 1)); !ok || m.Code != 0 {
			t.Errorf("1.5=%v: the lock ended an open session: %v", v15, m.Code)
		}
		must(t, b, ipmi.SetUserAccess{Channel: channelLAN, User: 2,
			Limit: ipmi.PrivilegeAdministrator})
		if got := begin(t, b, v15).right(t); got != 0 {
			t.Errorf("1.5=%v: after Set User Access: got %02xh, want a session", v15, got)
		}
	}
}

// A wrong password is counted once, and the same log-in has no second guess.
func TestOneGuessForALogin(t *testing.T) {
	b := newTest(t, nil)
	p := begin(t, b, false)
	first := p.wrong()
	if first == nil || first.Payload[1] != byte(rmcp.StatusInvalidCheckValue) {
		t.Fatalf("got %+v, want status %v", first, rmcp.StatusInvalidCheckValue)
	}
	if again := p.wrong(); again == nil || again.Payload[1] != first.Payload[1] {
		t.Errorf("the repetition: got %+v, want the same answer", again)
	}
	if got := p.right(t); got != int(rmcp.StatusInvalidCheckValue) || len(b.sessions.active) != 0 {
		t.Errorf("the second guess: got %02xh and %d sessions, want %v", got,
			len(b.sessions.active), rmcp.StatusInvalidCheckValue)
	}
	if n := b.login.failed[2].count; n != 1 {
		t.Errorf("%d wrong passwords were counted, want 1", n)
	}
}

// A request that would be refused with the right password is of no account as a wrong one
// (parameter 26, Table 23-4).
func TestForeignChallengeIsNoWrongPassword(t *testing.T) {
	b := newTest(t, nil)
	p := begin(t, b, true)
	data, _ := ipmi.ActivateSession{AuthType: ipmi.AuthMD5, Privilege: ipmi.PrivilegeAdministrator,
		OutboundSequence: 9}.AppendBinary(nil)
	auth, _ := rmcp.NewAuth15(ipmi.AuthMD5, ipmi.NewSecret("guess"))
	packet, _ := rmcp.AppendActivate15(nil, auth, p.id, p.c.message(ipmi.NetFnApp, 0x3a, data...))
	if answer := p.c.exchange(packet); answer != nil {
		t.Errorf("answered: %+v", answer)
	}
	if n := b.login.failed[2].count; n != 0 {
		t.Errorf("%d wrong passwords were counted, want 0", n)
	}
	if got := p.right(t); got != 0 {
		t.Errorf("the right answer to the challenge: got %02xh, want a session", got)
	}
}

// What is changed about a user or the channel counts for log-ins that were begun before.
func TestChangeWhileLoggingIn(t *testing.T) {
	password := func(s string) ipmi.SetUserPassword {
		return ipmi.SetUserPassword{User: 2, Operation: ipmi.PasswordSet,
			Password: ipmi.NewSecret(s)}
	}
	access := ipmi.SetUserAccess{Channel: channelLAN, User: 2, Change: true, Messaging: true,
		Link: true, Limit: ipmi.PrivilegeAdministrator}
	for _, c := range []struct {
		what     string
		change   func(*testing.T, *BMC)
		v20, v15 int
	}{
		{"nothing", func(*testing.T, *BMC) {}, 0, 0},
		{"the same password", func(t *testing.T, b *BMC) { must(t, b, password("secret")) }, 0, 0},
		{"disabled", func(t *testing.T, b *BMC) {
			must(t, b, ipmi.SetUserPassword{User: 2, Operation: ipmi.PasswordDisableUser})
		}, int(rmcp.StatusInactiveSessionID), -1},
		{"password", func(t *testing.T, b *BMC) { must(t, b, password("other")) }, int(rmcp.StatusInvalidCheckValue), -1},
		{"no access", func(t *testing.T, b *BMC) {
			a := access
			a.Limit = ipmi.PrivilegeNoAccess
			must(t, b, a)
		}, int(rmcp.StatusInactiveSessionID), -1},
		{"no IPMI messaging", func(t *testing.T, b *BMC) {
			a := access
			a.Messaging = false
			must(t, b, a)
		}, int(rmcp.StatusInactiveSessionID), -1},
		{"a lower limit", func(t *testing.T, b *BMC) {
			a := access
			a.Limit = ipmi.PrivilegeOperator
			must(t, b, a)
		}, int(rmcp.StatusInactiveSessionID), int(codePrivilegeTooHigh)},
		{"a lower limit of the channel", func(t *testing.T, b *BMC) {
			must(t, b, ipmi.SetChannelAccess{Channel: channelLAN, SetLimit: ipmi.AccessVolatile,
				Limit: ipmi.PrivilegeUser})
		}, int(rmcp.StatusInactiveSessionID), int(codePrivilegeTooHigh)},
		{"the channel is off", func(t *testing.T, b *BMC) {
			must(t, b, ipmi.SetChannelAccess{Channel: channelLAN, SetAccess: ipmi.AccessVolatile,
				Mode: ipmi.AccessDisabled})
		}, -1, -1},
		{"a session limit", func(t *testing.T, b *BMC) {
			a := access
			a.SessionLimit = new(uint8)
			*a.SessionLimit = 1
			must(t, b, a)
			if _, err := newConsole(t, b).login(admin(3)); err != nil {
				t.Fatal(err)
			}
		}, int(rmcp.StatusNoResources), int(codeNoSlotForUser)},
		{"all places are taken", func(t *testing.T, b *BMC) {
			for range maxSessions {
				if _, err := newConsole(t, b).login(admin(3)); err != nil {
					t.Fatal(err)
				}
			}
		}, int(rmcp.StatusNoResources), int(codeNoSlot)},
		{"another name", func(t *testing.T, b *BMC) { must(t, b, ipmi.SetUserName{User: 2, Name: "root"}) }, int(rmcp.StatusInactiveSessionID), -1},
		{"suites and types", func(t *testing.T, b *BMC) {
			b.login.kept.SuitePrivilege = [16]ipmi.Privilege{}
			b.login.kept.AuthTypes = [6]ipmi.AuthTypes{}
		}, int(rmcp.StatusInactiveSessionID), int(ipmi.CodeInvalidDataField)},
		{"the BMC is reset", func(t *testing.T, b *BMC) { must(t, b, ipmi.ColdReset{}) }, -1, -1},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, v15 := range []bool{false, true} {
					b := newTest(t, nil)
					p := begin(t, b, v15)
					c.change(t, b)
					time.Sleep(resetTime)
					synctest.Wait()
					want := c.v20
					if v15 {
						want = c.v15
					}
					got := p.right(t)
					if got != want {
						t.Errorf("1.5=%v: got %d, want %d", v15, got, want)
					}
					if made := b.sessions.active[p.id] != nil; made != (want == 0) {
						t.Errorf("1.5=%v: there is a session: %v, want %v", v15, made, want == 0)
					}
					if n := b.login.failed[2].count; n != 0 && c.what != "password" {
						t.Errorf("1.5=%v: %d wrong passwords were counted, want 0", v15, n)
					}
				}
			})
		})
	}
}

// What is changed about a user or the channel holds in open sessions.
func TestChangeInOpenSession(t *testing.T) {
	access := func(limit ipmi.Privilege, messaging bool) ipmi.SetUserAccess {
		return ipmi.SetUserAccess{Channel: channelLAN, User: 2, Change: true, Messaging: messaging,
			Limit: limit}
	}
	set := func(s string) ipmi.SetUserPassword {
		return ipmi.SetUserPassword{User: 2, Operation: ipmi.PasswordSet,
			Password: ipmi.NewSecret(s)}
	}
	disable := ipmi.SetUserPassword{User: 2, Operation: ipmi.PasswordDisableUser}
	channel := ipmi.SetChannelAccess{Channel: channelLAN, SetAccess: ipmi.AccessVolatile,
		PerMessage: true, UserLevel: true}
	for _, c := range []struct {
		what string
		by   interface {
			Command() ipmi.Command
			AppendBinary([]byte) ([]byte, error)
		}
		// sessions that stay: the one that changes it, others of user 2, those of user 3
		own, others, foreign bool
	}{
		{"nothing", ipmi.SetUserPassword{User: 2, Operation: ipmi.PasswordEnableUser}, true, true, true},
		{"disabled", disable, false, false, true},
		{"no access", access(ipmi.PrivilegeNoAccess, true), false, false, true},
		{"no IPMI messaging", access(ipmi.PrivilegeAdministrator, false), false, false, true},
		{"a lower limit", access(ipmi.PrivilegeUser, true), true, true, true},
		{"password", set("other"), true, false, true},
		{"the same password", set("secret"), true, true, true},
		{"another name", ipmi.SetUserName{User: 2, Name: "root"}, true, false, true},
		{"the channel is off", channel, false, false, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newTest(t, func(c *Config) {
					c.Users = append(c.Users,
						UserConfig{Name: "eve", Password: ipmi.NewSecret("secret"),
							Privilege: ipmi.PrivilegeOperator})
				})
				enter := func(user string, v15 bool) (*console, rmcp.Session) {
					k, p := newConsole(t, b), ipmi.PrivilegeAdministrator
					if user == "eve" {
						p = ipmi.PrivilegeOperator
					}
					if v15 {
						s, cc := k.activate15(ipmi.AuthMD5, user, "secret", p)
						if s == nil {
							t.Fatal(cc)
						}
						return k, s
					}
					cfg := admin(17)
					cfg.User, cfg.Privilege = user, p
					s, err := k.login(cfg)
					if err != nil {
						t.Fatal(err)
					}
					return k, s
				}
				own, s := enter("admin", false)
				other, s20 := enter("admin", false)
				_, s15 := enter("admin", true)
				_, eve := enter("eve", false)
				for _, s := range []rmcp.Session{s, s20, s15} {
					if m, _ := own.request(s, own.message(ipmi.NetFnApp, 0x3b, 4)); m.Code != 0 {
						t.Fatal(m.Code)
					}
				}
				data, err := c.by.AppendBinary(nil)
				if err != nil {
					t.Fatal(err)
				}
				if m, ok := own.request(s,
					own.message(ipmi.NetFnApp, c.by.Command().Code, data...)); !ok || m.Code != 0 {
					t.Fatalf("%s: got no answer or %v", c.by.Command().Name, m.Code)
				}
				time.Sleep(resetTime)
				synctest.Wait()
				for _, x := range []struct {
					who  string
					s    rmcp.Session
					want bool
				}{{"own", s, c.own}, {"other", s20, c.others}, {"1.5", s15, c.others},
					{"another user's", eve, c.foreign}} {
					if _, ok := other.request(x.s, other.message(ipmi.NetFnApp, 1)); ok != x.want {
						t.Errorf("%s session answers: got %v, want %v", x.who, ok, x.want)
					}
				}
				if c.what == "a lower limit" {
					for _, s := range []rmcp.Session{s, s20, s15} {
						if m, _ := own.request(s, own.message(ipmi.NetFnChassis, 2, 0)); m.Code !=
							ipmi.CodeInsufficientPrivilege {
							t.Errorf("power off: got %v, want %v", m.Code,
								ipmi.CodeInsufficientPrivilege)
						}
					}
				}
			})
		})
	}
}

// A channel that is there before the start of the operating system only has no sessions after it.
func TestPreBootSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTest(t, nil)
		must(t, b, ipmi.ChassisControl{Action: ipmi.PowerDown})
		time.Sleep(time.Minute)
		must(t, b, ipmi.SetChannelAccess{Channel: channelLAN, SetAccess: ipmi.AccessNonVolatile,
			Mode: ipmi.AccessPreBoot, PerMessage: true, UserLevel: true})
		must(t, b, ipmi.SetChannelAccess{Channel: channelLAN, SetAccess: ipmi.AccessVolatile,
			Mode: ipmi.AccessPreBoot, PerMessage: true, UserLevel: true})
		if _, err := newConsole(t, b).login(admin(3)); err != nil {
			t.Fatal(err)
		}
		must(t, b, ipmi.ChassisControl{Action: ipmi.PowerUp})
		time.Sleep(30 * time.Second)
		synctest.Wait()
		b.mu.Lock()
		defer b.mu.Unlock()
		if n := len(b.sessions.active); n != 0 {
			t.Errorf("%d sessions, want 0", n)
		}
	})
}

// Serial over LAN ends when its user may not have it any more.
func TestSOLEndsWithRight(t *testing.T) {
	for what, change := range map[string]func(*testing.T, *BMC){
		"a lower limit": func(t *testing.T, b *BMC) {
			must(t, b, ipmi.SetUserAccess{Channel: channelLAN, User: 2,
				Limit: ipmi.PrivilegeCallback})
		},
		"payload access": func(t *testing.T, b *BMC) {
			must(t, b, ipmi.SetUserPayloadAccess{Channel: channelLAN, User: 2, Disable: true,
				Payloads: ipmi.PayloadSet{Standard: 2}})
		},
		"the channel's limit": func(t *testing.T, b *BMC) {
			must(t, b, ipmi.SetChannelAccess{Channel: channelLAN, SetLimit: ipmi.AccessVolatile,
				Limit: ipmi.PrivilegeCallback})
		},
	} {
		t.Run(what, func(t *testing.T) {
			b := newTest(t, nil)
			ended := ""
			k := &payloadKind{
				activate: func(*Context, uint8, [4]byte) (ipmi.ActivatedPayload, error) {
					return ipmi.ActivatedPayload{}, nil
				},
				deactivate: func(_ uint8, tell bool) {
					if tell {
						ended = "told"
					}
				},
				privilege: func() ipmi.Privilege { return ipmi.PrivilegeUser },
				instances: make([]*session, 1),
			}
			b.payloads[ipmi.PayloadSOL] = k
			c := newConsole(t, b)
			s, err := c.login(admin(17))
			if err != nil {
				t.Fatal(err)
			}
			if m, _ := c.request(s, c.message(ipmi.NetFnApp, 0x3b, 4)); m.Code != 0 {
				t.Fatal(m.Code)
			}
			if m, _ := c.request(s, c.message(ipmi.NetFnApp, 0x48, 1, 1, 0, 0, 0, 0)); m.Code != 0 {
				t.Fatalf("Activate Payload: %v", m.Code)
			}
			must(t, b, ipmi.SetUserAccess{Channel: channelLAN, User: 2, Limit: ipmi.PrivilegeUser})
			if ended != "" {
				t.Fatal("ended, although its user may have it")
			}
			change(t, b)
			if ended != "told" || k.instances[0] != nil {
				t.Errorf("got %q, want an end that the console is told", ended)
			}
		})
	}
}

// Users of any level but administrator cannot take all places, and nobody more than the own limit.
func TestPlacesForUsers(t *testing.T) {
	b := newTest(t, func(c *Config) {
		c.Users = append(c.Users, UserConfig{Name: "eve", Password: ipmi.NewSecret("secret"),
			Privilege: ipmi.PrivilegeUser},
			UserConfig{Name: "bob", Password: ipmi.NewSecret("secret"),
				Privilege: ipmi.PrivilegeOperator})
	})
	status := func(user string, p ipmi.Privilege) rmcp.Status {
		cfg := admin(17)
		cfg.User, cfg.Privilege = user, p
		_, err := newConsole(t, b).login(cfg)
		var refused *rmcp.StatusError
		if err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
		if refused == nil {
			return rmcp.StatusOK
		}
		return refused.Status
	}
	code := func(user string, p ipmi.Privilege) ipmi.CompletionCode {
		s, cc := newConsole(t, b).activate15(ipmi.AuthMD5, user, "secret", p)
		if s == nil && cc == 0 {
			t.Fatal("no answer to Activate Session")
		}
		return cc
	}
	limit := uint8(2)
	must(t, b, ipmi.SetUserAccess{Channel: channelLAN, User: 4, Limit: ipmi.PrivilegeOperator,
		SessionLimit: &limit})
	for i, want := range []rmcp.Status{rmcp.StatusOK, rmcp.StatusOK,
		rmcp.StatusNoResourcesForRole} {
		if got := status("bob", ipmi.PrivilegeUser); got != want {
			t.Errorf("session %d of a user who may have 2: got %v, want %v", i+1, got, want)
		}
	}
	if got := code("bob", ipmi.PrivilegeUser); got != codeNoSlotForUser {
		t.Errorf("Activate Session of a user who has all: got %v, want %v", got, codeNoSlotForUser)
	}
	for len(b.sessions.active) < maxSessions-1 {
		if got := status("eve", ipmi.PrivilegeUser); got != rmcp.StatusOK {
			t.Fatalf("session %d: got %v", len(b.sessions.active)+1, got)
		}
	}
	if got := status("eve", ipmi.PrivilegeUser); got != rmcp.StatusNoResourcesForRole {
		t.Errorf("the last place, for a user: got %v, want %v", got, rmcp.StatusNoResourcesForRole)
	}
	if got := code("eve", ipmi.PrivilegeUser); got != codeNoSlotForPrivilege {
		t.Errorf("Activate Session for the last place: got %v, want %v", got,
			codeNoSlotForPrivilege)
	}
	if got := status("admin", ipmi.PrivilegeUser); got != rmcp.StatusOK {
		t.Errorf("the last place, for an administrator: got %v", got)
	}
	if got := status("admin", ipmi.PrivilegeUser); got != rmcp.StatusNoResources {
		t.Errorf("no place: got %v, want %v", got, rmcp.StatusNoResources)
	}
	if got := code("admin", ipmi.PrivilegeUser); got != codeNoSlot {
		t.Errorf("Activate Session without a place: got %v, want %v", got, codeNoSlot)
	}
}
