package qemu

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"lom/bmc/host"
)

// listenAnew listens at a socket, also if a program that was killed has left its file there.
func listenAnew(path string) (net.Listener, error) {
	l, failed := net.Listen("unix", path)
	if failed == nil {
		return l, nil
	}
	if conn, err := net.DialTimeout("unix", path, attachTime); err == nil {
		conn.Close()
		return nil, fmt.Errorf("somebody else listens at %s", path)
	}
	if st, err := os.Lstat(path); err != nil || st.Mode()&os.ModeSocket == 0 {
		return nil, failed
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	return net.Listen("unix", path)
}

// An attempt to attach to a machine may take attachTime; retryTime is from one to the next. A
// machine that is there is looked at every pollTime, and has lookTime to answer.
const (
	attachTime = 5 * time.Second
	retryTime  = 500 * time.Millisecond
	pollTime   = 2 * time.Second
	lookTime   = 2 * time.Second
)

// see takes what was seen of a machine that is attached to, or why nothing was, and reports what
// has happened. A machine that appears where nothing was has started.
func (m *Machine) see(r *run, p host.Power, why error) {
	m.mu.Lock()
	m.current, m.away, m.fault = r, why, nil
	events := m.sight.Look(p, why)
	m.mu.Unlock()
	started := p == host.On && m.absent
	for _, e := range events {
		m.tell(e)
		started = started && e.Kind != host.Started
	}
	if started {
		m.tell(host.Event{Kind: host.Started})
	}
}

// attach connects to a machine that somebody else starts, and tries again until there is one.
func (m *Machine) attach() {
	conn, err := net.DialTimeout("unix", m.cfg.Attach, attachTime)
	absent := errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED)
	r, power := &run{}, host.Unknown
	if err == nil {
		// QEMU serves one at a time: while another program is connected, it does not greet.
		stop := host.Overdue(lookTime, func() {
			m.see(nil, host.Unknown, m.noMachine(errors.New("it does not answer")))
		})
		r.monitor, err = newMonitor(conn, attachTime)
		stop()
	}
	if err == nil {
		m.serve(r)
		power, err = r.look()
	}
	switch {
	case err == nil:
		m.see(r, power, nil)
		m.ended, m.absent, m.peer = false, false, peerOf(conn)
		m.setBoot()
		m.lookLater(pollTime, func() { m.poll(r) })
	case absent && (m.ended || m.peer.ended()): // and nothing has come since
		m.see(nil, host.Off, nil)
		m.ended, m.absent = true, true
		m.lookLater(retryTime, m.attach)
	default:
		if r.monitor != nil {
			r.monitor.conn.Close()
		}
		m.see(nil, host.Unknown, m.noMachine(err))
		m.ended, m.absent = false, absent
		m.lookLater(retryTime, m.attach)
	}
	m.first.Do(func() { close(m.looked) })
}

// noMachine says why there is nothing to be seen of the machine.
func (m *Machine) noMachine(err error) error {
	return fmt.Errorf("there is no machine at %s: %w", m.cfg.Attach, err)
}

// lookLater has work call f.
func (m *Machine) lookLater(d time.Duration, f func()) {
	m.later = time.AfterFunc(d, func() { m.post(f) })
}

// look asks for the power.
func (r *run) look() (host.Power, error) {
	answer, err := r.monitor.doWithin(lookTime, "query-status", nil)
	if err != nil {
		return host.Unknown, err
	}
	var st struct{ Status string }
	switch err := json.Unmarshal(answer, &st); {
	case err != nil || st.Status == "":
		return host.Unknown, errNotQEMU
	case st.Status == "shutdown":
		return host.Off, nil
	case st.Status == "postmigrate":
		return host.Unknown, errors.New("it has moved to another QEMU")
	}
	return host.On, nil
}

// poll looks at a machine that is attached to.
func (m *Machine) poll(r *run) {
	if m.current != r {
		return
	}
	power, err := r.look()
	if err != nil {
		m.lost(r, err)
		return
	}
	m.see(r, power, nil)
	m.lookLater(pollTime, func() { m.poll(r) })
}

// shutDown takes notice that a machine that was attached to has said that it ends.
func (m *Machine) shutDown(r *run) { m.leave(r, host.Off, nil) }

// lost takes notice that a machine that was attached to cannot be seen any longer. If it was told
// to quit, it has ended.
func (m *Machine) lost(r *run, err error) {
	if r.obeys && errors.Is(err, errMonitorGone) {
		m.shutDown(r)
		return
	}
	m.leave(r, host.Unknown, m.noMachine(err))
}

// leave lets a machine that was attached to go, and looks for the next.
func (m *Machine) leave(r *run, p host.Power, why error) {
	if m.current != r {
		return
	}
	r.monitor.conn.Close()
	m.ended = why == nil
	m.see(nil, p, why)
	m.later.Stop()
	m.lookLater(retryTime, m.attach)
}
