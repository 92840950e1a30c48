package bmc

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"lom/ipmi"
)

// maxUsers is how many user IDs a BMC has; 1 is the user without a name (§6.9).
const maxUsers = 16

// Channels of a BMC (§6.3).
const (
	channelIPMB   = 0x0
	channelLAN    = 0x1
	channelSystem = 0xf
	channelSame   = 0xe // in requests: the one that the request came over
)

// accounts is who may log in: the users with their access to the LAN channel, the one channel that
// has sessions.
type accounts struct {
	user [maxUsers + 1]account // by user ID; 0 is not used
}

// An account is one user ID. What is here lasts.
type account struct {
	Name     []byte `json:",omitempty"` // at most 16 bytes, without the padding
	Password []byte `json:",omitempty"` // without the padding
	// set as a password of 20 bytes, of no use in IPMI 1.5 (§22.30)
	Twenty  bool `json:",omitempty"`
	Enabled bool
	Access  userAccess
}

// userAccess is what Set User Access sets (§22.26).
type userAccess struct {
	Privilege    ipmi.Privilege
	CallbackOnly bool  `json:",omitempty"`
	LinkAuth     bool  `json:",omitempty"`
	Messaging    bool  // IPMI messaging
	SessionLimit uint8 `json:",omitempty"` // 0 is none
	// standard payloads that the user may not activate; bit n is type n
	PayloadsOff uint16 `json:",omitempty"`
}

func (a *accounts) load(b *BMC) error {
	for id := range a.user {
		a.user[id] = account{Access: userAccess{Privilege: ipmi.PrivilegeNoAccess}}
	}
	if b.cfg.Allow.Anonymous {
		a.user[1].Enabled = true
		a.user[1].Access = userAccess{Privilege: ipmi.PrivilegeUser, Messaging: true}
	}
	if len(b.cfg.Users) > maxUsers-1 {
		return fmt.Errorf("%d users are too many: a BMC holds %d", len(b.cfg.Users), maxUsers-1)
	}
	for i, u := range b.cfg.Users {
		account, err := u.account()
		if err != nil {
			return err
		}
		a.user[2+i] = account
	}
	b.cfg.Users = nil
	return loadSection(b, "user", func(key string, v account) error {
		id, err := strconv.Atoi(key)
		if err != nil || id < 1 || id > maxUsers || len(v.Name) > 16 || len(v.Password) > 20 {
			return errors.New("no such user can be")
		}
		a.user[id] = v
		return nil
	})
}

func (u UserConfig) account() (account, error) {
	switch {
	case u.Name == "" || len(u.Name) > 16:
		return account{}, fmt.Errorf("user name %q: 1 to 16 bytes are possible", u.Name)
	case u.Password.Len() > 20:
		return account{}, fmt.Errorf("password of user %q: it has %d bytes, 20 are possible",
			u.Name, u.Password.Len())
	}
	p := u.Privilege
	if p == 0 {
		p = ipmi.PrivilegeAdministrator
	}
	return account{
		Name: []byte(u.Name), Password: []byte(u.Password.Reveal()), Twenty: u.Password.Len() > 16,
		Enabled: true,
		Access:  userAccess{Privilege: p, Messaging: true, LinkAuth: true},
	}, nil
}

// account returns the account of a user ID, nil if there is no such ID. What changes it saves it
// with saveUser.
func (a *accounts) account(id uint8) *account {
	if id < 1 || id > maxUsers {
		return nil
	}
	return &a.user[id]
}

// changes sees to it that a change of an account, which is about to be made, holds in open
// sessions. They may go on as they are (§22.26); nobody who takes a right away expects that
// (§1.7.32 allows both):
//
//   - Sessions of a user who is disabled or has no access to the channel any more end.
//   - So do those that were opened with another name or password, and log-ins with it, except the
//     session that changes it.
//   - What a user's privilege limit no longer allows is refused (see [BMC.privilege]), and Serial
//     over LAN ends.
//   - The lock after wrong passwords is for log-ins only: anybody can cause it, so it must not end
//     the work of an administrator.
func (c *Context) changes(id uint8) {
	b, old := c.BMC, c.BMC.accounts.user[id]
	c.AfterAnswer(func() { // of a change that could not be kept there is nothing to see
		u := &b.accounts.user[id]
		renewed := !bytes.Equal(u.Name, old.Name) || !bytes.Equal(u.Password, old.Password)
		over := !b.accounts.hasAccess(b, id)
		b.sessions.closeIf(func(s *session) bool {
			return s.user == id && (over || renewed) && s != c.session
		})
		if s := c.session; s != nil && s.user == id && over {
			b.after(resetTime, func() { b.sessions.close(s) }) // it can say goodbye
		}
		if renewed { // a challenge of IPMI 1.5 knows the user by ID only
			b.mux.halfOpens.endIf(func(h *halfOpen) bool {
				return h.b == b && h.v15 && h.challenge.user == id
			})
		}
		b.payloads.check(b)
	})
}

// saveUser returns what keeps the account of a user ID.
func saveUser(id uint8) func(*BMC) {
	return func(b *BMC) { b.put("user", strconv.Itoa(int(id)), b.accounts.user[id]) }
}

// taken reports whether another user ID than the one given has the name. An empty name is nobody's
// (§22.28).
func (a *accounts) taken(name string, id uint8) bool {
	for other := range a.user {
		if name != "" && other != int(id) && string(a.user[other].Name) == name {
			return true
		}
	}
	return false
}

// mayLogIn reports whether the account can open a session at all.
func (a *accounts) mayLogIn(b *BMC, id uint8) bool {
	return a.hasAccess(b, id) && !b.login.locked(b, id)
}

// hasAccess reports whether the account can have sessions. The user without a name can only where
// the configuration allows it.
func (a *accounts) hasAccess(b *BMC, id uint8) bool {
	u := &a.user[id]
	if len(u.Name) == 0 && !b.cfg.Allow.Anonymous {
		return false
	}
	return u.Enabled && u.Access.Messaging && u.Access.Privilege >= ipmi.PrivilegeCallback &&
		u.Access.Privilege <= ipmi.PrivilegeOEM
}

// find returns the first user ID with the name that may log in (§22.28). If role is not 0, the
// user's privilege limit must be it: the look-up by name and privilege (§13.20). 0 is none.
func (a *accounts) find(b *BMC, name []byte, role ipmi.Privilege) uint8 {
	for id := uint8(1); id <= maxUsers; id++ {
		if u := &a.user[id]; bytes.Equal(u.Name, name) && a.mayLogIn(b, id) &&
			(role == 0 || u.Access.Privilege == role) {
			return id
		}
	}
	return 0
}
