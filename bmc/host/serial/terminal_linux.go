package serial

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// rates are the bit rates of terminals.
var rates = map[int]uint32{
	1200: unix.B1200, 2400: unix.B2400, 4800: unix.B4800, 9600: unix.B9600, 19200: unix.B19200,
	38400: unix.B38400,
	57600: unix.B57600, 115200: unix.B115200, 230400: unix.B230400, 460800: unix.B460800,
	921600: unix.B921600,
}

// HasRate reports whether a terminal can have a bit rate.
func HasRate(baud int) bool { return rates[baud] != 0 }

// OpenTerminal returns a Config.Open for a terminal device, which it makes a raw line of 8 bits
// without parity.
func OpenTerminal(path string, baud int) func(context.Context) (io.ReadWriteCloser, error) {
	return func(context.Context) (io.ReadWriteCloser, error) {
		// Not to wait for a carrier; reads wait in Go's poller.
		f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
		if err != nil {
			return nil, err
		}
		t := terminal{f}
		err = t.control(func(fd int) error {
			set, err := unix.IoctlGetTermios(fd, unix.TCGETS)
			if err != nil {
				return err
			}
			set.Iflag, set.Oflag, set.Lflag = unix.IGNPAR, 0, 0
			set.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | rates[baud]
			set.Ispeed, set.Ospeed = rates[baud], rates[baud]
			set.Cc[unix.VMIN], set.Cc[unix.VTIME] = 1, 0
			return unix.IoctlSetTermios(fd, unix.TCSETS, set)
		})
		if err != nil {
			f.Close()
			return nil, err
		}
		return t, nil
	}
}

// A terminal is a terminal device.
type terminal struct{ *os.File }

func (t terminal) control(f func(fd int) error) error {
	raw, err := t.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = f(int(fd)) })
	return errors.Join(err, failed)
}

// Break implements Breaker. It takes a quarter of a second.
func (t terminal) Break() error {
	return t.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TCSBRK, 0) })
}
