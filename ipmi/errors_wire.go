package ipmi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// causes are the stable codes of the causes of an [Error] in its wire form, by which the one at the
// other end of a connection, another program or a later version tells them apart. A code is never
// changed or used again. Where an error has several causes, the first in the list counts.
var causes = [...]struct {
	code string
	err  error
}{
	{"outcome_unknown", ErrOutcomeUnknown},
	{"wrong_password", ErrPassword},
	{"unknown_user", ErrUser},
	{"wrong_key", ErrKey},
	{"privilege_refused", ErrPrivilege},
	{"cipher_suite_refused", ErrCipherSuite},
	{"auth_type_refused", ErrAuthType},
	{"no_ipmi_2_0", ErrNoIPMI20},
	{"no_ipmi_1_5", ErrNoIPMI15},
	{"no_free_session", ErrBusy},
	{"port_closed", ErrRefused},
	{"timeout", ErrTimeout},
	{"session_closed", ErrClosed},
	{"malformed", ErrMalformed},
	{"no_device", ErrNoDevice},
	{"canceled", context.Canceled},
	{"deadline", context.DeadlineExceeded},
	{"not_supported", errors.ErrUnsupported},
}

// Codes of errors that have no cause in the list.
const (
	codeRefusal = "completion_code"
	codeOther   = "other"
)

// CauseCode returns the stable code of an error's cause: "wrong_password", "timeout",
// "completion_code" for a refusal by the BMC, and "other" for what has no code of its own. It
// returns "" for nil.
func CauseCode(err error) string {
	if err == nil {
		return ""
	}
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	var code CompletionCode
	if errors.As(err, &code) {
		return codeRefusal
	}
	return codeOther
}

// errorWire is the wire form of an Error.
type errorWire struct {
	Code           string          `json:"code"`
	Message        string          `json:"message"` // of Err
	Op             string          `json:"op,omitempty"`
	Peer           string          `json:"peer,omitempty"`
	Command        *commandWire    `json:"command,omitempty"`
	CompletionCode *CompletionCode `json:"completion_code,omitempty"`
}

type commandWire struct {
	NetFn NetFn  `json:"netfn"`
	Code  uint8  `json:"cmd"`
	Body  []byte `json:"body,omitempty"`
	Name  string `json:"name,omitempty"`
}

// MarshalJSON returns the wire form: a stable code for the cause (see [CauseCode]), the sentence,
// what was tried with whom, and the completion code of a refusal.
func (e *Error) MarshalJSON() ([]byte, error) {
	w := errorWire{Code: CauseCode(e), Op: e.Op, Peer: e.Peer}
	if e.Err != nil {
		w.Message = e.Err.Error()
	}
	if code := CompletionCode(0); errors.As(e, &code) {
		w.CompletionCode = &code
	}
	if c := e.Command; !c.Is(Command{}) || c.Name != "" {
		w.Command = &commandWire{c.NetFn, c.Code, []byte(c.Body), c.Name}
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads the wire form. For errors.Is and errors.As the error is what it was, as far
// as its cause has a code; it prints the same sentence.
func (e *Error) UnmarshalJSON(b []byte) error {
	var w errorWire
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*e = Error{Op: w.Op, Peer: w.Peer}
	if c := w.Command; c != nil {
		e.Command = Command{NetFn: c.NetFn, Code: c.Code, Body: string(c.Body), Name: c.Name}
		// What the table says of the command counts, if it knows it.
		if known, ok := CommandFor(c.NetFn, c.Code, c.Body); ok {
			e.Command = known
		}
	}
	var wrapped []error
	if w.CompletionCode != nil {
		if e.Code = *w.CompletionCode; w.Message == "" {
			return nil // the completion code is all there is to say
		}
		e.Code, wrapped = CodeOK, append(wrapped, *w.CompletionCode)
	}
	for _, c := range causes {
		if c.code == w.Code {
			wrapped = append(wrapped, c.err)
		}
	}
	if w.Message == "" {
		w.Message = fmt.Sprintf("failed for the reason %q", w.Code) // of a later version
	}
	e.Err = &remoteError{w.Message, wrapped}
	return nil
}

// remoteError is a cause that came in its wire form.
type remoteError struct {
	message string
	causes  []error
}

func (e *remoteError) Error() string   { return e.message }
func (e *remoteError) Unwrap() []error { return e.causes }
