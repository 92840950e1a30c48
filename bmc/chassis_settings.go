package bmc

import (
	"errors"
	"time"

	"lom/bmc/host"
	"lom/ipmi"
)

// defaultCapabilities says that all is in the BMC itself.
var defaultCapabilities = ipmi.SetChassisCapabilities{
	FrontPanelLockout: true,
	FRUDevice:         ipmi.AddressBMC, SDRDevice: ipmi.AddressBMC, SELDevice: ipmi.AddressBMC,
	SystemManagement: ipmi.AddressBMC,
}

// identifyTime is how long the chassis identifies itself if the request sets no other time (§28.5).
const identifyTime = 15 * time.Second

func handleChassisSettings(m *Mux) {
	Handle(m, getChassisCapabilities)
	Handle(m, setChassisCapabilities)
	Handle(m, chassisIdentify)
	Handle(m, setFrontPanelEnables)
	Handle(m, setPowerRestorePolicy)
	Handle(m, setPowerCycleInterval)
	Handle(m, getSystemRestartCause)
	Handle(m, getPOHCounter)
	Handle(m, func(ctx *Context, _ ipmi.ChassisReset) (ipmi.NoData, error) {
		return ipmi.NoData{}, ctx.control(host.Reset)
	})
}

func getChassisCapabilities(ctx *Context,
	_ ipmi.GetChassisCapabilities) (ipmi.ChassisCapabilities, error) {
	c := ctx.BMC.chassis.kept.Capabilities
	bridge := uint8(ipmi.AddressBMC)
	if c.BridgeDevice != nil {
		bridge = *c.BridgeDevice
	}
	return ipmi.ChassisCapabilities{
		DiagnosticInterrupt: true, FrontPanelLockout: c.FrontPanelLockout, Intrusion: c.Intrusion,
		FRUDevice: c.FRUDevice, SDRDevice: c.SDRDevice, SELDevice: c.SELDevice,
		SystemManagement: c.SystemManagement, BridgeDevice: &bridge,
	}, nil
}

func setChassisCapabilities(ctx *Context, req ipmi.SetChassisCapabilities) (ipmi.NoData, error) {
	b := ctx.BMC
	set(ctx, &b.chassis.kept.Capabilities, req, b.chassis.save)
	return ipmi.NoData{}, nil
}

func chassisIdentify(ctx *Context, req ipmi.ChassisIdentify) (ipmi.NoData, error) {
	d := identifyTime
	if req.Interval != nil {
		d = time.Duration(*req.Interval) * time.Second
	}
	return ipmi.NoData{}, ctx.BMC.identify(d, req.Force != nil && *req.Force)
}

// identify has the host show itself for a while, for ever, or no longer.
func (b *BMC) identify(d time.Duration, forever bool) error {
	c := &b.chassis
	err := b.host.Identify(d > 0 || forever)
	switch {
	case errors.Is(err, host.ErrUnsupported):
		return ipmi.CodeInvalidCommand
	case err != nil:
		b.logger.Warn("host", "bmc", b.name, "action", "identify", "err", err)
		return ipmi.CodeUnspecified
	}
	if c.identifyTimer != nil {
		c.identifyTimer.Stop()
		c.identifyTimer = nil
	}
	switch {
	case forever:
		c.identify = ipmi.IdentifyIndefinite
	case d > 0:
		c.identify = ipmi.IdentifyTimed
		// it logs its errors itself
		c.identifyTimer = b.after(d, func() { _ = b.identify(0, false) })
	default:
		c.identify = ipmi.IdentifyOff
	}
	return nil
}

func setFrontPanelEnables(ctx *Context, req ipmi.SetFrontPanelEnables) (ipmi.NoData, error) {
	b := ctx.BMC
	set(ctx, &b.chassis.kept.Buttons, req, b.chassis.save)
	return ipmi.NoData{}, nil
}

// frontPanel is the buttons as Get Chassis Status shows them: each can be disabled.
func (c *chassis) frontPanel() *ipmi.FrontPanelButtons {
	b := c.kept.Buttons
	c.panel = ipmi.FrontPanelButtons{
		StandbyDisableAllowed: true, DiagnosticDisableAllowed: true, ResetDisableAllowed: true,
		PowerOffDisableAllowed: true,
		StandbyDisabled:        b.DisableStandby, DiagnosticDisabled: b.DisableDiagnostic,
		ResetDisabled: b.DisableReset, PowerOffDisabled: b.DisablePowerOff,
	}
	return &c.panel
}

func setPowerRestorePolicy(ctx *Context,
	req ipmi.SetPowerRestorePolicy) (r ipmi.PowerRestorePolicySupport, err error) {
	b := ctx.BMC
	switch {
	case req.Policy > ipmi.RestoreUnknown:
		return r, ipmi.CodeInvalidDataField
	case req.Policy != ipmi.RestoreUnknown:
		set(ctx, &b.chassis.kept.Policy, req.Policy, b.chassis.save)
	}
	return ipmi.PowerRestorePolicySupport{AlwaysOn: true, Previous: true, AlwaysOff: true}, nil
}

func setPowerCycleInterval(ctx *Context, req ipmi.SetPowerCycleInterval) (ipmi.NoData, error) {
	b := ctx.BMC
	set(ctx, &b.chassis.kept.CycleInterval, req.Seconds, b.chassis.save)
	ctx.AfterAnswer(func() { b.host.SetCycleInterval(time.Duration(req.Seconds) * time.Second) })
	return ipmi.NoData{}, nil
}

func getSystemRestartCause(ctx *Context,
	_ ipmi.GetSystemRestartCause) (ipmi.SystemRestartCause, error) {
	c := ctx.BMC.chassis.kept.Restart
	return ipmi.SystemRestartCause{Cause: c.Code, Channel: c.Channel}, nil
}

// powerOnHours counts the time that the host was on in its life (§28.14).
type powerOnHours struct {
	minutes uint32    // until since, kept
	since   time.Time // when the host was seen on; zero while it is off
}

// minutesPerCount is the unit of the counter in minutes (§28.14).
const minutesPerCount = 60

func (p *powerOnHours) load(b *BMC) error {
	err := loadSection(b, "poh", func(_ string, v uint32) error {
		p.minutes = v
		return nil
	})
	if b.host.State().Power == host.On {
		p.since = b.clock.Now()
	}
	b.onHostEvent(func(e host.Event) {
		switch e.Kind {
		case host.Started, host.PoweredOff, host.Seen, host.Unseen:
			// what was not seen is not counted
			p.count(b)
		}
	})
	// What runs out between two savings is lost when the BMC is killed: at most an hour. BMCs
	// of a rack save at different times.
	if b.journal.path != "" {
		b.after(time.Hour-time.Duration(b.controller.guid[0])*10*time.Second, func() { p.tick(b) })
	}
	return err
}

func (p *powerOnHours) tick(b *BMC) {
	p.count(b)
	b.after(time.Hour, func() { p.tick(b) })
}

// count adds the time since the last count. Full minutes are counted; the rest counts next time.
func (p *powerOnHours) count(b *BMC) {
	on, now := b.host.State().Power == host.On, b.clock.Now()
	if n := p.elapsed(now); n > 0 {
		p.minutes += n
		p.since = p.since.Add(time.Duration(n) * time.Minute)
		b.put("poh", "", p.minutes)
	}
	switch {
	case !on:
		p.since = time.Time{}
	case p.since.IsZero():
		p.since = now
	}
}

// elapsed returns the full minutes since the last count.
func (p *powerOnHours) elapsed(now time.Time) uint32 {
	if p.since.IsZero() {
		return 0
	}
	return uint32(max(now.Sub(p.since), 0) / time.Minute)
}

func getPOHCounter(ctx *Context, _ ipmi.GetPOHCounter) (ipmi.POHCounter, error) {
	b := ctx.BMC
	return ipmi.POHCounter{MinutesPerCount: minutesPerCount,
		Count: (b.powerOn.minutes + b.powerOn.elapsed(b.clock.Now())) / minutesPerCount}, nil
}
