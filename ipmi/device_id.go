package ipmi

// GetDeviceID is the Get Device ID command (§20.1).
type GetDeviceID struct{}

// DeviceID is its response (Table 20-2).
type DeviceID struct {
	ID           uint8 `wire:"byte 2"` // 0 is unspecified
	ProvidesSDRs bool  `wire:"byte 3, bit 7"`
	Revision     uint8 `wire:"bits 3:0"`
	// firmware or SDR update, or self-initialization
	Updating      bool  `wire:"byte 4, bit 7"`
	FirmwareMajor uint8 `wire:"bits 6:0"`
	FirmwareMinor uint8 `wire:"byte 5"` // BCD
	// of IPMI, BCD with the digits swapped: 51h is 1.5, 02h is 2.0
	Version          uint8          `wire:"byte 6"`
	Support          DeviceSupport  `wire:"byte 7"`
	Manufacturer     ManufacturerID `wire:"byte 8-10"`
	Product          uint16         `wire:"byte 11-12"`
	AuxiliaryVersion *[4]byte       `wire:"byte 13-16, optional"` // meaning set by the manufacturer
}

// A ManufacturerID is an IANA Private Enterprise Number; 20 bits are used.
type ManufacturerID uint32

// DeviceSupport is the set of logical devices that a controller implements (Table 20-2).
type DeviceSupport uint8

// Logical devices.
const (
	SupportsSensors DeviceSupport = 1 << iota
	SupportsSDRRepository
	SupportsSEL
	SupportsFRUInventory
	SupportsIPMBEventReceiver
	SupportsIPMBEventGenerator
	SupportsBridge
	SupportsChassis
)
