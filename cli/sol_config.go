package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"lom/ipmi"
	"lom/machine"
	"lom/render"
)

func newSOL(a *App) *cobra.Command {
	set := change(a, "set PARAMETER VALUE [CHANNEL] [noguard]",
		"Change a setting of Serial over LAN", runSOLSet)
	set.Long = solSetLong
	return group(a, "sol", "Serial over LAN",
		noResult(a, newSOLActivate(a), "is a terminal"),
		change(a, "deactivate [instance=N]", "Close the console, in whichever session it is open",
			runSOLDeactivate),
		query(a, "info [CHANNEL]", "Show the settings of Serial over LAN", render.SOL, runSOLInfo),
		set,
		group(a, "payload", "Who may open consoles",
			query(a, "status [CHANNEL [USER]]", "Report whether a user may open consoles",
				render.SOLAccess, runSOLPayloadStatus),
			change(a, "enable [CHANNEL [USER]]", "Let a user open consoles", setSOLPayload(true)),
			change(a, "disable [CHANNEL [USER]]", "Let a user open consoles no longer",
				setSOLPayload(false))),
		noResult(a, leaf(a, "looptest [TIMES [INTERVAL [INSTANCE]]]",
			"Open the console and close it, TIMES times, with INTERVAL ms between", runSOLLoopTest),
			"counts while it opens consoles"))
}

const solSetLong = `Change a setting of Serial over LAN.

PARAMETER and VALUE are
  enabled true|false
  force-encryption true|false
  force-authentication true|false
  privilege-level user|operator|admin|oem
                                  the least that may open a console
  character-accumulate-level 1-255
                                  in 5 ms: how long the BMC collects characters
  character-send-threshold 0-255  characters that it sends at once
  retry-count 0-7
  retry-interval 0-255            in 10 ms
  volatile-bit-rate RATE          in kbit/s: 9.6, 19.2, 38.4, 57.6, 115.2, or serial
  non-volatile-bit-rate RATE
  set-in-progress set-complete|set-in-progress|commit-write
The BMC's settings are claimed meanwhile, unless noguard is there.`

func runSOLInfo(ctx context.Context, a *App, args []string) (v machine.SOL, err error) {
	if err := wantArgs(args, 0, 1); err != nil {
		return v, err
	}
	channel, err := channelArg(args, 0)
	if err != nil {
		return v, err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return v, err
	}
	v, err = m.SOL(ctx, channel)
	if v.Port == nil {
		v.Parameters.Port.Port = uint16(a.Options.Port) // that of the session
	}
	return v, err
}

func runSOLSet(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 2, 4); err != nil {
		return "", err
	}
	claim := true
	if last := len(args) - 1; last > 1 && args[last] == "noguard" {
		claim, args = false, args[:last]
	}
	if err := wantArgs(args, 2, 3); err != nil {
		return "", err
	}
	channel, err := channelArg(args, 2)
	if err != nil {
		return "", err
	}
	change, err := solChangeOf(args[0], args[1])
	if err != nil {
		return "", err
	}
	m, err := a.machine(ctx)
	if err == nil {
		err = change(ctx, m, channel, claim)
	}
	return "", err
}

// A solChange changes a setting of Serial over LAN.
type solChange func(ctx context.Context, m *machine.Machine, channel uint8, claim bool) error

// solChangeOf reads the name and the value of a parameter.
func solChangeOf(name, value string) (solChange, error) {
	switch name {
	case "set-in-progress":
		state := slices.Index(machine.SetStates[:ipmi.SetCommitWrite+1], value)
		if state < 0 {
			return nil, usagef("%q is none of set-complete, set-in-progress and commit-write",
				value)
		}
		return func(ctx context.Context, m *machine.Machine, channel uint8, _ bool) error {
			return m.SetSOLState(ctx, channel, ipmi.SetState(state))
		}, nil
	case "enabled", "force-encryption", "force-authentication":
		if value != "true" && value != "false" {
			return nil, usagef("%q is neither true nor false", value)
		}
		on := value == "true"
		switch name {
		case "force-encryption":
			return solPart(name, func(p *ipmi.SOLAuthentication) { p.ForceEncryption = on }), nil
		case "force-authentication":
			return solPart(name, func(p *ipmi.SOLAuthentication) {
				p.ForceAuthentication = on
			}), nil
		}
		return solWhole(name, ipmi.SOLEnable{Enabled: on}), nil
	case "privilege-level":
		levels := map[string]ipmi.Privilege{
			"user": ipmi.PrivilegeUser, "operator": ipmi.PrivilegeOperator,
			"admin": ipmi.PrivilegeAdministrator, "oem": ipmi.PrivilegeOEM,
		}
		level, ok := levels[value]
		if !ok {
			return nil, usagef("%q is none of user, operator, admin and oem", value)
		}
		return solPart(name, func(p *ipmi.SOLAuthentication) { p.Privilege = level }), nil
	case "volatile-bit-rate", "non-volatile-bit-rate":
		rates := map[string]ipmi.BitRate{
			"serial": ipmi.BitRateAsSerial, "9.6": ipmi.BitRate9600, "19.2": ipmi.BitRate19200,
			"38.4": ipmi.BitRate38400, "57.6": ipmi.BitRate57600, "115.2": ipmi.BitRate115200,
		}
		rate, ok := rates[value]
		if !ok {
			return nil, usagef("%q is none of serial, 9.6, 19.2, 38.4, 57.6 and 115.2", value)
		}
		if name == "volatile-bit-rate" {
			return solWhole(name, ipmi.SOLVolatileBitRate{Rate: rate}), nil
		}
		return solWhole(name, ipmi.SOLBitRate{Rate: rate}), nil
	}
	return solNumber(name, value)
}

// solNumber reads the value of a parameter that is a number.
func solNumber(name, value string) (solChange, error) {
	var n uint8
	numbers := map[string]struct {
		least, most int64
		change      solChange
	}{
		"character-accumulate-level": {1, 255, solPart(name, func(p *ipmi.SOLAccumulate) {
			p.Interval = n
		})},
		"character-send-threshold": {0, 255, solPart(name, func(p *ipmi.SOLAccumulate) {
			p.Threshold = n
		})},
		"retry-count": {0, 7, solPart(name, func(p *ipmi.SOLRetry) { p.Count = n })},
		"retry-interval": {0, 255, solPart(name, func(p *ipmi.SOLRetry) {
			p.Interval = n
		})},
	}
	c, ok := numbers[name]
	if !ok {
		return nil, usagef("there is no SOL parameter %q; \"sol set help\" lists them", name)
	}
	read, err := parseNumber(value, c.least, c.most)
	if err != nil {
		return nil, usagef("%s: %v", name, err)
	}
	n = uint8(read)
	return c.change, nil
}

// solWhole sets a parameter that has one value.
func solWhole[P interface {
	comparable
	ipmi.SOLParameter
}, PP ipmi.Reader[P]](name string, p P) solChange {
	return func(ctx context.Context, m *machine.Machine, channel uint8, claim bool) error {
		return machine.SetSOLParameter[P, PP](ctx, m, channel, name, p, claim)
	}
}

// solPart changes one value of a parameter that has several.
func solPart[P interface {
	comparable
	ipmi.SOLParameter
}, PP ipmi.Reader[P]](name string, change func(*P)) solChange {
	return func(ctx context.Context, m *machine.Machine, channel uint8, claim bool) error {
		return machine.ChangeSOLParameter[P, PP](ctx, m, channel, name, change, claim)
	}
}
