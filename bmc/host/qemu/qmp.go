package qemu

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// maxLine is the longest line that QEMU may send. Its answers to what is asked here are far
// shorter.
const maxLine = 1 << 20

// How long QEMU has for a command, on a machine with much to do, and for quit, which is not waited
// for so long.
const (
	commandTime = 10 * time.Second
	quitTime    = 2 * time.Second
)

// A monitor is a QMP connection: JSON objects, one a line. QEMU greets, and takes commands after
// qmp_capabilities.
type monitor struct {
	conn  net.Conn
	lines *bufio.Scanner
	early []qmpLine // events that came before serve

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan qmpLine // nil when the connection has ended
}

// qmpLine is what QEMU sends: a greeting, an event, or the answer to a command.
type qmpLine struct {
	QMP    json.RawMessage `json:"QMP"`
	Event  string          `json:"event"`
	Data   qmpData         `json:"data"`
	ID     uint64          `json:"id"`
	Return json.RawMessage `json:"return"`
	Error  *qmpError       `json:"error"`
}

// qmpData is what is read of events.
type qmpData struct {
	Reason string `json:"reason"`
}

// qmpError is QEMU's refusal of a command.
type qmpError struct {
	Class string `json:"class"`
	Desc  string `json:"desc"`
}

func (e *qmpError) Error() string { return "QEMU says: " + e.Desc }

var (
	errMonitorGone = errors.New("QEMU has closed its control connection")
	errNotQEMU     = errors.New("there is no QEMU at the other end of the control connection")
)

// newMonitor takes a fresh connection, reads the greeting, which has to come within the time given,
// and makes QEMU take commands. It closes conn when it fails.
func newMonitor(conn net.Conn, most time.Duration) (m *monitor, err error) {
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	m = &monitor{conn: conn, lines: bufio.NewScanner(conn), waiting: map[uint64]chan qmpLine{}}
	m.lines.Buffer(nil, maxLine)
	if err := conn.SetDeadline(time.Now().Add(most)); err != nil {
		return nil, err
	}
	if l, err := m.read(); err != nil || l.QMP == nil {
		return nil, errNotQEMU
	}
	if _, err := conn.Write([]byte(`{"execute":"qmp_capabilities","id":0}` + "\n")); err != nil {
		return nil, errMonitorGone
	}
	for {
		l, err := m.read()
		switch {
		case err != nil:
			return nil, err
		case l.Error != nil:
			return nil, l.Error
		case l.Event == "":
			return m, conn.SetDeadline(time.Time{})
		case len(m.early) < 100:
			m.early = append(m.early, l)
		}
	}
}

// read returns the next line.
func (m *monitor) read() (l qmpLine, err error) {
	if !m.lines.Scan() {
		return l, errMonitorGone
	}
	if err := json.Unmarshal(m.lines.Bytes(), &l); err != nil {
		return l, errNotQEMU
	}
	return l, nil
}

// serve reads what QEMU sends until the connection ends, and gives its events to event.
func (m *monitor) serve(event func(name, reason string)) {
	for _, l := range m.early {
		event(l.Event, l.Data.Reason)
	}
	for {
		l, err := m.read()
		if err != nil {
			break
		}
		if l.Event != "" {
			event(l.Event, l.Data.Reason)
			continue
		}
		m.mu.Lock()
		answer := m.waiting[l.ID]
		delete(m.waiting, l.ID)
		m.mu.Unlock()
		if answer != nil {
			answer <- l // there is room for it
		}
	}
	m.conn.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, answer := range m.waiting {
		close(answer)
	}
	m.waiting = nil
}

// do carries out a command. It may be called from any goroutine but that of serve.
func (m *monitor) do(command string, arguments map[string]any) (json.RawMessage, error) {
	return m.doWithin(commandTime, command, arguments)
}

// doWithin is do with a limit of its own.
func (m *monitor) doWithin(most time.Duration, command string,
	arguments map[string]any) (json.RawMessage, error) {
	answer := make(chan qmpLine, 1)
	m.mu.Lock()
	if m.waiting == nil {
		m.mu.Unlock()
		return nil, errMonitorGone
	}
	m.last++
	id := m.last
	m.waiting[id] = answer
	request := map[string]any{"execute": command, "id": id}
	if arguments != nil {
		request["arguments"] = arguments
	}
	line, err := json.Marshal(request)
	if err == nil {
		m.conn.SetWriteDeadline(time.Now().Add(most))
		_, err = m.conn.Write(append(line, '\n'))
	}
	if err != nil {
		delete(m.waiting, id)
	}
	m.mu.Unlock()
	if err != nil {
		return nil, errMonitorGone
	}
	late := time.NewTimer(most)
	defer late.Stop()
	select {
	case l, ok := <-answer:
		switch {
		case !ok:
			return nil, errMonitorGone
		case l.Error != nil:
			return nil, l.Error
		}
		return l.Return, nil
	case <-late.C:
		m.mu.Lock()
		delete(m.waiting, id)
		m.mu.Unlock()
		return nil, fmt.Errorf("QEMU does not answer %s", command)
	}
}
