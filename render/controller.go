package render

import (
	"fmt"

	"lom/ipmi"
	"lom/machine"
)

// Controller prints what a controller is, as mc info.
var Controller = View[machine.Controller]{Text: func(p *Printer, v machine.Controller) {
	line := func(key, format string, values ...any) {
		p.Printf("%-26s: %s\n", key, fmt.Sprintf(format, values...))
	}
	line("Device ID", "%d", v.DeviceID)
	line("Device Revision", "%d", v.DeviceRevision)
	line("Firmware Revision", "%s", v.Firmware)
	line("IPMI Version", "%s", v.IPMIVersion)
	line("Manufacturer ID", "%d", v.ManufacturerID)
	line("Manufacturer Name", "%s", v.ManufacturerName)
	line("Product ID", "%d (0x%04x)", v.ProductID, v.ProductID)
	line("Product Name", "Unknown (0x%02X)", v.ProductID)
	line("Device Available", "%s", choose(v.Available, "yes", "no"))
	line("Provides Device SDRs", "%s", choose(v.ProvidesSDRs, "yes", "no"))
	p.Println("Additional Device Support :")
	for _, s := range v.Support {
		p.Printf("    %s\n", s)
	}
	if v.Auxiliary != nil {
		line("Aux Firmware Rev Info", "")
		for _, b := range v.Auxiliary {
			p.Printf("    0x%02x\n", b)
		}
	}
}}

// GUID prints a GUID, as mc guid.
var GUID = View[machine.GUID]{Text: func(p *Printer, v machine.GUID) {
	p.Printf("System GUID   : %s\n", v.GUID)
	if v.Version == nil {
		return
	}
	if v.Found {
		p.Printf("GUID Encoding : %s%s\n", v.Encoding,
			choose(v.Order == ipmi.GUIDIPMI, "", " (WARNING: IPMI Specification violation!)"))
	}
	p.Printf("GUID Version  : %s\n", ipmi.GUIDVersion(*v.Version))
	if !v.Time.IsZero() {
		p.Printf("Timestamp     : %s\n", p.stampNumeric(ipmi.TimestampOf(v.Time)))
	}
}}
