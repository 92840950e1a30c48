package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lom/ipmi"
	"lom/sol"
)

// Errors of consoles.
var (
	// ErrConsoleTaken is the error of a console that another session has open; it is a
	// *ConsoleTakenError.
	ErrConsoleTaken = errors.New("the console is open in another session")
	// ErrConsoleDeactivated ends a console that somebody else has closed.
	ErrConsoleDeactivated = errors.New("the console was closed by another session or by the BMC")
	// ErrConsoleSilent ends a console whose session lives, but whose characters the BMC no longer
	// acknowledges.
	ErrConsoleSilent = errors.New("the BMC no longer answers on the console")
	// ErrConsoleNeedsLANPlus is the error of a session over IPMI 1.5, which has no Serial over LAN.
	ErrConsoleNeedsLANPlus = errors.New("consoles need IPMI 2.0")
)

// Timeouts of a Console, and how it finds out that the BMC is gone.
const (
	// idle time of the console after which the BMC is asked whether it is still ours
	probeAfter = 3 * time.Second
	probeFor   = 2500 * time.Millisecond // wait for the answer
	// time without a packet after which the BMC is taken for dead
	deadAfter    = 9 * time.Second
	watchEvery   = 500 * time.Millisecond
	reopenMost   = 5 * time.Second // between two tries to reopen a console
	activateFor  = 4 * time.Second // wait for the answer of Activate and Deactivate Payload
	activateMost = 6               // tries

	// the shortest timeout after which a packet of the console is retransmitted
	firstRetry = 50 * time.Millisecond
)

// consoleBuffer is how many received characters are buffered. When it is full, the BMC is made to
// wait.
const consoleBuffer = 64 << 10

// A ConsoleEvent is something that happens to a console, other than characters.
type ConsoleEvent int

// Console events.
const (
	ConsoleUnavailable ConsoleEvent = iota // the host is off or asleep
	ConsoleAvailable                       // it is no longer
	ConsoleOverrun                         // the BMC has lost characters of the host
	ConsoleBreak                           // the host has sent a break
	// the BMC does not answer; the console is being reopened
	ConsoleLost
	ConsoleReopened  // it was reopened; what was typed meanwhile is lost
	ConsoleTakenOver // another session had the console, and was deactivated
	ConsoleHealed    // that session was an abandoned one of our own
	// the BMC cannot encrypt the console, which goes in the clear
	ConsolePlain
)

// A ConsoleOption changes how [OpenConsole] opens a console.
type ConsoleOption func(*consoleConfig)

type consoleConfig struct {
	instance  uint8
	takeOver  bool
	reconnect bool
	noProbe   bool
	emptyKeep bool
	events    func(ConsoleEvent)
	abandoned func(sessionID uint32) bool
}

// WithInstance chooses the instance of the payload, 1 (the default) to 15.
func WithInstance(n uint8) ConsoleOption { return func(c *consoleConfig) { c.instance = n } }

// WithTakeover deactivates the console in another session that has it open.
func WithTakeover() ConsoleOption { return func(c *consoleConfig) { c.takeOver = true } }

// WithAbandoned makes OpenConsole call f with the ID of a session that has the console open. If f
// returns true, the session is one of our own whose program is gone, and its console is
// deactivated.
func WithAbandoned(f func(sessionID uint32) bool) ConsoleOption {
	return func(c *consoleConfig) { c.abandoned = f }
}

// WithReconnect reopens the console after the BMC was silent, as during its reset, until the
// console is closed. A console that somebody else has closed is not reopened.
func WithReconnect() ConsoleOption { return func(c *consoleConfig) { c.reconnect = true } }

// WithoutProbes makes an idle console send nothing. That the BMC is gone is then noticed only when
// something is typed.
func WithoutProbes() ConsoleOption { return func(c *consoleConfig) { c.noProbe = true } }

// WithEmptyPackets makes an idle console send empty packets as keep-alives, which the BMC is to
// acknowledge.
func WithEmptyPackets() ConsoleOption { return func(c *consoleConfig) { c.emptyKeep = true } }

// WithEvents makes f receive the events of the console, one at a time. f must not call the Console.
func WithEvents(f func(ConsoleEvent)) ConsoleOption {
	return func(c *consoleConfig) { c.events = f }
}

// A ConsoleTakenError says which session has the console open, as far as the BMC reports it.
type ConsoleTakenError struct {
	Instance  uint8
	SessionID uint32            // the BMC's; 0: not known
	Session   *ipmi.SessionInfo // nil: not known
}

func (e *ConsoleTakenError) Error() string { return ErrConsoleTaken.Error() }

// Is makes a ConsoleTakenError an ErrConsoleTaken.
func (e *ConsoleTakenError) Is(target error) bool { return target == ErrConsoleTaken }

// A Console is the serial console of a host, over Serial over LAN (§15). Its methods may be called
// by many goroutines at a time. No character is lost, doubled or reordered unless the whole console
// is lost.
type Console struct {
	config  consoleConfig
	first   *Session // which the caller opened
	session *Session // that has the payload: first, or one of our own to another port

	background context.Context
	cancel     context.CancelCauseFunc
	done       chan struct{} // closed when the goroutine has ended
	wake       chan struct{} // there may be something to send

	mu         sync.Mutex
	stream     *sol.Stream
	generation int // of session, when the payload was activated
	owner      consoleOwner
	former     uint32 // the BMC's ID of the log-in that was lost last
	in         []byte
	changed    chan struct{} // closed and replaced when a waiting call may continue
	heard      time.Time     // when the last packet of the console came
	flags      sol.Flags     // statuses that came with it
	happened   []ConsoleEvent
	ended      bool  // the BMC said that the console is deactivated
	err        error // why the console has ended
}

// OpenConsole activates Serial over LAN in a session over lanplus. The session must outlive the
// console. It can send commands meanwhile, but has one console at a time.
//
// The errors are *ipmi.Error; errors.Is tells apart ErrConsoleTaken, ErrConsoleNeedsLANPlus, and
// the completion codes of Activate Payload (ipmi.CodePayloadDisabled and its neighbours).
func OpenConsole(ctx context.Context, conn PayloadConn, opts ...ConsoleOption) (*Console, error) {
	s := conn.payloads()
	c := &Console{
		config: consoleConfig{instance: 1}, first: s, session: s,
		done: make(chan struct{}), wake: make(chan struct{}, 1), changed: make(chan struct{}),
	}
	for _, o := range opts {
		o(&c.config)
	}
	fail := func(err error) (*Console, error) {
		return nil, &ipmi.Error{Op: "open console", Peer: s.peer.String(), Err: err}
	}
	switch {
	case c.config.instance < 1 || c.config.instance > 15:
		return fail(&ipmi.RangeError{Field: "console instance", Value: c.config.instance, Max: 15})
	case s.Info().Interface != LANPlus:
		return fail(ErrConsoleNeedsLANPlus)
	case !s.claimPayload(ipmi.PayloadSOL, c.receive):
		return fail(errors.New("this session has a console already"))
	}
	c.background, c.cancel = context.WithCancelCause(context.Background())
	if err := c.open(ctx); err != nil {
		c.cancel(ipmi.ErrClosed)
		s.HandlePayload(ipmi.PayloadSOL, nil)
		c.leaveSecond()
		return fail(err)
	}
	go c.run()
	return c, nil
}

// claimPayload is HandlePayload that returns false if the type has a handler already.
func (s *Session) claimPayload(t ipmi.PayloadType, f func([]byte)) bool {
	s.mu.Lock()
	taken := s.handlers[t] != nil
	s.mu.Unlock()
	if !taken {
		s.HandlePayload(t, f)
	}
	return !taken
}

// Session describes the session that carries the console.
func (c *Console) Session() Info {
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	return s.Info()
}

// receive takes a packet of the console. It runs on the receive loop of the session, which has
// checked it.
func (c *Console) receive(payload []byte) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stream == nil {
		return
	}
	r, err := c.stream.Receive(now, payload, consoleBuffer-len(c.in))
	if err != nil {
		c.nudge() // it may have to be acknowledged all the same
		return
	}
	c.heard = now
	c.in = append(c.in, r.Data...)
	if r.Flags&sol.Deactivated != 0 {
		c.ended = true
	}
	for _, once := range []struct {
		flag  sol.Flags
		event ConsoleEvent
	}{{sol.Overrun, ConsoleOverrun}, {sol.BreakDetected, ConsoleBreak}} {
		if r.Flags&once.flag != 0 {
			c.happened = append(c.happened, once.event)
		}
	}
	var p sol.Packet
	_ = p.UnmarshalBinary(payload) // the stream has parsed it without an error
	if (p.Flags^c.flags)&sol.Unavailable != 0 {
		event := ConsoleAvailable
		if p.Flags&sol.Unavailable != 0 {
			event = ConsoleUnavailable
		}
		c.happened = append(c.happened, event)
	}
	c.flags = p.Flags
	c.change()
	c.nudge()
}

// change wakes the calls that wait. The caller holds mu.
func (c *Console) change() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// nudge wakes the goroutine that sends.
func (c *Console) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// wait waits until ready, which runs with mu held, reports true.
func (c *Console) wait(ctx context.Context, ready func() bool) error {
	for {
		c.mu.Lock()
		ok, err, changed := ready(), c.err, c.changed
		c.mu.Unlock()
		switch {
		case ok:
			return nil
		case err != nil:
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Read waits for characters from the host and returns at least one. The error after the last of
// them is *ipmi.Error: of ErrConsoleDeactivated, ErrConsoleSilent, ipmi.ErrTimeout (the BMC is
// silent) or ipmi.ErrClosed (Close was called).
func (c *Console) Read(ctx context.Context, p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	err = c.wait(ctx, func() bool {
		n = copy(p, c.in)
		if c.in = c.in[n:]; len(c.in) == 0 {
			c.in = nil
		}
		return n > 0
	})
	return n, err
}

// Write sends characters to the host. It returns when all of them are sent or buffered (64 KB), so
// it blocks while the host takes none. Flush waits until the BMC has acknowledged them.
func (c *Console) Write(ctx context.Context, p []byte) (n int, err error) {
	err = c.wait(ctx, func() bool {
		if c.err != nil {
			return false
		}
		if c.stream != nil {
			if k := c.stream.Write(time.Now(), p[n:]); k > 0 {
				n += k
				c.nudge() // only then: send wakes those who wait for room
			}
		}
		return n == len(p)
	})
	return n, err
}

// Flush waits until the BMC has acknowledged everything that was written.
func (c *Console) Flush(ctx context.Context) error {
	return c.wait(ctx, func() bool { return c.err == nil && c.stream != nil && c.stream.Idle() })
}

// Acknowledged returns how many characters the BMC has acknowledged since the console was opened or
// reopened.
func (c *Console) Acknowledged() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stream == nil {
		return 0
	}
	return c.stream.Acknowledged()
}

// Break sends a break to the host.
func (c *Console) Break() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stream != nil {
		c.stream.Do(sol.SendBreak)
		c.nudge()
	}
	return c.err
}

// Close deactivates the console. It does not close the session.
func (c *Console) Close() error {
	c.cancel(ipmi.ErrClosed)
	<-c.done
	return nil
}

// run is the goroutine of the console.
func (c *Console) run() {
	defer close(c.done)
	err := c.carry()
	for c.config.reconnect && errors.Is(err, errConsoleLost) {
		c.tell(ConsoleLost)
		if err = c.reopen(); err == nil {
			c.tell(ConsoleReopened)
			err = c.carry()
		}
	}
	closing := errors.Is(err, ipmi.ErrClosed) && c.background.Err() != nil
	c.mu.Lock()
	c.stream, c.err = nil, &ipmi.Error{Op: "console", Peer: c.first.peer.String(), Err: err}
	same := c.session.Generation() == c.generation
	c.change()
	c.mu.Unlock()
	if closing && same {
		ctx, cancel := context.WithTimeout(context.Background(), activateFor)
		_ = c.deactivate(ctx)
		cancel()
	}
	c.first.HandlePayload(ipmi.PayloadSOL, nil)
	c.leaveSecond()
	c.cancel(ipmi.ErrClosed)
}

// tell delivers events, with those that the receive loop has noted.
func (c *Console) tell(more ...ConsoleEvent) {
	c.mu.Lock()
	all := append(c.happened, more...)
	c.happened = nil
	c.mu.Unlock()
	if c.config.events != nil {
		for _, e := range all {
			c.config.events(e)
		}
	}
}

// carry sends and retransmits until the console has ended, and returns why.
func (c *Console) carry() error {
	ctx, cancel := context.WithCancel(c.background)
	verdict := make(chan error, 1)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		if err := c.watch(ctx); err != nil {
			verdict <- err
		}
	}()
	defer func() {
		cancel()
		<-watching
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next, err := c.send()
		if err != nil {
			return err
		}
		c.tell()
		if c.deactivated() {
			return c.whyDeactivated(ctx)
		}
		timer.Stop()
		if !next.IsZero() {
			timer.Reset(time.Until(next))
		}
		select {
		case <-c.wake:
		case <-timer.C:
		case err := <-verdict:
			return err
		case <-c.background.Done():
			return ipmi.ErrClosed
		}
	}
}

// send sends what the stream has to send, and returns when to ask it again.
func (c *Console) send() (time.Time, error) {
	for {
		c.mu.Lock()
		payload, next := c.stream.Poll(time.Now())
		s := c.session
		if payload == nil {
			c.change() // there may be room to write, or everything is acknowledged
		}
		c.mu.Unlock()
		if payload == nil {
			return next, nil
		}
		if err := s.SendPayload(ipmi.PayloadSOL, payload); err != nil {
			return next, err
		}
	}
}

func (c *Console) deactivated() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// whyDeactivated distinguishes a console that somebody has closed from one that ended because the
// BMC restarted and so does not know the session any more.
func (c *Console) whyDeactivated(ctx context.Context) error {
	if c.config.reconnect {
		ctx, cancel := context.WithTimeout(ctx, activateFor)
		defer cancel()
		if _, err := c.session.do(ctx, ipmi.RawRequest{Command: ipmi.GetDeviceID{}.Command()},
			nil); err != nil {
			return fmt.Errorf("%w: %w", errConsoleLost, ErrConsoleDeactivated)
		}
	}
	return ErrConsoleDeactivated
}
