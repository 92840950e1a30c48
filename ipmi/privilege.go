package ipmi

import "fmt"

// A Privilege is a privilege level of a session, a user or a command (§6.8).
type Privilege uint8

// Privilege levels, as coded in Tables 22-15, 22-26 and 13-9.
const (
	PrivilegeHighest       Privilege = 0 // in Open Session: the highest that user and suite allow
	PrivilegeCallback      Privilege = 1
	PrivilegeUser          Privilege = 2
	PrivilegeOperator      Privilege = 3
	PrivilegeAdministrator Privilege = 4
	PrivilegeOEM           Privilege = 5
	PrivilegeNoAccess      Privilege = 15

	// PrivilegeSystem marks, in the command table, commands that only the system
	// interface may use. It is never on the wire.
	PrivilegeSystem Privilege = 14
)

// String returns the level's name in capitals, as ipmitool writes it.
func (p Privilege) String() string {
	switch p {
	case PrivilegeHighest:
		return "HIGHEST"
	case PrivilegeCallback:
		return "CALLBACK"
	case PrivilegeUser:
		return "USER"
	case PrivilegeOperator:
		return "OPERATOR"
	case PrivilegeAdministrator:
		return "ADMINISTRATOR"
	case PrivilegeOEM:
		return "OEM"
	case PrivilegeNoAccess:
		return "NO ACCESS"
	case PrivilegeSystem:
		return "SYSTEM INTERFACE"
	}
	return fmt.Sprintf("Unknown (0x%02X)", uint8(p))
}

// An AuthType is an IPMI 1.5 session's authentication type (Table 13-8).
type AuthType uint8

// Authentication types.
const (
	AuthNone     AuthType = 0
	AuthMD2      AuthType = 1
	AuthMD5      AuthType = 2
	AuthPassword AuthType = 4 // straight password
	AuthOEM      AuthType = 5
	AuthRMCPPlus AuthType = 6 // the format of IPMI 2.0 packets
)

// String returns the type's name as ipmitool writes it.
func (a AuthType) String() string {
	switch a {
	case AuthNone:
		return "NONE"
	case AuthMD2:
		return "MD2"
	case AuthMD5:
		return "MD5"
	case AuthPassword:
		return "PASSWORD"
	case AuthOEM:
		return "OEM"
	case AuthRMCPPlus:
		return "RMCP+"
	}
	return fmt.Sprintf("Unknown (0x%02X)", uint8(a))
}

// A PayloadType is the type of an RMCP+ payload (Table 13-16).
type PayloadType uint8

// Payload types.
const (
	PayloadIPMI            PayloadType = 0x00
	PayloadSOL             PayloadType = 0x01
	PayloadOEM             PayloadType = 0x02 // explicit: IANA number and payload ID in the packet
	PayloadOpenSession     PayloadType = 0x10
	PayloadOpenSessionResp PayloadType = 0x11
	PayloadRAKP1           PayloadType = 0x12
	PayloadRAKP2           PayloadType = 0x13
	PayloadRAKP3           PayloadType = 0x14
	PayloadRAKP4           PayloadType = 0x15
)
