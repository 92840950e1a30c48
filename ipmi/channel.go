package ipmi

import "fmt"

// Channel numbers with a meaning of their own (Table 6-1).
const (
	ChannelIPMB    = 0x0 // the primary IPMB
	ChannelPresent = 0xe // the channel that the request came in on
	ChannelSystem  = 0xf // the system interface
)

// SetChannelAccess is the Set Channel Access command (§22.22).
type SetChannelAccess struct {
	Channel uint8 `wire:"byte 1, bits 3:0"`
	// which setting of the next four fields is written; 0: none
	SetAccess  AccessSetting `wire:"byte 2, bits 7:6"`
	Alerting   bool          `wire:"bit 5, inverted"` // PEF alerts may go out here
	PerMessage bool          `wire:"bit 4, inverted"` // every packet of a session is authenticated
	UserLevel  bool          `wire:"bit 3, inverted"` // so are commands of User level
	Mode       AccessMode    `wire:"bits 2:0"`
	SetLimit   AccessSetting `wire:"byte 3, bits 7:6"` // which setting of Limit is written; 0: none
	Limit      Privilege     `wire:"bits 3:0"`
}

// GetChannelAccess is the Get Channel Access command (§22.23).
type GetChannelAccess struct {
	Channel uint8         `wire:"byte 1, bits 3:0"`
	Setting AccessSetting `wire:"byte 2, bits 7:6"`
}

// ChannelAccess is its response (Table 22-28).
type ChannelAccess struct {
	Alerting   bool       `wire:"byte 2, bit 5, inverted"`
	PerMessage bool       `wire:"bit 4, inverted"`
	UserLevel  bool       `wire:"bit 3, inverted"`
	Mode       AccessMode `wire:"bits 2:0"`
	Limit      Privilege  `wire:"byte 3, bits 3:0"`
}

// Completion codes of Set and Get Channel Access.
const (
	CodeChannelNotSupported    CompletionCode = 0x82 // the channel has no sessions
	CodeAccessModeNotSupported CompletionCode = 0x83 // set only
)

// An AccessSetting selects the settings of a channel: the non-volatile ones or the active ones.
type AccessSetting uint8

// Access settings.
const (
	AccessUnchanged   AccessSetting = 0 // in Set Channel Access only
	AccessNonVolatile AccessSetting = 1
	AccessVolatile    AccessSetting = 2 // in force until the next reset of the system
)

// An AccessMode says when a channel takes IPMI messages (Table 6-4).
type AccessMode uint8

// Access modes.
const (
	AccessDisabled AccessMode = 0
	AccessPreBoot  AccessMode = 1
	AccessAlways   AccessMode = 2
	AccessShared   AccessMode = 3
)

// String returns the mode as ipmitool writes it.
func (m AccessMode) String() string {
	switch m {
	case AccessDisabled:
		return "disabled"
	case AccessPreBoot:
		return "pre-boot only"
	case AccessAlways:
		return "always available"
	case AccessShared:
		return "shared"
	}
	return fmt.Sprintf("unknown (%d)", uint8(m))
}

// GetChannelInfo is the Get Channel Info command (§22.24).
type GetChannelInfo struct {
	Channel uint8 `wire:"byte 1, bits 3:0"`
}

// ChannelInfo is its response (Table 22-29).
type ChannelInfo struct {
	// the real number when Eh was asked for
	Channel        uint8           `wire:"byte 2, bits 3:0"`
	Medium         ChannelMedium   `wire:"byte 3, bits 6:0"`
	Protocol       ChannelProtocol `wire:"byte 4, bits 4:0"`
	SessionSupport SessionSupport  `wire:"byte 5, bits 7:6"`
	ActiveSessions uint8           `wire:"bits 5:0"`
	// who defined the protocol; VendorIPMI for all that IPMI defines
	Vendor ManufacturerID `wire:"byte 6-8"`
	// Auxiliary is, for the system interface, the interrupt of system management software and that
	// of the event message buffer: 0-15 IRQ, 10h-13h PCI A-D, 14h SMI, 15h SCI, 20h-5Fh system
	// interrupt 0-63, 60h assigned by ACPI, FFh none.
	Auxiliary [2]uint8 `wire:"byte 9-10"`
}

// VendorIPMI is the enterprise number of the IPMI forum.
const VendorIPMI ManufacturerID = 7154

// A ChannelMedium is the medium of a channel (Table 6-3).
type ChannelMedium uint8

// Channel media.
const (
	MediumIPMB            ChannelMedium = 0x01
	MediumICMB10          ChannelMedium = 0x02
	MediumICMB09          ChannelMedium = 0x03
	MediumLAN             ChannelMedium = 0x04
	MediumSerial          ChannelMedium = 0x05
	MediumOtherLAN        ChannelMedium = 0x06
	MediumPCISMBus        ChannelMedium = 0x07
	MediumSMBus1          ChannelMedium = 0x08
	MediumSMBus2          ChannelMedium = 0x09
	MediumUSB1            ChannelMedium = 0x0a
	MediumUSB2            ChannelMedium = 0x0b
	MediumSystemInterface ChannelMedium = 0x0c
)

// String returns the medium as ipmitool writes it.
func (m ChannelMedium) String() string {
	if int(m) < len(mediumWords) {
		return mediumWords[m]
	}
	if m >= 0x60 {
		return "OEM"
	}
	return fmt.Sprintf("Unknown (0x%02X)", uint8(m))
}

var mediumWords = [...]string{"reserved", "IPMB (I2C)", "ICMB v1.0", "ICMB v0.9", "802.3 LAN",
	"Serial/Modem", "Other LAN",
	"PCI SMBus", "SMBus v1.0/v1.1", "SMBus v2.0", "USB 1.x", "USB 2.x", "System Interface"}

// A ChannelProtocol is the message protocol of a channel (Table 6-2).
type ChannelProtocol uint8

// Channel protocols.
const (
	ProtocolIPMB         ChannelProtocol = 0x01
	ProtocolICMB         ChannelProtocol = 0x02
	ProtocolSMBus        ChannelProtocol = 0x04
	ProtocolKCS          ChannelProtocol = 0x05
	ProtocolSMIC         ChannelProtocol = 0x06
	ProtocolBT10         ChannelProtocol = 0x07
	ProtocolBT15         ChannelProtocol = 0x08
	ProtocolTerminalMode ChannelProtocol = 0x09
)

// String returns the protocol as ipmitool writes it.
func (p ChannelProtocol) String() string {
	switch p {
	case 0, 3:
		return "reserved"
	case ProtocolIPMB:
		return "IPMB-1.0"
	case ProtocolICMB:
		return "ICMB-1.0"
	case ProtocolSMBus:
		return "IPMI-SMBus"
	case ProtocolKCS:
		return "KCS"
	case ProtocolSMIC:
		return "SMIC"
	case ProtocolBT10:
		return "BT-10"
	case ProtocolBT15:
		return "BT-15"
	case ProtocolTerminalMode:
		return "TMode"
	case 0x1c, 0x1d, 0x1e, 0x1f:
		return fmt.Sprintf("OEM %d", p-0x1b)
	}
	return fmt.Sprintf("Unknown (0x%02X)", uint8(p))
}

// SessionSupport says which sessions a channel has (Table 22-29).
type SessionSupport uint8

// Session support.
const (
	SessionLess   SessionSupport = 0
	SingleSession SessionSupport = 1
	MultiSession  SessionSupport = 2
	SessionBased  SessionSupport = 3 // single or multi, as the connection is
)

// String returns the support as ipmitool writes it.
func (s SessionSupport) String() string {
	return [...]string{"session-less", "single-session", "multi-session", "session-based"}[s&3]
}

// GetChannelCipherSuites is the Get Channel Cipher Suites command (§22.15). Sixteen bytes come at a
// time; the list ends with an answer that has fewer.
type GetChannelCipherSuites struct {
	Channel uint8       `wire:"byte 1, bits 3:0"`
	Payload PayloadType `wire:"byte 2, bits 5:0"`
	BySuite bool        `wire:"byte 3, bit 7"` // records of suites, otherwise a list of algorithms
	Index   uint8       `wire:"bits 5:0"`      // 0 to 3Fh
}

// ChannelCipherSuites is its response (Table 22-18): one piece of the list of records (Table
// 22-19), which run on from one piece to the next.
type ChannelCipherSuites struct {
	Channel uint8  `wire:"byte 2"`
	Records []byte `wire:"byte 3-"` // up to 16
}
