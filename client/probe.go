package client

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// A probe is a request outside a session, such as those of a log-in, and the wait for its answer.
type probe struct {
	mu       sync.Mutex
	accept   func(*rmcp.Packet) bool
	finished bool
	err      error
	done     chan struct{}
}

// take offers a packet to the probe and reports whether it was the answer.
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

// fail ends the wait with an error.
func (p *probe) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.finished {
		return
	}
	p.finished, p.err = true, err
	close(p.done)
}

// probe sends what packet appends and retransmits it by the schedule until accept returns true for
// a packet from the peer. accept runs on the receive loop. It must neither block nor retain the
// packet.
func (e *endpoint) probe(ctx context.Context, peer netip.AddrPort, schedule retrySchedule,
	packet func(dst []byte) ([]byte, error), accept func(*rmcp.Packet) bool) error {
	p := &probe{accept: accept, done: make(chan struct{})}
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return ipmi.ErrClosed
	}
	e.probes[peer] = append(e.probes[peer][:len(e.probes[peer]):len(e.probes[peer])], p)
	e.mu.Unlock()
	defer p.fail(ipmi.ErrClosed) // accept is not called any more
	defer e.removeProbe(peer, p)

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
			if late := e.timers.lag.note(due, now); late > 0 { // the answer may wait to be read
				due = now.Add(min(late, lagRead))
				timer.Reset(min(late, lagRead))
				continue
			}
		}
		p.mu.Lock()
		if p.finished { // at the same moment; packet need not have another one
			p.mu.Unlock()
			return p.err
		}
		wait, ok := schedule.wait(sent)
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
		e.write(b, peer)
		due = time.Now().Add(wait)
		timer.Reset(wait)
	}
}

func (e *endpoint) removeProbe(peer netip.AddrPort, p *probe) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var rest []*probe
	for _, q := range e.probes[peer] {
		if q != p {
			rest = append(rest, q)
		}
	}
	if rest == nil {
		delete(e.probes, peer)
		return
	}
	e.probes[peer] = rest
}
