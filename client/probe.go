package client

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// A probe is an exchange outside a session.
type probe struct {
	mu       sync.Mutex
	accept   func(*rmcp.Packet) bool
	finished bool
	err      error
	done     chan struct{}
}

// take gives a packet to the probe and reports whether it was the answer.
func (p *probe) take(packet *rmcp.Packet) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.finished || !p.accept(packet) {
		return false
	}
	p.finished = true
	close(p.done)
	return true
}

// fail ends the probe with an error.
func (p *probe) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.finished {
		return
	}
	p.finished, p.err = true, err
	close(p.done)
}

// probe sends the packet that packet appends, again and again as patience allows, until accept
// takes a packet from the peer. accept runs on the receive loop, must not block, and must not
// keep the packet.
func (m *mux) probe(ctx context.Context, peer netip.AddrPort, pat patience,
	packet func(dst []byte) ([]byte, error), accept func(*rmcp.Packet) bool) error {
	p := &probe{accept: accept, done: make(chan struct{})}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return ipmi.ErrClosed
	}
	m.probes[peer] = append(m.probes[peer][:len(m.probes[peer]):len(m.probes[peer])], p)
	m.mu.Unlock()
	defer p.fail(ipmi.ErrClosed) // accept is not called any more
	defer m.removeProbe(peer, p)

	var buf []byte
	timer := time.NewTimer(0)
	defer timer.Stop()
	sent, due := 0, time.Now()
	for {
		select {
		case <-p.done:
			return p.err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		if now := time.Now(); sent > 0 {
			if late := m.alarms.lag.note(due, now); late > 0 { // the answer may be there
				due = now.Add(min(late, lagRead))
				timer.Reset(min(late, lagRead))
				continue
			}
		}
		p.mu.Lock()
		if p.finished { // at the same moment; packet may have nothing more to say
			p.mu.Unlock()
			return p.err
		}
		wait, ok := pat.wait(sent)
		if !ok {
			p.mu.Unlock()
			return ipmi.ErrTimeout
		}
		sent++
		b, err := packet(buf[:0])
		p.mu.Unlock()
		if err != nil {
			return err
		}
		buf = b
		m.write(b, peer)
		due = time.Now().Add(wait)
		timer.Reset(wait)
	}
}

func (m *mux) removeProbe(peer netip.AddrPort, p *probe) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rest []*probe
	for _, q := range m.probes[peer] {
		if q != p {
			rest = append(rest, q)
		}
	}
	if rest == nil {
		delete(m.probes, peer)
		return
	}
	m.probes[peer] = rest
}
