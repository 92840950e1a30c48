package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/machine"
	"lom/render"
)

func newUser(a *App) *cobra.Command {
	password := change(a, "password ID [PASSWORD [16|20]]", "Set a password; without one you are asked", runUserPassword)
	test := query(a, "test ID 16|20 [PASSWORD]", "Test a password; without one you are asked",
		render.PasswordTest, runUserTest)
	for _, c := range []*cobra.Command{password, test} {
		c.Long = c.Short + `.

A password of at most 16 bytes works with IPMI 1.5 and 2.0, a longer one (up to 20) with IPMI 2.0 only;
16 or 20 say as which of the two it is stored.`
	}
	return group(a, "user", "Users of the BMC: names, passwords, privileges",
		query(a, "summary [CHANNEL]", "Count the users", render.UserSummary, runUserSummary),
		query(a, "list [CHANNEL]", "List the users and what they may do", render.Users, runUserList),
		group(a, "set", "Set a user's name or password",
			forcibleChange(a, "name ID NAME", "Set a user's name",
				"also a name that another user has, or none for yourself", runUserName), password),
		change(a, "enable ID", "Let a user log in", runUserEnable),
		forcibleChange(a, "disable ID", "Let a user log in no more", "also yourself", runUserDisable),
		forcibleChange(a, "priv ID LEVEL [CHANNEL]", "Set the most that a user may do: callback (1), user (2), "+
			"operator (3), administrator (4), OEM (5), no access (15)", "take away your own rights too", runUserPriv),
		test,
	)
}

// userArg reads a user ID.
func userArg(s string) (uint8, error) {
	n, err := parseNumber(s, 1, ipmi.MaxUsers)
	if err != nil {
		return 0, usagef("user ID: %v", err)
	}
	return uint8(n), nil
}

// privilegeArg reads a privilege level.
func privilegeArg(s string) (ipmi.Privilege, error) {
	level, ok := parsePrivilege(s)
	if !ok {
		return 0, usagef("%q is no privilege level", s)
	}
	return level, nil
}

func runUserSummary(ctx context.Context, a *App, args []string) (v machine.UserSummary, err error) {
	m, channel, err := a.channelOf(ctx, args, 0, 1)
	if err != nil {
		return v, err
	}
	return m.UserSummary(ctx, channel)
}

func runUserList(ctx context.Context, a *App, args []string) ([]machine.User, error) {
	m, channel, err := a.channelOf(ctx, args, 0, 1)
	if err != nil {
		return nil, err
	}
	return m.Users(ctx, channel)
}

func runUserName(ctx context.Context, a *App, args []string, force bool) (string, error) {
	if err := wantArgs(args, 2, 2); err != nil {
		return "", err
	}
	id, err := userArg(args[0])
	if err != nil {
		return "", err
	}
	name := args[1]
	if len(name) > ipmi.UserNameSize {
		return "", fmt.Errorf("a user name has at most %d bytes", ipmi.UserNameSize)
	}
	m, err := a.machine(ctx)
	switch {
	case err != nil || force:
	case name == "":
		err = a.guardSelf(ctx, m, id, ipmi.ChannelPresent, "without a name nobody logs in as it")
	default:
		err = guardName(ctx, m, id, name)
	}
	if err != nil {
		return "", err
	}
	return "", m.SetUserName(ctx, id, name)
}

func runUserEnable(ctx context.Context, a *App, args []string) (string, error) {
	m, id, err := a.userOf(ctx, args)
	if err != nil {
		return "", err
	}
	return "", m.EnableUser(ctx, id, true)
}

func runUserDisable(ctx context.Context, a *App, args []string, force bool) (string, error) {
	m, id, err := a.userOf(ctx, args)
	if err == nil && !force {
		err = a.guardSelf(ctx, m, id, ipmi.ChannelPresent, "could not log in again")
	}
	if err != nil {
		return "", err
	}
	return "", m.EnableUser(ctx, id, false)
}

// userOf reads the words of a command that has a user ID only, and returns its machine.
func (a *App) userOf(ctx context.Context, args []string) (*machine.Machine, uint8, error) {
	if err := wantArgs(args, 1, 1); err != nil {
		return nil, 0, err
	}
	id, err := userArg(args[0])
	if err != nil {
		return nil, 0, err
	}
	m, err := a.machine(ctx)
	return m, id, err
}

func runUserPriv(ctx context.Context, a *App, args []string, force bool) (string, error) {
	if err := wantArgs(args, 2, 3); err != nil {
		return "", err
	}
	id, err := userArg(args[0])
	if err != nil {
		return "", err
	}
	level, err := privilegeArg(args[1])
	if err != nil {
		return "", err
	}
	m, channel, err := a.channelOf(ctx, args, 2, 3)
	if err == nil && !force && !machine.MayAdminister(level) {
		err = a.guardSelf(ctx, m, id, channel, cannotUndo)
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Set Privilege Level command successful (user %d)", id), m.SetUserPrivilege(ctx, channel, id, level)
}

const cannotUndo = "could not take this back"

func runUserPassword(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 1, 3); err != nil {
		return "", err
	}
	id, err := userArg(args[0])
	if err != nil {
		return "", err
	}
	var password string
	if len(args) > 1 {
		password = args[1]
	} else if password, err = a.newPassword(ctx, id); err != nil {
		return "", err
	}
	long := len(password) > ipmi.PasswordSizeIPMI15
	if len(args) > 2 {
		if long, err = passwordSize(args[2]); err != nil {
			return "", err
		}
	}
	if err := checkPasswordSize(password, long); err != nil {
		return "", err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("Set User Password command successful (user %d)", id),
		m.SetUserPassword(ctx, id, ipmi.NewSecret(password), long)
}

// newPassword asks for a user's password twice, after the password of the log-in was asked for.
func (a *App) newPassword(ctx context.Context, id uint8) (string, error) {
	first, err := a.askPassword(ctx, id)
	if err != nil {
		return "", err
	}
	second, err := a.askPassword(ctx, id)
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords are not the same")
	}
	return first, nil
}

// askPassword asks for a user's password, after the password of the log-in was asked for.
func (a *App) askPassword(ctx context.Context, id uint8) (string, error) {
	if _, err := a.Dial(ctx); err != nil {
		return "", err
	}
	return a.readPass(ctx, fmt.Sprintf("Password for user %d: ", id))
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

func runUserTest(ctx context.Context, a *App, args []string) (v machine.PasswordTest, err error) {
	if err := wantArgs(args, 2, 3); err != nil {
		return v, err
	}
	id, err := userArg(args[0])
	if err != nil {
		return v, err
	}
	long, err := passwordSize(args[1])
	if err != nil {
		return v, err
	}
	var password string
	if len(args) > 2 {
		password = args[2]
	} else if password, err = a.askPassword(ctx, id); err != nil {
		return v, err
	}
	if err := checkPasswordSize(password, long); err != nil {
		return v, err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return v, err
	}
	v, err = m.TestUserPassword(ctx, id, ipmi.NewSecret(password), long)
	if err == nil && !v.Right {
		err = &machine.PartialError{Err: errReported} // what is printed says it
	}
	return v, err
}
