package fru

import (
	"errors"
	"slices"
)

// ReadAreas reads from a device of size bytes no more than its areas take, but for the internal use
// area, and returns an image with 0 where it did not read; it is shorter than size if the device
// ends before. An area that cannot be read costs no other: the error joins an *[Error] for each.
// Read fills the beginning of p with what is at byte at and returns how many bytes it filled; 0
// means that the device ends there. The first need bytes of p are sure to be asked for, so that a
// reader may get them by several requests at a time; the others are only worth having at no cost.
func ReadAreas(size int, read func(p []byte, at, need int) (int, error)) ([]byte, error) {
	s := areaReader{b: make([]byte, size), have: make([]bool, size), read: read}
	if !s.need(0, headerSize) || blank(s.b[:headerSize]) || s.b[0]&0x0f != formatVersion {
		return s.image(), s.err
	}
	s.ahead()
	var errs []error
	note := func(a Area) {
		if s.err != nil {
			errs = append(errs, &Error{a, int(s.b[a]) * headerSize, s.err})
			s.err = nil
		}
	}
	for a := ChassisArea; a <= ProductArea; a++ {
		at := int(s.b[a]) * headerSize
		if at != 0 && s.need(at, at+2) {
			s.need(at, at+int(s.b[at+1])*headerSize)
		}
		note(a)
	}
	if at := int(s.b[MultiRecordArea]) * headerSize; at != 0 {
		for s.need(at, at+recordHeader) && sum(s.b[at:at+recordHeader]) == 0 {
			end := at + recordHeader + int(s.b[at+2])
			if !s.need(at, end) || s.b[at+1]&endOfList != 0 {
				break
			}
			at = end
		}
	}
	note(MultiRecordArea)
	return s.image(), errors.Join(errs...)
}

type areaReader struct {
	b    []byte
	have []bool
	read func(p []byte, at, need int) (int, error)
	err  error
	end  int // where the device was found to end, 0 if it was not
}

// readAhead is how much more than what is needed is asked for: areas lie one after the other, and
// one big read costs less than two small ones.
const readAhead = 256

// need reads what is missing of the bytes from, to-1, and reports whether they are there.
func (s *areaReader) need(from, to int) bool {
	whole := to <= len(s.b)
	to = min(to, len(s.b))
	for at := from; at < to; at++ {
		if s.have[at] {
			continue
		}
		if s.err != nil || s.end > 0 {
			return false
		}
		end := max(to, min(at+readAhead, len(s.b)))
		n, err := s.read(s.b[at:end:end], at, to-at)
		if err != nil {
			s.err = err
			return false
		}
		if n == 0 {
			s.end = at
			return false
		}
		for i := at; i < min(at+n, end); i++ {
			s.have[i] = true
		}
	}
	return whole
}

// mostAhead is how long an area may be, in bytes, to be read before its own length is known.
const mostAhead = 512

// ahead reads what lies between the areas' beginnings, of which the header tells, in one stretch:
// areas nearly always fill that. The last area's length is not known yet. What goes wrong here will
// be seen when the bytes are needed.
func (s *areaReader) ahead() {
	var starts []int
	for a := InternalArea; a <= MultiRecordArea; a++ {
		if at := int(s.b[a]) * headerSize; at != 0 && at < len(s.b) {
			starts = append(starts, at)
		}
	}
	slices.Sort(starts)
	internal := int(s.b[InternalArea]) * headerSize
	from, to := 0, 0 // the stretch
	for i, at := range starts {
		end := at + 2
		if i+1 < len(starts) && starts[i+1]-at <= mostAhead {
			end = starts[i+1]
		}
		if at == internal {
			continue
		}
		if at > to {
			s.fill(from, to)
			from = at
		}
		to = min(end, len(s.b))
	}
	s.fill(from, to)
}

// fill reads the bytes from, to-1 if they are not all there.
func (s *areaReader) fill(from, to int) {
	for from < to && s.have[from] {
		from++
	}
	for from < to {
		n, err := s.read(s.b[from:to:to], from, to-from)
		if err != nil || n <= 0 {
			return
		}
		for end := min(from+n, to); from < end; from++ {
			s.have[from] = true
		}
	}
}

func (s *areaReader) image() []byte {
	if s.end > 0 || len(s.b) > 0 && !s.have[0] {
		return s.b[:s.end]
	}
	return s.b
}
