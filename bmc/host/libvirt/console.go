package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"lom/bmc/host"
	"lom/bmc/host/serial"
)

// A console is the first console of a domain. It is open while somebody is attached, or while its
// history is kept, because libvirt gives it to one at a time, and "virsh console" is to have it
// else.
type console struct {
	*serial.Port
	m *Machine

	mu       sync.Mutex
	attached bool
	changed  chan struct{} // closed and replaced when attached changes
	stream   *stream       // nil: none
}

// Console implements host.ConsoleOwner.
func (m *Machine) Console() host.Console {
	if m.wrong != nil {
		return nil
	}
	c := &console{m: m, changed: make(chan struct{})}
	m.mu.Lock()
	m.console = c
	m.mu.Unlock()
	c.Port = serial.New(serial.Config{Open: c.open, History: m.cfg.History})
	return c
}

// Attach implements host.Console.
func (c *console) Attach(notify func()) {
	c.Port.Attach(notify)
	c.set(true)
}

// Detach implements host.Console.
func (c *console) Detach() {
	c.Port.Detach()
	c.set(false)
}

func (c *console) set(attached bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attached = attached
	close(c.changed)
	c.changed = make(chan struct{})
	if c.stream != nil && !c.wanted() {
		c.stream.leave()
	}
}

// wanted reports whether the console is to be open. The lock is held.
func (c *console) wanted() bool { return c.attached || c.m.cfg.History > 0 }

// wantsConsole reports whether the domain's console is to be open.
func (m *Machine) wantsConsole() bool {
	m.mu.Lock()
	c := m.console
	m.mu.Unlock()
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wanted()
}

// Times of the console of a domain that is started.
const (
	consoleTime = 3 * time.Second // that it has to be opened
	// ptyTime is how long QEMU may take to notice that its pseudoterminal was opened; it looks once
	// a second, and drops what is sent before.
	ptyTime = 1100 * time.Millisecond
)

// awaitConsole waits until the console of a domain that waits to run is open.
func (m *Machine) awaitConsole(id int32) {
	late := time.NewTimer(consoleTime)
	defer late.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !m.console.has(id) {
		select {
		case <-tick.C:
		case <-late.C:
			return
		case <-m.ctx.Done():
			return
		}
	}
	select {
	case <-time.After(ptyTime):
	case <-m.ctx.Done():
	}
}

// has reports whether the console of the domain with that number is open.
func (c *console) has(id int32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stream != nil && c.stream.id == id
}

// open opens the console, as soon as it is wanted and the domain runs.
func (c *console) open(ctx context.Context) (io.ReadWriteCloser, error) {
	for {
		c.mu.Lock()
		wanted, attached := c.wanted(), c.changed
		c.mu.Unlock()
		c.m.mu.Lock()
		runs, changed := c.m.power() == host.On, c.m.changed
		c.m.mu.Unlock()
		if wanted && runs {
			break
		}
		select {
		case <-attached:
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	s, err := c.m.openStream(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.wanted() {
		s.Close()
		return nil, errors.New("the console is not wanted any more")
	}
	c.stream = s
	return s, nil
}

// A stream is an open console. It has a connection to libvirt's daemon of its own: while nobody
// takes its characters, nothing else comes by it either.
type stream struct {
	m       *Machine
	link    *link
	id      int32  // of the domain
	chardev string // of QEMU, "" if it is not known
	heard   *io.PipeReader
	typed   *io.PipeWriter
	ended   chan struct{}
}

// openStream opens the console of the domain.
func (m *Machine) openStream(ctx context.Context) (*stream, error) {
	l, err := m.target.open(ctx, queryTime)
	if err != nil {
		return nil, err
	}
	d, err := l.domain(m.cfg.Domain)
	var text string
	if err == nil {
		text, err = l.xml(d, 0)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	s := &stream{m: m, link: l, id: d.ID, ended: make(chan struct{})}
	if of, err := readDescription(text); err == nil && of.console != "" {
		s.chardev = "char" + of.console
	}
	var hears *io.PipeWriter
	var types *io.PipeReader
	s.heard, hears = io.Pipe()
	types, s.typed = io.Pipe()
	go func() {
		defer close(s.ended)
		err = l.DomainOpenConsoleBidirectional(d, nil, types, drain{hears}, 0)
		end := err
		if end == nil {
			end = io.EOF
		}
		hears.CloseWithError(end)
		types.CloseWithError(end)
		l.close()
	}()
	late := time.NewTimer(queryTime)
	defer late.Stop()
	select {
	case <-l.conn.begun:
		return s, nil
	case <-late.C:
		err = errors.New("libvirt does not open the console")
		s.Close()
		return nil, err
	case <-s.ended:
		if err == nil {
			err = io.EOF
		}
		return nil, fmt.Errorf("the console of %s: %w", m.cfg.Domain, err)
	}
}

// drain writes to a pipe, and drops what nobody reads any more: go-libvirt waits for ever if a
// stream is left before its end.
type drain struct{ *io.PipeWriter }

func (d drain) Write(p []byte) (int, error) {
	_, _ = d.PipeWriter.Write(p)
	return len(p), nil
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) { return s.heard.Read(p) }

// Write implements io.Writer.
func (s *stream) Write(p []byte) (int, error) { return s.typed.Write(p) }

// leave has who reads the stream close it.
func (s *stream) leave() {
	s.heard.Close()
	s.typed.Close()
}

// Close implements io.Closer.
func (s *stream) Close() error {
	s.leave()
	s.link.conn.Close()
	<-s.ended
	return nil
}

// Break implements serial.Breaker. Libvirt has no break; QEMU has, and takes it past libvirt.
func (s *stream) Break() error {
	if s.chardev == "" || s.m.target.driver() != "qemu" {
		return host.ErrUnsupported
	}
	ctx, cancel := context.WithTimeout(context.Background(), queryTime)
	defer cancel()
	l, err := s.m.target.open(ctx, queryTime)
	if err != nil {
		return err
	}
	defer l.close()
	d, err := l.domain(s.m.cfg.Domain)
	if err != nil {
		return err
	}
	command := fmt.Sprintf(`{"execute":"chardev-send-break","arguments":{"id":%q}}`, s.chardev)
	return l.query(func() error {
		answer, err := l.QEMUDomainMonitorCommand(d, command, 0)
		if err == nil && strings.Contains(answer, `"error"`) {
			err = errors.New("QEMU refuses to send a break")
		}
		return err
	})
}
