package machine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/ipmi/sel"
)

// A SampleEvent is an event that is sent to try out what a BMC does with events.
type SampleEvent struct {
	Words string
	Event sel.Event
}

// SampleEvents are those that ipmitool numbers from 1.
var SampleEvents = []SampleEvent{
	{"Temperature - Upper Critical - Going High", sel.Event{
		SensorType: 0x01, Sensor: 0x30,
		Type: ipmi.EventThreshold, Data: [3]byte{0x09, 0xff, 0xff}}},
	{"Voltage Threshold - Lower Critical - Going Low", sel.Event{
		SensorType: 0x02, Sensor: 0x60,
		Type: ipmi.EventThreshold, Data: [3]byte{0x02, 0xff, 0xff}}},
	{"Memory - Correctable ECC", sel.Event{
		SensorType: 0x0c, Sensor: 0x53,
		Type: ipmi.EventSensorSpecific, Data: [3]byte{0x00, 0xff, 0xff}}},
}

// systemSoftware is the ID of system management software, 20h, as a generator (Table 5-4).
const systemSoftware = 0x41

// SentEvent returns the event as it is sent: the BMC fills in when and where it came from.
func SentEvent(e sel.Event) sel.Event {
	e.Generator, e.Timestamp, e.Revision = ipmi.AddressRemoteSWI, 0, ipmi.EventRevision
	return e
}

// SendEvent sends an event to the BMC, as a sensor would (§29.3). inBand is true on the system
// interface, where the sender has to say who it is.
func (m *Machine) SendEvent(ctx context.Context, e sel.Event, inBand bool) error {
	e = SentEvent(e)
	_, err := do(ctx, m, "Platform Event Message command", ipmi.PlatformEvent{
		Generator: orNil(uint8(systemSoftware), inBand), Revision: e.Revision,
		SensorType: e.SensorType, Sensor: e.Sensor,
		Deassertion: e.Deassertion, EventType: e.Type, Data: e.Data,
	})
	return err
}

// SensorEvent makes an event of a sensor: that it has come into a state, or with deassert that it
// has left it. State is one of [EventStates], or for a sensor with two states a word of
// [StateShortcuts]. For an event that a threshold was crossed the threshold is read.
func (m *Machine) SensorEvent(ctx context.Context, s *sdr.Sensor, state string, deassert bool) (
	sel.Event, error) {
	e := sel.Event{
		SensorType: s.SensorType, Sensor: s.Key.Number, Type: s.EventType,
		Deassertion: deassert, Data: [3]byte{0xff, 0xff, 0xff},
	}
	var err error
	if s.EventType.Threshold() {
		e.Data, err = m.thresholdData(ctx, s, state, deassert)
	} else {
		e.Data[0], err = stateOffset(s, state)
	}
	return e, err
}

// thresholdData is the data of an event that a threshold was crossed: the threshold, and a reading
// just past it.
func (m *Machine) thresholdData(ctx context.Context, s *sdr.Sensor, word string, deassert bool) (
	data [3]byte, err error) {
	threshold := slices.Index(ThresholdWords[:], word)
	if threshold < 0 {
		return data, fmt.Errorf("a threshold is one of %s, not %q",
			strings.Join(ThresholdWords[:], ", "), word)
	}
	owner := client.OwnerConn(m.conn, s.Key)
	t, err := client.ReadThresholds(ctx, owner, s.Key)
	if err != nil {
		return data, failed("Get Sensor Thresholds command", err)
	}
	// Above an upper threshold the reading goes up; it comes down again when the event is
	// deasserted.
	up := (word[0] == 'u') != deassert
	step := 1
	if h, err := client.ReadHysteresis(ctx, owner, s.Key); err == nil {
		step = max(1, int(h.Positive))
		if !up {
			step = max(1, int(h.Negative))
		}
	}
	limit := int(t.Values[threshold])
	reading := max(limit-step, 0)
	if up {
		reading = min(limit+step, 0xff)
	}
	offset := byte(2 * threshold)
	if up {
		offset++
	}
	// The reading is in data 2, the threshold in data 3 (Table 29-6).
	const readingAndThreshold = 0x50
	return [3]byte{readingAndThreshold | offset, byte(reading), byte(limit)}, nil
}

// A StateShortcut is a pair of words for the two states of generic types that have two.
type StateShortcut struct{ On, Off string }

// StateShortcuts are the words that stand for the states of any sensor that HasTwoStates.
var StateShortcuts = []StateShortcut{
	{"present", "absent"}, {"assert", "deassert"}, {"limit", "nolimit"}, {"fail", "nofail"},
	{"yes", "no"}, {"on", "off"}, {"up", "down"},
}

// HasTwoStates reports whether an event type has two states that exclude each other.
func HasTwoStates(t ipmi.EventType) bool {
	return t >= 0x03 && t <= 0x06 || t == 0x08 || t == 0x09
}

// maxOffset is one more than the last offset of a discrete sensor's states.
const maxOffset = 15

// EventStates returns the states that events of a sensor may have, as [Machine.SensorEvent] takes
// them.
func EventStates(s *sdr.Sensor) []string {
	if s.EventType.Threshold() {
		return slices.Clone(ThresholdWords[:])
	}
	var words []string
	for o := range uint8(maxOffset) {
		if st, ok := ipmi.LookupState(s.EventType, s.SensorType, o); ok && !st.Added {
			words = append(words, st.Words)
		}
	}
	return words
}

// stateOffset finds a state by its words.
func stateOffset(s *sdr.Sensor, words string) (byte, error) {
	if HasTwoStates(s.EventType) {
		for _, d := range StateShortcuts {
			switch {
			case strings.EqualFold(words, d.On):
				return 1, nil
			case strings.EqualFold(words, d.Off):
				return 0, nil
			}
		}
	}
	for o := range uint8(maxOffset) {
		st, ok := ipmi.LookupState(s.EventType, s.SensorType, o)
		if ok && strings.EqualFold(strings.TrimSpace(st.Words), words) {
			return o, nil
		}
	}
	return 0, fmt.Errorf("the sensor has no state %q; list shows its states", words)
}
