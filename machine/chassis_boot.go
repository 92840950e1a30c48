package machine

import (
	"context"
	"fmt"
	"time"

	"lom/ipmi"
)

// bootDevices are the words for boot devices, of which BootDevices are those that can be chosen.
var bootDevices = []struct {
	word   string
	device ipmi.BootDevice
}{
	{"none", ipmi.BootNoOverride}, {"pxe", ipmi.BootPXE}, {"disk", ipmi.BootDisk},
	{"safe", ipmi.BootSafeMode}, {"diag", ipmi.BootDiagnostic}, {"cdrom", ipmi.BootCDROM},
	{"bios", ipmi.BootBIOSSetup}, {"floppy", ipmi.BootFloppy},
	{"remote-floppy", ipmi.BootRemoteFloppy}, {"remote-cdrom", ipmi.BootRemoteCDROM},
	{"remote-media", ipmi.BootRemoteMedia}, {"remote-disk", ipmi.BootRemoteDisk},
}

// BootDevices are ipmitool's words for the devices that a server can be made to boot from; safe is
// the disk in safe mode, diag the diagnostic partition, bios the setup of the BIOS.
var BootDevices = []string{"none", "pxe", "disk", "safe", "diag", "cdrom", "bios", "floppy"}

// BootDevice returns the boot device of one of BootDevices, and false for another word.
func BootDevice(word string) (ipmi.BootDevice, bool) {
	for _, d := range bootDevices[:len(BootDevices)] {
		if d.word == word {
			return d.device, true
		}
	}
	return 0, false
}

func bootDeviceWord(device ipmi.BootDevice) string {
	for _, d := range bootDevices {
		if d.device == device {
			return d.word
		}
	}
	return "reserved"
}

// SetBootDevice chooses what the server boots from next, with the options in flags, and marks the
// choice valid.
func (m *Machine) SetBootDevice(ctx context.Context, flags ipmi.BootFlags) error {
	flags.Valid = true
	return m.changeBoot(ctx, ipmi.BootPartyBIOS, flags)
}

// BootEvents are the names of the events that make the choice of a boot device void.
var BootEvents = []string{"PEF", "timeout", "watchdog", "reset", "power"}

// keepOn returns the bit that keeps the choice valid on one of BootEvents.
func keepOn(c *ipmi.BootValidBitClearing, event string) *bool {
	switch event {
	case "PEF":
		return &c.KeepOnPEF
	case "timeout":
		return &c.KeepOnTimeout
	case "watchdog":
		return &c.KeepOnWatchdog
	case "reset":
		return &c.KeepOnReset
	}
	return &c.KeepOnPower
}

// SetBootDeviceKept is SetBootDevice with whether the choice stays valid on events; keep has
// names of BootEvents. Events that it does not name stay as they are.
func (m *Machine) SetBootDeviceKept(
	ctx context.Context, flags ipmi.BootFlags, keep map[string]bool,
) error {
	flags.Valid = true
	params := []ipmi.Parameter{flags}
	if len(keep) > 0 {
		r, err := m.bootOptions(ctx, ipmi.BootValidBitClearing{}.Number(), 0)
		if err != nil {
			return err
		}
		clearing, err := bootParameter[ipmi.BootValidBitClearing](r)
		if err != nil {
			return err
		}
		for event, kept := range keep {
			*keepOn(&clearing, event) = kept
		}
		params = append(params, clearing)
	}
	return m.changeBoot(ctx, ipmi.BootPartyBIOS, params...)
}

// changeBoot writes boot parameters the way the specification asks for (§28.12): with Set In
// Progress around them, and the acknowledgement of the parties set again. BMCs that lack one or the
// other, or on which a forgotten change is still in progress, get the parameters all the same.
func (m *Machine) changeBoot(
	ctx context.Context, acknowledge ipmi.BootParties, params ...ipmi.Parameter,
) error {
	progress := true
	err := m.setBoot(ctx, "", ipmi.SetInProgress{State: ipmi.SetBusy})
	if refused(err) {
		progress = false
	} else if err != nil {
		return err
	}
	ack := ipmi.BootInfoAcknowledge{Mask: uint8(acknowledge), Pending: acknowledge}
	err = m.setBoot(ctx, "", ack)
	if refused(err) {
		err = nil
	}
	for _, p := range params {
		if err == nil {
			err = m.setBoot(ctx, fmt.Sprintf("Set Chassis Boot Parameter %d", p.Number()), p)
		}
	}
	if !progress {
		return err
	}
	if err == nil {
		// Only BMCs that can undo changes know this one.
		_ = m.setBoot(ctx, "", ipmi.SetInProgress{State: ipmi.SetCommitWrite})
	}
	end := m.setBoot(ctx, "Set Chassis Boot Parameter 0",
		ipmi.SetInProgress{State: ipmi.SetComplete})
	if err == nil {
		err = end
	}
	return err
}

func (m *Machine) setBoot(ctx context.Context, what string, p ipmi.Parameter) error {
	req, err := ipmi.SetBootParameter(p)
	if err != nil {
		return err
	}
	_, err = do(ctx, m, what, req)
	return err
}

// bootOptions reads a boot parameter (§28.13).
func (m *Machine) bootOptions(
	ctx context.Context, number, block uint8,
) (ipmi.SystemBootOptions, error) {
	req := ipmi.GetSystemBootOptions{Number: number, Set: block}
	return do(ctx, m, fmt.Sprintf("Get Chassis Boot Parameter %d", number), req)
}

// bootParameter returns a boot parameter of type P.
func bootParameter[P ipmi.Parameter](r ipmi.SystemBootOptions) (P, error) {
	var want P
	p, err := r.Parameter()
	if err != nil {
		return want, err
	}
	got, ok := p.(P)
	if !ok {
		return want, fmt.Errorf("the BMC answered with boot parameter %d instead of %d", r.Number,
			want.Number())
	}
	return got, nil
}

// A BootParameter is a parameter of the boot options (Table 28-14).
type BootParameter struct {
	Number  uint8 `json:"parameter"`
	Version uint8 `json:"version"`
	Valid   bool  `json:"valid"` // and not locked
	Data    Bytes `json:"data"`
	// What the data mean, by the number of the parameter; none for others.
	Progress     *BootProgress             `json:"progress,omitempty"`
	Partition    *BootServicePartition     `json:"service_partition,omitempty"`
	Scan         *BootServicePartitionScan `json:"service_partition_scan,omitempty"`
	Validity     *BootValidity             `json:"validity,omitempty"`
	Acknowledged *BootAcknowledgement      `json:"acknowledgement,omitempty"`
	Flags        *BootFlags                `json:"flags,omitempty"`
	Initiator    *BootInitiator            `json:"initiator,omitempty"`
	Mailbox      *BootMailboxBlock         `json:"mailbox,omitempty"`

	Options   ipmi.SystemBootOptions `json:"-"`
	Parameter ipmi.Parameter         `json:"-"` // nil if the data make no sense
}

// Values of boot parameters, by their numbers in Table 28-14.
type (
	// BootProgress is parameter 0: whether someone is changing parameters.
	BootProgress struct {
		State string `json:"state" enum:"complete,in-progress,commit-write,reserved"`
	}
	// BootServicePartition is parameter 1: the service partition that the BIOS boots.
	BootServicePartition struct {
		Selector uint8 `json:"selector"` // 0: unspecified
	}
	// BootServicePartitionScan is parameter 2.
	BootServicePartitionScan struct {
		Scan       bool `json:"scan"`       // the BIOS is asked to look for the partition
		Discovered bool `json:"discovered"` // by the last scan
	}
	// BootValidity is parameter 3: the events on which the choice of a boot device stays valid.
	BootValidity struct {
		PEF      bool `json:"keep_on_pef"`
		Timeout  bool `json:"keep_on_timeout"`
		Watchdog bool `json:"keep_on_watchdog"`
		Reset    bool `json:"keep_on_reset"`
		Power    bool `json:"keep_on_power"`
	}
	// BootAcknowledgement is parameter 4: who has not yet handled the boot options.
	BootAcknowledgement struct {
		Pending BootParties `json:"pending"`
	}
	// BootParties are those who look at boot options.
	BootParties struct {
		BIOS   bool `json:"bios"`
		Loader bool `json:"loader"`
		OS     bool `json:"os"` // or the service partition
		SMS    bool `json:"sms"`
		OEM    bool `json:"oem"`
	}
	// BootFlags is parameter 5: what the server boots from, and how.
	BootFlags struct {
		Valid      bool   `json:"valid"`
		Persistent bool   `json:"persistent"` // for all boots to come, not only the next
		EFI        bool   `json:"efi"`
		Device     string `json:"device" enum:"none,pxe,disk,safe,diag,cdrom,bios,floppy,remote-floppy,remote-cdrom,remote-media,remote-disk,reserved"`
		// of the device: 0 any, 1-15 external, 17-31 internal
		Instance           uint8  `json:"instance"`
		ClearCMOS          bool   `json:"clear_cmos"`
		LockKeyboard       bool   `json:"lock_keyboard"`
		BlankScreen        bool   `json:"blank_screen"`
		LockResetButton    bool   `json:"lock_reset_button"`
		LockPowerButton    bool   `json:"lock_power_button"`
		LockSleepButton    bool   `json:"lock_sleep_button"`
		Verbosity          string `json:"verbosity" enum:"default,quiet,verbose,reserved"`
		ProgressTraps      bool   `json:"progress_traps"`
		BypassPassword     bool   `json:"bypass_password"`
		ConsoleRedirection string `json:"console_redirection" enum:"default,skip,enable,reserved"`
		SharedMode         bool   `json:"shared_mode"`
		Mux                string `json:"mux" enum:"default,bmc,system,reserved"`
	}
	// BootInitiator is parameter 6: who asked for the boot.
	BootInitiator struct {
		Channel   uint8     `json:"channel"`
		SessionID uint32    `json:"session_id"` // the BMC's
		Time      time.Time `json:"time,omitzero"`
		// instead, from the BMC's start
		SinceInitSeconds *uint32 `json:"since_init_seconds,omitempty"`
	}
	// BootMailboxBlock is a block of parameter 7.
	BootMailboxBlock struct {
		Block uint8 `json:"block"`
		// Enterprise is the IANA number of who defined the mailbox, which block 0 begins with.
		Enterprise *uint32 `json:"enterprise_number,omitempty"`
		Data       Bytes   `json:"data"` // after the number

		EnterpriseName string                 `json:"-"`
		Options        ipmi.SystemBootOptions `json:"-"`
	}
)

// BootParameter reads a boot parameter; block is that of the mailbox, 0 for the others. Data that
// make no sense are a *PartialError.
func (m *Machine) BootParameter(ctx context.Context, number, block uint8) (BootParameter, error) {
	r, err := m.bootOptions(ctx, number, block)
	if err != nil {
		return BootParameter{}, err
	}
	v := BootParameter{Number: r.Number, Version: r.Version, Valid: !r.Invalid, Data: r.Data,
		Options: r}
	p, err := r.Parameter()
	if err != nil {
		return v, &PartialError{err}
	}
	v.Parameter = p
	if b, ok := p.(ipmi.BootMailbox); ok {
		v.Mailbox = new(m.mailboxBlock(r, b))
	}
	v.setValue(p)
	return v, nil
}

// The words for values of boot parameters, by number.
var (
	setStates        = []string{"complete", "in-progress", "commit-write"}
	bootVerbosities  = []string{"default", "quiet", "verbose"}
	bootRedirections = []string{"default", "skip", "enable"}
	bootMuxes        = []string{"default", "bmc", "system"}
)

// setValue sets what a parameter means, if that is known.
func (v *BootParameter) setValue(p ipmi.Parameter) {
	switch p := p.(type) {
	case ipmi.SetInProgress:
		v.Progress = &BootProgress{numbered(setStates, p.State)}
	case ipmi.BootServicePartition:
		v.Partition = &BootServicePartition{p.Selector}
	case ipmi.BootServicePartitionScan:
		v.Scan = &BootServicePartitionScan{p.Scan, p.Discovered}
	case ipmi.BootValidBitClearing:
		v.Validity = &BootValidity{p.KeepOnPEF, p.KeepOnTimeout, p.KeepOnWatchdog, p.KeepOnReset,
			p.KeepOnPower}
	case ipmi.BootInfoAcknowledge:
		has := func(b ipmi.BootParties) bool { return p.Pending&b != 0 }
		v.Acknowledged = &BootAcknowledgement{BootParties{
			has(ipmi.BootPartyBIOS), has(ipmi.BootPartyLoader), has(ipmi.BootPartyOS),
			has(ipmi.BootPartySMS), has(ipmi.BootPartyOEM),
		}}
	case ipmi.BootFlags:
		v.Flags = &BootFlags{
			Valid: p.Valid, Persistent: p.Persistent, EFI: p.EFI, Device: bootDeviceWord(p.Device),
			Instance: p.Instance, ClearCMOS: p.ClearCMOS, LockKeyboard: p.LockKeyboard,
			BlankScreen: p.BlankScreen, LockResetButton: p.LockResetButton,
			LockPowerButton: p.LockPowerButton, LockSleepButton: p.LockSleepButton,
			Verbosity:     numbered(bootVerbosities, p.Verbosity),
			ProgressTraps: p.ProgressTraps, BypassPassword: p.BypassPassword,
			ConsoleRedirection: numbered(bootRedirections, p.ConsoleRedirection),
			SharedMode:         p.SharedMode, Mux: numbered(bootMuxes, p.Mux),
		}
	case ipmi.BootInitiator:
		v.Initiator = &BootInitiator{p.Channel, p.SessionID, timeOf(p.Time), sinceInit(p.Time)}
	}
}

const (
	// mailboxEnterprise is how many bytes of block 0 the enterprise number takes.
	mailboxEnterprise = 3
	// BootMailboxBlocks is the most blocks that a boot mailbox can have, of 16 bytes each.
	BootMailboxBlocks = 256
	// leastMailboxBlocks is the fewest (Table 28-14).
	leastMailboxBlocks = 5
)

func (m *Machine) mailboxBlock(r ipmi.SystemBootOptions, b ipmi.BootMailbox) BootMailboxBlock {
	v := BootMailboxBlock{Block: b.Block, Data: b.Data, Options: r}
	if d := b.Data; b.Block == 0 && len(d) >= mailboxEnterprise {
		n := uint32(d[0]) | uint32(d[1])<<8 | uint32(d[2])<<16
		v.Enterprise, v.EnterpriseName, v.Data = &n, m.name(ipmi.ManufacturerID(n)),
			d[mailboxEnterprise:]
	}
	return v
}

// BootMailboxBlock reads a block of the boot initiator mailbox.
func (m *Machine) BootMailboxBlock(ctx context.Context, block uint8) (BootMailboxBlock, error) {
	r, err := m.bootOptions(ctx, ipmi.BootMailbox{}.Number(), block)
	if err != nil {
		return BootMailboxBlock{}, err
	}
	b, err := bootParameter[ipmi.BootMailbox](r)
	if err != nil {
		return BootMailboxBlock{}, err
	}
	return m.mailboxBlock(r, b), nil
}

// BootMailbox reads all blocks of the boot initiator mailbox.
func (m *Machine) BootMailbox(ctx context.Context) ([]BootMailboxBlock, error) {
	var blocks []BootMailboxBlock
	for n := range BootMailboxBlocks {
		b, err := m.BootMailboxBlock(ctx, uint8(n))
		switch {
		case n > 0 && refused(err): // there are no more blocks
			return blocks, nil
		case err != nil:
			return nil, err
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// SetBootMailbox writes data of an enterprise, whose IANA number is put before them, to the boot
// initiator mailbox. If the BMC has too few blocks, nothing is written.
func (m *Machine) SetBootMailbox(ctx context.Context, enterprise uint32, data []byte) error {
	return m.writeMailbox(ctx, 0, BootMailboxBlocks, mailboxData(enterprise, data))
}

// SetBootMailboxBlock writes one block of the boot initiator mailbox: at most 16 bytes, in block 0
// with the IANA number of the enterprise before them.
func (m *Machine) SetBootMailboxBlock(
	ctx context.Context, block uint8, enterprise uint32, data []byte,
) error {
	if block == 0 {
		data = mailboxData(enterprise, data)
	}
	return m.writeMailbox(ctx, int(block), 1, data)
}

func mailboxData(enterprise uint32, data []byte) []byte {
	return append([]byte{byte(enterprise), byte(enterprise >> 8), byte(enterprise >> 16)}, data...)
}

func (m *Machine) writeMailbox(ctx context.Context, first, blocks int, data []byte) error {
	if room := blocks * ipmi.BootMailboxBlockSize; len(data) > room {
		return fmt.Errorf("%d bytes are too many: there is room for %d", len(data), room)
	}
	var params []ipmi.Parameter
	for n := first; len(data) > 0; n++ {
		size := min(len(data), ipmi.BootMailboxBlockSize)
		params = append(params, ipmi.BootMailbox{Block: uint8(n), Data: data[:size]})
		data = data[size:]
	}
	// That the BMC has the last block is looked up before the first is written.
	if last := first + len(params) - 1; last >= leastMailboxBlocks {
		_, err := m.bootOptions(ctx, ipmi.BootMailbox{}.Number(), uint8(last))
		if refused(err, ipmi.CodeParameterOutOfRange, ipmi.CodeInvalidDataField) {
			return fmt.Errorf("the BMC's boot mailbox has no block %d; nothing was written: give less", last)
		}
	}
	return m.changeBoot(ctx, ipmi.BootPartyBIOS|ipmi.BootPartyLoader, params...)
}
