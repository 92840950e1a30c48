package render

import (
	"fmt"

	"lom/ipmi/sdr"
	"lom/machine"
)

// printLocator prints a record of a sensor that cannot be read or of a device, as ipmitool does. Of
// other types it prints nothing.
func printLocator(p *Printer, r sdr.Record, style sdrStyle) {
	switch r := r.(type) {
	case *sdr.EventOnly:
		printEventOnly(p, r, style)
	case *sdr.MCLocator:
		printMCLocator(p, r, style)
	case *sdr.GenericLocator:
		printGenericLocator(p, r, style)
	case *sdr.FRULocator:
		printFRULocator(p, r, style)
	}
}

func printEventOnly(p *Printer, r *sdr.EventOnly, style sdrStyle) {
	e := r.Entity
	switch {
	case style.verbose:
		p.Printf("Sensor ID              : %s (0x%x)\n", r.Name, r.Number)
		p.Printf("Entity ID              : %d.%d (%s)\n", e.ID, e.Instance,
			machine.EntityName(e.ID))
		p.Printf("Sensor Type            : %s (0x%02x)\n\n", r.SensorType, uint8(r.SensorType))
	case style.csv:
		p.Printf("%s,%02Xh,ns,%d.%d,Event-Only\n", r.Name, r.Number, e.ID, e.Instance)
	case style.extended:
		p.Printf("%-16s | %02Xh | ns  | %2d.%d | Event-Only\n", r.Name, r.Number, e.ID, e.Instance)
	default:
		p.Printf("%-16s | Event-Only        | ns\n", r.Name)
	}
}

func printMCLocator(p *Printer, r *sdr.MCLocator, style sdrStyle) {
	e := r.Entity
	kind := choose(r.Static, "Static", "Dynamic")
	switch {
	case style.verbose:
		printMCLocatorVerbose(p, r, kind)
	case style.csv:
		p.Printf("%s,00h,ok,%d.%d\n", r.Name, e.ID, e.Instance)
	case style.extended:
		p.Printf("%-16s | 00h | ok  | %2d.%d | %s MC @ %02Xh\n", r.Name, e.ID, e.Instance, kind,
			r.Address)
	default:
		p.Printf("%-16s | %s MC @ %02Xh %s | ok\n", r.Name, kind, r.Address,
			choose(r.Static, " ", ""))
	}
}

func printMCLocatorVerbose(p *Printer, r *sdr.MCLocator, kind string) {
	p.Printf("Device ID              : %s\n", r.Name)
	p.Printf("Entity ID              : %d.%d (%s)\n", r.Entity.ID, r.Entity.Instance,
		machine.EntityName(r.Entity.ID))
	p.Printf("Device Slave Address   : %02Xh\n", r.Address)
	p.Printf("Channel Number         : %01Xh\n", r.Channel)
	p.Printf("ACPI System P/S Notif  : %sRequired\n", choose(r.ACPISystem, "", "Not "))
	p.Printf("ACPI Device P/S Notif  : %sRequired\n", choose(r.ACPIDevice, "", "Not "))
	p.Printf("Controller Presence    : %s\n", kind)
	p.Printf("Logs Init Agent Errors : %s\n", choose(r.LogsErrors, "Yes", "No"))
	p.Printf("Event Message Gen      : %s\n",
		[4]string{"Enable", "Disable", "Do Not Init Controller", "Reserved"}[r.GlobalInit&3])
	p.Println("Device Capabilities")
	for _, c := range []struct {
		title string
		has   bool
	}{
		{"Chassis Device", r.Chassis}, {"Bridge", r.Bridge}, {"IPMB Event Generator", r.IPMBSend}, {"IPMB Event Receiver", r.IPMBReceive},
		{"FRU Inventory Device", r.FRU}, {"SEL Device", r.SEL}, {"SDR Repository", r.SDR}, {"Sensor Device", r.Sensors},
	} {
		p.Printf(" %-21s : %s\n", c.title, choose(c.has, "Yes", "No"))
	}
	p.Println()
}

func printGenericLocator(p *Printer, r *sdr.GenericLocator, style sdrStyle) {
	e := r.Entity
	slave := r.Slave<<1 | r.ChannelHigh
	switch {
	case style.verbose:
		p.Printf("Device ID              : %s\n", r.Name)
		p.Printf("Entity ID              : %d.%d (%s)\n", e.ID, e.Instance,
			machine.EntityName(e.ID))
		p.Printf("Device Access Address  : %02Xh\n", r.Access)
		p.Printf("Device Slave Address   : %02Xh\n", slave)
		p.Printf("Address Span           : %02Xh\n", r.Span)
		p.Printf("Channel Number         : %01Xh\n", r.ChannelLow)
		p.Printf("LUN.Bus                : %01Xh.%01Xh\n", r.LUN, r.Bus)
		printDevice(p, r.DeviceType, r.Modifier, r.OEM)
	case style.csv:
		p.Printf("%s,00h,ns,%d.%d\n", r.Name, e.ID, e.Instance)
	case style.extended:
		p.Printf("%-16s | 00h | ns  | %2d.%d | Generic Device @%02Xh:%02Xh.%d\n", r.Name, e.ID,
			e.Instance, r.Access, slave, r.OEM)
	default:
		p.Printf("%-16s | Generic @%02X:%02X.%-2d | ok\n", r.Name, r.Access, slave, r.OEM)
	}
}

func printFRULocator(p *Printer, r *sdr.FRULocator, style sdrStyle) {
	e := r.Entity
	switch {
	case style.verbose:
		p.Printf("Device ID              : %s\n", r.Name)
		p.Printf("Entity ID              : %d.%d (%s)\n", e.ID, e.Instance,
			machine.EntityName(e.ID))
		p.Printf("Device Access Address  : %02Xh\n", r.Access)
		p.Printf("%-23s: %02Xh\n", choose(r.Logical, "Logical FRU Device", "Slave Address"),
			r.Device)
		p.Printf("Channel Number         : %01Xh\n", r.Channel)
		p.Printf("LUN.Bus                : %01Xh.%01Xh\n", r.LUN, r.Bus)
		printDevice(p, r.DeviceType, r.Modifier, r.OEM)
	case style.csv:
		p.Printf("%s,00h,ns,%d.%d\n", r.Name, e.ID, e.Instance)
	case style.extended:
		p.Printf("%-16s | 00h | ns  | %2d.%d | %s FRU @%02Xh\n", r.Name, e.ID, e.Instance,
			choose(r.Logical, "Logical", "Physical"), r.Device)
	default:
		p.Printf("%-16s | %s FRU @%02Xh %02x.%x | ok\n", r.Name, choose(r.Logical, "Log", "Phy"),
			r.Device, uint8(e.ID), uint8(e.Instance))
	}
}

// printDevice prints what kind of device it is. Of the words of Table 43-12 ipmitool finds only
// those for FRU devices.
func printDevice(p *Printer, t sdr.DeviceType, modifier, oem uint8) {
	kind := uint16(t)<<8 | uint16(modifier)
	words, ok := map[uint16]string{
		0x0000: "Reserved", 0x0001: "Reserved",
		0x1000: "IPMI FRU Inventory", 0x1001: "DIMM Memory ID", 0x1002: "IPMI FRU Inventory",
		0x1003: "System Processor Cartridge FRU",
	}[kind]
	if !ok {
		words = fmt.Sprintf("Unknown (0x%02X)", kind)
	}
	p.Printf("Device Type.Modifier   : %01Xh.%01Xh (%s)\n", uint8(t), modifier, words)
	p.Printf("OEM                    : %02Xh\n\n", oem)
}
