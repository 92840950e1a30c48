package client

import (
	"context"
	"testing"

	"lom/ipmi"
)

// spouting is a Conn whose answers are cut from a stream of bytes: a completion code, a length and
// data.
type spouting struct {
	stream []byte
	count  int
}

func (s *spouting) Exchange(context.Context, ipmi.RawRequest) (ipmi.RawResponse, error) {
	s.count++
	if len(s.stream) < 2 {
		return ipmi.RawResponse{}, &ipmi.Error{Err: ipmi.ErrTimeout}
	}
	code, n := ipmi.CompletionCode(s.stream[0]), min(int(s.stream[1]), len(s.stream)-2)
	r := ipmi.RawResponse{Code: code, Data: s.stream[2 : 2+n]}
	s.stream = s.stream[2+n:]
	return r, nil
}

// FuzzReadSDRs holds that whatever a BMC answers, reading its repository ends.
func FuzzReadSDRs(f *testing.F) {
	f.Add([]byte{0, 9, 0xff, 0xff, 1, 0, 0x51, 1, 2, 3, 4})
	f.Add([]byte{0xca, 0, 0, 2, 1, 0, 0, 7, 0xff, 0xff, 1, 0, 0x51, 1, 0})
	f.Add([]byte{0xca, 0, 0, 2, 1, 0, 0xc5, 0, 0, 2, 2, 0, 0, 4, 0xff, 0xff, 1, 0})
	f.Fuzz(func(t *testing.T, stream []byte) {
		s := &spouting{stream: stream}
		raw, err := ReadSDRs(context.Background(), s)
		if err == nil && len(raw) > s.count {
			t.Errorf("%d records from %d answers", len(raw), s.count)
		}
		for _, r := range raw {
			if len(r) < sdrHeader || len(r) != sdrSize(r) {
				t.Errorf("a record of %d bytes: %x", len(r), r)
			}
		}
	})
}
