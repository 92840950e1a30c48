package bmc

import (
	"testing"

	"lom/ipmi"
	"lom/rmcp"
)

// An asker is a client in memory that asks one thing over and over in a session. It does not read
// the answers.
type asker struct {
	t       testing.TB
	b       *BMC
	session *rmcp.Session20
	message []byte
	packet  []byte
	sink
}

func newAsker(t testing.TB, b *BMC, suite int, netFn ipmi.NetFn, cmd uint8, data ...byte) *asker {
	c := newConsole(t, b)
	s, err := c.login(admin(suite))
	if err != nil {
		t.Fatal(err)
	}
	return &asker{t: t, b: b, session: s, message: c.message(netFn, cmd, data...)}
}

// ask has the BMC answer once.
func (l *asker) ask() {
	var err error
	if l.packet, err = l.session.Append(l.packet[:0], ipmi.PayloadIPMI, l.message); err != nil {
		l.t.Fatal(err)
	}
	l.b.HandlePacket(l, consoleAddr, l.packet)
}

var askers = []struct {
	name  string
	netFn ipmi.NetFn
	cmd   uint8
	data  []byte
}{
	{"power", ipmi.NetFnChassis, 0x01, nil},
	{"sensor", ipmi.NetFnSensor, 0x2d, []byte{1}},
	{"sdr", ipmi.NetFnStorage, 0x23, []byte{0, 0, 2, 0, 0, 0xff}},
	{"device", ipmi.NetFnApp, 0x01, nil},
}

func BenchmarkPacket(b *testing.B) {
	for _, x := range askers {
		b.Run(x.name, func(b *testing.B) {
			l := newAsker(b, newTest(b, nil), 3, x.netFn, x.cmd, x.data...)
			b.ReportAllocs()
			for b.Loop() {
				l.ask()
			}
			if l.packets != b.N && l.packets < b.N {
				b.Fatalf("%d answers to %d requests", l.packets, b.N)
			}
		})
	}
}

// The answers that clients ask for most cost no allocation.
func TestPacketsAllocateNothing(t *testing.T) {
	for _, x := range askers {
		l := newAsker(t, newTest(t, nil), 3, x.netFn, x.cmd, x.data...)
		before := l.packets
		// The collector may empty the pools now and then.
		if n := testing.AllocsPerRun(1000, l.ask); n > 0.1 && !raceDetector {
			t.Errorf("%s: %v allocations", x.name, n)
		}
		if l.packets < before+1000 {
			t.Errorf("%s: %d answers", x.name, l.packets-before)
		}
	}
}
