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
}

// Limits of the retransmission time-out. A BMC now and then needs a quarter of a second for one command.
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
// ipmitool's -N and -R; with one, they begin with what was measured and double, and last as long altogether.
func (p patience) wait(n int) (time.Duration, bool) {
	if p.rto == 0 || p.once {
		return p.first + time.Duration(n)*p.grow, n < p.tries
	}
	const doublings = 20 // far beyond any total
	n = min(n, doublings)
	before := p.rto<<n - p.rto
	return min(p.rto<<n, p.total()-before), before < p.total()
}

// jitter changes d by up to an eighth, so that many sessions do not send again at the same moment.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return d - d/8 + rand.N(d/4+1)
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

// rto returns the retransmission time-out, 0 if nothing was measured.
func (r *roundTrip) rto() time.Duration {
	if !r.known {
		return 0
	}
	return min(max(r.smooth+4*r.deviation, minRTO), maxRTO)
}

// maxInFlight is the most requests of a session that are under way at the same time. The specification
// promises room for two; what the BMC can take beyond is found out.
const maxInFlight = 8

// congestion is the window of requests under way: it grows by one for each window of answers, and
// halves when one is lost or the BMC is busy.
type congestion struct {
	size   float64
	shrunk time.Time
}

// limit returns how many requests may be under way.
func (c *congestion) limit() int { return max(1, int(c.size)) }

// answered notes an answer in time. full tells that the window was used up.
func (c *congestion) answered(full bool) {
	if full {
		c.size = min(max(c.size, 1)+1/max(c.size, 1), maxInFlight)
	}
}

// trouble notes a loss or a busy BMC. What goes wrong within one round trip is one trouble.
func (c *congestion) trouble(now time.Time, rtt time.Duration) {
	if now.Sub(c.shrunk) < rtt {
		return
	}
	c.shrunk = now
	c.size = max(c.size/2, 1)
}
