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
// exchange a record, and one before them that tells how many there are. Records come in the order of the SEL. It copes with records that are deleted
// meanwhile, with an erasure, and with BMCs that do not return whole records at a time. After an error it ends.
// An empty SEL yields nothing; a first that does not exist is a CodeNotPresent.
func SELEntries(ctx context.Context, c Conn, first uint16) iter.Seq2[sel.Record, error] {
	return func(yield func(sel.Record, error) bool) {
		info, err := Do(ctx, c, ipmi.GetSELInfo{})
		count := int(info.Entries)
		var code ipmi.CompletionCode
		switch {
		case errors.As(err, &code) || errors.Is(err, ipmi.ErrMalformed):
			count = -1
		case err != nil:
			yield(sel.Record{}, err)
			return
		}
		for rec, err := range SELEntriesAhead(ctx, c, first, count) {
			if !yield(rec, err) {
				return
			}
		}
	}
}

// SELEntriesAhead is [SELEntries] for a caller that knows how many records are to be read. Up to that number, records are
// read ahead of the one that is waited for; if it is negative, none is. All are read whatever the number is.
func SELEntriesAhead(ctx context.Context, c Conn, first uint16, count int) iter.Seq2[sel.Record, error] {
	return func(yield func(sel.Record, error) bool) {
		r := newSELReader(c)
		ahead := newReadAhead(ctx, count, r.read)
		defer ahead.close()
		seen := map[uint16]bool{}
		n := 0
		id, prev, lost := first, first, 0
		for id != ipmi.LastRecord {
			rec, next, err := ahead.at(id)
			switch {
			case errors.Is(err, ipmi.CodeNotPresent) && id == ipmi.FirstRecord:
				return // empty
			case errors.Is(err, ipmi.CodeNotPresent) && id != first && lost < selRetries:
				// The record was deleted after its number was told. The one before tells
				// the present next; if that is gone too, the SEL was cleared: begin anew, and
				// leave out what was read before.
				lost++
				if _, next, err := ahead.again(prev); err == nil && next != id {
					id = next
				} else {
					id, prev = ipmi.FirstRecord, ipmi.FirstRecord
				}
				continue
			case err != nil:
				yield(rec, err)
				return
			}
			if !seen[rec.ID] {
				seen[rec.ID] = true
				if !yield(rec, nil) {
					return
				}
			} else if lost == 0 {
				yield(sel.Record{}, &ipmi.Error{Op: fmt.Sprintf("read SEL record %04xh", id), Err: ErrRecordsCircle})
				return
			}
			if next == ipmi.FirstRecord || next == rec.ID {
				return // some BMCs say so instead of FFFFh after the last record
			}
			if n++; n > 2*0xffff {
				yield(sel.Record{}, &ipmi.Error{Op: "read SEL", Err: ErrRecordsCircle})
				return
			}
			prev, id = rec.ID, next
		}
	}
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

// ClearSEL erases the SEL and returns when it is erased. If the answer to the command was lost, it looks whether
// the SEL is empty.
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

// waitErased waits until the SEL is erased: it asks for the state of the erasure, and where that needs a
// reservation that it does not have, whether the SEL answers again.
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

// AddSELEntry adds a record and returns the ID that the BMC gave it. The BMC sets its time too, unless the record has none.
func AddSELEntry(ctx context.Context, c Conn, rec sel.Record) (uint16, error) {
	b := rec.Bytes()
	r, err := Do(ctx, c, ipmi.AddSELEntry{Record: b})
	if errors.Is(err, ipmi.CodeInvalidCommand) {
		// A BMC must have one of the two commands (Table 31-1).
		err = withReservation(ctx, c, func(reservation uint16) (err error) {
			r.ID = 0
			for at := 0; at < len(b) && err == nil; at += selPiece {
				r, err = Do(ctx, c, ipmi.PartialAddSELEntry{Reservation: reservation, Record: r.ID, Offset: uint8(at),
					Last: at+selPiece >= len(b), Data: b[at : at+selPiece]})
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
