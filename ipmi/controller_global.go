package ipmi

import "fmt"

// ColdReset is the Cold Reset command (§20.2): everything starts again as after power up. A BMC may
// be unable to answer it.
type ColdReset struct{}

// WarmReset is the Warm Reset command (§20.3): communication starts again, the settings stay.
type WarmReset struct{}

// GetSelfTestResults is the Get Self Test Results command (§20.4).
type GetSelfTestResults struct{}

// SelfTestResults is its response (Table 20-5).
type SelfTestResults struct {
	Result SelfTestResult `wire:"byte 2"`
	// Detail is a set of SelfTestFailures for SelfTestCorrupted, 0 for SelfTestPassed and
	// SelfTestNone, and otherwise up to the device.
	Detail uint8 `wire:"byte 3"`
}

// A SelfTestResult is the outcome of a self test. Values that have no name are failures of the
// device's own.
type SelfTestResult uint8

// Self test results.
const (
	SelfTestPassed    SelfTestResult = 0x55
	SelfTestNone      SelfTestResult = 0x56 // the controller has no self test
	SelfTestCorrupted SelfTestResult = 0x57 // data or devices are corrupted or out of reach
	SelfTestFatal     SelfTestResult = 0x58 // hardware error
)

// String returns the result as ipmitool writes it.
func (r SelfTestResult) String() string {
	switch r {
	case SelfTestPassed:
		return "passed"
	case SelfTestNone:
		return "not implemented"
	case SelfTestCorrupted:
		return "device corrupted"
	case SelfTestFatal:
		return "fatal error"
	case 0xff:
		return "N/A"
	}
	return fmt.Sprintf("device specific (%02Xh)", uint8(r))
}

// SelfTestFailures is the set of what failed in a SelfTestCorrupted. A bit that is not set says
// nothing.
type SelfTestFailures uint8

// Self test failures.
const (
	SelfTestFirmware  SelfTestFailures = 1 << iota // operational firmware corrupted
	SelfTestBootBlock                              // firmware of the boot block corrupted
	// internal use area of the BMC's FRU corrupted
	SelfTestInternalArea
	SelfTestSDREmpty
	SelfTestIPMB // the signal lines do not respond
	SelfTestFRU  // no access to the BMC's FRU device
	SelfTestSDR  // no access to the SDR repository
	SelfTestSEL  // no access to the SEL
)

// ManufacturingTestOn is the Manufacturing Test On command (§20.5).
type ManufacturingTestOn struct {
	Parameters []byte `wire:"byte 1-"` // up to the device, often a key
}

// SetACPIPowerState is the Set ACPI Power State command (§20.6): it informs a controller of the
// states, and changes neither.
type SetACPIPowerState struct {
	SetSystem bool            `wire:"byte 1, bit 7"`
	System    ACPISystemState `wire:"bits 6:0"`
	SetDevice bool            `wire:"byte 2, bit 7"`
	Device    ACPIDeviceState `wire:"bits 6:0"`
}

// GetACPIPowerState is the Get ACPI Power State command (§20.7).
type GetACPIPowerState struct{}

// ACPIPowerState is its response (Table 20-8).
type ACPIPowerState struct {
	System ACPISystemState `wire:"byte 2, bits 6:0"`
	Device ACPIDeviceState `wire:"byte 3, bits 6:0"`
}

// ACPINoChange leaves a state as it is in Set ACPI Power State.
const ACPINoChange = 0x7f

// An ACPISystemState is a power state of a system (Table 20-7).
type ACPISystemState uint8

// ACPI system states.
const (
	ACPIS0         ACPISystemState = 0x00
	ACPIS1         ACPISystemState = 0x01
	ACPIS2         ACPISystemState = 0x02
	ACPIS3         ACPISystemState = 0x03
	ACPIS4         ACPISystemState = 0x04
	ACPIS5         ACPISystemState = 0x05
	ACPIS4S5       ACPISystemState = 0x06 // S4 or S5, it is not known which
	ACPIG3         ACPISystemState = 0x07
	ACPISleeping   ACPISystemState = 0x08 // one of S1 to S3
	ACPIG1Sleeping ACPISystemState = 0x09 // one of S1 to S4
	ACPIOverride   ACPISystemState = 0x0a // S5 by override
	ACPILegacyOn   ACPISystemState = 0x20
	ACPILegacyOff  ACPISystemState = 0x21
	ACPIUnknown    ACPISystemState = 0x2a
)

// String returns the state's name in Table 20-7.
func (s ACPISystemState) String() string {
	switch s {
	case ACPIS0:
		return "S0/G0"
	case ACPIS1, ACPIS2, ACPIS3, ACPIS4:
		return fmt.Sprintf("S%d", uint8(s))
	case ACPIS5:
		return "S5/G2"
	case ACPIS4S5:
		return "S4/S5"
	case ACPIG3:
		return "G3"
	case ACPISleeping:
		return "sleeping"
	case ACPIG1Sleeping:
		return "G1 sleeping"
	case ACPIOverride:
		return "S5 override"
	case ACPILegacyOn:
		return "Legacy On"
	case ACPILegacyOff:
		return "Legacy Off"
	}
	return "unknown"
}

// An ACPIDeviceState is a power state of a device (Table 20-7).
type ACPIDeviceState uint8

// ACPI device states.
const (
	ACPID0            ACPIDeviceState = 0x00
	ACPID1            ACPIDeviceState = 0x01
	ACPID2            ACPIDeviceState = 0x02
	ACPID3            ACPIDeviceState = 0x03
	ACPIDeviceUnknown ACPIDeviceState = 0x2a
)

// String returns the state's name in Table 20-7.
func (s ACPIDeviceState) String() string {
	if s <= ACPID3 {
		return fmt.Sprintf("D%d", uint8(s))
	}
	return "unknown"
}
