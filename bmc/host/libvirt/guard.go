package libvirt

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
)

// A guard stands between the connection to a libvirt daemon and go-libvirt, which believes lengths
// and serial numbers: what would make it panic, take memory without bound or wait for ever ends the
// connection instead.
//
// A message of libvirt's RPC is its length, with itself, and a header of six numbers, each of four
// bytes: program, version, procedure, type, serial, status. The payload is XDR.
type guard struct {
	net.Conn
	ready []byte // was checked, and is to be read
	frame frame

	streams bool

	close sync.Once
	gone  chan struct{} // closed when the connection is
	begun chan struct{} // closed when a stream has begun

	mu  sync.Mutex
	why error // the connection ended for this
}

// errGuard is the error of Read when the other end does not speak as libvirt's daemon does.
var errGuard = errors.New("what answers there is no libvirt daemon")

func newGuard(conn net.Conn) *guard {
	return &guard{Conn: conn, gone: make(chan struct{}), begun: make(chan struct{})}
}

// Close implements net.Conn. It may be called more than once.
func (g *guard) Close() (err error) {
	g.close.Do(func() {
		err = g.Conn.Close()
		close(g.gone)
	})
	return err
}

// Read implements net.Conn. It gives out whole messages.
func (g *guard) Read(p []byte) (int, error) {
	if len(g.ready) == 0 {
		m, err := g.frame.next(g.Conn)
		if err != nil {
			g.mu.Lock()
			g.why = err
			g.mu.Unlock()
			g.Close()
			return 0, err
		}
		g.ready = m
		if g.frame.stream != 0 && !g.streams {
			g.streams = true
			close(g.begun)
		}
	}
	n := copy(p, g.ready)
	g.ready = g.ready[n:]
	return n, nil
}

// reason returns why the connection has ended, if that is more than that it has.
func (g *guard) reason() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.why == nil || errors.Is(g.why, io.EOF) || errors.Is(g.why, io.ErrUnexpectedEOF) ||
		errors.Is(g.why, net.ErrClosed) {
		return errors.New("libvirt has closed the connection")
	}
	return g.why
}

// A frame is what messages must be like after those that came.
type frame struct {
	replied int32 // the newest call that was answered
	stream  int32 // the call whose stream is open; 0: none is
}

const (
	headerSize = 28
	// maxMessage is the longest message, which is short of what libvirt itself allows; the longest
	// that is asked for is the description of a domain.
	maxMessage = 8 << 20
)

// Of a message's header.
const (
	typeReply      = 1
	typeMessage    = 2 // an event
	typeStream     = 3
	statusOK       = 0
	statusError    = 1
	statusContinue = 2
)

// Programs and procedures.
const (
	programRemote = 0x20008086
	programQEMU   = 0x20008087

	procQEMUMonitorCommand = 1

	procOpen           = 1
	procCreateXML      = 10
	procDestroy        = 12
	procGetXMLDesc     = 14
	procLookupByName   = 23
	procResume         = 28
	procAuthList       = 66
	procAuthPolkit     = 70
	procHasManagedSave = 183
	procCreate         = 196
	procOpenConsole    = 201
	procInjectNMI      = 210
	procGetState       = 212
	procReset          = 245
	procShutdown       = 258
	procPMWakeup       = 267
	procRegister       = 316
	procDeregister     = 317
	procLifecycle      = 318
	procReboot         = 319
)

// A begin is what a payload begins with.
type begin uint8

const (
	plain begin = iota // numbers
	text               // a length and as many bytes
	list               // a length and as many numbers
)

// replies are the procedures that are called, and what is in their replies.
var replies = map[uint32]begin{
	procOpen: plain, procCreateXML: text, procDestroy: plain, procGetXMLDesc: text,
	procLookupByName: text, procResume: plain,
	procAuthList: list, procAuthPolkit: plain, procHasManagedSave: plain, procCreate: text,
	procOpenConsole: plain, procInjectNMI: plain,
	procGetState: plain, procReset: plain, procShutdown: plain, procPMWakeup: plain,
	procRegister: plain, procDeregister: plain,
}

// Where the length of a text is in the payload.
const (
	errorTextAt = 12 // of an error: after its code, its domain, and whether there is a text
	eventTextAt = 4  // of an event: after the number of who asked for it
)

// next reads a message and returns it whole.
func (f *frame) next(r io.Reader) ([]byte, error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < headerSize || size > maxMessage {
		return nil, errGuard
	}
	// Memory grows with what has come, not with what was announced.
	m := head[:]
	for len(m) < int(size) {
		at := len(m)
		m = append(m, make([]byte, min(int(size)-at, max(at, 4<<10)))...)
		if _, err := io.ReadFull(r, m[at:]); err != nil {
			return nil, err
		}
	}
	if !f.fits(m) {
		return nil, errGuard
	}
	return m, nil
}

// fits reports whether a message may follow those before it.
func (f *frame) fits(m []byte) bool {
	word := func(i int) uint32 { return binary.BigEndian.Uint32(m[4*i:]) }
	program, procedure, kind, serial, status := word(1), word(3), word(4), int32(word(5)), word(6)
	if program != programRemote && program != programQEMU || serial < 0 {
		return false
	}
	payload := m[headerSize:]
	at, what := 0, plain
	switch kind {
	case typeReply:
		// Who gets a second reply does not wait for it, and go-libvirt waits until he does.
		if serial <= f.replied || status > statusError {
			return false
		}
		f.replied = serial
		known := procedure == procQEMUMonitorCommand
		if what = text; program == programRemote {
			what, known = replies[procedure]
		}
		if !known {
			return false
		}
		if status == statusError {
			at, what = errorTextAt, text
		} else if program == programRemote && procedure == procOpenConsole {
			f.stream = serial
		}
	case typeStream:
		if serial == 0 || serial != f.stream || program != programRemote ||
			procedure != procOpenConsole || status > statusContinue {
			return false
		}
		if status == statusError {
			at, what = errorTextAt, text
		}
		if status != statusContinue || len(payload) == 0 {
			f.stream = 0 // it has ended
		}
	case typeMessage:
		// Anything but an event would be taken for a reply.
		if program != programRemote || procedure != procLifecycle && procedure != procReboot {
			return false
		}
		at, what = eventTextAt, text
	default:
		return false
	}
	if what == plain {
		return true
	}
	if len(payload) < at+4 {
		return false
	}
	n, room := binary.BigEndian.Uint32(payload[at:]), uint32(len(payload)-at-4)
	if what == list {
		room /= 4
	}
	return n <= room
}
