package sol

import (
	"bytes"
	"container/heap"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// A network delivers packets between two streams in simulated time, and treats them badly.
type network struct {
	rng                *rand.Rand
	loss, dup, reorder float64
	now                time.Time
	wire               deliveries
	n                  int
}

type delivery struct {
	at   time.Time
	n    int
	to   *Stream
	data []byte
}

type deliveries []delivery

func (d deliveries) Len() int { return len(d) }
func (d deliveries) Less(i, j int) bool {
	return d[i].at.Before(d[j].at) || d[i].at.Equal(d[j].at) && d[i].n < d[j].n
}
func (d deliveries) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *deliveries) Push(x any)   { *d = append(*d, x.(delivery)) }
func (d *deliveries) Pop() any     { o := *d; x := o[len(o)-1]; *d = o[:len(o)-1]; return x }

func (n *network) send(to *Stream, b []byte) {
	times := 1
	if n.rng.Float64() < n.dup {
		times++
	}
	for range times {
		if n.rng.Float64() < n.loss {
			continue
		}
		d := 2 * time.Millisecond
		if n.rng.Float64() < n.reorder {
			d += time.Duration(n.rng.IntN(30)) * time.Millisecond
		}
		n.n++
		heap.Push(&n.wire, delivery{n.now.Add(d), n.n, to, bytes.Clone(b)})
	}
}

// run moves time until both have sent all of out, and returns what each received.
func (n *network) run(t testing.TB, ends [2]*Stream, out [2][]byte) (in [2][]byte) {
	t.Helper()
	limit := n.now.Add(100 * time.Hour)
	for n.now.Before(limit) {
		var soonest time.Time
		for i, s := range ends {
			out[i] = out[i][s.Write(n.now, out[i]):]
			for {
				b, at := s.Poll(n.now)
				if b == nil {
					if !at.IsZero() && (soonest.IsZero() || at.Before(soonest)) {
						soonest = at
					}
					break
				}
				n.send(ends[1-i], b)
			}
		}
		if len(out[0])+len(out[1]) == 0 && ends[0].Idle() && ends[1].Idle() {
			return in
		}
		if len(n.wire) > 0 && (soonest.IsZero() || n.wire[0].at.Before(soonest)) {
			soonest = n.wire[0].at
		}
		if soonest.IsZero() {
			t.Fatal("both ends wait for ever")
		}
		if soonest.After(n.now) {
			n.now = soonest
		}
		for len(n.wire) > 0 && !n.wire[0].at.After(n.now) {
			d := heap.Pop(&n.wire).(delivery)
			room := 1 << 20
			if n.rng.IntN(10) == 0 {
				room = n.rng.IntN(40) // the application is slow at times
			}
			r, err := d.to.Receive(n.now, d.data, room)
			if err != nil && !errors.Is(err, ErrStray) {
				t.Fatal(err)
			}
			for i := range ends {
				if ends[i] == d.to {
					in[i] = append(in[i], r.Data...)
				}
			}
		}
	}
	t.Fatal("not done after 100 hours")
	return in
}

func TestStreamLosesAndDoublesNothing(t *testing.T) {
	sizes := []struct {
		loss, dup, reorder float64
		bytes              int
	}{{0, 0, 0, 1 << 19}, {.05, .1, .2, 1 << 18}, {.3, .1, .2, 1 << 17}, {.5, .3, .3, 1 << 15}}
	for _, c := range sizes {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("loss=%v/seed=%d", c.loss, seed), func(t *testing.T) {
				n := &network{rng: rand.New(rand.NewPCG(seed, 1)), loss: c.loss, dup: c.dup,
					reorder: c.reorder, now: time.Unix(0, 0)}
				ends := [2]*Stream{
					New(Config{Role: Console, MaxData: 200, RetryInterval: 50 * time.Millisecond}),
					New(Config{Role: BMC, MaxData: 255, RetryInterval: 100 * time.Millisecond,
						Accumulate: 5 * time.Millisecond, Threshold: 96}),
				}
				var out [2][]byte
				for i := range out {
					out[i] = make([]byte, c.bytes)
					for j := range out[i] {
						out[i][j] = byte(n.rng.Uint32())
					}
				}
				in := n.run(t, ends, out)
				for i := range in {
					if sha256.Sum256(in[i]) != sha256.Sum256(out[1-i]) {
						t.Errorf("end %d received %d bytes that differ from the %d sent", i,
							len(in[i]), len(out[1-i]))
					}
				}
			})
		}
	}
}

// exchange returns what s wants to send now.
func exchange(t *testing.T, s *Stream, now time.Time) Packet {
	t.Helper()
	b, _ := s.Poll(now)
	if b == nil {
		t.Fatal("nothing to send")
	}
	var p Packet
	if err := p.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	return p
}

func receive(t *testing.T, s *Stream, now time.Time, p Packet, room int) Received {
	t.Helper()
	b, err := p.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Receive(now, b, room)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestConsoleKeepsSequenceNumberOfRetries(t *testing.T) {
	now := time.Unix(0, 0)
	s := New(Config{Role: Console, MaxData: 10, RetryInterval: time.Second})
	s.Write(now, []byte("reboot\r"))
	first := exchange(t, s, now)
	again := exchange(t, s, now.Add(time.Second))
	if first.Sequence != again.Sequence || !bytes.Equal(first.Data, again.Data) {
		t.Errorf("sent %+v, then %+v", first, again)
	}
}

// With FirstRetry, the wait follows the measured trip, doubles, and is never longer than
// RetryInterval.
func TestRetriesFollowTheTrip(t *testing.T) {
	now := time.Unix(0, 0)
	s := New(Config{Role: Console, MaxData: 10, RetryInterval: time.Second,
		FirstRetry: 50 * time.Millisecond})
	for range 40 {
		s.Write(now, []byte("x"))
		p := exchange(t, s, now)
		now = now.Add(20 * time.Millisecond)
		receive(t, s, now, Packet{Ack: p.Sequence, Accepted: 1}, 0)
	}
	s.Write(now, []byte("y"))
	first := exchange(t, s, now)
	var waits []time.Duration
	for last := now; len(waits) < 7; now = now.Add(time.Millisecond) {
		if b, _ := s.Poll(now); b != nil {
			if b[0] != first.Sequence {
				t.Fatalf("sent % x", b)
			}
			waits, last = append(waits, now.Sub(last)), now
		}
	}
	want := []time.Duration{50, 100, 200, 400, 800, 1000, 1000}
	for i := range want {
		if waits[i] != want[i]*time.Millisecond {
			t.Fatalf("waits %v", waits)
		}
	}
}

func TestConsoleAcceptsAppendedCharacters(t *testing.T) {
	now := time.Unix(0, 0)
	s := New(Config{Role: Console, MaxData: 10})
	if r := receive(t, s, now, Packet{Sequence: 1, Data: []byte("log")}, 100); string(r.Data) !=
		"log" {
		t.Fatalf("got %q", r.Data)
	}
	exchange(t, s, now)
	if r := receive(t, s, now, Packet{Sequence: 1, Data: []byte("login:")}, 100); string(r.Data) !=
		"in:" {
		t.Errorf("got %q of the retry", r.Data)
	}
	if a := exchange(t, s, now); a.Ack != 1 || a.Accepted != 6 || a.Flags&NACK != 0 {
		t.Errorf("acknowledged with %+v", a)
	}
}

func TestConsoleSendsWhatTheBMCDidNotAccept(t *testing.T) {
	now := time.Unix(0, 0)
	s := New(Config{Role: Console, MaxData: 10, RetryInterval: time.Second})
	s.Write(now, []byte("0123456789abc"))
	p := exchange(t, s, now)
	receive(t, s, now, Packet{Ack: p.Sequence, Accepted: 4, Flags: NACK}, 0)
	if b, _ := s.Poll(now); b != nil {
		t.Error("sent at once after a NACK")
	}
	q := exchange(t, s, now.Add(time.Second))
	if q.Sequence != p.Sequence+1 || string(q.Data) != "456789abc" {
		t.Errorf("sent %+v", q)
	}
}

func TestSuspendedBMCWaitsForResume(t *testing.T) {
	now := time.Unix(0, 0)
	b := New(Config{Role: BMC, MaxData: 100, RetryInterval: time.Second})
	c := New(Config{Role: Console, MaxData: 100, RetryInterval: time.Second})
	b.Write(now, []byte("panic: oh dear"))
	p := exchange(t, b, now)
	receive(t, c, now, p, 3)
	receive(t, b, now, exchange(t, c, now), 0)
	if x, _ := b.Poll(now.Add(5 * time.Second)); x != nil {
		t.Error("sent while suspended")
	}
	receive(t, b, now, exchange(t, c, now.Add(time.Second)), 0)
	p = exchange(t, b, now.Add(time.Second))
	if r := receive(t, c, now, p, 100); string(r.Data) != "panic: oh dear" {
		t.Errorf("got %q", r.Data)
	}
}

func TestBreakHappensOnce(t *testing.T) {
	now := time.Unix(0, 0)
	c := New(Config{Role: Console, MaxData: 100, RetryInterval: time.Second})
	b := New(Config{Role: BMC, MaxData: 100})
	c.Do(SendBreak)
	p := exchange(t, c, now)
	if r := receive(t, b, now, p, 100); r.Flags&SendBreak == 0 {
		t.Error("no break")
	}
	if r := receive(t, b, now, p, 100); r.Flags&SendBreak != 0 {
		t.Error("a second break for the same packet")
	}
	receive(t, c, now, exchange(t, b, now), 100)
	if !c.Idle() {
		t.Error("the break was not acknowledged")
	}
}

func TestPushDoesNotWaitForCompany(t *testing.T) {
	now := time.Unix(0, 0)
	b := New(Config{Role: BMC, MaxData: 100, Accumulate: time.Second, Threshold: 96})
	b.Write(now, []byte("a"))
	if p, _ := b.Poll(now); p != nil {
		t.Error("sent before the time")
	}
	b.Push()
	if p := exchange(t, b, now); string(p.Data) != "a" {
		t.Errorf("sent %+v", p)
	}
}

// A packet that the other end gave up, or repeats under another number, leaves a gap; what is late
// is behind.
func TestNumbersAheadAreNew(t *testing.T) {
	now := time.Unix(0, 0)
	b := New(Config{Role: BMC, MaxData: 100})
	receive(t, b, now, Packet{Sequence: 14, Data: []byte("a")}, 100)
	if r := receive(t, b, now, Packet{Sequence: 14, Data: []byte("a")}, 100); !r.Again ||
		len(r.Data) != 0 {
		t.Errorf("a retry brought %+v", r)
	}
	if r := receive(t, b, now, Packet{Sequence: 2, Data: []byte("b")}, 100); string(r.Data) !=
		"b" || r.Again {
		t.Errorf("a packet ahead brought %+v", r)
	}
	late, _ := Packet{Sequence: 15, Data: []byte("c")}.AppendBinary(nil)
	if r, err := b.Receive(now, late, 100); !errors.Is(err, ErrStray) {
		t.Errorf("a late packet brought %+v, %v", r, err)
	}
}

func TestBMCTellsOfPowerByNACK(t *testing.T) {
	b := New(Config{Role: BMC, MaxData: 100})
	b.Hold(Unavailable)
	if p := exchange(t, b, time.Unix(0, 0)); p.Sequence != 0 || p.Flags != NACK|Unavailable {
		t.Errorf("told by %+v", p)
	}
}

func FuzzStream(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 'h', 'i'}, []byte{0, 1, 5, 0}, 10)
	f.Add([]byte{2, 1, 0xff, 0x7f}, []byte{1, 1, 0, 0x40}, 0)
	f.Fuzz(func(t *testing.T, a, b []byte, room int) {
		for _, role := range []Role{Console, BMC} {
			now := time.Unix(0, 0)
			s := New(Config{Role: role, MaxData: 4})
			s.Write(now, []byte("hello"))
			s.Poll(now)
			for _, p := range [][]byte{a, b, a, b, b, a} {
				if r, err := s.Receive(now, p, room); err == nil && len(r.Data) > max(room, 0) {
					t.Fatalf("%d characters for a room of %d", len(r.Data), room)
				}
				for range 10 {
					if x, _ := s.Poll(now); x == nil {
						break
					}
				}
				now = now.Add(time.Second)
			}
		}
	})
}

// A packet without characters is sent again, and given up when nobody acknowledges it.
func TestProbeIsGivenUp(t *testing.T) {
	s := New(Config{Role: Console, MaxData: 10, RetryInterval: time.Second})
	now := time.Unix(0, 0)
	s.Probe()
	if p := exchange(t, s, now); p.Sequence != 1 || len(p.Data) != 0 {
		t.Errorf("%+v", p)
	}
	s.Write(now, []byte("x"))
	for range probeRetries {
		now = now.Add(time.Second)
		if p := exchange(t, s, now); p.Sequence != 1 {
			t.Errorf("%+v", p)
		}
	}
	now = now.Add(time.Second)
	if p := exchange(t, s, now); p.Sequence != 2 || string(p.Data) != "x" {
		t.Errorf("%+v", p)
	}
}
