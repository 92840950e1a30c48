package client

import (
	"math/rand/v2"
	"time"
)

// patience says how long an answer is waited for, and when its request is sent again meanwhile.
type patience struct {
	first time.Duration // the first wait
	grow  time.Duration // by which each wait is longer than the one before
	tries int           // waits
	rto   time.Duration // 0, or the retransmission time-out that was measured
	once  bool          // nothing is sent again

	maxRTO time.Duration // which it may double to
}

// Limits of the retransmission time-out, where WithRetryTimer sets no others. A BMC now and then
// needs a quarter of a second for one command.
const (
	minRTO = 250 * time.Millisecond
	maxRTO = 4 * time.Second
)

// total is the time after which there is no hope.
func (p patience) total() time.Duration {
	n := time.Duration(p.tries)
	return n*p.first + p.grow*n*(n-1)/2
}

// wait returns how long to wait after the packet was sent for the n-th time, counted from 0, and
// whether it is to be sent for the n-th time at all. Without a measurement these are the waits of
// ipmitool's -N and -R; with one, they begin with what was measured, double up to the limit, and
// last as long altogether.
func (p patience) wait(n int) (time.Duration, bool) {
	if p.rto == 0 || p.once {
		return p.first + time.Duration(n)*p.grow, n < p.tries
	}
	left, wait := p.total(), p.rto
	for range n {
		left -= wait
		if left <= 0 {
			return 0, false
		}
		wait = min(2*wait, max(p.maxRTO, p.rto))
	}
	return min(wait, left), true
}

// atLeast makes the first wait as long as wait, but no longer than most, with fewer tries so that
// there is hope for no more than twice as long.
func (p patience) atLeast(wait, most time.Duration) patience {
	wait = min(wait, most)
	if p.rto > 0 {
		p.rto = max(p.rto, wait)
	}
	p.first = max(p.first, wait)
	for p.tries > 1 && p.total() > 2*most {
		p.tries--
	}
	return p
}

// jitter makes d longer by up to a quarter, so that many sessions do not send again at the same
// moment. It never makes it shorter: an answer that comes in time must find its request waiting.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return d + rand.N(d/4+1)
}

// roundTrip is the measured round-trip time, smoothed as RFC 6298 does.
type roundTrip struct {
	smooth, deviation time.Duration
	known             bool
}

// sample takes one measurement, of a request that was sent once only.
func (r *roundTrip) sample(d time.Duration) {
	if !r.known {
		r.smooth, r.deviation, r.known = d, d/2, true
		return
	}
	r.deviation += ((r.smooth - d).Abs() - r.deviation) / 4
	r.smooth += (d - r.smooth) / 8
}

// most is the longest that an answer takes as far as the measurements tell. Where a BMC serves one
// request after the other, the round trip grows with the window, up to twofold when that grows from
// one to two: hence twice the smoothed one, so that the window does not make its own time-outs.
func (r *roundTrip) most() time.Duration { return 2*r.smooth + 4*r.deviation }

// rto returns the retransmission time-out within limits, 0 if nothing was measured.
func (r *roundTrip) rto(floor, ceiling time.Duration) time.Duration {
	if !r.known {
		return 0
	}
	return min(max(r.most(), floor), ceiling)
}

// A doubt is about a request that was answered after it had been sent again: which of its packets
// was answered? If another answer comes, it was the first one, and the time-out was too short (as
// in RFC 3522).
type doubt struct {
	seq, cmd uint8
	took     time.Duration // from the first packet on; 0: no doubt
}
