package bmc

import (
	"context"
	"net"
	"sync"

	"lom/bmc/host"
	"lom/ipmi"
)

// systemInterface is the way of the machine's own software to the BMC: for it, a KCS or BT
// interface (§9, §11); here, a connection from QEMU.
type systemInterface struct {
	listener net.Listener // nil: the host has none
	serving  sync.WaitGroup
	over     chan struct{} // closed when the BMC is
	once     sync.Once     // closes over
	conn     *vmConn       // the machine that is connected, nil if none is
}

// serveSystemInterface begins to listen to the host's machine, if it has a way to the BMC.
func (b *BMC) serveSystemInterface() {
	h, ok := b.host.(host.SystemInterfacer)
	if !ok {
		return
	}
	s := &b.systemInterface
	if s.listener = h.SystemInterface(); s.listener == nil {
		return
	}
	s.over = make(chan struct{})
	s.serving.Go(func() {
		for {
			c, err := s.listener.Accept()
			if err != nil {
				return // the host has closed it
			}
			s.serving.Go(func() { b.serveVM(c) })
		}
	})
}

// stop ends the connection, and returns when nobody uses it. The host has closed the listener.
func (s *systemInterface) stop() {
	if s.listener != nil {
		s.once.Do(func() { close(s.over) })
		s.listener.Close()
		s.serving.Wait()
	}
}

// A vmConn is a connection of a machine. The fields are under the lock of the BMC, but for the
// first.
type vmConn struct {
	out chan []byte // frames to send; closed by nobody

	can   uint8     // what the machine announced
	known bool      // it did
	sent  vmCommand // the attention that was last reported to it
	irq   vmCommand // whether it may interrupt, as last reported to it
}

// vmBacklog is how many frames may wait for a machine to read them. It has one request under way at
// a time.
const vmBacklog = 64

// send sends a frame, and drops it if the machine does not read.
func (v *vmConn) send(f vmFrame) {
	select {
	case v.out <- f.append(nil):
	default:
	}
}

// serveVM serves one connection until it ends. The last one that came is the machine's: a former
// one that has not ended yet is of a machine that is gone.
func (b *BMC) serveVM(conn net.Conn) {
	s := &b.systemInterface
	v := &vmConn{out: make(chan []byte, vmBacklog)}
	ended := make(chan struct{})
	s.serving.Go(func() {
		for {
			select {
			case p := <-v.out:
				if _, err := conn.Write(p); err != nil {
					conn.Close()
					return
				}
			case <-ended:
				return
			}
		}
	})
	s.serving.Go(func() {
		select {
		case <-ended:
		case <-s.over:
		}
		conn.Close()
	})
	defer close(ended)
	b.do(func() {
		s.conn = v
		v.send(vmVersionIs.frame(vmVersion))
	})
	defer b.do(func() {
		if s.conn == v {
			s.conn = nil
		}
	})
	var frames vmReader
	buf := make([]byte, 512)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		for _, c := range buf[:n] {
			f, ok := frames.next(c)
			if !ok {
				continue
			}
			if f.Command {
				b.do(func() { v.command(b, f.Bytes) })
			} else if r, ok := f.request(); ok && !b.answerVM(v, r) {
				return
			}
		}
	}
}

// command takes a command of the machine.
func (v *vmConn) command(b *BMC, bytes []byte) {
	if vmCommand(bytes[0]) == vmCapabilities && len(bytes) == 2 {
		v.can, v.known = bytes[1], true
		// neither: it may remember what a former connection told it
		v.sent, v.irq = vmVersionIs, vmVersionIs
		v.update(b)
	}
}

// answerVM carries out a request of the machine and returns when the answer is under way, so that a
// machine that floods its BMC waits; false if the BMC was closed.
func (b *BMC) answerVM(v *vmConn, r vmRequest) bool {
	r.Data = append([]byte(nil), r.Data...)
	answered := make(chan struct{})
	ctx := &Context{Context: context.Background(), Channel: channelSystem, LUN: r.LUN,
		Privilege: ipmi.PrivilegeSystem}
	if r.NetFn.IsResponse() {
		return true
	}
	b.Answer(ctx, r.NetFn, r.Cmd, r.Data, func(cc ipmi.CompletionCode, data []byte) {
		v.send(r.answer(cc, data))
		close(answered)
	})
	select {
	case <-answered:
		return true
	case <-b.systemInterface.over:
		return false
	}
}

// update reports to the machine whether it may interrupt, and whether the BMC has something for it
// (§22.4), if that has changed.
func (v *vmConn) update(b *BMC) {
	if !v.known {
		return
	}
	m := &b.messaging
	irq := vmDisableIRQ
	if m.enables.EventBufferFullIRQ || m.enables.ReceiveQueueIRQ {
		irq = vmEnableIRQ
	}
	if irq != v.irq && v.can&vmCanIRQ != 0 {
		v.irq = irq
		v.send(irq.frame())
	}
	now := vmNoAttention
	switch f := m.flags(); {
	case f.ReceiveQueue && m.enables.ReceiveQueueIRQ,
		(f.EventBuffer || f.WatchdogPreTimeout) && m.enables.EventBufferFullIRQ:
		now = vmInterrupt
	case f.ReceiveQueue, f.EventBuffer, f.WatchdogPreTimeout:
		now = vmAttention
	}
	if now != v.sent && v.can&vmCanAttention != 0 {
		v.sent = now
		v.send(now.frame())
	}
}
