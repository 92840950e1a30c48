package machine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/ipmi/sel"
)

// An Event is an entry of the system event log (§32).
type Event struct {
	// ID is that of the entry, absent for an event that is in no log. IDs are used again after the
	// log was cleared.
	ID         uint16 `json:"id,omitempty"`
	RecordType string `json:"record_type" enum:"system-event,oem-timestamped,oem,linux-panic,unknown"`

	// The BMC's clock when the event was logged, or the seconds since the BMC's start, if its clock
	// was not set then. Without either the time is not known.
	Time          time.Time `json:"time,omitzero"`
	TimeSinceInit *uint32   `json:"time_since_init_seconds,omitempty"`

	Generator    string `json:"generator_id,omitempty"` // four hexadecimal digits: sel.GeneratorID
	SensorType   string `json:"sensor_type,omitempty"`
	SensorNumber *uint8 `json:"sensor_number,omitempty"`
	SensorName   string `json:"sensor_name,omitempty"` // if the sensor records name it

	Event     string `json:"event,omitempty"` // the state, in the words of Tables 42-2 and 42-3
	Direction string `json:"direction,omitempty" enum:"asserted,deasserted"`

	// Severity is that of the state which was asserted or deasserted.
	Severity string   `json:"severity,omitempty" enum:"nominal,warning,critical,non-recoverable,unknown"`
	Details  []string `json:"details,omitempty"` // what event data 2 and 3 say in words

	TriggerReading *float64 `json:"trigger_reading,omitempty"` // that crossed Threshold, in Unit
	Threshold      *float64 `json:"threshold,omitempty"`       // that was crossed, in Unit
	Unit           string   `json:"unit,omitempty"`

	ManufacturerID *uint32 `json:"manufacturer_id,omitempty"` // of an OEM record
	PanicText      string  `json:"panic_text,omitempty"`      // of the Linux kernel
	Data           Bytes   `json:"data"`                      // event data, or the manufacturer's
	Raw            Bytes   `json:"raw"`                       // the 16 bytes of the entry

	Record sel.Record `json:"-"`
	Body   sel.Event  `json:"-"` // of a record that is no manufacturer's
	Sensor sdr.Record `json:"-"` // nil if it is not known

	// TriggerReading and Threshold, also where they are no finite number.
	Trigger, Limit *float64 `json:"-"`
}

// EventOf makes an Event of a record. It knows nothing of the sensor but its number and type: for
// the rest see [Machine.EventsOf].
func EventOf(r sel.Record) Event {
	raw := r.Bytes()
	v := Event{
		ID: r.ID, RecordType: eventTypeWord(r.Type), Record: r, Raw: raw[:], Data: r.Body[:],
	}
	if ts, ok := r.Timestamp(); ok {
		v.Time, v.TimeSinceInit = timeOf(ts), sinceInit(ts)
	}
	if r.Type == sel.TypeLinuxPanic {
		v.PanicText, _, _ = strings.Cut(string(r.Body[2:]), "\x00")
	}
	if o, ok := r.OEMEvent(); ok {
		v.ManufacturerID, v.Data = new(uint32(o.Manufacturer)), o.Data[:]
	}
	e, ok := r.Event()
	if !ok {
		return v
	}
	state, _ := e.State()
	v.Body, v.Data = e, e.Data[:]
	v.Generator, v.SensorType = fmt.Sprintf("%04x", uint16(e.Generator)), e.SensorType.String()
	v.SensorNumber, v.Event = &e.Sensor, strings.TrimSpace(state.Words)
	v.Direction, v.Details = strings.ToLower(e.Direction()), e.Details()
	v.Severity = strings.ToLower(state.Severity.String())
	if nonRecoverable(e) {
		v.Severity = "non-recoverable"
	}
	return v
}

// eventTypeWord is the word for the type of a record (§31.6.1).
func eventTypeWord(t sel.RecordType) string {
	switch {
	case t == sel.TypeSystemEvent:
		return "system-event"
	case t == sel.TypeLinuxPanic:
		return "linux-panic"
	case t.OEM() && t.Timestamped():
		return "oem-timestamped"
	case t.OEM():
		return "oem"
	}
	return "unknown"
}

// nonRecoverable reports whether the state of an event is one that a system does not come back
// from: that of the outermost thresholds, or of a severity sensor (Table 42-2).
func nonRecoverable(e sel.Event) bool {
	switch {
	case e.Type.Threshold():
		return slices.Contains([]uint8{4, 5, 10, 11}, e.Offset())
	case e.Type == ipmi.EventSeverity:
		return e.Offset() == 3 || e.Offset() == 6
	}
	return false
}

// An EventOption says which events are wanted, and what of them.
type EventOption func(*eventQuery)

type eventQuery struct {
	first, last int
	after       uint16
	fresh       bool
	nameless    bool
	note        func(error)
}

// FirstEvents selects the n oldest events. 0 is all of them.
func FirstEvents(n int) EventOption { return func(q *eventQuery) { q.first = n } }

// LastEvents selects the n newest events. 0 is all of them.
func LastEvents(n int) EventOption { return func(q *eventQuery) { q.last = n } }

// EventsAfter selects the events after the one with the ID. If there is no such event any more,
// because the log was cleared or has gone round, these are all events; so they are for ID 0, which
// is not the ID of an event.
func EventsAfter(id uint16) EventOption { return func(q *eventQuery) { q.after = id } }

// FreshEvents reads every event from the BMC, and none from the cache.
func FreshEvents() EventOption { return func(q *eventQuery) { q.fresh = true } }

// EventsWithoutSensors omits what only the sensor records know: names, readings and thresholds. It
// spares reading them.
func EventsWithoutSensors() EventOption { return func(q *eventQuery) { q.nameless = true } }

// NoteSensors calls note with the reason if the names of sensors are not known because the BMC's
// sensor records make no sense. Without it the reason is logged.
func NoteSensors(note func(error)) EventOption { return func(q *eventQuery) { q.note = note } }

func eventQueryOf(opts []EventOption) eventQuery {
	var q eventQuery
	for _, o := range opts {
		o(&q)
	}
	return q
}

// Events returns the events of the log, oldest first, each as soon as it was read; those that are
// in the cache are not read again. If the log could be read only in part, that part comes before a
// [*PartialError].
func (m *Machine) Events(ctx context.Context, opts ...EventOption) iter.Seq2[Event, error] {
	q := eventQueryOf(opts)
	return m.eventsOf(ctx, wanted(m.selRecords(ctx, q), q), q)
}

// EventsOf returns the events of records that were read before, such as those of a file, with what
// the machine's sensor records know of them.
func (m *Machine) EventsOf(ctx context.Context, records []sel.Record, opts ...EventOption,
) iter.Seq2[Event, error] {
	seq := func(yield func(sel.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
	return m.eventsOf(ctx, seq, eventQueryOf(opts))
}

// Event reads the event with the ID. One that does not exist is refused with ipmi.CodeNotPresent.
func (m *Machine) Event(ctx context.Context, id uint16, opts ...EventOption) (Event, error) {
	r, err := client.SELEntry(ctx, m.conn, id)
	if err != nil {
		return Event{}, failed(fmt.Sprintf("Get SEL Entry %d command", id), err)
	}
	var event Event
	for e, err := range m.EventsOf(ctx, []sel.Record{r}, opts...) {
		if err != nil {
			return event, err
		}
		event = e
	}
	return event, nil
}

// eventsOf makes events of records, with their sensors.
func (m *Machine) eventsOf(ctx context.Context, records iter.Seq2[sel.Record, error], q eventQuery,
) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		sensors := eventSensors{m: m, note: q.note, unwanted: q.nameless}
		for r, err := range records {
			if err != nil {
				if !yield(Event{}, err) {
					return
				}
				continue
			}
			e := EventOf(r)
			err := sensors.add(ctx, &e)
			if !yield(e, nil) || err != nil && !yield(Event{}, err) {
				return
			}
		}
		if sensors.missing != nil {
			yield(Event{}, sensors.missing)
		}
	}
}

// wanted returns the records that a query wants.
func wanted(records iter.Seq2[sel.Record, error], q eventQuery) iter.Seq2[sel.Record, error] {
	return func(yield func(sel.Record, error) bool) {
		var tail []sel.Record
		var rest error
		n := 0
		for r, err := range records {
			if err != nil {
				rest = selError(n, err)
				break
			}
			n++
			if q.last > 0 {
				if tail = append(tail, r); len(tail) > q.last {
					tail = slices.Delete(tail, 0, 1)
				}
				continue
			}
			if !yield(r, nil) {
				return
			}
			if n == q.first {
				return
			}
		}
		partial := new(PartialError)
		if rest != nil && !errors.As(rest, &partial) {
			tail = nil // the newest are not known
		}
		for _, r := range tail {
			if !yield(r, nil) {
				return
			}
		}
		if rest != nil {
			yield(sel.Record{}, rest)
		}
	}
}

// selError is the error of reading the log after n entries.
func selError(n int, err error) error {
	if e := new(client.IncompleteError); errors.As(err, &e) {
		// What is wrong with one entry is not what is wrong with the command.
		return &PartialError{errors.New(e.Error())}
	}
	if n == 0 {
		return failed("Get SEL Entry 0 command", err)
	}
	return failed("Get SEL Entry command", err)
}

// selRecords reads the log, as far as a query needs it.
func (m *Machine) selRecords(ctx context.Context, q eventQuery) iter.Seq2[sel.Record, error] {
	switch {
	case q.after != 0:
		return m.selAfter(ctx, q.after)
	case q.fresh:
		return client.SELEntries(ctx, m.conn, ipmi.FirstRecord)
	}
	return m.cache.SEL(ctx, m.conn, m.address, q.first)
}

// selAfter reads the entries after one, or all of them if it is not there.
func (m *Machine) selAfter(ctx context.Context, id uint16) iter.Seq2[sel.Record, error] {
	return func(yield func(sel.Record, error) bool) {
		known := false // the first record is the one that is known
		for r, err := range client.SELEntries(ctx, m.conn, id) {
			if !known && errors.Is(err, ipmi.CodeNotPresent) {
				break
			}
			if known || err != nil {
				if !yield(r, err) {
					return
				}
			}
			known = true
		}
		if known {
			return
		}
		for r, err := range client.SELEntries(ctx, m.conn, ipmi.FirstRecord) {
			if !yield(r, err) {
				return
			}
		}
	}
}
