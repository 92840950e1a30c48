//go:build unix

package cli

import (
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// brokenPipe is the signal of an output that nobody reads any more.
var brokenPipe = []os.Signal{syscall.SIGPIPE}

// notifyJobControl has the signals that stop a job, and let it go on, come to channels.
func notifyJobControl(stopping, continuing chan<- os.Signal) {
	signal.Notify(stopping, syscall.SIGTSTP)
	signal.Notify(continuing, syscall.SIGCONT)
}

// stopJob stops this process and those that share its job, as a terminal does at Ctrl-Z.
func stopJob() { _ = syscall.Kill(0, syscall.SIGTSTP) }

// foreground reports whether this process may set the terminal: it is in the foreground there, or
// the terminal is not the one that controls it.
func foreground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	ours, err2 := unix.Getpgid(0)
	return err != nil || err2 != nil || group == ours
}

// rawWithSignals is raw mode in which Ctrl-C, Ctrl-Z and Ctrl-\ are still signals.
func rawWithSignals(fd int) error {
	if err := keyByKey(fd); err != nil {
		return err
	}
	return changeTermios(fd, func(t *unix.Termios) { t.Lflag |= unix.ISIG })
}

// hideInput is the mode of lines that are not shown.
func hideInput(fd int) error {
	return changeTermios(fd, func(t *unix.Termios) {
		t.Lflag = t.Lflag&^unix.ECHO | unix.ICANON | unix.ISIG
		t.Iflag |= unix.ICRNL
	})
}

// readHidden reads a line from a terminal that hideInput has been applied to. It changes no mode
// itself: whoever restores the terminal at a signal must have the last word.
func readHidden(tty *os.File) (string, error) {
	line, err := readLine(tty)
	if err == errUnanswered {
		err = io.EOF
	}
	return line, err
}

func changeTermios(fd int, change func(*unix.Termios)) error {
	t, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return err
	}
	change(t)
	return unix.IoctlSetTermios(fd, setTermios, t)
}
