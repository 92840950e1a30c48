package bmc

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"lom/ipmi"
	"lom/ipmi/fru"
)

// A FRUDevice is a FRU inventory device that a BMC has from its first start (§34).
type FRUDevice struct {
	ID      uint8 // FFh is reserved
	Data    []byte
	ByWords bool // it is read and written by words of two bytes
	// Protected is how many bytes at the beginning cannot be written over IPMI.
	Protected int
}

// inventory is the state of the FRU inventory devices. Those of the make are made when they are
// first asked for, and memories are kept up to their last byte that is not 0: most are empty.
type inventory struct {
	devices map[uint8]*fruDevice // nil: not made yet
}

// fruDevice is a FRU inventory device.
type fruDevice struct {
	data      []byte // without the zeros at the end
	size      int
	byWords   bool
	protected int // bytes at the beginning that cannot be written over IPMI
}

// read returns n bytes of the device, which has them.
func (d *fruDevice) read(at, n int) []byte {
	out := make([]byte, n)
	if at < len(d.data) {
		copy(out, d.data[at:])
	}
	return out
}

// write puts p into the device, which has room for it.
func (d *fruDevice) write(at int, p []byte) {
	if more := at + len(p) - len(d.data); more > 0 {
		d.data = append(d.data, make([]byte, more)...)
	}
	copy(d.data[at:], p)
}

// fruPage is how much of a device is kept together: a write changes one or two pages of the state
// file and not the whole device.
const fruPage = 64

// codeWriteProtected is Write FRU Data's own (Table 34-4).
const codeWriteProtected ipmi.CompletionCode = 0x80

func (v *inventory) load(b *BMC) error {
	for _, d := range b.cfg.FRUs {
		if d.ID == 0xff || len(d.Data) > 0xffff {
			return fmt.Errorf("FRU device %d of %d bytes cannot be", d.ID, len(d.Data))
		}
	}
	if b.cfg.FRUs != nil {
		v.make(b.cfg.FRUs)
		b.cfg.FRUs = nil
	}
	return loadSection(b, "fru", func(key string, page []byte) error {
		var id uint8
		var at int
		if _, err := fmt.Sscanf(key, "%d:%d", &id, &at); err != nil {
			return err
		}
		// A device that the configuration made smaller, or took away, loses what it held.
		if d := v.device(b, id); d != nil && at >= 0 && at < d.size {
			d.write(at, page[:min(len(page), d.size-at)])
		}
		return nil
	})
}

// make makes the devices.
func (v *inventory) make(list []FRUDevice) {
	v.devices = make(map[uint8]*fruDevice, len(list))
	for _, d := range list {
		v.devices[d.ID] = &fruDevice{bytes.Clone(bytes.TrimRight(d.Data, "\x00")), len(d.Data),
			d.ByWords, d.Protected}
	}
}

// device returns a device, nil if there is none.
func (v *inventory) device(b *BMC, id uint8) *fruDevice {
	if v.devices == nil {
		v.make(ServerInventory(b.identity()))
	}
	return v.devices[id]
}

func handleInventory(m *Mux) {
	Handle(m, getFRUInventoryAreaInfo)
	Handle(m, readFRUData)
	Handle(m, writeFRUData)
}

// find returns a device and the number of bytes in its unit of access.
func (v *inventory) find(b *BMC, id uint8) (*fruDevice, int, error) {
	d := v.device(b, id)
	switch {
	case d == nil:
		return nil, 0, ipmi.CodeNotPresent
	case d.byWords:
		return d, 2, nil
	}
	return d, 1, nil
}

func getFRUInventoryAreaInfo(ctx *Context,
	req ipmi.GetFRUInventoryAreaInfo) (ipmi.FRUInventoryAreaInfo, error) {
	d, _, err := ctx.BMC.inventory.find(ctx.BMC, req.Device)
	if err != nil {
		return ipmi.FRUInventoryAreaInfo{}, err
	}
	return ipmi.FRUInventoryAreaInfo{Size: uint16(d.size), ByWords: d.byWords}, nil
}

// fruMost is the most bytes that one answer holds, so that it fits into an IPMI 1.5 packet.
const fruMost = 240

func readFRUData(ctx *Context, req ipmi.ReadFRUData) (ipmi.FRUData, error) {
	d, unit, err := ctx.BMC.inventory.find(ctx.BMC, req.Device)
	if err != nil {
		return ipmi.FRUData{}, err
	}
	at, n := int(req.Offset)*unit, int(req.Count)*unit
	switch {
	case at >= d.size:
		return ipmi.FRUData{}, ipmi.CodeParameterOutOfRange
	case n > fruMost:
		return ipmi.FRUData{}, ipmi.CodeCannotReturnBytes
	}
	n = min(n, (d.size-at)/unit*unit)
	return ipmi.FRUData{Count: uint8(n / unit), Data: d.read(at, n)}, nil
}

func writeFRUData(ctx *Context, req ipmi.WriteFRUData) (ipmi.FRUWritten, error) {
	b := ctx.BMC
	d, unit, err := b.inventory.find(b, req.Device)
	if err != nil {
		return ipmi.FRUWritten{}, err
	}
	at := int(req.Offset) * unit
	switch {
	case len(req.Data)%unit != 0:
		return ipmi.FRUWritten{}, ipmi.CodeDataLengthInvalid
	case at+len(req.Data) > d.size:
		return ipmi.FRUWritten{}, ipmi.CodeParameterOutOfRange
	case at < d.protected && len(req.Data) > 0:
		return ipmi.FRUWritten{}, codeWriteProtected
	}
	old := d.data
	d.data = bytes.Clone(old)
	d.write(at, req.Data)
	ctx.changed(func() { d.data = old }, func(b *BMC) {
		for page := at / fruPage * fruPage; page < at+len(req.Data); page += fruPage {
			b.put("fru", strconv.Itoa(int(req.Device))+":"+strconv.Itoa(page),
				d.read(page, min(fruPage, d.size-page)))
		}
	})
	return ipmi.FRUWritten{Count: uint8(len(req.Data) / unit)}, nil
}

// A ServerIdentity is what a server's inventory says of it. Empty fields stay empty.
type ServerIdentity struct {
	Maker       string
	Product     string
	PartNumber  string
	Version     string
	AssetTag    string
	Chassis     fru.ChassisType
	ChassisPart string
	Board       string // name of the main board
	BoardPart   string
	Made        time.Time // of the main board; the zero time is unknown
	Supplies    []SupplyIdentity
	Serial      string // the serial numbers of all parts are made of it
}

// A SupplyIdentity is what a power supply's inventory says of it.
type SupplyIdentity struct {
	Maker, Product, PartNumber string
	Watts                      uint16 // at most 4095; 0: not known
}

// Sizes of the memories of a main board and of a power supply, in bytes.
const (
	boardFRUSize  = 1024
	supplyFRUSize = 256
)

// ServerInventory makes the FRU devices of a server: device 0 for chassis, board and product, and
// from device 1 on one for each power supply.
func ServerInventory(s ServerIdentity) []FRUDevice {
	board := &fru.Board{Language: fru.English, Manufacturer: text(s.Maker),
		ProductName:  text(s.Board),
		SerialNumber: text("B" + s.Serial), PartNumber: text(s.BoardPart)}
	if board.SetMade(s.Made) != nil {
		board.Minutes = 0
	}
	server := &fru.Image{
		Chassis: &fru.Chassis{Type: s.Chassis, PartNumber: text(s.ChassisPart),
			SerialNumber: text("C" + s.Serial)},
		Board: board,
		Product: &fru.Product{Language: fru.English, Manufacturer: text(s.Maker),
			Name: text(s.Product), PartNumber: text(s.PartNumber),
			Version: text(s.Version), SerialNumber: text(s.Serial), AssetTag: text(s.AssetTag)},
	}
	devices := []FRUDevice{{ID: 0, Data: image(server, boardFRUSize)}}
	for i, p := range s.Supplies {
		serial := fmt.Sprintf("P%s%d", s.Serial, i+1)
		m := &fru.Image{Product: &fru.Product{Language: fru.English, Manufacturer: text(p.Maker),
			Name:       text(p.Product),
			PartNumber: text(p.PartNumber), SerialNumber: text(serial)}}
		if p.Watts = min(p.Watts, 0xfff); p.Watts > 0 {
			m.Records = append(m.Records,
				record(fru.RecordPowerSupply,
					fru.PowerSupply{Capacity: p.Watts, PeakVA: p.Watts + p.Watts/8,
						InrushCurrent: 30, InrushInterval: 5, LowInput1: 9000, HighInput1: 26400,
						LowFrequency: 47, HighFrequency: 63, Dropout: 12,
						HotSwap: true, AutoSwitch: true, PowerFactorCorrection: true,
						PeakCapacity: p.Watts}))
			m.Records = append(m.Records, output12V(int(p.Watts)*1000/12))
		}
		devices = append(devices, FRUDevice{ID: uint8(i + 1), Data: image(m, supplyFRUSize)})
	}
	return devices
}

// output12V is the output of a power supply that gives up to so many milliamperes at 12 V.
func output12V(most int) fru.Record {
	o := fru.DCOutput{Number: 1, Nominal: 1200, MaxNegative: 1140, MaxPositive: 1260, Ripple: 120}
	if most <= 0xffff {
		o.MostCurrent = uint16(most)
		return record(fru.RecordDCOutput, o)
	}
	x := fru.ExtendedDCOutput{DCOutput: o}
	x.MostCurrent = uint16(min(most/x.CurrentUnit(), 0xffff))
	return record(fru.RecordExtendedDCOutput, x)
}

// identity is the identity of a server of the BMC's make: the serial number is made of its GUID.
func (b *BMC) identity() ServerIdentity {
	g := b.controller.guid
	s := b.profile().Server
	s.Serial = fmt.Sprintf("%02X%02X%02X%02X%02X", g[4], g[3], g[2], g[1], g[0])
	return s
}

// text is a field of s, cut where a field ends and without what 8-bit text cannot hold.
func text(s string) fru.Field {
	var keep []rune
	for _, r := range s {
		if r >= ' ' && r <= 0xff && len(keep) < fru.MaxField {
			keep = append(keep, r)
		}
	}
	f, _ := fru.Text(string(keep))
	return f
}

func record(t fru.RecordType, v interface {
	AppendBinary([]byte) ([]byte, error)
}) fru.Record {
	r, err := fru.NewRecord(t, v)
	if err != nil {
		panic("bmc: " + err.Error()) // a value out of range in the program
	}
	return r
}

// image lays out m in a memory of size bytes, or of more if it needs more.
func image(m *fru.Image, size int) []byte {
	b, err := m.Bytes(size)
	if err != nil {
		b, err = m.Bytes(0)
	}
	if err != nil {
		panic("bmc: " + err.Error())
	}
	return b
}
