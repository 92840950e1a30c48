package ipmi

import (
	"errors"
	"fmt"
	"strings"
)

// What can go wrong between a client and a BMC, for errors.Is. An [Error] says
// where it happened.
var (
	ErrTimeout = errors.New("no answer")
	// ICMP port unreachable
	ErrRefused = errors.New("nothing listens on that port")
	// a changing command's answer was lost
	ErrOutcomeUnknown = errors.New("no answer, so it is not known whether it happened")
	ErrPassword       = errors.New("wrong password")
	ErrUser           = errors.New("unknown user name")
	ErrKey            = errors.New("wrong BMC key (Kg)")
	ErrPrivilege      = errors.New("privilege level not allowed")
	ErrCipherSuite    = errors.New("cipher suite not supported")
	ErrAuthType       = errors.New("authentication type not supported")
	ErrNoIPMI20       = errors.New("the BMC does not speak IPMI 2.0")
	ErrNoIPMI15       = errors.New("the BMC does not speak IPMI 1.5")
	ErrBusy           = errors.New("the BMC has no free session")
	ErrClosed         = errors.New("session closed")
	ErrMalformed      = errors.New("malformed message")
	ErrNoDevice       = errors.New("no IPMI device") // in band: this machine shows none
)

// An Error is what the operations of lom return: what was tried, with whom, and why it failed.
type Error struct {
	Op      string         // what was tried, in words: "open session", "read SDR 0012h"
	Peer    string         // address of the BMC, "" if not known
	Command Command        // the command that was answered, if one was
	Code    CompletionCode // its completion code, if that is the reason
	Err     error          // the reason otherwise
}

// Error returns one sentence without a capital at its start and without a full stop.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Peer != "" {
		b.WriteString(e.Peer + ": ")
	}
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	} else if e.Command.Name != "" {
		b.WriteString(e.Command.Name + ": ")
	}
	switch {
	case e.Err != nil:
		b.WriteString(e.Err.Error())
	default:
		b.WriteString(e.Code.For(e.Command))
	}
	return b.String()
}

// Unwrap returns the cause: Err, or the completion code.
func (e *Error) Unwrap() error {
	if e.Err != nil {
		return e.Err
	}
	if e.Code != CodeOK {
		return e.Code
	}
	return nil
}

// LengthError is the error of a reader that got fewer bytes than the message has.
type LengthError struct {
	Message   string
	Got, Want int // bytes
}

func (e *LengthError) Error() string {
	return fmt.Sprintf("%s: %d bytes, need %d", e.Message, e.Got, e.Want)
}

// Is makes a LengthError an ErrMalformed.
func (e *LengthError) Is(target error) bool { return target == ErrMalformed }

// RangeError is the error of a writer that was given a value that its field cannot hold.
type RangeError struct {
	Field string
	Value any
	Max   uint64
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("%s: %v is over %d", e.Field, e.Value, e.Max)
}
