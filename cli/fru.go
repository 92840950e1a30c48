package cli

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/fru"
)

func newFRU(a *App) *cobra.Command {
	var force bool
	write := leaf(a, "write ID FILE", "Write a file into a FRU inventory device", func(ctx context.Context, a *App, args []string) error {
		return runFRUWrite(ctx, a, args, force)
	})
	write.Flags().BoolVar(&force, "force", false, "write also what is no FRU image, or a damaged one")
	write.Long = `Write a file into a FRU inventory device.

Only what differs is written, and read back. A file that is bigger than the device, that does not begin
with a FRU header, or that is damaged, is refused.`
	edit := leaf(a, "edit ID field c|b|p INDEX TEXT", "Change a field of the chassis, board or product area", runFRUEdit)
	edit.Long = `Change a field of the chassis (c), board (b) or product (p) area. INDEX counts the area's fields
from 0, in the order in which fru print -v shows them. What follows is moved if there is no room.`
	return groupDefault(a, "fru", "Inventory: what the parts of the server are", runFRUPrintAll,
		aliased(leaf(a, "print [ID]", "Show one inventory device, or all", runFRUPrint), "list"),
		oneHost(leaf(a, "read ID FILE", "Write the bytes of an inventory device into a file", runFRURead), "writes a file"),
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
		return runFRUPrintAll(ctx, a, nil)
	}
	id, err := fruID(args[0])
	if err != nil {
		return err
	}
	c, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	v, _, err := readFRU(ctx, func() (*client.FRUDevice, error) { return client.OpenFRU(ctx, c, id) }, false)
	if err != nil {
		return err
	}
	v.ID = id
	if err := a.Show(v, func(w io.Writer) { v.text(a, w) }, nil); err != nil {
		return err
	}
	return v.problem(a)
}

func fruID(s string) (uint8, error) {
	id, err := parseNumber(s, 0, 0xff)
	if err != nil {
		return 0, fmt.Errorf("FRU ID %w", err)
	}
	return uint8(id), nil
}

// fruView is what is printed of a FRU inventory device.
type fruView struct {
	ID          uint8       `json:"id"`
	Description string      `json:"description,omitempty"`
	Absent      string      `json:"absent,omitempty"` // why it cannot be read
	Error       string      `json:"error,omitempty"`  // what is wrong with it
	Size        int         `json:"size_bytes,omitempty"`
	Chassis     *fruChassis `json:"chassis,omitempty"`
	Board       *fruBoard   `json:"board,omitempty"`
	Product     *fruProduct `json:"product,omitempty"`
	Records     []fruRecord `json:"records,omitempty"`
	Memory      *fruMemory  `json:"memory_module,omitempty"`

	spd   fru.SPD
	image *fru.Image
	err   error
}

// readFRU opens and reads a device, which is a memory module if dimm, or if it turns out to be one. What the BMC or the device is to
// blame for is part of the view.
func readFRU(ctx context.Context, open func() (*client.FRUDevice, error), dimm bool) (*fruView, *client.FRUDevice, error) {
	v := &fruView{}
	d, err := open()
	if err == nil {
		v.Size = d.Size
		if !dimm {
			v.image, err = d.Read(ctx)
		}
		if dimm || errors.Is(err, fru.ErrVersion) {
			var b []byte
			if b, err = d.ReadAll(ctx); err == nil {
				v.image, err = fru.Parse(b)
			}
			if err != nil && fru.IsSPD(b) || dimm && v.image != nil && err != nil {
				v.spd, err = fru.ParseSPD(b)
				v.image, v.Memory = nil, newMemory(v.spd, err)
			}
		}
	}
	if v.Memory != nil {
		if v.err = err; err != nil {
			v.Error = err.Error()
		}
		return v, d, nil
	}
	if cc, refused := code(err); refused && v.image == nil {
		v.Absent = cc.For(refusedCommand(err))
		return v, d, nil
	}
	if v.image == nil {
		return v, d, err
	}
	if v.err = err; err != nil {
		v.Error = err.Error()
	}
	v.fill()
	return v, d, nil
}

// refusedCommand is the command that a completion code answers.
func refusedCommand(err error) ipmi.Command {
	var e *ipmi.Error
	errors.As(err, &e)
	return e.Command
}

// problem is the error that the program ends with when v is all it was asked for. A bad checksum
// is said and no failure: many makers' tools leave one behind.
func (v *fruView) problem(a *App) error {
	switch {
	case v.Absent != "":
		return fmt.Errorf("FRU %d: device not present (%s); \"fru print\" shows which there are", v.ID, v.Absent)
	case v.err == nil:
		return nil
	}
	err := fmt.Errorf("FRU %d: %s", v.ID, firstOf(v.err))
	for _, e := range parts(v.err) {
		if !errors.Is(e, fru.ErrChecksum) {
			return err
		}
	}
	if !a.Options.JSON {
		fmt.Fprintf(a.Err, "%s: %v\n", a.Name, err)
	}
	return nil
}

// parts takes a joined error apart.
func parts(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, parts(e)...)
	}
	return out
}

// firstOf says the first of joined errors, and how many more there are.
func firstOf(err error) string {
	all := parts(err)
	if len(all) == 1 {
		return all[0].Error()
	}
	return fmt.Sprintf("%v (and %d more)", all[0], len(all)-1)
}

// openFRU opens the device that the first of two words names.
func openFRU(ctx context.Context, a *App, word string) (*client.FRUDevice, error) {
	id, err := fruID(word)
	if err != nil {
		return nil, err
	}
	c, err := a.Dial(ctx)
	if err != nil {
		return nil, err
	}
	d, err := client.OpenFRU(ctx, c, id)
	if _, refused := code(err); refused {
		return nil, failed(fmt.Sprintf("FRU %d is not present: Get FRU Inventory Area Info command", id), err)
	}
	return d, err
}

func runFRURead(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 2, 2); err != nil {
		return err
	}
	d, err := openFRU(ctx, a, args[0])
	if err != nil {
		return err
	}
	b, err := d.ReadAll(ctx)
	if err != nil {
		return failed("Read FRU Data", err)
	}
	if len(b) == 0 {
		return fmt.Errorf("FRU %d: the BMC reports %d bytes and gave none; %s was not written", d.ID, d.Size, args[1])
	}
	if err := during(ctx, func() error { return os.WriteFile(args[1], b, 0o666) }); err != nil {
		return err
	}
	if a.Options.JSON {
		err = a.Done(fmt.Sprintf("%d bytes read", len(b)))
	} else {
		verboseFRU(a, d, args[1])
		fmt.Fprintf(a.Out, "Fru Size         : %d bytes\nDone\n", len(b))
	}
	if err == nil && len(b) < d.Size {
		err = fmt.Errorf("FRU %d: the BMC reports %d bytes and gave %d, which are in %s", d.ID, d.Size, len(b), args[1])
	}
	return err
}

// verboseFRU prints what -v adds to fru read and fru write.
func verboseFRU(a *App, d *client.FRUDevice, file string) {
	if a.Options.Verbose > 0 {
		fmt.Fprintf(a.Out, "FRU ID           : %d\nFRU File         : %s\nFru Size   = %d bytes\nFru Access = %sh\n", d.ID, file, d.Size, choose(d.ByWords(), "1", "0"))
	}
}

func runFRUWrite(ctx context.Context, a *App, args []string, force bool) error {
	if err := wantArgs(args, 2, 2); err != nil {
		return err
	}
	b, err := interruptible(ctx, func() ([]byte, error) { return readFile(args[1]) })
	if err != nil {
		return err
	}
	if err := checkImage(b); err != nil && !force {
		return fmt.Errorf("%s is no sound FRU image: %s; --force writes it all the same", args[1], firstOf(err))
	}
	d, err := openFRU(ctx, a, args[0])
	if err != nil {
		return err
	}
	if len(b) > d.Size {
		return fmt.Errorf("%s has %d bytes, FRU %d takes %d", args[1], len(b), d.ID, d.Size)
	}
	if !a.Options.JSON {
		verboseFRU(a, d, args[1])
		fmt.Fprintf(a.Out, "Fru Size         : %d bytes\nSize to Write    : %d bytes\n", d.Size, len(b))
	}
	if err := d.Write(ctx, b); err != nil {
		return failed(fmt.Sprintf("Writing FRU %d", d.ID), err)
	}
	if a.Options.JSON {
		return a.Done(fmt.Sprintf("%d bytes written", len(b)))
	}
	return nil
}

// checkImage returns what is wrong with an image that is to be written.
func checkImage(b []byte) error {
	_, err := fru.Parse(b)
	return err
}

// editAreas are the areas of fru edit.
var editAreas = map[string]fru.Area{"c": fru.ChassisArea, "b": fru.BoardArea, "p": fru.ProductArea}

func runFRUEdit(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 5, 5); err != nil {
		return err
	}
	area, known := editAreas[args[2]]
	if args[1] != "field" || !known {
		return usagef("fru edit changes a field of area c, b or p")
	}
	index, err := parseNumber(args[3], 0, 0xff)
	if err != nil {
		return usagef("%v", err)
	}
	d, err := openFRU(ctx, a, args[0])
	if err != nil {
		return err
	}
	b, err := d.ReadAll(ctx)
	if err != nil {
		return failed("Read FRU Data", err)
	}
	m, err := fru.Parse(b)
	if err != nil && !errors.Is(err, fru.ErrChecksum) {
		return fmt.Errorf("FRU %d: %s; nothing was changed", d.ID, firstOf(err))
	}
	f, err := m.Field(area, int(index))
	if err != nil {
		return fmt.Errorf("FRU %d: %w", d.ID, err)
	}
	old := printable(f.String())
	if err := f.Set(args[4]); err != nil {
		return fmt.Errorf("FRU %d: the field cannot hold that: %w", d.ID, err)
	}
	image, err := m.Bytes(len(b))
	if err != nil {
		return fmt.Errorf("FRU %d: %w; nothing was changed", d.ID, err)
	}
	if err := d.Write(ctx, image); err != nil {
		return failed(fmt.Sprintf("Writing FRU %d", d.ID), err)
	}
	return a.Done(fmt.Sprintf("Updating Field '%s' with '%s' ...", old, printable(args[4])))
}
