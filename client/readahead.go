package client

import (
	"context"
	"errors"
	"sync"

	"lom/ipmi"
)

// aheadMost is how many records are read at a time, at most. The session's congestion window
// decides how many of these requests are in flight. The others wait in its queue, so that there is
// always one to send.
const aheadMost = 16

// readAhead reads the records of a list in which each has the ID of the next, such as the SEL or
// the SDR repository. It requests the records that are likely to follow before their IDs are known:
// IDs nearly always rise by the same number, and the number of records is known. It returns what
// reading one after the other would: a record that was read ahead is used only if the one before it
// has its ID, and only if it was read without an error. A wrong guess costs a request, and the more
// guesses are wrong the fewer are made.
//
// It is for one reader; read is called by many goroutines.
type readAhead[T any] struct {
	read func(ctx context.Context, id uint16) (T, uint16, error)
	// records that are still to come, as far as is known; without a number nothing is read ahead
	expect int

	ctx    context.Context // of the reads in flight
	cancel context.CancelFunc
	work   sync.WaitGroup

	stride uint16 // by which IDs rise
	trust  int    // the more guesses came true lately, the more are made
	flying map[uint16]*flight[T]
}

// flight is a read that was started.
type flight[T any] struct {
	rec     T
	next    uint16
	err     error
	guessed bool
	done    chan struct{}
	cancel  context.CancelFunc
}

// newReadAhead returns a reader of a list of about expect records. It must be closed.
func newReadAhead[T any](ctx context.Context, expect int,
	read func(ctx context.Context, id uint16) (T, uint16, error)) *readAhead[T] {
	a := &readAhead[T]{read: read, expect: expect, stride: 1, flying: map[uint16]*flight[T]{}}
	a.ctx, a.cancel = context.WithCancel(ctx)
	return a
}

// close cancels the reads in flight and returns when they have ended.
func (a *readAhead[T]) close() {
	a.cancel()
	a.work.Wait()
}

// at returns the record with an ID, and the ID of the one after it. It must be called in the order
// of the list.
func (a *readAhead[T]) at(id uint16) (T, uint16, error) {
	f := a.flying[id]
	if f == nil {
		f = a.begin(id, false)
	}
	a.guess(id)
	<-f.done
	delete(a.flying, id)
	if f.err != nil && f.guessed && a.ctx.Err() == nil && !errors.Is(f.err, ipmi.ErrTimeout) {
		// It may have been too early: what counts is the answer now. One that never came would be
		// waited for twice.
		f.rec, f.next, f.err = a.read(a.ctx, id)
	}
	a.expect--
	if f.err == nil {
		a.learn(id, f.next)
	}
	return f.rec, f.next, f.err
}

// again returns a record that is read now, whatever was read before.
func (a *readAhead[T]) again(id uint16) (T, uint16, error) {
	a.forget(nil)
	a.trust = 0
	return a.read(a.ctx, id)
}

// begin starts a read.
func (a *readAhead[T]) begin(id uint16, guessed bool) *flight[T] {
	ctx, cancel := context.WithCancel(a.ctx)
	f := &flight[T]{guessed: guessed, done: make(chan struct{}), cancel: cancel}
	a.flying[id] = f
	a.work.Go(func() {
		defer cancel()
		f.rec, f.next, f.err = a.read(ctx, id)
		close(f.done)
	})
	return f
}

// guess starts to read what is likely to follow a record.
func (a *readAhead[T]) guess(id uint16) {
	for n := 1; n < a.depth(); n++ {
		if id = a.after(id); isEnd(id) {
			return
		}
		if a.flying[id] == nil {
			a.begin(id, true)
		}
	}
}

// depth returns how many records may be read at a time.
func (a *readAhead[T]) depth() int { return min(1<<a.trust, aheadMost, a.expect) }

// after returns the ID that is likely to follow another. It cannot know what follows FirstRecord
// and LastRecord.
func (a *readAhead[T]) after(id uint16) uint16 {
	if isEnd(id) {
		return ipmi.LastRecord
	}
	return id + a.stride
}

// isEnd reports whether an ID cannot be a record's own.
func isEnd(id uint16) bool { return id == ipmi.FirstRecord || id == ipmi.LastRecord }

// learn compares what follows a record with what was expected.
func (a *readAhead[T]) learn(id, next uint16) {
	const full = 4 // aheadMost is 1<<full
	switch {
	case isEnd(id) || isEnd(next):
		// Nothing was expected; the stride that nearly all BMCs have is tried without proof.
		a.trust = max(a.trust, 1)
	case next == a.after(id):
		a.trust = min(a.trust+1, full)
	case a.flying[next] != nil:
		// A gap, as a deleted record leaves it: what was read ahead of it is good.
		a.trust = max(a.trust-1, 1)
		a.forget(&next)
	default:
		a.trust, a.stride = 0, 1
		if next > id {
			a.stride = next - id
		}
		a.forget(nil)
	}
}

// forget drops what was read ahead, but for what may come from an ID on.
func (a *readAhead[T]) forget(from *uint16) {
	keep := map[uint16]bool{}
	if from != nil {
		for id, n := *from, 0; n < aheadMost && !isEnd(id); id, n = a.after(id), n+1 {
			keep[id] = true
		}
	}
	for id, f := range a.flying {
		if !keep[id] {
			f.cancel()
			delete(a.flying, id)
		}
	}
}

// A turn is a mutex that a context may give up waiting for.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t turn) give() { <-t }
