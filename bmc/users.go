package bmc

import (
	"bytes"
	"crypto/subtle"

	"lom/ipmi"
)

func handleUsers(m *Mux) {
	Handle(m, setUserAccess)
	Handle(m, getUserAccess)
	Handle(m, setUserName)
	Handle(m, getUserName)
	Handle(m, setUserPassword)
	Handle(m, setUserPayloadAccess)
	Handle(m, getUserPayloadAccess)
}

// userOf finds the account that a request is about. Only the LAN channel has users.
func (c *Context) userOf(channel, id uint8) (*account, error) {
	if !c.isLAN(channel) {
		return nil, ipmi.CodeInvalidDataField
	}
	u := c.BMC.accounts.account(id)
	if u == nil {
		return nil, ipmi.CodeParameterOutOfRange
	}
	return u, nil
}

func setUserAccess(ctx *Context, req ipmi.SetUserAccess) (r ipmi.NoData, err error) {
	u, err := ctx.userOf(req.Channel, req.User)
	if err != nil {
		return r, err
	}
	if (req.Limit < ipmi.PrivilegeCallback || req.Limit > ipmi.PrivilegeOEM) &&
		req.Limit != ipmi.PrivilegeNoAccess {
		return r, ipmi.CodeInvalidDataField
	}
	ctx.changes(req.User)
	a := u.Access
	a.Privilege = req.Limit
	if req.Change {
		a.CallbackOnly, a.LinkAuth, a.Messaging = req.CallbackOnly, req.Link, req.Messaging
	}
	if req.SessionLimit != nil {
		a.SessionLimit = *req.SessionLimit
	}
	set(ctx, &u.Access, a, saveUser(req.User))
	ctx.AfterAnswer(func() { ctx.BMC.login.unlock(req.User) })
	return r, nil
}

func getUserAccess(ctx *Context, req ipmi.GetUserAccess) (r ipmi.UserAccess, err error) {
	u, err := ctx.userOf(req.Channel, req.User)
	if err != nil {
		return r, err
	}
	r = ipmi.UserAccess{
		MaxUsers: maxUsers, FixedNames: 1, Enabled: ipmi.UserStatusDisabled,
		CallbackOnly: u.Access.CallbackOnly, Link: u.Access.LinkAuth, Messaging: u.Access.Messaging,
		Limit: u.Access.Privilege,
	}
	if u.Enabled {
		r.Enabled = ipmi.UserStatusEnabled
	}
	for id := range ctx.BMC.accounts.user {
		if ctx.BMC.accounts.user[id].Enabled {
			r.EnabledUsers++
		}
	}
	return r, nil
}

func setUserName(ctx *Context, req ipmi.SetUserName) (r ipmi.NoData, err error) {
	u := ctx.BMC.accounts.account(req.User)
	switch {
	case u == nil:
		return r, ipmi.CodeParameterOutOfRange
	case req.User == 1:
		return r, ipmi.CodeInvalidDataField // its name is none, for ever
	case ctx.BMC.accounts.taken(req.Name, req.User):
		// §22.28 leaves this to configuration software. Most makes refuse it: whoever gives a
		// second user the name of the first and then disables that one is locked out.
		return r, ipmi.CodeInvalidDataField
	}
	ctx.changes(req.User)
	set(ctx, &u.Name, []byte(req.Name), saveUser(req.User))
	return r, nil
}

func getUserName(ctx *Context, req ipmi.GetUserName) (ipmi.UserName, error) {
	u := ctx.BMC.accounts.account(req.User)
	if u == nil {
		return ipmi.UserName{}, ipmi.CodeParameterOutOfRange
	}
	return ipmi.UserName{Name: string(u.Name)}, nil
}

func setUserPassword(ctx *Context, req ipmi.SetUserPassword) (r ipmi.NoData, err error) {
	u := ctx.BMC.accounts.account(req.User)
	if u == nil {
		return r, ipmi.CodeParameterOutOfRange
	}
	if req.Operation != ipmi.PasswordTest {
		ctx.changes(req.User)
	}
	save := saveUser(req.User)
	switch req.Operation {
	case ipmi.PasswordDisableUser:
		set(ctx, &u.Enabled, false, save)
	case ipmi.PasswordEnableUser:
		set(ctx, &u.Enabled, true, save)
	case ipmi.PasswordSet:
		set(ctx, &u.Password, []byte(req.Password.Reveal()), nil)
		set(ctx, &u.Twenty, req.Long, save)
	case ipmi.PasswordTest:
		if u.Twenty != req.Long {
			return r, ipmi.CodePasswordSize
		}
		stored := append(bytes.Clone(u.Password),
			make([]byte, ipmi.PasswordSizeIPMI20-len(u.Password))...)
		given := []byte(req.Password.Padded(ipmi.PasswordSizeIPMI20).Reveal())
		if subtle.ConstantTimeCompare(stored, given) == 0 {
			return r, ipmi.CodePasswordMismatch
		}
	}
	return r, nil
}

// payloadsOfUsers is the standard payloads that users can be given or denied: SOL. IPMI messages
// are a matter of Set User Access.
const payloadsOfUsers = 1 << ipmi.PayloadSOL

func setUserPayloadAccess(ctx *Context, req ipmi.SetUserPayloadAccess) (r ipmi.NoData, err error) {
	u, err := ctx.userOf(req.Channel, req.User)
	if err != nil {
		return r, err
	}
	if req.Payloads.Standard&^payloadsOfUsers != 0 || req.Payloads.OEM != 0 {
		return r, ipmi.CodeInvalidDataField
	}
	ctx.changes(req.User)
	off := u.Access.PayloadsOff &^ req.Payloads.Standard
	if req.Disable {
		off |= req.Payloads.Standard
	}
	set(ctx, &u.Access.PayloadsOff, off, saveUser(req.User))
	return r, nil
}

func getUserPayloadAccess(ctx *Context,
	req ipmi.GetUserPayloadAccess) (r ipmi.UserPayloadAccess, err error) {
	u, err := ctx.userOf(req.Channel, req.User)
	if err != nil {
		return r, err
	}
	r.Payloads.Standard = payloadsOfUsers &^ u.Access.PayloadsOff
	return r, nil
}
