package qemu

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"lom/bmc/host"
)

// A Machine is a QEMU machine. Its zero value is of no use: see New.
//
// One goroutine, that of work, does all that takes time, one thing after the other, and reports the
// events.
type Machine struct {
	cfg  Config
	done chan struct{} // closed when work has returned
	made chan struct{} // closed when Notify has made the sockets

	looked chan struct{} // closed when it was looked for a machine to attach to
	first  sync.Once     // closes looked

	mu       sync.Mutex
	wake     *sync.Cond
	jobs     []func()   // for work
	on       bool       // of a machine that is started here
	sight    host.Sight // of one that is attached to
	away     error      // why that cannot be seen, nil if it can
	fault    error
	boot     host.Boot
	interval time.Duration
	closed   bool
	current  *run // the process or connection that there is, nil if none

	// What follows belongs to the goroutine of work, once Notify was called.
	notify func(host.Event)
	paths  paths
	lock   io.Closer    // of the folder
	qmp    net.Listener // QEMU connects to it
	ipmi   net.Listener // QEMU's BMC connects to it; nil if there is none
	serial net.Listener // QEMU's serial port connects to it; nil if there is none
	unable error        // why no machine can be started
	// switches on after a cycle, or looks for a machine to attach to, nil if neither
	later *time.Timer
	// the machine that was attached to has said that it ends, and nothing was there since
	ended  bool
	absent bool  // nothing was there to attach to at the last look
	peer   *peer // the process that was attached to last, nil if it is not known
}

// A run is one QEMU, from its start to its end.
type run struct {
	process *process // nil if it is attached to
	monitor *monitor // nil until QEMU has greeted
	kind    host.EventKind
	args    string // as it was started
	obeys   bool   // it ends because it was ordered to
	// it ended at a reset, and is to be started as the boot device now wants it
	again   bool
	why     error         // it was ended for this
	greeted chan struct{} // closed when nobody waits for its greeting any more
	wanted  []wanted      // what is to be done when it has greeted
	begun   func(error)   // called when it has greeted, or with why it has not; may be nil
}

// wanted is an action, and what to call when it was accepted.
type wanted struct {
	action host.Action
	done   func(error)
}

// maxWanted is how many actions may wait for a QEMU that has just been started.
const maxWanted = 8

// New returns a machine that is off.
func New(cfg Config) *Machine {
	m := &Machine{cfg: cfg, interval: time.Second, on: cfg.On, done: make(chan struct{}),
		made: make(chan struct{}), looked: make(chan struct{})}
	m.wake = sync.NewCond(&m.mu)
	return m
}

// Restore implements host.Restorer.
func (m *Machine) Restore(on bool) {
	if m.cfg.Attach == "" {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.on = on
	}
}

// Notify implements host.Host. From here on there are sockets and a goroutine.
func (m *Machine) Notify(f func(host.Event)) {
	m.notify = f
	if m.cfg.Attach != "" {
		if m.cfg.Wire != "" {
			var err error
			if m.ipmi, err = listenAnew(m.cfg.Wire); err != nil {
				m.post(func() {
					m.fail(fmt.Errorf("the machine's software cannot reach the BMC: %w", err))
				})
			}
		}
		m.post(m.attach)
	} else {
		m.unable = m.listen()
		close(m.made)
		close(m.looked)
		m.mu.Lock()
		on := m.on
		m.on = false
		m.mu.Unlock()
		if on {
			m.post(func() { m.start(host.Started, nil) })
		}
	}
	go m.work()
}

// listen makes the machine's folder and the sockets in it.
func (m *Machine) listen() (err error) {
	if m.paths.dir, m.lock, err = makeFolder(os.TempDir()); err != nil {
		return err
	}
	if m.qmp, err = net.Listen("unix", m.paths.qmp()); err != nil {
		return err
	}
	if m.ipmi, err = net.Listen("unix", m.paths.ipmi()); err != nil || !m.paths.console {
		return err
	}
	m.serial, err = net.Listen("unix", m.paths.serial())
	return err
}

// SystemInterface implements host.SystemInterfacer.
func (m *Machine) SystemInterface() net.Listener { return m.ipmi }

// State implements host.Host.
func (m *Machine) State() host.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	st := host.State{Power: host.PowerOf(m.on), Fault: m.fault}
	if m.cfg.Attach != "" {
		st.Power = m.sight.Power()
	}
	return st
}

// SetCycleInterval implements host.Host.
func (m *Machine) SetCycleInterval(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.interval = d
}

// Identify implements host.Host: a machine that is not there has no light, and the BMC tells itself
// what it is told.
func (m *Machine) Identify(bool) error { return nil }

// CanBoot implements host.Host.
func (m *Machine) CanBoot(b host.Boot) bool {
	_, ok := bootOrder[b.Device]
	return ok
}

// SetBoot implements host.Host.
func (m *Machine) SetBoot(b host.Boot) error {
	if !m.CanBoot(b) {
		return host.ErrUnsupported
	}
	m.mu.Lock()
	m.boot = b
	m.mu.Unlock()
	m.post(m.setBoot)
	return nil
}

// Close implements host.Host.
func (m *Machine) Close() error {
	m.mu.Lock()
	begun := m.notify != nil && !m.closed
	m.closed = true
	m.wake.Signal()
	m.mu.Unlock()
	if !begun {
		return nil
	}
	<-m.done
	err := os.RemoveAll(m.paths.dir)
	if m.lock != nil {
		m.lock.Close()
	}
	return err
}

// Looked implements host.Watcher.
func (m *Machine) Looked() <-chan struct{} { return m.looked }

// post has f called by work.
func (m *Machine) post(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.jobs = append(m.jobs, f)
		m.wake.Signal()
	}
}

// work does what is posted until the machine is closed.
func (m *Machine) work() {
	defer close(m.done)
	for {
		m.mu.Lock()
		for len(m.jobs) == 0 && !m.closed {
			m.wake.Wait()
		}
		if m.closed {
			m.mu.Unlock()
			break
		}
		job := m.jobs[0]
		m.jobs = m.jobs[1:]
		m.mu.Unlock()
		job()
	}
	if m.later != nil {
		m.later.Stop()
	}
	if m.current != nil && m.current.process != nil {
		m.current.begun = nil
		m.current.end()
	} else if m.current != nil {
		m.current.monitor.conn.Close()
	}
	for _, l := range []net.Listener{m.qmp, m.ipmi, m.serial} {
		if l != nil {
			l.Close()
		}
	}
	if m.current != nil && m.current.process != nil {
		<-m.current.greeted
	}
}

// tell reports an event, unless the machine was closed meanwhile.
func (m *Machine) tell(e host.Event) {
	m.mu.Lock()
	closed := m.closed
	m.mu.Unlock()
	if !closed {
		m.notify(e)
	}
}

// set notes the state.
func (m *Machine) set(r *run, on bool, fault error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.current, m.on, m.fault = r, on, fault
}

func (m *Machine) fail(err error) {
	m.mu.Lock()
	m.fault = err
	m.mu.Unlock()
	m.tell(host.Event{Kind: host.Failed, Err: err})
}

// needsRestart reports whether it takes another QEMU to boot from where the machine is to boot
// next: one with other arguments, or one that finds other UEFI variables.
func (m *Machine) needsRestart(r *run) bool {
	m.mu.Lock()
	boot := m.boot
	m.mu.Unlock()
	args, err := m.cfg.arguments(boot, m.paths)
	return err != nil || r.args != fmt.Sprintf("%q", args) || m.cfg.asksForSetup(boot)
}

// start starts QEMU; kind is what is told when it runs. Who is to be told of its begin by done,
// hears there also why it did not begin; if nobody is, an event says so.
func (m *Machine) start(kind host.EventKind, done func(error)) {
	m.mu.Lock()
	boot := m.boot
	m.mu.Unlock()
	r, args := &run{kind: kind, greeted: make(chan struct{}), begun: done}, []string(nil)
	err := m.unable
	if err == nil {
		args, err = m.cfg.arguments(boot, m.paths)
	}
	if err == nil {
		err = m.cfg.prepare(boot, m.paths)
	}
	if err == nil {
		r.args = fmt.Sprintf("%q", args)
		r.process, err = startProcess(or(m.cfg.Program, "qemu-system-x86_64"), args)
	}
	if err != nil {
		m.set(nil, false, err)
		m.failed(done, err)
		return
	}
	m.set(r, true, nil)
	go func() {
		<-r.process.ended
		m.mu.Lock()
		if m.current == r && !r.again {
			m.on = false // also while work is busy
		}
		m.mu.Unlock()
		m.post(func() { m.over(r) })
	}()
	go m.greet(r)
}

// failed says that QEMU did not begin, to who asked for it or to all.
func (m *Machine) failed(done func(error), err error) {
	if done != nil {
		m.settle(done, err)
	} else {
		m.tell(host.Event{Kind: host.Failed, Err: err})
	}
}

// greetingTime is how long QEMU has to begin, on a machine with much to do.
const greetingTime = time.Minute

// greet waits until QEMU has connected to the control socket.
func (m *Machine) greet(r *run) {
	defer close(r.greeted)
	for began := time.Now(); ; {
		m.qmp.(*net.UnixListener).SetDeadline(time.Now().Add(50 * time.Millisecond))
		conn, err := m.qmp.Accept()
		if err == nil {
			var monitor *monitor
			if monitor, err = newMonitor(conn, greetingTime); err == nil {
				m.post(func() { m.ready(r, monitor) })
				return
			}
		}
		select {
		case <-r.process.ended:
			return // what is posted then says so
		default:
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if time.Since(began) > greetingTime {
			m.mu.Lock()
			r.why = errors.New("QEMU does not connect to its control socket")
			m.mu.Unlock()
			r.process.kill()
			return
		}
	}
}

// ready takes notice of a QEMU that has greeted.
func (m *Machine) ready(r *run, monitor *monitor) {
	if m.current != r {
		monitor.conn.Close()
		return
	}
	r.monitor = monitor
	m.serve(r)
	m.tell(host.Event{Kind: r.kind})
	m.setBoot()
	if r.begun != nil {
		m.settle(r.begun, nil)
		r.begun = nil
	}
	m.controlWanted(r)
}

// echoTime is how long after a reset a reset by the guest is the same one: SeaBIOS makes one of its
// own when it finds that it runs again.
const echoTime = time.Second

// serve gives QEMU's events to work.
func (m *Machine) serve(r *run) {
	go func() {
		var asked time.Time // when it was reset from outside
		r.monitor.serve(func(name, reason string) {
			switch name {
			case "RESET":
				if reason != "guest-reset" {
					asked = time.Now()
				} else if time.Since(asked) < echoTime {
					return
				}
				m.post(func() { m.tell(host.Event{Kind: host.Restarted}) })
			case "SHUTDOWN":
				m.mu.Lock()
				r.again = r.again || reason == "guest-reset" || reason == "host-qmp-system-reset"
				m.mu.Unlock()
				if r.process == nil {
					m.post(func() { m.shutDown(r) })
				}
			}
		})
		if r.process == nil {
			m.post(func() { m.lost(r, errMonitorGone) })
		}
	}()
}

// end ends QEMU: asked, so that it completes its images, and if it does not obey by force.
func (r *run) end() {
	if r.monitor != nil {
		_, _ = r.monitor.doWithin(quitTime, "quit", nil) // whether it heard is seen by its end
		late := time.NewTimer(time.Second)
		defer late.Stop()
		select {
		case <-r.process.ended:
			return
		case <-late.C:
		}
	}
	r.process.kill()
}

// over takes notice of the end of QEMU, once.
func (m *Machine) over(r *run) {
	m.mu.Lock()
	current, again, err := m.current == r, r.again, r.why
	m.mu.Unlock()
	if !current {
		return
	}
	<-r.greeted // so that the greeting of the next one is not taken for its
	if err == nil {
		err = r.process.err
	}
	if r.obeys {
		err = nil
	}
	if r.monitor != nil {
		r.monitor.conn.Close()
	}
	begun := r.begun
	r.begun = nil
	switch {
	case again && err == nil:
		m.start(host.Restarted, begun)
	case r.monitor == nil && !r.obeys:
		if err == nil {
			err = errors.New("QEMU ended at once")
		}
		m.set(nil, false, err)
		m.failed(begun, err)
	default:
		m.set(nil, false, err)
		m.tell(host.Event{Kind: host.PoweredOff, Err: err})
		if begun != nil {
			m.settle(begun, nil) // it began, and was switched off
		}
	}
	m.controlWanted(r)
}

// setBoot makes the machine that runs boot from where it is to boot next. QEMU can begin from
// elsewhere only when it is started, so if that differs from how it was started, a reset of the
// guest ends it, and it is started again.
func (m *Machine) setBoot() {
	r := m.current
	if r == nil || r.monitor == nil {
		return
	}
	if r.process == nil {
		m.mu.Lock()
		order := bootOrder[m.boot.Device]
		m.mu.Unlock()
		// Machines without drives that a BIOS knows refuse; they have no boot device to set.
		_, _ = r.monitor.do("human-monitor-command",
			map[string]any{"command-line": "boot_set " + order})
		return
	}
	action := "reset"
	if m.needsRestart(r) {
		action = "shutdown"
	}
	if _, err := r.monitor.do("set-action", map[string]any{"reboot": action}); err != nil &&
		!errors.Is(err, errMonitorGone) {
		m.fail(fmt.Errorf("the boot device was not set: %w", err))
	}
}
