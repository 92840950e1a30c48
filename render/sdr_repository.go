package render

import (
	"fmt"

	"lom/machine"
)

// Repository prints the state of the SDR repository, as sdr info.
var Repository = View[machine.Repository]{Text: func(p *Printer, v machine.Repository) {
	r := v.Info
	line := func(key string, value any) { p.Printf("%-36s: %v\n", key, value) }
	line("SDR Version", fmt.Sprintf("0x%x", r.Version))
	line("Record Count", r.Records)
	line("Free Space", freeText(r.Free))
	line("Most recent Addition", choose(r.CanPartialAdd, p.stampNumeric(r.LastAddition), "NA"))
	line("Most recent Erase", choose(r.CanDelete, p.stampNumeric(r.LastErase), "NA"))
	line("SDR overflow", choose(r.Overflow, "yes", "no"))
	line("SDR Repository Update Support", r.Update)
	line("Delete SDR supported", choose(r.CanDelete, "yes", "no"))
	line("Partial Add SDR supported", choose(r.CanPartialAdd, "yes", "no"))
	line("Reserve SDR repository supported", choose(r.CanReserve, "yes", "no"))
	line("SDR Repository Alloc info supported", choose(r.CanGetAllocation, "yes", "no"))
}}

func freeText(n uint16) string {
	switch n {
	case 0:
		return "none (full)"
	case 0xffff:
		return "unspecified"
	case 0xfffe:
		return "> 64Kb - 2 bytes"
	}
	return fmt.Sprintf("%d bytes", n)
}
