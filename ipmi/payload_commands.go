package ipmi

// ActivatePayload is the Activate Payload command (§24.1). What it needs is a matter of the
// payload's settings, not of the command table.
type ActivatePayload struct {
	Payload   PayloadType `wire:"byte 1, bits 5:0"`
	Instance  uint8       `wire:"byte 2, bits 3:0"` // from 1
	Auxiliary [4]byte     `wire:"byte 3-6"`         // an ActivateSOL for PayloadSOL
}

// ActivateSOL is the auxiliary data of ActivatePayload for SOL.
type ActivateSOL struct {
	Encrypt      bool           `wire:"byte 1, bit 7"`
	Authenticate bool           `wire:"bit 6"`
	TestMode     bool           `wire:"bit 5"` // hand control of the modem lines
	Alerts       SOLSerialAlert `wire:"bits 3:2"`
	// CTS, DCD and DSR stay deasserted until the console asserts them
	Handshake bool    `wire:"bit 1"`
	Reserved  [3]byte `wire:"byte 2-4"` // 0
}

// SOLSerialAlert is what happens to serial alerts while SOL is active on the same serial
// controller.
type SOLSerialAlert uint8

// Serial alerts during SOL.
const (
	SOLAlertsFail    SOLSerialAlert = 0
	SOLAlertsDefer   SOLSerialAlert = 1
	SOLAlertsSucceed SOLSerialAlert = 2
)

// ActivatedPayload is the response of Activate Payload (Table 24-2).
type ActivatedPayload struct {
	Auxiliary    uint32 `wire:"byte 2-5"`   // SOL: bit 0 is test mode
	InboundSize  uint16 `wire:"byte 6-7"`   // greatest payload to the BMC in bytes
	OutboundSize uint16 `wire:"byte 8-9"`   // greatest payload from the BMC in bytes
	Port         uint16 `wire:"byte 10-11"` // UDP
	VLAN         uint16 `wire:"byte 12-13"` // FFFFh: none
}

// Completion codes of Activate and Deactivate Payload.
const (
	// Activate: on another session; Deactivate: not active
	CodePayloadActive       CompletionCode = 0x80
	CodePayloadDisabled     CompletionCode = 0x81
	CodePayloadLimit        CompletionCode = 0x82
	CodePayloadNoEncryption CompletionCode = 0x83 // encryption is not possible
	CodePayloadEncryption   CompletionCode = 0x84 // encryption is a must
)

// DeactivatePayload is the Deactivate Payload command (§24.2).
type DeactivatePayload struct {
	Payload   PayloadType `wire:"byte 1, bits 5:0"`
	Instance  uint8       `wire:"byte 2, bits 3:0"`
	Auxiliary [4]byte     `wire:"byte 3-6"` // 0 for SOL
}

// SuspendResumePayloadEncryption is the Suspend/Resume Payload Encryption command (§24.3).
type SuspendResumePayloadEncryption struct {
	Payload   PayloadType       `wire:"byte 1, bits 5:0"`
	Instance  uint8             `wire:"byte 2, bits 3:0"`
	Operation PayloadEncryption `wire:"byte 3, bits 4:0"`
}

// PayloadEncryption is what Suspend/Resume Payload Encryption does with what the BMC sends.
type PayloadEncryption uint8

// Payload encryption operations.
const (
	PayloadEncryptionSuspend    PayloadEncryption = 0
	PayloadEncryptionResume     PayloadEncryption = 1
	PayloadEncryptionRegenerate PayloadEncryption = 2 // a new initialization vector
)

// GetPayloadActivationStatus is the Get Payload Activation Status command (§24.4).
type GetPayloadActivationStatus struct {
	Payload PayloadType `wire:"byte 1"`
}

// PayloadActivationStatus is its response (Table 24-6).
type PayloadActivationStatus struct {
	Capacity uint8  `wire:"byte 2, bits 3:0"` // instances that can be active at a time
	Active   uint16 `wire:"byte 3-4"`         // bit n is instance n+1
}

// GetPayloadInstanceInfo is the Get Payload Instance Info command (§24.5).
type GetPayloadInstanceInfo struct {
	Payload  PayloadType `wire:"byte 1"`
	Instance uint8       `wire:"byte 2"` // from 1
}

// PayloadInstanceInfo is its response (Table 24-7).
type PayloadInstanceInfo struct {
	SessionID uint32  `wire:"byte 2-5"`  // the BMC's; 0: not active
	Info      [8]byte `wire:"byte 6-13"` // SOL: byte 0 is the number of the serial port from 1
}

// PayloadSet is a user's standard and OEM payloads; bit n of Standard is payload type n, bit n of
// OEM is type 20h+n.
type PayloadSet struct {
	Standard uint16 `wire:"byte 1-2"` // bit 1 is SOL; bit 0 is reserved
	OEM      uint16 `wire:"byte 3-4"`
}

// SetUserPayloadAccess is the Set User Payload Access command (§24.6).
type SetUserPayloadAccess struct {
	Channel uint8 `wire:"byte 1, bits 3:0"`
	// disables the payloads of the set, otherwise enables them
	Disable  bool       `wire:"byte 2, bit 6"`
	User     uint8      `wire:"bits 5:0"`
	Payloads PayloadSet `wire:"byte 3-6"`
}

// GetUserPayloadAccess is the Get User Payload Access command (§24.7).
type GetUserPayloadAccess struct {
	Channel uint8 `wire:"byte 1, bits 3:0"`
	User    uint8 `wire:"byte 2, bits 5:0"`
}

// UserPayloadAccess is its response (Table 24-9).
type UserPayloadAccess struct {
	Payloads PayloadSet `wire:"byte 2-5"`
}

// GetChannelPayloadSupport is the Get Channel Payload Support command (§24.8).
type GetChannelPayloadSupport struct {
	Channel uint8 `wire:"byte 1, bits 3:0"`
}

// ChannelPayloadSupport is its response (Table 24-10); bit n of a set is the n-th type.
type ChannelPayloadSupport struct {
	Standard     uint16  `wire:"byte 2-3"` // types 00h-0Fh
	SessionSetup uint16  `wire:"byte 4-5"` // types 10h-1Fh
	OEM          uint16  `wire:"byte 6-7"` // types 20h-2Fh
	Reserved     [2]byte `wire:"byte 8-9"`
}

// GetChannelPayloadVersion is the Get Channel Payload Version command (§24.9).
type GetChannelPayloadVersion struct {
	Channel uint8       `wire:"byte 1, bits 3:0"`
	Payload PayloadType `wire:"byte 2"`
}

// ChannelPayloadVersion is its response (Table 24-11).
type ChannelPayloadVersion struct {
	Major uint8 `wire:"byte 2, bits 7:4"` // a decimal digit
	Minor uint8 `wire:"bits 3:0"`         // a decimal digit
}

// CodePayloadNotAvailable is Get Channel Payload Version's and Get Channel OEM Payload Info's code
// for a payload that is not there.
const CodePayloadNotAvailable CompletionCode = 0x80

// GetChannelOEMPayloadInfo is the Get Channel OEM Payload Info command (§24.10).
type GetChannelOEMPayloadInfo struct {
	Channel uint8          `wire:"byte 1, bits 3:0"`
	Payload PayloadType    `wire:"byte 2"`   // PayloadOEM: look up by the next two
	OEM     ManufacturerID `wire:"byte 3-5"` //
	ID      uint16         `wire:"byte 6-7"` //
}

// ChannelOEMPayloadInfo is its response (Table 24-12).
type ChannelOEMPayloadInfo struct {
	Payload PayloadType    `wire:"byte 2"` // 20h-27h
	OEM     ManufacturerID `wire:"byte 3-5"`
	ID      uint16         `wire:"byte 6-7"`
	Major   uint8          `wire:"byte 8, bits 7:4"` // a decimal digit
	Minor   uint8          `wire:"bits 3:0"`         // a decimal digit
}
