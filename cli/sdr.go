package cli

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/machine"
)

func newSDR(a *App) *cobra.Command {
	return groupDefault(a, "sdr", "Sensor data records: sensors with their readings, devices, the repository", func(ctx context.Context, a *App, _ []string) error {
		return runSDRList(ctx, a, nil, false)
	},
		leaf(a, "list [all|full|compact|event|mcloc|fru|generic]", "Show sensors and their readings",
			func(ctx context.Context, a *App, args []string) error { return runSDRList(ctx, a, args, false) }),
		leaf(a, "elist [all|full|compact|event|mcloc|fru|generic]", "The same with sensor number, entity and states",
			func(ctx context.Context, a *App, args []string) error { return runSDRList(ctx, a, args, true) }),
		leaf(a, "type [TYPE|list]", "Show the sensors of a type, by name or number", runSDRType),
		leaf(a, "get NAME...", "Show all about sensors and devices", runSDRGet),
		leaf(a, "entity [ID[.INSTANCE]|NAME|list]", "Show what belongs to an entity", runSDREntity),
		leaf(a, "info", "Show the state of the repository", runSDRInfo),
		oneHost(leaf(a, "dump FILE", "Write the repository into a file, for -S", runSDRDump), "writes a file"),
		group(a, "fill", "Write records into the repository",
			leaf(a, "file FILE", "Replace the repository by the records of a file that sdr dump wrote", runSDRFillFile)),
	)
}

// readsAtOnce is how many sensors are asked for at a time; the session lets as many
// through as the BMC keeps up with, and the others wait for their turn.
const readsAtOnce = 32

// loadSDRs returns the records: those of the file after -S, or the BMC's. missing says which could not be
// read.
func loadSDRs(ctx context.Context, a *App) (records []sdr.Record, missing, err error) {
	return loadSDRsWanted(ctx, a, nil)
}

// loadSDRsWanted is loadSDRs for some of the records: others may be left out. want is called with the
// beginning of a record, which is its header of five bytes or more.
func loadSDRsWanted(ctx context.Context, a *App, want func(head []byte) bool) (records []sdr.Record, missing, err error) {
	m, err := a.recordMachine(ctx)
	if err != nil {
		return nil, nil, err
	}
	records, err = m.Records(ctx, want)
	missing, err = splitPartial(err)
	return records, missing, refusal(err)
}

// recordMachine returns the machine whose records are wanted. With -S no session is needed for them.
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
	if e := new(machine.NoSensorError); errors.As(err, &e) && e.Near == "" && e.Unread == nil {
		return nil, fmt.Errorf("%w; %q lists them", err, "sdr list all")
	}
	return r, err
}

// findRecords returns the records with these names, and an error for each name that there is not.
func findRecords(ctx context.Context, a *App, names []string) (found []sdr.Record, missing []error, err error) {
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

// sdrStyle is how records are printed.
type sdrStyle struct {
	extended, verbose, csv bool
}

func (a *App) sdrStyle(extended bool) sdrStyle {
	return sdrStyle{extended: extended, verbose: a.Options.Verbose > 0, csv: a.Options.CSV}
}

// showRecords reads the sensors among the records and prints them all.
func showRecords(ctx context.Context, a *App, records []sdr.Record, style sdrStyle) error {
	views, err := readViews(ctx, a, records, sdrPrecision, style.verbose && !style.csv || a.Options.JSON, false)
	if err != nil {
		return err
	}
	print := func(w io.Writer) {
		for _, v := range views {
			v.print(w, style)
		}
	}
	return a.Show(sensorList(views), print, print)
}

// readViews reads what is to be printed of each record, several at a time.
func readViews(ctx context.Context, a *App, records []sdr.Record, precision int, events, thresholds bool) ([]*sensorView, error) {
	views := make([]*sensorView, len(records))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(readsAtOnce)
	for i, r := range records {
		v := &sensorView{record: r}
		views[i] = v
		s := client.SensorOf(r)
		if s == nil {
			continue
		}
		c, err := a.Dial(ctx)
		if err != nil {
			return nil, err
		}
		owner := client.OwnerConn(c, s.Key)
		g.Go(func() error { return v.read(gctx, a, owner, s, precision, events, thresholds) })
	}
	return views, g.Wait()
}

var sdrListTypes = map[string]sdr.Type{
	"full": sdr.TypeFull, "compact": sdr.TypeCompact, "event": sdr.TypeEventOnly,
	"mcloc": sdr.TypeMCLocator, "fru": sdr.TypeFRULocator, "generic": sdr.TypeGenericLocator,
}

func runSDRList(ctx context.Context, a *App, args []string, extended bool) error {
	if err := wantArgs(args, 0, 1); err != nil {
		return err
	}
	keep := func(t sdr.Type) bool { return t == sdr.TypeFull || t == sdr.TypeCompact }
	if len(args) == 1 && args[0] == "all" {
		keep = func(sdr.Type) bool { return true }
	} else if len(args) == 1 {
		want, ok := sdrListTypes[args[0]]
		if !ok {
			return usagef("%q is no kind of record", args[0])
		}
		keep = func(t sdr.Type) bool { return t == want }
	}
	records, missing, err := loadSDRsWanted(ctx, a, func(head []byte) bool { return keep(sdr.Type(head[3])) })
	if err != nil {
		return err
	}
	if err := showRecords(ctx, a, filterRecords(records, func(r sdr.Record) bool { return keep(r.Type()) }), a.sdrStyle(extended)); err != nil {
		return err
	}
	return a.shortList(missing)
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

func runSDRGet(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, -1); err != nil {
		return err
	}
	found, missing, err := findRecords(ctx, a, args)
	if err != nil {
		return err
	}
	style := a.sdrStyle(false)
	style.verbose = true
	if len(found) > 0 {
		if err := showRecords(ctx, a, found, style); err != nil {
			return err
		}
	}
	return joinLines(missing)
}

// joinLines makes one error of several, each a line of its own.
func joinLines(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// lastListedType is the last of the sensor types that sdr type lists.
const lastListedType = 0x2c

func printSensorTypes(w io.Writer) {
	fmt.Fprintln(w, "Sensor Types:")
	for t := ipmi.SensorType(1); t < lastListedType; t += 2 {
		fmt.Fprintf(w, "\t%-25s (0x%02x)   %-25s (0x%02x)\n", t, uint8(t), t+1, uint8(t+1))
	}
}

func runSDRType(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 1); err != nil {
		return err
	}
	if len(args) == 0 || strings.EqualFold(args[0], "list") {
		type named struct {
			Type uint8  `json:"type"`
			Name string `json:"name"`
		}
		var list []named
		for t := ipmi.SensorType(1); t <= lastListedType; t++ {
			list = append(list, named{uint8(t), t.String()})
		}
		return a.Show(list, printSensorTypes, nil)
	}
	want, err := parseSensorType(args[0])
	if err != nil {
		if !a.Options.JSON {
			printSensorTypes(a.Out)
		}
		return err
	}
	records, missing, err := loadSDRsWanted(ctx, a, func(head []byte) bool { return perhapsOfType(head, want) })
	if err != nil {
		return err
	}
	a.note(missing)
	return showRecords(ctx, a, filterRecords(records, func(r sdr.Record) bool {
		switch r := r.(type) {
		case *sdr.EventOnly:
			return r.SensorType == want
		case *sdr.Full, *sdr.Compact:
			return client.SensorOf(r).SensorType == want
		}
		return false
	}), a.sdrStyle(true))
}

// perhapsOfType reports whether the record that begins with head may be that of a sensor of the type.
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

func parseSensorType(s string) (ipmi.SensorType, error) {
	if strings.HasPrefix(s, "0x") {
		n, err := strconv.ParseUint(s, 0, 8)
		if err != nil {
			return 0, fmt.Errorf("sensor type %q is not a number from 0x00 to 0xff", s)
		}
		return ipmi.SensorType(n), nil
	}
	for t := ipmi.SensorType(1); t <= lastListedType; t++ {
		if strings.EqualFold(t.String(), s) {
			return t, nil
		}
	}
	return 0, fmt.Errorf("there is no sensor type %q", s)
}

// anyInstance stands for all instances of an entity.
const anyInstance = 0x7f

func runSDREntity(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 1); err != nil {
		return err
	}
	if len(args) == 0 || strings.EqualFold(args[0], "list") {
		return showEntities(a)
	}
	id, instance, err := parseEntity(args[0])
	if err != nil {
		return err
	}
	records, missing, err := loadSDRs(ctx, a)
	if err != nil {
		return err
	}
	a.note(missing)
	return showRecords(ctx, a, filterRecords(records, func(r sdr.Record) bool {
		e, ok := machine.RecordEntity(r)
		return ok && e.ID == id && (instance == anyInstance || e.Instance == instance)
	}), a.sdrStyle(true))
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

func showEntities(a *App) error {
	type named struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	}
	var list []named
	for id := range 256 {
		if n := ipmi.EntityID(id).String(); n != "" {
			list = append(list, named{id, n})
		}
	}
	return a.Show(list, func(w io.Writer) {
		fmt.Fprintf(w, "\nEntity IDs:\n\n")
		for i := 0; i < len(list); i += 2 {
			fmt.Fprintf(w, "  %4d  %-32s", list[i].ID, list[i].Name)
			if i+1 < len(list) {
				fmt.Fprintf(w, "    %4d  %-32s", list[i+1].ID, list[i+1].Name)
			}
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w)
	}, nil)
}
