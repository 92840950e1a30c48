package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"lom/client"
	"lom/ipmi"
)

// Commands that may lock out the one who gives them, out of a BMC that nobody is near to, do so with --force only.

// forcible is leaf for a command with --force.
func forcible(a *App, use, short, force string, run func(ctx context.Context, a *App, args []string, force bool) error) *cobra.Command {
	var forced bool
	c := leaf(a, use, short, func(ctx context.Context, a *App, args []string) error { return run(ctx, a, args, forced) })
	c.Flags().BoolVar(&forced, "force", false, force)
	return c
}

// self returns the user of the session and the channel that it came over; 0 in band, where nobody can be locked out.
func (a *App) self(ctx context.Context) (user, channel uint8, err error) {
	switch a.Options.Interface {
	case client.Open, client.SerialBasic, client.SerialTerminal:
		return 0, 0, nil
	}
	r, err := do(ctx, a, ipmi.GetSessionInfo{Index: ipmi.SessionIndexPresent})
	switch {
	case err != nil && !isRefusal(err):
		return 0, 0, err
	case err != nil || r.Session == nil:
		return 0, 0, nil // the BMC does not say
	}
	return r.Session.User, r.Session.Channel, nil
}

// isSelf reports whether a user ID is that of the session, on a channel that is the session's.
func (a *App) isSelf(ctx context.Context, id, channel uint8) (bool, error) {
	user, own, err := a.self(ctx)
	return err == nil && user == id && (channel == own || channel == ipmi.ChannelPresent), err
}

// guardSelf refuses what would take away the access of the session's own user.
func (a *App) guardSelf(ctx context.Context, id, channel uint8, force bool, what string) error {
	if force {
		return nil
	}
	self, err := a.isSelf(ctx, id, channel)
	if err == nil && self {
		err = fmt.Errorf("user %d is the one you are logged in as, and %s; log in as another administrator, or give --force", id, what)
	}
	return err
}

// guardName refuses a name that another user has: a BMC that takes it knows the two apart by nothing.
func (a *App) guardName(ctx context.Context, id uint8, name string, force bool) error {
	if force || name == "" {
		return nil
	}
	most := uint8(1)
	for other := uint8(1); other <= most; other++ {
		if other == 1 {
			u, err := do(ctx, a, ipmi.GetUserAccess{Channel: ipmi.ChannelPresent, User: 1})
			switch {
			case isRefusal(err):
				return nil // such a BMC checks it itself, or nobody does
			case err != nil:
				return err
			}
			most = u.MaxUsers
			continue
		}
		if other == id {
			continue
		}
		u, err := do(ctx, a, ipmi.GetUserName{User: other})
		switch {
		case err != nil && !isRefusal(err):
			return err
		case err == nil && u.Name == name:
			return fmt.Errorf("user %d is called %q already, and with two of that name a BMC lets in the first only; "+
				"choose another name, or give --force", other, name)
		}
	}
	return nil
}
