package machine_test

import (
	"context"
	"fmt"
	"log"
	"testing"

	"lom/ipmi"
	"lom/ipmi/sel"
	"lom/ipmitest"
	"lom/machine"
)

// showNewEvents prints the events after the one with the ID, and returns the ID of the last.
func showNewEvents(ctx context.Context, m *machine.Machine, last uint16) uint16 {
	for e, err := range m.Events(ctx, machine.EventsAfter(last)) {
		if err != nil {
			log.Print(err)
			continue
		}
		fmt.Println(e.ID, e.SensorName, e.Event, e.Direction, e.Severity)
		last = e.ID
	}
	return last
}

// A program that looks at times for what is new in the event log.
func ExampleMachine_Events() {
	server := ipmitest.New(new(testing.T), ipmitest.WithMake("dell"))
	m := machine.New(server.Conn())
	last := showNewEvents(context.Background(), m, 0)

	server.AddEvent(sel.Event{
		Generator: sel.GeneratorBMC, SensorType: ipmi.SensorTemperature, Sensor: 7,
		Type: ipmi.EventThreshold, Data: [3]byte{0x09, 0xff, 0xff},
	})
	last = showNewEvents(context.Background(), m, last)
	showNewEvents(context.Background(), m, last) // nothing
	// Output:
	// 1 Inlet Temp Upper Critical going high asserted critical
}
