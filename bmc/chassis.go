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
	unseen        bool // the host cannot be seen, and that was reported
	powerFault    bool // the last power down was because of a fault
	wanted        cause
	panel         ipmi.FrontPanelButtons // in the answer that is being made
}

// chassisKept is what lasts.
type chassisKept struct {
	On            bool                    // power, when it was last seen
	Policy        ipmi.PowerRestorePolicy // what mains coming back does
	CycleInterval uint8                   // seconds
	ACFailed      bool                    // the BMC was restarted while power was on
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
	c.kept = chassisKept{On: b.host.State().Power == host.On, Policy: ipmi.RestorePrevious,
		CycleInterval: 1, Capabilities: defaultCapabilities}
	known := false
	err := loadSection(b, "chassis", func(_ string, v chassisKept) error {
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

// mainsReturned does to the host what the power restore policy says (§28.8). A host that went on
// while the BMC was away is not touched.
func (c *chassis) mainsReturned(b *BMC) {
	h, ok := b.host.(host.Restorer)
	if !ok {
		c.kept.On = b.host.State().Power == host.On
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

// getChassisStatus refuses while the host cannot be seen: the answer has no bit for that (Table
// 28-3), and whoever believes an off of it may start services twice.
func getChassisStatus(ctx *Context, _ ipmi.GetChassisStatus) (ipmi.ChassisStatus, error) {
	b := ctx.BMC
	c := &b.chassis
	cooling, drive, intrusion := b.sensors.chassisFaults()
	st := b.host.State()
	if st.Power == host.Unknown {
		return ipmi.ChassisStatus{}, ipmi.CodeNotInPresentState
	}
	return ipmi.ChassisStatus{
		CoolingFault:      cooling,
		DriveFault:        drive,
		Intrusion:         intrusion,
		RestorePolicy:     c.kept.Policy,
		ControlFault:      c.controlFault || st.Fault != nil,
		PowerFault:        c.powerFault,
		PowerOn:           st.Power == host.On,
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
	return ipmi.NoData{}, ctx.control(a)
}

// answerTime is how long the answer to a request waits for the host to accept the action.
// Clients ask again after about a second, which does no harm, and give up after four at least.
const answerTime = 2 * time.Second

// control begins an action on the host that a request asks for. What fails within the answer's time
// is refused.
func (c *Context) control(a host.Action) error {
	var answer func(error)
	var now error
	decided := false
	c.BMC.control(a, cause{ipmi.RestartChassisControl, c.Channel}, func(err error) {
		if now, decided = err, true; answer != nil {
			answer(err)
		}
	})
	if !decided {
		answer = c.later()
	}
	return now
}

// control begins an action on the host. The cause becomes the restart cause if the action starts
// the system. Settled is called once: with the completion code of a refusal, or with nil when the
// host has accepted the action, or has not said anything for answerTime. What fails after that is a
// control fault.
func (b *BMC) control(a host.Action, why cause, settled func(error)) {
	c := &b.chassis
	boot, err := b.bootOptions.beforeControl(b, a, why)
	if err != nil {
		settled(b.refused(a, err))
		return
	}
	wanted := c.wanted
	switch a {
	case host.PowerOn, host.PowerCycle, host.Reset:
		c.wanted = why
	case host.PowerOff:
		c.wanted = cause{}
	}
	var timer Timer
	settle := func(err error) {
		if timer != nil {
			timer.Stop()
			timer = nil
		}
		if err != nil {
			boot.refused()
			if c.wanted == why {
				c.wanted = wanted
			}
		} else {
			c.controlFault = false
			boot.accepted()
		}
		settled(err)
	}
	over := false // settled, by the host or by time
	pending, err := b.host.Control(a, func(err error) {
		b.do(func() {
			if err != nil {
				err = b.refused(a, err)
			}
			if !over {
				over = true
				settle(err)
			}
		})
	})
	switch {
	case err != nil:
		settle(b.refused(a, err))
	case !pending:
		settle(nil)
	default:
		timer = b.after(answerTime, func() {
			if !over {
				over, timer = true, nil
				settle(nil)
			}
		})
	}
}

// refused logs why the host refuses an action, and returns the completion code that says
// so.
func (b *BMC) refused(a host.Action, err error) ipmi.CompletionCode {
	if err != host.ErrState { // which says nothing that the caller does not know
		b.logger.Warn("host", "bmc", b.name, "action", a.String(), "err", err)
	}
	switch {
	case errors.Is(err, host.ErrState), errors.Is(err, host.ErrUnseen):
		return ipmi.CodeNotInPresentState
	case errors.Is(err, host.ErrUnsupported):
		return ipmi.CodeInvalidDataField
	}
	b.chassis.controlFault = true
	return ipmi.CodeUnspecified
}

// The sensor of the BMC's own view of its host, which only makes events: of type Management
// Subsystem Health, with the offset "sensor access degraded or unavailable" (Table 42-3).
const (
	sensorTypeHealth   = 0x28
	healthSensor       = 0x74
	healthSensorAccess = 0
)

// sight takes notice that the host can or cannot be seen.
func (c *chassis) sight(b *BMC, e host.Event) {
	unseen := e.Kind == host.Unseen
	if unseen {
		b.logger.Warn("the power of the host is not known", "bmc", b.name, "err", e.Err)
	} else if p := b.host.State().Power; p != host.Unknown {
		c.kept.On = p == host.On
		if c.unseen {
			b.logger.Warn("the host is seen again: the power is "+p.String(), "bmc", b.name)
		}
	}
	if unseen != c.unseen {
		c.unseen = unseen
		b.raise(Event{SensorType: sensorTypeHealth, SensorNumber: healthSensor,
			Type: eventTypeSensor, Deassert: !unseen,
			Data: [3]byte{healthSensorAccess, 0xff, 0xff}})
	}
}

// hostEvent takes notice of what happened to the host.
func (b *BMC) hostEvent(e host.Event) {
	c := &b.chassis
	if e.Err != nil && e.Kind != host.Unseen {
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
	case host.Unseen, host.Seen:
		c.sight(b, e)
	}
	for _, f := range b.onHost {
		f(e)
	}
}

// onHostEvent has f called, under the lock, after each event of the host. It belongs into a
// family's load.
func (b *BMC) onHostEvent(f func(host.Event)) { b.onHost = append(b.onHost, f) }
