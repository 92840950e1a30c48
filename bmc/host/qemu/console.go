package qemu

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"lom/bmc/host"
	"lom/bmc/host/serial"
)

// Console implements host.ConsoleOwner. A machine whose console nobody asks for before Notify has
// no serial port; one that somebody else starts has none here.
func (m *Machine) Console() host.Console {
	if m.cfg.Attach != "" {
		return nil
	}
	m.paths.console = true
	return serial.New(serial.Config{Open: m.acceptSerial, History: m.cfg.History})
}

// acceptSerial waits until a QEMU connects its serial port: the port is there before QEMU is, so
// that nothing is lost.
func (m *Machine) acceptSerial(ctx context.Context) (io.ReadWriteCloser, error) {
	select {
	case <-m.made:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	l, ok := m.serial.(*net.UnixListener)
	if !ok {
		return nil, errors.New("there is no socket for the serial port")
	}
	if err := l.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { l.SetDeadline(time.Now()) })()
	return l.Accept()
}
