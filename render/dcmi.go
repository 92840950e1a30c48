package render

import (
	"lom/ipmi"
	"lom/machine"
)

// DCMI prints what a BMC can do of DCMI, as dcmi discover.
var DCMI = View[machine.DCMI]{Text: func(p *Printer, v machine.DCMI) {
	list := func(title string, words []string) {
		p.Printf("\n         %s\n", title)
		for _, word := range words {
			p.Printf("        %s\n", word)
		}
	}
	p.Printf("    Supported DCMI capabilities:\n")
	list("Mandatory platform capabilities", v.Mandatory)
	list("Optional platform capabilities", v.Optional)
	list("Managebility access capabilities", v.Access)
	p.Printf("\n    Mandatory platform attributes:\n\n         SEL Attributes: \n")
	p.Printf("               SEL automatic rollover is %s\n",
		choose(v.SELRollover, "enabled", "not present"))
	p.Printf("               %d SEL entries\n", v.SELEntries)
	list("Identification Attributes: ", v.Identification)
	list("Temperature Monitoring Attributes: ", v.Temperatures)
	p.Printf("\n    Optional Platform Attributes: \n\n         Power Management:\n")
	// ipmitool takes 40h for the BMC's address, and 20h for a satellite's.
	if v.PowerAddress == 0x40 {
		p.Printf("                Slave address of device: 20h (BMC)\n")
	} else {
		p.Printf("                Slave address of device: %xh (8bits)(Satellite/External "+
			"controller)\n", v.PowerAddress)
	}
	p.Printf("                Channel number is %xh %s\n", v.PowerChannel,
		choose(v.PowerChannel == 0, "(Primary BMC)", ""))
	p.Printf("                    Device revision is %d \n", v.PowerRevision)
	p.Printf("\n    Manageability Access Attributes: \n")
	channel := func(n uint8, there, missing string) {
		if n == ipmi.DCMINoChannel {
			p.Printf("         %s\n", missing)
		} else {
			p.Printf("         %s: %d is available\n", there, n)
		}
	}
	channel(v.PrimaryLAN, "Primary LAN channel number",
		"Primary LAN channel is not available for OOB")
	channel(v.SecondaryLAN, "Secondary LAN channel number",
		"Secondary LAN channel is not available for OOB")
	channel(v.Serial, "Serial channel number", "No serial channel is available")
	p.Println()
}}

// AssetTag prints the asset tag, as dcmi asset_tag; AssetTagSet says what it was set to.
var (
	AssetTag = View[machine.AssetTag]{Text: func(p *Printer, v machine.AssetTag) {
		p.dcmiText("Asset tag", v.Tag)
	}}
	AssetTagSet = View[machine.AssetTag]{Text: func(p *Printer, v machine.AssetTag) {
		p.dcmiText("Set Asset Tag", v.Tag)
	}}
)

// ControllerID prints a controller's ID string, as dcmi get_mc_id_string; ControllerIDSet says what
// it was set to.
var (
	ControllerID = View[machine.ControllerID]{Text: func(p *Printer, v machine.ControllerID) {
		p.dcmiText("Get Management Controller Identifier String", v.ID)
	}}
	ControllerIDSet = View[machine.ControllerID]{Text: func(p *Printer, v machine.ControllerID) {
		p.dcmiText("Set Management Controller Identifier String Command", v.ID)
	}}
)

func (p *Printer) dcmiText(title, text string) { p.Printf("\n %s: %s\n\n", title, text) }

// DCMIDHCP prints how a controller looks for its address, as dcmi get_conf_param.
var DCMIDHCP = View[machine.DCMIDHCP]{Text: func(p *Printer, v machine.DCMIDHCP) {
	p.Printf("\n\tDHCP Discovery method\t: \n")
	p.Printf("\t\tManagement Controller ID String is %s\n", enabled(v.HostName))
	p.Printf("\t\tVendor class identifier DCMI IANA and Vendor class-specific Informationa are %s\n", enabled(v.VendorClass))
	p.Printf("\tInitial timeout interval\t: %d seconds\n", v.Initial)
	p.Printf("\tServer contact timeout interval\t: %d seconds\n", v.Timeout)
	p.Printf("\tServer contact retry interval\t: %d seconds\n", v.Retry)
}}
