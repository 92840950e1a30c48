package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"

	"lom/client"
	"lom/ipmi"
)

// defaultTries is how often a packet is sent at most, without -R, as in ipmitool.
const defaultTries = 4

// dialClient opens a session with the BMC itself or with a controller behind it.
func dialClient(ctx context.Context, o *Options, log *slog.Logger) (Session, error) {
	switch {
	case o.inBand():
		return dialDevice(ctx, o)
	case o.serial():
		return dialSerial(ctx, o)
	}
	return dialNetwork(ctx, o, log)
}

// dialNetwork opens a session over the network.
func dialNetwork(ctx context.Context, o *Options, log *slog.Logger) (Session, error) {
	tries := o.Tries
	if tries == 0 {
		tries = defaultTries
	}
	opts := []client.Option{
		client.WithInterface(o.chosenInterface()), client.WithUser(o.User, o.Password),
		client.WithKg(o.Kg),
		client.WithPrivilege(o.Privilege), client.WithRetry(o.Timeout, tries),
		client.WithLogger(log),
		client.WithKeepAlive(o.keepAlive), client.WithWindow(o.Window),
		client.WithWindowHint(o.windowHint),
		client.WithIPVersion(o.Version),
	}
	if o.transport != nil {
		opts = append(opts, client.WithTransport(o.transport))
	}
	if o.RoleLookup {
		opts = append(opts, client.WithRoleLookup())
	}
	if o.CipherSuite >= 0 {
		opts = append(opts, client.WithCipherSuite(o.CipherSuite))
	}
	if o.AuthType >= 0 {
		opts = append(opts, client.WithAuthType(ipmi.AuthType(o.AuthType)))
	}
	s, err := client.Dial(ctx, net.JoinHostPort(o.Host, strconv.Itoa(o.Port)), opts...)
	if err != nil {
		return nil, err
	}
	return behind(s, o), nil
}

// A throughSession is a session through which controllers behind the BMC are reached.
type throughSession interface {
	Session
	client.Router
	TargetVia(transitAddr, transitChannel, addr, channel uint8) client.Conn
}

// behind returns s, or what the options name behind its BMC.
func behind(s throughSession, o *Options) Session {
	switch {
	case o.Transit != 0:
		return bridgedSession{s.TargetVia(uint8(o.Transit), uint8(o.TransitChannel),
			uint8(o.Target), uint8(o.TargetChannel)), s}
	case o.bridged():
		return bridgedSession{s.Target(uint8(o.Target), uint8(o.TargetChannel)), s}
	}
	return s
}

// inBand reports whether the BMC is that of this machine.
func (o *Options) inBand() bool { return o.Interface == client.Open }

// serial reports whether the BMC is at the other end of a serial line.
func (o *Options) serial() bool {
	return o.Interface == client.SerialBasic || o.Interface == client.SerialTerminal
}

// bridged reports whether the options name a controller behind the BMC.
func (o *Options) bridged() bool {
	return o.Target != 0 && (o.Target != ipmi.AddressBMC || o.TargetChannel != 0)
}

// dialDevice opens the device of this machine's BMC.
func dialDevice(ctx context.Context, o *Options) (Session, error) {
	d, err := client.OpenDevice(ctx, o.DeviceNumber,
		client.WithDeviceTimeout(o.Timeout), client.WithDeviceAddress(uint8(o.LocalAddress)))
	switch {
	case err != nil && o.unnamed && (errors.Is(err, ipmi.ErrNoDevice) ||
		errors.Is(err, errors.ErrUnsupported)):
		return nil, fmt.Errorf("no BMC named with -H, and none in this machine: %w", err)
	case err != nil:
		return nil, err
	case o.bridged():
		return bridgedSession{d.Target(uint8(o.Target), uint8(o.TargetChannel)), d}, nil
	}
	return d, nil
}

// dialSerial opens a serial line, and logs in if a user or a password is given.
func dialSerial(ctx context.Context, o *Options) (Session, error) {
	line, err := openTTY(o.Device, o.Baud)
	if err != nil {
		return nil, err
	}
	s, err := client.NewSerial(ctx, line, client.SerialConfig{
		Basic: o.Interface == client.SerialBasic, Login: o.serialLogin, User: o.User,
		Password: o.Password,
		Timeout:  o.Timeout, Tries: o.Tries,
	})
	if err != nil {
		return nil, err // not s, which would be a Session that is not nil
	}
	return behind(s, o), nil
}

// bridgedSession is a session through which a controller behind the BMC is talked to.
type bridgedSession struct {
	client.Conn
	session Session
}

// Target returns the connection to a controller that the BMC reaches.
func (b bridgedSession) Target(address, channel uint8) client.Conn {
	return client.Via(b.Conn, address, channel)
}

func (b bridgedSession) Close() error { return b.session.Close() }
