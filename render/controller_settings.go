package render

import (
	"lom/ipmi"
	"lom/machine"
)

// selfTestLines are the bits of ipmi.SelfTestFailures from 0 on, as chassis selftest and as mc
// selftest print them.
var selfTestLines = [8]struct{ chassis, mc string }{
	{"firmware corrupted", "controller operational firmware corrupted"},
	{"boot block corrupted", "Controller update boot block corrupted"},
	{"FRU Internal Use Area corrupted", "Internal Use Area corrupted"},
	{"SDR Repository empty", "SDR repository empty"},
	{"IPMB not responding", "IPMB signal lines do not respond"},
	{"cannot access BMC FRU", "FRU device not accessible"},
	{"cannot access SDR Repository", " -> SDR repository not accessible"},
	{"cannot access SEL Device", " -> SEL device not accessible"},
}

// ChassisSelfTest prints the result of the self test, as chassis selftest.
var ChassisSelfTest = View[machine.SelfTest]{Text: func(p *Printer, v machine.SelfTest) {
	p.Printf("Self Test Results    : ")
	switch r := v.Results; r.Result {
	case ipmi.SelfTestPassed, ipmi.SelfTestNone:
		p.Println(r.Result)
	case ipmi.SelfTestCorrupted:
		p.Println("device error")
		for i, l := range selfTestLines {
			if r.Detail>>i&1 != 0 {
				p.Printf("                       [%s]\n", l.chassis)
			}
		}
	case ipmi.SelfTestFatal:
		p.Printf("Fatal hardware error: %02xh\n", r.Detail)
	default:
		p.Printf("Device-specific failure %02xh:%02xh\n", uint8(r.Result), r.Detail)
	}
}}

// SelfTest prints the result of the self test, as mc selftest.
var SelfTest = View[machine.SelfTest]{Text: func(p *Printer, v machine.SelfTest) {
	switch r := v.Results; r.Result {
	case ipmi.SelfTestPassed, ipmi.SelfTestNone, 0xff:
		p.Printf("Selftest: %s\n", r.Result)
	case ipmi.SelfTestCorrupted:
		p.Printf("Selftest: %s\n", r.Result)
		for i := len(selfTestLines) - 1; i >= 0; i-- {
			if r.Detail>>i&1 != 0 {
				p.Println(selfTestLines[i].mc)
			}
		}
	case ipmi.SelfTestFatal:
		p.Printf("Selftest     : %s\nFailure code : %02x\n", r.Result, r.Detail)
	default:
		p.Printf("Selftest     : %s\nFailure code : %02Xh\n", r.Result, r.Detail)
	}
}}

// enableWords are ipmitool's names of the settings of machine.Enables, in their order.
var enableWords = [...]string{
	"Receive Message Queue Interrupt", "Event Message Buffer Full Interrupt",
	"Event Message Buffer",
	"System Event Logging", "OEM 0", "OEM 1", "OEM 2",
}

// EnablesChange are the global enables with what was asked for, if anything was.
type EnablesChange struct {
	machine.Enables
	Asked   []EnableAsked `json:"-"`
	Changed bool          `json:"-"` // not all was so already
}

// An EnableAsked is a setting that was to be switched on or off.
type EnableAsked struct {
	Name string // of machine.EnableNames
	On   bool
}

// Enables prints the global enables, as mc getenables and mc setenables.
var Enables = View[EnablesChange]{Text: func(p *Printer, v EnablesChange) {
	switch {
	case v.Changed:
		for _, a := range v.Asked {
			for i, name := range machine.EnableNames {
				if name == a.Name {
					p.Printf("%s %s\n", choose(a.On, "Enabling", "Disabling"), enableWords[i])
				}
			}
		}
		p.Printf("\nVerifying...\n")
	case len(v.Asked) > 0:
		p.Printf("\nNothing to change...\n")
	}
	for i, name := range machine.EnableNames {
		p.Printf("%-40s : %s\n", enableWords[i], choose(*v.Setting(name), "enabled", "disabled"))
	}
}}

// SystemInfo prints a text that the BMC keeps about its system, as mc getsysinfo; the key is its
// name.
var SystemInfo = View[map[string]string]{Text: func(p *Printer, v map[string]string) {
	for _, text := range v {
		p.Println(text)
	}
}}
