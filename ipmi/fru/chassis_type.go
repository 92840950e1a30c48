package fru

import "fmt"

// A ChassisType is a system enclosure type of the SMBIOS specification (§7.4.1 there).
type ChassisType uint8

// Chassis types that lom's own BMCs have.
const (
	ChassisUnknown   ChassisType = 2
	ChassisTower     ChassisType = 7
	ChassisRackMount ChassisType = 23
	ChassisBlade     ChassisType = 28
)

var chassisTypes = [...]string{"Unspecified", "Other", "Unknown", "Desktop", "Low Profile Desktop",
	"Pizza Box",
	"Mini Tower", "Tower", "Portable", "LapTop", "Notebook", "Hand Held", "Docking Station",
	"All in One",
	"Sub Notebook", "Space-saving", "Lunch Box", "Main Server Chassis", "Expansion Chassis",
	"SubChassis",
	"Bus Expansion Chassis", "Peripheral Chassis", "RAID Chassis", "Rack Mount Chassis",
	"Sealed-case PC",
	"Multi-system Chassis", "CompactPCI", "AdvancedTCA", "Blade", "Blade Enclosure", "Tablet",
	"Convertible",
	"Detachable", "IoT Gateway", "Embedded PC", "Mini PC", "Stick PC"}

// String returns the type's name as ipmitool prints it: "Rack Mount Chassis".
func (t ChassisType) String() string {
	if int(t) < len(chassisTypes) {
		return chassisTypes[t]
	}
	return fmt.Sprintf("Unknown (%#02x)", uint8(t))
}
