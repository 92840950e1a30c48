package bmc

import (
	"net/netip"
	"time"

	"lom/ipmi"
	"lom/ipmi/pet"
)

// An Alert is a Platform Event Trap on its way to a destination (§17.16).
type Alert struct {
	To   netip.Addr
	MAC  ipmi.MACAddress // all 0: whatever belongs to To
	Trap pet.Trap
	Try  int // 0, and one more each time that it is sent again
}

// alerts is the sending of traps, by PEF and at once by Alert Immediate.
type alerts struct {
	busy      bool // filterAll runs
	sequence  uint16
	started   time.Time        // when the BMC was, for traps
	sending   []*sending       // those that are not done yet
	immediate ipmi.AlertStatus // of Alert Immediate on the LAN channel
}

// A sending is one alert that goes to one destination.
type sending struct {
	Alert
	to    ipmi.LANDestinationType
	timer Timer
	done  func(ipmi.AlertStatus)
}

// maxSending bounds the alerts that are on their way at a time.
const maxSending = 32

// alert sends an alert to the destinations of a filter's policy (§17.11, §17.13).
func (f *pef) alert(b *BMC, e pefEvent, filter ipmi.PEFFilter) {
	if b.channels.access[settingActive].PEFAlertingOff {
		return
	}
	if wait := f.resume.Sub(b.clock.Now()); wait > 0 {
		b.after(wait, func() { f.followPolicy(b, e, filter, 1, nil) })
		return
	}
	f.followPolicy(b, e, filter, 1, nil)
}

// followPolicy goes through the alert policy table from the entry. Last is the destination that an
// alert reached, nil if none did since the policy began.
func (f *pef) followPolicy(b *BMC, e pefEvent, filter ipmi.PEFFilter, entry uint8,
	last *ipmi.PEFPolicy) {
	for ; entry <= pefPolicies; entry++ {
		p, _ := pefValue[ipmi.PEFPolicy](b, entry)
		if !p.Enabled || p.Set == 0 || p.Set != filter.Policy {
			continue
		}
		if last != nil {
			switch p.Rule {
			case ipmi.PolicyNextEntry:
				continue
			case ipmi.PolicyStop:
				return
			case ipmi.PolicyNextChannel:
				if p.Channel == last.Channel {
					continue
				}
			case ipmi.PolicyNextDestination:
				if f.destinationType(b, p) == f.destinationType(b, *last) {
					continue
				}
			}
		}
		next := entry + 1
		f.send(b, p.Channel, p.Destination,
			f.trapFor(b, e, filter.Severity, f.alertString(b, p, filter.Entry)),
			func(s ipmi.AlertStatus) {
				if s == ipmi.AlertDone {
					last = &p
				}
				f.followPolicy(b, e, filter, next, last)
			})
		return
	}
}

func (f *pef) destinationType(b *BMC, p ipmi.PEFPolicy) ipmi.DestinationType {
	d, _ := b.lan.find(parameterKey{Number: ipmi.LANDestinationType{}.Number(),
		Set: p.Destination}).(ipmi.LANDestinationType)
	return d.Type
}

// alertString finds the alert string of a policy's entry (§17.11).
func (f *pef) alertString(b *BMC, p ipmi.PEFPolicy, filter uint8) string {
	n := p.String
	if p.EventString {
		n = 0
		for i := range uint8(pefStrings + 1) {
			if k, _ := pefValue[ipmi.PEFStringKey](b, i); k.Set == p.String && k.Filter == filter &&
				k.Set != 0 {
				n = i
				break
			}
		}
	}
	if n == 0 {
		return ""
	}
	return f.stringText(b, n)
}

func (f *pef) stringText(b *BMC, n uint8) string {
	var blocks []ipmi.PEFString
	for i := range uint8(pefBlocks) {
		s, _ := pefValue[ipmi.PEFString](b, n, i+1)
		blocks = append(blocks, s)
	}
	return ipmi.AlertString(blocks)
}

// trapFor makes the trap of an event (Tables 17-6 and 17-7).
func (f *pef) trapFor(b *BMC, e pefEvent, severity ipmi.PEFSeverity, text string) pet.Trap {
	guid := b.controller.guid
	if g, _ := pefValue[ipmi.PEFSystemGUID](b); g.Use {
		guid = g.GUID
	}
	address, _ := b.lan.find(parameterKey{Number: ipmi.LANIPAddress{}.Number()}).(ipmi.LANIPAddress)
	community, _ := b.lan.find(
		parameterKey{Number: ipmi.LANCommunity{}.Number()}).(ipmi.LANCommunity)
	offset := pet.UTCOffsetUnspecified
	if o := b.eventLog.kept.UTCOffset; o != ipmi.UTCOffsetUnspecified {
		offset = o
	}
	f.sequence++
	t := pet.Trap{
		Community: community.Community, Agent: address.Address,
		Uptime:     uint32(b.clock.Now().Sub(f.started) / (10 * time.Millisecond)),
		SensorType: ipmi.SensorType(e.SensorType), EventType: ipmi.EventType(e.Type),
		Offset: e.Data[0] & 0xf, Deassertion: e.Deassert,
		Event: pet.Event{
			GUID: guid, Sequence: f.sequence, Time: pet.TimestampOf(b.eventLog.now(b)),
			UTCOffset:  offset,
			TrapSource: pet.SourceBMC, EventSource: pet.SourceBMC, Severity: severity,
			SensorDevice: uint8(e.Generator), Sensor: e.SensorNumber,
			Language: pet.LanguageUnspecified, Manufacturer: uint32(b.cfg.Device.Manufacturer),
			System: b.cfg.Device.Product,
			Custom: pet.CustomText(text),
		},
	}
	copy(t.Event.Data[:], e.Data[:])
	return t
}

// send sends an alert to a destination of a channel and calls done when it is known how that went.
func (f *pef) send(b *BMC, channel, destination uint8, trap pet.Trap, done func(ipmi.AlertStatus)) {
	key := parameterKey{Number: ipmi.LANDestinationType{}.Number(), Set: destination}
	to, ok := b.lan.find(key).(ipmi.LANDestinationType)
	key.Number = ipmi.LANDestinationAddress{}.Number()
	address, _ := b.lan.find(key).(ipmi.LANDestinationAddress)
	if channel != channelLAN || !ok || to.Type != ipmi.DestinationPET ||
		address.IPv4 == (ipmi.IPv4Address{}) ||
		b.cfg.SendAlert == nil || len(f.sending) == maxSending {
		done(ipmi.AlertNoAnswer)
		return
	}
	s := &sending{Alert: Alert{To: address.IPv4.Addr(), MAC: address.MAC, Trap: trap}, to: to,
		done: done}
	f.sending = append(f.sending, s)
	f.try(b, s)
}

// try sends an alert once more, until it is acknowledged or was sent often enough. One that is not
// to be acknowledged is sent as often, and taken for successful (Table 23-4, parameter 18).
func (f *pef) try(b *BMC, s *sending) {
	b.cfg.SendAlert(s.Alert)
	wait := time.Duration(s.to.Timeout+1) * time.Second
	last := s.Try == int(s.to.Retries)
	if last && !s.to.Acknowledged {
		f.finish(s, ipmi.AlertDone)
		return
	}
	s.timer = b.after(wait, func() {
		if last {
			f.finish(s, ipmi.AlertNoAnswer)
			return
		}
		s.Try++
		f.try(b, s)
	})
}

// finish ends an alert.
func (f *pef) finish(s *sending, how ipmi.AlertStatus) {
	for i, t := range f.sending {
		if t == s {
			f.sending = append(f.sending[:i:i], f.sending[i+1:]...)
			break
		}
	}
	s.done(how)
}

// petAcknowledge ends the alert that it acknowledges (§30.8). One that is not known is ignored.
func petAcknowledge(ctx *Context, req ipmi.PETAcknowledge) (ipmi.NoData, error) {
	f := &ctx.BMC.pef
	for _, s := range f.sending {
		if e := s.Trap.Event; e.Sequence == req.Sequence && e.Sensor == req.Sensor {
			s.timer.Stop()
			f.finish(s, ipmi.AlertDone)
			break
		}
	}
	return ipmi.NoData{}, nil
}

// Completion codes of Alert Immediate (Table 30-9).
const codeAlertInProgress ipmi.CompletionCode = 0x81

func alertImmediate(ctx *Context, req ipmi.AlertImmediate) (ipmi.AlertImmediateStatus, error) {
	b := ctx.BMC
	f := &b.pef
	if !ctx.isLAN(req.Channel) {
		return ipmi.AlertImmediateStatus{}, ipmi.CodeInvalidDataField
	}
	switch req.Operation {
	case ipmi.AlertGetStatus:
		status := f.immediate
		return ipmi.AlertImmediateStatus{Status: &status}, nil
	case ipmi.AlertClearStatus:
		if f.immediate != ipmi.AlertStillActive {
			f.immediate = ipmi.AlertNoStatus
		}
		return ipmi.AlertImmediateStatus{}, nil
	case ipmi.AlertSend:
	default:
		return ipmi.AlertImmediateStatus{}, ipmi.CodeInvalidDataField
	}
	switch {
	case f.immediate == ipmi.AlertStillActive:
		return ipmi.AlertImmediateStatus{}, codeAlertInProgress
	case req.Destination > lanDestinations || req.SendString && req.String > pefStrings:
		return ipmi.AlertImmediateStatus{}, ipmi.CodeParameterOutOfRange
	}
	e := pefEvent{Event: Event{Generator: generatorBMC, SensorType: sensorTypeSystemEvent,
		SensorNumber: systemEventSensor, Type: eventTypeSensor,
		Data: [3]byte{0xff, 0xff, 0xff}}}
	if req.Event != nil {
		var m ipmi.PlatformEvent
		if err := m.UnmarshalBinary(req.Event[:]); err != nil {
			return ipmi.AlertImmediateStatus{}, ipmi.CodeInvalidDataField
		}
		e.Event = Event{Generator: uint16(req.Event[0]), SensorType: uint8(m.SensorType),
			SensorNumber: m.Sensor,
			Type:         uint8(m.EventType), Deassert: m.Deassertion, Data: m.Data}
	}
	text := ""
	if req.SendString {
		text = f.stringText(b, req.String)
	}
	f.immediate = ipmi.AlertStillActive
	f.send(b, channelLAN, req.Destination, f.trapFor(b, e, ipmi.PEFSeverityUnspecified, text),
		func(s ipmi.AlertStatus) {
			f.immediate = s
		})
	return ipmi.AlertImmediateStatus{}, nil
}
