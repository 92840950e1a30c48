package client

import (
	"cmp"
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
	name          string
	get           func(context.Context, ipmi.GetSDR) (ipmi.SDRData, error)
	reserve       func(context.Context) (ipmi.Reservation, error)
	info          func(context.Context) (count int, err error) // -1 if not known
	transferSizes *transferSizes
}

const (
	sdrHeader = 5 // bytes, the last of which is the number of bytes that follow
	// sdrReservations is how often a reservation may be lost in reading one record.
	sdrReservations = 30
	// sdrPause is by how much each wait between them is longer, at most. Some BMCs have one
	// reservation for all clients, and clients that read the same repository at the same time would
	// cancel each other's for ever.
	sdrPause = 5 * time.Millisecond
	// sdrPasses is how often the list of records is read again because it changed meanwhile.
	sdrPasses = 4
)

// sdrParts are the sizes in bytes that are tried when a BMC refuses more: 33 is what fits into a
// message of 36 bytes, 22 into one of the IPMB.
var sdrParts = [...]int{64, 33, 32, sdrSafe, 16, 8, 5}

// sdrSafe is the size that fits into a message on every channel.
const sdrSafe = 22

// sdrReader reads records, many at a time, and learns what the BMC can do.
type sdrReader struct {
	sdrSource
	want func(head []byte) bool // nil: all

	mu      sync.Mutex
	whole   bool // whole records have not been refused
	proven  bool // a whole record has been read
	part    int  // index of sdrParts
	learned bool // that part has been read
	losses  int  // reservations that were lost

	reserving   turn   // of who takes a reservation
	alone       turn   // of who reads a record while reservations are lost often
	reservation uint16 // guarded by mu
	reserved    bool   // guarded by mu
}

func newSDRReader(src sdrSource, want func([]byte) bool) *sdrReader {
	part, parts := src.transferSizes.part()
	return &sdrReader{sdrSource: src, want: want, whole: !parts, part: part, learned: parts,
		reserving: newTurn(), alone: newTurn()}
}

// errSDRsChanged is the error of a list that changed while it was followed.
var errSDRsChanged = errors.New("the sensor records change while they are read")

// readSDRs reads a repository of about count records. What could be read is returned with an
// *IncompleteError.
func readSDRs(ctx context.Context, src sdrSource, count int,
	want func([]byte) bool) ([]RawSDR, error) {
	r := newSDRReader(src, want)
	var err error
	for range sdrPasses {
		var out []RawSDR
		if out, err = r.all(ctx, count); !errors.Is(err, errSDRsChanged) {
			return out, err
		}
	}
	return nil, err
}

// all follows the list of records once. Of a record that cannot be read it returns at most the
// beginning, and it searches for the next one.
func (r *sdrReader) all(ctx context.Context, count int) ([]RawSDR, error) {
	ahead := newReadAhead(ctx, count, r.record)
	defer ahead.close()
	var out []RawSDR
	missing := &IncompleteError{List: r.name}
	seen := map[uint16]bool{}
	read := 0
	full := func() bool { return count >= 0 && read+len(missing.Bad) >= count }
	var found *step[[]byte]
	id, prev, led := ipmi.FirstRecord, ipmi.FirstRecord, false // led: prev leads to id
	for id != ipmi.LastRecord {
		seen[id] = true
		var raw []byte
		var next uint16
		var err error
		if found != nil {
			raw, next, found = found.rec, found.next, nil
		} else {
			raw, next, err = ahead.at(id)
		}
		lost := false // it is not known which record is the next
		switch {
		case err == nil:
			read++
			if next != ipmi.LastRecord && seen[next] {
				if full() {
					next = ipmi.LastRecord // some BMCs say so after the last record
					break
				}
				missing.Loops = append(missing.Loops, [2]uint16{id, next})
				lost = true
			}
		case errors.Is(err, ipmi.CodeNotPresent) && id == ipmi.FirstRecord:
			return nil, missing.end(0, count, func() (int, error) { return r.info(ctx) }) // empty
		case errors.Is(err, ipmi.CodeNotPresent) && led:
			// Was it deleted after its ID was given, or does the list name a record that is not
			// there?
			if _, now, again := ahead.again(prev); again != nil || now != id {
				return out, fmt.Errorf("%w: %w", errSDRsChanged, err)
			}
			fallthrough
		default:
			if !r.aboutRecord(ctx, err) {
				return out, err
			}
			missing.Bad = append(missing.Bad, BadRecord{id, err})
			lost = len(raw) == 0 || seen[next]
		}
		out = append(out, RawSDR{ID: id, Data: raw})
		prev, led = id, err == nil
		if !lost {
			id = next
			continue
		}
		if !full() {
			found = skip(id, ahead, seen)
		}
		if id, led = ipmi.LastRecord, false; found != nil {
			id = found.id
		}
	}
	if read == 0 {
		out = nil
	}
	if full() {
		missing.Loops = nil
	}
	return out, missing.end(read, count, func() (int, error) { return r.info(ctx) })
}

// aboutRecord reports whether an error is about one record; what has no answer is if the BMC
// answers another question.
func (r *sdrReader) aboutRecord(ctx context.Context, err error) bool {
	if errors.Is(err, ipmi.ErrTimeout) {
		_, dead := r.info(ctx)
		return dead == nil
	}
	return aboutRecord(err)
}

// retryWait is how long an answer about a record that could not be read before is waited for.
const retryWait = 2 * time.Second

// completeSDRs reads the rest of those records that are wanted. One of which there is not even the
// beginning could not be read before; if it can be now, there may be more after it, and the list
// has changed.
func completeSDRs(ctx context.Context, src sdrSource, list []RawSDR,
	want func([]byte) bool) ([]RawSDR, error) {
	r := newSDRReader(src, want)
	r.whole = false
	list = slices.Clone(list)
	missing := &IncompleteError{List: src.name}
	var mu sync.Mutex // of missing
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(aheadMost)
	var res sdrReservation
	begin := func(i int) error {
		rec := list[i]
		if len(rec.Data) < sdrHeader {
			ctx, cancel := context.WithTimeout(ctx, retryWait)
			defer cancel()
			_, err := r.get(ctx, ipmi.GetSDR{Reservation: res.id, Record: rec.ID, Count: sdrHeader})
			if err == nil {
				return ipmi.CodeReservationCanceled
			}
			if errors.Is(err, context.DeadlineExceeded) {
				err = ipmi.ErrTimeout
			}
			return r.note(missing, &mu, rec.ID, err)
		}
		raw, _, err := r.rest(ctx, rec.ID, slices.Clone(rec.Data), res, false)
		if errors.Is(err, ipmi.CodeNotPresent) {
			return err // it was there
		}
		if err != nil {
			return r.note(missing, &mu, rec.ID, err)
		}
		list[i].Data = raw
		return nil
	}
	first := true
	for i, rec := range list {
		if rec.Whole() || want != nil && len(rec.Data) >= sdrHeader && !want(rec.Data) {
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
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(missing.Bad, func(a, b BadRecord) int { return cmp.Compare(a.ID, b.ID) })
	return list, missing.end(len(list)-len(missing.Bad), -1, nil)
}

// note notes that a record cannot be read, or returns an error that is not about it alone.
func (r *sdrReader) note(missing *IncompleteError, mu *sync.Mutex, id uint16, err error) error {
	if !aboutRecord(err) {
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	missing.Bad = append(missing.Bad, BadRecord{id, err})
	return nil
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
	if err != nil && len(raw) < sdrHeader {
		r.unlearn()
		raw = nil
	}
	return raw, next, err
}

// sdrLosses is how many reservations may be lost before records are read one by one: each loss
// spoils all that are being read in parts.
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
	case ipmi.CodeTimeout, ipmi.CodeCannotReturnBytes, ipmi.CodeDataLengthInvalid,
		ipmi.CodeDataFieldTooLong, ipmi.CodeDataTruncated,
		ipmi.CodeParameterOutOfRange, ipmi.CodeInvalidDataField, ipmi.CodeUnspecified:
		return true
	}
	return false
}

// try reads a record, or as much of it as is wanted, once and under one reservation, which it
// returns.
func (r *sdrReader) try(ctx context.Context,
	id uint16) (raw []byte, next uint16, res sdrReservation, err error) {
	res = r.held()
	probe := false // how long the record is has to be found out first
	if r.asksWhole() {
		get := func(n uint8) func(context.Context) (ipmi.SDRData, error) {
			return func(ctx context.Context) (ipmi.SDRData, error) {
				return r.get(ctx, ipmi.GetSDR{Reservation: res.id, Record: id, Count: n})
			}
		}
		d, hedge, err := hedged(ctx, get(ipmi.ReadAll), get(sdrHeader))
		switch {
		case err == nil && hedge:
			raw, next = d.Data[:min(len(d.Data), sdrHeader)], d.Next
			probe = r.refuseWhole(sdrSafe, false)
		case err == nil:
			raw, next = d.Data, d.Next
			if n := sdrSize(raw); len(raw) >= n {
				r.prove()
				return raw[:n], next, res, nil
			}
			r.refuseWhole(0, true) // the BMC sends as much as it can
		case tooMuch(err):
			// If it gave others, it may be that there is no record of that ID that can be read.
			probe = r.refuseWhole(0, errors.Is(err, ipmi.CodeCannotReturnBytes))
		default:
			return nil, 0, res, err
		}
	}
	if !res.taken {
		if err := r.renew(ctx, res); err != nil {
			return nil, 0, res, err
		}
		// what was read without a reservation may be another record's by now
		raw, res = nil, r.held()
	}
	if len(raw) >= sdrHeader && !r.wants(raw) {
		return raw, next, res, nil
	}
	raw, next, err = r.rest(ctx, id, raw, res, probe)
	return raw, next, res, err
}

func (r *sdrReader) wants(head []byte) bool { return r.want == nil || r.want(head) }

func (r *sdrReader) asksWhole() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.whole
}

// prove notes that a whole record was read.
func (r *sdrReader) prove() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.proven = true
}

// refuseWhole notes that a whole record was not given, and makes parts no bigger than most bytes,
// unless that is 0. It reports true if others were given: then this one may be at fault, unless the
// BMC has made plain that the size is.
func (r *sdrReader) refuseWhole(most int, plain bool) (others bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, size := range sdrParts {
		if size == most && !r.learned {
			r.part = max(r.part, i)
		}
	}
	if !r.proven || plain {
		r.whole = false
	}
	return r.proven && !plain
}

// unlearn forgets how much the BMC refused, if it gave nothing at all of a record: that was not
// because of the size.
func (r *sdrReader) unlearn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if part, parts := r.transferSizes.part(); !r.learned && !parts {
		r.whole, r.part = true, part
	}
}

// rest reads in parts, under one reservation, what is missing of a record, if it is wanted, and
// returns the ID of the next one. With an error it returns what was read of the record. header is
// to read just the header first: the BMC may have refused because the record is shorter than a
// part.
func (r *sdrReader) rest(ctx context.Context, id uint16, raw []byte, res sdrReservation,
	header bool) (all []byte, next uint16, err error) {
	for len(raw) < sdrSize(raw) {
		size, learned := r.size()
		n := size
		if len(raw) >= sdrHeader {
			n = min(n, sdrSize(raw)-len(raw))
		} else if header {
			n = min(n, sdrHeader-len(raw))
		}
		if len(raw) > 0xff {
			return raw, next, &ipmi.Error{Err: fmt.Errorf("%w: a record longer than its offsets",
				ipmi.ErrMalformed)}
		}
		d, err := r.get(ctx, ipmi.GetSDR{Reservation: res.id, Record: id, Offset: uint8(len(raw)),
			Count: uint8(n)})
		if tooMuch(err) {
			if len(raw) == 0 && learned && !header {
				header = true
				continue
			}
			if r.shrink(n) {
				continue
			}
		}
		if errors.Is(err, ipmi.ErrTimeout) && n > sdrSafe && ctx.Err() == nil {
			// some BMCs do not answer what they cannot do: one timeout is enough
			r.shrink(sdrSafe + 1)
			continue
		}
		if err != nil {
			return raw, next, err
		}
		if len(d.Data) == 0 {
			return raw, next, &ipmi.Error{Err: fmt.Errorf("%w: a record without data",
				ipmi.ErrMalformed)}
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
		r.transferSizes.setPart(r.part)
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
