package bmc

import (
	"errors"
	"time"

	"lom/bmc/host"
	"lom/ipmi"
)

// controller is the state of the management controller itself (§20).
type controller struct {
	guid    ipmi.GUID
	system  ipmi.ACPISystemState // as it was set; ACPIUnknown: it follows the power
	device  ipmi.ACPIDeviceState
	onReset []func(cold bool)
}

// defaultDevice is what a BMC reports of itself if its configuration sets nothing else.
var defaultDevice = ipmi.DeviceID{
	ID: 0x20, Revision: 1, FirmwareMajor: 1, FirmwareMinor: 0x00, Version: 0x02,
	Support: ipmi.SupportsSensors | ipmi.SupportsSDRRepository | ipmi.SupportsSEL |
		ipmi.SupportsFRUInventory |
		ipmi.SupportsIPMBEventReceiver | ipmi.SupportsChassis,
}

func (c *controller) load(b *BMC) error {
	if b.cfg.Device == (ipmi.DeviceID{}) {
		b.cfg.Device = b.profile().Device
	}
	c.system, c.device = ipmi.ACPIUnknown, ipmi.ACPID0
	b.onHostEvent(func(e host.Event) {
		if e.Kind != host.Booted && e.Kind != host.Failed && e.Kind != host.Seen {
			c.system = ipmi.ACPIUnknown
		}
	})
	if c.guid = b.cfg.GUID; c.guid != (ipmi.GUID{}) {
		return nil
	}
	err := loadSection(b, "guid", func(_ string, v []byte) error {
		if len(v) != len(c.guid) {
			return errors.New("a GUID has 16 bytes")
		}
		copy(c.guid[:], v)
		return nil
	})
	if err != nil || c.guid != (ipmi.GUID{}) {
		return err
	}
	if err := b.random(c.guid[:]); err != nil {
		return err
	}
	c.guid[6] = c.guid[6]&0x0f | byte(ipmi.GUIDRandom)<<4
	c.guid[8] = c.guid[8]&0x3f | 0x80 // the variant of RFC 4122
	c.guid = c.guid.In(ipmi.GUIDIPMI)
	b.put("guid", "", c.guid[:])
	return nil
}

func handleController(m *Mux) {
	Handle(m, getDeviceID)
	Handle(m, getDeviceGUID)
	Handle(m, getSystemGUID)
	Handle(m, getSelfTestResults)
	Handle(m, func(ctx *Context, _ ipmi.ColdReset) (ipmi.NoData, error) {
		return resetBMC(ctx, true)
	})
	Handle(m, func(ctx *Context, _ ipmi.WarmReset) (ipmi.NoData, error) {
		return resetBMC(ctx, false)
	})
	Handle(m, setACPIPowerState)
	Handle(m, getACPIPowerState)
}

func getDeviceID(ctx *Context, _ ipmi.GetDeviceID) (ipmi.DeviceID, error) {
	return ctx.BMC.cfg.Device, nil
}

func getDeviceGUID(ctx *Context, _ ipmi.GetDeviceGUID) (ipmi.DeviceGUID, error) {
	return ipmi.DeviceGUID{GUID: ctx.BMC.controller.guid}, nil
}

func getSystemGUID(ctx *Context, _ ipmi.GetSystemGUID) (ipmi.SystemGUID, error) {
	return ipmi.SystemGUID{GUID: ctx.BMC.controller.guid}, nil
}

// getSelfTestResults reports what the BMC finds wrong with itself now.
func getSelfTestResults(ctx *Context, _ ipmi.GetSelfTestResults) (ipmi.SelfTestResults, error) {
	if len(ctx.BMC.repository.records) == 0 {
		return ipmi.SelfTestResults{Result: ipmi.SelfTestCorrupted,
			Detail: uint8(ipmi.SelfTestSDREmpty)}, nil
	}
	return ipmi.SelfTestResults{Result: ipmi.SelfTestPassed}, nil
}

// resetTime is from the answer to a reset to the reset: programs end their session in it, and
// complain if they cannot.
const resetTime = 100 * time.Millisecond

// resetBMC starts the BMC again when the answer is out (§20.2, §20.3): a warm reset ends the
// sessions, a cold one also brings back the settings that the BMC starts with. The host is not
// touched.
func resetBMC(ctx *Context, cold bool) (ipmi.NoData, error) {
	b := ctx.BMC
	ctx.AfterAnswer(func() {
		b.after(resetTime, func() {
			if cold {
				b.controller.system, b.controller.device = ipmi.ACPIUnknown, ipmi.ACPID0
				b.channels.access[settingActive] = b.channels.access[settingKept]
			}
			for _, f := range b.controller.onReset {
				f(cold)
			}
		})
	})
	return ipmi.NoData{}, nil
}

// listenReset has f called, under the lock, when the BMC is reset. It belongs into a family's load.
func (b *BMC) listenReset(f func(cold bool)) {
	b.controller.onReset = append(b.controller.onReset, f)
}

func setACPIPowerState(ctx *Context, req ipmi.SetACPIPowerState) (ipmi.NoData, error) {
	c := &ctx.BMC.controller
	if req.SetSystem && req.System > ipmi.ACPIOverride && req.System != ipmi.ACPILegacyOn &&
		req.System != ipmi.ACPILegacyOff &&
		req.System != ipmi.ACPIUnknown && req.System != ipmi.ACPINoChange ||
		req.SetDevice && req.Device > ipmi.ACPID3 && req.Device != ipmi.ACPIDeviceUnknown &&
			req.Device != ipmi.ACPINoChange {
		return ipmi.NoData{}, ipmi.CodeInvalidDataField
	}
	if req.SetSystem && req.System != ipmi.ACPINoChange {
		c.system = req.System
	}
	if req.SetDevice && req.Device != ipmi.ACPINoChange {
		c.device = req.Device
	}
	return ipmi.NoData{}, nil
}

func getACPIPowerState(ctx *Context, _ ipmi.GetACPIPowerState) (ipmi.ACPIPowerState, error) {
	b := ctx.BMC
	st := ipmi.ACPIPowerState{System: b.controller.system, Device: b.controller.device}
	if st.System == ipmi.ACPIUnknown {
		switch b.host.State().Power {
		case host.On:
			st.System = ipmi.ACPIS0
		case host.Off:
			st.System = ipmi.ACPIS4S5
		}
	}
	return st, nil
}
