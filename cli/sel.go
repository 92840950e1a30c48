package cli

import (
	"context"
	"errors"
	"io"
	"iter"
	"math"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/ipmi/sel"
	"lom/machine"
	"lom/render"
)

func newSEL(a *App) *cobra.Command {
	timeSet := leaf(a, "set TIME|now", "Set the clock of the SEL", runSELTimeSet)
	timeSet.Long = `Set the clock of the SEL.

TIME is local time, or UTC with -Z, as "11/15/23 12:00:00" or "2023-11-15 12:00:00". The clock of
the SEL runs in UTC: that is how its timestamps are read.`
	return groupDefault(a, "sel", "The system event log: list, clear, save, clock", runSELInfo,
		leaf(a, "info", "Show how full the log is and what it can do", runSELInfo),
		leaf(a, "list [[first|last] N]", "Show the events", func(ctx context.Context, a *App, args []string) error {
			return runSELList(ctx, a, args, false)
		}),
		leaf(a, "elist [[first|last] N]", "Show the events with sensor names, readings and thresholds", func(ctx context.Context, a *App, args []string) error {
			return runSELList(ctx, a, args, true)
		}),
		leaf(a, "get ID...", "Show all about events and their sensors", runSELGet),
		leaf(a, "clear", "Erase all events", runSELClear),
		leaf(a, "delete ID...", "Delete events", runSELDelete),
		leaf(a, "add FILE", "Add the events of a file that sel save wrote", runSELAdd),
		group(a, "time", "The clock of the SEL",
			leaf(a, "get", "Show the clock of the SEL", runSELTimeGet), timeSet),
		oneHost(leaf(a, "save FILE", "Show the events and write them into a file, for sel add", runSELSave), "writes a file"),
		oneHost(leaf(a, "writeraw FILE", "Show the events and write their bytes into a file", runSELWriteRaw), "writes a file"),
		leaf(a, "readraw FILE", "Show the events of a file that sel writeraw wrote", func(ctx context.Context, a *App, args []string) error {
			return runSELReadRaw(ctx, a, args, false)
		}),
		leaf(a, "ereadraw FILE", "The same with sensor names, readings and thresholds", func(ctx context.Context, a *App, args []string) error {
			return runSELReadRaw(ctx, a, args, true)
		}),
	)
}

// selInfo is what sel info prints.
type selInfo struct {
	Version      string             `json:"version"`
	Entries      uint16             `json:"entries"`
	FreeBytes    uint16             `json:"free_bytes"`
	LastAddition string             `json:"last_addition,omitempty"` // absent if there was none
	LastErase    string             `json:"last_erase,omitempty"`
	Overflow     bool               `json:"overflow"`
	Commands     []string           `json:"supported_commands"`
	Allocation   *selAllocationInfo `json:"allocation,omitempty"`

	raw ipmi.SELInfo
}

type selAllocationInfo struct {
	Units           uint16 `json:"units"`
	UnitBytes       uint16 `json:"unit_bytes"`
	FreeUnits       uint16 `json:"free_units"`
	LargestFree     uint16 `json:"largest_free_block_units"`
	MaxRecordLength uint8  `json:"max_record_units"`
}

func runSELInfo(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	info, err := do(ctx, a, ipmi.GetSELInfo{})
	if err != nil {
		return failed("Get SEL Info command", err)
	}
	v := selInfo{
		Version: fmt.Sprintf("%d.%d", info.Version&0xf, info.Version>>4), Entries: info.Entries, FreeBytes: info.Free,
		LastAddition: a.stampJSON(info.LastAddition), LastErase: a.stampJSON(info.LastErase), Overflow: info.Overflow,
		Commands: []string{}, raw: info,
	}
	for _, c := range []struct {
		can  bool
		name string
	}{{info.CanDelete, "Delete"}, {info.CanPartialAdd, "Partial Add"}, {info.CanReserve, "Reserve"}, {info.CanGetAllocation, "Get Alloc Info"}} {
		if c.can {
			v.Commands = append(v.Commands, c.name)
		}
	}
	if info.CanGetAllocation {
		m, err := do(ctx, a, ipmi.GetSELAllocationInfo{})
		if err != nil {
			return failed("Get SEL Allocation Info command", err)
		}
		v.Allocation = &selAllocationInfo{m.Units, m.UnitSize, m.Free, m.LargestFree, m.MaxRecord}
	}
	return a.Show(v, func(w io.Writer) { v.text(a, w) }, nil)
}

func (v selInfo) text(a *App, w io.Writer) {
	line := func(key string, value any) { fmt.Fprintf(w, "%-17s: %v\n", key, value) }
	stamp := func(t ipmi.Timestamp) string {
		if t == 0 || t == ipmi.TimestampUnspecified {
			return "Not Available"
		}
		return a.stampNumeric(t)
	}
	fmt.Fprintln(w, "SEL Information")
	line("Version", fmt.Sprintf("%s (%s)", v.Version, choose(v.raw.Version == 0x51 || v.raw.Version == 0x02, "v1.5, v2 compliant", "Unknown")))
	line("Entries", v.Entries)
	line("Free Space", fmt.Sprintf("%d bytes %s", v.FreeBytes, choose(v.FreeBytes == 0xffff, "or more", "")))
	used, all := int(v.Entries)*sel.Size, int(v.Entries)*sel.Size+int(v.FreeBytes)
	switch {
	case all >= 0xffff:
		line("Percent Used", "unknown")
	case used == 0:
		line("Percent Used", "0%")
	default:
		line("Percent Used", fmt.Sprintf("%d%%", 100*used/all))
	}
	line("Last Add Time", stamp(v.raw.LastAddition))
	line("Last Del Time", stamp(v.raw.LastErase))
	line("Overflow", v.Overflow)
	commands := ""
	for _, c := range v.Commands {
		commands += "'" + c + "' "
	}
	line("Supported Cmds", choose(commands == "", "None", commands))
	if m := v.Allocation; m != nil {
		line("# of Alloc Units", m.Units)
		line("Alloc Unit Size", m.UnitBytes)
		line("# Free Units", m.FreeUnits)
		line("Largest Free Blk", m.LargestFree)
		line("Max Record Size", m.MaxRecordLength)
	}
}

// selRange is which events of the log are wanted.
type selRange struct {
	count int // 0: all
	last  bool
}

func parseSELRange(args []string) (selRange, error) {
	var r selRange
	if err := wantArgs(args, 0, 2); err != nil {
		return r, err
	}
	if len(args) == 2 {
		switch args[0] {
		case "first":
		case "last":
			r.last = true
		default:
			return r, usagef("%q is neither first nor last", args[0])
		}
	}
	if len(args) > 0 {
		// More than a SEL can hold is all of it, as it is with ipmitool.
		n, err := parseNumber(args[len(args)-1], 0, math.MaxInt32)
		if err != nil {
			return r, usagef("%v", err)
		}
		r.count = int(n)
	}
	return r, nil
}

func runSELList(ctx context.Context, a *App, args []string, extended bool) error {
	r, err := parseSELRange(args)
	if err != nil {
		return err
	}
	most := r.count
	if r.last {
		most = 0
	}
	c, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	return listSEL(ctx, a, a.cacheDir().SEL(ctx, c, a.cacheAddress(), most), r, extended, nil)
}

// listSEL prints records as they come, and calls also with each.
func listSEL(ctx context.Context, a *App, records iter.Seq2[sel.Record, error], r selRange, extended bool, also func(sel.Record) error) error {
	names := selNames{a: a, wanted: extended}
	out := selOutput{a: a, names: &names, extended: extended}
	show := func(rec sel.Record) error {
		if also != nil {
			if err := also(rec); err != nil {
				return err
			}
		}
		return out.add(ctx, rec)
	}
	var tail []sel.Record
	n := 0
	var missing error
	for rec, err := range records {
		if missing, err = splitMissing(err); missing != nil {
			break
		}
		if err != nil {
			return failed(choose(n == 0, "Get SEL Entry 0 command", "Get SEL Entry command"), err)
		}
		n++
		if r.last && r.count > 0 {
			if tail = append(tail, rec); len(tail) > r.count {
				tail = slices.Delete(tail, 0, 1)
			}
			continue
		}
		if err := show(rec); err != nil {
			return err
		}
		if n == r.count {
			break
		}
	}
	for _, rec := range tail {
		if err := show(rec); err != nil {
			return err
		}
	}
	if n == 0 && missing == nil {
		fmt.Fprintln(a.Err, "SEL has no entries")
	}
	if err := out.end(); err != nil {
		return err
	}
	return missing
}

func runSELGet(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, -1); err != nil {
		return err
	}
	c, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	names := selNames{a: a, wanted: true}
	var entries []selEntry
	var problems []error
	for i, arg := range args {
		id, err := parseNumber(arg, 0, 0xffff)
		if err != nil {
			problems = append(problems, fmt.Errorf("given SEL ID %w", err))
			continue
		}
		rec, err := client.SELEntry(ctx, c, uint16(id))
		if _, refused := code(err); refused {
			problems = append(problems, failed(fmt.Sprintf("Get SEL Entry %s command", arg), err))
			continue
		} else if err != nil {
			return err
		}
		v, err := names.entry(ctx, rec)
		if err != nil {
			return err
		}
		if a.Options.JSON {
			entries = append(entries, v)
			continue
		}
		v.printVerbose(a, a.Out, true)
		if v.sensor == nil {
			continue
		}
		if err := names.printSensor(ctx, v.sensor); err != nil {
			return err
		}
		if i < len(args)-1 {
			fmt.Fprintf(a.Out, "----------------------\n\n")
		}
	}
	if a.Options.JSON {
		if err := a.Show(entries, nil, nil); err != nil {
			return err
		}
	}
	return joinLines(problems)
}

// printSensor prints the sensor of an event as sensor get does, and the FRU devices of what it watches.
func (n *selNames) printSensor(ctx context.Context, record sdr.Record) error {
	a := n.a
	m, err := a.sensorMachine(ctx, []sdr.Record{record})
	if err != nil {
		return err
	}
	opts := append(a.eventOptions(), machine.ReadThresholds())
	if err := render.Stream(a.printer(a.Out), render.SensorDetails, m.ReadSensors(ctx, []sdr.Record{record}, opts...)); err != nil {
		return err
	}
	entity, _ := machine.RecordEntity(record)
	for _, r := range n.records {
		if f, ok := r.(*sdr.FRULocator); ok && f.Entity == entity {
			if err := printLocatedFRU(ctx, a, f); err != nil && !errors.Is(err, errReported) {
				return err
			}
		}
	}
	return nil
}

func runSELClear(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	c, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	if err := client.ClearSEL(ctx, c); err != nil {
		return failed("Clear SEL command", err)
	}
	return a.Done("Clearing SEL.  Please allow a few seconds to erase.")
}

// runSELDelete deletes the last record of the list first, as ipmitool does.
func runSELDelete(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, -1); err != nil {
		return err
	}
	c, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	var problems []error
	for _, arg := range slices.Backward(args) {
		id, err := parseNumber(arg, 0, 0xffff)
		if err != nil {
			problems = append(problems, fmt.Errorf("given SEL ID %w", err))
			continue
		}
		err = client.DeleteSELEntry(ctx, c, uint16(id))
		if _, refused := code(err); refused {
			problems = append(problems, failed(fmt.Sprintf("Delete SEL Entry %s command", arg), err))
			continue
		}
		if err == nil {
			err = a.Done(fmt.Sprintf("Deleted entry %d", id))
		}
		if err != nil {
			return err
		}
	}
	return joinLines(problems)
}

// runSELAdd reads the whole file before it adds the first event.
func runSELAdd(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 1); err != nil {
		return err
	}
	events, err := interruptible(ctx, func() ([]sel.Event, error) { return readEventFile(args[0]) })
	if err != nil {
		return err
	}
	c, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	out := selOutput{a: a, names: &selNames{a: a}}
	for i, e := range events {
		rec, err := e.Record()
		if err != nil {
			return err
		}
		if !a.Options.JSON {
			if err := out.add(ctx, rec); err != nil {
				return err
			}
		}
		id, err := client.AddSELEntry(ctx, c, rec)
		switch {
		case hasCode(err, ipmi.CodeOutOfSpace):
			return fmt.Errorf("the SEL is full: %d of %d events were added; \"sel clear\" makes room", i, len(events))
		case err != nil:
			return failed("Add SEL Entry", err)
		}
		if rec.ID = id; a.Options.JSON {
			if err := out.add(ctx, rec); err != nil {
				return err
			}
		}
	}
	return out.end()
}

func runSELSave(ctx context.Context, a *App, args []string) error {
	return saveSEL(ctx, a, args, eventFileLine)
}

func runSELWriteRaw(ctx context.Context, a *App, args []string) error {
	return saveSEL(ctx, a, args, rawRecord)
}

// saveSEL lists the SEL and writes what format makes of each record into a file. The file is not touched before the whole
// SEL is read.
func saveSEL(ctx context.Context, a *App, args []string, format func(sel.Record) []byte) error {
	if err := wantArgs(args, 1, 1); err != nil {
		return err
	}
	c, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	var b []byte
	// Not from the cache: what is saved is what is there.
	err = listSEL(ctx, a, client.SELEntries(ctx, c, ipmi.FirstRecord), selRange{}, false, func(r sel.Record) error {
		b = append(b, format(r)...)
		return nil
	})
	if missing := new(missingError); err != nil && !errors.As(err, &missing) {
		return err
	}
	if err := during(ctx, func() error { return os.WriteFile(args[0], b, 0o666) }); err != nil {
		return err
	}
	return err
}

func runSELReadRaw(ctx context.Context, a *App, args []string, extended bool) error {
	if err := wantArgs(args, 1, 1); err != nil {
		return err
	}
	var records []sel.Record
	var rest int
	err := during(ctx, func() (err error) {
		records, rest, err = readRawRecords(args[0])
		return err
	})
	if err != nil {
		return err
	}
	out := selOutput{a: a, names: &selNames{a: a, wanted: extended}, extended: extended}
	for _, r := range records {
		if err := out.add(ctx, r); err != nil {
			return err
		}
	}
	if err := out.end(); err != nil {
		return err
	}
	if rest > 0 {
		return fmt.Errorf("%s: incomplete record found in file: %d bytes at its end, a record has %d", args[0], rest, sel.Size)
	}
	return nil
}
