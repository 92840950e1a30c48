package machine

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lom/ipmi"
	"lom/ipmitest"
)

// asJSON is how a result looks to programs.
func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Whether a user is enabled is true, false or absent; its privilege limit is a word (Table 22-32).
func TestUser(t *testing.T) {
	const start = `{"id":2,"name":"op","fixed_name":false,"callin":true,"link_auth":false,` +
		`"ipmi_messaging":true,`
	for access, want := range map[string]string{
		"0a 03 01 14": start + `"privilege_limit":"administrator"}`,
		"0a 43 01 13": start + `"privilege_limit":"operator","enabled":true}`,
		"0a 83 01 1f": start + `"privilege_limit":"no-access","enabled":false}`,
		"0a c3 01 10": start + `"privilege_limit":"unknown"}`,
	} {
		m := New(ipmitest.Script(t, "> 06 44 01 02\n< 00"+access+
			"\n> 06 46 02\n< 00 6f 70 00 00 00 00 00 00 00 00 00 00 00 00 00 00"))
		u, err := m.User(t.Context(), 1, 2)
		if got := asJSON(t, u); err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", access, got, err, want)
		}
	}
}

// A user whom the BMC refuses costs no other, and is named; an answer that is cut short is an
// error.
func TestUsers(t *testing.T) {
	const first = "> 06 44 01 01\n< 00 03 02 00 14\n> 06 46 01\n< cc\n" +
		"> 06 44 01 03\n< 00 03 02 00 14\n> 06 46 03\n< cc\n"
	list, err := New(ipmitest.Script(t, first+"> 06 44 01 02\n< ff")).Users(t.Context(), 1)
	partial := new(PartialError)
	if !errors.As(err, &partial) || err.Error() != "the BMC refused user 2" ||
		len(list) != 2 || list[1].ID != 3 {
		t.Errorf("got %v, %v; want users 1 and 3, and that 2 is refused", list, err)
	}
	list, err = New(ipmitest.Script(t, first+"> 06 44 01 02\n< 00 03")).Users(t.Context(), 1)
	if !errors.Is(err, ipmi.ErrMalformed) || list != nil {
		t.Errorf("cut short: got %v, %v; want %v", list, err, ipmi.ErrMalformed)
	}
	_, err = New(ipmitest.Script(t, "> 06 44 01 01\n< c9")).Users(t.Context(), 1)
	if e := new(ipmi.Error); !errors.As(err, &e) || e.Op != "Get User Access (channel 1 id 1)" {
		t.Errorf("got %v; want a refusal of Get User Access (channel 1 id 1)", err)
	}
}

// A wrong password is an answer, not an error; other refusals are errors.
func TestTestUserPassword(t *testing.T) {
	for code, want := range map[string]PasswordTest{
		"00": {true, "right"}, "80": {false, "wrong"}, "81": {false, "wrong-size"},
	} {
		m := New(ipmitest.Script(t, "> 06 47 02 03 73 00000000 00000000 00000000 000000\n< "+code))
		got, err := m.TestUserPassword(t.Context(), 2, ipmi.NewSecret("s"), false)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", code, got, err, want)
		}
	}
	m := New(ipmitest.Script(t, "> 06 47 02 03 73 00000000 00000000 00000000 000000\n< d4"))
	got, err := m.TestUserPassword(t.Context(), 2, ipmi.NewSecret("s"), false)
	if err == nil || got != (PasswordTest{}) {
		t.Errorf("refused: got %+v, %v; want an error", got, err)
	}
}

// Who sends the requests is zero if the BMC does not say, and nobody is then taken for it.
func TestSelf(t *testing.T) {
	for answer, want := range map[string]Self{
		"00 01 10 01 02 04 11": {2, 1},
		"c1":                   {},
		"00 00 10 01":          {},
	} {
		got, err := New(ipmitest.Script(t, "> 06 3d 00\n< "+answer)).Self(t.Context())
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v; want %v", answer, got, err, want)
		}
	}
	_, err := New(ipmitest.Script(t, "> 06 3d 00\n< lost")).Self(t.Context())
	if !errors.Is(err, ipmi.ErrTimeout) {
		t.Errorf("lost: got %v, want %v", err, ipmi.ErrTimeout)
	}
	s := Self{User: 2, Channel: 1}
	for _, c := range []struct {
		self        Self
		id, channel uint8
		want        bool
	}{
		{s, 2, 1, true}, {s, 2, ipmi.ChannelPresent, true}, {s, 2, 3, false}, {s, 3, 1, false},
		{Self{}, 0, ipmi.ChannelPresent, false}, {Self{}, 0, 0, false},
	} {
		if got := c.self.Is(c.id, c.channel); got != c.want {
			t.Errorf("%v.Is(%d, %d): got %v, want %v", c.self, c.id, c.channel, got, c.want)
		}
	}
}

// What a user loses of its rights is what it could not take back.
func TestUserRightsLockOut(t *testing.T) {
	all := UserRights{Messaging: true, Limit: ipmi.PrivilegeAdministrator}
	for _, c := range []struct {
		old, next UserRights
		want      bool
	}{
		{all, all, false},
		{all, UserRights{Messaging: true, Limit: ipmi.PrivilegeOEM}, false},
		{all, UserRights{Messaging: true, Limit: ipmi.PrivilegeOperator}, true},
		{all, UserRights{Limit: ipmi.PrivilegeAdministrator}, true},
		{UserRights{Limit: ipmi.PrivilegeUser}, UserRights{Limit: ipmi.PrivilegeNoAccess}, false},
	} {
		if got := c.old.LockOut(c.next); got != c.want {
			t.Errorf("%+v to %+v: got %v, want %v", c.old, c.next, got, c.want)
		}
	}
}

func TestUserCalled(t *testing.T) {
	const script = "> 06 44 0e 01\n< 00 04 02 00 0f\n> 06 46 02\n< cc\n" +
		"> 06 46 03\n< 00 6f 70 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n" +
		"> 06 46 04\n< 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
	for _, c := range []struct {
		name         string
		except, want uint8
	}{{"op", 4, 3}, {"op", 3, 0}, {"bob", 4, 0}} {
		got, err := New(ipmitest.Script(t, script)).UserCalled(t.Context(), c.name, c.except)
		if err != nil || got != c.want {
			t.Errorf("%s except %d: got %d, %v; want %d", c.name, c.except, got, err, c.want)
		}
	}
}

// Rights are set as they are asked for, with as many sessions as the BMC has (Table 22-31).
func TestSetUserRights(t *testing.T) {
	s := ipmitest.Script(t, "> 06 44 01 02\n< 00 0a 43 01 34\n"+
		"> 06 43 c1 02 03 00\n< 00\n> 06 43 01 02 02 00\n< 00")
	m := New(s)
	r, err := m.UserRights(t.Context(), 1, 2)
	want := UserRights{true, true, true, ipmi.PrivilegeAdministrator}
	if err != nil || r != want {
		t.Fatalf("got %+v, %v; want %+v", r, err, want)
	}
	err = m.SetUserRights(t.Context(), 1, 2, UserRights{Limit: ipmi.PrivilegeOperator})
	if err == nil {
		err = m.SetUserPrivilege(t.Context(), 1, 2, ipmi.PrivilegeUser)
	}
	asked := []string{"06440102", "0643c1020300", "064301020200"}
	if d := cmp.Diff(asked, s.Asked()); err != nil || d != "" {
		t.Errorf("%v; asked (-want +got):\n%s", err, d)
	}
}
