package machine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
)

func TestWriteAndLook(t *testing.T) {
	lost := &ipmi.Error{Err: ipmi.ErrOutcomeUnknown}
	for _, c := range []struct {
		name  string
		set   error
		looks int // until the BMC shows the value; -1 never
		look  error
		want  error
		least time.Duration
	}{
		{name: "taken at once"},
		{name: "taken late", looks: 4, least: time.Second},
		{name: "never taken", looks: -1, want: errNotTaken, least: 20 * time.Second},
		{name: "refused", set: ipmi.CodeParameterReadOnly, want: ipmi.CodeParameterReadOnly},
		{name: "the answer lost, but taken", set: lost},
		{name: "lost, and not taken", set: lost, looks: -1, want: ipmi.ErrOutcomeUnknown},
		{name: "gone after it", looks: -1, look: ipmi.ErrTimeout, want: ipmi.ErrTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, looks := time.Now(), 0
				set := func() error { return c.set }
				err := writeAndLook(t.Context(), set, func() (bool, error) {
					looks++
					return c.looks >= 0 && looks > c.looks, c.look
				})
				took := time.Since(began)
				if !errors.Is(err, c.want) || took < c.least || took > 40*time.Second {
					t.Errorf("got %v after %v, want %v", err, took, c.want)
				}
			})
		})
	}
	t.Run("interrupted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := writeAndLook(ctx, func() error { return nil },
				func() (bool, error) { return false, nil })
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	})
}

// A BMC does not stay claimed, whatever happens to what is done meanwhile.
func TestGuarded(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		states []ipmi.SetState
	}{
		"done":    {nil, []ipmi.SetState{ipmi.SetBusy, ipmi.SetCommitWrite, ipmi.SetComplete}},
		"refused": {ipmi.CodeParameterReadOnly, []ipmi.SetState{ipmi.SetBusy, ipmi.SetComplete}},
	} {
		var states []ipmi.SetState
		ctx, cancel := context.WithCancel(t.Context())
		err := guarded(ctx, func(ctx context.Context, p ipmi.SetInProgress) error {
			states = append(states, p.State)
			return ctx.Err() // as a request would
		}, func() error {
			cancel()
			return c.err
		})
		if !errors.Is(err, c.err) || !slices.Equal(states, c.states) {
			t.Errorf("%s: got %v, %v; want %v, %v", name, err, states, c.err, c.states)
		}
	}
}
