package libvirt

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"lom/bmc/host"
)

// A Machine is a libvirt domain. Its zero value is of no use: see New.
//
// One goroutine, that of work, makes all calls, one after the other, and reports the events. What
// libvirt's daemon tells is only taken as a reason to ask: the domain's number, which is another
// one at each start, says what has happened meanwhile, also when the daemon was away.
type Machine struct {
	cfg    Config
	target target
	wrong  error // the Config is wrong
	ctx    context.Context
	cancel context.CancelFunc
	notify func(host.Event)
	jobs   chan func() // of work
	done   chan struct{}
	looked chan struct{} // closed when the first attempt to see the domain is over

	telling  sync.Mutex // keeps events in order; never taken under the lock of the BMC
	mu       sync.Mutex
	id       int32      // of the domain when it was seen last, off if it did not run then
	away     error      // nothing is known of the domain now, because of this
	sight    host.Sight // what was reported of that
	fault    error      // of the last action
	boot     host.Boot
	interval time.Duration
	console  *console      // nil: none
	changed  chan struct{} // closed and replaced when id or away changes

	// What follows belongs to New, and then to work.
	link     *link         // nil: there is none
	wait     time.Duration // until the next attempt to make one
	later    *time.Timer   // switches on after a cycle
	asked    time.Time     // when it last began from its firmware
	owed     time.Time     // when it was last ordered, and libvirt has not reported it since
	restarts bool          // it is off only to be started at once, which is not reported
}

// Numbers of a domain that does not run, and of one that was not seen yet.
const (
	off    = -1
	unseen = -2
)

// Between attempts to reach libvirt's daemon.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 2 * time.Second
)

// pollTime is from one look at the domain to the next while libvirt's daemon sends no events, so
// that a daemon that has stopped to answer is noticed.
const pollTime = 2 * time.Second

// Nothing is known of the domain while libvirt's daemon has not answered for so long: asked for the
// domain, or told to do something with it.
const (
	lateLook   = 2 * time.Second
	lateAction = 5 * time.Second
)

// maxJobs is how many actions may wait for the one under way.
const maxJobs = 8

// New returns the domain, in the state it is in if libvirt says so at once.
func New(cfg Config) *Machine {
	m := &Machine{
		cfg: cfg, jobs: make(chan func(), maxJobs), done: make(chan struct{}),
		looked: make(chan struct{}), id: unseen, interval: time.Second,
		changed: make(chan struct{}), wait: firstRetry,
	}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.later = time.NewTimer(time.Hour)
	m.later.Stop()
	if m.target, m.wrong = cfg.target(); m.wrong == nil && m.target.network == "unix" {
		if m.connect(firstTime); m.link != nil {
			m.link.patience = queryTime
		}
	}
	return m
}

// Notify implements host.Host. From here on, the domain is watched.
func (m *Machine) Notify(f func(host.Event)) {
	m.notify = f
	go m.work()
}

// Looked implements host.Watcher.
func (m *Machine) Looked() <-chan struct{} { return m.looked }

// State implements host.Host. While libvirt's daemon cannot be reached, nothing is known: the
// domain goes on without it.
func (m *Machine) State() host.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return host.State{Power: m.power(), Fault: m.fault}
}

// power returns what is known of the power. The lock is held.
func (m *Machine) power() host.Power {
	if m.away != nil || m.id == unseen {
		return host.Unknown
	}
	return host.PowerOf(m.id != off)
}

// SetCycleInterval implements host.Host.
func (m *Machine) SetCycleInterval(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.interval = d
}

// CanBoot implements host.Host.
func (m *Machine) CanBoot(b host.Boot) bool {
	_, ok := kindOf[b.Device]
	return ok || b.Device == host.BootDefault || b.Device == host.BootSetup
}

// SetBoot implements host.Host. The domain's own description is never changed: a start from
// elsewhere is made with a changed copy.
func (m *Machine) SetBoot(b host.Boot) error {
	if !m.CanBoot(b) {
		return host.ErrUnsupported
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.boot = b
	return nil
}

// Identify implements host.Host: a machine that is not there has no light, and the BMC tells itself
// what it is told.
func (m *Machine) Identify(bool) error { return nil }

// Control implements host.Host.
func (m *Machine) Control(a host.Action, done func(error)) (pending bool, err error) {
	m.mu.Lock()
	power, away := m.power(), m.away
	m.mu.Unlock()
	switch {
	case a > host.SoftShutdown:
		return false, host.ErrUnsupported
	case away != nil:
		return false, fmt.Errorf("%w: %w", host.ErrUnseen, away)
	case power == host.Off && a != host.PowerOn && a != host.PowerOff:
		return false, host.ErrState
	}
	select {
	case m.jobs <- func() { m.control(a, done) }:
		return true, nil
	default:
		return false, fmt.Errorf("%d actions wait for the one under way", maxJobs)
	}
}

// Close implements host.Host. The domain stays as it is.
func (m *Machine) Close() error {
	m.cancel()
	if m.notify != nil {
		<-m.done
	}
	if m.link != nil {
		m.link.close()
		m.link = nil
	}
	return nil
}

// work does what is asked for, one after the other, and watches the domain meanwhile.
func (m *Machine) work() {
	defer close(m.done)
	m.tellSight() // of what New has seen
	if m.link == nil && m.wrong == nil && m.power() == host.Unknown && m.away == nil {
		m.connect(firstTime)
	}
	close(m.looked)
	poll := time.NewTicker(pollTime)
	defer poll.Stop()
	for m.ctx.Err() == nil {
		if m.link == nil {
			m.offline()
			continue
		}
		select {
		case <-m.ctx.Done():
		case job := <-m.jobs:
			job()
		case <-m.link.changed:
			m.look()
		case <-m.link.resets:
			m.restarted()
		case <-m.link.conn.gone:
			m.lost(m.link.conn.reason())
		case <-poll.C:
			m.look()
		case <-m.later.C:
			m.control(host.PowerOn, nil)
		}
	}
}

// offline waits, and tries to reach libvirt's daemon.
func (m *Machine) offline() {
	if m.wrong != nil {
		m.setAway(m.wrong)
		<-m.ctx.Done()
		return
	}
	select {
	case <-m.ctx.Done():
	case job := <-m.jobs: // which was asked for before that was known
		job()
	case <-time.After(m.wait/2 + rand.N(m.wait)): // not all BMCs of a rack at the same time
		m.connect(queryTime)
	}
}

// connect connects to libvirt's daemon, and looks for the domain.
func (m *Machine) connect(patience time.Duration) {
	m.wait = min(2*m.wait, lastRetry)
	l, err := m.target.open(m.ctx, patience)
	if err == nil {
		if err = l.watch(m.cfg.Domain); err != nil {
			l.close()
		}
	}
	if err != nil {
		m.lost(err)
		return
	}
	m.link, m.wait = l, firstRetry
	m.look()
}

// lost takes notice that libvirt's daemon does not answer.
func (m *Machine) lost(err error) {
	if m.link != nil {
		m.link.close()
		m.link = nil
	}
	if m.ctx.Err() == nil {
		m.setAway(fmt.Errorf("libvirt at %s cannot be reached: %w", m.cfg.uri(), err))
	}
}

// failed reports whether a call failed, and takes notice if it was for the connection.
func (m *Machine) failed(err error) bool {
	var gone goneError
	if errors.As(err, &gone) && m.link != nil {
		m.lost(err)
	}
	return err != nil
}

// look asks for the domain.
func (m *Machine) look() {
	stop := m.overdue(lateLook)
	d, err := m.find()
	stop()
	switch {
	case err == nil:
		m.set(d.ID)
	case m.failed(err) && m.link != nil: // libvirt has refused to answer, or has no such domain
		m.setAway(err)
	}
}

// overdue notes after d that libvirt's daemon does not answer, unless stop is called before.
func (m *Machine) overdue(d time.Duration) (stop func()) {
	return host.Overdue(d, func() {
		m.setAway(fmt.Errorf("libvirt at %s does not answer", m.cfg.uri()))
	})
}

// find finds the domain.
func (m *Machine) find() (d golibvirt.Domain, err error) {
	if m.link == nil {
		return d, goneError{errors.New("libvirt cannot be reached")}
	}
	d, err = m.link.domain(m.cfg.Domain)
	if is(err, golibvirt.ErrNoDomain) {
		err = fmt.Errorf("libvirt at %s has no domain %s; virsh list --all shows those it has",
			m.cfg.uri(), m.cfg.Domain)
	}
	return d, err
}

// setAway notes that nothing is known of the domain.
func (m *Machine) setAway(err error) {
	m.mu.Lock()
	m.away = err
	m.wake()
	m.mu.Unlock()
	m.tellSight()
}

// tellSight reports whether the domain can be seen, if that has changed.
func (m *Machine) tellSight() {
	m.telling.Lock()
	defer m.telling.Unlock()
	if m.notify == nil {
		return
	}
	m.mu.Lock()
	var events []host.Event
	if m.away != nil || m.id != unseen {
		events = m.sight.Look(m.power(), m.away)
	}
	m.mu.Unlock()
	for _, e := range events {
		if e.Kind == host.Unseen || e.Kind == host.Seen { // of the power, announce knows more
			m.tell(e)
		}
	}
}

// wake wakes those who wait for a change.
func (m *Machine) wake() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// set notes the number of the domain, and reports what has happened.
func (m *Machine) set(id int32) { m.announce(m.note(id), id) }

// note notes the number of the domain, and returns the one before it.
func (m *Machine) note(id int32) (was int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was = m.id
	if was != id || m.away != nil {
		m.wake()
	}
	m.id, m.away = id, nil
	return was
}

// announce reports what has happened to the domain. One that was not seen before has not begun to
// run.
func (m *Machine) announce(was, id int32) {
	m.tellSight()
	if m.restarts || was == id || was == unseen {
		return
	}
	m.telling.Lock()
	defer m.telling.Unlock()
	if was != off {
		m.tell(host.Event{Kind: host.PoweredOff})
	}
	if id != off {
		m.tell(host.Event{Kind: host.Started})
	}
}

// tell reports an event, unless the machine was closed or nobody listens yet.
func (m *Machine) tell(e host.Event) {
	if m.ctx.Err() == nil && m.notify != nil {
		m.notify(e)
	}
}
