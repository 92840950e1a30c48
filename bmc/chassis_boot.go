package bmc

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"lom/bmc/host"
	"lom/ipmi"
)

// bootOptions is the system boot options (§28.12, Table 28-14). The simulated firmware of the host
// reads them: the BMC does for it what a BIOS does with them.
type bootOptions struct {
	kept     bootKept
	progress ipmi.SetState
	expiry   Timer     // clears the valid bit; nil if nothing does
	told     host.Boot // how the host was set to boot
}

// bootKept is what lasts. Parameters are kept as they are on the wire.
type bootKept struct {
	Parameter map[uint8][]byte // 1 to 6
	Invalid   uint8            // bit n: parameter n is marked invalid
	Mailbox   [bootMailboxBlocks][ipmi.BootMailboxBlockSize]byte
	// Setup is where the host boots from when nothing overrides it: what was last asked for with
	// the persistent bit.
	Setup host.Boot
}

const (
	bootMailboxBlocks = 8 // 5 at least
	bootFlagsTime     = 60 * time.Second
)

func (o *bootOptions) load(b *BMC) error {
	o.kept = bootKept{Parameter: map[uint8][]byte{}}
	for n, size := range map[uint8]int{1: 1, 2: 1, 3: 1, 4: 2, 5: 5, 6: 9} {
		o.kept.Parameter[n] = make([]byte, size)
	}
	factory := o.kept
	err := loadSection(b, "boot", func(_ string, v bootKept) error {
		for n, data := range factory.Parameter {
			if len(v.Parameter[n]) != len(data) {
				return errors.New("a parameter has not its length")
			}
		}
		o.kept = v
		return nil
	})
	if err != nil {
		return err
	}
	o.watch(b)
	if !b.host.CanBoot(o.kept.Setup) { // it is another host than it was
		b.logger.Warn("the host cannot boot from the device that it was set to boot from; it "+
			"boots as it does by itself", "bmc", b.name)
		o.kept.Setup = host.Boot{}
	}
	if err := o.setBoot(b, o.kept.Setup); err != nil {
		return err
	}
	b.onHostEvent(func(e host.Event) { o.hostEvent(b, e) })
	b.listenReset(func(cold bool) {
		if o.progress = ipmi.SetComplete; !cold {
			return
		}
		// All but parameter 2 is gone after a cold reset; the host's own setup is not the BMC's.
		scan, setup := o.kept.Parameter[2], o.kept.Setup
		o.kept = bootKept{Parameter: map[uint8][]byte{}, Setup: setup}
		for n, data := range factory.Parameter {
			o.kept.Parameter[n] = make([]byte, len(data))
		}
		o.kept.Parameter[2] = scan
		o.save(b)
		o.watch(b)
	})
	return nil
}

func (o *bootOptions) save(b *BMC) { b.put("boot", "", o.kept) }

func handleBootOptions(m *Mux) {
	Handle(m, setSystemBootOptions)
	Handle(m, getSystemBootOptions)
}

// flags returns the boot flags, parameter 5.
func (o *bootOptions) flags() ipmi.BootFlags {
	var f ipmi.BootFlags
	_ = f.UnmarshalBinary(o.kept.Parameter[5]) // its length was checked
	return f
}

// clearing returns what keeps the flags valid, parameter 3.
func (o *bootOptions) clearing() ipmi.BootValidBitClearing {
	var c ipmi.BootValidBitClearing
	_ = c.UnmarshalBinary(o.kept.Parameter[3])
	return c
}

func setSystemBootOptions(ctx *Context, req ipmi.SetSystemBootOptions) (r ipmi.NoData, err error) {
	b := ctx.BMC
	o := &b.bootOptions
	switch {
	case req.Number > 7:
		return r, ipmi.CodeParameterNotSupported
	case len(req.Data) > 0:
		if err := o.set(ctx, req.Number, req.Data); err != nil {
			return r, err
		}
	}
	invalid := o.kept.Invalid &^ (1 << req.Number)
	if req.Invalid {
		invalid |= 1 << req.Number
	}
	set(ctx, &o.kept.Invalid, invalid, o.save)
	if req.Number == 3 || req.Number == 5 {
		ctx.AfterAnswer(func() { o.watch(b) })
	}
	return r, nil
}

// set writes one parameter. The caller saves it.
func (o *bootOptions) set(ctx *Context, n uint8, data []byte) error {
	p, err := ipmi.ParseBootParameter(n, data)
	if err != nil {
		return ipmi.CodeDataLengthInvalid
	}
	switch p := p.(type) {
	case ipmi.SetInProgress:
		switch {
		case p.State > ipmi.SetBusy:
			return ipmi.CodeInvalidDataField // nothing is rolled back, so nothing is committed
		case p.State == ipmi.SetBusy && o.progress == ipmi.SetBusy:
			return ipmi.CodeSetInProgress
		}
		set(ctx, &o.progress, p.State, nil)
		return nil
	case ipmi.BootInfoAcknowledge:
		stored := bytes.Clone(o.kept.Parameter[4])
		stored[1] = stored[1]&^p.Mask | byte(p.Pending)&p.Mask
		setKey(ctx, o.kept.Parameter, 4, stored, nil)
		return nil
	case ipmi.BootFlags:
		switch {
		case p.Persistent && ctx.Channel != channelSystem &&
			ctx.Privilege < ipmi.PrivilegeAdministrator:
			return ipmi.CodeInsufficientPrivilege
		case !p.Valid:
			p.Persistent = false // goes with the valid bit
		case !ctx.BMC.host.CanBoot(bootOf(p, o.kept.Setup)):
			b := ctx.BMC
			b.logger.Warn("host", "bmc", b.name, "action", "set boot device", "err",
				host.ErrUnsupported)
			return ipmi.CodeInvalidDataField
		}
		data, err = p.AppendBinary(nil)
		if err != nil {
			return ipmi.CodeInvalidDataField
		}
		setKey(ctx, o.kept.Parameter, 5, data, nil)
		return nil
	case ipmi.BootMailbox:
		switch {
		case p.Block >= bootMailboxBlocks:
			return ipmi.CodeParameterOutOfRange
		case len(p.Data) > ipmi.BootMailboxBlockSize:
			return ipmi.CodeDataLengthInvalid
		}
		block := o.kept.Mailbox[p.Block]
		copy(block[:], p.Data)
		set(ctx, &o.kept.Mailbox[p.Block], block, nil)
		return nil
	}
	if data, err = p.AppendBinary(nil); err != nil || len(data) != len(o.kept.Parameter[n]) {
		return ipmi.CodeDataLengthInvalid
	}
	setKey(ctx, o.kept.Parameter, n, data, nil)
	return nil
}

func getSystemBootOptions(ctx *Context,
	req ipmi.GetSystemBootOptions) (r ipmi.SystemBootOptions, err error) {
	o := &ctx.BMC.bootOptions
	r = ipmi.SystemBootOptions{Version: 1, Number: req.Number}
	switch {
	case req.Number == 0:
		r.Data = []byte{byte(o.progress)}
	case req.Number == 7:
		if req.Set >= bootMailboxBlocks {
			return r, ipmi.CodeParameterOutOfRange
		}
		r.Data = append([]byte{req.Set}, o.kept.Mailbox[req.Set][:]...)
	case req.Number > 7:
		return r, ipmi.CodeParameterNotSupported
	default:
		r.Data = bytes.Clone(o.kept.Parameter[req.Number])
	}
	r.Invalid = o.kept.Invalid>>req.Number&1 != 0
	return r, nil
}

// watch begins to count the time after which the flags are no longer valid, or stops to.
func (o *bootOptions) watch(b *BMC) {
	if o.expiry != nil {
		o.expiry.Stop()
		o.expiry = nil
	}
	if o.flags().Valid && !o.clearing().KeepOnTimeout {
		o.expiry = b.after(bootFlagsTime, func() {
			o.expiry = nil
			o.clearValid(b)
		})
	}
}

// clearValid clears the valid bit, and with it the persistent bit.
func (o *bootOptions) clearValid(b *BMC) {
	f := o.flags()
	if !f.Valid {
		return
	}
	f.Valid, f.Persistent = false, false
	if data, err := f.AppendBinary(nil); err == nil {
		o.kept.Parameter[5] = data
		o.save(b)
	}
	o.watch(b)
}

// A bootChange is what an action that may start the host did about where it boots.
type bootChange struct {
	refused  func() // when the action was refused
	accepted func() // when it was accepted
}

// beforeControl sets how the host is to boot, before an action that may start it. The flags count
// for starts that Chassis Control makes, and for others if parameter 3 says so. Its error says that
// the host does not boot so.
func (o *bootOptions) beforeControl(b *BMC, a host.Action, why cause) (bootChange, error) {
	nothing := bootChange{func() {}, func() {}}
	switch a {
	case host.PowerOn, host.PowerCycle, host.Reset:
	default:
		return nothing, nil
	}
	c := o.clearing()
	count, asked := true, false
	switch why.Code {
	case ipmi.RestartChassisControl:
		asked = true
	case ipmi.RestartWatchdog:
		count = c.KeepOnWatchdog
	case ipmi.RestartResetByPEF, ipmi.RestartPowerCycleByPEF:
		count = c.KeepOnPEF
	case ipmi.RestartPowerButton, ipmi.RestartRTC:
		count = c.KeepOnPower
	default:
		count = c.KeepOnReset
	}
	boot := o.kept.Setup
	if f := o.flags(); count && f.Valid && o.kept.Invalid>>5&1 == 0 {
		boot = bootOf(f, boot)
	}
	before := o.told
	if err := o.setBoot(b, boot); err != nil {
		return nothing, err
	}
	return bootChange{
		refused: func() { _ = o.setBoot(b, before) }, // it was taken before
		accepted: func() {
			switch {
			case asked:
				o.watch(b) // the time begins again
			case !count:
				o.clearValid(b)
			}
		},
	}, nil
}

// setBoot sets how the host is to boot.
func (o *bootOptions) setBoot(b *BMC, boot host.Boot) error {
	if err := b.host.SetBoot(boot); err != nil {
		return fmt.Errorf("the boot device was not set: %w", err)
	}
	o.told = boot
	return nil
}

// hostEvent does what the host's firmware does once it runs: it takes note of what it was asked,
// once.
func (o *bootOptions) hostEvent(b *BMC, e host.Event) {
	switch e.Kind {
	case host.PoweredOff:
		o.progress = ipmi.SetComplete
	case host.Started, host.Restarted:
		o.progress = ipmi.SetComplete
		f := o.flags()
		if !f.Valid || o.kept.Invalid>>5&1 != 0 {
			return
		}
		acknowledge := bytes.Clone(o.kept.Parameter[4])
		acknowledge[1] &^= byte(ipmi.BootPartyBIOS)
		o.kept.Parameter[4] = acknowledge
		if f.Persistent {
			o.kept.Setup = bootOf(f, o.kept.Setup)
		}
		o.save(b)
		o.clearValid(b)
		if err := o.setBoot(b, o.kept.Setup); err != nil {
			b.logger.Warn("host", "bmc", b.name, "err", err)
		}
	}
}

// bootOf returns what the flags ask of a host whose own setup is given.
func bootOf(f ipmi.BootFlags, setup host.Boot) host.Boot {
	devices := map[ipmi.BootDevice]host.Device{
		ipmi.BootPXE: host.BootNetwork, ipmi.BootDisk: host.BootDisk,
		ipmi.BootSafeMode: host.BootSafe, ipmi.BootDiagnostic: host.BootDiagnostic,
		ipmi.BootCDROM: host.BootCD, ipmi.BootBIOSSetup: host.BootSetup,
		ipmi.BootFloppy:       host.BootFloppy,
		ipmi.BootRemoteFloppy: host.BootFloppy, ipmi.BootRemoteCDROM: host.BootCD,
		ipmi.BootRemoteMedia: host.BootCD, ipmi.BootRemoteDisk: host.BootDisk,
	}
	if d, ok := devices[f.Device]; ok {
		return host.Boot{Device: d, EFI: f.EFI}
	}
	return host.Boot{Device: setup.Device, EFI: f.EFI}
}
