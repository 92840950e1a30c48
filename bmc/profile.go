package bmc

import (
	"sync"
	"time"

	"lom/ipmi"
	"lom/ipmi/fru"
)

// A Profile is a make of server: what its BMC says of itself, its inventory, its sensors. Profiles
// never change; all BMCs of a make share one.
type Profile struct {
	Name   string
	Device ipmi.DeviceID
	Server ServerIdentity // without a serial number

	sensors func() *SensorSet
	// version of the system firmware, such as its BIOS; "" if that never told the BMC
	Firmware string
}

// Sensors returns the sensors of the make, always the same ones.
func (p *Profile) Sensors() *SensorSet { return p.sensors() }

// profiles are the makes that there are; the first is the default.
var profiles = [...]*Profile{
	{"lom", defaultDevice, ServerIdentity{Maker: "lom", Product: "Simulated Server",
		PartNumber: "LOM-S2", Version: "1.0",
		Chassis: fru.ChassisRackMount, ChassisPart: "LOM-C2U", Board: "Simulated Board",
		BoardPart: "LOM-B1", Made: made,
		Supplies: supplies(2, "lom", "Power Supply 800W", "LOM-P800", 800)},
		sync.OnceValue(plainSensors), ""},
	{"dell", device(674, 0x0100, 7, 0x00),
		ServerIdentity{Maker: "DELL", Product: "PowerEdge R7x0 (simulated)", PartNumber: "0SIM01",
			Version: "01",
			Chassis: fru.ChassisRackMount, ChassisPart: "0SIMC1",
			Board:     "PowerEdge R7x0 (simulated)",
			BoardPart: "0SIM01A01", Made: made,
			Supplies: supplies(2, "DELL", "PWR SPLY,800W,RDNT (sim)", "0SIMP8A00", 800)},
		sync.OnceValue(dellSensors), "2.19.1"},
	{"hpe", device(11, 0x2020, 2, 0x82),
		ServerIdentity{Maker: "HPE", Product: "ProLiant DL38x (simulated)",
			PartNumber: "SIM380-B21", Version: "05",
			Chassis: fru.ChassisRackMount, ChassisPart: "SIM380-001",
			Board: "ProLiant DL38x (simulated)", BoardPart: "SIM382-001", Made: made,
			Supplies: supplies(2, "HPE", "HPE 800W FS Ti Plat (sim)", "SIM414-B21", 800)},
		sync.OnceValue(hpeSensors), "2.68"},
	{"lenovo", device(19046, 0x0bdf, 5, 0x10),
		ServerIdentity{Maker: "Lenovo", Product: "ThinkSystem SR65x (simulated)",
			PartNumber: "7SIM-CTO1WW", Version: "03",
			Chassis: fru.ChassisRackMount, ChassisPart: "7SIMC01",
			Board:     "System Board (simulated)",
			BoardPart: "01SIM65", Made: made,
			Supplies: supplies(2, "ACBE", "750W Platinum PSU (sim)", "SP5SIM75", 750)},
		sync.OnceValue(lenovoSensors), "3.30"},
	{"supermicro", device(10876, 0x1b0f, 1, 0x74),
		ServerIdentity{Maker: "Supermicro", Product: "SYS-6029 (simulated)",
			PartNumber: "SYS-6029-SIM", Version: "0123456789",
			Chassis: fru.ChassisRackMount, ChassisPart: "CSE-829-SIM", Board: "X11DPx (simulated)",
			BoardPart: "X11DPX-SIM", Made: made,
			Supplies: supplies(2, "SUPERMICRO", "PWS-1K02A-1R (sim)", "PWS-1K02A-1R", 1000)},
		sync.OnceValue(supermicroSensors), "3.8a"},
	{"dense", device(0, 0x003c, 1, 0x00),
		ServerIdentity{Maker: "lom", Product: "Simulated Node", PartNumber: "LOM-N1",
			Version: "1.0",
			Chassis: fru.ChassisRackMount, ChassisPart: "LOM-C1U", Board: "Simulated Node Board",
			BoardPart: "LOM-B2", Made: made,
			Supplies: supplies(2, "lom", "Power Supply 1600W", "LOM-P1600", 1600)},
		sync.OnceValue(denseSensors), ""},
}

// made is when the boards of simulated servers were made.
var made = time.Date(2025, 1, 15, 8, 0, 0, 0, time.UTC)

// Profiles returns the makes that there are; the first is the default.
func Profiles() []*Profile { return append([]*Profile(nil), profiles[:]...) }

// profile returns the make that the BMC is of.
func (b *BMC) profile() *Profile {
	if b.cfg.Profile != nil {
		return b.cfg.Profile
	}
	return profiles[0]
}

// device returns what a BMC of a make says of itself. Minor is BCD.
func device(maker ipmi.ManufacturerID, product uint16, major, minor uint8) ipmi.DeviceID {
	return ipmi.DeviceID{
		ID: 0x20, Revision: 1, FirmwareMajor: major, FirmwareMinor: minor, Version: 0x02,
		Manufacturer: maker, Product: product,
		Support: ipmi.SupportsSensors | ipmi.SupportsSDRRepository | ipmi.SupportsSEL |
			ipmi.SupportsFRUInventory |
			ipmi.SupportsIPMBEventReceiver | ipmi.SupportsChassis,
		AuxiliaryVersion: &[4]byte{},
	}
}

func supplies(n int, maker, product, part string, watts uint16) []SupplyIdentity {
	out := make([]SupplyIdentity, n)
	for i := range out {
		out[i] = SupplyIdentity{maker, product, part, watts}
	}
	return out
}

// Entities of the profiles (Table 43-13).
const (
	entityProcessor   ipmi.EntityID = 0x03
	entityDisk        ipmi.EntityID = 0x04
	entityManagement  ipmi.EntityID = 0x06
	entityBoard       ipmi.EntityID = 0x07
	entitySupply      ipmi.EntityID = 0x0a
	entityCard        ipmi.EntityID = 0x0b
	entityFrontPanel  ipmi.EntityID = 0x0c
	entityDrivePlane  ipmi.EntityID = 0x0f
	entityPowerUnit   ipmi.EntityID = 0x13
	entityPowerModule ipmi.EntityID = 0x14
	entityChassis     ipmi.EntityID = 0x17
	entityFan         ipmi.EntityID = 0x1d
	entityCoolingUnit ipmi.EntityID = 0x1e
	entityDIMM        ipmi.EntityID = 0x20
	entityOS          ipmi.EntityID = 0x23
	entityBattery     ipmi.EntityID = 0x28
	entityAirInlet    ipmi.EntityID = 0x37
)

// roomTemperature is what parts without power cool down to, in degrees C.
const roomTemperature = 23
