package client

import (
	"math/rand/v2"
	"time"
)

// A retrySchedule says when a request without an answer is retransmitted, and when it fails.
type retrySchedule struct {
	first time.Duration // the first timeout
	grow  time.Duration // by which each timeout is longer than the one before
	tries int           // timeouts until the request fails
	rto   time.Duration // the measured RTO, which replaces first and grow; 0: none
	once  bool          // there is no retransmission

	maxRTO time.Duration // the limit of exponential backoff
}

// Default limits of the RTO; see WithRetryTimer. A BMC now and then needs a quarter of a second for
// one command.
const (
	minRTO = 250 * time.Millisecond
	maxRTO = 4 * time.Second
)

// total is the time from the first packet after which the request fails.
func (p retrySchedule) total() time.Duration {
	n := time.Duration(p.tries)
	return n*p.first + p.grow*n*(n-1)/2
}

// wait returns the timeout after the n-th transmission, counted from 0, and whether there is an
// n-th transmission. Without a measured RTO these are the timeouts of ipmitool's -N and -R. With
// one, the first is the RTO and each is twice the one before (exponential backoff, RFC 6298 §5.5),
// up to maxRTO. The total is the same.
func (p retrySchedule) wait(n int) (time.Duration, bool) {
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

// atLeast makes the first timeout at least wait, but at most most, and takes away tries until the
// total is at most twice most.
func (p retrySchedule) atLeast(wait, most time.Duration) retrySchedule {
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

// jitter lengthens d by up to a quarter, so that many sessions do not retransmit at the same
// moment. It never shortens it, because an answer in time must find its request waiting.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return d + rand.N(d/4+1)
}

// An rttEstimator smooths the measured round-trip times as in RFC 6298 §2.
type rttEstimator struct {
	srtt, rttvar time.Duration
	known        bool
}

// sample adds the round-trip time of a request that was sent only once (Karn's algorithm).
func (r *rttEstimator) sample(d time.Duration) {
	if !r.known {
		r.srtt, r.rttvar, r.known = d, d/2, true
		return
	}
	r.rttvar += ((r.srtt - d).Abs() - r.rttvar) / 4
	r.srtt += (d - r.srtt) / 8
}

// bound is the longest round-trip time to expect. It is 2*SRTT + 4*RTTVAR, with one SRTT more than
// RFC 6298: where a BMC serves one request after the other, the RTT doubles when the congestion
// window grows from one to two, which must not cause timeouts.
func (r *rttEstimator) bound() time.Duration { return 2*r.srtt + 4*r.rttvar }

// rto returns the RTO within the limits, or 0 if nothing was measured.
func (r *rttEstimator) rto(floor, ceiling time.Duration) time.Duration {
	if !r.known {
		return 0
	}
	return min(max(r.bound(), floor), ceiling)
}

// An ambiguity is a request that was answered after a retransmission: it is not known which of its
// packets was answered. If another answer comes, the first packet was not lost, and the
// retransmission was spurious (as in RFC 3522).
type ambiguity struct {
	seq, cmd uint8
	took     time.Duration // since the first packet; 0: no ambiguity
}
