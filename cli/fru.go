package cli

import (
	"context"
	"errors"
	"iter"
	"os"
	"reflect"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi/fru"
	"lom/ipmi/sdr"
	"lom/machine"
	"lom/render"
)

func newFRU(a *App) *cobra.Command {
	var force bool
	write := query(a, "write ID FILE", "Write a file into a FRU inventory device",
		render.FRUTransferView,
		func(ctx context.Context, a *App, args []string) (render.FRUTransfer, error) {
			return runFRUWrite(ctx, a, args, force)
		})
	write.Flags().BoolVar(&force, "force", false,
		"write also what is not a FRU image, or a damaged one")
	write.Long = `Write a file into a FRU inventory device.

Only what differs is written, and read back. A file that is bigger than the device, that does not
begin with a FRU header, or that is damaged, is refused.`
	edit := change(a, "edit ID field c|b|p INDEX TEXT",
		"Change a field of the chassis, board or product area", runFRUEdit)
	edit.Long = `Change a field of the chassis (c), board (b) or product (p) area. INDEX counts the
fields of the area from 0, in the order in which fru print -v shows them. What follows is moved if
there is no room.`
	shown := result{Type: reflect.TypeFor[render.OneOrList[machine.Inventory]]()}
	return groupDefault(a, "fru", "Inventory: what the parts of the server are", runFRUPrint,
		a.returns(aliased(leaf(a, "print [ID]", "Show one inventory device, or all", runFRUPrint),
			"list"), shown),
		oneHost(query(a, "read ID FILE", "Write the bytes of an inventory device into a file",
			render.FRUTransferView, runFRURead), "writes a file"),
		write, edit,
	)
}

func aliased(c *cobra.Command, names ...string) *cobra.Command {
	c.Aliases = names
	return c
}

func runFRUPrint(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 1); err != nil {
		return err
	}
	if len(args) == 0 {
		m, err := a.machine(ctx)
		if err != nil {
			return err
		}
		return refusal(render.Stream(a.printer(a.Out), render.LocatedFRU, a.inventories(ctx, m)))
	}
	id, err := fruID(args[0])
	if err != nil {
		return err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return err
	}
	v, err := m.Inventory(ctx, id)
	if err != nil {
		return refusal(err)
	}
	if err := render.Show(a.printer(a.Out), render.FRU, v); err != nil {
		return err
	}
	return a.fruProblem(v)
}

// inventories returns the devices as they are printed. What is missing of the sensor records is
// noted only, and so is what fruProblem notes. In JSON each device says itself what is wrong with
// it.
func (a *App) inventories(
	ctx context.Context, m *machine.Machine) iter.Seq2[machine.Inventory, error] {
	return func(yield func(machine.Inventory, error) bool) {
		for v, err := range m.Inventories(ctx) {
			partial := new(machine.PartialError)
			switch {
			case errors.As(err, &partial):
				a.note(partial)
				continue
			case err == nil && v.Source == machine.InventoryNone && a.Options.JSON:
				continue
			}
			if !yield(v, err) {
				return
			}
			if err == nil && v.Fault != nil && !a.Options.JSON {
				if err := a.fruProblem(v); err != nil && !yield(v, err) {
					return
				}
			}
		}
	}
}

// printLocatedFRU prints the device of one locator record.
func printLocatedFRU(ctx context.Context, a *App, r *sdr.FRULocator) error {
	m, err := a.machine(ctx)
	if err != nil {
		return err
	}
	v, ok, err := m.LocatedInventory(ctx, r)
	if err != nil || !ok {
		return refusal(err)
	}
	if err := render.Show(a.printer(a.Out), render.LocatedFRU, v); err != nil || v.Fault == nil {
		return err
	}
	return a.fruProblem(v)
}

// fruProblem is the error that the program ends with when v is all it was asked for. A bad checksum
// is noted and is not a failure: many makers' tools leave one behind.
func (a *App) fruProblem(v machine.Inventory) error {
	if v.Absent != "" {
		return fmt.Errorf("FRU %d: device not present (%s); \"fru print\" shows which there are",
			v.ID, v.Absent)
	}
	if v.Fault == nil {
		return nil
	}
	err := fmt.Errorf("FRU %d: %s", v.ID, v.Problem())
	if !v.OnlyChecksums() {
		return err
	}
	if !a.Options.JSON {
		a.note(err)
	}
	return nil
}

func fruID(s string) (uint8, error) {
	id, err := parseNumber(s, 0, 0xff)
	if err != nil {
		return 0, fmt.Errorf("FRU ID %w", err)
	}
	return uint8(id), nil
}

// openFRU opens the device that a word names.
func openFRU(ctx context.Context, a *App, word string) (*machine.InventoryDevice, error) {
	id, err := fruID(word)
	if err != nil {
		return nil, err
	}
	m, err := a.machine(ctx)
	if err != nil {
		return nil, err
	}
	return m.InventoryDevice(ctx, id)
}

func runFRURead(ctx context.Context, a *App, args []string) (v render.FRUTransfer, err error) {
	if err := wantArgs(args, 2, 2); err != nil {
		return v, err
	}
	d, err := openFRU(ctx, a, args[0])
	if err != nil {
		return v, err
	}
	b, err := d.ReadAll(ctx)
	if err != nil {
		return v, err
	}
	if len(b) == 0 {
		return v, fmt.Errorf("FRU %d: the BMC reports %d bytes and gave none; %s was not written",
			d.ID, d.Size, args[1])
	}
	if err := during(ctx, func() error { return os.WriteFile(args[1], b, 0o666) }); err != nil {
		return v, err
	}
	v = render.FRUTransfer{Done: done("%d bytes read", len(b)), Device: *d, File: args[1]}
	if v.Bytes = len(b); v.Bytes < d.Size {
		err = &machine.PartialError{Err: fmt.Errorf(
			"FRU %d: the BMC reports %d bytes and gave %d, which are in %s",
			d.ID, d.Size, len(b), args[1])}
	}
	return v, err
}

// done is the result of a command that says how much it has done.
func done(format string, n int) render.Done {
	return render.Done{Done: true, Message: fmt.Sprintf(format, n)}
}

func runFRUWrite(ctx context.Context, a *App, args []string, force bool) (
	v render.FRUTransfer, err error) {
	if err := wantArgs(args, 2, 2); err != nil {
		return v, err
	}
	b, err := interruptible(ctx, func() ([]byte, error) { return readFile(args[1]) })
	if err != nil {
		return v, err
	}
	if err := machine.CheckImage(b); err != nil && !force {
		return v, fmt.Errorf("%s is not a sound FRU image: %w; --force writes it all the same",
			args[1], err)
	}
	d, err := openFRU(ctx, a, args[0])
	if err != nil {
		return v, err
	}
	if len(b) > d.Size {
		return v, fmt.Errorf("%s has %d bytes, FRU %d takes %d", args[1], len(b), d.ID, d.Size)
	}
	v = render.FRUTransfer{
		Done: done("%d bytes written", len(b)), Device: *d, File: args[1],
		Bytes: len(b), Write: true,
	}
	if err = d.Write(ctx, b); err != nil && !a.Options.JSON {
		err = &machine.PartialError{Err: err} // ipmitool prints the sizes before it writes
	}
	return v, err
}

// editAreas are the areas of fru edit.
var editAreas = map[string]fru.Area{"c": fru.ChassisArea, "b": fru.BoardArea, "p": fru.ProductArea}

func runFRUEdit(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 5, 5); err != nil {
		return "", err
	}
	area, known := editAreas[args[2]]
	if args[1] != "field" || !known {
		return "", usagef("fru edit changes a field of area c, b or p")
	}
	index, err := parseNumber(args[3], 0, 0xff)
	if err != nil {
		return "", usagef("%v", err)
	}
	d, err := openFRU(ctx, a, args[0])
	if err != nil {
		return "", err
	}
	old, err := d.SetField(ctx, area, int(index), args[4])
	return fmt.Sprintf("Updating Field '%s' with '%s' ...", old, args[4]), err
}
