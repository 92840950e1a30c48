package render

import (
	"fmt"

	"lom/ipmi"
	"lom/ipmi/sel"
	"lom/machine"
)

// EventLog prints the state of the event log, as sel info.
var EventLog = View[machine.EventLog]{Text: func(p *Printer, v machine.EventLog) {
	line := func(key string, value any) { p.Printf("%-17s: %v\n", key, value) }
	stamp := func(t ipmi.Timestamp) string {
		if t == 0 || t == ipmi.TimestampUnspecified {
			return "Not Available"
		}
		return p.stampNumeric(t)
	}
	p.Println("SEL Information")
	known := v.Info.Version == 0x51 || v.Info.Version == 0x02
	line("Version", v.Version+choose(known, " (v1.5, v2 compliant)", " (Unknown)"))
	line("Entries", v.Entries)
	line("Free Space", fmt.Sprintf("%d bytes %s", v.Free, choose(v.Free == 0xffff, "or more", "")))
	line("Percent Used", percentUsed(v))
	line("Last Add Time", stamp(v.Info.LastAddition))
	line("Last Del Time", stamp(v.Info.LastErase))
	line("Overflow", v.Overflow)
	commands := ""
	for _, c := range []struct {
		can  bool
		name string
	}{
		{v.Info.CanDelete, "Delete"}, {v.Info.CanPartialAdd, "Partial Add"},
		{v.Info.CanReserve, "Reserve"}, {v.Info.CanGetAllocation, "Get Alloc Info"},
	} {
		if c.can {
			commands += "'" + c.name + "' "
		}
	}
	line("Supported Cmds", choose(commands == "", "None", commands))
	if m := v.Allocation; m != nil {
		line("# of Alloc Units", m.Units)
		line("Alloc Unit Size", m.UnitBytes)
		line("# Free Units", m.FreeUnits)
		line("Largest Free Blk", m.LargestFree)
		line("Max Record Size", m.MaxRecordLength)
	}
}}

// percentUsed is how full the log is, as ipmitool reckons.
func percentUsed(v machine.EventLog) string {
	used := int(v.Entries) * sel.Size
	switch all := used + int(v.Free); {
	case all >= 0xffff:
		return "unknown"
	case used == 0:
		return "0%"
	default:
		return fmt.Sprintf("%d%%", 100*used/all)
	}
}

// Clock prints the time of the event log, as sel time get.
var Clock = View[machine.Clock]{Text: func(p *Printer, v machine.Clock) {
	p.Println(p.stampNumeric(v.Timestamp))
}}
