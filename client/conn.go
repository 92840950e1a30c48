package client

import (
	"context"

	"lom/ipmi"
)

// A Conn carries requests to one management controller and returns its answers. It may be used
// by many goroutines at a time.
type Conn interface {
	// Exchange sends one request and waits for its answer. An answer with a completion code other
	// than 0 is not an error here. Errors are of type *ipmi.Error.
	Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error)
}

// Optional methods of a Conn, for type assertions. A wrapper of a Conn should forward those of what
// it wraps.
type (
	// A Router is a Conn that reaches other controllers through its own.
	Router interface {
		// Target returns a connection to the controller with the slave address on the channel, 0
		// for the primary IPMB.
		Target(address, channel uint8) Conn
	}
	// A Describer is a Conn that knows what it is connected to.
	Describer interface{ Info() Info }
	// A Starter is a Conn that sends requests without a goroutine that waits: see
	// [Session.Start].
	Starter interface {
		Start(req ipmi.RawRequest, done func(ipmi.RawResponse, error))
	}
	// A PayloadConn is a session over the network, which carries payloads besides requests: see
	// [OpenConsole]. It counts its packets.
	PayloadConn interface {
		Conn
		Describer
		Starter
		Stats() Stats
		Close() error
		payloads() *Session
	}
	// transferSizer is a Conn that remembers the transfer sizes of its BMC.
	transferSizer interface{ ownTransferSizes() *transferSizes }
)

// Do carries out one command. The type of the response follows from the type of the request.
// A completion code other than 0 is an *ipmi.Error that wraps the ipmi.CompletionCode.
func Do[Q ipmi.Request[R], R any, PR ipmi.Reader[R]](ctx context.Context, c Conn,
	req Q) (R, error) {
	return DoLUN[Q, R, PR](ctx, c, 0, req)
}

// DoLUN is Do for a logical unit other than 0.
func DoLUN[Q ipmi.Request[R], R any, PR ipmi.Reader[R]](ctx context.Context, c Conn, lun uint8,
	req Q) (R, error) {
	var resp R
	cmd := req.Command()
	data, err := req.AppendBinary(nil)
	if err != nil {
		return resp, &ipmi.Error{Command: cmd, Err: err}
	}
	raw, err := c.Exchange(ctx, ipmi.RawRequest{Command: cmd, LUN: lun, Data: data})
	return readResponse[R, PR](cmd, raw, err)
}

// readResponse parses the raw response into the typed one.
func readResponse[R any, PR ipmi.Reader[R]](cmd ipmi.Command, raw ipmi.RawResponse,
	err error) (R, error) {
	var resp R
	if err != nil {
		return resp, err
	}
	if raw.Code != ipmi.CodeOK {
		// Some commands return data along with an error completion code of their own, such as Get
		// SDR. What can be read of it is returned too.
		if len(raw.Data) > 0 {
			_ = PR(&resp).UnmarshalBinary(raw.Data)
		}
		return resp, &ipmi.Error{Command: cmd, Code: raw.Code}
	}
	if err := PR(&resp).UnmarshalBinary(raw.Data); err != nil {
		return resp, &ipmi.Error{Command: cmd, Err: err}
	}
	return resp, nil
}
