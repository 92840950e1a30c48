package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"lom/machine"
	"lom/render"
)

func newSession(a *App) *cobra.Command {
	return group(a, "session", "Sessions that the BMC has open",
		query(a, "info active|all|id 0xN|handle 0xN",
			"Show this session, all of them, or one of them",
			render.Sessions, runSessionInfo))
}

func runSessionInfo(ctx context.Context, a *App,
	args []string) (v render.OneOrList[machine.Session], err error) {
	if err := wantArgs(args, 1, 2); err != nil {
		return v, err
	}
	which := machine.SessionOwn()
	words := map[string]int{"active": 1, "all": 1, "id": 2, "handle": 2}
	if n, ok := words[args[0]]; !ok || n != len(args) {
		return v, usagef("%q is not active, all, id 0xN or handle 0xN", args[0])
	}
	switch args[0] {
	case "id":
		n, err := parseNumber(args[1], 0, 1<<32-1)
		if err != nil {
			return v, usagef("session ID: %v", err)
		}
		which = machine.SessionByID(uint32(n))
	case "handle":
		n, err := parseByte(args[1])
		if err != nil {
			return v, usagef("session handle: %v", err)
		}
		which = machine.SessionByHandle(n)
	}
	m, err := a.machine(ctx)
	if err != nil {
		return v, err
	}
	// The level of this session is shown: the one asked for, not the one that these commands need.
	// A BMC may refuse it.
	if _, err := m.SetPrivilege(ctx, a.Options.Privilege); err != nil && !isRefusal(err) {
		return v, err
	}
	if args[0] != "all" {
		s, err := m.Session(ctx, which)
		v.Values = []machine.Session{s}
		return v, err
	}
	v.List = true
	v.Values, err = m.Sessions(ctx)
	if a.Options.JSON {
		// ipmitool shows empty places too; programs want sessions.
		v.Values = slices.DeleteFunc(v.Values, func(s machine.Session) bool {
			return s.Handle == 0
		})
	}
	return v, err
}
