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

// How a Console finds out that the other end is gone.
const (
	// silence of the console after which the BMC is asked whether it is still ours
	probeAfter   = 3 * time.Second
	probeFor     = 2500 * time.Millisecond // wait for the answer
	deadAfter    = 9 * time.Second         // silence of the BMC after which it is taken for dead
	watchEvery   = 500 * time.Millisecond
	reopenMost   = 5 * time.Second // between two tries to open a console again
	activateFor  = 4 * time.Second // wait for the answer of Activate and Deactivate Payload
	activateMost = 6               // tries

	// the least time after which a packet of the console is sent again
	firstRetry = 50 * time.Millisecond
)

// consoleBuffer is how many received characters wait for their reader; then the BMC is told to
// wait.
const consoleBuffer = 64 << 10

// A ConsoleEvent is something that happens to a console beside its characters.
type ConsoleEvent int

// Console events.
const (
	ConsoleUnavailable ConsoleEvent = iota // the host is off or asleep
	ConsoleAvailable                       // it is no longer
	ConsoleOverrun                         // the BMC has lost characters of the host
	ConsoleBreak                           // the host has sent a break
	// the BMC does not answer; the console is being opened again
	ConsoleLost
	ConsoleReopened  // and has been; what was typed meanwhile is lost
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

// WithAbandoned asks f about a session that has the console open. When f says that it is one of our
// own whose program is gone, the console is deactivated there without asking.
func WithAbandoned(f func(sessionID uint32) bool) ConsoleOption {
	return func(c *consoleConfig) { c.abandoned = f }
}

// WithReconnect opens the console again when the BMC was silent, such as for a reset of the BMC,
// until the console is closed. A console that somebody else has closed is not opened again.
func WithReconnect() ConsoleOption { return func(c *consoleConfig) { c.reconnect = true } }

// WithoutProbes sends nothing while nothing is typed. The end of the BMC is then noticed only by
// who types.
func WithoutProbes() ConsoleOption { return func(c *consoleConfig) { c.noProbe = true } }

// WithEmptyPackets makes an idle console send a packet without characters, which the BMC is to
// acknowledge.
func WithEmptyPackets() ConsoleOption { return func(c *consoleConfig) { c.emptyKeep = true } }

// WithEvents makes f get what happens to the console. f must not call the Console, and is not
// called twice at a time.
func WithEvents(f func(ConsoleEvent)) ConsoleOption {
	return func(c *consoleConfig) { c.events = f }
}

// A ConsoleTakenError says who has the console open, as far as the BMC tells.
type ConsoleTakenError struct {
	Instance  uint8
	SessionID uint32            // the BMC's; 0: it does not tell
	Session   *ipmi.SessionInfo // nil: it does not tell
}

func (e *ConsoleTakenError) Error() string { return ErrConsoleTaken.Error() }

// Is makes a ConsoleTakenError an ErrConsoleTaken.
func (e *ConsoleTakenError) Is(target error) bool { return target == ErrConsoleTaken }

// A Console is the serial console of a host, over Serial over LAN (§15). Its methods may be called
// by many goroutines at a time. No character is lost, doubled or out of order as long as the
// console is not lost altogether.
type Console struct {
	config  consoleConfig
	first   *Session // that the caller opened
	session *Session // that has the payload: first, or one of our own to another port

	background context.Context
	cancel     context.CancelCauseFunc
	done       chan struct{} // closed when the goroutine has ended
	wake       chan struct{} // there may be something to send

	mu         sync.Mutex
	stream     *sol.Stream
	generation int // log-in of session under which the payload was activated
	owner      consoleOwner
	former     uint32 // the BMC's ID of the log-in that was lost last
	in         []byte
	changed    chan struct{} // closed and replaced when a waiting call may go on
	heard      time.Time     // when the last packet of the console came
	flags      sol.Flags     // statuses that came with it
	happened   []ConsoleEvent
	ended      bool  // the BMC said that the console is deactivated
	err        error // why there is no console any more
}

// OpenConsole activates Serial over LAN in a session over lanplus. The session must outlive the
// console; it can carry out commands beside it, but has one console at a time.
//
// The errors are *ipmi.Error; errors.Is tells apart ErrConsoleTaken, ErrConsoleNeedsLANPlus, and
// the completion codes of Activate Payload (ipmi.CodePayloadDisabled and its neighbours).
func OpenConsole(ctx context.Context, s *Session, opts ...ConsoleOption) (*Console, error) {
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

// claimPayload is HandlePayload for a type that nobody handles yet; it reports false if somebody
// does.
func (s *Session) claimPayload(t ipmi.PayloadType, f func([]byte)) bool {
	s.mu.Lock()
	taken := s.handlers[t] != nil
	s.mu.Unlock()
	if !taken {
		s.HandlePayload(t, f)
	}
	return !taken
}

// Session returns what is known of the session that carries the console.
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
		c.nudge() // it may have left something to answer all the same
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
	_ = p.UnmarshalBinary(payload) // the stream has read it already
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

// Read waits for characters of the host and returns at least one. The error after the last of them
// is *ipmi.Error: of ErrConsoleDeactivated, ErrConsoleSilent, ipmi.ErrTimeout (the BMC is silent)
// or ipmi.ErrClosed (Close was called).
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

// Write sends characters to the host. It returns when all of them are on their way or wait to be
// sent, of which there is room for 64 KB; a host that takes none makes it wait. Flush waits until
// the BMC has them.
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

// Acknowledged returns how many characters the BMC has acknowledged since the console was opened,
// or opened again.
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

// tell tells of events, those that the receive loop has seen among them.
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

// carry sends what there is to send until the console has ended, and returns why.
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

// whyDeactivated tells a console that somebody has closed from one that ends because the BMC
// restarts: that BMC does not know the session any more.
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
