package bmc

import (
	"context"
	"errors"
	"slices"
	"time"

	"lom/bmc/host"
	"lom/ipmi"
	"lom/ipmi/sel"
	"lom/rmcp"
)

// messaging is the message functions of §22.1 to §22.8: what waits for system management software,
// and the way to the controllers on the IPMB.
type messaging struct {
	enables     ipmi.GlobalEnables
	refused     uint16 // channels whose messages do not reach the queue; bit n is channel n
	queue       []ipmi.Message
	eventBuffer *[16]byte // nil: empty
	preTimeout  bool      // the watchdog's interrupt came, and nobody cleared that
}

const (
	receiveQueueSize = 16
	// ipmbTime is how long a request takes to a controller on the IPMB and back.
	ipmbTime = 5 * time.Millisecond
)

// defaultEnables is what holds after power up (Table 22-2).
var defaultEnables = ipmi.GlobalEnables{EventLogging: true}

func (m *messaging) load(b *BMC) error {
	*m = messaging{enables: defaultEnables, refused: ^uint16(1 << channelSystem)}
	b.listen(func(e Event) { m.keepEvent(b, e) })
	b.onHostEvent(func(e host.Event) {
		switch e.Kind {
		case host.PoweredOff, host.Started, host.Restarted:
			m.enables.EventBufferFullIRQ, m.enables.ReceiveQueueIRQ = false, false // Table 22-2
			if b.systemInterface.listener != nil {
				m.refused &^= 1 << channelIPMB // as a BIOS does: Linux counts on it (§22.5)
			}
		}
	})
	b.listenReset(func(cold bool) {
		m.queue = nil
		if cold {
			m.enables, m.eventBuffer, m.preTimeout = defaultEnables, nil, false
		}
	})
	return b.checkSatellites()
}

func handleMessaging(m *Mux) {
	Handle(m, setBMCGlobalEnables)
	Handle(m, getBMCGlobalEnables)
	Handle(m, clearMessageFlags)
	Handle(m, getMessageFlags)
	Handle(m, enableMessageChannelReceive)
	Handle(m, getMessage)
	Handle(m, readEventMessageBuffer)
	Handle(m, sendMessage)
}

func setBMCGlobalEnables(ctx *Context, req ipmi.SetBMCGlobalEnables) (r ipmi.NoData, err error) {
	m := &ctx.BMC.messaging
	e := req.Enables
	interrupts := e.EventBufferFullIRQ || e.ReceiveQueueIRQ
	if interrupts && ctx.BMC.systemInterface.listener == nil || e.OEM0 || e.OEM1 || e.OEM2 {
		// a simulated machine has no interrupts, and there is nothing of a maker's own
		return r, ipmi.CodeInvalidDataField
	}
	m.enables = e
	return r, nil
}

func getBMCGlobalEnables(ctx *Context, _ ipmi.GetBMCGlobalEnables) (ipmi.BMCGlobalEnables, error) {
	return ipmi.BMCGlobalEnables{Enables: ctx.BMC.messaging.enables}, nil
}

func clearMessageFlags(ctx *Context, req ipmi.ClearMessageFlags) (ipmi.NoData, error) {
	m := &ctx.BMC.messaging
	if req.Clear.ReceiveQueue {
		m.queue = nil
	}
	if req.Clear.EventBuffer {
		m.eventBuffer = nil
	}
	if req.Clear.WatchdogPreTimeout {
		m.preTimeout = false
	}
	return ipmi.NoData{}, nil
}

func getMessageFlags(ctx *Context, _ ipmi.GetMessageFlags) (ipmi.PresentMessageFlags, error) {
	return ipmi.PresentMessageFlags{Flags: ctx.BMC.messaging.flags()}, nil
}

// flags returns what the BMC has for system management software.
func (m *messaging) flags() ipmi.MessageFlags {
	return ipmi.MessageFlags{
		WatchdogPreTimeout: m.preTimeout, ReceiveQueue: len(m.queue) > 0,
		EventBuffer: m.eventBuffer != nil && m.enables.EventBuffer,
	}
}

func enableMessageChannelReceive(ctx *Context,
	req ipmi.EnableMessageChannelReceive) (r ipmi.MessageChannelReceive, err error) {
	m := &ctx.BMC.messaging
	n := ctx.channel(req.Channel)
	if n != channelIPMB && n != channelLAN && n != channelSystem {
		return r, ipmi.CodeInvalidDataField
	}
	switch req.State {
	case ipmi.ReceiveDisable:
		m.refused |= 1 << n
	case ipmi.ReceiveEnable:
		m.refused &^= 1 << n
	case ipmi.ReceiveAsk:
	default:
		return r, ipmi.CodeInvalidDataField
	}
	return ipmi.MessageChannelReceive{Channel: n, Enabled: m.refused>>n&1 == 0}, nil
}

func getMessage(ctx *Context, _ ipmi.GetMessage) (r ipmi.Message, err error) {
	m := &ctx.BMC.messaging
	if len(m.queue) == 0 {
		return r, ipmi.CodeQueueEmpty
	}
	r, m.queue = m.queue[0], m.queue[1:]
	return r, nil
}

// receive puts a message into the receive message queue.
func (m *messaging) receive(msg ipmi.Message) error {
	switch {
	case m.refused>>msg.Channel&1 != 0:
		return ipmi.CodeDestinationUnavailable
	case len(m.queue) >= receiveQueueSize:
		return ipmi.CodeNodeBusy
	}
	m.queue = append(m.queue, msg)
	return nil
}

// keepEvent puts an event into the event message buffer, unless one is there that was not read.
func (m *messaging) keepEvent(b *BMC, e Event) {
	if !m.enables.EventBuffer || m.eventBuffer != nil {
		return
	}
	r, err := e.record()
	if err != nil {
		return
	}
	if r.ID = b.eventLog.last; r.ID == 0 {
		r.ID = 0xffff // it was not logged
	}
	bytes := r.WithTimestamp(b.eventLog.now(b)).Bytes()
	m.eventBuffer = &bytes
}

// record returns the event as the SEL keeps it, without ID and time.
func (e Event) record() (sel.Record, error) {
	return sel.Event{Generator: sel.GeneratorID(e.Generator), Revision: ipmi.EventRevision,
		SensorType: ipmi.SensorType(e.SensorType),
		Sensor:     e.SensorNumber, Deassertion: e.Deassert, Type: ipmi.EventType(e.Type),
		Data: e.Data}.Record()
}

func readEventMessageBuffer(ctx *Context,
	_ ipmi.ReadEventMessageBuffer) (r ipmi.EventMessage, err error) {
	m := &ctx.BMC.messaging
	if m.eventBuffer == nil {
		return r, ipmi.CodeQueueEmpty
	}
	r.Record, m.eventBuffer = *m.eventBuffer, nil
	return r, nil
}

// sendMessage carries a message to system management software or to a controller on the IPMB
// (§6.13). A tracked request's answer comes to the session as a response of its own, after that to
// Send Message.
func sendMessage(ctx *Context, req ipmi.SendMessage) (r ipmi.SentMessage, err error) {
	b := ctx.BMC
	switch n := ctx.channel(req.Channel); {
	case req.Tracking > ipmi.TrackRequest || req.Encrypt || req.Authenticate:
		return r, ipmi.CodeInvalidDataField // of no meaning on these channels
	case n == channelSystem:
		return r, b.messaging.receive(forSystem(ctx, req.Data))
	case n == channelLAN && ctx.Channel == channelSystem:
		return r, b.toConsole(req.Data)
	case n != channelIPMB:
		return r, ipmi.CodeInvalidDataField
	case ctx.Privilege < ipmi.PrivilegeOperator:
		return r, ipmi.CodeInsufficientPrivilege
	}
	m, err := rmcp.ParseMessage(req.Data)
	if err != nil || m.NetFn.IsResponse() {
		return r, ipmi.CodeInvalidDataField
	}
	to := b.cfg.Satellites[m.To]
	if to == nil {
		return r, ipmi.CodeNAKOnWrite
	}
	m.Data = slices.Clone(m.Data)
	tracked := req.Tracking == ipmi.TrackRequest
	back := origin{session: ctx.session, line: ctx.line}
	if ctx.line != nil {
		back.logins = ctx.line.logins.Load()
	}
	ctx.AfterAnswer(func() {
		b.clock.AfterFunc(ipmbTime, func() {
			// Not under the lock of b: a satellite's is taken before that of its BMC, never after.
			on := &Context{Context: context.Background(), Channel: channelIPMB, LUN: m.ToLUN,
				Privilege: ipmi.PrivilegeAdministrator}
			to.Answer(on, m.NetFn, m.Cmd, m.Data, func(cc ipmi.CompletionCode, data []byte) {
				answer := m.Reply(cc, data)
				b.do(func() { b.bridged(back, tracked, &answer) })
			})
		})
	})
	return r, nil
}

// smsLUN is the LUN of the BMC by which messages reach system management software (§6.13.1).
const smsLUN = 2

// codeInvalidHandle is the completion code of Send Message for a session that there is none of
// (Table 22-9).
const codeInvalidHandle ipmi.CompletionCode = 0x80

// forSystem returns a message as system management software finds it in the queue: with the handle
// of its session in front, 0 if it did not come in one (Table 22-8).
func forSystem(ctx *Context, message []byte) ipmi.Message {
	handle := uint8(0)
	if ctx.session != nil {
		handle = ctx.session.handle
	}
	return ipmi.Message{Privilege: ctx.Privilege, Channel: ctx.Channel,
		Data: append([]byte{handle}, message...)}
}

// toSystem puts a message that a session sent to the LUN of system management software into the
// queue (§6.13.1). A request is answered by that software, unless it cannot be reached.
func (b *BMC) toSystem(ctx *Context, m *rmcp.Message) {
	err := b.messaging.receive(forSystem(ctx, rmcp.AppendMessage(nil, m)))
	if code := ipmi.CodeUnspecified; err != nil && !m.NetFn.IsResponse() {
		errors.As(err, &code)
		answer := m.Reply(code, nil)
		b.respond(ctx.session, false, rmcp.AppendMessage(nil, &answer))
	}
}

// toConsole sends what system management software has for the remote console of a session, whose
// handle is in front (Table 22-10), with the authentication of that session.
func (b *BMC) toConsole(data []byte) error {
	if len(data) == 0 {
		return ipmi.CodeDataLengthInvalid
	}
	m, err := rmcp.ParseMessage(data[1:])
	if err != nil {
		return ipmi.CodeInvalidDataField
	}
	s := b.sessions.byHandle(data[0])
	if s == nil {
		return codeInvalidHandle
	}
	b.respond(s, false, rmcp.AppendMessage(nil, &m))
	return nil
}

// An origin is where a bridged request came from.
type origin struct {
	session *session    // nil: none
	line    *serialLine // nil: none
	logins  uint32      // of the line
}

// bridged takes an answer that came over the IPMB.
func (b *BMC) bridged(back origin, tracked bool, answer *rmcp.Message) {
	s := back.session
	switch {
	case !tracked && answer.ToLUN == smsLUN:
		// As it came over the bus, but for the BMC's own address in front (Table 22-8).
		answer.To = ipmi.AddressBMC
		if err := b.messaging.receive(ipmi.Message{Channel: channelIPMB,
			Data: rmcp.AppendMessage(nil, answer)[1:]}); err != nil {
			b.logger.Debug("bridged answer dropped", "bmc", b.name, "err", err)
		}
	case tracked && s != nil && b.sessions.active[s.id] == s:
		answer.To, answer.ToLUN = remoteConsole, 0
		b.respond(s, s.v15 != nil && b.channels.access[settingActive].PerMessageAuthOff,
			rmcp.AppendMessage(nil, answer))
	case tracked && back.line != nil && back.line.logins.Load() == back.logins:
		answer.To, answer.ToLUN = remoteConsole, 0
		back.line.bridged(answer)
	}
}
