package render

import (
	"reflect"

	"lom/ipmi/sdr"
	"lom/machine"
)

// A SentEvent is what the event command prints: an event that was sent, or a state that a sensor
// may have. In JSON a state is its words.
type SentEvent struct {
	Event *machine.Event
	State string
}

// MarshalJSON returns the event, or the state.
func (v SentEvent) MarshalJSON() ([]byte, error) {
	if v.Event == nil {
		return marshal(v.State, "")
	}
	return marshal(v.Event, "")
}

// variants are the types of its JSON, for the schema.
func (v SentEvent) variants() []reflect.Type {
	return []reflect.Type{reflect.TypeFor[machine.Event](), reflect.TypeFor[string]()}
}

// SentEvents prints what was sent as sel list does, and each state on a line.
var SentEvents = View[SentEvent]{
	Text: func(p *Printer, v SentEvent) {
		if v.Event != nil {
			Events.Text(p, *v.Event)
		} else {
			p.Printf("  %s\n", v.State)
		}
	},
	Columns: eventColumns,
}

// EventStates prints the states that events of a sensor may have, as ipmitool explains them.
func EventStates(p *Printer, s *sdr.Sensor) {
	if s.EventType.Threshold() {
		p.Printf("Sensor States:\n  lnr : Lower Non-Recoverable \n  lcr : Lower Critical\n" +
			"  lnc : Lower Non-Critical\n  unc : Upper Non-Critical\n  ucr : Upper Critical\n" +
			"  unr : Upper Non-Recoverable\n")
		return
	}
	p.Println("Sensor States: ")
	for _, state := range machine.EventStates(s) {
		p.Printf("  %s\n", state)
	}
	if machine.HasTwoStates(s.EventType) {
		p.Println("Sensor State Shortcuts:")
		for _, d := range machine.StateShortcuts {
			p.Printf("  %-9s  %-9s\n", d.On, d.Off)
		}
	}
}
