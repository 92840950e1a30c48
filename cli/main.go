// Package cli is the command line of lom: arguments in, tables, CSV or JSON out.
//
// A command is a cobra command made by [leaf] or [group], with a run function
//
//	func runThing(ctx context.Context, app *App, args []string) error
//
// that asks app.Dial for the BMC, computes a typed value, and hands it to
// app.Show together with the function that prints it as ipmitool does.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitInterrupted = exitSignal + int(syscall.SIGINT) // Ctrl-C
	exitTerminated  = exitSignal + int(syscall.SIGTERM)
	exitSignal      = 128 // and the signal's number, as shells say it
)

// endSignals are the signals that end the program, but those that it was started without, as by
// nohup.
func endSignals() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
	return slices.DeleteFunc(all, signal.Ignored)
}

// errReported is the error of a command that has already said on its output what is wrong: lom
// ends with exit code 1 and adds nothing.
var errReported = errors.New("reported already")

// Main runs lom with args (args[0] is the name it was called by) and returns the exit code: 0 for
// success, 1 for every failure, and 128 and its number for a signal: 130 after Ctrl-C, 129 after
// SIGHUP, 131 after SIGQUIT, 143 after SIGTERM. After a signal the session on the BMC is closed
// first.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals, ended := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, endSignals()...)
	defer signal.Stop(signals)
	defer close(ended)
	app := newApp(args[0], stdin, stdout, stderr)
	go func() {
		for {
			select {
			case s := <-signals:
				if s == syscall.SIGHUP && app.hangups.wanted.Load() {
					continue
				}
				// The second signal ends the program at once; of a hang-up, shell and kernel may
				// both tell.
				if ctx.Err() != nil && s != syscall.SIGHUP {
					os.Exit(signalError{s}.status())
				}
				cancel(signalError{s})
			case <-ended:
				return
			}
		}
	}()
	return app.Run(ctx, args[1:])
}

// signalError is the cause of a context that a signal has ended.
type signalError struct{ os.Signal }

func (e signalError) Error() string { return "stopped by a signal: " + e.String() }

// status is the exit code after the signal.
func (e signalError) status() int {
	if n, ok := e.Signal.(syscall.Signal); ok {
		return exitSignal + int(n)
	}
	return exitFailed
}

// What a program learns by its streams before the signal comes, if it does.
var (
	errHangup     = signalError{syscall.SIGHUP}  // the terminal is gone
	errBrokenPipe = signalError{syscall.SIGPIPE} // nobody reads the output any more
)

// Run carries out one command line, without the program's name, closes the session and returns
// the exit code.
func (a *App) Run(ctx context.Context, args []string) int {
	out := &output{w: a.Out, json: func() bool { return a.Options.JSON }}
	a.Out, a.Err = out, &output{w: a.Err}
	err := newRoot(a, args...).ExecuteContext(ctx)
	if err == nil {
		err = out.failed()
	}
	code := a.report(ctx, err) // which says of an open session something else than of none
	a.Close()
	return code
}

// report prints what went wrong and returns the exit code.
func (a *App) report(ctx context.Context, err error) int {
	if err == nil {
		return exitOK
	}
	var stopped signalError
	if errors.As(err, &stopped) || errors.As(context.Cause(ctx), &stopped) {
		return stopped.status()
	}
	if !errors.Is(err, errReported) {
		a.reportError(err)
		lines, enough := a.ipmitoolLines(err)
		for _, line := range lines {
			fmt.Fprintln(a.Err, line)
		}
		if !enough {
			fmt.Fprintf(a.Err, "lom: %s%s\n", a.place, clipWords(a.explain(err)))
		}
	}
	return exitFailed
}

// programName is the name of the program in its help: "lom", or "ipmitool" when it was called so.
func programName(arg0 string) string {
	name := strings.TrimSuffix(filepath.Base(arg0), ".exe")
	if name == "ipmitool" {
		return name
	}
	return "lom"
}
