package sel

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lom/ipmi"
)

// The records are those of a BMC whose list ipmitool prints; the words are ipmitool's.
var records = []struct {
	bytes     string
	sensor    string
	words     string
	direction string
	class     string
	details   []string
}{
	{"010002e0f5536520000401020159 5a55", "Temperature", "Upper Critical going high", "Asserted", "Threshold", nil},
	{"020002f70354652000040102815950 55", "Temperature", "Upper Critical going high", "Deasserted", "Threshold", nil},
	{"0300020e12546520000404070152 0005", "Fan", "Lower Critical going low ", "Asserted", "Threshold", nil},
	{"040002 251e5465 2000 04 08 15 6f a1ffff", "Power Supply", "Failure detected", "Asserted",
		"Sensor-specific Discrete",
		[]string{"OEM event data 2: ffh", "OEM event data 3: ffh"}},
	{"050002 00000065 2000 04 0c 18 6f a0ff21", "Memory", "Correctable ECC", "Asserted",
		"Sensor-specific Discrete",
		[]string{"OEM event data 2: ffh", "OEM event data 3: 21h"}},
	{"060002 00000065 2000 04 12 f0 6f c1ffff", "System Event", "OEM System boot event", "Asserted", "Sensor-specific Discrete", nil},
	{"090002 00000065 2000 04 07 19 03 01ffff", "Processor", "State Asserted", "Asserted", "Generic Discrete", nil},
	{"0b0002 24000000 2000 04 1d f2 6f c207ff", "System Boot Initiated", "Initiated by warm reset", "Asserted", "Sensor-specific Discrete", nil},
	{"0c0002 ffffffff 4100 04 1f f3 6f 01ffff", "OS Boot", "C: boot completed", "Asserted", "Sensor-specific Discrete", nil},
	{"0d0002 00000065 0100 04 0f 35 6f c213ff", "System Firmwares", "System boot initiated",
		"Asserted", "Sensor-specific Discrete",
		[]string{"Step: OS boot started"}},
	{"0e0002 00000065 2000 04 08 15 0b 4110ff", "Power Supply", "Redundancy Lost", "Asserted",
		"Generic Discrete",
		[]string{"Severity: Transition to Non-critical from OK",
			"Previous state: Fully Redundant"}},
	{"0f0002 00000065 2000 04 08 15 71 01ffff", "Power Supply", "", "Asserted", "OEM", nil},
}

func record(t testing.TB, s string) Record {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil || len(b) != Size {
		t.Fatalf("%s: %d bytes, %v", s, len(b), err)
	}
	var r Record
	if err := r.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWords(t *testing.T) {
	for _, c := range records {
		e, ok := record(t, c.bytes).Event()
		if !ok || e.SensorType.String() != c.sensor || e.String() != c.words ||
			e.Direction() != c.direction || e.Class() != c.class {
			t.Errorf("%s: %v %q %s %s", c.bytes, e.SensorType, e.String(), e.Direction(), e.Class())
		}
		if got := e.Details(); !reflect.DeepEqual(got, c.details) {
			t.Errorf("%s: details %q, want %q", c.bytes, got, c.details)
		}
	}
}

func TestThresholdEvent(t *testing.T) {
	for i, want := range []struct {
		trigger, limit uint8
		rising         bool
	}{{0x5a, 0x55, true}, {0x50, 0x55, false}, {0, 5, false}} {
		e, _ := record(t, records[i].bytes).Event()
		trigger, ok1 := e.Trigger()
		limit, ok2 := e.Limit()
		if !ok1 || !ok2 || trigger != want.trigger || limit != want.limit ||
			e.Rising() != want.rising {
			t.Errorf("%d: %d %d %t", i, trigger, limit, e.Rising())
		}
	}
	e, _ := record(t, records[3].bytes).Event()
	if _, ok := e.Trigger(); ok {
		t.Error("a discrete event has no trigger reading")
	}
}

func TestGenerator(t *testing.T) {
	if g := GeneratorID(0x3120); g.Software() || g.Address() != 0x20 || g.LUN() != 1 ||
		g.Channel() != 3 {
		t.Errorf("%v %x %d %d", g.Software(), g.Address(), g.LUN(), g.Channel())
	}
	if g := GeneratorSoftware; !g.Software() || g.Address() != 0x20 {
		t.Errorf("%v %x", g.Software(), g.Address())
	}
}

func TestOEMRecords(t *testing.T) {
	r := record(t, "0d00c1 d0515565 570100 010203040506")
	e, ok := r.OEMEvent()
	if ts, timed := r.Timestamp(); !ok || !timed || ts != e.Timestamp || e.Manufacturer != 343 ||
		e.Data != [6]byte{1, 2, 3, 4, 5, 6} {
		t.Errorf("%+v", e)
	}
	if _, ok := r.Event(); ok {
		t.Error("an OEM record is no event")
	}
	r = record(t, "0e00e1 a0a1a2a3a4a5a6a7a8a9aaabac")
	if _, timed := r.Timestamp(); timed || r.WithTimestamp(1) != r {
		t.Error("record type E1h has no timestamp")
	}
}

func TestLines(t *testing.T) {
	const line = "0x04 0x01 0x02 0x81 0x59 0x50 0x55 # Temperature #0x02 Upper Critical going high"
	e, ok, err := ReadLine(line)
	if err != nil || !ok || !e.Deassertion || e.Type != ipmi.EventThreshold || e.Line() != line {
		t.Errorf("%+v %v %v: %s", e, ok, err, e.Line())
	}
	for _, c := range []struct {
		line string
		bad  bool
	}{{"", false}, {"  # nothing", false}, {"0x04 1 2", true}, {"4 1 2 3 4 5 256", true},
		{"x 1 2 3 4 5 6", true}} {
		if _, ok, err := ReadLine(c.line); ok || (err != nil) != c.bad {
			t.Errorf("%q: %v %v", c.line, ok, err)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := Event{
			Timestamp: ipmi.Timestamp(rapid.Uint32().Draw(t, "time")),
			Generator: GeneratorID(rapid.Uint16().Draw(t, "generator")),
			Revision:  4, SensorType: ipmi.SensorType(rapid.Byte().Draw(t, "sensor type")),
			Sensor:      rapid.Byte().Draw(t, "sensor"),
			Deassertion: rapid.Bool().Draw(t, "deassertion"),
			Type:        ipmi.EventType(rapid.ByteMax(0x7f).Draw(t, "type")),
			Data:        [3]byte(rapid.SliceOfN(rapid.Byte(), 3, 3).Draw(t, "data")),
		}
		r, err := e.Record()
		if err != nil {
			t.Fatal(err)
		}
		r.ID = rapid.Uint16().Draw(t, "id")
		b := r.Bytes()
		var again Record
		if err := again.UnmarshalBinary(b[:]); err != nil || again != r {
			t.Fatalf("%+v, %v", again, err)
		}
		if got, ok := again.Event(); !ok || got != e {
			t.Fatalf("got %+v, want %+v", got, e)
		}
		if ts, _ := r.WithTimestamp(7).Timestamp(); ts != 7 {
			t.Fatal(ts)
		}
	})
}

func FuzzRecord(f *testing.F) {
	for _, c := range records {
		r := record(f, c.bytes)
		b := r.Bytes()
		f.Add(b[:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Record
		if r.UnmarshalBinary(b) != nil {
			return
		}
		if got := r.Bytes(); string(got[:]) != string(b[:Size]) {
			t.Fatalf("%x became %x", b[:Size], got)
		}
		if e, ok := r.Event(); ok {
			_, _, _, _ = e.String(), e.Details(), e.Class(), e.Line()
			if _, ok, err := ReadLine(e.Line()); !ok || err != nil {
				t.Fatalf("%s: %v", e.Line(), err)
			}
		}
		r.OEMEvent()
	})
}
