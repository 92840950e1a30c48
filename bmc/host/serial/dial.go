package serial

import (
	"context"
	"io"
	"net"
)

// Dial returns a Config.Open that connects to a serial port behind a socket. With telnet, the
// characters are those of a telnet connection, by which breaks can be sent.
func Dial(network, address string, telnet bool) func(context.Context) (io.ReadWriteCloser, error) {
	return func(ctx context.Context) (io.ReadWriteCloser, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		if err != nil || !telnet {
			return conn, err
		}
		return &telnetConn{ReadWriteCloser: conn}, nil
	}
}
