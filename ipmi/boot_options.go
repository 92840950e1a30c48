package ipmi

// SetSystemBootOptions is the Set System Boot Options command (§28.12).
type SetSystemBootOptions struct {
	Invalid bool   `wire:"byte 1, bit 7"` // marks the parameter invalid, or locked
	Number  uint8  `wire:"bits 6:0"`
	Data    []byte `wire:"byte 2-"` // none: only Invalid is set
}

// SetBootParameter returns the command that sets p and marks it valid.
func SetBootParameter(p Parameter) (SetSystemBootOptions, error) {
	data, err := parameterData(p)
	return SetSystemBootOptions{Number: p.Number(), Data: data}, err
}

// GetSystemBootOptions is the Get System Boot Options command (§28.13).
type GetSystemBootOptions struct {
	Number uint8 `wire:"byte 1, bits 6:0"`
	Set    uint8 `wire:"byte 2"` // the block, for BootMailbox
	Block  uint8 `wire:"byte 3"` // 0
}

// SystemBootOptions is its response (Table 28-13).
type SystemBootOptions struct {
	Version uint8  `wire:"byte 2, bits 3:0"` // 1
	Invalid bool   `wire:"byte 3, bit 7"`    // or locked
	Number  uint8  `wire:"bits 6:0"`
	Data    []byte `wire:"byte 4-"`
}

// Parameter returns the typed parameter.
func (m SystemBootOptions) Parameter() (Parameter, error) {
	return ParseBootParameter(m.Number, m.Data)
}

// BootServicePartition is boot parameter 1: which service partition the BIOS boots.
type BootServicePartition struct {
	Selector uint8 `wire:"byte 1"` // 0: unspecified
}

// BootServicePartitionScan is boot parameter 2.
type BootServicePartitionScan struct {
	Scan       bool `wire:"byte 1, bit 1"` // asks the BIOS to look for the partition
	Discovered bool `wire:"bit 0"`         // by the last scan
}

// BootValidBitClearing is boot parameter 3: what does not clear the valid bit of BootFlags.
type BootValidBitClearing struct {
	KeepOnPEF      bool `wire:"byte 1, bit 4"` // reset or power cycle by PEF
	KeepOnTimeout  bool `wire:"bit 3"`         // no Chassis Control within 60 seconds
	KeepOnWatchdog bool `wire:"bit 2"`
	KeepOnReset    bool `wire:"bit 1"` // reset button or soft reset
	KeepOnPower    bool `wire:"bit 0"` // power button or wake event
}

// BootInfoAcknowledge is boot parameter 4: who has not yet handled the boot information.
type BootInfoAcknowledge struct {
	Mask    uint8       `wire:"byte 1"` // bits of Pending to write; 0 when read
	Pending BootParties `wire:"byte 2"`
}

// BootParties is a set of parties that look at boot information.
type BootParties uint8

// Parties that look at boot information.
const (
	BootPartyBIOS BootParties = 1 << iota
	BootPartyLoader
	BootPartyOS // or the service partition
	BootPartySMS
	BootPartyOEM
	BootPartiesReserved BootParties = 0xe0 // written as 1
)

// BootFlags is boot parameter 5. With Persistent, the fields so marked ask the BIOS to change its
// settings.
type BootFlags struct {
	Valid      bool `wire:"byte 1, bit 7"` // the others mean something
	Persistent bool `wire:"bit 6"`         // for all boots to come, not only the next
	EFI        bool `wire:"bit 5"`         // not the PC way of booting

	ClearCMOS       bool       `wire:"byte 2, bit 7"`
	LockKeyboard    bool       `wire:"bit 6"`
	Device          BootDevice `wire:"bits 5:2"` // may be persistent
	BlankScreen     bool       `wire:"bit 1"`
	LockResetButton bool       `wire:"bit 0"` // may be persistent

	// may be persistent, as all of this byte
	LockPowerButton    bool            `wire:"byte 3, bit 7"`
	Verbosity          BootVerbosity   `wire:"bits 6:5"`
	ProgressTraps      bool            `wire:"bit 4"` // BIOS progress events become PET traps
	BypassPassword     bool            `wire:"bit 3"` // of the user, at boot
	LockSleepButton    bool            `wire:"bit 2"`
	ConsoleRedirection BootRedirection `wire:"bits 1:0"`

	// BIOS sets the channel of BootInitiator to shared mode for now
	SharedMode bool    `wire:"byte 4, bit 3"`
	Mux        BootMux `wire:"bits 2:0"`

	Instance uint8 `wire:"byte 5, bits 4:0"` // of Device: 0 any, 1-15 external, 17-31 internal 1-15
}

// A BootDevice is a boot device selector.
type BootDevice uint8

// Boot devices.
const (
	BootNoOverride   BootDevice = 0x0
	BootPXE          BootDevice = 0x1
	BootDisk         BootDevice = 0x2
	BootSafeMode     BootDevice = 0x3 // disk, in safe mode
	BootDiagnostic   BootDevice = 0x4 // diagnostic partition
	BootCDROM        BootDevice = 0x5
	BootBIOSSetup    BootDevice = 0x6
	BootRemoteFloppy BootDevice = 0x7 // or primary removable medium
	BootRemoteCDROM  BootDevice = 0x8
	BootRemoteMedia  BootDevice = 0x9 // primary remote medium
	BootRemoteDisk   BootDevice = 0xb
	BootFloppy       BootDevice = 0xf // or primary removable medium
)

// String returns the device as ipmitool writes it.
func (d BootDevice) String() string {
	switch d {
	case BootFloppy:
		return "Force Boot from Floppy/primary removable media"
	default:
		return word(bootDeviceWords[:], d, "Flag error")
	}
}

var bootDeviceWords = [...]string{"No override", "Force PXE", "Force Boot from default Hard-Drive",
	"Force Boot from default Hard-Drive, request Safe-Mode", "Force Boot from Diagnostic Partition",
	"Force Boot from CD/DVD",
	"Force Boot into BIOS Setup",
	"Force Boot from remotely connected Floppy/primary removable media",
	"Force Boot from remotely connected CD/DVD", "Force Boot from primary remote media",
	"Flag error",
	"Force Boot from remotely connected Hard-Drive"}

// BootVerbosity is what the BIOS shows while it starts.
type BootVerbosity uint8

// Boot verbosities.
const (
	BootVerbosityDefault BootVerbosity = 0
	BootQuiet            BootVerbosity = 1
	BootVerbose          BootVerbosity = 2
)

// String returns the verbosity as ipmitool writes it.
func (v BootVerbosity) String() string { return word(bootVerbosityWords[:], v, "Flag error") }

var bootVerbosityWords = [...]string{"System Default", "Request Quiet Display",
	"Request Verbose Display"}

// BootRedirection is what becomes of console redirection.
type BootRedirection uint8

// Console redirection while booting.
const (
	BootRedirectionDefault BootRedirection = 0
	BootRedirectionSkip    BootRedirection = 1
	BootRedirectionEnable  BootRedirection = 2
)

// String returns the setting as ipmitool writes it.
func (r BootRedirection) String() string { return word(bootRedirectionWords[:], r, "Flag error") }

var bootRedirectionWords = [...]string{"Console redirection occurs per BIOS configuration " +
	"setting (default)",
	"Suppress (skip) console redirection if enabled", "Request console redirection be enabled"}

// BootMux is who gets the serial port at the end of POST.
type BootMux uint8

// Serial mux settings at the end of POST.
const (
	BootMuxDefault BootMux = 0
	BootMuxBMC     BootMux = 1
	BootMuxSystem  BootMux = 2
)

// String returns the setting as ipmitool writes it.
func (m BootMux) String() string { return word(bootMuxWords[:], m, "Flag error") }

var bootMuxWords = [...]string{"BIOS uses recommended setting of the mux at the end of POST",
	"Requests BIOS to force mux to BMC at conclusion of POST/start of OS boot",
	"Requests BIOS to force mux to system at conclusion of POST/start of OS boot"}

// BootInitiator is boot parameter 6: who asked for the boot.
type BootInitiator struct {
	Channel   uint8     `wire:"byte 1, bits 3:0"` // on which the boot command will come
	SessionID uint32    `wire:"byte 2-5"`         // the BMC's
	Time      Timestamp `wire:"byte 6-9"`         // as Get SEL Time gives it
}

// BootMailbox is one block of boot parameter 7. The first three bytes of block 0 are the enterprise
// number of who defined the rest.
type BootMailbox struct {
	Block uint8  `wire:"byte 1"`  // 0 to 4 at least
	Data  []byte `wire:"byte 2-"` // up to 16 bytes
}

// BootMailboxBlockSize is the size of a block of boot parameter 7 in bytes.
const BootMailboxBlockSize = 16
