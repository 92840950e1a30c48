package cli

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi/sdr"
	"lom/ipmi/sel"
	"lom/machine"
	"lom/render"
)

func newEvent(a *App) *cobra.Command {
	c := list(a, "event 1|2|3 | file FILE | SENSOR STATE|list [assert|deassert]",
		"Send an event to the BMC, as a sensor would", render.SentEvents, runEvent)
	c.Long = `Send an event to the BMC, as a sensor would.

  1  temperature above its upper critical threshold
  2  voltage below its lower critical threshold
  3  correctable memory error
  file FILE     the events of a file as sel save writes it
  SENSOR STATE  an event of a sensor: for one with thresholds lnr, lcr, lnc, unc, ucr or unr, else a
                state as "SENSOR list" shows it`
	return c
}

// sentEvents are what the command shows.
type sentEvents = iter.Seq2[render.SentEvent, error]

func runEvent(ctx context.Context, a *App, args []string) (sentEvents, error) {
	if err := wantArgs(args, 1, 3); err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(args[0])
	isSample := err == nil && n >= 1 && n <= len(machine.SampleEvents) && args[0] == strconv.Itoa(n)
	switch {
	case isSample && len(args) == 1:
		m, err := a.machine(ctx)
		if err != nil {
			return nil, err
		}
		sample := machine.SampleEvents[n-1]
		a.say("Sending SAMPLE event: %s\n", sample.Words)
		return a.sendEvents(ctx, m, sample.Event), nil
	case args[0] == "file":
		if err := wantArgs(args, 2, 2); err != nil {
			return nil, err
		}
		// The whole file is read before the first event is sent.
		events, err := readEventFile(ctx, args[1])
		if err != nil {
			return nil, err
		}
		m, err := a.machine(ctx)
		if err != nil {
			return nil, err
		}
		return a.sendEvents(ctx, m, events...), nil
	}
	return a.sensorEvent(ctx, args)
}

// say prints what a command is about to do, but not into JSON.
func (a *App) say(format string, values ...any) {
	if !a.Options.JSON {
		fmt.Fprintf(a.Out, format, values...)
	}
}

// sendEvents sends events. As with ipmitool, text has the event that is refused too; JSON has those
// that were sent.
func (a *App) sendEvents(ctx context.Context, m *machine.Machine, events ...sel.Event) sentEvents {
	return func(yield func(render.SentEvent, error) bool) {
		for _, e := range events {
			r, err := machine.SentEvent(e).Record()
			if err != nil {
				yield(render.SentEvent{}, err)
				return
			}
			sent := render.SentEvent{Event: new(machine.EventOf(r))}
			sent.Event.TimeSinceInit = nil // the BMC sets the time
			if !a.Options.JSON && !yield(sent, nil) {
				return
			}
			if err := m.SendEvent(ctx, e, a.Options.inBand() && !a.Options.bridged()); err != nil {
				yield(render.SentEvent{}, err)
				return
			}
			if a.Options.JSON && !yield(sent, nil) {
				return
			}
		}
	}
}

// sensorEvent sends an event of a sensor, or lists the states that the sensor has.
func (a *App) sensorEvent(ctx context.Context, args []string) (sentEvents, error) {
	deassert := false
	if len(args) == 3 {
		switch args[2] {
		case "assert":
		case "deassert":
			deassert = true
		default:
			return nil, usagef("%q is neither assert nor deassert", args[2])
		}
	}
	records, unread, err := loadSDRs(ctx, a)
	if err != nil {
		return nil, err
	}
	a.say("Finding sensor %s... ", args[0])
	record, err := findRecord(records, unread, args[0])
	if err != nil {
		a.say("not found!\n")
		return nil, err
	}
	a.say("ok\n")
	s := client.SensorOf(record)
	if s == nil {
		return nil, fmt.Errorf("%q is no sensor that has states", args[0])
	}
	if len(args) == 1 || args[1] == "list" {
		return a.listStates(s), nil
	}
	states := machine.EventStates(s)
	if s.EventType.Threshold() && !slices.Contains(states, args[1]) {
		return nil, usagef("a threshold is one of %s, not %q", strings.Join(states, ", "), args[1])
	}
	m, err := a.machine(ctx)
	if err != nil {
		return nil, err
	}
	e, err := m.SensorEvent(ctx, s, args[1], deassert)
	if err != nil {
		return nil, err
	}
	return a.sendEvents(ctx, m, e), nil
}

// listStates shows the states that events of a sensor may have.
func (a *App) listStates(s *sdr.Sensor) sentEvents {
	return func(yield func(render.SentEvent, error) bool) {
		if !a.Options.JSON {
			render.EventStates(a.printer(a.Out), s)
			return
		}
		for _, state := range machine.EventStates(s) {
			if !yield(render.SentEvent{State: state}, nil) {
				return
			}
		}
	}
}
