package bmc

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"lom/ipmi"
)

// askAs has b carry out a request with a context of the caller's making, and returns the completion
// code.
func askAs(t *testing.T, b *BMC, ctx *Context, req interface {
	Command() ipmi.Command
	AppendBinary([]byte) ([]byte, error)
}) ipmi.CompletionCode {
	t.Helper()
	data, err := req.AppendBinary([]byte(req.Command().Body))
	if err != nil {
		t.Fatal(err)
	}
	ctx.Context = context.Background()
	ch := make(chan ipmi.CompletionCode, 1)
	b.Answer(ctx, req.Command().NetFn, req.Command().Code, data,
		func(cc ipmi.CompletionCode, _ []byte) {
			ch <- cc
		})
	return <-ch
}

func wantCode[T any](t *testing.T, what string, want ipmi.CompletionCode) func(T,
	ipmi.CompletionCode) {
	return func(_ T, cc ipmi.CompletionCode) {
		t.Helper()
		if cc != want {
			t.Errorf("%s: %v, want %v", what, cc, want)
		}
	}
}

func TestUsersLast(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	b := newTest(t, func(c *Config) { c.StateFile = state })
	must(t, b, ipmi.SetUserName{User: 5, Name: "bob"})
	must(t, b, ipmi.SetUserPassword{User: 5, Operation: ipmi.PasswordSet, Long: true,
		Password: ipmi.NewSecret("a password of 20 byt")})
	must(t, b, ipmi.SetUserAccess{Channel: 1, User: 5, Change: true, Messaging: true, Link: true,
		Limit: ipmi.PrivilegeOperator})
	must(t, b, ipmi.SetUserPassword{User: 5, Operation: ipmi.PasswordEnableUser})
	must(t, b, ipmi.SetUserPayloadAccess{Channel: 1, User: 5, Disable: true,
		Payloads: ipmi.PayloadSet{Standard: 2}})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}

	b = newTest(t, func(c *Config) { c.StateFile = state })
	if n := must(t, b, ipmi.GetUserName{User: 5}); n.Name != "bob" {
		t.Errorf("name %q", n.Name)
	}
	want := ipmi.UserAccess{MaxUsers: maxUsers, Enabled: ipmi.UserStatusEnabled, EnabledUsers: 2,
		FixedNames: 1, Link: true, Messaging: true, Limit: ipmi.PrivilegeOperator}
	if a := must(t, b, ipmi.GetUserAccess{Channel: 0xe, User: 5}); a != want {
		t.Errorf("access %+v", a)
	}
	if p := must(t, b, ipmi.GetUserPayloadAccess{Channel: 1, User: 5}); p.Payloads.Standard != 0 {
		t.Errorf("payloads %+v", p)
	}
	if p := must(t, b, ipmi.GetUserPayloadAccess{Channel: 1, User: 2}); p.Payloads.Standard != 2 {
		t.Errorf("payloads of user 2 %+v", p)
	}
	test := ipmi.SetUserPassword{User: 5, Operation: ipmi.PasswordTest, Long: true,
		Password: ipmi.NewSecret("a password of 20 byt")}
	must(t, b, test)
	test.Password = ipmi.NewSecret("a password of 20 bit")
	wantCode[ipmi.NoData](t, "wrong password", ipmi.CodePasswordMismatch)(ask(t, b, test))
	test.Long, test.Password = false, ipmi.NewSecret("a password of 20")
	wantCode[ipmi.NoData](t, "wrong size", ipmi.CodePasswordSize)(ask(t, b, test))
	must(t, b, ipmi.SetUserPassword{User: 5, Operation: ipmi.PasswordDisableUser})
	if a := must(t, b, ipmi.GetUserAccess{Channel: 1, User: 5}); a.Enabled !=
		ipmi.UserStatusDisabled || a.EnabledUsers != 1 {
		t.Errorf("after disable: %+v", a)
	}
}

func TestUsersRefuse(t *testing.T) {
	b := newTest(t, nil)
	wantCode[ipmi.UserName](t, "user 0",
		ipmi.CodeParameterOutOfRange)(ask(t, b, ipmi.GetUserName{}))
	wantCode[ipmi.UserName](t, "user 17",
		ipmi.CodeParameterOutOfRange)(ask(t, b, ipmi.GetUserName{User: maxUsers + 1}))
	wantCode[ipmi.NoData](t, "a name for user 1",
		ipmi.CodeInvalidDataField)(ask(t, b, ipmi.SetUserName{User: 1, Name: "x"}))
	wantCode[ipmi.UserAccess](t, "channel 3",
		ipmi.CodeInvalidDataField)(ask(t, b, ipmi.GetUserAccess{Channel: 3, User: 2}))
	wantCode[ipmi.NoData](t, "limit 9", ipmi.CodeInvalidDataField)(ask(t, b,
		ipmi.SetUserAccess{Channel: 1, User: 2, Limit: 9}))
	wantCode[ipmi.NoData](t, "OEM payload",
		ipmi.CodeInvalidDataField)(ask(t, b,
		ipmi.SetUserPayloadAccess{Channel: 1, User: 2, Payloads: ipmi.PayloadSet{OEM: 1}}))
	operator := func() *Context {
		return &Context{Channel: channelLAN, Privilege: ipmi.PrivilegeOperator, User: 3}
	}
	if cc := askAs(t, b, operator(), ipmi.SetUserName{User: 5, Name: "x"}); cc !=
		ipmi.CodeInsufficientPrivilege {
		t.Errorf("operator sets a name: %v", cc)
	}
	if cc := askAs(t, b, operator(), ipmi.GetUserName{User: 2}); cc != ipmi.CodeOK {
		t.Errorf("operator reads a name: %v", cc)
	}
}

func TestChannelAccess(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	b := newTest(t, func(c *Config) { c.StateFile = state })
	get := func(s ipmi.AccessSetting) ipmi.ChannelAccess {
		t.Helper()
		return must(t, b, ipmi.GetChannelAccess{Channel: 1, Setting: s})
	}
	factory := get(ipmi.AccessNonVolatile)
	want := ipmi.ChannelAccess{Alerting: true, PerMessage: true, UserLevel: true,
		Mode: ipmi.AccessAlways, Limit: ipmi.PrivilegeAdministrator}
	if factory != want || get(ipmi.AccessVolatile) != want {
		t.Errorf("factory: %+v", factory)
	}
	must(t, b, ipmi.SetChannelAccess{Channel: 1, SetAccess: ipmi.AccessVolatile, PerMessage: true,
		UserLevel: true, Mode: ipmi.AccessAlways})
	if get(ipmi.AccessNonVolatile) != factory || get(ipmi.AccessVolatile).Alerting {
		t.Error("volatile and non-volatile access are one")
	}
	must(t, b, ipmi.SetChannelAccess{Channel: 1, SetLimit: ipmi.AccessNonVolatile,
		Limit: ipmi.PrivilegeOperator})
	b.Close()
	b = newTest(t, func(c *Config) { c.StateFile = state })
	if a := get(ipmi.AccessVolatile); a.Limit != ipmi.PrivilegeOperator || !a.Alerting {
		t.Errorf("after a restart: %+v", a)
	}
	wantCode[ipmi.ChannelAccess](t, "system interface",
		ipmi.CodeChannelNotSupported)(ask(t, b, ipmi.GetChannelAccess{Channel: 15, Setting: 1}))
	wantCode[ipmi.ChannelAccess](t, "channel 7",
		ipmi.CodeInvalidDataField)(ask(t, b, ipmi.GetChannelAccess{Channel: 7, Setting: 1}))
	wantCode[ipmi.ChannelAccess](t, "no setting",
		ipmi.CodeInvalidDataField)(ask(t, b, ipmi.GetChannelAccess{Channel: 1}))
	wantCode[ipmi.NoData](t, "shared", ipmi.CodeAccessModeNotSupported)(ask(t, b,
		ipmi.SetChannelAccess{Channel: 1, SetAccess: 1, Mode: ipmi.AccessShared}))
}

func TestChannelInfo(t *testing.T) {
	b := newTest(t, nil)
	for n, want := range map[uint8]ipmi.ChannelInfo{
		0x0: {Channel: 0, Medium: ipmi.MediumIPMB, Protocol: ipmi.ProtocolIPMB, Vendor: ipmi.VendorIPMI},
		0xe: {Channel: 1, Medium: ipmi.MediumLAN, Protocol: ipmi.ProtocolIPMB, SessionSupport: ipmi.MultiSession, Vendor: ipmi.VendorIPMI},
		0xf: {Channel: 15, Medium: ipmi.MediumSystemInterface, Protocol: ipmi.ProtocolKCS, Vendor: ipmi.VendorIPMI, Auxiliary: [2]uint8{0xff, 0xff}},
	} {
		if got := must(t, b, ipmi.GetChannelInfo{Channel: n}); got != want {
			t.Errorf("channel %d: %+v", n, got)
		}
	}
	wantCode[ipmi.ChannelInfo](t, "channel 2",
		ipmi.CodeInvalidDataField)(ask(t, b, ipmi.GetChannelInfo{Channel: 2}))
}

func TestChannelKeys(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	b := newTest(t, func(c *Config) { c.StateFile = state })
	set := ipmi.SetChannelSecurityKeys{Channel: 1, Operation: ipmi.KeySet, Key: ipmi.KeyGeneration,
		Value: ipmi.NewSecret("a BMC key").Padded(20)}
	must(t, b, set)
	b.Close()
	b = newTest(t, func(c *Config) { c.StateFile = state })
	got := must(t, b, ipmi.SetChannelSecurityKeys{Channel: 1, Operation: ipmi.KeyRead,
		Key: ipmi.KeyGeneration})
	if got.Value.Reveal() != "a BMC key"+strings.Repeat("\x00", 11) ||
		got.Lock != ipmi.KeyNotLockable {
		t.Errorf("read %d bytes, %v", got.Value.Len(), got.Lock)
	}
	set.Value = ipmi.NewSecret("short")
	wantCode[ipmi.ChannelSecurityKeys](t, "short", ipmi.CodeKeyTooShort)(ask(t, b, set))
	set.Value = set.Value.Padded(21)
	wantCode[ipmi.ChannelSecurityKeys](t, "long", ipmi.CodeKeyTooLong)(ask(t, b, set))
	set.Key, set.Value = ipmi.KeyRandom, ipmi.NewSecret("a random key").Padded(20)
	if r := must(t, b, set); r.Lock != ipmi.KeyUnlocked {
		t.Errorf("Kr: %v", r.Lock)
	}
	if r := must(t, b, ipmi.SetChannelSecurityKeys{Channel: 1, Operation: ipmi.KeyLock,
		Key: ipmi.KeyRandom}); r.Lock != ipmi.KeyLocked {
		t.Errorf("locked Kr: %v", r.Lock)
	}
	wantCode[ipmi.ChannelSecurityKeys](t, "set locked", ipmi.CodeKeyLocked)(ask(t, b, set))
	wantCode[ipmi.ChannelSecurityKeys](t, "read locked",
		ipmi.CodeKeyLocked)(ask(t, b, ipmi.SetChannelSecurityKeys{Channel: 1, Key: ipmi.KeyRandom}))
	wantCode[ipmi.ChannelSecurityKeys](t, "lock Kg",
		ipmi.CodeInvalidDataField)(ask(t, b,
		ipmi.SetChannelSecurityKeys{Channel: 1, Operation: ipmi.KeyLock, Key: ipmi.KeyGeneration}))
}
