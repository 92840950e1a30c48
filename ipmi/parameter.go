package ipmi

import (
	"bytes"
	"encoding"
	"slices"
)

// A Parameter is the typed value of one configuration parameter of LAN, SOL, PEF, serial, boot
// options, system information or DCMI. Its bytes are the parameter's data as the specification's
// table of the family numbers them from 1: without the selector, with the set selector where that
// is part of the data.
type Parameter interface {
	// Number returns the parameter's selector in its family.
	Number() uint8
	encoding.BinaryAppender
}

// A LANParameter is a LAN configuration parameter (Table 23-4).
type LANParameter interface {
	Parameter
	lanParameter()
}

// A SOLParameter is an SOL configuration parameter (Table 26-5).
type SOLParameter interface {
	Parameter
	solParameter()
}

// A PEFParameter is a PEF configuration parameter (Table 30-6).
type PEFParameter interface {
	Parameter
	pefParameter()
}

// A SerialParameter is a serial/modem configuration parameter (Table 25-4).
type SerialParameter interface {
	Parameter
	serialParameter()
}

// A BootParameter is a boot option parameter (Table 28-14).
type BootParameter interface {
	Parameter
	bootParameter()
}

// ParameterInfo is one row of parameters.txt.
type ParameterInfo struct {
	Number   uint8
	Name     string // in the words of its table
	ReadOnly bool
	Volatile bool // lost when the BMC restarts
	HasSet   bool // the first byte of the data is the set selector
	HasBlock bool // the second byte of the data is the block selector
}

// FindParameter returns the row of the parameter with the number n, and false if there is none.
func FindParameter(family []ParameterInfo, n uint8) (ParameterInfo, bool) {
	i := slices.IndexFunc(family, func(p ParameterInfo) bool { return p.Number == n })
	if i < 0 {
		return ParameterInfo{Number: n}, false
	}
	return family[i], true
}

// RawParameter is a parameter that has no type of its own.
type RawParameter struct {
	Selector uint8
	Data     []byte
}

// Number returns the selector.
func (p RawParameter) Number() uint8 { return p.Selector }

// AppendBinary appends the data to b.
func (p RawParameter) AppendBinary(b []byte) ([]byte, error) { return append(b, p.Data...), nil }

func rawParameter(n uint8, data []byte) (Parameter, error) {
	return RawParameter{n, bytes.Clone(data)}, nil
}

// readParameter reads the data of a parameter of type T.
func readParameter[T Parameter, P Reader[T]](data []byte) (Parameter, error) {
	var t T
	if err := P(&t).UnmarshalBinary(data); err != nil {
		return nil, err
	}
	return t, nil
}

// parameterData is the data of p, for the commands that set parameters.
func parameterData(p Parameter) ([]byte, error) { return p.AppendBinary(nil) }

// ParameterData is the response of the commands that read a parameter.
type ParameterData struct {
	Revision uint8  `wire:"byte 2"` // of the parameter: 11h in this specification
	Data     []byte `wire:"byte 3-"`
}

// ParameterRevision is the revision of every parameter in IPMI 2.0: first
// digit the present one, second the oldest that it is compatible with.
const ParameterRevision uint8 = 0x11

// SetInProgress is parameter 0 of every family: whether someone is changing parameters.
type SetInProgress struct {
	State SetState `wire:"byte 1, bits 1:0"`
}

// Number returns 0.
func (SetInProgress) Number() uint8 { return 0 }

// A SetState is the state of a set of parameters.
type SetState uint8

// Set states.
const (
	SetComplete    SetState = 0
	SetBusy        SetState = 1 // set in progress
	SetCommitWrite SetState = 2 // where changes can be rolled back: make them last
)

// String returns the state as ipmitool writes it for boot options.
func (s SetState) String() string {
	switch s {
	case SetComplete:
		return "set complete"
	case SetBusy:
		return "set in progress"
	case SetCommitWrite:
		return "commit write"
	}
	return "error, reserved bit"
}

// Completion codes of the commands that set and get parameters.
const (
	CodeParameterNotSupported CompletionCode = 0x80
	// set only: another party is changing parameters
	CodeSetInProgress      CompletionCode = 0x81
	CodeParameterReadOnly  CompletionCode = 0x82 // set only
	CodeParameterWriteOnly CompletionCode = 0x83 // get only; LAN and serial
)
