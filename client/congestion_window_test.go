package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
)

// busyBMC is a BMC at the end of a line of 2.5 ms, which serves a request in 5 ms and has room for
// some.
func busyBMC(t *testing.T, n *memNet, scratch int, saysBusy bool) *scriptedBMC {
	b := startBMC(t, n)
	b.delay, b.service, b.scratch, b.saysBusy = 2500*time.Microsecond, 5*time.Millisecond, scratch,
		saysBusy
	return b
}

// askMany has requests of one session answered, as many at a time as it allows, and returns how
// long that took.
func askMany(t *testing.T, s *Session, requests int) time.Duration {
	t.Helper()
	return elapsed(func() {
		var all sync.WaitGroup
		for i := range requests {
			all.Go(func() {
				cmd := uint8(i)
				r, err := s.Exchange(context.Background(), echo(cmd))
				if err != nil || !bytes.Equal(r.Data, []byte{cmd}) {
					t.Errorf("request %d: %+v, %v", i, r, err)
				}
			})
		}
		all.Wait()
	})
}

// TestWindowFitsTheBMC talks to BMCs with room for a few requests. What they take is found out, and
// once it is, they never get more; all is nearly as fast as they can be.
func TestWindowFitsTheBMC(t *testing.T) {
	const requests, learning = 400, 200
	for _, tc := range []struct {
		scratch  int
		saysBusy bool
		want     int
	}{{1, false, 1}, {2, false, 2}, {2, true, 2}, {3, false, 2}, {8, false, 2}} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := busyBMC(t, n, tc.scratch, tc.saysBusy)
			name := fmt.Sprintf("room for %d, says busy: %v", tc.scratch, tc.saysBusy)
			s := mustDial(t, n)
			took := askMany(t, s, learning)
			var before int
			b.with(func() { before, b.crowd = b.turnedAway, 0 })
			took += askMany(t, s, requests)
			got, learnt := s.Window()
			if got != tc.want || !learnt {
				t.Errorf("%s: learnt %d, %v", name, got, learnt)
			}
			b.with(func() {
				if b.turnedAway != before || b.crowd > tc.want {
					t.Errorf("%s: %d requests had no place, %d while it was found out; the most were %d", name, b.turnedAway, before, b.crowd)
				}
			})
			// One at a time takes 10 ms each.
			alone := (requests + learning) * 10 * time.Millisecond
			if want := alone * 10 / 18; tc.want > 1 && took > want {
				t.Errorf("%s: %v, and alone it is %v", name, took, alone)
			}
			t.Logf("%s: window %d, %v, %.2f times as fast as one at a time, %d requests had no "+
				"place while it was found out",
				name, got, learnt, float64(alone)/float64(took), before)
			_ = s.Close()

			// What was learnt helps the next session.
			time.Sleep(time.Second)
			b.with(func() { b.turnedAway, b.crowd = 0, 0 })
			s = mustDial(t, n, WithWindowHint(got))
			took = askMany(t, s, requests)
			b.with(func() {
				if b.turnedAway != 0 || b.crowd != tc.want {
					t.Errorf("%s: with a hint, %d requests had no place, and the most were %d",
						name, b.turnedAway, b.crowd)
				}
			})
			if tc.want > 1 && took > requests*10*time.Millisecond*10/19 {
				t.Errorf("%s: with a hint it took %v", name, took)
			}
			if st := s.Stats(); st.Retries != 0 {
				t.Errorf("%s: with a hint: %+v", name, st)
			}
		})
	}
}

// TestWindowOfAFastBMC is as wide as the protocol allows where the line is all that takes time.
func TestWindowOfAFastBMC(t *testing.T) {
	for iface, want := range map[Interface]int{LANPlus: maxWindow20, LAN: maxWindow15} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			b.delay, b.service = 20*time.Millisecond, 10*time.Microsecond
			s := mustDial(t, n, WithInterface(iface))
			askMany(t, s, 1000)
			if got, learnt := s.Window(); got != want || !learnt {
				t.Errorf("%s: %d, %v", iface, got, learnt)
			}
			if st := s.Stats(); st.Retries != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestPinnedWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := busyBMC(t, n, 0, false)
		s := mustDial(t, n, WithWindow(5))
		askMany(t, s, 100)
		if got, learnt := s.Window(); got != 5 || learnt {
			t.Errorf("%d, %v", got, learnt)
		}
		b.with(func() {
			if b.crowd != 5 {
				t.Errorf("%d at a time", b.crowd)
			}
		})
	})
}

// TestSlowBMCTimer has the BMC's queue make the round trips longer than the shortest timeout:
// nothing is sent twice.
func TestSlowBMCTimer(t *testing.T) {
	for _, service := range []time.Duration{40 * time.Millisecond, 100 * time.Millisecond,
		400 * time.Millisecond} {
		for _, opt := range []Option{WithWindow(0), WithWindow(2)} {
			synctest.Test(t, func(t *testing.T) {
				n := newMemNet()
				b := startBMC(t, n)
				b.delay, b.service = 2500*time.Microsecond, service
				s := mustDial(t, n, opt)
				askMany(t, s, 10) // the log-in is answered at once, and tells nothing
				before := s.Stats().Retries
				askMany(t, s, 100)
				if st := s.Stats(); st.Retries != before {
					t.Errorf("service in %v: %+v", service, st)
				}
			})
		}
	}
}

// TestWindowUnderFaults loses, doubles and reorders packets on the way to and from a BMC with room
// for two. Every answer is the right one.
func TestWindowUnderFaults(t *testing.T) {
	for _, percent := range []int{1, 5, 20, 50} {
		for seed := range uint64(3) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, uint64(percent)))
				n := newMemNet()
				busyBMC(t, n, 2, seed == 1)
				s := mustDial(t, n, WithRetry(0, 24))
				n.mu.Lock()
				n.carry = func(from, to netip.AddrPort, p []byte) [][]byte {
					switch x := r.IntN(100); {
					case x < percent:
						return nil
					case x < percent+3:
						return [][]byte{p, bytes.Clone(p)}
					case x < percent+6:
						time.AfterFunc(15*time.Millisecond, func() { n.deliver(to, from, p) })
						return nil
					}
					return [][]byte{p}
				}
				n.mu.Unlock()
				askMany(t, s, 200)
				st := s.Stats()
				if st.Retries == 0 && percent > 1 {
					t.Errorf("nothing was lost: %+v", st)
				}
				if w, _ := s.Window(); w < 1 || w > maxWindow20 {
					t.Errorf("window %d", w)
				}
				n.mu.Lock()
				n.carry = nil
				n.mu.Unlock()
			})
		}
	}
}

// TestWindowOptions refuses what makes no sense.
func TestWindowOptions(t *testing.T) {
	for _, opt := range []Option{
		WithWindow(-1), WithWindow(maxPinned + 1), WithWindowHint(-1),
		WithRetryTimer(0, time.Second), WithRetryTimer(time.Second, time.Millisecond),
	} {
		if _, err := dialTest(t, newMemNet(), opt); err == nil || errors.Is(err, ipmi.ErrTimeout) {
			t.Errorf("%v", err)
		}
	}
}

// TestDisorder lets packets overtake each other. A little of that is what networks do, and no
// reason to send anything twice or to narrow the window; a lot narrows it, and what is true again
// afterwards is found out.
func TestDisorder(t *testing.T) {
	for _, tc := range []struct {
		by          time.Duration
		least, most int
	}{{2 * time.Millisecond, 6, maxWindow20}, {200 * time.Millisecond, 1, 4}} {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			n := newMemNet()
			startBMC(t, n)
			s := mustDial(t, n)
			carry := func(by time.Duration) {
				n.mu.Lock()
				defer n.mu.Unlock()
				n.carry = func(from, to netip.AddrPort, p []byte) [][]byte {
					time.AfterFunc(10*time.Millisecond+time.Duration(r.Int64N(int64(by))), func() {
						n.deliver(to, from, p)
					})
					return nil
				}
			}
			carry(tc.by)
			askMany(t, s, 500)
			if w, _ := s.Window(); w < tc.least || w > tc.most {
				t.Errorf("disorder of %v: window %d, not from %d to %d", tc.by, w, tc.least,
					tc.most)
			}
			if st := s.Stats(); st.Retries != 0 && tc.by < reordering {
				t.Errorf("disorder of %v: %+v", tc.by, st)
			}
			carry(time.Nanosecond)
			askMany(t, s, 1000)
			if w, _ := s.Window(); w < 6 {
				t.Errorf("after a disorder of %v: window %d", tc.by, w)
			}
			n.mu.Lock()
			n.carry = nil
			n.mu.Unlock()
		})
	}
}

// TestCongestionStaysInItsBounds does to a window whatever may happen to it, in any order.
func TestCongestionStaysInItsBounds(t *testing.T) {
	start := time.Now()
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		c := newCongestionWindow(maxWindow20, 0, int(seed%3)*4)
		now, most := start, c.limit
		for range 3000 {
			now = now.Add(time.Duration(r.IntN(5000)) * time.Microsecond)
			sent, depth := now.Add(-time.Duration(r.IntN(50))*time.Millisecond), 1+r.IntN(maxPinned)
			switch r.IntN(40) {
			case 0:
				c.onLoss(sent, depth, now)
			case 1:
				c.halve(sent, now)
			case 2:
				c.restart()
			default:
				c.onAnswer(1+r.IntN(c.size), time.Duration(1+r.IntN(20))*time.Millisecond)
			}
			if c.size < 1 || c.size > c.ceiling || c.ceiling > c.limit || c.limit > most {
				t.Fatalf("seed %d: %+v", seed, c)
			}
			most = c.limit // what was learnt is never forgotten
		}
	}
}
