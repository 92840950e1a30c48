package ipmi

import "encoding"

//go:generate go run lom/internal/wiregen

// A Command is one row of Table G-1 (or of another command table): where the command is found, and
// what is known about it before it is sent.
type Command struct {
	NetFn NetFn // of the request
	Code  uint8
	// Body is the defining body in front of the data: "\xdc" for DCMI under NetFnGroup, the three
	// bytes of the IANA number under NetFnOEM. The data of requests and responses do not contain
	// it: those who send and receive put it there and take it away.
	Body string

	Name string
	// Privilege is the least privilege level that may use the command.
	Privilege Privilege
	// Changes says that the command changes state, so that it must not be sent again blindly when
	// its answer is lost.
	Changes bool
	// Presession says that the command is also answered outside a session.
	Presession bool
}

// Is reports whether c and d are the same command.
func (c Command) Is(d Command) bool {
	return c.NetFn.Request() == d.NetFn.Request() && c.Code == d.Code && c.Body == d.Body
}

// CommandFor returns the row of the command table for a request's network function, command number
// and, under NetFnGroup and NetFnOEM, the beginning of its data. A command that is not in the table
// comes back with only the numbers filled in, and false.
func CommandFor(n NetFn, code uint8, data []byte) (Command, bool) {
	body := ""
	switch n.Request() {
	case NetFnGroup:
		body = string(data[:min(1, len(data))])
	case NetFnOEM:
		body = string(data[:min(3, len(data))])
	}
	key := Command{NetFn: n.Request(), Code: code, Body: body}
	for i := range commandTable {
		if commandTable[i].Is(key) {
			return commandTable[i], true
		}
	}
	return key, false
}

// Commands returns the command table in the order of Table G-1.
func Commands() []Command { return append([]Command(nil), commandTable[:]...) }

// A Request is a request whose response is an R. Both are plain structs; the type of the response
// follows from the type of the request.
type Request[R any] interface {
	Command() Command
	encoding.BinaryAppender
	// Response returns an empty response. It ties the two types together.
	Response() R
}

// A Reader is a pointer to a message that can be read from its bytes. It checks every length
// before it looks, keeps no reference to b, and accepts bytes after the last one it knows.
type Reader[T any] interface {
	*T
	encoding.BinaryUnmarshaler
}

// A Sizer returns the least and the greatest length of a message's data in bytes. The greatest is
// -1 if there is no limit.
type Sizer interface{ WireSize() (least, greatest int) }

// NoData is the response of commands that answer with a completion code only.
type NoData struct{}

// RawRequest is a request as bytes.
type RawRequest struct {
	Command Command
	LUN     uint8
	Data    []byte // without the Command's Body
}

// RawResponse is a response as bytes.
type RawResponse struct {
	Code CompletionCode
	Data []byte // without the completion code and without the Command's Body
}
