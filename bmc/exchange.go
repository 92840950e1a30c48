package bmc

import (
	"net/netip"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// An exchange is a datagram to the BMC, and the answer to the request in it. Exchanges are pooled,
// so that a packet needs no allocation.
type exchange struct {
	b      *BMC
	link   Link
	from   netip.AddrPort
	p      *rmcp.Packet // packet
	packet rmcp.Packet
	busy   bool // there is no room for a request

	ctx     Context      // ctx.session is nil outside a session
	message rmcp.Message // the request
	plain   bool         // its answer has no authentication code, where IPMI 1.5 leaves that open
	at      time.Time    // when the session remembered it; zero: it may be carried out twice
	waits   bool         // the answer waits for the disk
	memory  []byte
}

// exchange returns one that is not in use.
func (m *Mux) exchange() *exchange {
	if x, ok := m.exchanges.Get().(*exchange); ok {
		return x
	}
	return new(exchange)
}

// release lets another datagram use it. What is to be done after the answer may know the context.
func (r *exchange) release() {
	if len(r.ctx.after) > 0 {
		return
	}
	mux, memory, data := r.b.mux, r.memory, r.ctx.data
	*r = exchange{memory: memory}
	r.ctx.data = data
	mux.exchanges.Put(r)
}

// receive deals with the datagram.
func (r *exchange) receive(data []byte) {
	c := r.counters()
	c.Packets++
	var err error
	if r.packet, err = rmcp.Parse(data); err != nil {
		c.Malformed++
		return
	}
	r.p = &r.packet
	switch {
	case r.p.ACK:
		c.Unexpected++ // nothing that we send is to be acknowledged
	case r.p.Class == rmcp.ClassASF:
		r.ping()
	case r.p.Class != rmcp.ClassIPMI || !r.b.listening():
		c.Unexpected++
	case r.p.V20():
		r.packet20()
	default:
		r.packet15()
	}
}

func (r *exchange) counters() *Counters { return &r.b.sessions.counters }

// execute carries out the request, and answers it at once or, when it changed what lasts, after
// that is safe on disk.
func (r *exchange) execute() {
	b := r.b
	r.ctx.BMC = b
	if r.busy {
		r.finish(ipmi.CodeNodeBusy, nil)
		return
	}
	cc, out := b.mux.Answer(&r.ctx, r.message.NetFn, r.message.Cmd, r.message.Data)
	if w := r.ctx.wait; w != nil {
		r.waits = true
		w.answer = func(cc ipmi.CompletionCode) {
			if b.changed() {
				r.finishLater(cc, nil)
				return
			}
			r.finish(cc, nil)
			r.release()
		}
		return
	}
	if b.changed() {
		r.finishLater(cc, out)
		return
	}
	r.finish(cc, out)
}

func (r *exchange) finishLater(cc ipmi.CompletionCode, out []byte) {
	r.waits = true
	r.b.commit(&r.ctx, func(err error) {
		if err != nil && cc == ipmi.CodeOK {
			cc, out = ipmi.CodeUnspecified, nil
		}
		r.b.do(func() { r.finish(cc, out) })
		r.release()
	})
}

// finish answers the request.
func (r *exchange) finish(cc ipmi.CompletionCode, data []byte) {
	b, s := r.b, r.ctx.session
	answer := r.message.Reply(cc, data)
	r.memory = rmcp.AppendMessage(r.memory[:0], &answer)
	switch {
	case s != nil:
		if !r.at.IsZero() {
			if old := s.repeated(&r.message, r.at); old != nil {
				old.answer = append([]byte(nil), r.memory...)
			}
		}
		b.respond(s, r.plain, r.memory)
	case r.p.V20():
		if packet, err := rmcp.AppendPresession20(nil, ipmi.PayloadIPMI, r.memory); err == nil {
			b.transmit(r.link, r.from, packet)
		}
	default:
		if packet, err := rmcp.AppendPresession15(nil, r.memory); err == nil {
			b.transmit(r.link, r.from, packet)
		}
	}
	if cc != ipmi.CodeOK {
		return
	}
	for _, f := range r.ctx.after {
		f()
	}
}
