package machine_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sel"
	"lom/ipmitest"
	"lom/machine"
)

// noSensors is a BMC without sensor records.
const noSensors = `
	> 0a 20
	< c1
	> 0a 23 0000 0000 00 ff
	< c1
`

// exhaustTemp is a BMC whose only sensor record is that of temperature sensor 2.
const exhaustTemp = `
	> 0a 20
	< c1
	> 0a 23 0000 0000 00 ff
	< 00 ffff ` + exhaustTempRecord + "\n"

const exhaustTempRecord = "0400510137200002070277680101800a800a38380001000001000001010001290000ff" +
	"00504b460000000202000000cc457868617573742054656d70"

// threeEvents is a log of an event of that sensor, of one before the clock was set, and of a
// manufacturer's record.
const threeEvents = `
	> 0a 40
	< 00 51 03 00 00 10 90 50 55 65 78 dd 53 65 02
	> 0a 43 0000 0000 00 ff
	< 00 0200 0100 02 00f15365 2000 04 01 02 01 595a55
	> 0a 43 0000 0100 00 ff
	< 00 0200 0100 02 00f15365 2000 04 01 02 01 595a55
	> 0a 43 0000 0200 00 ff
	< 00 0300 0200 02 24000000 2000 04 1d f2 ef c207ff
	> 0a 43 0000 0300 00 ff
	< 00 ffff 0300 c1 90505565 570100 010203040506
	> 0a 43 0000 0400 00 ff
	< cb
`

// ids returns the IDs of events, and the errors between them.
func ids(t *testing.T, m *machine.Machine, opts ...machine.EventOption) (
	list []uint16, errs []error) {
	t.Helper()
	for e, err := range m.Events(t.Context(), opts...) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, e.ID)
	}
	return list, errs
}

// An event has the name of its sensor, its values and what is known of its time.
func TestEvents(t *testing.T) {
	m := machine.New(ipmitest.Script(t, exhaustTemp+threeEvents))
	var got []string
	for e, err := range m.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b))
	}
	want := []string{
		`{"id":1,"record_type":"system-event","time":"2023-11-14T22:13:20Z",` +
			`"generator_id":"0020",` +
			`"sensor_type":"Temperature","sensor_number":2,"sensor_name":"Exhaust Temp",` +
			`"event":"Upper Critical going high","direction":"asserted","severity":"critical",` +
			`"trigger_reading":90,"threshold":85,"unit":"degrees C",` +
			`"data":"595a55","raw":"01000200f15365200004010201595a55"}`,
		`{"id":2,"record_type":"system-event","time_since_init_seconds":36,"generator_id":"0020",` +
			`"sensor_type":"System Boot Initiated","sensor_number":242,` +
			`"event":"Initiated by warm reset","direction":"deasserted","severity":"nominal",` +
			`"data":"c207ff","raw":"020002240000002000041df2efc207ff"}`,
		`{"id":3,"record_type":"oem-timestamped","time":"2023-11-15T23:13:20Z",` +
			`"manufacturer_id":343,"data":"010203040506","raw":"0300c190505565570100010203040506"}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEventsSelected(t *testing.T) {
	const gone = "> 0a 43 0000 0900 00 ff\n< cb\n"
	for name, c := range map[string]struct {
		opts []machine.EventOption
		want []uint16
	}{
		"all":            {nil, []uint16{1, 2, 3}},
		"first":          {[]machine.EventOption{machine.FirstEvents(2)}, []uint16{1, 2}},
		"last":           {[]machine.EventOption{machine.LastEvents(2)}, []uint16{2, 3}},
		"more than all":  {[]machine.EventOption{machine.LastEvents(9)}, []uint16{1, 2, 3}},
		"after":          {[]machine.EventOption{machine.EventsAfter(2)}, []uint16{3}},
		"after the last": {[]machine.EventOption{machine.EventsAfter(3)}, nil},
		"after one that is not there": {
			[]machine.EventOption{machine.EventsAfter(9)}, []uint16{1, 2, 3}},
		"the last after": {
			[]machine.EventOption{machine.EventsAfter(1), machine.LastEvents(1)}, []uint16{3}},
	} {
		t.Run(name, func(t *testing.T) {
			m := machine.New(ipmitest.Script(t, threeEvents+noSensors+gone))
			if got, errs := ids(t, m, c.opts...); !slices.Equal(got, c.want) || errs != nil {
				t.Errorf("got %v, %v, want %v", got, errs, c.want)
			}
		})
	}
}

// What could be read comes before the error that says what is missing.
func TestEventsInPart(t *testing.T) {
	script := strings.Replace(threeEvents, "51 03", "51 04", 1) + noSensors
	for _, opts := range [][]machine.EventOption{nil, {machine.LastEvents(5)}} {
		got, errs := ids(t, machine.New(ipmitest.Script(t, script)), opts...)
		partial := new(machine.PartialError)
		if !slices.Equal(got, []uint16{1, 2, 3}) || len(errs) != 1 ||
			!errors.As(errs[0], &partial) ||
			partial.Error() != "the BMC reports 4 SEL entries and gave 3" {
			t.Errorf("got %v, %v, want three events and a PartialError", got, errs)
		}
	}
}

// A log that is refused, or not answered, says what was tried, and shows no event as if it were the
// last.
func TestEventsRefused(t *testing.T) {
	const first = "> 0a 40\n< c1\n> 0a 43 0000 0100 00 ff\n< lost\n> 0a 43 0000 0000 00 ff\n"
	for answer, want := range map[string]error{
		"< d4": ipmi.CodeInsufficientPrivilege, "< lost": ipmi.ErrTimeout,
	} {
		_, errs := ids(t, machine.New(ipmitest.Script(t, first+answer)))
		var e *ipmi.Error
		if len(errs) != 1 || !errors.Is(errs[0], want) || !errors.As(errs[0], &e) ||
			e.Op != "Get SEL Entry 0 command" {
			t.Errorf("%s: got %v, want %v", answer, errs, want)
		}
	}
	// After the first event all are refused: it is not the last.
	script := strings.ReplaceAll(threeEvents, "< 00 0300", "< d4\n#") + noSensors
	got, errs := ids(t, machine.New(ipmitest.Script(t, script)), machine.LastEvents(1))
	if len(got) > 0 || len(errs) != 1 || !errors.Is(errs[0], ipmi.CodeInsufficientPrivilege) {
		t.Errorf("got %v, %v, want a refusal", got, errs)
	}
}

// noSDRs is a BMC whose sensor records cannot be read.
type noSDRs struct {
	client.Conn
	err error
}

func (c noSDRs) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	code, refused := c.err.(ipmi.CompletionCode)
	switch get := (ipmi.GetSDR{}); {
	case req.Command.NetFn != get.Command().NetFn || req.Command.Code >= 0x40:
		return c.Conn.Exchange(ctx, req)
	case refused:
		return ipmi.RawResponse{Code: code}, nil
	}
	return ipmi.RawResponse{}, &ipmi.Error{Command: req.Command, Err: c.err}
}

// Events are shown without names where the BMC has no sensor records, or gives none.
func TestEventsWithoutNames(t *testing.T) {
	for name, c := range map[string]struct {
		err    error // of reading the sensor records
		noted  bool
		failed bool
	}{
		"no such command": {ipmi.CodeInvalidCommand, false, false},
		"refused":         {ipmi.CodeUnspecified, true, false},
		"malformed":       {ipmi.ErrMalformed, true, false},
		"not answered":    {ipmi.ErrTimeout, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			noted := false
			m := machine.New(noSDRs{ipmitest.Script(t, threeEvents), c.err})
			got, errs := ids(t, m, machine.NoteSensors(func(error) { noted = true }))
			partial := new(machine.PartialError)
			failed := len(errs) == 1 && errors.As(errs[0], &partial)
			if len(got) != 3 || noted != c.noted || failed != c.failed || len(errs) > 1 {
				t.Errorf("got %v, %v, noted %t; want noted %t, failed %t",
					got, errs, noted, c.noted, c.failed)
			}
		})
	}
}

func TestEventWords(t *testing.T) {
	const sys = "system-event"
	for _, c := range []struct {
		record                    sel.Record
		kind, severity, panicText string
	}{
		{sel.Record{Type: 2, Body: [13]byte{7: 1, 9: 1, 10: 11}}, sys, "non-recoverable", ""},
		{sel.Record{Type: 2, Body: [13]byte{7: 1, 9: 1, 10: 9}}, sys, "critical", ""},
		{sel.Record{Type: 2, Body: [13]byte{7: 1, 9: 7, 10: 6}}, sys, "non-recoverable", ""},
		{sel.Record{Type: 2, Body: [13]byte{7: 1, 9: 0x70}}, sys, "unknown", ""},
		{sel.Record{Type: 5}, "unknown", "unknown", ""},
		{sel.Record{Type: 0xc0}, "oem-timestamped", "", ""},
		{sel.Record{Type: 0xe0}, "oem", "", ""},
		{sel.Record{Type: 0xf0, Body: [13]byte{2: 'B', 3: 'U', 4: 'G'}}, "linux-panic", "", "BUG"},
	} {
		e := machine.EventOf(c.record)
		if e.RecordType != c.kind || e.Severity != c.severity || e.PanicText != c.panicText {
			t.Errorf("%+v: got %s %s %q, want %s %s %q",
				c.record, e.RecordType, e.Severity, e.PanicText, c.kind, c.severity, c.panicText)
		}
	}
}

func TestEventLog(t *testing.T) {
	for name, c := range map[string]struct {
		script, want string
	}{
		"with allocation": {
			"> 0a 40\n< 00 51 0e00 0010 90505565 78dd5365 0f\n> 0a 41\n< 00 0002 1000 f001 f001 01",
			`{"version":"1.5","entries":14,"used_bytes":224,"free_bytes":4096,"total_bytes":4320,` +
				`"used_percent":5,"last_addition":"2023-11-15T23:13:20Z",` +
				`"last_erase":"2023-11-14T20:50:00Z","overflow":false,` +
				`"supported_commands":["delete","partial-add","reserve","get-allocation-info"],` +
				`"allocation":{"units":512,"unit_bytes":16,"free_units":496,` +
				`"largest_free_block_units":496,"max_record_units":1}}`},
		"never, since init, unknown size": {
			"> 0a 40\n< 00 51 0100 ffff 24000000 00000000 80",
			`{"version":"1.5","entries":1,"used_bytes":16,"free_bytes":65535,` +
				`"last_addition_since_init_seconds":36,"overflow":true,"supported_commands":[]}`},
		"empty and without space": {
			"> 0a 40\n< 00 51 0000 0000 ffffffff ffffffff 00",
			`{"version":"1.5","entries":0,"used_bytes":0,"free_bytes":0,"total_bytes":0,` +
				`"overflow":false,"supported_commands":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := machine.New(ipmitest.Script(t, c.script)).EventLog(t.Context())
			b, _ := json.Marshal(v)
			if err != nil || string(b) != c.want {
				t.Errorf("got %s, %v\nwant %s", b, err, c.want)
			}
		})
	}
}

func TestEventLogClock(t *testing.T) {
	m := machine.New(ipmitest.Script(t, "> 0a 48\n< 00 24000000\n> 0a 49 c0b25465\n< 00"))
	c, err := m.EventLogClock(t.Context())
	if err != nil || !c.Time.IsZero() || c.TimeSinceInit == nil || *c.TimeSinceInit != 36 {
		t.Errorf("got %+v, %v, want 36 seconds after the start", c, err)
	}
	if err := m.SetEventLogClock(t.Context(), time.Unix(0x6554b2c0, 0)); err != nil {
		t.Error(err)
	}
	if err := m.SetEventLogClock(t.Context(), time.Unix(36, 0)); err == nil {
		t.Error("got no error for 1970, want one")
	}
}

func TestEventLines(t *testing.T) {
	for _, c := range []struct {
		text  string
		count int
		err   string
	}{
		{"", 0, ""}, {"# nothing\n\n", 0, ""},
		{"0x04 0x01 0x02 0x81 0x59 0x50 0x55 # Temperature\n", 1, ""},
		{"\n4 1 2\n", 0, "f, line 2: an event has 7 numbers, not 3"},
	} {
		events, err := machine.ReadEventLines("f", []byte(c.text))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if len(events) != c.count || got != c.err {
			t.Errorf("%q: got %d events, %q, want %d, %q", c.text, len(events), got, c.count, c.err)
		}
	}
	// A record is read back from its line but for what the log sets.
	r := sel.Record{Type: sel.TypeSystemEvent, Body: [13]byte{6: 4, 7: 1, 8: 2, 9: 0x81, 10: 0x59}}
	events, err := machine.ReadEventLines("f", []byte(machine.EventLine(r)))
	want, _ := r.Event()
	want.Generator = sel.GeneratorSoftware
	if err != nil || !reflect.DeepEqual(events, []sel.Event{want}) {
		t.Errorf("got %+v, %v, want %+v", events, err, want)
	}
	line := "# OEM record e1: " + strings.Repeat("00", 13) + "\n"
	if got, want := machine.EventLine(sel.Record{Type: 0xe1}), line; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzReadRawEvents(f *testing.F) {
	f.Add(make([]byte, 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		records, err := machine.ReadRawEvents(b)
		got, want := len(records), len(b)/sel.Size
		if got != want || (err == nil) != (len(b)%sel.Size == 0) {
			t.Fatalf("got %d records, %v, want %d", got, err, want)
		}
		m, nameless := machine.New(nil), machine.EventsWithoutSensors()
		for e, err := range m.EventsOf(context.Background(), records, nameless) {
			if _, jerr := json.Marshal(e); err != nil || jerr != nil {
				t.Fatal(err, jerr)
			}
		}
	})
}
