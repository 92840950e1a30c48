package cli

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A late process begins with no further host until it has caught up or few are left.
func TestSettle(t *testing.T) {
	for _, c := range []struct {
		places int
		lag    time.Duration
		want   time.Duration
	}{
		{100, 0, 0}, {100, lateMost, 0}, {100, time.Second, time.Second}, {latePlaces, time.Second, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := &manyHosts{places: make(chan struct{}, 256)}
			for range c.places {
				m.places <- struct{}{}
			}
			began := time.Now()
			m.settle(context.Background(), func() time.Duration {
				return max(c.lag-time.Since(began), 0)
			})
			if took := time.Since(began); took > c.want || took < c.want-2*lateMost {
				t.Errorf("%d hosts and %v late: got a wait of %v, want one of %v", c.places, c.lag,
					took, c.want)
			}
		})
	}
	m := &manyHosts{places: make(chan struct{}, 256)}
	for range 100 {
		m.places <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.settle(ctx, func() time.Duration { return time.Hour }) // ends
}
