//go:build unix

package cli

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// processGone reports whether there is no process with the number.
func processGone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// inputReady waits for a while until f can be read, or stop, which ends the reading.
func inputReady(f, stop *os.File, wait time.Duration) (ready, ended bool) {
	fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN},
		{Fd: int32(stop.Fd()), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, int(wait.Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return err != nil || fds[0].Revents != 0, fds[1].Revents != 0
	}
}
