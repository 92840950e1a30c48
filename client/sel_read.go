package client

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"lom/ipmi"
	"lom/ipmi/sel"
)

// selReader reads records whole, or in pieces once the BMC refused to return them whole. Many
// goroutines may use it.
type selReader struct {
	c Conn

	mu          sync.Mutex
	pieces      bool // whole records were refused
	proven      bool // a whole record was read: one that is refused is a matter of that one
	reservation uint16

	reserving turn // of who takes a reservation or waits for an erasure
}

// aboutRecord reports whether an error is about one record; what has no answer is if the BMC
// answers another question.
func (r *selReader) aboutRecord(ctx context.Context, err error) bool {
	if errors.Is(err, ipmi.ErrTimeout) {
		_, dead := countSEL(ctx, r.c)
		return dead == nil
	}
	return aboutRecord(err)
}

func newSELReader(c Conn) *selReader { return &selReader{c: c, reserving: newTurn()} }

// selPiece is how much of a record is asked for when whole ones are refused.
const selPiece = 8

// how returns how records are read now.
func (r *selReader) how() (pieces bool, reservation uint16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pieces, r.reservation
}

// reserve takes a reservation in place of the one given, if no other goroutine has done so, and
// reads in pieces from now on, unless whole records have been read.
func (r *selReader) reserve(ctx context.Context, pieces bool, lost uint16) error {
	if err := r.reserving.take(ctx); err != nil {
		return err
	}
	defer r.reserving.give()
	if p, now := r.how(); p != pieces || now != lost {
		return nil
	}
	id, err := reserveSEL(ctx, r.c)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pieces, r.reservation = !r.proven, id
	return nil
}

// waitErased waits until the SEL is erased; one goroutine at a time asks.
func (r *selReader) waitErased(ctx context.Context) error {
	if err := r.reserving.take(ctx); err != nil {
		return err
	}
	defer r.reserving.give()
	return waitErased(ctx, r.c, 0)
}

func (r *selReader) read(ctx context.Context, id uint16) (rec sel.Record, next uint16, err error) {
	one := false // this one is read in pieces
	for tries := 0; ; tries++ {
		pieces, reservation := r.how()
		var data []byte
		if pieces || one {
			data, next, err = r.inPieces(ctx, id, reservation)
		} else {
			data, next, err = r.whole(ctx, id)
		}
		switch {
		case err == nil:
			if err = rec.UnmarshalBinary(data); err != nil {
				err = &ipmi.Error{Op: fmt.Sprintf("read SEL record %04xh", id), Err: err}
			}
			return rec, next, err
		case tries >= selRetries:
			return rec, 0, err
		case errors.Is(err, codeErasing):
			if werr := r.waitErased(ctx); werr != nil {
				return rec, 0, werr
			}
		case errors.Is(err, ipmi.CodeReservationCanceled),
			!pieces && !one && (tooMuch(err) || errors.Is(err, ipmi.ErrMalformed)):
			one = true
			if err = r.reserve(ctx, pieces, reservation); err != nil {
				return rec, 0, err
			}
		default:
			return rec, 0, err
		}
	}
}

// whole reads the 16 bytes of a record at once.
func (r *selReader) whole(ctx context.Context, id uint16) ([]byte, uint16, error) {
	get := func(n uint8) func(context.Context) (ipmi.SELEntry, error) {
		return func(ctx context.Context) (ipmi.SELEntry, error) {
			return Do(ctx, r.c, ipmi.GetSELEntry{Record: id, Count: n})
		}
	}
	e, hedge, err := hedged(ctx, get(ipmi.ReadAll), get(selPiece))
	switch {
	case err == nil && (hedge || len(e.Data) < sel.Size):
		err = &ipmi.Error{Command: ipmi.GetSELEntry{}.Command(),
			Err: &ipmi.LengthError{Message: "SEL record", Got: len(e.Data), Want: sel.Size}}
	case err == nil:
		r.mu.Lock()
		r.proven = true
		r.mu.Unlock()
	}
	return e.Data, e.Next, err
}

// inPieces reads the 16 bytes of a record in pieces, all under one reservation.
func (r *selReader) inPieces(ctx context.Context, id, reservation uint16) ([]byte, uint16, error) {
	var data []byte
	for {
		e, err := Do(ctx, r.c, ipmi.GetSELEntry{Reservation: reservation, Record: id,
			Offset: uint8(len(data)), Count: selPiece})
		if err != nil {
			return nil, 0, err
		}
		if len(e.Data) == 0 {
			return nil, 0, &ipmi.Error{Command: ipmi.GetSELEntry{}.Command(),
				Err: ipmi.ErrMalformed}
		}
		if data = append(data, e.Data...); len(data) >= sel.Size {
			return data[:sel.Size], e.Next, nil
		}
		// The pieces must be those of one record, also if FirstRecord or LastRecord was asked for.
		if len(data) >= 2 {
			id = uint16(data[0]) | uint16(data[1])<<8
		}
	}
}
