package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"lom/bmc/host"
	"lom/bmc/host/serial"
	"lom/bmc/rack"
)

// maxConsoleHistory is the most that a BMC remembers of its serial port, in KiB.
const maxConsoleHistory = 1024

// console says what the server's serial port is: its machine's own, something else, or nothing.
func (s *rackServer) console(r *rack.Server) error {
	if s.ConsoleHistory < 0 || s.ConsoleHistory > maxConsoleHistory {
		return fmt.Errorf("console-history: %d; 0 to %d KiB are possible", s.ConsoleHistory,
			maxConsoleHistory)
	}
	kind, where, _ := strings.Cut(s.Console, ":")
	var open func(context.Context) (io.ReadWriteCloser, error)
	switch {
	case s.Console == "" || s.Console == "sim":
		return nil
	case s.Console == "none":
		r.Console = func() host.Console { return nil }
		return nil
	case kind == "tcp" || kind == "telnet":
		if _, port, err := net.SplitHostPort(where); err != nil || port == "" {
			return fmt.Errorf("console: %q is no host and port; write it like %s:127.0.0.1:4001",
				where, kind)
		}
		open = serial.Dial("tcp", where, kind == "telnet")
	case kind == "unix" && where != "":
		open = serial.Dial("unix", where, false)
	case kind == "tty" && where != "":
		path, rate, given := strings.Cut(where, ",")
		baud := 115200
		if given {
			var err error
			if baud, err = strconv.Atoi(rate); err != nil || !serial.HasRate(baud) {
				return fmt.Errorf("console: %q is no bit rate; write one like 115200", rate)
			}
		}
		open = serial.OpenTerminal(path, baud)
	default:
		return fmt.Errorf("console: %q is none of sim, none, tcp:HOST:PORT, telnet:HOST:PORT, "+
			"unix:PATH and tty:PATH[,BAUD]", s.Console)
	}
	r.Console = func() host.Console {
		return serial.New(serial.Config{Open: open, History: s.ConsoleHistory << 10})
	}
	return nil
}
