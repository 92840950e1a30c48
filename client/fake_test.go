package client

import (
	"context"
	"encoding/binary"
	"sync"

	"lom/ipmi"
)

// fakeConn answers requests with functions, by NetFn and command, one after the other, and counts
// them.
type fakeConn struct {
	mu       sync.Mutex
	handlers map[[2]uint8]func(data []byte) (ipmi.CompletionCode, []byte)
	count    map[uint8]int // by command number
	total    int
}

func (c *fakeConn) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	if err := ctx.Err(); err != nil {
		return ipmi.RawResponse{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total++
	c.count[req.Command.Code]++
	h := c.handlers[[2]uint8{uint8(req.Command.NetFn), req.Command.Code}]
	if h == nil {
		return ipmi.RawResponse{Code: ipmi.CodeInvalidCommand}, nil
	}
	code, data := h(req.Data)
	if code == timeoutCode {
		return ipmi.RawResponse{}, &ipmi.Error{Command: req.Command, Err: ipmi.ErrTimeout}
	}
	return ipmi.RawResponse{Code: code, Data: data}, nil
}

// timeoutCode makes a fakeConn not answer.
const timeoutCode ipmi.CompletionCode = 0x7f

func newFakeConn() *fakeConn {
	return &fakeConn{handlers: map[[2]uint8]func([]byte) (ipmi.CompletionCode, []byte){},
		count: map[uint8]int{}}
}

func (c *fakeConn) storage(code uint8, f func(data []byte) (ipmi.CompletionCode, []byte)) {
	c.handlers[[2]uint8{uint8(ipmi.NetFnStorage), code}] = f
}

// fakeSEL is a SEL with a reservation; its fields are the ways in which it is awkward.
type fakeSEL struct {
	*fakeConn
	records     [][16]byte
	reservation uint16
	piece       uint8 // bytes that Get SEL Entry returns at most
	// called before each command; false: reservation lost
	before  func(s *fakeSEL, cmd uint8) bool
	next    func(id, next uint16) uint16 // what is told as the next record
	erasing int                          // how often it says that it is erased
}

func newFakeSEL(n int) *fakeSEL {
	s := &fakeSEL{fakeConn: newFakeConn(), piece: 16}
	for i := 1; i <= n; i++ {
		r := [16]byte{byte(i), byte(i >> 8), 2, 0, 0, 0, 0x65, 0x20, 0, 4, 1, 2, 1, 0x57, 80, 81}
		s.records = append(s.records, r)
	}
	guard := func(f func([]byte) (ipmi.CompletionCode, []byte)) func([]byte) (ipmi.CompletionCode,
		[]byte) {
		return func(d []byte) (ipmi.CompletionCode, []byte) {
			if s.before != nil && !s.before(s, 0) {
				s.reservation++
			}
			return f(d)
		}
	}
	s.storage(0x40, func([]byte) (ipmi.CompletionCode, []byte) {
		b := binary.LittleEndian.AppendUint16([]byte{0x51}, uint16(len(s.records)))
		return 0, append(b, make([]byte, 11)...)
	})
	s.storage(0x42, func([]byte) (ipmi.CompletionCode, []byte) {
		s.reservation++
		return 0, binary.LittleEndian.AppendUint16(nil, s.reservation)
	})
	s.storage(0x43, guard(s.get))
	s.storage(0x46, guard(s.delete))
	s.storage(0x47, guard(s.clear))
	return s
}

func (s *fakeSEL) find(id uint16) int {
	for i, r := range s.records {
		if binary.LittleEndian.Uint16(r[:]) == id || id == 0 ||
			id == 0xffff && i == len(s.records)-1 {
			return i
		}
	}
	return -1
}

func (s *fakeSEL) get(d []byte) (ipmi.CompletionCode, []byte) {
	if s.erasing > 0 {
		return codeErasing, nil
	}
	i := s.find(binary.LittleEndian.Uint16(d[2:]))
	if i < 0 {
		return ipmi.CodeNotPresent, nil
	}
	next := uint16(0xffff)
	if i+1 < len(s.records) {
		next = binary.LittleEndian.Uint16(s.records[i+1][:])
	}
	if s.next != nil {
		next = s.next(binary.LittleEndian.Uint16(s.records[i][:]), next)
	}
	at, n := int(d[4]), int(d[5])
	switch {
	case n == 0xff && s.piece == 16:
		n = 16
	case n > int(s.piece):
		return ipmi.CodeCannotReturnBytes, nil
	case at > 0 && binary.LittleEndian.Uint16(d) != s.reservation:
		return ipmi.CodeReservationCanceled, nil
	}
	return 0, append(binary.LittleEndian.AppendUint16(nil, next), s.records[i][at:min(at+n, 16)]...)
}

func (s *fakeSEL) delete(d []byte) (ipmi.CompletionCode, []byte) {
	if binary.LittleEndian.Uint16(d) != s.reservation {
		return ipmi.CodeReservationCanceled, nil
	}
	i := s.find(binary.LittleEndian.Uint16(d[2:]))
	if i < 0 {
		return ipmi.CodeNotPresent, nil
	}
	s.records = append(s.records[:i:i], s.records[i+1:]...)
	return 0, d[2:4]
}

func (s *fakeSEL) clear(d []byte) (ipmi.CompletionCode, []byte) {
	switch {
	case d[5] == 0 && s.erasing > 0:
		s.erasing--
		return 0, []byte{0}
	case d[5] == 0:
		return 0, []byte{1}
	case binary.LittleEndian.Uint16(d) != s.reservation:
		return ipmi.CodeReservationCanceled, nil
	}
	s.records, s.erasing = nil, 3
	return 0, []byte{0}
}
