package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"lom/ipmi"
	"lom/ipmi/sel"
)

// codeErasing is what the SEL's commands answer while it is erased (Tables 31-2 to 31-8).
const codeErasing ipmi.CompletionCode = 0x81

// How long and how often the SEL procedures go on against a SEL that changes under them.
const (
	eraseWait  = 30 * time.Second // for an erasure, which "may take several seconds" (§31.9)
	eraseFirst = 20 * time.Millisecond
	eraseMost  = time.Second
	selRetries = 8 // lost reservations and vanished records in one procedure
)

// ErrRecordsCircle is the error of reading records whose "next record" leads back to one before.
var ErrRecordsCircle = errors.New("the BMC's record list goes round in a circle")

// SELEntries reads the SEL from the record with ID first on (ipmi.FirstRecord: all of it), one
// exchange a record, and one before them for their number. Records come in the order
// of the SEL. It copes with records that are deleted meanwhile, with an erasure, and with BMCs that
// do not return whole records at a time. One record that cannot be read costs no other: those are
// told at the end, and so is that the SEL has fewer records than the BMC reports, by an
// [*IncompleteError]. After an error it ends. An empty SEL yields nothing; a first that does not
// exist is a CodeNotPresent.
func SELEntries(ctx context.Context, c Conn, first uint16) iter.Seq2[sel.Record, error] {
	return func(yield func(sel.Record, error) bool) {
		count, err := countSEL(ctx, c)
		if err != nil {
			yield(sel.Record{}, err)
			return
		}
		n := 0
		for rec, err := range SELEntriesAhead(ctx, c, first, count) {
			if n++; !yield(rec, err) || err != nil {
				return
			}
		}
		if first == ipmi.FirstRecord {
			if err := SELMissing(ctx, c, n, count); err != nil {
				yield(sel.Record{}, err)
			}
		}
	}
}

// countSEL returns how many records the SEL has, -1 from a BMC that does not report it.
func countSEL(ctx context.Context, c Conn) (int, error) {
	info, err := Do(ctx, c, ipmi.GetSELInfo{})
	var code ipmi.CompletionCode
	if errors.As(err, &code) || errors.Is(err, ipmi.ErrMalformed) {
		return -1, nil
	}
	return int(info.Entries), err
}

// SELMissing returns an [*IncompleteError] if so many records were read of a SEL of which more
// were, and are still, reported.
func SELMissing(ctx context.Context, c Conn, read, reported int) error {
	missing := &IncompleteError{List: listSEL}
	return missing.end(read, reported, func() (int, error) { return countSEL(ctx, c) })
}

// SELEntriesAhead is [SELEntries] for a caller that knows how many records are to be read. Up to
// that number, records are read ahead of the one that is waited for; if it is negative, none is.
// All are read whatever the number is, and that they are fewer is not told.
func SELEntriesAhead(ctx context.Context, c Conn, first uint16,
	count int) iter.Seq2[sel.Record, error] {
	return func(yield func(sel.Record, error) bool) {
		r := newSELReader(c)
		ahead := newReadAhead(ctx, count, r.read)
		defer ahead.close()
		missing := &IncompleteError{List: listSEL}
		seen := map[uint16]bool{} // IDs in records
		past := map[uint16]bool{} // IDs that were asked for, since the list was begun
		n := 0
		full := func() bool { return count >= 0 && n+len(missing.Bad) >= count }
		var found *step[sel.Record]
		id, prev, lost := first, first, 0
		for id != ipmi.LastRecord {
			past[id] = true
			var rec sel.Record
			var next uint16
			var err error
			if found != nil {
				rec, next, found = found.rec, found.next, nil
			} else {
				rec, next, err = ahead.at(id)
			}
			if errors.Is(err, ipmi.CodeNotPresent) {
				if id == ipmi.FirstRecord {
					return // empty
				}
				if id != first && lost < selRetries {
					// The record was deleted after its number was told. The one before tells the
					// present next; if that is gone too, the SEL was cleared: begin again, and
					// leave out what was read before. If it still tells this one, there is no such
					// record.
					_, now, again := ahead.again(prev)
					if again != nil || now != id {
						lost++
						if id = now; again != nil {
							id, prev = ipmi.FirstRecord, ipmi.FirstRecord
							clear(past)
						}
						continue
					}
				}
			}
			stray := false // the next record is not known
			switch {
			case err != nil && (n == 0 && len(missing.Bad) == 0 && id != ipmi.FirstRecord ||
				!r.aboutRecord(ctx, err)):
				yield(rec, err)
				return
			case err != nil:
				missing.Bad = append(missing.Bad, BadRecord{id, err})
				stray = true
			case seen[rec.ID] && lost == 0:
				missing.Bad = append(missing.Bad, BadRecord{id, wrongRecord(rec.ID)})
			case !seen[rec.ID]:
				seen[rec.ID], past[rec.ID] = true, true
				n++
				if !yield(rec, nil) {
					return
				}
			}
			if err == nil {
				if prev = rec.ID; next == ipmi.FirstRecord ||
					next != ipmi.LastRecord && past[next] {
					if full() || count < 0 && (next == ipmi.FirstRecord || next == rec.ID) {
						break // some BMCs say so instead of FFFFh after the last record
					}
					missing.Loops = append(missing.Loops, [2]uint16{rec.ID, next})
					stray = true
				}
			}
			switch {
			case !stray:
				id = next
			case full():
				id = ipmi.LastRecord
			default:
				from := id
				if err == nil {
					from = rec.ID
				}
				if found, id = skip(from, ahead, past), ipmi.LastRecord; found != nil {
					id = found.id
				}
			}
		}
		if full() {
			missing.Loops = nil
		}
		if err := missing.end(n, -1, nil); err != nil {
			yield(sel.Record{}, err)
		}
	}
}

// wrongRecord is the error of a record that was read under the ID of another one.
func wrongRecord(id uint16) error {
	return &ipmi.Error{Err: fmt.Errorf("%w: the BMC gave entry %x for it, once more",
		ipmi.ErrMalformed, id)}
}

// SELEntry reads one record; ipmi.FirstRecord and ipmi.LastRecord are understood. A record
// that does not exist is a CodeNotPresent.
func SELEntry(ctx context.Context, c Conn, id uint16) (sel.Record, error) {
	rec, _, err := newSELReader(c).read(ctx, id)
	return rec, err
}

// reserveSEL returns a reservation, or 0 from a BMC that has none.
func reserveSEL(ctx context.Context, c Conn) (uint16, error) {
	r, err := Do(ctx, c, ipmi.ReserveSEL{})
	if errors.Is(err, ipmi.CodeInvalidCommand) {
		return 0, nil
	}
	return r.ID, err
}

// withReservation calls f with a reservation, and again with another one when the SEL was changed
// in between or is erased just then.
func withReservation(ctx context.Context, c Conn, f func(reservation uint16) error) error {
	for tries := 0; ; tries++ {
		id, err := reserveSEL(ctx, c)
		if err == nil {
			err = f(id)
		}
		switch {
		case tries < selRetries && errors.Is(err, ipmi.CodeReservationCanceled):
		case tries < selRetries && errors.Is(err, codeErasing):
			if err := pause(ctx, eraseMost); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// ClearSEL erases the SEL and returns when it is erased. If the answer to the command was lost, it
// looks whether the SEL is empty.
func ClearSEL(ctx context.Context, c Conn) error {
	var reservation uint16
	var state ipmi.Erasure
	err := withReservation(ctx, c, func(id uint16) (err error) {
		reservation = id
		state, err = Do(ctx, c, ipmi.ClearSEL{Reservation: id, Action: ipmi.EraseStart})
		return err
	})
	if errors.Is(err, ipmi.ErrOutcomeUnknown) {
		if info, ierr := Do(ctx, c, ipmi.GetSELInfo{}); ierr == nil && info.Entries == 0 {
			return nil
		}
		return err
	}
	if err != nil || state.Progress == ipmi.ErasureDone {
		return err
	}
	return waitErased(ctx, c, reservation)
}

// waitErased waits until the SEL is erased: it asks for the state of the erasure, and where that
// needs a reservation that it does not have, whether the SEL answers again.
func waitErased(ctx context.Context, c Conn, reservation uint16) error {
	ctx, cancel := context.WithTimeout(ctx, eraseWait)
	defer cancel()
	for d := eraseFirst; ; d = min(2*d, eraseMost) {
		state, err := Do(ctx, c, ipmi.ClearSEL{Reservation: reservation, Action: ipmi.EraseStatus})
		if err == nil && state.Progress == ipmi.ErasureDone {
			return nil
		}
		if errors.Is(err, ipmi.CodeReservationCanceled) {
			if _, err = Do(ctx, c, ipmi.GetSELInfo{}); err == nil {
				return nil
			}
		}
		if err != nil && !errors.Is(err, codeErasing) {
			return err
		}
		if err := pause(ctx, d); err != nil {
			return &ipmi.Error{Op: "erase SEL", Err: err}
		}
	}
}

// DeleteSELEntry deletes one record; ipmi.FirstRecord and ipmi.LastRecord are understood.
func DeleteSELEntry(ctx context.Context, c Conn, id uint16) error {
	return withReservation(ctx, c, func(reservation uint16) error {
		_, err := Do(ctx, c, ipmi.DeleteSELEntry{Reservation: reservation, Record: id})
		return err
	})
}

// AddSELEntry adds a record and returns the ID that the BMC gave it. The BMC sets its time too,
// unless the record has none.
func AddSELEntry(ctx context.Context, c Conn, rec sel.Record) (uint16, error) {
	b := rec.Bytes()
	r, err := Do(ctx, c, ipmi.AddSELEntry{Record: b})
	if errors.Is(err, ipmi.CodeInvalidCommand) {
		// A BMC must have one of the two commands (Table 31-1).
		err = withReservation(ctx, c, func(reservation uint16) (err error) {
			r.ID = 0
			for at := 0; at < len(b) && err == nil; at += selPiece {
				r, err = Do(ctx, c, ipmi.PartialAddSELEntry{Reservation: reservation, Record: r.ID,
					Offset: uint8(at),
					Last:   at+selPiece >= len(b), Data: b[at : at+selPiece]})
			}
			return err
		})
	}
	return r.ID, err
}

// pause waits for d, or returns why the context ended.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
