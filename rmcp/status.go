package rmcp

import (
	"fmt"

	"lom/ipmi"
)

// A Status is the status code of a handshake message (Table 13-15).
type Status uint8

// Status codes.
const (
	StatusOK                 Status = 0x00
	StatusNoResources        Status = 0x01
	StatusInvalidSessionID   Status = 0x02
	StatusInvalidPayloadType Status = 0x03
	StatusInvalidAuth        Status = 0x04
	StatusInvalidIntegrity   Status = 0x05
	StatusNoAuthMatch        Status = 0x06
	StatusNoIntegrityMatch   Status = 0x07
	StatusInactiveSessionID  Status = 0x08
	StatusInvalidRole        Status = 0x09
	StatusUnauthorizedRole   Status = 0x0a
	StatusNoResourcesForRole Status = 0x0b
	StatusInvalidNameLength  Status = 0x0c
	StatusUnauthorizedName   Status = 0x0d
	StatusUnauthorizedGUID   Status = 0x0e
	StatusInvalidCheckValue  Status = 0x0f
	StatusInvalidConf        Status = 0x10
	StatusNoCipherSuiteMatch Status = 0x11
	StatusIllegalParameter   Status = 0x12
)

var statusWords = [...]string{
	"no errors",
	"insufficient resources to create a session",
	"invalid session ID",
	"invalid payload type",
	"invalid authentication algorithm",
	"invalid integrity algorithm",
	"no matching authentication payload",
	"no matching integrity payload",
	"inactive session ID",
	"invalid role",
	"unauthorized role or privilege level requested",
	"insufficient resources to create a session at the requested role",
	"invalid name length",
	"unauthorized name",
	"unauthorized GUID",
	"invalid integrity check value",
	"invalid confidentiality algorithm",
	"no cipher suite match with proposed security algorithms",
	"illegal or unrecognized parameter",
}

// String returns the words for s.
func (s Status) String() string {
	if int(s) < len(statusWords) {
		return statusWords[s]
	}
	return fmt.Sprintf("unknown status %02xh", uint8(s))
}

// A StatusError is a refusal by the other end of a handshake. It wraps the ipmi.Err… that it most
// likely means, so errors.Is finds it.
type StatusError struct {
	Message ipmi.PayloadType // the message that bore the status
	Status  Status
}

// Error returns what the refusal means, and the words for the status.
func (e *StatusError) Error() string {
	if err := e.Unwrap(); err != nil {
		return fmt.Sprintf("%v (%s: %v)", err, messageName(e.Message), e.Status)
	}
	return fmt.Sprintf("%s: %v", messageName(e.Message), e.Status)
}

// Unwrap returns what the refusal means, or nil.
func (e *StatusError) Unwrap() error {
	switch e.Status {
	case StatusInvalidAuth, StatusInvalidIntegrity, StatusInvalidConf,
		StatusNoAuthMatch, StatusNoIntegrityMatch, StatusNoCipherSuiteMatch:
		return ipmi.ErrCipherSuite
	case StatusUnauthorizedName, StatusInvalidNameLength:
		return ipmi.ErrUser
	case StatusInvalidRole, StatusUnauthorizedRole:
		return ipmi.ErrPrivilege
	case StatusNoResources, StatusNoResourcesForRole:
		return ipmi.ErrBusy
	case StatusInvalidCheckValue:
		return ipmi.ErrPassword
	case StatusIllegalParameter:
		if e.Message == ipmi.PayloadOpenSessionResp {
			return ipmi.ErrCipherSuite
		}
	}
	return nil
}

// PerhapsCipherSuite reports whether the refusal may be one of the cipher suite: besides the
// codes for it, BMCs say "insufficient resources", "unauthorized role" and "illegal parameter" to
// an Open Session Request with a suite that they do not allow.
func (e *StatusError) PerhapsCipherSuite() bool {
	if e.Message != ipmi.PayloadOpenSessionResp {
		return false
	}
	switch e.Status {
	case StatusInvalidSessionID, StatusInvalidPayloadType, StatusInactiveSessionID:
		return false
	}
	return true
}

// messageName returns the name of a handshake message.
func messageName(t ipmi.PayloadType) string {
	switch t {
	case ipmi.PayloadOpenSession:
		return "Open Session Request"
	case ipmi.PayloadOpenSessionResp:
		return "Open Session Response"
	case ipmi.PayloadRAKP1, ipmi.PayloadRAKP2, ipmi.PayloadRAKP3, ipmi.PayloadRAKP4:
		return fmt.Sprintf("RAKP Message %d", t-ipmi.PayloadRAKP1+1)
	}
	return fmt.Sprintf("payload type %02xh", uint8(t))
}
