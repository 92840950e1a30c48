package bmc

import (
	"bytes"
	"encoding/hex"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lom/bmc/host/sim"
)

// A wiredHost is a simulated machine with a way to its BMC.
type wiredHost struct {
	*sim.Machine
	l net.Listener
}

func (h wiredHost) SystemInterface() net.Listener { return h.l }

func (h wiredHost) Close() error {
	h.l.Close()
	return h.Machine.Close()
}

// A vmPeer is QEMU's end of the VM protocol.
type vmPeer struct {
	net.Conn
	frames vmReader
	t      *testing.T
}

// newWired returns a BMC and what connects to it as its machine.
func newWired(t *testing.T) (*BMC, func() *vmPeer) {
	path := filepath.Join(t.TempDir(), "ipmi")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	b := newTest(t, func(c *Config) { c.Host = wiredHost{sim.New(sim.Config{On: true}), l} })
	return b, func() *vmPeer {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return &vmPeer{Conn: conn, t: t}
	}
}

// expect reads frames, written as hexadecimal; commands begin with "!".
func (p *vmPeer) expect(want ...string) {
	p.t.Helper()
	p.SetReadDeadline(time.Now().Add(10 * time.Second))
	for _, w := range want {
		for c := make([]byte, 1); ; {
			if _, err := p.Read(c); err != nil {
				p.t.Fatalf("%v; want %s", err, w)
			}
			f, ok := p.frames.next(c[0])
			if !ok {
				continue
			}
			got := hex.EncodeToString(f.Bytes)
			if f.Command {
				got = "!" + got
			}
			if strings.HasSuffix(w, "*") && strings.HasPrefix(got, w[:len(w)-1]) {
				break
			}
			if got != w {
				p.t.Fatalf("got %s, want %s", got, w)
			}
			break
		}
	}
}

func (p *vmPeer) ask(seq, netFnLUN, cmd byte, data ...byte) {
	p.t.Helper()
	b := append([]byte{seq, netFnLUN, cmd}, data...)
	if _, err := p.Write(vmFrame{Bytes: append(b, -vmSum(b))}.append(nil)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *vmPeer) say(bytes ...byte) {
	p.t.Helper()
	if _, err := p.Write(vmFrame{Command: true, Bytes: bytes}.append(nil)); err != nil {
		p.t.Fatal(err)
	}
}

func TestSystemInterface(t *testing.T) {
	b, connect := newWired(t)
	p := connect()
	p.expect("!ff01")
	p.say(0xff, 1)
	p.say(0x08, 0x3f)
	p.expect("!06", "!00") // no interrupts, no attention
	p.ask(0, 0x18, 0x01)
	p.expect("001c0100*") // Get Device ID
	if _, err := p.Write(bytes.Repeat([]byte{0x00, 0xaa, 0xff, 0xa0}, 300)); err != nil {
		t.Fatal(err)
	}
	p.ask(1, 0x18, 0x2e, 0x07) // Set BMC Global Enables: both interrupts and the event buffer
	p.expect("011c2e00b5", "!05")

	// An event of the operating system is logged, and waits in the event buffer.
	p.ask(2, 0x10, 0x02, 0x21, 0x04, 0x20, 0x00, 0x6f, 0xa1, 0x01, 0x02)
	p.expect("02140200e8", "!02")
	p.ask(3, 0x18, 0x31)
	p.expect("031c31000*")
	p.ask(4, 0x18, 0x35)
	p.expect("041c3500*", "!00")
	p.ask(5, 0x18, 0x35)
	p.expect("051c35802a")
	// Linux keeps the words of a panic as OEM records.
	p.ask(6, 0x28, 0x44, append([]byte{0, 0, 0xf0, 0x20, 0}, "sysrq trigg"...)...)
	p.expect("062c4400*")
	b.mu.Lock()
	if n := len(b.eventLog.records); n != 2 {
		t.Errorf("%d records in the SEL", n)
	}
	b.mu.Unlock()

	// Another connection learns what holds.
	again := connect()
	again.expect("!ff01")
	again.say(0x08, 0x04) // it knows interrupts only
	again.expect("!05")
	again.ask(7, 0x18, 0x2e, 0x00)
	again.expect("071c2e00af", "!06")
	again.Close()
	p.ask(8, 0x18, 0x01)
	p.expect("081c0100*")
}

// A machine that sends without reading holds up nobody and goes with the BMC.
func TestSystemInterfaceFlood(t *testing.T) {
	b, connect := newWired(t)
	p := connect()
	request := vmFrame{Bytes: []byte{0, 0x18, 1, 0xe7}}.append(nil)
	p.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	p.Write(bytes.Repeat(request, 100000))
	done := make(chan struct{})
	go func() { b.do(func() {}); b.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the BMC does not end")
	}
}
