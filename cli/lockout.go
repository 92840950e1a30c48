package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"lom/client"
	"lom/machine"
)

// Commands that may lock out the one who gives them, out of a BMC that nobody is near to, do so
// only with --force.

// forcibleChange is change for a command with --force.
func forcibleChange(a *App, use, short, force string,
	run func(ctx context.Context, a *App, args []string, force bool) (string, error),
) *cobra.Command {
	var forced bool
	c := change(a, use, short, func(ctx context.Context, a *App, args []string) (string, error) {
		return run(ctx, a, args, forced)
	})
	c.Flags().BoolVar(&forced, "force", false, force)
	return c
}

// self returns who gives the commands; nobody in band, where nobody can be locked out.
func (a *App) self(ctx context.Context, m *machine.Machine) (machine.Self, error) {
	switch a.Options.Interface {
	case client.Open, client.SerialBasic, client.SerialTerminal:
		return machine.Self{}, nil
	}
	return m.Self(ctx)
}

// guardSelf refuses what would take away the access of the session's own user.
func (a *App) guardSelf(
	ctx context.Context, m *machine.Machine, id, channel uint8, what string) error {
	self, err := a.self(ctx, m)
	if err == nil && self.Is(id, channel) {
		err = fmt.Errorf("user %d is the one you are logged in as, and %s; "+
			"log in as another administrator, or give --force", id, what)
	}
	return err
}

// guardName refuses a name that another user has: a BMC that takes it cannot tell the two apart.
func guardName(ctx context.Context, m *machine.Machine, id uint8, name string) error {
	other, err := m.UserCalled(ctx, name, id)
	if err == nil && other != 0 {
		err = fmt.Errorf("user %d is called %q already, "+
			"and with two of that name a BMC lets in the first only; "+
			"choose another name, or give --force", other, name)
	}
	return err
}
