package cli

import (
	"context"
	"errors"
	"io"
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/setup"
)

const setupConsoleLong = `Make the operating system of this server use the serial line that Serial over LAN shows.

Boot loader, kernel, log-in prompt and root's log-in have to agree with the BMC in port and rate. Without an
option the command shows in a table whether they do; --dry-run shows as a diff what would be changed, --apply
changes it and keeps what was there before, --undo puts that back. It is run on the server, or with --root on a
system unpacked in a directory. The rate is that of the BMC's SOL settings, unless --baud names one.

The exit code is 0 if the system agrees, and 1 if it differs or if it cannot be seen whether it does. --apply changes
nothing where a boot loader, a kernel or an init is not understood, unless --partly asks for the rest.
docs/console-setup.md goes through it step by step.`

// setupOptions are the options of setup console.
type setupOptions struct {
	port, root          string
	baud                int
	apply, dryRun, undo bool
	partly              bool
}

func newSetup(a *App) *cobra.Command {
	o := &setupOptions{}
	console := leaf(a, "console", "Make the system's serial console agree with Serial over LAN",
		func(ctx context.Context, a *App, args []string) error {
			if err := wantArgs(args, 0, 0); err != nil {
				return err
			}
			return runSetupConsole(ctx, a, o)
		})
	oneHost(a.returns(console, result{Type: reflect.TypeFor[setupReport]()}), "is about one system")
	console.Long = setupConsoleLong
	f := console.Flags()
	f.StringVar(&o.port, "port", "",
		"serial `PORT` that SOL uses, such as ttyS1 (default: what the firmware tells, then the "+
			"maker's usual one, then the kernel's)")
	f.IntVar(&o.baud, "baud", 0, "its `RATE` in bit/s (default: of the BMC's SOL settings)")
	f.StringVar(&o.root, "root", "/", "`DIR` with an unpacked system instead of the running one")
	f.BoolVar(&o.dryRun, "dry-run", false, "show as a diff what --apply would change")
	f.BoolVar(&o.apply, "apply", false, "change what does not agree")
	f.BoolVar(&o.undo, "undo", false, "put back what --apply changed")
	f.BoolVar(&o.partly, "partly", false,
		"with --apply: change what can be changed, though a layer is not understood")
	console.MarkFlagsMutuallyExclusive("apply", "dry-run", "undo")
	return group(a, "setup", "Prepare the operating system of a server", console)
}

func runSetupConsole(ctx context.Context, a *App, o *setupOptions) error {
	if o.partly && !o.apply {
		return errors.New("--partly goes with --apply only")
	}
	if o.undo {
		done, err := setup.Undo(o.root)
		for _, p := range done {
			fmt.Fprintln(a.Out, "put back", p)
		}
		return err
	}
	line, source, err := a.solLine(ctx, o)
	if err != nil {
		return err
	}
	r, err := setup.Examine(o.root, line)
	if err != nil {
		return err
	}
	switch {
	case o.dryRun:
		_, err := a.Out.Write(r.Diff())
		return err
	case o.apply && len(r.Changes) > 0:
		if err := r.Refusal(); err != nil && !o.partly {
			return err
		}
		if err := setup.Apply(o.root, r); err != nil {
			return err
		}
		if r, err = setup.Examine(o.root, line); err != nil {
			return err
		}
		root := ""
		if o.root != "/" {
			root = " --root " + o.root
		}
		fmt.Fprintf(a.Err, "Changed; the next boot uses it. lom setup console%s --undo puts back "+
			"what was there.\n", root)
	}
	v := newSetupReport(r, source)
	if err := a.Show(v, v.text, nil); err != nil {
		return err
	}
	if !v.Agrees {
		return errReported
	}
	return nil
}

// solLine returns the line that SOL uses, and in words how that is known.
func (a *App) solLine(ctx context.Context, o *setupOptions) (setup.Line, string, error) {
	l, from := setup.Line{Port: o.port, Baud: o.baud}, []string{}
	if l.Port != "" {
		from = append(from, "port from --port")
	} else {
		found, how, err := setup.FindLine(o.root)
		if err != nil {
			return l, "", err
		}
		l.Port, from = found.Port, append(from, "port from "+how)
		if l.Baud == 0 {
			l.Baud = found.Baud
		}
	}
	switch {
	case o.baud != 0:
		from = append(from, "rate from --baud")
	default:
		baud, err := a.solBaud(ctx)
		switch {
		case err == nil && baud != 0:
			l.Baud, from = baud, append(from, "rate from the BMC's SOL settings")
		case l.Baud != 0:
			from = append(from, "rate from there too")
		case err != nil:
			return l, "", fmt.Errorf("the rate of SOL is not known; say --baud 115200, or what "+
				"the BIOS set-up says (the BMC was asked: %s)", a.explain(err))
		default:
			return l, "", errors.New("the BMC leaves the rate of SOL to the serial channel; say " +
				"--baud with what the BIOS set-up says")
		}
	}
	return l, strings.Join(from, ", "), nil
}

// solBaud asks the BMC for the rate of SOL. 0 is that of the serial channel.
func (a *App) solBaud(ctx context.Context) (int, error) {
	conn, err := a.Dial(ctx)
	if err != nil {
		return 0, err
	}
	rate, err := client.SOLParam[ipmi.SOLVolatileBitRate](ctx, conn, solChannel)
	if err != nil {
		return 0, failed("Get SOL Configuration Parameters", err)
	}
	return rate.Rate.Bits(), nil
}

// solChannel is where SOL settings are asked for: in band, the channel of the request has none.
const solChannel = 1

// setupReport is what setup console prints.
type setupReport struct {
	Port         string       `json:"port"`
	Baud         int          `json:"bit_rate"`
	Source       string       `json:"source"`
	Distribution string       `json:"distribution"`
	Layers       []setupLayer `json:"layers"`
	Agrees       bool         `json:"agrees"`
	Verdict      string       `json:"verdict"`           // agrees, differs, or unknown
	Changes      []string     `json:"changes,omitempty"` // paths that --apply would change
}

type setupLayer struct {
	Layer string `json:"layer"`
	State string `json:"state"`
	File  string `json:"file,omitempty"`
	Says  string `json:"says"`
}

func newSetupReport(r setup.Report, source string) setupReport {
	v := setupReport{Port: r.Line.Port, Baud: r.Line.Baud, Source: source,
		Distribution: r.Distribution}
	v.Agrees = r.Verdict() == setup.OK
	v.Verdict = map[setup.State]string{setup.OK: "agrees", setup.Unknown: "unknown"}[r.Verdict()]
	if v.Verdict == "" {
		v.Verdict = "differs"
	}
	for _, f := range r.Findings {
		v.Layers = append(v.Layers, setupLayer{f.Layer, f.State.String(), f.Where, f.Says})
	}
	for _, c := range r.Changes {
		v.Changes = append(v.Changes, c.Path)
	}
	return v
}

func (v setupReport) text(w io.Writer) {
	fmt.Fprintf(w, "Serial over LAN: %s at %d bit/s (%s)\n%s\n\n", v.Port, v.Baud, v.Source,
		printable(v.Distribution))
	for _, l := range v.Layers {
		where := ""
		if l.File != "" {
			where = " (" + l.File + ")"
		}
		fmt.Fprintf(w, "%-14s | %-7s | %s%s\n", l.Layer, l.State, printable(l.Says), where)
	}
	fmt.Fprintf(w, "\n%s\n", map[string]string{
		"agrees": "The system agrees with SOL.", "differs": "The system differs from SOL.",
		"unknown": "Whether the system agrees with SOL is unknown.",
	}[v.Verdict])
	if len(v.Changes) > 0 && !v.Agrees {
		fmt.Fprintf(w, "To make them agree: lom setup console --apply (--dry-run shows the "+
			"changes)\n")
	}
}
