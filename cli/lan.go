package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"lom/ipmi"
	"lom/machine"
	"lom/render"
)

func newLAN(a *App) *cobra.Command {
	print := query(a, "print [CHANNEL]", "Show the network settings of the BMC", render.LAN,
		ofLAN((*machine.Machine).LAN))
	print.Aliases = []string{"printconf"}
	alertSet := change(a, "set CHANNEL DESTINATION PARAMETER VALUE", "Change where alerts go",
		runLANAlertSet)
	alertSet.Long = lanAlertSetLong
	return group(a, "lan", "Network settings of the BMC",
		print, newLANSet(a),
		group(a, "alert", "Where alerts go",
			query(a, "print [CHANNEL] [DESTINATION]", "Show the alert destinations",
				render.LANDestinations, runLANAlertPrint),
			alertSet),
		group(a, "stats", "Packet counters of the BMC",
			query(a, "get [CHANNEL]", "Show the counters", render.LANStatistics,
				ofLAN((*machine.Machine).LANStatistics)),
			change(a, "clear [CHANNEL]", "Set the counters to 0", runLANStatsClear)))
}

// ofLAN makes the run function of a query about the LAN channel that its only word names.
func ofLAN[T any](
	get func(*machine.Machine, context.Context, uint8) (T, error),
) func(context.Context, *App, []string) (T, error) {
	return func(ctx context.Context, a *App, args []string) (v T, err error) {
		if err := wantArgs(args, 0, 1); err != nil {
			return v, err
		}
		m, channel, err := a.lanChannel(ctx, args)
		if err != nil {
			return v, err
		}
		return get(m, ctx, channel)
	}
}

func runLANStatsClear(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 0, 1); err != nil {
		return "", err
	}
	m, channel, err := a.lanChannel(ctx, args)
	if err == nil {
		err = m.ClearLANStatistics(ctx, channel)
	}
	return "", err
}

// lanChannel returns the machine, and the channel that the first word names, which must be a LAN,
// or the first LAN of the BMC.
func (a *App) lanChannel(ctx context.Context, args []string) (*machine.Machine, uint8, error) {
	channel := uint8(0)
	if len(args) > 0 {
		n, err := parseNumber(args[0], 0, 255)
		if err != nil {
			return nil, 0, usagef("channel: %v", err)
		}
		if n < 1 || n > ipmi.ChannelPresent {
			return nil, 0, fmt.Errorf("%d is not a channel of a LAN: "+
				"those have numbers from 1 to 11", n)
		}
		channel = uint8(n)
	}
	m, err := a.machine(ctx)
	if err != nil {
		return nil, 0, err
	}
	if channel == 0 {
		channel, err = m.FirstLAN(ctx)
	} else {
		err = m.CheckLAN(ctx, channel)
	}
	var not *machine.NotLANError
	var unknown *machine.UnknownLANError
	switch {
	case errors.As(err, &unknown):
		err = fmt.Errorf("%v; give the number of one, such as 1", unknown)
	case errors.As(err, &not) && not.Channel != 0:
		err = fmt.Errorf("%v; without a number it is its first LAN, "+
			"and \"channel info N\" shows what each is", not)
	}
	return m, channel, err
}
