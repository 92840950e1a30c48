package client

import (
	"bytes"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// stall stops the session's process for d as far as it can tell: no timer rings and nothing is
// read. What came meanwhile is read a moment after the timers have rung.
func stall(n *memNet, s *Session, d time.Duration) {
	a := &s.endpoint.timers
	a.mu.Lock()
	a.clock.Stop()
	a.mu.Unlock()
	var held [][]byte
	n.mu.Lock()
	n.carry = func(from, _ netip.AddrPort, b []byte) [][]byte {
		if from == bmcAddr {
			held = append(held, bytes.Clone(b))
			return nil
		}
		return [][]byte{b}
	}
	n.mu.Unlock()
	time.Sleep(d)
	a.mu.Lock()
	a.arm()
	a.mu.Unlock()
	time.Sleep(20 * time.Millisecond)
	n.mu.Lock()
	n.carry = nil
	var to netip.AddrPort
	for at := range n.conns {
		if at != bmcAddr {
			to = at
		}
	}
	n.mu.Unlock()
	for _, b := range held {
		n.deliver(to, bmcAddr, b)
	}
}

// A process that was stopped for longer than answers are waited for finds them, and asks no more
// than it had to. One whose BMC is silent too gives up as late as it was late.
func TestLateProcess(t *testing.T) {
	for _, late := range []time.Duration{2 * time.Second, 12 * time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			b.with(func() { b.delay = 5 * time.Millisecond })
			s := mustDial(t, n, WithWindow(8))
			ask(t, s, 1)
			var all sync.WaitGroup
			for cmd := range uint8(8) {
				all.Go(func() { ask(t, s, cmd) })
			}
			time.Sleep(time.Millisecond)
			stall(n, s, late)
			all.Wait()
			if st := s.Stats(); st.Timeouts != 0 || st.Retries != 0 {
				t.Errorf("%v late: got %d timeouts and %d retries, want none", late, st.Timeouts,
					st.Retries)
			}
			if lag := s.transport.Lag(); lag < late/2 {
				t.Errorf("%v late: got a lag of %v", late, lag)
			}
			time.Sleep(10 * time.Second)
			if lag := s.transport.Lag(); lag > lagLeast {
				t.Errorf("%v late: got a lag of %v after 10 s", late, lag)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		const late = 12 * time.Second
		n := newMemNet()
		b := startBMC(t, n)
		s := mustDial(t, n, WithInterface(LANPlus))
		b.with(func() {
			b.handle = func(*rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
				return 0, nil, false
			}
		})
		var err error
		var all sync.WaitGroup
		took := elapsed(func() {
			all.Go(func() { _, err = s.do(t.Context(), echo(1), nil) })
			time.Sleep(time.Millisecond)
			stall(n, s, late)
			all.Wait()
		})
		if !errors.Is(err, ipmi.ErrTimeout) || took < late || took > late+11*time.Second {
			t.Errorf("a silent BMC: got %v after %v", err, took)
		}
	})
}

// A lag counts half after a while.
func TestLag(t *testing.T) {
	var l lag
	now := time.Unix(1700000000, 0)
	for _, c := range []struct{ late, want time.Duration }{
		{0, 0}, {lagLeast - 1, 0}, {lagLeast, lagLeast}, {3 * time.Second, 3 * time.Second},
	} {
		if got := l.note(now.Add(-c.late), now); got != c.want {
			t.Errorf("%v late: got %v, want %v", c.late, got, c.want)
		}
	}
	for after, want := range map[time.Duration]time.Duration{
		0: 3 * time.Second, lagHalf: 1500 * time.Millisecond, 4 * lagHalf: 3 * time.Second / 16,
		time.Hour: 0,
	} {
		if got := l.now(now.Add(after)); got != want {
			t.Errorf("after %v: got %v, want %v", after, got, want)
		}
	}
}
