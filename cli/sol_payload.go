package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/machine"
)

// payloadArgs reads [CHANNEL [USER]]. Without them ipmitool means the present channel and user 1.
func payloadArgs(args []string) (channel, user uint8, err error) {
	if err := wantArgs(args, 0, 2); err != nil {
		return 0, 0, err
	}
	if channel, err = channelArg(args, 0); err != nil {
		return 0, 0, err
	}
	user = 1
	if len(args) > 1 {
		n, err := parseNumber(args[1], 1, 63)
		if err != nil {
			return 0, 0, usagef("user ID: %v", err)
		}
		user = uint8(n)
	}
	return channel, user, nil
}

func runSOLPayloadStatus(
	ctx context.Context, a *App, args []string,
) (v machine.SOLAccess, err error) {
	channel, user, err := payloadArgs(args)
	if err != nil {
		return v, err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return v, err
	}
	return m.SOLAccess(ctx, channel, user)
}

// setSOLPayload makes the run function that lets a user open consoles, or no longer.
func setSOLPayload(on bool) func(context.Context, *App, []string) (string, error) {
	return func(ctx context.Context, a *App, args []string) (string, error) {
		channel, user, err := payloadArgs(args)
		if err != nil {
			return "", err
		}
		m, err := a.machine(ctx)
		if err == nil {
			err = m.SetSOLAccess(ctx, channel, user, on)
		}
		return "", err
	}
}

// instanceArg reads "instance=N".
func instanceArg(word string) (uint8, error) {
	value, ok := strings.CutPrefix(word, "instance=")
	if !ok {
		return 0, usagef("%q makes no sense here", word)
	}
	n, err := parseNumber(value, 1, 15)
	if err != nil {
		return 0, usagef("instance: %v", err)
	}
	return uint8(n), nil
}

func runSOLDeactivate(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 0, 1); err != nil {
		return "", err
	}
	instance := uint8(1)
	if len(args) > 0 {
		var err error
		if instance, err = instanceArg(args[0]); err != nil {
			return "", err
		}
	}
	m, err := a.machine(ctx)
	if err != nil {
		return "", err
	}
	if err := m.CloseSOL(ctx, instance); err != nil {
		return "", a.whyNotDeactivated(ctx, m, instance, err)
	}
	return "", nil
}

// Defaults of sol looptest, as in ipmitool.
const (
	loopTimes    = 200
	loopInterval = 100 // ms
)

// runSOLLoopTest opens a console and closes it, again and again.
func runSOLLoopTest(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 3); err != nil {
		return err
	}
	numbers := [...]int64{loopTimes, loopInterval, 1}
	for i, limit := range [...]struct {
		what        string
		least, most int64
	}{{"loop times", 1, 1 << 31}, {"loop interval", 0, 1 << 31}, {"instance", 1, 15}} {
		if i < len(args) {
			n, err := parseNumber(args[i], limit.least, limit.most)
			if err != nil {
				return usagef("%s: %v", limit.what, err)
			}
			numbers[i] = n
		}
	}
	s, err := a.consoleSession(ctx)
	if err != nil {
		return err
	}
	for left := numbers[0]; left > 0; left-- {
		fmt.Fprintf(a.Out, "remain loop test counter: %d\n", left)
		c, err := client.OpenConsole(ctx, s, client.WithInstance(uint8(numbers[2])))
		if err != nil {
			return a.whyNoConsole(ctx, s, uint8(numbers[2]), err)
		}
		fmt.Fprintln(a.Out, consoleBanner)
		select {
		case <-time.After(time.Duration(numbers[1]) * time.Millisecond):
		case <-ctx.Done():
		}
		_ = c.Close() // it reports nothing
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// noLANPlus says that a BMC cannot have consoles.
const noLANPlus = "the BMC speaks IPMI 1.5 only, which has no Serial over LAN; " +
	"reach the host in another way, such as ssh or its serial port"

// consoleSession returns a session in which a console can be opened.
func (a *App) consoleSession(ctx context.Context) (client.PayloadConn, error) {
	o := &a.Options
	if o.Interface == client.LAN || o.Interface == "" && a.Name == "ipmitool" {
		return nil, client.ErrConsoleNeedsLANPlus
	}
	conn, err := a.Dial(ctx)
	if errors.Is(err, ipmi.ErrNoIPMI20) {
		return nil, &consoleError{noLANPlus, err}
	} else if err != nil {
		return nil, err
	}
	s, ok := conn.(client.PayloadConn)
	switch {
	case !ok && (o.inBand() || o.serial()):
		return nil, errors.New("a console is opened over the network; name the BMC with -H")
	case !ok:
		return nil, errors.New("a console is opened with the BMC that -H names itself; " +
			"omit -t and -T")
	case s.Info().Interface != client.LANPlus:
		return nil, &consoleError{noLANPlus, client.ErrConsoleNeedsLANPlus}
	}
	return s, nil
}
