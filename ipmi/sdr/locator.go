package sdr

import "lom/ipmi"

// EntityAssociation is an entity association record (Table 43-4): it says which entities a
// container holds.
type EntityAssociation struct {
	Header    `wire:"byte 1-5"`
	Container Entity `wire:"byte 6-7"`
	// Ranges: Contained is two ranges, each from its first to its last entity; else it is a list.
	Ranges   bool `wire:"byte 8, bit 7"`
	Linked   bool `wire:"bit 6"` // more records have the same container
	Presence bool `wire:"bit 5"` // the container's presence sensor can always be read
	// Contained entities; an ID of 0 is none.
	Contained1 Entity `wire:"byte 9-10"`
	Contained2 Entity `wire:"byte 11-12"`
	Contained3 Entity `wire:"byte 13-14"`
	Contained4 Entity `wire:"byte 15-16"`
}

// Type returns TypeEntity.
func (*EntityAssociation) Type() Type { return TypeEntity }

// Contained returns the contained entities, ranges spread out.
func (a *EntityAssociation) Contained() []Entity {
	return contained(a.Ranges, [4]Entity{a.Contained1, a.Contained2, a.Contained3, a.Contained4})
}

func contained(ranges bool, e [4]Entity) []Entity {
	var out []Entity
	if !ranges {
		for _, x := range e {
			if x.ID != 0 {
				out = append(out, x)
			}
		}
		return out
	}
	for i := 0; i < 4; i += 2 {
		if e[i].ID == 0 {
			continue
		}
		for n := e[i].Instance; n <= e[i+1].Instance; n++ {
			x := e[i]
			x.Instance = n
			out = append(out, x)
		}
	}
	return out
}

// A DeviceEntity is an entity with the controller that its instance is relative to (Table 43-5).
type DeviceEntity struct {
	Address uint8  `wire:"byte 1"`           // slave address; 0 for the record's own controller
	Channel uint8  `wire:"byte 2, bits 7:4"` // where the controller is
	Entity  Entity `wire:"byte 3-4"`
}

// DeviceEntityAssociation is a device-relative entity association record (Table 43-5).
type DeviceEntityAssociation struct {
	Header           `wire:"byte 1-5"`
	Container        Entity       `wire:"byte 6-7"`
	ContainerAddress uint8        `wire:"byte 8"`
	ContainerChannel uint8        `wire:"byte 9, bits 7:4"`
	Ranges           bool         `wire:"byte 10, bit 7"` // as in EntityAssociation
	Linked           bool         `wire:"bit 6"`
	Presence         bool         `wire:"bit 5"`
	Contained1       DeviceEntity `wire:"byte 11-14"`
	Contained2       DeviceEntity `wire:"byte 15-18"`
	Contained3       DeviceEntity `wire:"byte 19-22"`
	Contained4       DeviceEntity `wire:"byte 23-26"`
	Reserved         [6]byte      `wire:"byte 27-32"`
}

// Type returns TypeDeviceEntity.
func (*DeviceEntityAssociation) Type() Type { return TypeDeviceEntity }

// Contained returns the contained entities, ranges spread out, without their controllers.
func (a *DeviceEntityAssociation) Contained() []Entity {
	return contained(a.Ranges, [4]Entity{a.Contained1.Entity, a.Contained2.Entity,
		a.Contained3.Entity, a.Contained4.Entity})
}

// A DeviceType is what kind of device sits on a bus (Table 43-12).
type DeviceType uint8

// DeviceFRU is a FRU inventory device behind a controller.
const DeviceFRU DeviceType = 0x10

// GenericLocator is a generic device locator record (Table 43-6).
type GenericLocator struct {
	Header `wire:"byte 1-5"`
	// slave address of the controller in front; 0 on the IPMB itself
	Access      uint8      `wire:"byte 6"`
	Slave       uint8      `wire:"byte 7, bits 7:1"` // 7-bit address of the device
	ChannelHigh uint8      `wire:"bit 0"`
	ChannelLow  uint8      `wire:"byte 8, bits 7:5"`
	LUN         uint8      `wire:"bits 4:3"`         // for Master Write-Read
	Bus         uint8      `wire:"bits 2:0"`         // private bus
	Span        uint8      `wire:"byte 9, bits 2:0"` // more addresses after Slave
	DeviceType  DeviceType `wire:"byte 11"`
	Modifier    uint8      `wire:"byte 12"` // of the device type
	Entity      Entity     `wire:"byte 13-14"`
	OEM         uint8      `wire:"byte 15"`
	Name        IDString   `wire:"byte 16-"`
}

// Type returns TypeGenericLocator.
func (*GenericLocator) Type() Type { return TypeGenericLocator }

// Channel returns the channel that the controller in front of the device is on.
func (g *GenericLocator) Channel() uint8 { return g.ChannelHigh<<3 | g.ChannelLow }

// FRULocator is a FRU device locator record (Table 43-7).
type FRULocator struct {
	Header `wire:"byte 1-5"`
	// slave address of the controller; 0 if the device is on the IPMB itself
	Access uint8 `wire:"byte 6"`
	// FRU device ID of a logical device, else its slave address
	Device     uint8      `wire:"byte 7"`
	Logical    bool       `wire:"byte 8, bit 7"` // read by the FRU commands of the controller
	LUN        uint8      `wire:"bits 4:3"`
	Bus        uint8      `wire:"bits 2:0"` // private bus
	Channel    uint8      `wire:"byte 9, bits 7:4"`
	DeviceType DeviceType `wire:"byte 11"`
	Modifier   uint8      `wire:"byte 12"`
	Entity     Entity     `wire:"byte 13-14"`
	OEM        uint8      `wire:"byte 15"`
	Name       IDString   `wire:"byte 16-"`
}

// Type returns TypeFRULocator.
func (*FRULocator) Type() Type { return TypeFRULocator }

// MCLocator is a management controller device locator record (Table 43-8).
type MCLocator struct {
	Header      `wire:"byte 1-5"`
	Address     uint8    `wire:"byte 6"` // slave address
	Channel     uint8    `wire:"byte 7, bits 3:0"`
	ACPISystem  bool     `wire:"byte 8, bit 7"` // requires notification of ACPI system power states
	ACPIDevice  bool     `wire:"bit 6"`
	Static      bool     `wire:"bit 5"` // always there
	LogsErrors  bool     `wire:"bit 3"` // logs errors of the initialization agent
	LogErrors   bool     `wire:"bit 2"` // errors in reaching it are to be logged
	GlobalInit  uint8    `wire:"bits 1:0"`
	Chassis     bool     `wire:"byte 9, bit 7"`
	Bridge      bool     `wire:"bit 6"`
	IPMBSend    bool     `wire:"bit 5"` // makes events on the IPMB
	IPMBReceive bool     `wire:"bit 4"`
	FRU         bool     `wire:"bit 3"`
	SEL         bool     `wire:"bit 2"`
	SDR         bool     `wire:"bit 1"`
	Sensors     bool     `wire:"bit 0"`
	Entity      Entity   `wire:"byte 13-14"`
	OEM         uint8    `wire:"byte 15"`
	Name        IDString `wire:"byte 16-"`
}

// Type returns TypeMCLocator.
func (*MCLocator) Type() Type { return TypeMCLocator }

// MCConfirmation is a management controller confirmation record (Table 43-9).
type MCConfirmation struct {
	Header         `wire:"byte 1-5"`
	Address        uint8             `wire:"byte 6"` // slave address
	DeviceID       uint8             `wire:"byte 7"`
	Channel        uint8             `wire:"byte 8, bits 7:4"`
	DeviceRevision uint8             `wire:"bits 3:0"`
	FirmwareMajor  uint8             `wire:"byte 9, bits 6:0"`
	FirmwareMinor  uint8             `wire:"byte 10"` // BCD
	IPMIVersion    uint8             `wire:"byte 11"` // BCD with the digits swapped
	Manufacturer   ipmi.Manufacturer `wire:"byte 12-14"`
	Product        uint16            `wire:"byte 15-16"`
	GUID           [16]byte          `wire:"byte 17-32"`
}

// Type returns TypeMCConfirmation.
func (*MCConfirmation) Type() Type { return TypeMCConfirmation }

// ChannelUse says what one of the BMC's message channels was in IPMI 1.0 (Table 43-10).
type ChannelUse struct {
	Transmit bool  `wire:"byte 1, bit 7"`
	LUN      uint8 `wire:"bits 6:4"` // messages are received by; 7 for none
	Protocol uint8 `wire:"bits 3:0"` // 0 if there is no such channel
}

// MessageChannel is a BMC message channel info record (Table 43-10).
type MessageChannel struct {
	Header           `wire:"byte 1-5"`
	Channels         [8]byte `wire:"byte 6-13"` // see Channel
	MessageInterrupt uint8   `wire:"byte 14"`
	BufferInterrupt  uint8   `wire:"byte 15"`
	Reserved         uint8   `wire:"byte 16"`
}

// Type returns TypeMessageChannel.
func (*MessageChannel) Type() Type { return TypeMessageChannel }

// Channel returns what the channel of a number from 0 to 7 is.
func (m *MessageChannel) Channel(n uint8) ChannelUse {
	var c ChannelUse
	if int(n) < len(m.Channels) {
		b := m.Channels[n]
		c = ChannelUse{Transmit: b&0x80 != 0, LUN: b >> 4 & 7, Protocol: b & 0xf}
	}
	return c
}
