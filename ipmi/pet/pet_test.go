package pet

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lom/ipmi"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		panic(err)
	}
	return b
}

// A trap of a Dell server, as the manual of FreeIPMI's ipmi-pet has it: a chassis is closed again.
const (
	dellSpecific = 356224
	dellEvent    = `44 45 4c 4c 50 00 10 59 80 43 b2 c0 4f 33 33 58 00 02 19 e8 7e 26 ff ff 20 20 04 20 73 18 00
		80 01 ff 00 00 00 00 00 19 00 00 02 a2 01 00 c1`
)

var dell = Trap{
	Community: "public", Agent: ipmi.IPv4Address{192, 0, 2, 10}, Uptime: 4711,
	SensorType: ipmi.SensorPhysicalSecurity, EventType: ipmi.EventSensorSpecific, Deassertion: true,
	Event: Event{
		GUID: ipmi.GUID(unhex("44454c4c500010598043b2c04f333358")), Sequence: 2, Time: 0x19e87e26,
		UTCOffset:  UTCOffsetUnspecified,
		TrapSource: SourceBMC, EventSource: SourceBMC, Severity: ipmi.PEFSeverityOK,
		SensorDevice: 0x20, Sensor: 0x73, Entity: 0x18,
		Data: [8]byte{0x80, 0x01, 0xff}, Language: 0x19, Manufacturer: 674, System: 0x0100,
		Custom: []byte{0xc1},
	},
}

func TestEventOfDell(t *testing.T) {
	var e Event
	if err := e.UnmarshalBinary(unhex(dellEvent)); err != nil || !reflect.DeepEqual(e, dell.Event) {
		t.Errorf("%+v, %v", e, err)
	}
	if b, err := dell.Event.AppendBinary(nil); err != nil || string(b) != string(unhex(dellEvent)) {
		t.Errorf("% x, %v", b, err)
	}
	if n := dell.Specific(); n != dellSpecific {
		t.Errorf("specific trap %d, want %d", n, dellSpecific)
	}
	if got := e.Time.Clock().Format("2006-01-02 15:04:05"); got != "2011-10-10 20:50:46" {
		t.Errorf("time %s", got)
	}
}

// The same trap as an SNMP message, element by element as RFC 1157 has it.
func TestTrap(t *testing.T) {
	want := unhex(`30 6b 02 01 00 04 06 70 75 62 6c 69 63
		a4 5e 06 09 2b 06 01 04 01 98 6f 01 01 40 04 c0 00 02 0a 02 01 06 02 03 05 6f 80 43 02 12 67
		30 3f 30 3d 06 0a 2b 06 01 04 01 98 6f 01 01 01 04 2f ` + dellEvent)
	got, err := dell.AppendBinary(nil)
	if err != nil || string(got) != string(want) {
		t.Errorf("wrote\n% x, %v, want\n% x", got, err, want)
	}
	var back Trap
	if err := back.UnmarshalBinary(want); err != nil || !reflect.DeepEqual(back, dell) {
		t.Errorf("read %+v, %v", back, err)
	}
	for n := range len(want) {
		if err := back.UnmarshalBinary(want[:n]); err == nil {
			t.Errorf("%d bytes were enough", n)
		}
	}
}

func TestOtherMessagesAreRefused(t *testing.T) {
	good, _ := dell.AppendBinary(nil)
	for name, change := range map[string]func([]byte){
		"version 2c":         func(b []byte) { b[4] = 1 },
		"a get request":      func(b []byte) { b[13] = 0xa0 },
		"a cold start":       func(b []byte) { b[34] = 0 },
		"another enterprise": func(b []byte) { b[23] = 0x70 },
	} {
		b := append([]byte(nil), good...)
		change(b)
		var tr Trap
		if err := tr.UnmarshalBinary(b); !errors.Is(err, ErrNotPET) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestText(t *testing.T) {
	for _, text := range []string{"", "CPU 1 too hot", strings.Repeat("x", 60)} {
		e := Event{Custom: CustomText(text)}
		if e.Text() != text || len(e.Custom) > maxCustom {
			t.Errorf("%q became %q in %d bytes", text, e.Text(), len(e.Custom))
		}
	}
	if e := (Event{Custom: CustomText(strings.Repeat("x", 99))}); len(e.Text()) != 60 {
		t.Errorf("a long text is cut to %d bytes", len(e.Text()))
	}
	// Behind fields of other kinds: an ASCII field and data of the maker.
	e := Event{Custom: append([]byte{0xc2, 'o', 'k', 0x80, 0x03, 0x03, 1, 2, 3},
		CustomText("hot")...)}
	if e.Text() != "hot" {
		t.Errorf("text %q", e.Text())
	}
}

func TestTrapRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := dell
		in.Community = rapid.StringN(0, 20, 255).Draw(t, "community")
		in.Uptime = rapid.Uint32().Draw(t, "uptime")
		in.SensorType = ipmi.SensorType(rapid.Byte().Draw(t, "sensor type"))
		in.EventType = ipmi.EventType(rapid.ByteMax(0x7f).Draw(t, "event type"))
		in.Offset = rapid.ByteMax(15).Draw(t, "offset")
		in.Event.Custom = CustomText(rapid.StringN(1, 10, 40).Draw(t, "text"))
		in.Event.Sequence = rapid.Uint16().Draw(t, "sequence")
		b, err := in.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var out Trap
		if err := out.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(in, out) {
			t.Fatalf("%+v\nbecame %+v, %v", in, out, err)
		}
	})
}

func FuzzTrap(f *testing.F) {
	good, _ := dell.AppendBinary(nil)
	f.Add(good)
	f.Add(good[:40])
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		var tr Trap
		if tr.UnmarshalBinary(b) != nil {
			return
		}
		_ = tr.Event.Text()
		out, err := tr.AppendBinary(nil)
		if err != nil {
			return // a longer community or more custom fields than we write
		}
		var again Trap
		if err := again.UnmarshalBinary(out); err != nil || !reflect.DeepEqual(tr, again) {
			t.Errorf("%+v\nbecame %+v, %v", tr, again, err)
		}
	})
}
