package cli

import (
	"context"
	"errors"
	"iter"
	"math"
	"os"
	"slices"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/sel"
	"lom/machine"
	"lom/render"
)

func newSEL(a *App) *cobra.Command {
	events := func(use, short string, run eventsFunc) *cobra.Command {
		return list(a, use, short, render.Events, run)
	}
	return groupDefault(a, "sel", "The system event log: list, clear, save, clock", runSELInfo,
		query(a, "info", "Show how full the log is and what it can do", render.EventLog,
			of((*machine.Machine).EventLog)),
		events("list [[first|last] N]", "Show the events", selList(false)),
		events("elist [[first|last] N]",
			"Show the events with sensor names, readings and thresholds", selList(true)),
		list(a, "get ID...", "Show all about events and their sensors",
			render.EventDetails, runSELGet),
		change(a, "clear", "Erase all events", runSELClear),
		query(a, "delete ID...", "Delete events", render.DoneOrList, runSELDelete),
		events("add FILE", "Add the events of a file that sel save wrote", runSELAdd),
		newSELTime(a),
		oneHost(events("save FILE", "Show the events and write them into a file, for sel add",
			selSave(savedLine)), "writes a file"),
		oneHost(events("writeraw FILE", "Show the events and write their bytes into a file",
			selSave(savedBytes)), "writes a file"),
		withoutHost(events("readraw FILE", "Show the events of a file that sel writeraw wrote",
			selReadRaw(false))),
		events("ereadraw FILE", "The same with sensor names, readings and thresholds",
			selReadRaw(true)),
	)
}

func runSELInfo(ctx context.Context, a *App, args []string) error {
	v, err := of((*machine.Machine).EventLog)(ctx, a, args)
	if err != nil {
		return refusal(err)
	}
	return render.Show(a.printer(a.Out), render.EventLog, v)
}

// An eventSeq is the events that a command shows.
type eventSeq = iter.Seq2[machine.Event, error]

// eventsFunc is how a command comes to the events that it shows.
type eventsFunc = func(ctx context.Context, a *App, args []string) (eventSeq, error)

// selRange reads which events are wanted.
func selRange(args []string) ([]machine.EventOption, error) {
	if err := wantArgs(args, 0, 2); err != nil {
		return nil, err
	}
	if len(args) == 0 {
		return nil, nil
	}
	which := machine.FirstEvents
	if len(args) == 2 {
		switch args[0] {
		case "first":
		case "last":
			which = machine.LastEvents
		default:
			return nil, usagef("%q is neither first nor last", args[0])
		}
	}
	// More than a SEL can hold is all of it, as it is with ipmitool.
	n, err := parseNumber(args[len(args)-1], 0, math.MaxInt32)
	if err != nil {
		return nil, usagef("%v", err)
	}
	return []machine.EventOption{which(int(n))}, nil
}

// sensorsOf says whether the sensors of events are looked for: in text only where ipmitool does so.
func (a *App) sensorsOf(extended bool) machine.EventOption {
	if extended || a.Options.JSON {
		return machine.NoteSensors(a.note)
	}
	return machine.EventsWithoutSensors()
}

func selList(extended bool) eventsFunc {
	return func(ctx context.Context, a *App, args []string) (eventSeq, error) {
		opts, err := selRange(args)
		if err != nil {
			return nil, err
		}
		m, err := a.machine(ctx)
		if err != nil {
			return nil, err
		}
		return a.orEmpty(m.Events(ctx, append(opts, a.sensorsOf(extended))...)), nil
	}
}

// orEmpty says on standard error that a log has no entries.
func (a *App) orEmpty(events eventSeq) eventSeq {
	return func(yield func(machine.Event, error) bool) {
		empty := true
		for e, err := range events {
			if empty = false; !yield(e, err) {
				return
			}
		}
		if empty {
			fmt.Fprintln(a.Err, "SEL has no entries")
		}
	}
}

func runSELGet(ctx context.Context, a *App, args []string) (eventSeq, error) {
	if err := wantArgs(args, 1, -1); err != nil {
		return nil, err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return nil, err
	}
	return func(yield func(machine.Event, error) bool) {
		for i, arg := range args {
			id, err := parseNumber(arg, 0, 0xffff)
			if err != nil {
				if !yield(machine.Event{}, fmt.Errorf("given SEL ID %w", err)) {
					return
				}
				continue
			}
			e, err := m.Event(ctx, uint16(id), machine.NoteSensors(a.note))
			if !yield(e, sayAs(fmt.Sprintf("Get SEL Entry %s command", arg), err)) ||
				err != nil && !isRefusal(err) {
				return
			}
			if err != nil || e.Sensor == nil || a.Options.JSON {
				continue
			}
			if err := a.printEventSensor(ctx, e.Sensor); err != nil {
				yield(machine.Event{}, err)
				return
			}
			if i < len(args)-1 {
				fmt.Fprintf(a.Out, "----------------------\n\n")
			}
		}
	}, nil
}

// sayAs makes an error say what was tried with a number as the user wrote it.
func sayAs(what string, err error) error {
	var e *ipmi.Error
	if !errors.As(err, &e) {
		return err
	}
	op := *e
	op.Op = what
	return &op
}

func runSELClear(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 0, 0); err != nil {
		return "", err
	}
	m, err := a.machine(ctx)
	if err == nil {
		err = m.ClearEvents(ctx)
	}
	return "Clearing SEL.  Please allow a few seconds to erase.", err
}

// runSELDelete deletes the last record of the list first, as ipmitool does.
func runSELDelete(ctx context.Context, a *App, args []string) (
	v render.OneOrList[render.Done], err error) {
	if err := wantArgs(args, 1, -1); err != nil {
		return v, err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return v, err
	}
	v.List = len(args) > 1
	var problems []error
	for _, arg := range slices.Backward(args) {
		id, err := parseNumber(arg, 0, 0xffff)
		if err != nil {
			problems = append(problems, fmt.Errorf("given SEL ID %w", err))
			continue
		}
		if err = m.DeleteEvent(ctx, uint16(id)); err == nil {
			done := render.Done{Done: true, Message: fmt.Sprintf("Deleted entry %d", id)}
			v.Values = append(v.Values, done)
			continue
		}
		problems = append(problems, sayAs(fmt.Sprintf("Delete SEL Entry %s command", arg), err))
		if !isRefusal(err) {
			break
		}
	}
	if err = joinLines(problems); err != nil && len(v.Values) > 0 {
		err = &machine.PartialError{Err: err}
	}
	return v, err
}

// runSELAdd reads the whole file before it adds the first event.
func runSELAdd(ctx context.Context, a *App, args []string) (eventSeq, error) {
	if err := wantArgs(args, 1, 1); err != nil {
		return nil, err
	}
	events, err := readEventFile(ctx, args[0])
	if err != nil {
		return nil, err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return nil, err
	}
	return func(yield func(machine.Event, error) bool) {
		for i, e := range events {
			r, err := e.Record()
			if err != nil {
				yield(machine.Event{}, err)
				return
			}
			// ipmitool prints an event before it has an ID; JSON has those that were added.
			if !a.Options.JSON && !yield(machine.EventOf(r), nil) {
				return
			}
			r.ID, err = m.AddEvent(ctx, r)
			if hasCode(err, ipmi.CodeOutOfSpace) {
				err = fmt.Errorf(
					"the SEL is full: %d of %d events were added; \"sel clear\" makes room",
					i, len(events))
			}
			if err != nil {
				yield(machine.Event{}, err)
				return
			}
			added := machine.EventOf(r)
			added.TimeSinceInit = nil // the BMC sets the time
			if a.Options.JSON && !yield(added, nil) {
				return
			}
		}
	}, nil
}

// readEventFile reads the events of a file that sel save wrote, or that a person did.
func readEventFile(ctx context.Context, name string) ([]sel.Event, error) {
	return interruptible(ctx, func() ([]sel.Event, error) {
		b, err := readFile(name)
		if err != nil {
			return nil, err
		}
		return machine.ReadEventLines(name, b)
	})
}

// savedLine is a record in the file of sel save, savedBytes in that of sel writeraw.
func savedLine(r sel.Record) []byte { return []byte(machine.EventLine(r)) }

func savedBytes(r sel.Record) []byte {
	b := r.Bytes()
	return b[:]
}

// selSave lists the SEL and writes what format makes of each record into a file. The file is not
// touched before the whole SEL is read.
func selSave(format func(sel.Record) []byte) eventsFunc {
	return func(ctx context.Context, a *App, args []string) (eventSeq, error) {
		if err := wantArgs(args, 1, 1); err != nil {
			return nil, err
		}
		m, err := a.machine(ctx)
		if err != nil {
			return nil, err
		}
		// Not from the cache: what is saved is what is there.
		events := m.Events(ctx, machine.FreshEvents(), a.sensorsOf(false))
		return func(yield func(machine.Event, error) bool) {
			var b []byte
			for e, err := range a.orEmpty(events) {
				if partial := new(machine.PartialError); err != nil && !errors.As(err, &partial) {
					yield(e, err)
					return
				}
				if err == nil {
					b = append(b, format(e.Record)...)
				}
				if !yield(e, err) {
					return
				}
			}
			err := during(ctx, func() error { return os.WriteFile(args[0], b, 0o666) })
			if err != nil {
				yield(machine.Event{}, err)
			}
		}, nil
	}
}

func selReadRaw(extended bool) eventsFunc {
	return func(ctx context.Context, a *App, args []string) (eventSeq, error) {
		if err := wantArgs(args, 1, 1); err != nil {
			return nil, err
		}
		b, err := interruptible(ctx, func() ([]byte, error) { return readFile(args[0]) })
		if err != nil {
			return nil, err
		}
		records, rest := machine.ReadRawEvents(b)
		if rest != nil {
			rest = fmt.Errorf("%s: %w", args[0], rest)
		}
		m, sensors := machine.New(nil), machine.EventsWithoutSensors()
		if extended && len(records) > 0 {
			if m, err = a.recordMachine(ctx); err != nil {
				return nil, err
			}
			sensors = a.sensorsOf(true)
		}
		return func(yield func(machine.Event, error) bool) {
			for e, err := range m.EventsOf(ctx, records, sensors) {
				if !yield(e, err) {
					return
				}
			}
			if rest != nil {
				yield(machine.Event{}, rest)
			}
		}, nil
	}
}
