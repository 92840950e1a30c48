// Package exec is a machine that commands control, as the host of a BMC: any machine or power outlet that a program can switch.
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

// Config is the commands. Each is a program and its arguments, started without a shell. What the machine has no
// command for, it cannot do; but a cycle is made of Off and On if there is none for it.
type Config struct {
	On, Off, Cycle, Reset, Soft, Diag []string

	// Status prints on or off as its last word, or ends with status 0 for on and 1 for off. Without it, the power is what
	// was commanded last.
	Status []string
	// BootDevice is started before On, Cycle and Reset with one more argument: default, network, disk, safe, diagnostic, cd, setup or
	// floppy.
	BootDevice []string

	Timeout time.Duration // of a command; 0 is 10 s
	Poll    time.Duration // from one Status to the next; 0 is 1 s
	Env     []string      // NAME=VALUE, added to the BMC's own: the place for secrets, which all can see in arguments
}

// Check says what is wrong in a description.
func (c *Config) Check() error {
	if len(c.On) == 0 || len(c.Off) == 0 {
		return errors.New("a machine that commands control needs on and off")
	}
	for _, command := range [][]string{c.On, c.Off, c.Cycle, c.Reset, c.Soft, c.Diag, c.Status, c.BootDevice} {
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
type Machine struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	notify func(host.Event)
	jobs   chan func() // of work
	done   chan struct{}

	mu       sync.Mutex
	on       bool
	fault    error
	boot     host.Boot
	interval time.Duration
}

// maxJobs is how many actions may wait for the one under way.
const maxJobs = 8

// New returns a machine that is thought to be off until Status says otherwise.
func New(cfg Config) *Machine {
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Poll == 0 {
		cfg.Poll = time.Second
	}
	m := &Machine{cfg: cfg, jobs: make(chan func(), maxJobs), done: make(chan struct{}), interval: time.Second}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// Notify implements host.Host. From here on, the power is watched.
func (m *Machine) Notify(f func(host.Event)) {
	m.notify = f
	go m.work()
}

// State implements host.Host.
func (m *Machine) State() host.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return host.State{On: m.on, Fault: m.fault}
}

// SetCycleInterval implements host.Host.
func (m *Machine) SetCycleInterval(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.interval = d
}

// devices are the words for boot devices.
var devices = map[host.Device]string{
	host.BootDefault: "default", host.BootNetwork: "network", host.BootDisk: "disk", host.BootSafe: "safe",
	host.BootDiagnostic: "diagnostic", host.BootCD: "cd", host.BootSetup: "setup", host.BootFloppy: "floppy",
}

// SetBoot implements host.Host.
func (m *Machine) SetBoot(b host.Boot) error {
	if devices[b.Device] == "" || len(m.cfg.BootDevice) == 0 && b.Device != host.BootDefault {
		return host.ErrUnsupported
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.boot = b
	return nil
}

// Identify implements host.Host: there is no light, and the BMC tells itself what it is told.
func (m *Machine) Identify(bool) error { return nil }

// Control implements host.Host.
func (m *Machine) Control(a host.Action) error {
	c := &m.cfg
	command, ok := map[host.Action][]string{host.PowerOn: c.On, host.PowerOff: c.Off, host.PowerCycle: c.Cycle, host.Reset: c.Reset,
		host.SoftShutdown: c.Soft, host.Diagnostic: c.Diag}[a]
	switch {
	case !ok, len(command) == 0 && a != host.PowerCycle:
		return host.ErrUnsupported
	case !m.State().On && a != host.PowerOn && a != host.PowerOff:
		return host.ErrState
	}
	select {
	case m.jobs <- func() { m.control(a, command) }:
		return nil
	default:
		return fmt.Errorf("%d actions wait for the one under way", maxJobs)
	}
}

// Close implements host.Host. The machine stays as it is.
func (m *Machine) Close() error {
	m.cancel()
	if m.notify != nil {
		<-m.done
	}
	return nil
}

// work does what Control asks for, one after the other, and watches the power meanwhile.
func (m *Machine) work() {
	defer close(m.done)
	m.look()
	poll := time.NewTicker(m.cfg.Poll)
	defer poll.Stop()
	for {
		select {
		case <-m.ctx.Done():
			return
		case job := <-m.jobs:
			job()
		case <-poll.C:
			m.look()
		}
	}
}

// tell tells of an event unless the machine was closed.
func (m *Machine) tell(e host.Event) {
	if m.ctx.Err() == nil {
		m.notify(e)
	}
}

// control carries out an action.
func (m *Machine) control(a host.Action, command []string) {
	err := m.setBoot(a)
	switch {
	case err != nil:
	case len(command) == 0: // a cycle
		if _, err = m.run(m.cfg.Off); err != nil {
			break
		}
		m.mu.Lock()
		interval := m.interval
		m.mu.Unlock()
		m.power(false)
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
	switch {
	case err != nil:
		m.tell(host.Event{Kind: host.Failed, Err: err})
	case a == host.PowerOn:
		m.power(true)
	case a == host.PowerOff:
		m.power(false)
	case a == host.PowerCycle:
		m.power(false)
		m.power(true)
	case a == host.Reset:
		m.tell(host.Event{Kind: host.Restarted})
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

// power notes the power, and tells if it has changed.
func (m *Machine) power(on bool) {
	m.mu.Lock()
	was := m.on
	m.on = on
	m.mu.Unlock()
	switch {
	case on && !was:
		m.tell(host.Event{Kind: host.Started})
	case was && !on:
		m.tell(host.Event{Kind: host.PoweredOff})
	}
}

// look asks for the power.
func (m *Machine) look() {
	if len(m.cfg.Status) == 0 {
		return
	}
	out, err := m.run(m.cfg.Status)
	words := strings.Fields(strings.ToLower(out))
	last := ""
	if len(words) > 0 {
		last = words[len(words)-1]
	}
	var exit *exec.ExitError
	switch {
	case m.ctx.Err() != nil:
	case err == nil && last == "off", errors.As(err, &exit) && exit.ExitCode() == 1:
		m.power(false)
	case err == nil:
		m.power(true)
	default: // not known: it stays as it was
		m.mu.Lock()
		m.fault = err
		m.mu.Unlock()
	}
}

// maxOutput is how much of a command's output is kept.
const maxOutput = 4096

// run runs a command and returns what it printed. Its error tells its last words.
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
