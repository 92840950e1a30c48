package bmc

import (
	"time"

	"lom/bmc/host"
	"lom/ipmi"
	"lom/rmcp"
	"lom/sol"
)

// solPayload is Serial over LAN (§15): one instance, between the session that activated it and the
// host's serial port.
//
//	host -> console's buffer -> stream -> packets        pump, whenever there is room
//	packets -> stream -> console's buffer -> host        receive
//
// Everything runs under the lock, at a packet, at a word from the console or the host, or at the
// stream's next timer. A session that takes no more characters makes the host wait; one that is
// silent does not.
type solPayload struct {
	console host.Console
	kind    *payloadKind

	stream *sol.Stream // nil while SOL is not active
	timer  Timer       // of the stream; nil: none
	held   bool        // the remote console deasserted CTS
	// characters came from the remote console: what the host says next is its echo
	waiting bool
	lost    bool // characters of the host are missing after those that the stream has
	heard   bool // an SOL packet came since the activation

	// silence of the session after which the host does not wait for it any longer
	patience time.Duration
}

// Sizes of SOL payloads, with their header of four bytes: what one packet on the usual network
// holds with room for encryption, and no more characters than can be acknowledged.
const (
	solHeader       = 4
	solPayloadSize  = solHeader + 251
	solStreamBuffer = 2 << 10
)

// solPatience is the least time for which the host waits for a session that is silent. A bad
// network, which loses a third of all packets, is silent for as long once in ten million packets.
const solPatience = 15 * time.Second

func (p *solPayload) load(b *BMC) error {
	if p.console = b.cfg.Console; p.console == nil {
		return nil
	}
	p.kind = &payloadKind{
		activate: func(ctx *Context, _ uint8, auxiliary [4]byte) (ipmi.ActivatedPayload, error) {
			return p.activate(ctx, auxiliary)
		},
		deactivate: func(_ uint8, tell bool) { p.deactivate(b, tell) },
		encrypt: func(ctx *Context, op ipmi.PayloadEncryption) error {
			return p.encrypt(ctx, op)
		},
		privilege: func() ipmi.Privilege { return solValue[ipmi.SOLAuthentication](b).Privilege },
		instances: make([]*session, 1),
	}
	b.payloads[ipmi.PayloadSOL] = p.kind
	b.sessions.payload = map[ipmi.PayloadType]func(*session, []byte){
		ipmi.PayloadSOL: func(s *session, data []byte) { p.receive(b, s, data) },
	}
	b.onHostEvent(func(host.Event) { p.pump(b) })
	return nil
}

// owner is the session that has activated SOL, nil if none has.
func (p *solPayload) owner() *session { return p.kind.instances[0] }

// activate begins SOL in a session (Table 24-2).
func (p *solPayload) activate(ctx *Context,
	auxiliary [4]byte) (r ipmi.ActivatedPayload, err error) {
	b, s := ctx.BMC, ctx.session
	var how ipmi.ActivateSOL
	if err := how.UnmarshalBinary(auxiliary[:]); err != nil {
		return r, ipmi.CodeInvalidDataField
	}
	auth := solValue[ipmi.SOLAuthentication](b)
	switch suite := s.v20().CipherSuite(); {
	case !solValue[ipmi.SOLEnable](b).Enabled:
		return r, ipmi.CodePayloadDisabled
	case ctx.Privilege < auth.Privilege:
		return r, ipmi.CodeInsufficientPrivilege
	case how.Encrypt && !how.Authenticate:
		return r, ipmi.CodePayloadNoEncryption
	case auth.ForceEncryption && (!how.Encrypt || suite.Conf == rmcp.ConfNone):
		return r, ipmi.CodePayloadEncryption
	case auth.ForceAuthentication && (!how.Authenticate || suite.Integrity == rmcp.IntegrityNone):
		return r, ipmi.CodeInvalidDataField
	}
	again := p.owner() == s
	s.v20().Protect(ipmi.PayloadSOL, how.Authenticate, how.Encrypt)
	if !again || p.heard {
		if again {
			p.deactivate(b, false)
		}
		p.begin(b)
	}
	ctx.AfterAnswer(func() { p.pump(b) })
	return ipmi.ActivatedPayload{
		InboundSize: solPayloadSize, OutboundSize: solPayloadSize,
		Port: solValue[ipmi.SOLPayloadPort](b).Port, VLAN: 0xffff,
	}, nil
}

// begin attaches the console to a new stream. The host's characters flow even if the remote console
// asked for a startup handshake: that is about hardware lines, which few systems obey, and ipmitool
// and ipmiconsole ask for it and then wait for characters.
func (p *solPayload) begin(b *BMC) {
	accumulate, retry := solValue[ipmi.SOLAccumulate](b), solValue[ipmi.SOLRetry](b)
	// 0 is back to back, which must not be a flood
	interval := time.Duration(max(retry.Interval, 1)) * 10 * time.Millisecond
	p.patience = max(solPatience, 4*time.Duration(retry.Count+1)*interval)
	p.stream = sol.New(sol.Config{
		Role: sol.BMC, MaxData: solPayloadSize - solHeader, Buffer: solStreamBuffer,
		RetryInterval: interval, Retries: int(retry.Count),
		Accumulate: time.Duration(accumulate.Interval) * 5 * time.Millisecond,
		Threshold:  int(accumulate.Threshold),
	})
	p.held, p.waiting, p.lost, p.heard = false, false, false, false
	stream := p.stream
	p.console.Attach(func() {
		b.do(func() {
			if p.stream == stream {
				p.pump(b)
			}
		})
	})
}

// deactivate ends SOL. Tell sends the notice of Table 15-2 to the session that had it.
func (p *solPayload) deactivate(b *BMC, tell bool) {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.console.Detach()
	p.stream, p.timer = nil, nil
	if s := p.owner(); tell && s != nil {
		b.send(s, ipmi.PayloadSOL, solNotice(0))
	}
}

// solNotice returns the packet that says that SOL is not active, in answer to a packet if seq is
// not 0.
func solNotice(seq uint8) []byte {
	// seq came from a packet
	out, _ := sol.Packet{Ack: seq, Flags: sol.NACK | sol.Deactivated}.AppendBinary(nil)
	return out
}

// receive takes an SOL packet of a session. It has been verified.
func (p *solPayload) receive(b *BMC, s *session, data []byte) {
	if p.stream == nil || s != p.owner() {
		// A notice of the end may have been lost: who types into nothing gets another one.
		var packet sol.Packet
		if packet.UnmarshalBinary(data) == nil && packet.Sequence != 0 {
			b.send(s, ipmi.PayloadSOL, solNotice(packet.Sequence))
		}
		b.sessions.counters.Unexpected++
		return
	}
	room := 0
	if p.available(b) {
		room = p.console.Room()
	}
	r, err := p.stream.Receive(b.clock.Now(), data, room)
	if err != nil {
		b.sessions.counters.Unexpected++
		return
	}
	p.heard = true
	if !r.Again {
		p.operate(b, r.Flags)
	}
	if len(r.Data) > 0 {
		p.console.Write(r.Data)
		p.waiting = true
	}
	p.pump(b)
}

// operate carries out what the remote console asks for besides characters. Whatever there is no
// line for, such as DCD and RI, has no effect.
func (p *solPayload) operate(b *BMC, f sol.Flags) {
	p.held = f&sol.DeassertCTS != 0
	if f&sol.FlushInbound != 0 {
		p.console.Discard()
	}
	if f&sol.FlushOutbound != 0 { // the stream has dropped its own part
		p.drain()
		p.lost = false
	}
	if f&sol.SendBreak != 0 {
		if err := p.console.Break(); err != nil {
			b.logger.Debug("break", "bmc", b.name, "err", err)
		}
	}
}

// available reports whether characters can reach the host. One that cannot be seen may have a
// console that works.
func (p *solPayload) available(b *BMC) bool {
	return b.host.State().Power != host.Off && p.console.Present()
}

// drain drops what the host has sent, and reports whether that was anything.
func (p *solPayload) drain() (any bool) {
	var buf [1024]byte
	for {
		n, lost := p.console.Read(buf[:])
		any = any || n > 0 || lost
		if n == 0 {
			return any
		}
	}
}

// pump moves what the host has sent into the stream, and sends what the stream has to send.
func (p *solPayload) pump(b *BMC) {
	if p.stream == nil {
		return
	}
	now := b.clock.Now()
	var status sol.Flags
	if !p.available(b) {
		status = sol.Unavailable
	}
	p.stream.Hold(status)
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	s := p.owner()
	for {
		p.fill(now)
		packet, next := p.stream.Poll(now)
		if packet != nil {
			b.send(s, ipmi.PayloadSOL, packet)
			continue
		}
		if !next.IsZero() {
			p.timer = b.after(max(next.Sub(now), time.Millisecond), func() { p.pump(b) })
		}
		return
	}
}

// fill moves what the host has sent into the stream. What a silent session does not take is
// dropped, so that the host does not wait for it; the session gets a notice if it comes back.
func (p *solPayload) fill(now time.Time) {
	if p.stream.Stalled() && now.Sub(p.owner().last) >= p.patience {
		p.lost = p.drain() || p.lost
		return
	}
	var buf [512]byte
	for !p.held {
		n := min(p.stream.Room(), len(buf))
		if n == 0 {
			return
		}
		if p.lost {
			p.lost = false
			p.stream.Do(sol.Overrun)
		}
		n, p.lost = p.console.Read(buf[:n])
		if n == 0 {
			return
		}
		p.stream.Write(now, buf[:n])
		if p.waiting {
			p.waiting = false
			p.stream.Push()
		}
	}
}

// encrypt suspends or resumes the encryption of what goes to the remote console (§24.3).
func (p *solPayload) encrypt(ctx *Context, op ipmi.PayloadEncryption) error {
	s := ctx.session.v20()
	switch {
	case s.CipherSuite().Conf == rmcp.ConfNone:
		return codeNoPayloadEncryption
	case op == ipmi.PayloadEncryptionSuspend &&
		solValue[ipmi.SOLAuthentication](ctx.BMC).ForceEncryption:
		return codePayloadEncryptionFixed
	case op == ipmi.PayloadEncryptionRegenerate:
		s.RenewEncryption(ipmi.PayloadSOL)
		return nil
	case op > ipmi.PayloadEncryptionRegenerate:
		return ipmi.CodeInvalidDataField
	}
	s.SuspendEncryption(ipmi.PayloadSOL, op == ipmi.PayloadEncryptionSuspend)
	return nil
}
