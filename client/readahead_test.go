package client

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
	"lom/ipmi/sel"
)

// wayward is a Conn that takes any time for each request, so that they reach the one behind it in
// another order than they were made in, and their answers come back in another.
type wayward struct {
	Conn
	mu  sync.Mutex
	rng *rand.Rand
}

func (w *wayward) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	w.mu.Lock()
	there, back := time.Duration(w.rng.IntN(10)), time.Duration(w.rng.IntN(10))
	w.mu.Unlock()
	if err := pause(ctx, there*time.Millisecond); err != nil {
		return ipmi.RawResponse{}, &ipmi.Error{Command: req.Command, Err: err}
	}
	resp, err := w.Conn.Exchange(ctx, req)
	if err := pause(ctx, back*time.Millisecond); err != nil {
		return ipmi.RawResponse{}, &ipmi.Error{Command: req.Command, Err: err}
	}
	return resp, err
}

// manySeeds runs f with random numbers of many seeds, each in a time of its own.
func manySeeds(t *testing.T, f func(t *testing.T, rng *rand.Rand)) {
	t.Helper()
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			f(t, rand.New(rand.NewPCG(seed, 1)))
			if t.Failed() {
				t.Fatalf("with seed %d", seed)
			}
		})
		if t.Failed() {
			return
		}
	}
}

// oddSEL makes a SEL whose IDs rise in steps, with gaps.
func oddSEL(rng *rand.Rand) *fakeSEL {
	s := newFakeSEL(rng.IntN(60))
	step, id := []uint16{1, 1, 1, 2, 20}[rng.IntN(5)], uint16(rng.IntN(50)+1)
	if rng.IntN(10) == 0 {
		id = 0xffe0 // the IDs go round
	}
	for i := range s.records {
		binary.LittleEndian.PutUint16(s.records[i][:], id)
		id += step
		if rng.IntN(10) == 0 {
			id += uint16(rng.IntN(5)) * step
		}
		for id == 0 || id == 0xffff {
			id++
		}
	}
	if rng.IntN(3) == 0 {
		s.piece = 8
	}
	return s
}

func readRecords(ctx context.Context, c Conn, count int) (all []sel.Record, err error) {
	for r, err := range SELEntriesAhead(ctx, c, ipmi.FirstRecord, count) {
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

// Reading ahead gives what reading one by one gives, whatever the count that is believed.
func TestSELReadAheadIsReadOneByOne(t *testing.T) {
	manySeeds(t, func(t *testing.T, rng *rand.Rand) {
		s := oddSEL(rng)
		want, err := readRecords(t.Context(), s, -1)
		if err != nil {
			t.Fatal(err)
		}
		before := s.total
		count := len(s.records)
		if rng.IntN(3) == 0 {
			count = rng.IntN(200)
		}
		lose := s.piece == 8 && rng.IntN(2) == 0
		s.before = func(*fakeSEL, uint8) bool { return !lose || rng.IntN(20) > 0 }
		got, err := readRecords(t.Context(),
			&wayward{Conn: s, rng: rand.New(rand.NewPCG(rng.Uint64(), 2))}, count)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d records, %v, want %d", len(got), err, len(want))
		}
		if n := s.total - before; !lose && n > 2*before+3*aheadMost {
			t.Errorf("%d requests, %d one by one", n, before)
		}
	})
}

// While the SEL changes, no record is read twice, none that was there all the time is left out, and
// all are in order.
func TestSELReadAheadOfChangingSEL(t *testing.T) {
	manySeeds(t, func(t *testing.T, rng *rand.Rand) {
		s := oddSEL(rng)
		lasting := map[sel.Record]bool{}
		ever := map[sel.Record]int{}
		parse := func(b [16]byte) (r sel.Record) {
			if err := r.UnmarshalBinary(b[:]); err != nil {
				t.Fatal(err)
			}
			return r
		}
		for _, b := range s.records {
			lasting[parse(b)] = true
			ever[parse(b)] = len(ever)
		}
		changes := 0
		s.before = func(s *fakeSEL, _ uint8) bool {
			if rng.IntN(15) > 0 || changes == selRetries || len(s.records) < 2 {
				return true
			}
			changes++
			// the last stays: its successor would be lost with it, as one by one
			if rng.IntN(2) == 0 {
				i := rng.IntN(len(s.records) - 1)
				delete(lasting, parse(s.records[i]))
				s.records = slices.Delete(slices.Clone(s.records), i, i+1)
				return false
			}
			b := s.records[len(s.records)-1]
			id := binary.LittleEndian.Uint16(b[:]) + 1
			if id == 0 || id == 0xffff || s.find(id) >= 0 {
				return true
			}
			binary.LittleEndian.PutUint16(b[:], id)
			b[15]++
			s.records = append(slices.Clone(s.records), b)
			ever[parse(b)] = len(ever)
			return false
		}
		got, err := readRecords(t.Context(),
			&wayward{Conn: s, rng: rand.New(rand.NewPCG(rng.Uint64(), 2))}, len(s.records))
		if err != nil && !errors.Is(err, ipmi.CodeReservationCanceled) {
			t.Fatal(err)
		}
		last := -1
		for _, r := range got {
			at, known := ever[r]
			if !known || at <= last {
				t.Errorf("record %04x: known %t, place %d behind %d", r.ID, known, at, last)
			}
			last = at
			delete(lasting, r)
		}
		if err == nil && len(lasting) > 0 {
			t.Errorf("%d of %d records left out", len(lasting), len(got))
		}
	})
}

// The same of sensor records, whole or in parts, of all or of some.
func TestSDRReadAheadIsReadOneByOne(t *testing.T) {
	records := testRecords(t, 40)
	locator := func(head []byte) bool { return head[3] == 0x11 }
	manySeeds(t, func(t *testing.T, rng *rand.Rand) {
		r := &repository{records: records[:rng.IntN(len(records))], first: uint16(rng.IntN(5)),
			step: []uint16{1, 1, 3}[rng.IntN(3)]}
		r.most = []int{0, 0, 64, 33, 16}[rng.IntN(5)]
		if rng.IntN(2) == 0 {
			r.refusal = ipmi.CodeCannotReturnBytes
		}
		r.needReserve = rng.IntN(3) == 0
		if rng.IntN(3) == 0 {
			r.loseEach = 5 + rng.IntN(20)
		}
		if r.first == 0 {
			r.step = 1
		}
		c := &wayward{Conn: r, rng: rand.New(rand.NewPCG(rng.Uint64(), 2))}
		want := locator
		if rng.IntN(2) == 0 {
			want = nil
		}
		count := len(r.records)
		if rng.IntN(3) == 0 {
			count = rng.IntN(100) - 1
		}
		got, err := ReadSDRsWanted(t.Context(), c, count, want)
		if err == nil && rng.IntN(2) == 0 {
			r.loseEach = 0
			got, err = CompleteSDRs(t.Context(), c, got, nil)
			want = nil
		}
		if err != nil || len(got) != len(r.records) {
			t.Fatalf("%d records of %d, %v; parts of %d, a reservation lost each %d reads",
				len(got), len(r.records), err, r.most, r.loseEach)
		}
		for i, g := range got {
			whole := want == nil || want(records[i])
			if g.Whole() != bytes.Equal(g.Data, records[i]) || whole && !g.Whole() ||
				!bytes.HasPrefix(records[i], g.Data) || len(g.Data) < sdrHeader {
				t.Errorf("record %d, wanted whole %t: %x", i, whole, g.Data)
			}
		}
	})
}

// A repository that changes while the rest of a list is read is said so.
func TestCompleteSDRsOfChangedRepository(t *testing.T) {
	r := &repository{records: testRecords(t, 20), most: 33, refusal: ipmi.CodeCannotReturnBytes}
	list, err := ReadSDRsWanted(t.Context(), r, 20, func([]byte) bool { return false })
	if err != nil || list[0].Whole() {
		t.Fatal(err)
	}
	r.loseEach = 12
	if _, err := CompleteSDRs(t.Context(), r, list, nil); !errors.Is(err,
		ipmi.CodeReservationCanceled) {
		t.Error(err)
	}
}

// Requests ahead stop where the number of records says so, and so does the work when the reader
// stops.
func TestReadAheadOvershoot(t *testing.T) {
	s := newFakeSEL(100)
	n := 0
	for _, err := range SELEntriesAhead(t.Context(), s, ipmi.FirstRecord, 20) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 20 {
			break
		}
	}
	if s.total != 20 {
		t.Errorf("%d requests for 20 records", s.total)
	}
	s = newFakeSEL(100)
	if all, err := readRecords(t.Context(), s, 1000); err != nil || len(all) != 100 ||
		s.total > 100+aheadMost {
		t.Errorf("%d records, %d requests, %v", len(all), s.total, err)
	}
}
