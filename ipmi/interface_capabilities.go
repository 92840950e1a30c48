package ipmi

// GetSystemInterfaceCapabilities is the Get System Interface Capabilities command (§22.9).
type GetSystemInterfaceCapabilities struct {
	Type SystemInterfaceType `wire:"byte 1, bits 3:0"`
}

// A SystemInterfaceType is a kind of system interface.
type SystemInterfaceType uint8

// System interface types.
const (
	InterfaceSSIF SystemInterfaceType = 0
	InterfaceKCS  SystemInterfaceType = 1
	InterfaceSMIC SystemInterfaceType = 2
)

// SystemInterfaceCapabilities is its response (Table 22-12).
type SystemInterfaceCapabilities struct {
	Reserved uint8 `wire:"byte 2"`
	// SSIF: 0 single-part only, 1 start and end, 2 also middle
	MultiPart uint8 `wire:"byte 3, bits 7:6"`
	PEC       bool  `wire:"bit 3"`    // SSIF
	Version   uint8 `wire:"bits 2:0"` // 0 is version 1
	// greatest message to the BMC in bytes; KCS and SMIC: 255 is 255 or more
	InputSize  uint8  `wire:"byte 4"`
	OutputSize *uint8 `wire:"byte 5, optional"` // SSIF: greatest message from the BMC in bytes
}

// GetBTInterfaceCapabilities is the Get BT Interface Capabilities command (§22.10).
type GetBTInterfaceCapabilities struct{}

// BTInterfaceCapabilities is its response (Table 22-13).
type BTInterfaceCapabilities struct {
	Outstanding uint8 `wire:"byte 2"` // requests at a time
	InputSize   uint8 `wire:"byte 3"` // greatest value of a request's length byte
	OutputSize  uint8 `wire:"byte 4"` // greatest value of a response's length byte
	Timeout     uint8 `wire:"byte 5"` // from request to response in seconds, up to 30
	Retries     uint8 `wire:"byte 6"` // recommended
}
