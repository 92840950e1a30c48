package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lom/ipmi"
)

// sdrSource is a repository of either kind.
type sdrSource struct {
	name    string
	get     func(context.Context, ipmi.GetSDR) (ipmi.SDRData, error)
	reserve func(context.Context) (ipmi.Reservation, error)
	habits  *habits
}

const (
	sdrHeader = 5 // bytes, the last of which is the number of bytes that follow
	// sdrReservations is how often a reservation may be lost in reading one record.
	sdrReservations = 30
	// sdrPause is how much longer each wait between them is at the most: clients that read the same repository at the same
	// time take each other's reservations away for ever where the BMC has one for all.
	sdrPause = 5 * time.Millisecond
	// sdrPasses is how often the list of records is begun again because it changed meanwhile.
	sdrPasses = 4
)

// sdrParts are the sizes in bytes that are tried when a BMC refuses more: 33 is what fits into a message of
// 36 bytes, 22 into one of the IPMB.
var sdrParts = [...]int{64, 33, 32, 22, 16, 8, 5}

// sdrReader reads records, many at a time, and remembers what the BMC can do.
type sdrReader struct {
	sdrSource
	want func(head []byte) bool // nil: all

	mu      sync.Mutex
	whole   bool // whole records have not been refused
	part    int  // index of sdrParts
	learned bool // that part has been read
	losses  int  // reservations that were lost

	reserving   turn   // of who takes a reservation
	alone       turn   // of who reads a record while reservations are lost often
	reservation uint16 // guarded by mu
	reserved    bool   // guarded by mu
}

func newSDRReader(src sdrSource, want func([]byte) bool) *sdrReader {
	part, parts := src.habits.part()
	return &sdrReader{sdrSource: src, want: want, whole: !parts, part: part, learned: parts, reserving: newTurn(), alone: newTurn()}
}

// readSDRs reads a repository of about count records.
func readSDRs(ctx context.Context, src sdrSource, count int, want func([]byte) bool) ([]RawSDR, error) {
	r := newSDRReader(src, want)
	var err error
	for range sdrPasses {
		var out []RawSDR
		if out, err = r.all(ctx, count); !errors.Is(err, ipmi.CodeNotPresent) {
			return out, err
		}
	}
	return nil, err
}

// all follows the list of records once. A record that has gone meanwhile is a CodeNotPresent.
func (r *sdrReader) all(ctx context.Context, count int) ([]RawSDR, error) {
	ahead := newReadAhead(ctx, count, r.record)
	defer ahead.close()
	var out []RawSDR
	seen := map[uint16]bool{}
	for id := ipmi.FirstRecord; id != ipmi.LastRecord; {
		if seen[id] {
			return out, &ipmi.Error{Op: fmt.Sprintf("read %s %04Xh", r.name, id),
				Err: fmt.Errorf("%w: the list of records runs in a circle", ipmi.ErrMalformed)}
		}
		seen[id] = true
		raw, next, err := ahead.at(id)
		if errors.Is(err, ipmi.CodeNotPresent) && len(out) == 0 {
			return nil, nil
		}
		if err != nil {
			return out, err
		}
		out, id = append(out, RawSDR{ID: id, Data: raw}), next
	}
	return out, nil
}

// completeSDRs reads the rest of those records that are wanted.
func completeSDRs(ctx context.Context, src sdrSource, list []RawSDR, want func([]byte) bool) ([]RawSDR, error) {
	r := newSDRReader(src, want)
	r.whole = false
	list = slices.Clone(list)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(aheadMost)
	var res sdrReservation
	begin := func(i int) error {
		raw, _, err := r.rest(ctx, list[i].ID, slices.Clone(list[i].Data), res)
		if err == nil {
			list[i].Data = raw
		}
		return err
	}
	first := true
	for i, rec := range list {
		if rec.Whole() || want != nil && !want(rec.Data) {
			continue
		}
		if !first {
			g.Go(func() error { return begin(i) })
			continue
		}
		// The first takes the reservation and shows how much the BMC gives at a time.
		first = false
		if err := r.renew(ctx, res); err != nil {
			return nil, err
		}
		res = r.held()
		if err := begin(i); err != nil {
			return nil, err
		}
	}
	return list, g.Wait()
}

// record reads one record, with a new reservation as often as the old one is lost.
func (r *sdrReader) record(ctx context.Context, id uint16) (raw []byte, next uint16, err error) {
	turn := false
	for n := range sdrReservations {
		var res sdrReservation
		if !turn && r.losesOften() {
			if err := r.alone.take(ctx); err != nil {
				return nil, 0, err
			}
			defer r.alone.give()
			turn = true
		}
		raw, next, res, err = r.try(ctx, id)
		if !errors.Is(err, ipmi.CodeReservationCanceled) {
			break
		}
		if err := pause(ctx, rand.N(time.Duration(n)*sdrPause+1)); err != nil {
			return nil, 0, err
		}
		if err := r.renew(ctx, res); err != nil {
			return nil, 0, err
		}
	}
	var e *ipmi.Error
	if errors.As(err, &e) && e.Op == "" {
		e.Op = fmt.Sprintf("read %s %04Xh", r.name, id)
	}
	return raw, next, err
}

// sdrLosses is how many reservations may be lost before records are read one by one: each loss spoils all that
// are being read in parts.
const sdrLosses = 3

func (r *sdrReader) losesOften() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.losses > sdrLosses
}

// sdrReservation is a reservation, or that there is none.
type sdrReservation struct {
	id    uint16
	taken bool
}

func (r *sdrReader) held() sdrReservation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return sdrReservation{r.reservation, r.reserved}
}

// renew takes a reservation in place of one that was lost, if no other goroutine has done so.
func (r *sdrReader) renew(ctx context.Context, lost sdrReservation) error {
	if err := r.reserving.take(ctx); err != nil {
		return err
	}
	defer r.reserving.give()
	if r.held() != lost {
		return nil
	}
	res, err := r.reserve(ctx)
	if errors.Is(err, ipmi.CodeInvalidCommand) {
		res.ID, err = 0, nil // a repository that cannot change needs none
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if lost.taken {
		r.losses++
	}
	r.reservation, r.reserved = res.ID, true
	return nil
}

// tooMuch says whether a BMC refuses to send that many bytes. BMCs use all of these codes.
func tooMuch(err error) bool {
	var c ipmi.CompletionCode
	if !errors.As(err, &c) {
		return false
	}
	switch c {
	case ipmi.CodeCannotReturnBytes, ipmi.CodeDataLengthInvalid, ipmi.CodeDataFieldTooLong, ipmi.CodeDataTruncated,
		ipmi.CodeParameterOutOfRange, ipmi.CodeInvalidDataField, ipmi.CodeUnspecified:
		return true
	}
	return false
}

// try reads a record, or as much of it as is wanted, once and under one reservation, which it returns.
func (r *sdrReader) try(ctx context.Context, id uint16) (raw []byte, next uint16, res sdrReservation, err error) {
	res = r.held()
	if r.asksWhole() {
		d, err := r.get(ctx, ipmi.GetSDR{Reservation: res.id, Record: id, Count: ipmi.ReadAll})
		switch {
		case err == nil:
			raw, next = d.Data, d.Next
			if n := sdrSize(raw); len(raw) >= n {
				return raw[:n], next, res, nil
			}
			r.refuseWhole() // the BMC sends as much as it can
		case tooMuch(err):
			r.refuseWhole()
		default:
			return nil, 0, res, err
		}
	}
	if !res.taken {
		if err := r.renew(ctx, res); err != nil {
			return nil, 0, res, err
		}
		raw, res = nil, r.held() // what was read without a reservation may be another record's by now
	}
	if len(raw) >= sdrHeader && !r.wants(raw) {
		return raw, next, res, nil
	}
	raw, next, err = r.rest(ctx, id, raw, res)
	return raw, next, res, err
}

func (r *sdrReader) wants(head []byte) bool { return r.want == nil || r.want(head) }

func (r *sdrReader) asksWhole() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.whole
}

func (r *sdrReader) refuseWhole() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.whole = false
}

// rest reads in parts, under one reservation, what is missing of a record, if it is wanted, and returns the ID of the next one.
func (r *sdrReader) rest(ctx context.Context, id uint16, raw []byte, res sdrReservation) (all []byte, next uint16, err error) {
	header := false // read just the header: the BMC may have refused because the record is shorter than a part
	for len(raw) < sdrSize(raw) {
		size, learned := r.size()
		n := size
		if len(raw) >= sdrHeader {
			n = min(n, sdrSize(raw)-len(raw))
		} else if header {
			n = min(n, sdrHeader-len(raw))
		}
		if len(raw) > 0xff {
			return nil, 0, &ipmi.Error{Err: fmt.Errorf("%w: a record longer than its offsets", ipmi.ErrMalformed)}
		}
		d, err := r.get(ctx, ipmi.GetSDR{Reservation: res.id, Record: id, Offset: uint8(len(raw)), Count: uint8(n)})
		if tooMuch(err) {
			if len(raw) == 0 && learned && !header {
				header = true
				continue
			}
			if r.shrink(n) {
				continue
			}
		}
		if err != nil {
			return nil, 0, err
		}
		if len(d.Data) == 0 {
			return nil, 0, &ipmi.Error{Err: fmt.Errorf("%w: a record without data", ipmi.ErrMalformed)}
		}
		if n == size {
			r.learn(size)
		}
		raw, next = append(raw, d.Data[:min(n, len(d.Data))]...), d.Next
		if len(raw) >= sdrHeader && !r.wants(raw) {
			return raw[:min(len(raw), sdrSize(raw))], next, nil
		}
	}
	return raw[:sdrSize(raw)], next, nil
}

// size returns how much is asked for at a time, and whether the BMC has given as much before.
func (r *sdrReader) size() (bytes int, learned bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return sdrParts[r.part], r.learned
}

func (r *sdrReader) learn(size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if size != sdrParts[r.part] {
		return
	}
	r.learned = true
	if !r.whole {
		r.habits.setPart(r.part)
	}
}

// shrink makes the parts smaller than n bytes, and reports false when they cannot be.
func (r *sdrReader) shrink(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, size := range sdrParts {
		if size < n {
			r.part = max(r.part, i)
			return true
		}
	}
	return false
}

// sdrSize returns how many bytes a record has, as far as those that are there tell.
func sdrSize(raw []byte) int {
	if len(raw) < sdrHeader {
		return sdrHeader
	}
	return sdrHeader + int(raw[4])
}
