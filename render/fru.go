package render

import (
	"fmt"

	"lom/ipmi"
	"lom/machine"
)

// fruColumns are those of a table of inventory devices.
var fruColumns = []string{
	"id", "description", "product.manufacturer", "product.name", "product.part_number",
	"product.serial_number", "board.serial_number", "absent", "error",
}

// FRU prints a FRU inventory device that was asked for, as fru print with its ID.
var FRU = View[machine.Inventory]{Text: (*Printer).fru, Columns: fruColumns}

// LocatedFRU prints one of the FRU inventory devices of a server, as fru print.
var LocatedFRU = View[machine.Inventory]{
	Text: func(p *Printer, v machine.Inventory) {
		if v.Source == machine.InventoryController {
			p.Printf("FRU Device Description : %-16s\n", v.Description)
		} else {
			p.Printf("FRU Device Description : %s (ID %d)\n", v.Description, v.ID)
		}
		switch v.Source {
		case machine.InventoryNone:
			return
		case machine.InventoryOther:
			p.Println(" Unsupported device")
		default:
			p.fru(v)
		}
		p.Println()
	},
	Columns: fruColumns,
}

// fruLine prints one field; an empty one is omitted.
func (p *Printer) fruLine(key, value string) {
	if value != "" {
		p.Printf(" %-22s: %s\n", key, value)
	}
}

func (p *Printer) fru(v machine.Inventory) {
	switch {
	case v.Absent != "":
		p.Printf(" Device not present (%s)\n", v.Absent)
		return
	case v.Memory != nil:
		p.memoryModule(v)
		return
	}
	verbose := p.Verbose > 0
	extra := func(key string, values []string) {
		for _, s := range values {
			p.fruLine(key, s)
		}
	}
	if c := v.Chassis; c != nil {
		p.fruLine("Chassis Type", c.Type)
		p.fruLine("Chassis Part Number", c.PartNumber)
		p.fruLine("Chassis Serial", c.SerialNumber)
		extra("Chassis Extra", c.Extra)
	}
	if b := v.Board; b != nil {
		made := ipmi.TimestampUnspecified
		if !b.Manufactured.IsZero() {
			made = ipmi.TimestampOf(b.Manufactured)
		}
		p.fruLine("Board Mfg Date", p.stampLong(made))
		p.fruLine("Board Mfg", b.Manufacturer)
		p.fruLine("Board Product", b.Product)
		p.fruLine("Board Serial", b.SerialNumber)
		p.fruLine("Board Part Number", b.PartNumber)
		if verbose {
			p.fruLine("Board FRU ID", b.FileID)
		}
		extra("Board Extra", b.Extra)
	}
	if x := v.Product; x != nil {
		p.fruLine("Product Manufacturer", x.Manufacturer)
		p.fruLine("Product Name", x.Name)
		p.fruLine("Product Part Number", x.PartNumber)
		p.fruLine("Product Version", x.Version)
		p.fruLine("Product Serial", x.SerialNumber)
		p.fruLine("Product Asset Tag", x.AssetTag)
		if verbose {
			p.fruLine("Product FRU ID", x.FileID)
		}
		extra("Product Extra", x.Extra)
	}
	if verbose && v.Image != nil {
		for _, r := range v.Image.Records {
			p.fruRecord(r)
		}
	}
}

func (p *Printer) memoryModule(v machine.Inventory) {
	s := v.SPD
	p.fruLine("Memory Type", s.Type.String())
	if v.Fault != nil {
		return
	}
	p.fruLine("Module Type", s.ModuleName())
	if s.Size > 0 {
		p.fruLine("SDRAM Capacity", fmt.Sprintf("%d Mb", s.Chip))
		p.fruLine("Primary Bus Width", fmt.Sprintf("%d bits", s.Bus))
		p.fruLine("SDRAM Device Width", fmt.Sprintf("%d bits", s.Width))
		p.fruLine("Number of Ranks", fmt.Sprint(s.Ranks))
		p.fruLine("Memory size", fmt.Sprintf("%d MB", s.Size))
	}
	p.fruLine("Error Detect/Cor", choose(s.ECC, "ECC", "None"))
	p.fruLine("Manufacturer", s.Manufacturer.String())
	if s.Year > 0 {
		p.fruLine("Manufacture Date", fmt.Sprintf("year %d week %d", s.Year, s.Week))
	}
	p.fruLine("Serial Number", fmt.Sprintf("%08x", s.Serial))
	p.fruLine("Part Number", s.Part)
}

// A FRUTransfer is what fru read and fru write have done.
type FRUTransfer struct {
	Done
	Device machine.InventoryDevice `json:"-"`
	File   string                  `json:"-"`
	Bytes  int                     `json:"-"`
	Write  bool                    `json:"-"`
}

// FRUTransferView prints what fru read and fru write have done.
var FRUTransferView = View[FRUTransfer]{Text: func(p *Printer, v FRUTransfer) {
	d := v.Device
	if p.Verbose > 0 {
		p.Printf("FRU ID           : %d\nFRU File         : %s\n", d.ID, v.File)
		p.Printf("Fru Size   = %d bytes\nFru Access = %sh\n", d.Size, choose(d.ByWords, "1", "0"))
	}
	if v.Write {
		p.Printf("Fru Size         : %d bytes\nSize to Write    : %d bytes\n", d.Size, v.Bytes)
	} else {
		p.Printf("Fru Size         : %d bytes\nDone\n", v.Bytes)
	}
}}
