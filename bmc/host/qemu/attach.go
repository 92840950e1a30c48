package qemu

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
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

// An attempt to attach to a machine may take attachTime; retryTime is from one to the next.
const (
	attachTime = 5 * time.Second
	retryTime  = 500 * time.Millisecond
)

// attach connects to a machine that somebody else starts, and tries again until there is one.
func (m *Machine) attach() {
	conn, err := net.DialTimeout("unix", m.cfg.Attach, attachTime)
	var r *run
	if err == nil {
		r = &run{}
		r.monitor, err = newMonitor(conn, attachTime)
	}
	if err != nil {
		m.mu.Lock()
		m.fault = fmt.Errorf("there is no machine at %s: %w", m.cfg.Attach, err)
		m.mu.Unlock()
		m.later = time.AfterFunc(retryTime, func() { m.post(m.attach) })
		return
	}
	m.later = nil
	m.serve(r)
	var st struct{ Status string }
	if answer, err := r.monitor.do("query-status", nil); err == nil {
		_ = json.Unmarshal(answer, &st) // what is not understood is a machine that runs
	}
	on := st.Status != "shutdown"
	m.set(r, on, nil)
	if on {
		m.tell(host.Event{Kind: host.Started})
	}
	m.setBoot()
}

// detached takes notice of the end of a machine that was attached to, or of its power.
func (m *Machine) detached(r *run) {
	m.mu.Lock()
	current, was := m.current == r, m.on
	m.mu.Unlock()
	if !current {
		return
	}
	r.monitor.conn.Close()
	m.set(nil, false, nil)
	if was {
		m.tell(host.Event{Kind: host.PoweredOff})
	}
	m.later = time.AfterFunc(retryTime, func() { m.post(m.attach) })
}
