package fru

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"sort"
)

// An Area is one of the parts that the common header points to (Table 8-1).
type Area int

// Areas, in the order of the common header. HeaderArea is the header itself.
const (
	HeaderArea Area = iota
	InternalArea
	ChassisArea
	BoardArea
	ProductArea
	MultiRecordArea
)

var areaNames = [...]string{"common header", "internal use area", "chassis info area",
	"board info area",
	"product info area", "multirecord area"}

// String returns the area's name: "board info area".
func (a Area) String() string {
	if a >= 0 && int(a) < len(areaNames) {
		return areaNames[a]
	}
	return fmt.Sprintf("area %d", int(a))
}

// What can be wrong with an image, for errors.Is. An [Error] says where.
var (
	ErrBlank     = errors.New("the FRU inventory device is blank")
	ErrChecksum  = errors.New("bad checksum")
	ErrTruncated = errors.New("cut short")
	ErrVersion   = errors.New("unknown format version")
	ErrNoEnd     = errors.New("no end-of-fields mark")
	ErrTooBig    = errors.New("does not fit into the FRU inventory device")
	ErrNoField   = errors.New("no such field")
)

// An Error says which area of an image is wrong, and where.
type Error struct {
	Area   Area
	Offset int // from the beginning of the image, in bytes
	Err    error
}

// Error returns one sentence: "board info area at byte 56: bad checksum".
func (e *Error) Error() string { return fmt.Sprintf("%v at byte %d: %v", e.Area, e.Offset, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// An Image is the contents of a FRU inventory device. An area that is absent is nil.
type Image struct {
	HeaderBadChecksum bool

	// Internal is the internal use area, its format version byte first. The area has no
	// length of its own: it reaches to the next area or to the end of the image.
	Internal []byte
	Chassis  *Chassis
	Board    *Board
	Product  *Product
	Records  []Record // of the multirecord area

	// raw is what the image was read from, and was says where each area lay in it, so that
	// what nobody changed is written back to where it was, byte for byte.
	raw  []byte
	was  [MultiRecordArea + 1]extent
	lost error // an area that lies behind the end of the image
}

// extent is where an area lies. One that could not be read to its end is opaque: it is
// written back as it is unless it was replaced.
type extent struct {
	at, end int
	opaque  bool
}

// headerSize is the length of the common header; areas begin at multiples of it.
const headerSize = 8

// formatVersion is the version of every area but the multirecord area.
const formatVersion = 1

// maxImage is the greatest size that Get FRU Inventory Area Info can report, in bytes.
const maxImage = 0xffff

// Parse reads an image. What can be read is returned even if the error is not nil; the error joins
// one *[Error] for each thing that is wrong. A bad checksum leaves an area readable. Only an image
// without a usable common header comes back without areas. Parse keeps no reference to b.
func Parse(b []byte) (*Image, error) {
	m := &Image{}
	b = append([]byte(nil), b[:min(len(b), maxImage)]...)
	if len(b) < headerSize {
		return m, &Error{HeaderArea, len(b), ErrTruncated}
	}
	if blank(b[:headerSize]) {
		return m, &Error{HeaderArea, 0, ErrBlank}
	}
	if v := b[0] & 0x0f; v != formatVersion {
		return m, &Error{HeaderArea, 0, fmt.Errorf("%w %d", ErrVersion, v)}
	}
	m.raw = b
	var errs []error
	if sum(b[:headerSize]) != 0 {
		m.HeaderBadChecksum = true
		errs = append(errs, &Error{HeaderArea, headerSize - 1, ErrChecksum})
	}
	for a := InternalArea; a <= MultiRecordArea; a++ {
		at := int(b[a]) * headerSize
		if at == 0 {
			continue
		}
		if at >= len(b) {
			m.lost = &Error{a, at, fmt.Errorf("%w: the image ends at byte %d", ErrTruncated,
				len(b))}
			errs = append(errs, m.lost)
			continue
		}
		size, err := m.parseArea(a, at, b)
		m.was[a] = extent{at: at, end: at + size}
		if a == InternalArea || size == 0 || a == MultiRecordArea && errors.Is(err, errList) {
			m.was[a] = extent{at: at, end: nextArea(at, b), opaque: true}
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return m, errors.Join(errs...)
}

// parseArea reads the area that begins at byte at, and returns how many bytes it takes.
func (m *Image) parseArea(a Area, at int, b []byte) (int, error) {
	if a == InternalArea {
		end := nextArea(at, b)
		m.Internal = b[at:end:end]
		return end - at, nil
	}
	if a == MultiRecordArea {
		recs, size, err := parseRecords(b[at:], at)
		m.Records = recs
		return size, err
	}
	body, err := areaBody(a, at, b[at:])
	if body == nil {
		return 0, err
	}
	cut := errors.Is(err, ErrTruncated)
	fail := func(off int, cause error) {
		if !cut { // said already
			err = errors.Join(err, &Error{a, at + off, cause})
		}
	}
	badSum := errors.Is(err, ErrChecksum)
	switch a {
	case ChassisArea:
		m.Chassis = &Chassis{BadChecksum: badSum}
		m.Chassis.parse(body, fail)
	case BoardArea:
		m.Board = &Board{BadChecksum: badSum}
		m.Board.parse(body, fail)
	case ProductArea:
		m.Product = &Product{BadChecksum: badSum}
		m.Product.parse(body, fail)
	}
	return min(int(b[at+1])*headerSize, len(b)-at), err
}

// nextArea returns where the area that follows the one at byte at begins, or the end of the image.
func nextArea(at int, b []byte) int {
	end := len(b)
	for o := InternalArea; o <= MultiRecordArea; o++ {
		if next := int(b[o]) * headerSize; next > at && next < end {
			end = next
		}
	}
	return end
}

// areaBody checks version, length and checksum of an info area and returns its bytes without the
// checksum, or nil if not even its length is there.
func areaBody(a Area, at int, b []byte) ([]byte, error) {
	if len(b) < 3 {
		return nil, &Error{a, at + len(b), ErrTruncated}
	}
	size := int(b[1]) * headerSize
	if size == 0 {
		return nil, &Error{a, at + 1, errors.New("its length is 0")}
	}
	if v := b[0] & 0x0f; v != formatVersion {
		return nil, &Error{a, at, fmt.Errorf("%w %d", ErrVersion, v)}
	}
	if size > len(b) {
		return b, &Error{a, at + len(b),
			fmt.Errorf("%w: %d of its %d bytes are there", ErrTruncated, len(b), size)}
	}
	if sum(b[:size]) != 0 {
		return b[:size-1], &Error{a, at + size - 1, ErrChecksum}
	}
	return b[:size-1], nil
}

// Bytes writes the image for a device of size bytes, or of as many as it needs if size is 0. An
// area that was not changed since Parse keeps its bytes, and every area keeps its place unless one
// before it grew into it. Checksums are made again where something changed. The error is ErrTooBig
// if it does not fit.
func (m *Image) Bytes(size int) ([]byte, error) {
	if m.lost != nil {
		return nil, m.lost
	}
	slots, err := m.slots()
	if err != nil {
		return nil, err
	}
	room := size
	if size == 0 {
		room = maxImage
	}
	need := place(slots, room, false)
	if need > room {
		need = place(slots, room, true)
	}
	if need > room {
		return nil, fmt.Errorf("%w: it needs %d bytes, the device has %d", ErrTooBig, need, room)
	}
	if size == 0 {
		size = max(len(m.raw), need)
	}
	out := make([]byte, size)
	copy(out, m.raw)
	for _, w := range m.was {
		clear(out[min(w.at, size):min(w.end, size)])
	}
	header := [headerSize]byte{formatVersion}
	for _, s := range slots {
		if s.at/headerSize > 0xff {
			return nil, &Error{s.area, s.at,
				fmt.Errorf("%w: areas begin at byte 2040 at the latest", ErrTooBig)}
		}
		header[s.area] = byte(s.at / headerSize)
		copy(out[s.at:], s.data)
	}
	header[headerSize-1] = -sum(header[:])
	copy(out, header[:])
	return out, nil
}

// slot is an area to be written.
type slot struct {
	area   Area
	data   []byte
	was    int // where it lay, 0 if it is new
	at     int
	opaque bool // may have fill at its end
}

// place gives each slot its offset and returns the end of the last. Slots stay where they were if
// they can; packed moves them together instead, and takes the fill from the end of the last if its
// length is not told.
func place(slots []slot, room int, packed bool) int {
	pos := headerSize
	for i := range slots {
		s := &slots[i]
		if pos = (pos + headerSize - 1) &^ (headerSize - 1); !packed {
			pos = max(pos, s.was)
		}
		s.at = pos
		pos += len(s.data)
		if last := i == len(slots)-1; packed && last && s.opaque {
			for pos > room && len(s.data) > 1 &&
				(s.data[len(s.data)-1] == 0 || s.data[len(s.data)-1] == 0xff) {
				s.data = s.data[:len(s.data)-1]
				pos--
			}
		}
	}
	return pos
}

// slots encodes the areas, in the order in which they lay, new ones after them.
func (m *Image) slots() ([]slot, error) {
	old, _ := Parse(m.raw)
	var out []slot
	var errs []error
	add := func(a Area, present, same bool, encode func(least int) ([]byte, error)) {
		w := m.was[a]
		s := slot{area: a, was: w.at}
		switch {
		case same && w.end > w.at && (present || w.opaque):
			s.data, s.opaque = m.raw[w.at:w.end], w.opaque
		case present:
			// An area does not shrink, so that those after it stay where they are.
			data, err := encode(w.end - w.at)
			if err != nil {
				errs = append(errs, fmt.Errorf("%v: %w", a, err))
			}
			s.data = data
		default:
			return
		}
		out = append(out, s)
	}
	add(InternalArea, m.Internal != nil, bytes.Equal(m.Internal, old.Internal),
		func(int) ([]byte, error) {
			return m.Internal, nil
		})
	add(ChassisArea, m.Chassis != nil, reflect.DeepEqual(m.Chassis, old.Chassis), m.Chassis.encode)
	add(BoardArea, m.Board != nil, reflect.DeepEqual(m.Board, old.Board), m.Board.encode)
	add(ProductArea, m.Product != nil, reflect.DeepEqual(m.Product, old.Product), m.Product.encode)
	add(MultiRecordArea, len(m.Records) > 0, reflect.DeepEqual(m.Records, old.Records),
		func(int) ([]byte, error) {
			return encodeRecords(m.Records)
		})
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i].was, out[j].was
		return a != 0 && (b == 0 || a < b)
	})
	return out, errors.Join(errs...)
}

// Field returns the index-th field of an info area, the predefined ones first and then the
// custom ones, counted from 0. The error is ErrNoField.
func (m *Image) Field(a Area, index int) (*Field, error) {
	var fields []*Field
	switch {
	case a == ChassisArea && m.Chassis != nil:
		fields = allFields(m.Chassis.fields(), m.Chassis.Custom)
	case a == BoardArea && m.Board != nil:
		fields = allFields(m.Board.fields(), m.Board.Custom)
	case a == ProductArea && m.Product != nil:
		fields = allFields(m.Product.fields(), m.Product.Custom)
	default:
		return nil, fmt.Errorf("%w: the FRU has no %v", ErrNoField, a)
	}
	if index < 0 || index >= len(fields) {
		return nil, fmt.Errorf("%w: the %v has fields 0 to %d", ErrNoField, a, len(fields)-1)
	}
	return fields[index], nil
}

func allFields(pre []*Field, custom []Field) []*Field {
	for i := range custom {
		pre = append(pre, &custom[i])
	}
	return pre
}

// sum is the sum of b modulo 256; what has a zero checksum sums up to 0.
func sum(b []byte) (s byte) {
	for _, x := range b {
		s += x
	}
	return s
}

// blank reports whether b holds nothing, or nothing but the fill of an unwritten memory.
func blank(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	for _, x := range b {
		if x != b[0] {
			return false
		}
	}
	return b[0] == 0 || b[0] == 0xff
}
