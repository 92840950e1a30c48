package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lom/ipmi"
)

// A BadRecord is a record of a list that could not be read.
type BadRecord struct {
	ID  uint16
	Err error
}

// An IncompleteError reports what is missing of a list, such as the SDR repository or the SEL, of
// which the rest was read.
type IncompleteError struct {
	List  string      // what one record is called: "SDR", "SEL entry"
	Bad   []BadRecord // that could not be read
	Loops [][2]uint16 // records whose next record is the same or one before it, and that one
	// how many records the BMC reports, if it returned fewer without an error; otherwise 0
	Reported int
	Read     int // how many were read
}

// Error returns one sentence: which records are missing, and why.
func (e *IncompleteError) Error() string {
	var parts []string
	if len(e.Bad) > 0 {
		const most = 8
		var ids []string
		for _, b := range e.Bad[:min(len(e.Bad), most)] {
			ids = append(ids, e.id(b.ID))
		}
		list := strings.Join(ids, ", ")
		if more := len(e.Bad) - most; more > 0 {
			list += fmt.Sprintf(" and %d more", more)
		}
		parts = append(parts, fmt.Sprintf("%s %s could not be read: %s", plural(e.List, len(e.Bad)),
			list, reason(e.Bad[0].Err)))
	}
	for _, l := range e.Loops[:min(len(e.Loops), 1)] {
		parts = append(parts, fmt.Sprintf("the BMC's list goes round in a circle: %s %s is "+
			"followed by %s", e.List, e.id(l[0]), e.id(l[1])))
	}
	if e.Reported > 0 {
		parts = append(parts, fmt.Sprintf("the BMC reports %d %s and gave %d", e.Reported,
			plural(e.List, e.Reported), e.Read))
	}
	return strings.Join(parts, "; ")
}

// end returns what is missing of a list of which read records were read and count are reported, nil
// if nothing is. Where the numbers differ, recount asks for them again: records may have come and
// gone meanwhile. A negative number is not known.
func (e *IncompleteError) end(read, count int, recount func() (int, error)) error {
	if read == 0 && len(e.Bad) > 0 {
		return e.Bad[0].Err
	}
	if count > read+len(e.Bad) {
		if now, err := recount(); err == nil && now > read+len(e.Bad) {
			e.Reported = now
		}
	}
	if len(e.Bad) == 0 && len(e.Loops) == 0 && e.Reported == 0 {
		return nil
	}
	e.Read = read
	return e
}

// id writes the ID of a record as the programs in use do: the SEL's entries are numbered by lists,
// and get, without zeros in front.
func (e *IncompleteError) id(id uint16) string {
	if e.List == listSEL {
		return fmt.Sprintf("%x", id)
	}
	return fmt.Sprintf("%04Xh", id)
}

// Unwrap returns why each record could not be read, and ErrRecordsCircle if the list is one.
func (e *IncompleteError) Unwrap() []error {
	var errs []error
	if len(e.Loops) > 0 {
		errs = append(errs, ErrRecordsCircle)
	}
	for _, b := range e.Bad {
		errs = append(errs, b.Err)
	}
	return errs
}

// What one record of each list is called.
const (
	listSDR       = "SDR"
	listDeviceSDR = "device SDR"
	listSEL       = "SEL entry"
)

func plural(noun string, n int) string {
	switch {
	case n == 1:
		return noun
	case strings.HasSuffix(noun, "y"):
		return strings.TrimSuffix(noun, "y") + "ies"
	}
	return noun + "s"
}

// reason is why a record could not be read, without what was tried.
func reason(err error) string {
	var e *ipmi.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	if e.Err != nil {
		return e.Err.Error()
	}
	return e.Code.For(e.Command)
}

// aboutRecord reports whether an error may be about one record, so that the others are worth
// reading. A record that is not answered is one only if the BMC answers something else.
func aboutRecord(err error) bool {
	var code ipmi.CompletionCode
	if !errors.As(err, &code) {
		return errors.Is(err, ipmi.ErrMalformed) || errors.Is(err, ipmi.ErrTimeout)
	}
	switch code {
	case ipmi.CodeInvalidCommand, ipmi.CodeInvalidForLUN, ipmi.CodeInsufficientPrivilege,
		ipmi.CodeSubFunctionDisabled,
		ipmi.CodeReservationCanceled:
		return false
	}
	return true
}

// When a record cannot be read, the ID of the next one is unknown, and the IDs after it are tried:
// at most skipMost. At most skipRefused of them may be refused for another reason than that there
// is no such record, because each may cost the BMC a second.
const (
	skipMost    = 8
	skipRefused = 2
)

// A step is a record that was found by skip, and the ID of the next.
type step[T any] struct {
	id   uint16
	rec  T
	next uint16
}

// skip returns the first record that can be read after one that cannot, nil if there is none.
func skip[T any](id uint16, ahead *readAhead[T], seen map[uint16]bool) *step[T] {
	refused, stride := 0, uint16(1)
	if ahead.trust > 0 {
		stride = ahead.stride // which came true lately
	}
	for range skipMost {
		if id += stride; isEnd(id) {
			return nil
		}
		if seen[id] {
			continue
		}
		rec, next, err := ahead.at(id)
		switch {
		case err == nil:
			return &step[T]{id, rec, next}
		case errors.Is(err, ipmi.CodeNotPresent):
		case errors.Is(err, ipmi.ErrTimeout) || !aboutRecord(err) || ahead.ctx.Err() != nil:
			return nil
		default:
			if refused++; refused == skipRefused {
				return nil
			}
		}
	}
	return nil
}

// hedgeAfter is how long a read of a whole record may take before its beginning is read too: some
// BMCs are silent where they should refuse.
const hedgeAfter = time.Second

// hedged returns the answer of whole. After hedgeAfter without one it calls part too, and returns
// that answer if it comes first; hedge reports whether it did.
func hedged[T any](ctx context.Context, whole,
	part func(context.Context) (T, error)) (answer T, hedge bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var beginning T
	var failure error
	done := make(chan struct{})
	timer := time.AfterFunc(hedgeAfter, func() {
		defer close(done)
		if beginning, failure = part(ctx); !errors.Is(failure, ipmi.ErrTimeout) {
			cancel()
		}
	})
	answer, err = whole(ctx)
	if timer.Stop() {
		return answer, false, err
	}
	cancel()
	<-done
	if err == nil || errors.Is(failure, ipmi.ErrTimeout) || errors.Is(failure, context.Canceled) {
		return answer, false, err
	}
	return beginning, true, failure
}
