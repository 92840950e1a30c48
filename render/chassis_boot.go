package render

import (
	"bytes"
	"fmt"
	"reflect"

	"lom/ipmi"
	"lom/machine"
)

// BootParameter prints a boot parameter, as chassis bootparam get: also where ipmitool has the
// meaning of bits mixed up (parameters 2 and 4), for scripts look for these words. JSON has it
// right.
var BootParameter = View[machine.BootParameter]{Text: func(p *Printer, v machine.BootParameter) {
	p.bootHead(v.Options)
	switch b := v.Parameter.(type) {
	case nil:
	case ipmi.SetInProgress:
		p.Printf(" Set In Progress : %s\n", b.State)
	case ipmi.BootServicePartition:
		p.Printf(" Service Partition Selector : %s\n",
			choose(b.Selector == 0, "unspecified", fmt.Sprint(b.Selector)))
	case ipmi.BootServicePartitionScan:
		p.bootBits("Service Partition Scan", "     ",
			bootBit{b.Discovered, "Request BIOS to scan"},
			bootBit{b.Scan, "Service Partition Discovered"})
	case ipmi.BootValidBitClearing:
		p.bootBits("BMC boot flag valid bit clearing", "     ",
			bootBit{b.KeepOnPEF, "Don't clear valid bit on reset/power cycle cause by PEF"},
			bootBit{b.KeepOnTimeout, "Don't automatically clear boot flag valid bit on timeout"},
			bootBit{b.KeepOnWatchdog,
				"Don't clear valid bit on reset/power cycle cause by watchdog"},
			bootBit{b.KeepOnReset, "Don't clear valid bit on push button reset // soft reset"},
			bootBit{b.KeepOnPower,
				"Don't clear valid bit on power up via power push button or wake event"})
	case ipmi.BootInfoAcknowledge:
		has := func(party ipmi.BootParties) bool { return b.Pending&party != 0 }
		p.bootBits("Boot Info Acknowledge", "    ",
			bootBit{has(ipmi.BootPartyOEM), "OEM has handled boot info"},
			bootBit{has(ipmi.BootPartySMS), "SMS has handled boot info"},
			bootBit{has(ipmi.BootPartyOS), "OS // service partition has handled boot info"},
			bootBit{has(ipmi.BootPartyLoader), "OS Loader has handled boot info"},
			bootBit{has(ipmi.BootPartyBIOS), "BIOS/POST has handled boot info"})
	case ipmi.BootFlags:
		p.bootFlags(b)
	case ipmi.BootInitiator:
		p.Println(" Boot Initiator Info :")
		p.Printf("    Channel Number : %d\n", b.Channel)
		p.Printf("    Session Id     : %08Xh\n", b.SessionID)
		p.Printf("    Timestamp      : %s\n", p.stampNumeric(b.Time))
	case ipmi.BootMailbox:
		if block, ok := v.Value.(machine.BootMailboxBlock); ok {
			p.mailboxBlock(block, false, false)
		}
	default:
		p.Printf(" Unsupported parameter %d\n", b.Number())
	}
}}

func (p *Printer) bootHead(r ipmi.SystemBootOptions) {
	p.Printf("Boot parameter version: %d\n", r.Version)
	p.Printf("Boot parameter %d is %s\n", r.Number,
		choose(r.Invalid, "invalid/locked", "valid/unlocked"))
	p.Printf("Boot parameter data: %x\n", r.Data)
}

// A bootBit is a line that is printed if a bit is set.
type bootBit struct {
	set   bool
	words string
}

func (p *Printer) bootBits(title, indent string, bits ...bootBit) {
	p.Printf(" %s :\n", title)
	none := true
	for _, b := range bits {
		if b.set {
			p.Printf("%s- %s\n", indent, b.words)
			none = false
		}
	}
	if none {
		p.Println("     No flag set")
	}
}

func (p *Printer) bootFlags(f ipmi.BootFlags) {
	p.Println(" Boot Flags :")
	for _, b := range []bootBit{
		{true, choose(f.Valid, "Boot Flag Valid", "Boot Flag Invalid")},
		{true, choose(f.Persistent, "Options apply to all future boots",
			"Options apply to only next boot")},
		{true, choose(f.EFI, "BIOS EFI boot ", "BIOS PC Compatible (legacy) boot ")},
		{f.ClearCMOS, "CMOS Clear"},
		{f.LockKeyboard, "Lock Keyboard"},
		{true, "Boot Device Selector : " + f.Device.String()},
		{f.BlankScreen, "Screen blank"},
		{f.LockResetButton, "Lock out Reset buttons"},
		{f.LockPowerButton, "Lock out (power off/sleep request) via Power Button"},
		{true, "BIOS verbosity : " + f.Verbosity.String()},
		{f.ProgressTraps, "Force progress event traps"},
		{f.BypassPassword, "User password bypass"},
		{f.LockSleepButton, "Lock Out Sleep Button"},
		{true, "Console Redirection control : " + f.ConsoleRedirection.String()},
		{f.SharedMode, "BIOS Shared Mode Override"},
		{true, "BIOS Mux Control Override : " + f.Mux.String()},
	} {
		if b.set {
			p.Printf("   - %s\n", b.words)
		}
	}
}

// BootMailboxBlocks are blocks of the boot initiator mailbox. In JSON they are an array.
type BootMailboxBlocks struct {
	Values []machine.BootMailboxBlock
	One    bool // one block was asked for
	AsText bool // the data are printed as text
}

// MarshalJSON returns the array.
func (b BootMailboxBlocks) MarshalJSON() ([]byte, error) {
	return marshal(append([]machine.BootMailboxBlock{}, b.Values...), "")
}

func (b BootMailboxBlocks) variants() []reflect.Type {
	return []reflect.Type{reflect.TypeFor[[]machine.BootMailboxBlock]()}
}

// BootMailbox prints blocks of the mailbox, as chassis bootmbox get.
var BootMailbox = View[BootMailboxBlocks]{Text: func(p *Printer, v BootMailboxBlocks) {
	for i, b := range v.Values {
		if i == 0 {
			p.bootHead(b.Options)
		}
		p.mailboxBlock(b, v.AsText, !v.One)
	}
}}

// mailboxBlock prints a block; all says that it is one of many.
func (p *Printer) mailboxBlock(b machine.BootMailboxBlock, text, all bool) {
	if !all {
		p.Printf(" Selector       : %d\n", b.Block)
	}
	if b.Enterprise != nil {
		p.Printf(" IANA PEN       : %d [%s]\n", *b.Enterprise, b.EnterpriseName)
	}
	if all {
		p.Printf(" Block %3d Data : ", b.Block)
	} else {
		p.Printf(" Block Data     : ")
	}
	if text {
		data, _, _ := bytes.Cut(b.Data, []byte{0})
		p.Printf("'%s'\n", string(data))
	} else {
		p.Printf("%x\n", []byte(b.Data))
	}
}
