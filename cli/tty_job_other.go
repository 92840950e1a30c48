//go:build !unix

package cli

import (
	"os"

	"golang.org/x/term"
)

// brokenPipe is the signal of an output that nobody reads any more; there is none here.
var brokenPipe []os.Signal

// notifyJobControl does nothing: this system does not stop jobs.
func notifyJobControl(_, _ chan<- os.Signal) {}

// stopJob does nothing.
func stopJob() {}

// stopProcess does nothing.
func stopProcess() {}

// foreground reports whether this process may set the terminal.
func foreground(int) bool { return true }

// rawWithSignals is raw mode.
func rawWithSignals(fd int) error { return keyByKey(fd) }

// hideInput leaves it to who reads a line without showing it.
func hideInput(int) error { return nil }

// readHidden reads a line from a terminal without echo.
func readHidden(tty *os.File) (string, error) {
	p, err := term.ReadPassword(int(tty.Fd()))
	return string(p), err
}
