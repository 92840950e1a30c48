package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lom/client"
	"lom/ipmi"
)

// consoleBanner is what ipmitool says when a console is open.
const consoleBanner = "[SOL Session operational.  Use ~? for help]"

const solActivateLong = `Open the host's serial console in this terminal.

What is typed goes to the host, Ctrl-C and all. At the beginning of a line, ~ (or what -e sets) begins a command:
  ~.   close the console
  ~B   send a break
  ~?   list these commands
  ~~   send a ~
  ~^Z  suspend lom
  ~^X  suspend lom, and leave the terminal as it is afterwards
What the terminal itself says, such as where its cursor is, goes to the host and is not counted as typed.
Where input is no terminal, it is sent to its end; the console is then closed when the host has been quiet
for --linger, or takes no more of the input. Input without a byte, such as </dev/null, makes lom a reader of the console, until Ctrl-C or SIGTERM.

While nothing is said, the BMC is asked every 3 s whether the console is still open; usesolkeepalive sends an empty
packet too, nokeepalive asks nothing.

Exit codes: 0 closed by ~. or after the end of the input; 1 closed by the BMC or another session, or the BMC
died, or the host has not taken all of the input; 128 and its number after a signal: 130 after Ctrl-C where that does not go to
the host, 129 after SIGHUP or when the terminal is gone, 141 when nobody reads the output, 143 after SIGTERM.`

// activateOptions are the options of sol activate.
type activateOptions struct {
	log       string
	stamps    bool
	reconnect bool
	takeOver  bool
	linger    time.Duration
}

// lingerDefault is how long the host must be quiet after the end of the input.
const lingerDefault = 2 * time.Second

func newSOLActivate(a *App) *cobra.Command {
	o := &activateOptions{}
	var cmd *cobra.Command
	cmd = leaf(a, "activate [usesolkeepalive|nokeepalive] [instance=N]",
		"Open the host's serial console",
		func(ctx context.Context, a *App, args []string) error {
			return runSOLActivate(ctx, a, *o, cmd.Flags().Changed("linger"), args)
		})
	oneHost(noResult(a, cmd, "shows what the host says"), "opens a console")
	cmd.Long = solActivateLong
	f := cmd.Flags()
	f.StringVar(&o.log, "log", "", "append what the host says to `FILE`")
	f.BoolVar(&o.stamps, "timestamps", false, "begin each line of the log with the time")
	f.BoolVar(&o.reconnect, "reconnect", false,
		"open the console again when the BMC was away, as for a reset")
	f.BoolVar(&o.takeOver, "takeover", false, "close the console in another session that has it")
	f.DurationVar(&o.linger, "linger", lingerDefault,
		"how long the host must be quiet after the end of input that is no terminal")
	return cmd
}

// runSOLActivate carries a console until somebody ends it.
func runSOLActivate(ctx context.Context, a *App, o activateOptions, lingers bool,
	args []string) error {
	opts, instance, err := o.read(args)
	if err != nil {
		return err
	}
	s, err := a.consoleSession(ctx)
	if err != nil {
		return err
	}
	records := a.consoleRecordsOf(bmcKey(ctx, s))
	v := newConsoleView(a)
	v.lingers, v.linger, v.records = lingers, o.linger, records
	if o.log != "" {
		f, err := os.OpenFile(o.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		v.log = &consoleLog{w: f, stamps: o.stamps, now: func() time.Time {
			return a.now().In(a.zone)
		}}
	}
	defer v.screen.endNotes()
	v.sessionID = func() uint32 { return s.Info().ID }
	var healed uint32
	opts = append(opts, client.WithEvents(v.event), client.WithAbandoned(func(id uint32) bool {
		ours := records.abandoned(id)
		if ours {
			healed = id
		}
		return ours
	}))
	c, err := client.OpenConsole(ctx, s, opts...)
	if err != nil {
		return a.whyNoConsole(ctx, s, instance, err)
	}
	v.console = c
	if healed != 0 {
		records.drop(healed)
	}
	v.remember(v.sessionID())
	err = v.run(ctx)
	_ = c.Close() // it reports nothing
	if !errors.Is(err, ipmi.ErrTimeout) {
		v.forget() // otherwise the BMC may still have it open when it can be reached again
	}
	if errors.Is(err, client.ErrConsoleDeactivated) && ctx.Err() == nil {
		a.asIPMItool("SOL session closed by BMC")
		return a.whoClosed(ctx, s, instance, err)
	}
	return err
}

// read reads the words after activate.
func (o *activateOptions) read(args []string) (opts []client.ConsoleOption, instance uint8,
	err error) {
	instance = 1
	for _, word := range args {
		switch word {
		case "usesolkeepalive":
			opts = append(opts, client.WithEmptyPackets())
		case "nokeepalive":
			opts = append(opts, client.WithoutProbes())
		default:
			if instance, err = instanceArg(word); err != nil {
				return nil, 0, err
			}
			opts = append(opts, client.WithInstance(instance))
		}
	}
	if o.stamps && o.log == "" {
		return nil, 0, usagef("--timestamps is about the log; --log FILE is missing")
	}
	if o.reconnect {
		opts = append(opts, client.WithReconnect())
	}
	if o.takeOver {
		opts = append(opts, client.WithTakeover())
	}
	return opts, instance, nil
}

// bmcKey names a BMC among the records of consoles: by its GUID, or by its address if it has none.
func bmcKey(ctx context.Context, s client.PayloadConn) string {
	if r, err := client.Do(ctx, s, ipmi.GetSystemGUID{}); err == nil && r.GUID != (ipmi.GUID{}) {
		return hex.EncodeToString(r.GUID[:])
	}
	return strings.NewReplacer(":", "_", "[", "", "]", "", "%", "_").Replace(s.Info().Peer.String())
}
