package cli

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

func newUser(a *App) *cobra.Command {
	password := leaf(a, "password ID [PASSWORD [16|20]]", "Set a password; without one you are asked", runUserPassword)
	test := leaf(a, "test ID 16|20 [PASSWORD]", "Test a password; without one you are asked", runUserTest)
	for _, c := range []*cobra.Command{password, test} {
		c.Long = c.Short + `.

A password of at most 16 bytes works with IPMI 1.5 and 2.0, a longer one (up to 20) with IPMI 2.0 only;
16 or 20 say as which of the two it is stored.`
	}
	return group(a, "user", "Users of the BMC: names, passwords, privileges",
		leaf(a, "summary [CHANNEL]", "Count the users", runUserSummary),
		leaf(a, "list [CHANNEL]", "List the users and what they may do", runUserList),
		group(a, "set", "Set a user's name or password",
			forcible(a, "name ID NAME", "Set a user's name", "also a name that another user has, or none for yourself", runUserName), password),
		leaf(a, "enable ID", "Let a user log in", func(ctx context.Context, a *App, args []string) error {
			return runUserSwitch(ctx, a, args, ipmi.PasswordEnableUser)
		}),
		forcible(a, "disable ID", "Let a user log in no more", "also yourself", runUserDisable),
		forcible(a, "priv ID LEVEL [CHANNEL]", "Set the most that a user may do: callback (1), user (2), operator (3), administrator (4), OEM (5), no access (15)",
			"take away your own rights too", runUserPriv),
		test,
	)
}

func runUserSummary(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 1); err != nil {
		return err
	}
	channel, err := channelArg(args, 0)
	if err != nil {
		return err
	}
	u, err := do(ctx, a, ipmi.GetUserAccess{Channel: channel, User: 1})
	if err != nil {
		return failed("Get User Access command", err)
	}
	type summary struct {
		Max     uint8 `json:"maximum_ids"`
		Enabled uint8 `json:"enabled"`
		Fixed   uint8 `json:"fixed_names"`
	}
	return a.Show(summary{u.MaxUsers, u.EnabledUsers, u.FixedNames}, func(w io.Writer) {
		fmt.Fprintf(w, "Maximum IDs\t    : %d\nEnabled User Count  : %d\nFixed Name Count    : %d\n",
			u.MaxUsers, u.EnabledUsers, u.FixedNames)
	}, func(w io.Writer) {
		fmt.Fprintf(w, "%d,%d,%d\n", u.MaxUsers, u.EnabledUsers, u.FixedNames)
	})
}

// userInfo is one user of user list and channel getaccess.
type userInfo struct {
	ID         uint8  `json:"id"`
	Name       string `json:"name"`
	FixedName  bool   `json:"fixed_name"`
	CallIn     bool   `json:"callin"`
	Link       bool   `json:"link_auth"`
	Messaging  bool   `json:"ipmi_messaging"`
	Privilege  string `json:"privilege_limit"`
	Enabled    string `json:"enabled"` // enabled, disabled or unknown
	maxUsers   uint8
	enabledIDs uint8
}

// userInfo reads what a user is called and may do on a channel.
func (a *App) userInfo(ctx context.Context, channel, id uint8) (userInfo, error) {
	u, err := do(ctx, a, ipmi.GetUserAccess{Channel: channel, User: id})
	if err != nil {
		return userInfo{}, failed(fmt.Sprintf("Get User Access (channel %d id %d)", channel, id), err)
	}
	n, err := do(ctx, a, ipmi.GetUserName{User: id})
	// Several BMCs answer so for a user that has no name.
	if err != nil && !hasCode(err, ipmi.CodeInvalidDataField) {
		return userInfo{}, failed(fmt.Sprintf("Get User Name (id %d)", id), err)
	}
	return userInfo{
		ID: id, Name: n.Name, FixedName: id <= u.FixedNames, CallIn: !u.CallbackOnly, Link: u.Link, Messaging: u.Messaging,
		Privilege: privilegeWord(u.Limit), Enabled: u.Enabled.String(), maxUsers: u.MaxUsers, enabledIDs: u.EnabledUsers,
	}, nil
}

// users reads all users. missing says which the BMC refused, of which the first is none.
func (a *App) users(ctx context.Context, channel uint8) (list []userInfo, missing, err error) {
	first, err := a.userInfo(ctx, channel, 1)
	if err != nil {
		return nil, nil, err
	}
	list = []userInfo{first}
	var refused []int
	for id := uint8(2); id <= first.maxUsers; id++ {
		u, err := a.userInfo(ctx, channel, id)
		if isRefusal(err) {
			refused = append(refused, int(id))
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		list = append(list, u)
	}
	return list, missingEntries("user", refused), nil
}

func runUserList(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 1); err != nil {
		return err
	}
	channel, err := channelArg(args, 0)
	if err != nil {
		return err
	}
	list, missing, err := a.users(ctx, channel)
	if err != nil {
		return err
	}
	err = a.Show(list, func(w io.Writer) {
		fmt.Fprintf(w, "ID  Name\t     Callin  Link Auth\tIPMI Msg   Channel Priv Limit\n")
		for _, u := range list {
			fmt.Fprintf(w, "%-4d%-17s%-8t%-11t%-11t%s\n", u.ID, printable(u.Name), u.CallIn, u.Link, u.Messaging, u.Privilege)
		}
	}, func(w io.Writer) {
		for _, u := range list {
			fmt.Fprintf(w, "%d,%s,%t,%t,%t,%s\n", u.ID, printable(u.Name), u.CallIn, u.Link, u.Messaging, u.Privilege)
		}
	})
	if err != nil {
		return err
	}
	return missing
}

func runGetAccess(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 2); err != nil {
		return err
	}
	channel, err := channelArg(args, 0)
	if err != nil {
		return err
	}
	var list []userInfo
	var missing error
	if len(args) == 2 {
		id, err := userArg(args[1])
		if err != nil {
			return err
		}
		u, err := a.userInfo(ctx, channel, id)
		if err != nil {
			return err
		}
		list = append(list, u)
	} else if list, missing, err = a.users(ctx, channel); err != nil {
		return err
	}
	err = a.Show(list, func(w io.Writer) {
		line := func(key string, value any) { fmt.Fprintf(w, "%-21s: %v\n", key, value) }
		line("Maximum User IDs", list[0].maxUsers)
		line("Enabled User IDs", list[0].enabledIDs)
		for _, u := range list {
			fmt.Fprintln(w)
			line("User ID", u.ID)
			line("User Name", printable(u.Name))
			line("Fixed Name", choose(u.FixedName, "Yes", "No"))
			line("Access Available", choose(u.CallIn, "call-in / callback", "callback"))
			line("Link Authentication", enabled(u.Link))
			line("IPMI Messaging", enabled(u.Messaging))
			line("Privilege Level", u.Privilege)
			line("Enable Status", u.Enabled)
		}
	}, nil)
	if err != nil {
		return err
	}
	return missing
}

func runUserName(ctx context.Context, a *App, args []string, force bool) error {
	if err := wantArgs(args, 2, 2); err != nil {
		return err
	}
	id, err := userArg(args[0])
	if err != nil {
		return err
	}
	if len(args[1]) > ipmi.UserNameSize {
		return fmt.Errorf("a user name has %d bytes at the most", ipmi.UserNameSize)
	}
	if args[1] == "" {
		err = a.guardSelf(ctx, id, ipmi.ChannelPresent, force, "without a name nobody logs in as it")
	} else {
		err = a.guardName(ctx, id, args[1], force)
	}
	if err != nil {
		return err
	}
	if _, err := do(ctx, a, ipmi.SetUserName{User: id, Name: args[1]}); err != nil {
		return failed(fmt.Sprintf("Set User Name command (user %d, name %s)", id, args[1]), err)
	}
	return a.Done("")
}

func runUserDisable(ctx context.Context, a *App, args []string, force bool) error {
	if err := wantArgs(args, 1, 1); err != nil {
		return err
	}
	id, err := userArg(args[0])
	if err == nil {
		err = a.guardSelf(ctx, id, ipmi.ChannelPresent, force, "could not log in again")
	}
	if err != nil {
		return err
	}
	return runUserSwitch(ctx, a, args, ipmi.PasswordDisableUser)
}

func runUserSwitch(ctx context.Context, a *App, args []string, op ipmi.PasswordOperation) error {
	if err := wantArgs(args, 1, 1); err != nil {
		return err
	}
	id, err := userArg(args[0])
	if err != nil {
		return err
	}
	if _, err := do(ctx, a, ipmi.SetUserPassword{User: id, Operation: op}); err != nil {
		return failed(fmt.Sprintf("Set User Password command (user %d)", id), err)
	}
	return a.Done("")
}

func runUserPriv(ctx context.Context, a *App, args []string, force bool) error {
	if err := wantArgs(args, 2, 3); err != nil {
		return err
	}
	id, err := userArg(args[0])
	if err != nil {
		return err
	}
	level, ok := parsePrivilege(args[1])
	if !ok {
		return usagef("%q is no privilege level", args[1])
	}
	channel, err := channelArg(args, 2)
	if err != nil {
		return err
	}
	if !mayAdminister(level) {
		if err := a.guardSelf(ctx, id, channel, force, cannotUndo); err != nil {
			return err
		}
	}
	req := ipmi.SetUserAccess{Channel: channel, User: id, Limit: level, SessionLimit: new(uint8(0))}
	if _, err := do(ctx, a, req); err != nil {
		return failed(fmt.Sprintf("Set Privilege Level command (user %d)", id), err)
	}
	return a.Done(fmt.Sprintf("Set Privilege Level command successful (user %d)", id))
}

// mayAdminister reports whether a limit lets a user change users.
func mayAdminister(limit ipmi.Privilege) bool {
	return limit == ipmi.PrivilegeAdministrator || limit == ipmi.PrivilegeOEM
}

const cannotUndo = "could not take this back"

func runUserPassword(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 3); err != nil {
		return err
	}
	id, err := userArg(args[0])
	if err != nil {
		return err
	}
	var password string
	if len(args) > 1 {
		password = args[1]
	} else if password, err = a.newPassword(ctx, id); err != nil {
		return err
	}
	long := len(password) > ipmi.PasswordSizeIPMI15
	if len(args) > 2 {
		if long, err = passwordSize(args[2]); err != nil {
			return err
		}
	}
	if err := checkPasswordSize(password, long); err != nil {
		return err
	}
	_, err = do(ctx, a, ipmi.SetUserPassword{Long: long, User: id, Operation: ipmi.PasswordSet, Password: ipmi.NewSecret(password)})
	if err != nil {
		return failed(fmt.Sprintf("Set User Password command (user %d)", id), err)
	}
	return a.Done(fmt.Sprintf("Set User Password command successful (user %d)", id))
}

// newPassword asks for a user's password twice, after the password of the log-in was asked for.
func (a *App) newPassword(ctx context.Context, id uint8) (string, error) {
	if _, err := a.Dial(ctx); err != nil {
		return "", err
	}
	prompt := fmt.Sprintf("Password for user %d: ", id)
	first, err := a.readPass(ctx, prompt)
	if err != nil {
		return "", err
	}
	second, err := a.readPass(ctx, prompt)
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords are not the same")
	}
	return first, nil
}

// passwordSize reads 16 or 20; long is 20.
func passwordSize(s string) (long bool, err error) {
	switch s {
	case "16":
		return false, nil
	case "20":
		return true, nil
	}
	return false, usagef("the size of a password is 16 or 20, not %q", s)
}

func checkPasswordSize(password string, long bool) error {
	size := ipmi.PasswordSizeIPMI15
	if long {
		size = ipmi.PasswordSizeIPMI20
	}
	if len(password) > size {
		return fmt.Errorf("the password is too long (more than %d bytes)", size)
	}
	return nil
}

func runUserTest(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 2, 3); err != nil {
		return err
	}
	id, err := userArg(args[0])
	if err != nil {
		return err
	}
	long, err := passwordSize(args[1])
	if err != nil {
		return err
	}
	var password string
	if len(args) > 2 {
		password = args[2]
	} else if _, err = a.Dial(ctx); err != nil {
		return err
	} else if password, err = a.readPass(ctx, fmt.Sprintf("Password for user %d: ", id)); err != nil {
		return err
	}
	if err := checkPasswordSize(password, long); err != nil {
		return err
	}
	_, err = do(ctx, a, ipmi.SetUserPassword{Long: long, User: id, Operation: ipmi.PasswordTest, Password: ipmi.NewSecret(password)})
	result := "Success"
	switch {
	case hasCode(err, ipmi.CodePasswordMismatch):
		result = "Failure: password incorrect"
	case hasCode(err, ipmi.CodePasswordSize):
		result = "Failure: wrong password size"
	case err != nil:
		return failed(fmt.Sprintf("Test of the password of user %d", id), err)
	}
	type outcome struct {
		Right  bool   `json:"right"`
		Result string `json:"result"`
	}
	shown := a.Show(outcome{err == nil, result}, func(w io.Writer) { fmt.Fprintln(w, result) }, nil)
	if shown == nil && err != nil {
		shown = errReported
	}
	return shown
}
