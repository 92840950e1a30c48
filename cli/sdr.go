package cli

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/machine"
	"lom/render"
)

// sdrKinds are the words for the records that sdr list shows.
const sdrKinds = " [all|full|compact|event|mcloc|fru|generic]"

func newSDR(a *App) *cobra.Command {
	get := query(a, "get NAME...", "Show all about sensors and devices", render.SDRGet, runSDRGet)
	get.ValidArgsFunction = a.completeSensors(true)
	dump := change(a, "dump FILE", "Write the repository into a file, for -S", runSDRDump)
	oneHost(dump, "writes a file")
	return groupDefault(a, "sdr",
		"Sensor data records: sensors with their readings, devices, the repository",
		listRun(render.SDR, runSDRList),
		list(a, "list"+sdrKinds, "Show sensors and their readings", render.SDR, runSDRList),
		list(a, "elist"+sdrKinds, "The same with sensor number, entity and states",
			render.SDRExtended, runSDRList),
		query(a, "type [TYPE|list]", "Show the sensors of a type, by name or number",
			render.SensorsOr(render.SensorTypes), runSDRType),
		get,
		query(a, "entity [ID[.INSTANCE]|NAME|list]", "Show what belongs to an entity",
			render.SensorsOr(render.EntityIDs), runSDREntity),
		query(a, "info", "Show the state of the repository",
			render.Repository, of((*machine.Machine).Repository)),
		dump,
		group(a, "fill", "Write records into the repository",
			change(a, "file FILE", "Replace the repository by the records of a file that sdr "+
				"dump wrote",
				runSDRFillFile)),
	)
}

// loadSDRs returns the records: those of the file after -S, or the BMC's. missing says which could
// not be read.
func loadSDRs(ctx context.Context, a *App) (records []sdr.Record, missing, err error) {
	return loadSDRsWanted(ctx, a, nil)
}

// loadSDRsWanted is loadSDRs for some of the records: others may be left out. want is called with
// the beginning of a record, which is its header of five bytes or more.
func loadSDRsWanted(ctx context.Context, a *App,
	want func(head []byte) bool) (records []sdr.Record, missing, err error) {
	m, err := a.recordMachine(ctx)
	if err != nil {
		return nil, nil, err
	}
	records, err = m.Records(ctx, want)
	missing, err = splitPartial(err)
	return records, missing, refusal(err)
}

// recordMachine returns the machine whose records are wanted. With -S no session is needed for
// them.
func (a *App) recordMachine(ctx context.Context) (*machine.Machine, error) {
	if a.Options.SDRCache != "" {
		return a.newMachine(a.session), nil
	}
	return a.machine(ctx)
}

// readDump reads the records of a file that sdr dump wrote.
func readDump(name string) ([][]byte, error) {
	b, err := readFile(name)
	if err != nil {
		return nil, err
	}
	raw, err := machine.SplitRecords(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return raw, nil
}

// findRecord returns the first record with a name. unread says which could not be read.
func findRecord(records []sdr.Record, unread error, name string) (sdr.Record, error) {
	r, err := machine.FindRecord(records, unread, name)
	return r, withSensorList(err)
}

// withSensorList adds to the error about a name that there is not the command that lists those that
// there are.
func withSensorList(err error) error {
	if e := new(machine.NoSensorError); errors.As(err, &e) && e.Near == "" && e.Unread == nil {
		return fmt.Errorf("%w; %q lists them", err, "sdr list all")
	}
	return err
}

// findRecords returns the records with these names, and an error for each name that there is not.
func findRecords(ctx context.Context, a *App,
	names []string) (found []sdr.Record, missing []error, err error) {
	all, unread, err := loadSDRs(ctx, a)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		r, err := findRecord(all, unread, name)
		if err != nil {
			missing = append(missing, err)
			continue
		}
		found = append(found, r)
	}
	return found, missing, nil
}

// sensorMachine returns the machine that reads what records describe. It needs a session only if
// one of them is a sensor that can be read.
func (a *App) sensorMachine(ctx context.Context, records []sdr.Record) (*machine.Machine, error) {
	if slices.ContainsFunc(records, func(r sdr.Record) bool { return client.SensorOf(r) != nil }) {
		return a.machine(ctx)
	}
	return a.newMachine(a.session), nil
}

// readRecords reads what records describe, and after it says what is missing of their list.
func (a *App) readRecords(ctx context.Context, records []sdr.Record, missing error,
	opts ...machine.SensorOption) (iter.Seq2[machine.Sensor, error], error) {
	m, err := a.sensorMachine(ctx, records)
	if err != nil {
		return nil, err
	}
	return func(yield func(machine.Sensor, error) bool) {
		for s, err := range m.ReadSensors(ctx, records, opts...) {
			if !yield(s, err) || err != nil {
				return
			}
		}
		if err := a.shortList(missing); err != nil {
			yield(machine.Sensor{}, err)
		}
	}, nil
}

// collect reads what records describe.
func (a *App) collect(ctx context.Context, records []sdr.Record,
	opts ...machine.SensorOption) ([]machine.Sensor, error) {
	seq, err := a.readRecords(ctx, records, nil, opts...)
	if err != nil {
		return nil, err
	}
	all := make([]machine.Sensor, 0, len(records))
	for s, err := range seq {
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// eventOptions are the options for text with all about a sensor; -c and JSON show no events.
func (a *App) eventOptions() []machine.SensorOption {
	if a.printer(a.Out).Format == render.Text {
		return []machine.SensorOption{machine.ReadEvents()}
	}
	return nil
}

// verboseOptions are eventOptions with -v.
func (a *App) verboseOptions() []machine.SensorOption {
	if a.Options.Verbose > 0 {
		return a.eventOptions()
	}
	return nil
}

var sdrListTypes = map[string]sdr.Type{
	"full": sdr.TypeFull, "compact": sdr.TypeCompact, "event": sdr.TypeEventOnly,
	"mcloc": sdr.TypeMCLocator, "fru": sdr.TypeFRULocator, "generic": sdr.TypeGenericLocator,
}

func runSDRList(ctx context.Context, a *App,
	args []string) (iter.Seq2[machine.Sensor, error], error) {
	if err := wantArgs(args, 0, 1); err != nil {
		return nil, err
	}
	keep := func(t sdr.Type) bool { return t == sdr.TypeFull || t == sdr.TypeCompact }
	if len(args) == 1 && args[0] == "all" {
		keep = func(sdr.Type) bool { return true }
	} else if len(args) == 1 {
		want, ok := sdrListTypes[args[0]]
		if !ok {
			return nil, usagef("%q is no kind of record", args[0])
		}
		keep = func(t sdr.Type) bool { return t == want }
	}
	records, missing, err := loadSDRsWanted(ctx, a, func(head []byte) bool {
		return keep(sdr.Type(head[3]))
	})
	if err != nil {
		return nil, err
	}
	records = filterRecords(records, func(r sdr.Record) bool { return keep(r.Type()) })
	return a.readRecords(ctx, records, missing, a.verboseOptions()...)
}

func filterRecords(records []sdr.Record, keep func(sdr.Record) bool) []sdr.Record {
	var out []sdr.Record
	for _, r := range records {
		if keep(r) {
			out = append(out, r)
		}
	}
	return out
}

func runSDRGet(ctx context.Context, a *App, args []string) ([]machine.Sensor, error) {
	if err := wantArgs(args, 1, -1); err != nil {
		return nil, err
	}
	found, missing, err := findRecords(ctx, a, args)
	if err == nil && len(found) == 0 {
		err = joinLines(missing)
	}
	if err != nil {
		return nil, err
	}
	all, err := a.collect(ctx, found, a.eventOptions()...)
	if err != nil {
		return nil, err
	}
	return all, shown(joinLines(missing))
}

// joinLines makes one error of several, each a line of its own.
func joinLines(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// sensorsOrTypes is what sdr type shows, and sensorsOrEntities what sdr entity does.
type (
	sensorsOrTypes    = render.Either[[]machine.SensorType, []machine.Sensor]
	sensorsOrEntities = render.Either[[]machine.EntityID, []machine.Sensor]
)

func runSDRType(ctx context.Context, a *App, args []string) (v sensorsOrTypes, err error) {
	if err := wantArgs(args, 0, 1); err != nil {
		return v, err
	}
	if len(args) == 0 || strings.EqualFold(args[0], "list") {
		v.A = new(machine.SensorTypes())
		return v, nil
	}
	want, err := machine.ParseSensorType(args[0])
	if err != nil {
		if !a.Options.JSON {
			_ = render.Show(a.printer(a.Out), render.SensorTypes, machine.SensorTypes())
		}
		return v, err
	}
	records, missing, err := loadSDRsWanted(ctx, a, func(head []byte) bool {
		return perhapsOfType(head, want)
	})
	if err != nil {
		return v, err
	}
	a.note(missing)
	sensors, err := a.collect(ctx, filterRecords(records, func(r sdr.Record) bool {
		switch r := r.(type) {
		case *sdr.EventOnly:
			return r.SensorType == want
		case *sdr.Full, *sdr.Compact:
			return client.SensorOf(r).SensorType == want
		}
		return false
	}), a.verboseOptions()...)
	v.B = &sensors
	return v, err
}

// perhapsOfType reports whether the record that begins with head may be that of a sensor of the
// type.
func perhapsOfType(head []byte, want ipmi.SensorType) bool {
	at := 0 // where the type stands (Tables 43-1 to 43-3)
	switch sdr.Type(head[3]) {
	case sdr.TypeFull, sdr.TypeCompact:
		at = 12
	case sdr.TypeEventOnly:
		at = 10
	default:
		return false
	}
	return len(head) <= at || ipmi.SensorType(head[at]) == want
}

// anyInstance stands for all instances of an entity.
const anyInstance = 0x7f

func runSDREntity(ctx context.Context, a *App, args []string) (v sensorsOrEntities, err error) {
	if err := wantArgs(args, 0, 1); err != nil {
		return v, err
	}
	if len(args) == 0 || strings.EqualFold(args[0], "list") {
		v.A = new(machine.EntityIDs())
		return v, nil
	}
	id, instance, err := parseEntity(args[0])
	if err != nil {
		return v, err
	}
	records, missing, err := loadSDRs(ctx, a)
	if err != nil {
		return v, err
	}
	a.note(missing)
	sensors, err := a.collect(ctx, filterRecords(records, func(r sdr.Record) bool {
		e, ok := machine.RecordEntity(r)
		return ok && e.ID == id && (instance == anyInstance || e.Instance == instance)
	}), a.verboseOptions()...)
	v.B = &sensors
	return v, err
}

func parseEntity(s string) (ipmi.EntityID, ipmi.EntityInstance, error) {
	for id := range 256 {
		if n := ipmi.EntityID(id).String(); n != "" && strings.EqualFold(n, s) {
			return ipmi.EntityID(id), anyInstance, nil
		}
	}
	word, end, dotted := strings.Cut(s, ".")
	id, err := strconv.ParseUint(word, 10, 8)
	if err != nil {
		return 0, 0, fmt.Errorf("there is no entity %q; \"sdr entity list\" shows names and numbers", s)
	}
	if !dotted {
		return ipmi.EntityID(id), anyInstance, nil
	}
	n, err := strconv.ParseUint(end, 10, 7)
	if err != nil {
		return 0, 0, fmt.Errorf("%q: the instance of an entity is a number from 0 to 127", s)
	}
	return ipmi.EntityID(id), ipmi.EntityInstance(n), nil
}

func runSDRDump(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 1, 1); err != nil {
		return "", err
	}
	m, err := a.recordMachine(ctx)
	if err != nil {
		return "", err
	}
	raw, err := m.SDRBytes(ctx)
	missing, err := splitPartial(err)
	if err != nil {
		return "", err
	}
	if err := during(ctx, func() error {
		return os.WriteFile(args[0], bytes.Join(raw, nil), 0o666)
	}); err != nil {
		return "", err
	}
	return fmt.Sprintf("Dumping Sensor Data Repository to '%s'", args[0]),
		shown(a.shortList(missing))
}

// runSDRFillFile reads and checks the whole file before the repository is cleared.
func runSDRFillFile(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 1, 1); err != nil {
		return "", err
	}
	records, err := interruptible(ctx, func() ([][]byte, error) { return readDump(args[0]) })
	if err != nil {
		return "", err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d records written", len(records)), m.ReplaceRecords(ctx, records)
}
