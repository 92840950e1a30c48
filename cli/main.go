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
	"strings"
	"syscall"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitInterrupted = 130 // Ctrl-C
	exitTerminated  = 143 // SIGTERM or SIGHUP
)

// errReported is the error of a command that has already said on its output what is wrong: lom
// ends with exit code 1 and adds nothing.
var errReported = errors.New("reported already")

// Main runs lom with args (args[0] is the name it was called by) and returns the exit code:
// 0 for success, 1 for every failure, 130 after Ctrl-C, 143 after SIGTERM or SIGHUP. In the
// last two cases the session on the BMC is closed first.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	go func() {
		select {
		case s := <-signals:
			// The second signal ends the program at once.
			signal.Stop(signals)
			cancel(signalError{s})
		case <-ctx.Done():
		}
	}()
	app := newApp(args[0], stdin, stdout, stderr)
	return app.Run(ctx, args[1:])
}

// signalError is the cause of a context that a signal has ended.
type signalError struct{ os.Signal }

func (e signalError) Error() string { return "stopped by a signal: " + e.String() }

// Run carries out one command line, without the program's name, closes the session and returns
// the exit code.
func (a *App) Run(ctx context.Context, args []string) int {
	out := &output{w: a.Out}
	a.Out = out
	root := newRoot(a)
	root.SetArgs(splitOptions(root.PersistentFlags(), args))
	err := root.ExecuteContext(ctx)
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
	if errors.As(context.Cause(ctx), &stopped) {
		if stopped.Signal == os.Interrupt {
			return exitInterrupted
		}
		return exitTerminated
	}
	if !errors.Is(err, errReported) {
		lines, enough := a.ipmitoolLines(err)
		for _, line := range lines {
			fmt.Fprintln(a.Err, line)
		}
		if !enough {
			fmt.Fprintf(a.Err, "lom: %s\n", clipWords(a.explain(err)))
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
