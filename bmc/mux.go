package bmc

import (
	"bytes"
	"context"
	"encoding"
	"errors"
	"net/netip"
	"sync"

	"lom/ipmi"
)

// Context is what a handler knows about the request it answers.
type Context struct {
	context.Context
	BMC     *BMC  // that was asked; its lock is held while the handler runs
	Channel uint8 // where the request came in
	LUN     uint8 // of the request
	// the session's present level, 0 outside a session, PrivilegeSystem on the system interface
	Privilege ipmi.Privilege
	// the session's user ID, 0 outside a session and on the system interface
	User      uint8
	SessionID uint32 // ours, 0 outside a session

	session *session    // that the request came in, nil outside a session
	line    *serialLine // that the request came in, nil if it was none
	from    netip.Addr  // of a request on the LAN channel outside a session
	after   []func()
	undo    []undo // takes back what the request changed
	wait    *wait  // for the answer; nil: the handler has it
	data    []byte // of the answer: memory that is used again
}

// AfterAnswer has f called when the answer was sent, under the lock of the BMC, unless the request
// is refused: for what must not happen before, such as the end of the session that the answer
// travels in, and for what cannot be taken back.
func (c *Context) AfterAnswer(f func()) { c.after = append(c.after, f) }

// A wait is for an answer that a handler does not have yet.
type wait struct {
	answer func(ipmi.CompletionCode) // is called with it, once
}

// later has the request answered when the function that it returns is called, once, under the lock
// of the BMC: with success and no data, or with the completion code that err is. What the handler
// returns counts for nothing. It is for commands without a defining body.
func (c *Context) later() (answer func(err error)) {
	w := &wait{}
	c.wait = w
	return func(err error) {
		cc := ipmi.CodeOK
		if err != nil {
			cc = errorCode(err, ipmi.CodeUnspecified)
		}
		w.answer(cc)
	}
}

// A Handler answers a request's data with a completion code and data, neither with the command's
// defining body. It keeps none of the request's data, unless the command changes something.
type Handler func(ctx *Context, data []byte) (ipmi.CompletionCode, []byte)

// A Mux finds the handler of a command. Many BMCs may share one: a handler finds its BMC in the
// Context. They also share memory for what is under way then, and for log-ins that are not proved
// yet.
type Mux struct {
	handlers  map[muxKey]*muxEntry
	exchanges sync.Pool // of *exchange
	packets   sync.Pool // of *[]byte
	halfOpens halfOpens
}

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
func NewMux() *Mux { return &Mux{handlers: map[muxKey]*muxEntry{}} }

// A frame is a request and its answer while a handler runs. They are pooled, because the
// garbage collector would have more to do than the handlers.
type frame[Q, R any] struct {
	request Q
	answer  R
}

// Handle registers f for the command of its request type. An error that f returns
// becomes its completion code, or CodeUnspecified.
func Handle[Q ipmi.Request[R], R encoding.BinaryAppender, PQ ipmi.Reader[Q]](m *Mux,
	f func(*Context, Q) (R, error)) {
	var q Q
	least, greatest := 0, -1
	if s, ok := any(q).(ipmi.Sizer); ok {
		least, greatest = s.WireSize()
	}
	frames := &sync.Pool{New: func() any { return new(frame[Q, R]) }}
	m.HandleRaw(q.Command(), func(ctx *Context, data []byte) (ipmi.CompletionCode, []byte) {
		if len(data) < least || greatest >= 0 && len(data) > greatest {
			return ipmi.CodeDataLengthInvalid, nil
		}
		x := frames.Get().(*frame[Q, R])
		if err := PQ(&x.request).UnmarshalBinary(data); err != nil {
			return errorCode(err, ipmi.CodeDataLengthInvalid), nil // unless the reader knows better
		}
		r, err := f(ctx, x.request)
		if err != nil {
			return errorCode(err, ipmi.CodeUnspecified), nil
		}
		x.answer = r
		out, err := any(&x.answer).(encoding.BinaryAppender).AppendBinary(ctx.data[:0])
		if err != nil {
			return ipmi.CodeUnspecified, nil
		}
		ctx.data = out
		*x = frame[Q, R]{}
		frames.Put(x)
		return ipmi.CodeOK, out
	})
}

// errorCode returns the completion code that err is, or the other.
func errorCode(err error, other ipmi.CompletionCode) ipmi.CompletionCode {
	errors.As(err, &other)
	return other
}

// HandleRaw registers h for cmd. A second registration replaces the first.
func (m *Mux) HandleRaw(cmd ipmi.Command, h Handler) {
	m.handlers[muxKey{cmd.NetFn, cmd.Code, cmd.Body}] = &muxEntry{cmd, h}
}

// Has reports whether cmd has a handler.
func (m *Mux) Has(cmd ipmi.Command) bool {
	_, ok := m.handlers[muxKey{cmd.NetFn, cmd.Code, cmd.Body}]
	return ok
}

// find returns the entry of a request's command, nil if there is none, and how many bytes of the
// data are its defining body.
func (m *Mux) find(netFn ipmi.NetFn, code uint8, data []byte) (e *muxEntry, body int) {
	netFn = netFn.Request()
	switch netFn {
	case ipmi.NetFnGroup:
		body = min(1, len(data))
	case ipmi.NetFnOEM:
		body = min(3, len(data))
	}
	return m.handlers[muxKey{netFn, code, string(data[:body])}], body
}

// Answer carries out one request: data begins with the defining body where the NetFn has
// one, and so does the answer, a refusal too.
func (m *Mux) Answer(ctx *Context, netFn ipmi.NetFn, code uint8,
	data []byte) (ipmi.CompletionCode, []byte) {
	e, body := m.find(netFn, code, data)
	var cc ipmi.CompletionCode
	var out []byte
	switch {
	case (e == nil || !e.command.Presession) && ctx.Privilege == 0:
		cc = ipmi.CodeInsufficientPrivilege
	case e == nil:
		cc = ipmi.CodeInvalidCommand
	case !e.command.Presession && ctx.Privilege < e.command.Privilege:
		cc = ipmi.CodeInsufficientPrivilege
	default:
		if cc, out = e.handler(ctx, data[body:]); cc != ipmi.CodeOK {
			ctx.refused()
		}
	}
	if body > 0 {
		out = append(bytes.Clone(data[:body]), out...)
	}
	return cc, out
}
