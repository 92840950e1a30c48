package cli

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// rates are the rates of serial lines in bit/s.
var rates = map[int]uint32{
	2400: unix.B2400, 9600: unix.B9600, 19200: unix.B19200, 38400: unix.B38400, 57600: unix.B57600,
	115200: unix.B115200, 230400: unix.B230400, 460800: unix.B460800,
}

// openTTY opens a serial line: 8 bits, no parity, one stop bit, no flow control.
func openTTY(path string, baud int) (*os.File, error) {
	rate, ok := rates[baud]
	if !ok {
		return nil, fmt.Errorf("%s: %d bit/s is no rate that serial lines have here; the usual "+
			"ones are 9600 and 115200", path, baud)
	}
	// Non-blocking, so that no modem is waited for, and Go's poller takes it.
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	t := unix.Termios{Iflag: unix.IGNBRK, Cflag: unix.CS8 | unix.CLOCAL | unix.CREAD | rate,
		Ispeed: rate, Ospeed: rate}
	t.Cc[unix.VMIN] = 1
	if err := unix.IoctlSetTermios(fd, unix.TCSETSF, &t); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s is no serial line: %w", path, err)
	}
	return f, nil
}
