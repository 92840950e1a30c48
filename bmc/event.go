package bmc

import "lom/ipmi/sel"

// An Event is a platform event: what a sensor or the BMC itself reports (§29.3, Table 29-5).
// The SEL keeps it and PEF acts on it.
type Event struct {
	Generator    uint16 // as in a SEL record: 0020h is the BMC itself
	SensorType   uint8  // Table 42-3
	SensorNumber uint8
	Type         uint8 // event/reading type, Table 42-1: 7 bits
	Deassert     bool
	Data         [3]byte // event data 1-3; FFh where unspecified

	// came over the system interface: logged even while logging is disabled (Table 22-2)
	fromSystem bool
}

// generatorBMC is the generator ID of the BMC's own events (Table 32-1).
const generatorBMC = 0x0020

// raise logs an event and reports it to all listeners, who find its record in the SEL.
func (b *BMC) raise(e Event) {
	if e.Generator == 0 {
		e.Generator = generatorBMC
	}
	b.eventLog.logEvent(b, e, func(r sel.Record) (uint16, error) { return b.eventLog.add(b, r) })
	b.raised(e)
}

// raised reports an event that was logged to all listeners.
func (b *BMC) raised(e Event) {
	for _, f := range b.onEvent {
		f(e)
	}
}

// listen has f called, under the lock, with each event. It belongs into a family's load.
func (b *BMC) listen(f func(Event)) { b.onEvent = append(b.onEvent, f) }
