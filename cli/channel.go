package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/machine"
	"lom/render"
)

func newChannel(a *App) *cobra.Command {
	return group(a, "channel", "Channels of the BMC: what they are, and who may use them",
		query(a, "info [CHANNEL]", "Show what a channel is", render.Channel, runChannelInfo),
		query(a, "authcap CHANNEL PRIVILEGE", "Show how to log in",
			render.AuthCapabilities, runAuthCap),
		query(a, "getaccess CHANNEL [USER]", "Show what users may do on a channel",
			render.UserAccess, runGetAccess),
		forcibleChange(a, "setaccess CHANNEL USER "+
			"[callin=on|off] [ipmi=on|off] [link=on|off] [privilege=LEVEL]",
			"Change what a user may do on a channel", "take away your own access too",
			runSetAccess),
		query(a, "getciphers ipmi|sol [CHANNEL]", "List the cipher suites of a channel",
			render.CipherSuites, runGetCiphers),
	)
}

// channelArg reads a channel number; without one it is the channel that the session came in on.
func channelArg(args []string, i int) (uint8, error) {
	if len(args) <= i {
		return ipmi.ChannelPresent, nil
	}
	n, err := parseNumber(args[i], 0, 15)
	if err != nil {
		return 0, usagef("channel: %v", err)
	}
	return uint8(n), nil
}

// channelOf reads the words of a command of which the channel is the last and may be omitted: it is
// args[i], and there are at least i of them. It returns the machine too.
func (a *App) channelOf(ctx context.Context, args []string, i, most int) (
	m *machine.Machine, channel uint8, err error) {
	if err := wantArgs(args, i, most); err != nil {
		return nil, 0, err
	}
	if channel, err = channelArg(args, i); err != nil {
		return nil, 0, err
	}
	m, err = a.machine(ctx)
	return m, channel, err
}

func runChannelInfo(ctx context.Context, a *App, args []string) (v machine.Channel, err error) {
	m, channel, err := a.channelOf(ctx, args, 0, 1)
	if err != nil {
		return v, err
	}
	return m.Channel(ctx, channel)
}

func runAuthCap(ctx context.Context, a *App, args []string) (
	v machine.AuthCapabilities, err error) {
	if err := wantArgs(args, 2, 2); err != nil {
		return v, err
	}
	channel, err := channelArg(args, 0)
	if err != nil {
		return v, err
	}
	level, err := privilegeArg(args[1])
	if err != nil {
		return v, err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return v, err
	}
	return m.AuthCapabilities(ctx, channel, level)
}

func runGetAccess(ctx context.Context, a *App, args []string) ([]machine.User, error) {
	if err := wantArgs(args, 1, 2); err != nil {
		return nil, err
	}
	channel, err := channelArg(args, 0)
	if err != nil {
		return nil, err
	}
	id := uint8(0)
	if len(args) == 2 {
		if id, err = userArg(args[1]); err != nil {
			return nil, err
		}
	}
	m, err := a.machine(ctx)
	if err != nil {
		return nil, err
	}
	if id == 0 {
		return m.Users(ctx, channel)
	}
	u, err := m.User(ctx, channel, id)
	return []machine.User{u}, err
}

func runSetAccess(ctx context.Context, a *App, args []string, force bool) (string, error) {
	if err := wantArgs(args, 3, -1); err != nil {
		return "", err
	}
	channel, err := channelArg(args, 0)
	if err != nil {
		return "", err
	}
	user, err := userArg(args[1])
	if err != nil {
		return "", err
	}
	changes, err := rightsArgs(args[2:])
	if err != nil {
		return "", err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return "", err
	}
	old, err := m.UserRights(ctx, channel, user)
	if err != nil {
		return "", err
	}
	rights := old
	for _, change := range changes {
		change(&rights)
	}
	if old.LockOut(rights) && !force {
		if err := a.guardSelf(ctx, m, user, channel, cannotUndo); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("Set User Access (channel %d id %d) successful.", channel, user),
		m.SetUserRights(ctx, channel, user, rights)
}

// rightsArgs reads the words that say how the rights of a user change.
func rightsArgs(args []string) (changes []func(*machine.UserRights), err error) {
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		if name == "privilege" {
			level, err := privilegeArg(value)
			if err != nil {
				return nil, err
			}
			changes = append(changes, func(r *machine.UserRights) { r.Limit = level })
			continue
		}
		on, err := parseOnOff(value)
		if err != nil {
			return nil, usagef("%s: %v", name, err)
		}
		switch name {
		case "callin":
			changes = append(changes, func(r *machine.UserRights) { r.CallIn = on })
		case "link":
			changes = append(changes, func(r *machine.UserRights) { r.Link = on })
		case "ipmi":
			changes = append(changes, func(r *machine.UserRights) { r.Messaging = on })
		default:
			return nil, usagef("%q is none of callin, ipmi, link and privilege", name)
		}
	}
	return changes, nil
}

func runGetCiphers(ctx context.Context, a *App, args []string) ([]machine.CipherSuite, error) {
	if err := wantArgs(args, 1, 2); err != nil {
		return nil, err
	}
	payload := ipmi.PayloadIPMI
	switch args[0] {
	case "ipmi":
	case "sol":
		payload = ipmi.PayloadSOL
	default:
		return nil, usagef("the payload is ipmi or sol, not %q", args[0])
	}
	m, channel, err := a.channelOf(ctx, args, 1, 2)
	if err != nil {
		return nil, err
	}
	return m.CipherSuites(ctx, channel, payload)
}
