package qemu

import (
	"errors"
	"fmt"
	"time"

	"lom/bmc/host"
)

// errElsewhere refuses to start a machine that is attached to.
var errElsewhere = fmt.Errorf("%w: somebody else starts it", host.ErrState)

// Control implements host.Host.
func (m *Machine) Control(a host.Action, done func(error)) (pending bool, err error) {
	attached, power := m.cfg.Attach != "", m.State().Power
	m.mu.Lock()
	away := m.away
	m.mu.Unlock()
	switch {
	case a > host.SoftShutdown, attached && a == host.PowerCycle:
		return false, host.ErrUnsupported // somebody else starts it
	case power == host.Unknown && away != nil:
		return false, fmt.Errorf("%w: %w", host.ErrUnseen, away)
	case power == host.Unknown:
		return false, host.ErrUnseen
	case attached && a == host.PowerOn && power == host.Off:
		return false, errElsewhere
	case power == host.Off && a != host.PowerOn && a != host.PowerOff:
		return false, host.ErrState
	}
	m.post(func() { m.control(a, done) })
	return true, nil
}

// settle notes how an action ended, and says so to who asked for it.
func (m *Machine) settle(done func(error), err error) {
	m.mu.Lock()
	if !errors.Is(err, host.ErrState) {
		m.fault = err
	}
	closed := m.closed
	m.mu.Unlock()
	if done != nil && !closed {
		done(err)
	}
}

// control carries out an action.
func (m *Machine) control(a host.Action, done func(error)) {
	if m.later != nil && m.cfg.Attach == "" && a != host.SoftShutdown && a != host.Diagnostic {
		m.later.Stop()
		m.later = nil
	}
	r := m.current
	switch {
	case a == host.PowerOn && r == nil && m.cfg.Attach == "":
		m.start(host.Started, done)
	case r == nil && (a != host.PowerOff || m.State().Power != host.Off):
		m.settle(done, host.ErrState) // it ended before its turn came
	case a == host.PowerOn, r == nil:
		m.settle(done, nil)
	case a == host.PowerOff:
		m.settle(done, m.stop(r))
	case a == host.PowerCycle:
		if err := m.stop(r); err != nil {
			m.settle(done, err)
			return
		}
		m.mu.Lock()
		interval := m.interval
		m.mu.Unlock()
		m.later = time.AfterFunc(interval, func() {
			m.post(func() {
				if m.later != nil && m.current == nil {
					m.later = nil
					m.start(host.Started, nil)
				}
			})
		})
		m.settle(done, nil)
	case a == host.Reset && r.process != nil && m.needsRestart(r):
		r.obeys, r.again = true, true
		if r.begun != nil {
			r.begun(nil) // it was started, and is started once more
		}
		r.begun = done
		r.end()
		m.over(r)
	case r.monitor == nil:
		if len(r.wanted) < maxWanted {
			r.wanted = append(r.wanted, wanted{a, done})
		} else {
			m.settle(done, fmt.Errorf("%d actions wait for QEMU to begin", maxWanted))
		}
	default:
		command := map[host.Action]string{host.Reset: "system_reset", host.Diagnostic: "inject-nmi",
			host.SoftShutdown: "system_powerdown"}[a]
		_, err := r.monitor.do(command, nil)
		m.settle(done, err)
	}
}

// controlWanted carries out the actions that waited for QEMU to begin, also if it has ended
// meanwhile.
func (m *Machine) controlWanted(r *run) {
	list := r.wanted
	r.wanted = nil
	for _, w := range list {
		m.control(w.action, w.done)
	}
}

// stop switches off.
func (m *Machine) stop(r *run) error {
	r.obeys = true
	if r.process == nil {
		_, err := r.monitor.do("quit", nil)
		if errors.Is(err, errMonitorGone) {
			err = nil // it may end before it answers
		}
		return err
	}
	r.end()
	m.over(r)
	return nil
}
