package bmc

import (
	"lom/ipmi"
	"lom/ipmi/sel"
)

// eventReceiver says where the BMC's own event messages go (§29.1): to itself unless it was set
// otherwise, or nowhere.
type eventReceiver struct{ to ipmi.SetEventReceiver }

// bmcAddress is the BMC's own slave address.
const bmcAddress = 0x20

// remoteConsole is the software ID of programs that come over a LAN, as the requester's address has
// it (Table 5-4).
const remoteConsole = 0x81

func (r *eventReceiver) load(b *BMC) error {
	r.to = ipmi.SetEventReceiver{Address: bmcAddress}
	b.listenReset(func(cold bool) {
		if cold {
			r.to = ipmi.SetEventReceiver{Address: bmcAddress}
		}
	})
	return nil
}

func handleEventReceiver(m *Mux) {
	Handle(m, setEventReceiver)
	Handle(m, getEventReceiver)
	Handle(m, platformEvent)
}

func setEventReceiver(ctx *Context, req ipmi.SetEventReceiver) (ipmi.NoData, error) {
	ctx.BMC.eventReceiver.to = req
	return ipmi.NoData{}, nil
}

func getEventReceiver(ctx *Context, _ ipmi.GetEventReceiver) (ipmi.EventReceiver, error) {
	return ipmi.EventReceiver(ctx.BMC.eventReceiver.to), nil
}

// platformEvent takes an event message from another controller or from software (§29.3). Who sent
// it is told by the message on the system interface, and by the channel elsewhere.
func platformEvent(ctx *Context, req ipmi.PlatformEvent) (ipmi.NoData, error) {
	if req.Revision != ipmi.EventRevision && req.Revision != 0x03 {
		return ipmi.NoData{}, ipmi.CodeInvalidDataField
	}
	e := Event{Generator: remoteConsole, SensorType: uint8(req.SensorType),
		SensorNumber: req.Sensor,
		Type:         uint8(req.EventType), Deassert: req.Deassertion, Data: req.Data,
		fromSystem: ctx.Channel == channelSystem}
	if req.Generator != nil {
		e.Generator = uint16(*req.Generator)
	}
	if ctx.Channel != channelSystem {
		e.Generator |= uint16(ctx.Channel&0xf) << 12
	}
	if e.Generator == 0 {
		e.Generator = generatorBMC
	}
	b := ctx.BMC
	b.eventLog.logEvent(b, e, func(r sel.Record) (uint16, error) {
		return b.eventLog.addAsked(ctx, r)
	})
	record := b.eventLog.last
	ctx.AfterAnswer(func() {
		b.eventLog.last = record
		b.raised(e)
	})
	return ipmi.NoData{}, nil
}
