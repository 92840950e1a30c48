package cli

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/ipmi/sel"
	"lom/machine"
)

func newEvent(a *App) *cobra.Command {
	c := leaf(a, "event 1|2|3 | file FILE | SENSOR STATE|list [assert|deassert]", "Send an event to the BMC, as a sensor would", runEvent)
	c.Long = `Send an event to the BMC, as a sensor would.

  1  temperature above its upper critical threshold
  2  voltage below its lower critical threshold
  3  correctable memory error
  file FILE     the events of a file as sel save writes it
  SENSOR STATE  an event of a sensor: for one with thresholds lnr, lcr, lnc, unc, ucr or unr, else a
                state as "SENSOR list" shows it`
	return c
}

// sampleEvents are the events that have a number.
var sampleEvents = map[string]struct {
	words string
	event sel.Event
}{
	"1": {"Temperature - Upper Critical - Going High",
		sel.Event{SensorType: 0x01, Sensor: 0x30, Type: ipmi.EventThreshold, Data: [3]byte{0x09, 0xff, 0xff}}},
	"2": {"Voltage Threshold - Lower Critical - Going Low",
		sel.Event{SensorType: 0x02, Sensor: 0x60, Type: ipmi.EventThreshold, Data: [3]byte{0x02, 0xff, 0xff}}},
	"3": {"Memory - Correctable ECC",
		sel.Event{SensorType: 0x0c, Sensor: 0x53, Type: ipmi.EventSensorSpecific, Data: [3]byte{0x00, 0xff, 0xff}}},
}

// systemSoftware is the ID of system management software, 20h, as a generator (Table 5-4).
const systemSoftware = 0x41

func runEvent(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 3); err != nil {
		return err
	}
	out := &selOutput{a: a, names: &selNames{a: a}}
	sample, isSample := sampleEvents[args[0]]
	switch {
	case isSample && len(args) == 1:
		a.say("Sending SAMPLE event: %s\n", sample.words)
		if err := a.sendEvent(ctx, out, sample.event); err != nil {
			return err
		}
		return out.end()
	case args[0] == "file":
		if err := wantArgs(args, 2, 2); err != nil {
			return err
		}
		// The whole file is read before the first event is sent.
		events, err := interruptible(ctx, func() ([]sel.Event, error) { return readEventFile(args[1]) })
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := a.sendEvent(ctx, out, e); err != nil {
				return err
			}
		}
		return out.end()
	}
	return a.sensorEvent(ctx, out, args)
}

// say prints what a command is about to do, but not into JSON.
func (a *App) say(format string, values ...any) {
	if !a.Options.JSON {
		fmt.Fprintf(a.Out, format, values...)
	}
}

// sendEvent prints an event and sends it.
func (a *App) sendEvent(ctx context.Context, out *selOutput, e sel.Event) error {
	// What is printed is what remote console software generates; the BMC fills it in.
	e.Generator = ipmi.AddressRemoteSWI
	e.Timestamp, e.Revision = 0, ipmi.EventRevision
	record, err := e.Record()
	if err != nil {
		return err
	}
	if err := out.add(ctx, record); err != nil {
		return err
	}
	var generator *uint8
	if o := &a.Options; o.inBand() && !o.bridged() { // on the system interface the sender has to say who it is (§29.3)
		generator = new(uint8)
		*generator = systemSoftware
	}
	_, err = do(ctx, a, ipmi.PlatformEvent{
		Generator: generator, Revision: e.Revision, SensorType: e.SensorType, Sensor: e.Sensor,
		Deassertion: e.Deassertion, EventType: e.Type, Data: e.Data,
	})
	return failed("Platform Event Message command", err)
}

// sensorEvent sends an event of a sensor, or lists the states that the sensor has.
func (a *App) sensorEvent(ctx context.Context, out *selOutput, args []string) error {
	deassert := false
	if len(args) == 3 {
		switch args[2] {
		case "assert":
		case "deassert":
			deassert = true
		default:
			return usagef("%q is neither assert nor deassert", args[2])
		}
	}
	records, unread, err := loadSDRs(ctx, a)
	if err != nil {
		return err
	}
	a.say("Finding sensor %s... ", args[0])
	record, err := findRecord(records, unread, args[0])
	if err != nil {
		a.say("not found!\n")
		return err
	}
	a.say("ok\n")
	s := client.SensorOf(record)
	if s == nil {
		return fmt.Errorf("%q is no sensor that has states", args[0])
	}
	if len(args) == 1 || args[1] == "list" {
		return a.listStates(s)
	}
	e := sel.Event{SensorType: s.SensorType, Sensor: s.Key.Number, Type: s.EventType, Deassertion: deassert, Data: [3]byte{0xff, 0xff, 0xff}}
	if s.EventType.Threshold() {
		err = a.thresholdEvent(ctx, s, args[1], &e)
	} else {
		e.Data[0], err = stateOffset(s, args[1])
	}
	if err != nil {
		return err
	}
	if err := a.sendEvent(ctx, out, e); err != nil {
		return err
	}
	return out.end()
}

// thresholdEvent fills in the data of an event that a threshold was crossed: the threshold, and a reading
// just past it.
func (a *App) thresholdEvent(ctx context.Context, s *sdr.Sensor, word string, e *sel.Event) error {
	threshold := slices.Index(machine.ThresholdWords[:], word)
	if threshold < 0 {
		return usagef("a threshold is one of %s, not %q", strings.Join(machine.ThresholdWords[:], ", "), word)
	}
	c, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	owner := client.OwnerConn(c, s.Key)
	t, err := client.ReadThresholds(ctx, owner, s.Key)
	if err != nil {
		return failed("Get Sensor Thresholds command", err)
	}
	// Above an upper threshold the reading goes up, and comes down again when the event is deasserted.
	up := (word[0] == 'u') != e.Deassertion
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
	const readingAndThreshold = 0x50 // the reading is in data 2, the threshold in data 3
	e.Data = [3]byte{readingAndThreshold | offset, byte(reading), byte(limit)}
	return nil
}

// digitalStates are words for the two states of generic types that have two.
var digitalStates = [...]struct{ on, off string }{
	{"present", "absent"}, {"assert", "deassert"}, {"limit", "nolimit"}, {"fail", "nofail"}, {"yes", "no"}, {"on", "off"}, {"up", "down"},
}

// isDigital reports whether an event type has two states that exclude each other.
func isDigital(t ipmi.EventType) bool {
	return t >= 0x03 && t <= 0x06 || t == 0x08 || t == 0x09
}

// maxOffset is one more than the last offset of a discrete sensor's states.
const maxOffset = 15

// stateOffset finds a state by its words.
func stateOffset(s *sdr.Sensor, words string) (byte, error) {
	if isDigital(s.EventType) {
		for _, d := range digitalStates {
			switch {
			case strings.EqualFold(words, d.on):
				return 1, nil
			case strings.EqualFold(words, d.off):
				return 0, nil
			}
		}
	}
	for o := range uint8(maxOffset) {
		if st, ok := ipmi.LookupState(s.EventType, s.SensorType, o); ok && strings.EqualFold(strings.TrimSpace(st.Words), words) {
			return o, nil
		}
	}
	return 0, fmt.Errorf("the sensor has no state %q; list shows its states", words)
}

// listStates prints the states that events of a sensor may have.
func (a *App) listStates(s *sdr.Sensor) error {
	var states []string
	if s.EventType.Threshold() {
		states = machine.ThresholdWords[:]
	} else {
		states = machine.StateWords(s, 0x7fff)
	}
	return a.Show(states, func(w io.Writer) {
		if s.EventType.Threshold() {
			fmt.Fprintf(w, "Sensor States:\n  lnr : Lower Non-Recoverable \n  lcr : Lower Critical\n  lnc : Lower Non-Critical\n"+
				"  unc : Upper Non-Critical\n  ucr : Upper Critical\n  unr : Upper Non-Recoverable\n")
			return
		}
		fmt.Fprintln(w, "Sensor States: ")
		for _, s := range states {
			fmt.Fprintf(w, "  %s\n", s)
		}
		if isDigital(s.EventType) {
			fmt.Fprintln(w, "Sensor State Shortcuts:")
			for _, d := range digitalStates {
				fmt.Fprintf(w, "  %-9s  %-9s\n", d.on, d.off)
			}
		}
	}, nil)
}
