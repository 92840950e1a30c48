package machine

import (
	"context"
	"fmt"

	"lom/ipmi"
)

// A User is one of a BMC's users, and what it may do on a channel (§22.27, §22.29).
type User struct {
	ID        uint8  `json:"id"`   // 1 to 63
	Name      string `json:"name"` // "": it has none
	FixedName bool   `json:"fixed_name"`
	CallIn    bool   `json:"callin"` // also outside of callback connections
	Link      bool   `json:"link_auth"`
	Messaging bool   `json:"ipmi_messaging"`
	Privilege string `json:"privilege_limit" enum:"callback,user,operator,administrator,oem,no-access,unknown"`
	Enabled   *bool  `json:"enabled,omitempty"` // absent: the BMC does not say

	Access ipmi.UserAccess `json:"-"`
}

// A UserSummary counts the users of a channel (Table 22-32).
type UserSummary struct {
	Max     uint8 `json:"maximum_ids"`
	Enabled uint8 `json:"enabled"`
	Fixed   uint8 `json:"fixed_names"` // users from 1 on whose names cannot be changed
}

// UserSummary counts the users of a channel.
func (m *Machine) UserSummary(ctx context.Context, channel uint8) (UserSummary, error) {
	u, err := do(ctx, m, "Get User Access command", ipmi.GetUserAccess{Channel: channel, User: 1})
	return UserSummary{u.MaxUsers, u.EnabledUsers, u.FixedNames}, err
}

// User asks what a user is called and may do on a channel.
func (m *Machine) User(ctx context.Context, channel, id uint8) (User, error) {
	u, err := m.userAccess(ctx, channel, id)
	if err != nil {
		return User{}, err
	}
	n, err := do(ctx, m, fmt.Sprintf("Get User Name (id %d)", id), ipmi.GetUserName{User: id})
	// Several BMCs answer so for a user that has no name.
	if err != nil && !refused(err, ipmi.CodeInvalidDataField) {
		return User{}, err
	}
	v := User{
		ID: id, Name: n.Name, FixedName: id <= u.FixedNames, CallIn: !u.CallbackOnly, Link: u.Link,
		Messaging: u.Messaging, Privilege: privilegeWord(u.Limit), Access: u,
	}
	switch u.Enabled {
	case ipmi.UserStatusEnabled, ipmi.UserStatusDisabled:
		v.Enabled = new(u.Enabled == ipmi.UserStatusEnabled)
	}
	return v, nil
}

func (m *Machine) userAccess(ctx context.Context, channel, id uint8) (ipmi.UserAccess, error) {
	return do(ctx, m, fmt.Sprintf("Get User Access (channel %d id %d)", channel, id),
		ipmi.GetUserAccess{Channel: channel, User: id})
}

// Users asks for each user of the BMC and what it may do on a channel. Users that the BMC refuses are
// named by a [*PartialError]; the first must be there.
func (m *Machine) Users(ctx context.Context, channel uint8) ([]User, error) {
	first, err := m.User(ctx, channel, 1)
	if err != nil {
		return nil, err
	}
	list := []User{first}
	var missing []int
	for id := uint8(2); id <= first.Access.MaxUsers; id++ {
		u, err := m.User(ctx, channel, id)
		switch {
		case refused(err):
			missing = append(missing, int(id))
		case err != nil:
			return nil, err
		default:
			list = append(list, u)
		}
	}
	return list, missingEntries("user", missing)
}

// SetUserName names a user, in at most [ipmi.UserNameSize] bytes; "" takes its name away.
func (m *Machine) SetUserName(ctx context.Context, id uint8, name string) error {
	_, err := do(ctx, m, fmt.Sprintf("Set User Name command (user %d, name %s)", id, name),
		ipmi.SetUserName{User: id, Name: name})
	return err
}

// setUserPassword is what is tried with the command of that name.
func setUserPassword(id uint8) string { return fmt.Sprintf("Set User Password command (user %d)", id) }

// SetUserPassword sets the password of a user. A long one has up to [ipmi.PasswordSizeIPMI20] bytes
// and is good for IPMI 2.0 only; the other has up to [ipmi.PasswordSizeIPMI15].
func (m *Machine) SetUserPassword(ctx context.Context, id uint8, password ipmi.Secret, long bool) error {
	req := ipmi.SetUserPassword{Long: long, User: id, Operation: ipmi.PasswordSet, Password: password}
	_, err := do(ctx, m, setUserPassword(id), req)
	return err
}

// EnableUser lets a user log in, or not.
func (m *Machine) EnableUser(ctx context.Context, id uint8, on bool) error {
	req := ipmi.SetUserPassword{User: id, Operation: ipmi.PasswordDisableUser}
	if on {
		req.Operation = ipmi.PasswordEnableUser
	}
	_, err := do(ctx, m, setUserPassword(id), req)
	return err
}

// A PasswordTest says whether a password is that of a user.
type PasswordTest struct {
	Right  bool   `json:"right"`
	Result string `json:"result" enum:"right,wrong,wrong-size"` // wrong-size: it is stored in the other
}

// TestUserPassword asks whether a password is that of a user, stored in the short or the long size.
func (m *Machine) TestUserPassword(ctx context.Context, id uint8, password ipmi.Secret, long bool) (PasswordTest, error) {
	req := ipmi.SetUserPassword{Long: long, User: id, Operation: ipmi.PasswordTest, Password: password}
	_, err := do(ctx, m, fmt.Sprintf("Test of the password of user %d", id), req)
	switch {
	case refused(err, ipmi.CodePasswordMismatch):
		return PasswordTest{Result: "wrong"}, nil
	case refused(err, ipmi.CodePasswordSize):
		return PasswordTest{Result: "wrong-size"}, nil
	case err != nil:
		return PasswordTest{}, err
	}
	return PasswordTest{Right: true, Result: "right"}, nil
}

// UserRights are what a user may do on a channel (§22.26).
type UserRights struct {
	CallIn    bool // also outside of callback connections
	Link      bool // link authentication, such as PPP CHAP
	Messaging bool // IPMI messages
	Limit     ipmi.Privilege
}

// UserRights asks what a user may do on a channel.
func (m *Machine) UserRights(ctx context.Context, channel, id uint8) (UserRights, error) {
	u, err := m.userAccess(ctx, channel, id)
	return UserRights{!u.CallbackOnly, u.Link, u.Messaging, u.Limit}, err
}

// LockOut reports whether a user that has these rights, and then only those of next, could not take
// that back: it could not log in, or change users no more.
func (r UserRights) LockOut(next UserRights) bool {
	return r.Messaging && !next.Messaging || MayAdminister(r.Limit) && !MayAdminister(next.Limit)
}

// MayAdminister reports whether a privilege limit lets a user change users.
func MayAdminister(limit ipmi.Privilege) bool {
	return limit == ipmi.PrivilegeAdministrator || limit == ipmi.PrivilegeOEM
}

// SetUserRights sets what a user may do on a channel, in as many sessions as the BMC has.
func (m *Machine) SetUserRights(ctx context.Context, channel, id uint8, r UserRights) error {
	_, err := do(ctx, m, fmt.Sprintf("Set User Access (channel %d id %d)", channel, id), ipmi.SetUserAccess{
		Change: true, CallbackOnly: !r.CallIn, Link: r.Link, Messaging: r.Messaging,
		Channel: channel, User: id, Limit: r.Limit, SessionLimit: new(uint8(0)),
	})
	return err
}

// SetUserPrivilege sets the most that a user may do on a channel, and leaves its other rights.
func (m *Machine) SetUserPrivilege(ctx context.Context, channel, id uint8, limit ipmi.Privilege) error {
	_, err := do(ctx, m, fmt.Sprintf("Set Privilege Level command (user %d)", id),
		ipmi.SetUserAccess{Channel: channel, User: id, Limit: limit, SessionLimit: new(uint8(0))})
	return err
}

// A Self is who sends requests to the BMC: the user of the session, and the channel that it came
// over. It is zero if the BMC does not say.
type Self struct{ User, Channel uint8 }

// Self asks the BMC who sends it requests (§22.20).
func (m *Machine) Self(ctx context.Context) (Self, error) {
	r, err := do(ctx, m, "Get Session Info command", ipmi.GetSessionInfo{Index: ipmi.SessionIndexPresent})
	switch {
	case err != nil && !refused(err):
		return Self{}, err
	case err != nil || r.Session == nil:
		return Self{}, nil
	}
	return Self{r.Session.User, r.Session.Channel}, nil
}

// Is reports whether a user ID is that of the session, on a channel that is the session's.
func (s Self) Is(id, channel uint8) bool { return id == s.User && s.Over(channel) }

// Over reports whether the session came over a channel.
func (s Self) Over(channel uint8) bool {
	return s.User != 0 && (channel == s.Channel || channel == ipmi.ChannelPresent)
}

// UserCalled returns the ID of the first user that has a name, except one ID, and 0 if there is none
// or the BMC does not say how many users it has. A BMC distinguishes users by their names only.
func (m *Machine) UserCalled(ctx context.Context, name string, except uint8) (uint8, error) {
	// User 1 has no name.
	u, err := do(ctx, m, "Get User Access command", ipmi.GetUserAccess{Channel: ipmi.ChannelPresent, User: 1})
	switch {
	case refused(err):
		return 0, nil // such a BMC checks it itself, or nobody does
	case err != nil:
		return 0, err
	}
	for id := uint8(2); id <= u.MaxUsers; id++ {
		if id == except {
			continue
		}
		u, err := do(ctx, m, fmt.Sprintf("Get User Name (id %d)", id), ipmi.GetUserName{User: id})
		switch {
		case err != nil && !refused(err):
			return 0, err
		case err == nil && u.Name == name:
			return id, nil
		}
	}
	return 0, nil
}
