package fru

// ReadAreas reads from a device of size bytes no more than its areas take, but for the internal use area, and returns
// an image with 0 where it did not read; it is shorter than size if the device ends before. Read fills the
// beginning of p with what is at byte at and returns how many bytes it filled; 0 means that the device ends there.
func ReadAreas(size int, read func(p []byte, at int) (int, error)) ([]byte, error) {
	s := areaReader{b: make([]byte, size), have: make([]bool, size), read: read}
	if !s.need(0, headerSize) || blank(s.b[:headerSize]) || s.b[0]&0x0f != formatVersion {
		return s.image(), s.err
	}
	for a := ChassisArea; a <= ProductArea; a++ {
		at := int(s.b[a]) * headerSize
		if at != 0 && s.need(at, at+2) {
			s.need(at, at+int(s.b[at+1])*headerSize)
		}
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
	return s.image(), s.err
}

type areaReader struct {
	b    []byte
	have []bool
	read func(p []byte, at int) (int, error)
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
		n, err := s.read(s.b[at:end:end], at)
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

func (s *areaReader) image() []byte {
	if s.end > 0 || len(s.b) > 0 && !s.have[0] {
		return s.b[:s.end]
	}
	return s.b
}
