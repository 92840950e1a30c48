package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"lom/bmc/host"
)

// Config is the commands. Each is a program and its arguments, started without a shell. What the
// machine has no command for, it cannot do; but a cycle is made of Off and On if there is none for
// it.
type Config struct {
	On, Off, Cycle, Reset, Soft, Diag []string

	// Status prints on or off as its last word and ends with status 0. Whatever else it does says
	// that the power is not known: a program that fails ends with status 1 as well as one that
	// means off. It may be started while another command runs. Without Status, the power is what
	// was commanded last, and is not known before the first command and after one that failed.
	Status []string
	// BootDevice is started before On, Cycle and Reset with one more argument: default, network,
	// disk, safe, diagnostic, cd, setup or floppy.
	BootDevice []string

	Timeout time.Duration // of a command; 0 is 10 s
	Poll    time.Duration // from one Status to the next; 0 is 1 s
	// NAME=VALUE, added to the BMC's own: the place for secrets, which all can see in arguments
	Env []string
}

// Check says what is wrong in a description.
func (c *Config) Check() error {
	if len(c.On) == 0 || len(c.Off) == 0 {
		return errors.New("a machine that commands control needs on and off")
	}
	for _, command := range [][]string{c.On, c.Off, c.Cycle, c.Reset, c.Soft, c.Diag, c.Status,
		c.BootDevice} {
		if len(command) > 0 && command[0] == "" {
			return errors.New("a command begins with the name of a program")
		}
	}
	if c.Timeout < 0 || c.Poll < 0 {
		return errors.New("timeout and poll are not below zero")
	}
	return nil
}

// A Machine is a machine that commands control. Its zero value is of no use: see New.
//
// One goroutine carries out actions, one after the other; another looks at the power.
type Machine struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	notify func(host.Event)
	jobs   chan func()
	work   sync.WaitGroup
	looked chan struct{} // closed when the first look is over

	lookTime time.Duration
	looking  sync.Mutex    // a look is under way
	took     time.Duration // by the last look; guarded by looking
	telling  sync.Mutex    // keeps events in order; never taken under the lock of the BMC

	mu       sync.Mutex
	sight    host.Sight
	offs     int // how often the power was seen to go off
	fault    error
	boot     host.Boot
	interval time.Duration
}

const (
	maxJobs = 8 // actions may wait for the one under way
	// lookTime is how long a look may take, at least, before what was seen last counts for nothing.
	lookTime = 2 * time.Second
)

// errNotSwitched is why the power is not known of a machine without Status.
var errNotSwitched = errors.New("there is no command for status, " +
	"and it was not switched on or off yet")

// New returns a machine. Nothing is known of it before Notify is called.
func New(cfg Config) *Machine {
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Poll == 0 {
		cfg.Poll = time.Second
	}
	m := &Machine{cfg: cfg, jobs: make(chan func(), maxJobs), looked: make(chan struct{}),
		lookTime: lookTime, interval: time.Second}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// Notify implements host.Host. From here on, the power is watched.
func (m *Machine) Notify(f func(host.Event)) {
	m.notify = f
	m.work.Go(m.act)
	m.work.Go(m.watch)
}

// Looked implements host.Watcher.
func (m *Machine) Looked() <-chan struct{} { return m.looked }

// State implements host.Host.
func (m *Machine) State() host.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return host.State{Power: m.sight.Power(), Fault: m.fault}
}

// SetCycleInterval implements host.Host.
func (m *Machine) SetCycleInterval(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.interval = d
}

// devices are the words for boot devices.
var devices = map[host.Device]string{
	host.BootDefault: "default", host.BootNetwork: "network", host.BootDisk: "disk",
	host.BootSafe:       "safe",
	host.BootDiagnostic: "diagnostic", host.BootCD: "cd", host.BootSetup: "setup",
	host.BootFloppy: "floppy",
}

// CanBoot implements host.Host.
func (m *Machine) CanBoot(b host.Boot) bool {
	return devices[b.Device] != "" && (len(m.cfg.BootDevice) > 0 || b.Device == host.BootDefault)
}

// SetBoot implements host.Host.
func (m *Machine) SetBoot(b host.Boot) error {
	if !m.CanBoot(b) {
		return host.ErrUnsupported
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.boot = b
	return nil
}

// Identify implements host.Host: there is no light, and the BMC tells itself what it is told.
func (m *Machine) Identify(bool) error { return nil }

// Control implements host.Host. A machine whose power is not known takes every action: the
// command knows better what it can do.
func (m *Machine) Control(a host.Action, done func(error)) (pending bool, err error) {
	c := &m.cfg
	command, ok := map[host.Action][]string{host.PowerOn: c.On, host.PowerOff: c.Off,
		host.PowerCycle: c.Cycle, host.Reset: c.Reset,
		host.SoftShutdown: c.Soft, host.Diagnostic: c.Diag}[a]
	switch {
	case !ok, len(command) == 0 && a != host.PowerCycle:
		return false, host.ErrUnsupported
	case m.State().Power == host.Off && a != host.PowerOn && a != host.PowerOff:
		return false, host.ErrState
	}
	select {
	case m.jobs <- func() { m.control(a, command, done) }:
		return true, nil
	default:
		return false, fmt.Errorf("%d actions wait for the one under way", maxJobs)
	}
}

// Close implements host.Host. The machine stays as it is.
func (m *Machine) Close() error {
	m.cancel()
	m.work.Wait()
	return nil
}

// act does what Control asks for, one after the other.
func (m *Machine) act() {
	for {
		select {
		case <-m.ctx.Done():
			return
		case job := <-m.jobs:
			job()
		}
	}
}

// watch looks at the power.
func (m *Machine) watch() {
	if len(m.cfg.Status) == 0 {
		m.see(host.Unknown, errNotSwitched)
		close(m.looked)
		return
	}
	m.look()
	close(m.looked)
	poll := time.NewTicker(m.cfg.Poll)
	defer poll.Stop()
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-poll.C:
			m.look()
		}
	}
}

// tell reports events, unless the machine was closed. The caller holds telling.
func (m *Machine) tell(events ...host.Event) {
	for _, e := range events {
		if m.ctx.Err() == nil {
			m.notify(e)
		}
	}
}

// see takes what was seen of the power, or why nothing was, and reports what has happened.
func (m *Machine) see(p host.Power, why error) {
	m.telling.Lock()
	defer m.telling.Unlock()
	m.mu.Lock()
	events := m.sight.Look(p, why)
	if n := len(events); n > 0 && events[n-1].Kind == host.PoweredOff {
		m.offs++
	}
	m.mu.Unlock()
	m.tell(events...)
}

// control carries out an action.
func (m *Machine) control(a host.Action, command []string, done func(error)) {
	m.mu.Lock()
	was, offs := m.sight.Power(), m.offs
	m.mu.Unlock()
	err := m.setBoot(a)
	switch {
	case err != nil:
	case len(command) == 0: // a cycle
		if _, err = m.run(m.cfg.Off); err != nil {
			break
		}
		m.switched(host.Off)
		m.mu.Lock()
		interval := m.interval
		m.mu.Unlock()
		select {
		case <-time.After(interval):
		case <-m.ctx.Done():
			return
		}
		_, err = m.run(m.cfg.On)
	default:
		_, err = m.run(command)
	}
	m.mu.Lock()
	m.fault = err
	m.mu.Unlock()
	switches := a == host.PowerOn || a == host.PowerOff || a == host.PowerCycle
	switch {
	case err == nil && switches:
		m.switched(host.PowerOf(a != host.PowerOff))
	case len(m.cfg.Status) > 0:
		m.look()
	case err != nil && switches:
		m.see(host.Unknown, fmt.Errorf("there is no command for status, and %v failed", a))
	}
	if err == nil {
		m.restarted(a, was, offs)
	}
	if m.ctx.Err() == nil {
		done(err)
	}
}

// restarted reports that a reset or a cycle has started the machine, if that was not seen. Was and
// offs are from before.
func (m *Machine) restarted(a host.Action, was host.Power, offs int) {
	m.telling.Lock()
	defer m.telling.Unlock()
	m.mu.Lock()
	unseen := was == host.On && m.sight.Power() == host.On && m.offs == offs
	m.mu.Unlock()
	switch {
	case a == host.Reset:
		m.tell(host.Event{Kind: host.Restarted})
	case a == host.PowerCycle && unseen:
		m.tell(host.Event{Kind: host.PoweredOff}, host.Event{Kind: host.Started})
	}
}

// setBoot says from where the machine boots, before an action that starts it.
func (m *Machine) setBoot(a host.Action) error {
	if len(m.cfg.BootDevice) == 0 || a != host.PowerOn && a != host.PowerCycle && a != host.Reset {
		return nil
	}
	m.mu.Lock()
	device := devices[m.boot.Device]
	m.mu.Unlock()
	_, err := m.run(append(append([]string(nil), m.cfg.BootDevice...), device))
	return err
}

// switched takes notice that a command has switched the power. Where it can be asked for, that is
// what counts.
func (m *Machine) switched(p host.Power) {
	if len(m.cfg.Status) > 0 {
		m.look()
	} else {
		m.see(p, nil)
	}
}

// look asks for the power. While that takes long, nothing is known.
func (m *Machine) look() {
	m.looking.Lock()
	defer m.looking.Unlock()
	began := time.Now()
	stop := host.Overdue(max(m.lookTime, 2*m.took), func() {
		m.see(host.Unknown, fmt.Errorf("%s does not answer", m.cfg.Status[0]))
	})
	out, err := m.run(m.cfg.Status)
	stop()
	m.took = time.Since(began)
	if m.ctx.Err() == nil {
		m.see(powerIn(m.cfg.Status[0], out, err))
	}
}

// powerIn returns what a status command has said.
func powerIn(program, out string, err error) (host.Power, error) {
	if err != nil {
		return host.Unknown, err
	}
	last := ""
	if words := strings.Fields(out); len(words) > 0 {
		last = strings.ToLower(words[len(words)-1])
	}
	switch last {
	case "on":
		return host.On, nil
	case "off":
		return host.Off, nil
	}
	return host.Unknown, fmt.Errorf("%s ended with %q, which is neither on nor off", program,
		last[:min(len(last), 40)])
}

// maxOutput is how much of a command's output is kept.
const maxOutput = 4096

// run runs a command and returns what it printed. Its error has the last words of the command.
func (m *Machine) run(command []string) (string, error) {
	ctx, cancel := context.WithTimeout(m.ctx, m.cfg.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), m.cfg.Env...)
	cmd.WaitDelay = time.Second // children that keep the output open are not waited for
	var out, words limited
	cmd.Stdout, cmd.Stderr = &out, &words
	err := cmd.Run()
	switch {
	case err == nil:
		return out.String(), nil
	case ctx.Err() == context.DeadlineExceeded:
		return "", fmt.Errorf("%s took longer than %v", command[0], m.cfg.Timeout)
	}
	said := strings.TrimSpace(words.String())
	if said == "" {
		said = strings.TrimSpace(out.String())
	}
	if said = said[strings.LastIndexByte(said, '\n')+1:]; said != "" {
		return out.String(), fmt.Errorf("%s: %s (%w)", command[0], said, err)
	}
	return out.String(), fmt.Errorf("%s: %w", command[0], err)
}

// limited keeps the end of what is written to it.
type limited struct{ bytes.Buffer }

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	n, err := l.Buffer.Write(p)
	if over := l.Len() - maxOutput; over > 0 {
		l.Next(over)
	}
	return n, err
}
