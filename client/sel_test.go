package client

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"lom/ipmi"
	"lom/ipmi/sel"
)

func readIDs(t *testing.T, c Conn) ([]uint16, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var ids []uint16
	for r, err := range SELEntries(ctx, c, ipmi.FirstRecord) {
		if err != nil {
			return ids, err
		}
		ids = append(ids, r.ID)
	}
	return ids, nil
}

func TestSELIsReadInOneExchangeARecordAndOneMore(t *testing.T) {
	s := newFakeSEL(500)
	ids, err := readIDs(t, s)
	if err != nil || len(ids) != 500 || ids[499] != 500 || s.total != 501 {
		t.Errorf("%d records, %d exchanges, %v", len(ids), s.total, err)
	}
	if ids, err := readIDs(t, newFakeSEL(0)); err != nil || len(ids) != 0 {
		t.Errorf("empty: %v %v", ids, err)
	}
}

func TestSELInPieces(t *testing.T) {
	s := newFakeSEL(3)
	s.piece = 8
	n := 0
	// an event comes between two pieces
	s.before = func(*fakeSEL, uint8) bool { n++; return n != 3 }
	ids, err := readIDs(t, s)
	if err != nil || len(ids) != 3 {
		t.Errorf("%v %v", ids, err)
	}
	if s.count[0x42] != 2 {
		t.Errorf("%d reservations", s.count[0x42])
	}
}

func TestSELReservationAlwaysLost(t *testing.T) {
	s := newFakeSEL(3)
	s.piece = 8
	s.before = func(*fakeSEL, uint8) bool { return false }
	if _, err := readIDs(t, s); !errors.Is(err, ipmi.CodeReservationCanceled) {
		t.Error(err)
	}
}

// What is deleted while the SEL is read may have been read before; the other records come all, and
// in order.
func TestSELRecordVanishes(t *testing.T) {
	for vanish := 1; vanish <= 6; vanish++ {
		s := newFakeSEL(6)
		n := 0
		s.before = func(s *fakeSEL, _ uint8) bool {
			if n++; n == vanish { // at the latest, record 3 is next
				s.records = append(s.records[:2:2], s.records[3:]...)
			}
			return true
		}
		ids, err := readIDs(t, s)
		if len(ids) > 2 && ids[2] == 3 {
			ids = append(ids[:2:2], ids[3:]...)
		}
		if err != nil || !slices.Equal(ids, []uint16{1, 2, 4, 5, 6}) {
			t.Errorf("at request %d: %v %v", vanish, ids, err)
		}
	}
	// The whole SEL is cleared and new records come: what was read before is a beginning of the old
	// ones, and all new ones come behind it unless all the old ones did.
	for vanish := 1; vanish <= 4; vanish++ {
		s := newFakeSEL(4)
		n := 0
		s.before = func(s *fakeSEL, _ uint8) bool {
			if n++; n == vanish {
				s.records = newFakeSEL(9).records[7:]
			}
			return true
		}
		ids, err := readIDs(t, s)
		old := 0
		for old < len(ids) && ids[old] == uint16(old+1) {
			old++
		}
		if err != nil || old < 4 && !slices.Equal(ids[old:], []uint16{8, 9}) {
			t.Errorf("at request %d: %v %v", vanish, ids, err)
		}
	}
}

func TestSELCircle(t *testing.T) {
	s := newFakeSEL(5)
	s.next = func(id, next uint16) uint16 {
		if id == 4 {
			return 2
		}
		return next
	}
	// The entry that the list does not lead to is found.
	if ids, err := readIDs(t, s); err != nil || !slices.Equal(ids, []uint16{1, 2, 3, 4, 5}) {
		t.Errorf("got %v, %v; want 1 to 5", ids, err)
	}
	s.next = func(id, next uint16) uint16 { return id }
	if ids, err := readIDs(t, s); err != nil || !slices.Equal(ids, []uint16{1, 2, 3, 4, 5}) {
		t.Errorf("got %v, %v; want 1 to 5", ids, err)
	}
	s.storage(0x40, func([]byte) (ipmi.CompletionCode, []byte) {
		return ipmi.CodeInvalidCommand, nil
	})
	if ids, err := readIDs(t, s); err != nil || !slices.Equal(ids, []uint16{1}) {
		t.Errorf("a SEL of unknown size: got %v, %v; want 1", ids, err)
	}
	s.next = func(id, next uint16) uint16 {
		if id == 4 {
			return 2
		}
		return next
	}
	if ids, err := readIDs(t, s); !errors.Is(err, ErrRecordsCircle) ||
		!slices.Equal(ids, []uint16{1, 2, 3, 4, 5}) {
		t.Errorf("a SEL of unknown size: got %v, %v; want 1 to 5 and %v", ids, err,
			ErrRecordsCircle)
	}
}

func TestClearSEL(t *testing.T) {
	s := newFakeSEL(5)
	n := 0
	// a new event comes after the first reservation
	s.before = func(*fakeSEL, uint8) bool { n++; return n != 1 }
	if err := ClearSEL(context.Background(), s); err != nil || len(s.records) != 0 ||
		s.count[0x42] != 2 || s.erasing != 0 {
		t.Errorf("%v, %d records, %d reservations", err, len(s.records), s.count[0x42])
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	s = newFakeSEL(5)
	s.before = func(s *fakeSEL, _ uint8) bool { s.erasing = 2; return true }
	if err := ClearSEL(ctx, s); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestDeleteAndAddSELEntry(t *testing.T) {
	s := newFakeSEL(3)
	if err := DeleteSELEntry(context.Background(), s, 2); err != nil || len(s.records) != 2 {
		t.Error(err)
	}
	if err := DeleteSELEntry(context.Background(), s, 2); !errors.Is(err, ipmi.CodeNotPresent) {
		t.Error(err)
	}
	if _, err := SELEntry(context.Background(), s, 2); !errors.Is(err, ipmi.CodeNotPresent) {
		t.Error(err)
	}
	// A BMC with Partial Add SEL Entry only.
	var got []byte
	s.storage(0x45, func(d []byte) (ipmi.CompletionCode, []byte) {
		if int(d[4]) != len(got) {
			return ipmi.CodeParameterOutOfRange, nil
		}
		got = append(got, d[6:]...)
		return 0, []byte{9, 0}
	})
	e, _ := sel.Event{Generator: sel.GeneratorSoftware, Revision: 4,
		SensorType: ipmi.SensorTemperature}.Record()
	want := e.Bytes()
	if id, err := AddSELEntry(context.Background(), s, e); err != nil || id != 9 ||
		string(got) != string(want[:]) {
		t.Errorf("%d %v %x", id, err, got)
	}
}
