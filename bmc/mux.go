package bmc

import (
	"context"
	"encoding"
	"errors"

	"lom/ipmi"
)

// Context is what a handler knows about the request it answers.
type Context struct {
	context.Context
	BMC       *BMC           // that was asked; its lock is held while the handler runs
	Channel   uint8          // where the request came in
	LUN       uint8          // of the request
	Privilege ipmi.Privilege // the session's present level, 0 outside a session, PrivilegeSystem on the system interface
	User      uint8          // the session's user ID, 0 outside a session and on the system interface
	SessionID uint32         // ours, 0 outside a session

	session *session // that the request came in, nil outside a session
	after   []func()
}

// AfterAnswer has f called when the answer was sent, under the lock of the BMC: for what must
// not happen before, such as the end of the session that the answer travels in.
func (c *Context) AfterAnswer(f func()) { c.after = append(c.after, f) }

// A Handler answers a request's data with a completion code and data, neither with the
// command's defining body.
type Handler func(ctx *Context, data []byte) (ipmi.CompletionCode, []byte)

// A Mux finds the handler of a command. Many BMCs may share one: a handler finds
// its BMC in the Context.
type Mux struct{ handlers map[muxKey]muxEntry }

type muxKey struct {
	netFn ipmi.NetFn
	code  uint8
	body  string
}

type muxEntry struct {
	command ipmi.Command
	handler Handler
}

// NewMux returns an empty Mux.
func NewMux() *Mux { return &Mux{handlers: map[muxKey]muxEntry{}} }

// Handle registers f for the command of its request type. An error that f returns
// becomes its completion code, or CodeUnspecified.
func Handle[Q ipmi.Request[R], R encoding.BinaryAppender, PQ ipmi.Reader[Q]](m *Mux, f func(*Context, Q) (R, error)) {
	var q Q
	least, greatest := 0, -1
	if s, ok := any(q).(ipmi.Sizer); ok {
		least, greatest = s.WireSize()
	}
	m.HandleRaw(q.Command(), func(ctx *Context, data []byte) (ipmi.CompletionCode, []byte) {
		if len(data) < least || greatest >= 0 && len(data) > greatest {
			return ipmi.CodeDataLengthInvalid, nil
		}
		var q Q
		if err := PQ(&q).UnmarshalBinary(data); err != nil {
			code := ipmi.CodeDataLengthInvalid // unless the reader knows better
			errors.As(err, &code)
			return code, nil
		}
		r, err := f(ctx, q)
		if err != nil {
			code := ipmi.CodeUnspecified
			errors.As(err, &code)
			return code, nil
		}
		out, err := r.AppendBinary(nil)
		if err != nil {
			return ipmi.CodeUnspecified, nil
		}
		return ipmi.CodeOK, out
	})
}

// HandleRaw registers h for cmd. A second registration replaces the first.
func (m *Mux) HandleRaw(cmd ipmi.Command, h Handler) {
	m.handlers[muxKey{cmd.NetFn, cmd.Code, cmd.Body}] = muxEntry{cmd, h}
}

// Has reports whether cmd has a handler.
func (m *Mux) Has(cmd ipmi.Command) bool {
	_, ok := m.handlers[muxKey{cmd.NetFn, cmd.Code, cmd.Body}]
	return ok
}

// Answer carries out one request: data begins with the defining body where the NetFn has
// one, and so does the answer, a refusal too.
func (m *Mux) Answer(ctx *Context, netFn ipmi.NetFn, code uint8, data []byte) (ipmi.CompletionCode, []byte) {
	cmd, _ := ipmi.CommandFor(netFn, code, data)
	e, ok := m.handlers[muxKey{cmd.NetFn, cmd.Code, cmd.Body}]
	var cc ipmi.CompletionCode
	var out []byte
	switch {
	case (!ok || !e.command.Presession) && ctx.Privilege == 0:
		cc = ipmi.CodeInsufficientPrivilege
	case !ok:
		cc = ipmi.CodeInvalidCommand
	case !e.command.Presession && ctx.Privilege < e.command.Privilege:
		cc = ipmi.CodeInsufficientPrivilege
	default:
		cc, out = e.handler(ctx, data[len(cmd.Body):])
	}
	if cmd.Body != "" {
		out = append([]byte(cmd.Body), out...)
	}
	return cc, out
}
