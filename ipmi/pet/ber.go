package pet

import (
	"errors"
	"fmt"
)

// ErrNotPET is the error of a datagram that is not a Platform Event Trap.
var ErrNotPET = errors.New("not a Platform Event Trap")

// A reader reads BER elements one after the other. After its first mistake it reads nothing more.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(reason string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrNotPET, reason)
	}
	r.b = nil
}

// failed returns the first mistake of r and of the readers of its parts.
func (r *reader) failed(others ...*reader) error {
	for _, o := range append(others, r) {
		if o.err != nil {
			return o.err
		}
	}
	return nil
}

// octets returns the content of the next element, which must have the tag. Lengths need not
// be as short as they can be: not all senders write them so.
func (r *reader) octets(tag byte) []byte {
	if len(r.b) < 2 || r.b[0] != tag {
		r.fail(fmt.Sprintf("no element %02xh", tag))
		return nil
	}
	n, rest := int(r.b[1]), r.b[2:]
	if n >= 0x80 {
		k := n & 0x7f
		if k == 0 || k > 4 || k > len(rest) {
			r.fail("a length that makes no sense")
			return nil
		}
		n = 0
		for _, c := range rest[:k] {
			n = n<<8 | int(c)
		}
		rest = rest[k:]
	}
	if n < 0 || n > len(rest) {
		r.fail("an element that is cut short")
		return nil
	}
	r.b = rest[n:]
	return rest[:n]
}

// enter returns a reader of the elements within the next one.
func (r *reader) enter(tag byte) *reader {
	content := r.octets(tag)
	return &reader{b: content, err: r.err}
}

// integer returns the value of the next element, a number of 32 bits that is not negative.
func (r *reader) integer(tag byte) uint32 {
	b := r.octets(tag)
	if len(b) == 5 && b[0] == 0 {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 4 {
		r.fail("a number of no or too many bytes")
		return 0
	}
	var n uint32
	for _, c := range b {
		n = n<<8 | uint32(c)
	}
	return n
}
