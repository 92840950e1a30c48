package bmc

import (
	"errors"
	"time"

	"lom/bmc/host"
	"lom/ipmi"
)

// chassis is the state of the Chassis functions (§28).
type chassis struct {
	kept chassisKept

	identify      ipmi.IdentifyState
	identifyTimer Timer
	controlFault  bool
	powerFault    bool // the last power down was because of a fault
	wanted        cause
	panel         ipmi.FrontPanelButtons // in the answer that is being made
}

// chassisKept is what lasts.
type chassisKept struct {
	On            bool                    // power, when it was last seen
	Policy        ipmi.PowerRestorePolicy // what mains coming back does
	CycleInterval uint8                   // seconds
	ACFailed      bool                    // the BMC was started anew while power was on
	OnByCommand   bool
	Restart       cause                     // of the last start
	Buttons       ipmi.SetFrontPanelEnables // front panel buttons that are disabled
	Capabilities  ipmi.SetChassisCapabilities
}

// A cause is why the system started, and over which channel that was asked for (§28.11).
type cause struct {
	Code    ipmi.RestartCause
	Channel uint8
}

func (c *chassis) load(b *BMC) error {
	c.kept = chassisKept{On: b.host.State().On, Policy: ipmi.RestorePrevious, CycleInterval: 1, Capabilities: defaultCapabilities}
	known := false
	err := keep(b, "chassis", func(_ string, v chassisKept) error {
		c.kept, known = v, true
		return nil
	})
	if err != nil {
		return err
	}
	if known {
		c.mainsReturned(b)
	}
	b.host.SetCycleInterval(time.Duration(c.kept.CycleInterval) * time.Second)
	b.listenReset(func(cold bool) {
		if cold && c.identify != ipmi.IdentifyOff {
			_ = b.identify(0, false) // it logs its errors itself
		}
	})
	return nil
}

// mainsReturned does to the host what the power restore policy says (§28.8). A host that went on while
// the BMC was away is not touched.
func (c *chassis) mainsReturned(b *BMC) {
	h, ok := b.host.(host.Restorer)
	if !ok {
		c.kept.On = b.host.State().On
		return
	}
	on := c.kept.On
	c.kept.ACFailed = on
	switch c.kept.Policy {
	case ipmi.RestoreAlwaysOff:
		on = false
	case ipmi.RestoreAlwaysOn:
		on = true
		c.kept.Restart = cause{Code: ipmi.RestartPolicyAlwaysOn}
	default:
		if on {
			c.kept.Restart = cause{Code: ipmi.RestartPolicyPrevious}
		}
	}
	c.kept.On = on
	h.Restore(on)
}

func (c *chassis) save(b *BMC) { b.put("chassis", "", c.kept) }

func handleChassis(m *Mux) {
	Handle(m, getChassisStatus)
	Handle(m, chassisControl)
}

func getChassisStatus(ctx *Context, _ ipmi.GetChassisStatus) (ipmi.ChassisStatus, error) {
	b := ctx.BMC
	c := &b.chassis
	cooling, drive, intrusion := b.sensors.chassisFaults()
	st := b.host.State()
	return ipmi.ChassisStatus{
		CoolingFault:      cooling,
		DriveFault:        drive,
		Intrusion:         intrusion,
		RestorePolicy:     c.kept.Policy,
		ControlFault:      c.controlFault || st.Fault != nil,
		PowerFault:        c.powerFault,
		PowerOn:           st.On,
		OnByCommand:       c.kept.OnByCommand,
		OffByFault:        c.powerFault,
		ACFailed:          c.kept.ACFailed,
		IdentifySupported: true,
		Identify:          c.identify,
		FrontPanelLockout: c.kept.Buttons.DisableReset && c.kept.Buttons.DisablePowerOff,
		FrontPanel:        c.frontPanel(),
	}, nil
}

// chassisFaults returns what the sensors say that the chassis status shows too.
func (s *sensors) chassisFaults() (cooling, drive, intrusion bool) {
	for i := range s.state {
		st := s.state[i]
		switch st.typ {
		case ipmi.SensorFan:
			if s.set.sensors[i].full != nil {
				cooling = cooling || st.now>>ipmi.LowerCritical&1 != 0
			}
		case ipmi.SensorDriveSlot:
			drive = drive || st.now>>1&1 != 0
		case ipmi.SensorPhysicalSecurity:
			intrusion = intrusion || st.now&1 != 0
		}
	}
	return cooling, drive, intrusion
}

// chassisActions is what Chassis Control asks of the host.
var chassisActions = map[ipmi.ChassisAction]host.Action{
	ipmi.PowerDown:           host.PowerOff,
	ipmi.PowerUp:             host.PowerOn,
	ipmi.PowerCycle:          host.PowerCycle,
	ipmi.HardReset:           host.Reset,
	ipmi.DiagnosticInterrupt: host.Diagnostic,
	ipmi.SoftShutdown:        host.SoftShutdown,
}

func chassisControl(ctx *Context, req ipmi.ChassisControl) (ipmi.NoData, error) {
	a, ok := chassisActions[req.Action]
	if !ok {
		return ipmi.NoData{}, ipmi.CodeInvalidDataField
	}
	return ipmi.NoData{}, ctx.BMC.control(a, cause{ipmi.RestartChassisControl, ctx.Channel})
}

// control begins an action on the host. The cause is told as restart cause if the action starts the system.
func (b *BMC) control(a host.Action, why cause) error {
	c := &b.chassis
	told := b.bootOptions.told
	b.bootOptions.beforeControl(b, a, why)
	err := b.host.Control(a)
	if err != nil {
		b.bootOptions.setBoot(b, told)
	}
	switch {
	case errors.Is(err, host.ErrState):
		return ipmi.CodeNotInPresentState
	case errors.Is(err, host.ErrUnsupported):
		return ipmi.CodeInvalidDataField
	case err != nil:
		c.controlFault = true
		b.logger.Warn("host", "bmc", b.name, "action", a.String(), "err", err)
		return ipmi.CodeUnspecified
	}
	c.controlFault = false
	switch a {
	case host.PowerOn, host.PowerCycle, host.Reset:
		c.wanted = why
	case host.PowerOff:
		c.wanted = cause{}
	}
	return nil
}

// hostEvent takes notice of what happened to the host.
func (b *BMC) hostEvent(e host.Event) {
	c := &b.chassis
	if e.Err != nil {
		b.logger.Warn("host", "bmc", b.name, "err", e.Err)
	}
	b.logger.Debug("host event", "bmc", b.name, "kind", e.Kind)
	switch e.Kind {
	case host.Started, host.Restarted:
		c.kept.Restart = c.wanted
		if e.Kind == host.Started {
			c.kept.On, c.kept.ACFailed = true, false
			c.kept.OnByCommand = c.wanted.Code == ipmi.RestartChassisControl
		}
		c.wanted = cause{}
		c.controlFault, c.powerFault = false, false
		c.save(b)
	case host.PoweredOff:
		c.kept.On, c.powerFault = false, e.Err != nil
		c.save(b)
	case host.Failed:
		c.controlFault = true
	}
	for _, f := range b.onHost {
		f(e)
	}
}

// onHostEvent has f called, under the lock, after each event of the host. It belongs into a family's load.
func (b *BMC) onHostEvent(f func(host.Event)) { b.onHost = append(b.onHost, f) }
