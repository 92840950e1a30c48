package machine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/fru"
)

// An Inventory is a FRU inventory device: what a part of the server is (§34 and the Platform
// Management FRU Information Storage Definition).
type Inventory struct {
	ID          uint8         `json:"id"`
	Description string        `json:"description,omitempty"` // its name among the sensor records
	Absent      string        `json:"absent,omitempty"`      // why it cannot be read
	Error       string        `json:"error,omitempty"`       // what is wrong with it
	Size        int           `json:"size_bytes,omitempty"`
	Chassis     *FRUChassis   `json:"chassis,omitempty"`
	Board       *FRUBoard     `json:"board,omitempty"`
	Product     *FRUProduct   `json:"product,omitempty"`
	Records     []FRURecord   `json:"records,omitempty"`
	Memory      *MemoryModule `json:"memory_module,omitempty"`

	Image  *fru.Image    `json:"-"` // nil: it could not be read, or is a memory module
	SPD    fru.SPD       `json:"-"` // of a memory module
	Fault  error         `json:"-"` // what is wrong with it, nil if nothing
	Source InventorySort `json:"-"`
}

// An InventorySort says how a device was found.
type InventorySort uint8

// How a device was found.
const (
	InventoryAsked      InventorySort = iota // by its ID
	InventoryNone                            // not at all: the BMC says that it has no device 0
	InventoryLocated                         // a FRU locator record names it
	InventoryController                      // an MC locator record names its controller
	InventoryOther                           // as InventoryLocated, but not for FRU commands
)

// A FRUChassis is the chassis info area.
type FRUChassis struct {
	Type         string   `json:"type"` // as SMBIOS names it
	PartNumber   string   `json:"part_number,omitempty"`
	SerialNumber string   `json:"serial_number,omitempty"`
	Extra        []string `json:"extra,omitempty"` // fields of the maker's own
	ChecksumOK   bool     `json:"checksum_ok"`
}

// A FRUBoard is the board info area.
type FRUBoard struct {
	Manufactured time.Time `json:"manufacture_time,omitzero"`
	Manufacturer string    `json:"manufacturer,omitempty"`
	Product      string    `json:"product,omitempty"`
	SerialNumber string    `json:"serial_number,omitempty"`
	PartNumber   string    `json:"part_number,omitempty"`
	FileID       string    `json:"fru_file_id,omitempty"`
	Extra        []string  `json:"extra,omitempty"` // fields of the maker's own
	Language     string    `json:"language"`
	ChecksumOK   bool      `json:"checksum_ok"`
}

// A FRUProduct is the product info area.
type FRUProduct struct {
	Manufacturer string   `json:"manufacturer,omitempty"`
	Name         string   `json:"name,omitempty"`
	PartNumber   string   `json:"part_number,omitempty"`
	Version      string   `json:"version,omitempty"`
	SerialNumber string   `json:"serial_number,omitempty"`
	AssetTag     string   `json:"asset_tag,omitempty"`
	FileID       string   `json:"fru_file_id,omitempty"`
	Extra        []string `json:"extra,omitempty"` // fields of the maker's own
	Language     string   `json:"language"`
	ChecksumOK   bool     `json:"checksum_ok"`
}

// A FRURecord is a record of the multirecord area.
type FRURecord struct {
	Type       string `json:"type"` // as the specification names it
	Data       Bytes  `json:"data"`
	ChecksumOK bool   `json:"checksum_ok"`
}

// A MemoryModule is what the SPD data of a memory module says. Of SPD data that makes no sense only
// the technology is known.
type MemoryModule struct {
	Technology   string  `json:"technology"` // such as DDR4 SDRAM
	Module       string  `json:"module_type,omitempty"`
	Bytes        int64   `json:"memory_bytes,omitempty"`
	Ranks        int     `json:"ranks,omitempty"`
	Volts        float64 `json:"supply_volts,omitempty"`
	ECC          *bool   `json:"ecc,omitempty"`
	Manufacturer string  `json:"manufacturer,omitempty"`
	Year         int     `json:"manufacture_year,omitempty"`
	Week         int     `json:"manufacture_week,omitempty"`
	SerialNumber string  `json:"serial_number,omitempty"`
	PartNumber   string  `json:"part_number,omitempty"`
}

// Inventory reads a FRU inventory device of the BMC. One that there is not is Absent, and no error.
// What is wrong with the device itself is in Fault.
func (m *Machine) Inventory(ctx context.Context, id uint8) (Inventory, error) {
	open := func() (*client.FRUDevice, error) { return client.OpenFRU(ctx, m.conn, id) }
	v, _, err := readInventory(ctx, open, false)
	v.ID = id
	return v, err
}

// readInventory opens and reads a device, which is a memory module if dimm, or if it turns out to
// be one. What the BMC or the device is to blame for is part of the result.
func readInventory(ctx context.Context, open func() (*client.FRUDevice, error), dimm bool) (
	v Inventory, d *client.FRUDevice, err error) {
	d, err = open()
	if err == nil {
		v.Size = d.Size
		err = v.read(ctx, d, dimm)
	}
	var code ipmi.CompletionCode
	switch {
	case v.Memory != nil:
	case v.Image == nil && errors.As(err, &code):
		v.Absent = code.For(commandOf(err))
		return v, d, nil
	case v.Image == nil:
		return v, d, err
	default:
		v.fill()
	}
	if v.Fault = err; err != nil {
		v.Error = err.Error()
	}
	return v, d, nil
}

// read reads the image of a device, or its SPD data.
func (v *Inventory) read(ctx context.Context, d *client.FRUDevice, dimm bool) (err error) {
	if !dimm {
		v.Image, err = d.Read(ctx)
		if !errors.Is(err, fru.ErrVersion) {
			return err
		}
	}
	b, err := d.ReadAll(ctx)
	if err == nil {
		v.Image, err = fru.Parse(b)
	}
	if err != nil && (fru.IsSPD(b) || dimm && v.Image != nil) {
		v.SPD, err = fru.ParseSPD(b)
		v.Image, v.Memory = nil, newMemoryModule(v.SPD, err)
	}
	return err
}

// commandOf is the command that an error is about.
func commandOf(err error) ipmi.Command {
	var e *ipmi.Error
	errors.As(err, &e)
	return e.Command
}

// fill makes the areas of the image.
func (v *Inventory) fill() {
	if c := v.Image.Chassis; c != nil {
		v.Chassis = &FRUChassis{
			Type: c.Type.String(), PartNumber: c.PartNumber.String(),
			SerialNumber: c.SerialNumber.String(), Extra: fieldTexts(c.Custom),
			ChecksumOK: !c.BadChecksum,
		}
	}
	if b := v.Image.Board; b != nil {
		v.Board = &FRUBoard{
			Manufacturer: b.Manufacturer.String(), Product: b.ProductName.String(),
			SerialNumber: b.SerialNumber.String(), PartNumber: b.PartNumber.String(),
			FileID: b.FileID.String(), Extra: fieldTexts(b.Custom),
			Language: b.Language.String(), ChecksumOK: !b.BadChecksum,
		}
		if t, ok := b.Made(); ok {
			v.Board.Manufactured = t.UTC()
		}
	}
	if p := v.Image.Product; p != nil {
		v.Product = &FRUProduct{
			Manufacturer: p.Manufacturer.String(), Name: p.Name.String(),
			PartNumber: p.PartNumber.String(), Version: p.Version.String(),
			SerialNumber: p.SerialNumber.String(), AssetTag: p.AssetTag.String(),
			FileID: p.FileID.String(), Extra: fieldTexts(p.Custom),
			Language: p.Language.String(), ChecksumOK: !p.BadChecksum,
		}
	}
	for _, r := range v.Image.Records {
		v.Records = append(v.Records, FRURecord{r.Type.String(), r.Data, !r.BadChecksum})
	}
}

func fieldTexts(fields []fru.Field) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.String())
	}
	return out
}

// newMemoryModule makes a MemoryModule of SPD data, and of what fru.ParseSPD found wrong with it.
func newMemoryModule(s fru.SPD, wrong error) *MemoryModule {
	if wrong != nil {
		return &MemoryModule{Technology: s.Type.String()}
	}
	const megabyte = 20 // bits
	return &MemoryModule{
		Technology: s.Type.String(), Module: s.ModuleName(), Bytes: int64(s.Size) << megabyte,
		Ranks: s.Ranks, Volts: s.Volts, ECC: &s.ECC, Manufacturer: s.Manufacturer.String(),
		Year: s.Year, Week: s.Week, SerialNumber: fmt.Sprintf("%08x", s.Serial), PartNumber: s.Part,
	}
}

// Problem says the first thing that is wrong with a device, and how many more there are; "" if
// nothing is.
func (v *Inventory) Problem() string { return firstOf(v.Fault) }

// OnlyChecksums reports whether nothing worse is wrong with a device than checksums, which the
// tools of many makers leave wrong.
func (v *Inventory) OnlyChecksums() bool {
	for _, e := range parts(v.Fault) {
		if !errors.Is(e, fru.ErrChecksum) {
			return false
		}
	}
	return v.Fault != nil
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
	switch all := parts(err); {
	case err == nil:
		return ""
	case len(all) == 1:
		return all[0].Error()
	default:
		return fmt.Sprintf("%v (and %d more)", all[0], len(all)-1)
	}
}
