package sim

import (
	"sync"
	"time"

	"lom/bmc/host"
)

// Config is how a simulated machine behaves. The zero value is a machine that is off, needs no
// time for power and some for the rest.
type Config struct {
	Name      string // in its prompts
	On        bool
	PowerTime time.Duration // from a command to the power's going on or off; 0 is at once
	// from power on to an operating system that hears a soft shutdown; 0 is 20 s
	BootTime time.Duration
	StopTime time.Duration // a soft shutdown takes; 0 is 5 s
	Deaf     bool          // the operating system does not shut down when it is asked to
	Stuck    bool          // power cannot be switched: the machine stays as it is
	// how many of the newest characters of its serial port those get who attach
	History int
	// AfterFunc calls f after d; nil is time.AfterFunc.
	AfterFunc func(d time.Duration, f func()) (stop func() bool)
}

// A Machine is a simulated machine. Its zero value is of no use: see New.
type Machine struct {
	cfg Config

	mu       sync.Mutex
	notify   func(host.Event)
	on       bool
	booted   bool
	fault    error
	boot     host.Boot
	identify bool
	interval time.Duration
	steps    []step // to be done, one after the other
	run      int    // which list of steps is current
	closed   bool
	told     []host.Event // not yet delivered
	telling  bool
	console  console
}

// A step is something that happens to the machine after a while.
type step struct {
	after time.Duration
	do    func() // under the lock
}

// New returns a machine.
func New(cfg Config) *Machine {
	if cfg.BootTime == 0 {
		cfg.BootTime = 20 * time.Second
	}
	if cfg.StopTime == 0 {
		cfg.StopTime = 5 * time.Second
	}
	if cfg.AfterFunc == nil {
		cfg.AfterFunc = func(d time.Duration, f func()) func() bool {
			return time.AfterFunc(d, f).Stop
		}
	}
	m := &Machine{cfg: cfg, on: cfg.On, booted: cfg.On, interval: time.Second}
	m.console.m, m.console.History = m, cfg.History
	if m.on {
		m.console.booted()
	}
	return m
}

// Notify implements host.Host.
func (m *Machine) Notify(f func(host.Event)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notify = f
}

// State implements host.Host.
func (m *Machine) State() host.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return host.State{Power: host.PowerOf(m.on), Fault: m.fault}
}

// Restore implements host.Restorer.
func (m *Machine) Restore(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.on, m.booted = on, on
	m.console.off()
	if on {
		m.console.booted()
	}
}

// Boot returns from where the machine boots next.
func (m *Machine) Boot() host.Boot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.boot
}

// Identified reports whether the identify light is on.
func (m *Machine) Identified() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.identify
}

// Control implements host.Host. A machine accepts everything at once, also what it then fails to
// do.
func (m *Machine) Control(a host.Action, _ func(error)) (pending bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return false, m.control(a)
}

// control is Control under the lock.
func (m *Machine) control(a host.Action) error {
	switch {
	case m.closed:
		return host.ErrState
	case !m.on && a != host.PowerOn && a != host.PowerOff:
		return host.ErrState
	}
	m.fault = nil
	off := step{m.cfg.PowerTime, m.powerOff}
	on := step{m.cfg.PowerTime, m.powerOn}
	booted := step{m.cfg.BootTime, m.osRuns}
	switch a {
	case host.PowerOff:
		m.begin(off)
	case host.PowerOn:
		if m.on {
			return nil // also while it starts: what goes on is not begun again
		}
		m.begin(on, booted)
	case host.PowerCycle:
		on.after += m.interval
		m.begin(off, on, booted)
	case host.Reset:
		m.begin(step{0, m.reset}, booted)
	case host.SoftShutdown:
		if m.booted && !m.cfg.Deaf {
			m.console.stops("Power down")
			m.begin(step{m.cfg.StopTime, m.powerOff})
		}
	case host.Diagnostic:
		if m.booted { // it dumps its memory and starts again
			m.console.panics("NMI: diagnostic interrupt")
			m.begin(step{m.cfg.StopTime, m.reset}, booted)
		}
	default:
		return host.ErrUnsupported
	}
	return nil
}

// SetCycleInterval implements host.Host.
func (m *Machine) SetCycleInterval(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.interval = d
}

// CanBoot implements host.Host.
func (m *Machine) CanBoot(host.Boot) bool { return true }

// SetBoot implements host.Host.
func (m *Machine) SetBoot(b host.Boot) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.boot = b
	return nil
}

// Identify implements host.Host.
func (m *Machine) Identify(on bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.identify = on
	return nil
}

// Close implements host.Host.
func (m *Machine) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.run++
	m.steps = nil
	return nil
}

// begin gives up the steps that are under way and begins others.
func (m *Machine) begin(steps ...step) {
	m.run++
	m.steps = steps
	m.next(m.run)
}

// next does the steps that are due and waits for the one that is not. A step that is due now is
// done now, so that the state that the BMC reads after Control is the new one.
func (m *Machine) next(run int) {
	for run == m.run && len(m.steps) > 0 {
		s := m.steps[0]
		m.steps = m.steps[1:]
		if s.after > 0 {
			m.cfg.AfterFunc(s.after, func() {
				m.mu.Lock()
				defer m.mu.Unlock()
				if run == m.run && !m.closed {
					s.do()
					m.next(run)
				}
			})
			return
		}
		s.do()
	}
}

func (m *Machine) powerOff() {
	if m.cfg.Stuck {
		m.fail()
		return
	}
	if m.on {
		m.on, m.booted = false, false
		m.console.off()
		m.tell(host.Event{Kind: host.PoweredOff})
	}
}

func (m *Machine) powerOn() {
	if m.cfg.Stuck {
		m.fail()
		return
	}
	m.on, m.booted = true, false
	m.console.starts()
	m.tell(host.Event{Kind: host.Started})
}

func (m *Machine) reset() {
	m.booted = false
	m.console.starts()
	m.tell(host.Event{Kind: host.Restarted})
}

func (m *Machine) osRuns() {
	m.booted = true
	m.console.booted()
	m.tell(host.Event{Kind: host.Booted})
}

func (m *Machine) fail() {
	m.steps = nil
	m.fault = errStuck
	m.tell(host.Event{Kind: host.Failed, Err: m.fault})
}

// tell delivers an event from another goroutine, after those before it.
func (m *Machine) tell(e host.Event) {
	m.told = append(m.told, e)
	if m.telling || m.notify == nil {
		return
	}
	m.telling = true
	m.cfg.AfterFunc(0, m.deliver)
}

func (m *Machine) deliver() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.told) > 0 && !m.closed {
		e := m.told[0]
		m.told = m.told[1:]
		f := m.notify
		m.mu.Unlock()
		f(e)
		m.mu.Lock()
	}
	m.telling = false
}

type simError string

func (e simError) Error() string { return string(e) }

const errStuck = simError("the power does not switch")
