package client

import (
	"fmt"
	"strings"

	"lom/ipmi"
	"lom/rmcp"
)

// An UnclearError is the failure of a log-in in which the BMC answered something, but not enough to
// know the cause. It is an ipmi.ErrTimeout.
type UnclearError struct {
	// what was answered and what not, as in "it has answered RAKP Message 1, but not RAKP Message
	// 3"
	What string
	// what may be the cause, the likeliest first: ipmi.ErrUser, ipmi.ErrPassword, and
	// ipmi.ErrTimeout for loss and delay
	Causes []error
}

func (e *UnclearError) Error() string { return e.What }

// Is makes an UnclearError an ipmi.ErrTimeout.
func (e *UnclearError) Is(target error) bool { return target == ipmi.ErrTimeout }

// A SuiteError is the ipmi.ErrCipherSuite of a BMC with which no session can be opened without
// [WithCipherSuite], although it listed its cipher suites. The list is not authenticated.
type SuiteError struct {
	Offered []rmcp.CipherSuite
	Err     error // why the last one that was tried was refused
}

func (e *SuiteError) Error() string {
	var ids []string
	for _, s := range e.Offered {
		ids = append(ids, fmt.Sprint(s.ID))
	}
	return fmt.Sprintf("%v: the BMC offers %s; the last one tried: %v", ipmi.ErrCipherSuite,
		strings.Join(ids, ", "), e.Err)
}

// Is makes a SuiteError an ipmi.ErrCipherSuite.
func (e *SuiteError) Is(target error) bool { return target == ipmi.ErrCipherSuite }

// An AuthTypeError is the ipmi.ErrAuthType of a BMC that does not offer an authentication type that
// may be used without [WithAuthType]. What it offers is not authenticated.
type AuthTypeError struct{ Offered ipmi.AuthTypes }

func (e *AuthTypeError) Error() string {
	var names []string
	for _, a := range []ipmi.AuthType{ipmi.AuthMD2, ipmi.AuthPassword, ipmi.AuthNone,
		ipmi.AuthOEM} {
		if e.Offered.Has(a) {
			names = append(names, a.String())
		}
	}
	return fmt.Sprintf("%v: the BMC offers %s only", ipmi.ErrAuthType, strings.Join(names, ", "))
}

// Is makes an AuthTypeError an ipmi.ErrAuthType.
func (e *AuthTypeError) Is(target error) bool { return target == ipmi.ErrAuthType }
