package client

import (
	"context"

	"lom/ipmi"
)

// LANParam reads a LAN configuration parameter of a channel:
//
//	ip, err := client.LANParam[ipmi.LANIPAddress](ctx, conn, 1)
//
// Selectors are the set and the block of parameters that have them. An error wraps
// ipmi.CodeParameterUnsupported where the BMC does not have the parameter.
func LANParam[P ipmi.LANParameter, PP ipmi.Reader[P]](ctx context.Context, c Conn, channel uint8,
	selectors ...uint8) (P, error) {
	var p P
	set, block := setAndBlock(selectors)
	q := ipmi.GetLANConfiguration{Channel: channel, Parameter: p.Number(), Set: set, Block: block}
	return readParam[P, PP](ctx, c, q)
}

// SetLANParam writes a LAN configuration parameter of a channel.
func SetLANParam(ctx context.Context, c Conn, channel uint8, p ipmi.LANParameter) error {
	data, err := p.AppendBinary(nil)
	q := ipmi.SetLANConfiguration{Channel: channel, Parameter: p.Number(), Data: data}
	return writeParam(ctx, c, q, err)
}

// SOLParam reads an SOL configuration parameter of a channel.
func SOLParam[P ipmi.SOLParameter, PP ipmi.Reader[P]](ctx context.Context, c Conn,
	channel uint8) (P, error) {
	var p P
	return readParam[P, PP](ctx, c, ipmi.GetSOLConfiguration{Channel: channel,
		Parameter: p.Number()})
}

// SetSOLParam writes an SOL configuration parameter of a channel.
func SetSOLParam(ctx context.Context, c Conn, channel uint8, p ipmi.SOLParameter) error {
	data, err := p.AppendBinary(nil)
	q := ipmi.SetSOLConfiguration{Channel: channel, Parameter: p.Number(), Data: data}
	return writeParam(ctx, c, q, err)
}

// PEFParam reads a PEF configuration parameter. Selectors are the set and the block of
// parameters that have them.
func PEFParam[P ipmi.PEFParameter, PP ipmi.Reader[P]](ctx context.Context, c Conn,
	selectors ...uint8) (P, error) {
	var p P
	set, block := setAndBlock(selectors)
	return readParam[P, PP](ctx, c, ipmi.GetPEFConfiguration{Parameter: p.Number(), Set: set,
		Block: block})
}

// SetPEFParam writes a PEF configuration parameter.
func SetPEFParam(ctx context.Context, c Conn, p ipmi.PEFParameter) error {
	data, err := p.AppendBinary(nil)
	return writeParam(ctx, c, ipmi.SetPEFConfiguration{Parameter: p.Number(), Data: data}, err)
}

// SerialParam reads a serial/modem configuration parameter of a channel. Selectors are
// the set and the block of parameters that have them.
func SerialParam[P ipmi.SerialParameter, PP ipmi.Reader[P]](ctx context.Context, c Conn,
	channel uint8, selectors ...uint8) (P, error) {
	var p P
	set, block := setAndBlock(selectors)
	q := ipmi.GetSerialConfiguration{Channel: channel, Parameter: p.Number(), Set: set,
		Block: block}
	return readParam[P, PP](ctx, c, q)
}

// SetSerialParam writes a serial/modem configuration parameter of a channel.
func SetSerialParam(ctx context.Context, c Conn, channel uint8, p ipmi.SerialParameter) error {
	data, err := p.AppendBinary(nil)
	q := ipmi.SetSerialConfiguration{Channel: channel, Parameter: p.Number(), Data: data}
	return writeParam(ctx, c, q, err)
}

func setAndBlock(selectors []uint8) (set, block uint8) {
	if len(selectors) > 0 {
		set = selectors[0]
	}
	if len(selectors) > 1 {
		block = selectors[1]
	}
	return set, block
}

// readParam sends a command that reads the parameter P.
func readParam[P any, PP ipmi.Reader[P], Q ipmi.Request[ipmi.ParameterData]](ctx context.Context,
	c Conn, q Q) (P, error) {
	var p P
	r, err := Do(ctx, c, q)
	if err != nil {
		return p, err
	}
	if err := PP(&p).UnmarshalBinary(r.Data); err != nil {
		return p, &ipmi.Error{Command: q.Command(), Err: err}
	}
	return p, nil
}

// writeParam sends a command that writes a parameter. err is the error of encoding its data.
func writeParam[Q ipmi.Request[ipmi.NoData]](ctx context.Context, c Conn, q Q, err error) error {
	if err != nil {
		return &ipmi.Error{Command: q.Command(), Err: err}
	}
	_, err = Do(ctx, c, q)
	return err
}
