package client

import (
	"time"

	"lom/rmcp"
)

// How many requests of a session may be in flight. There are 64 sequence numbers for them (rqSeq).
// But a BMC takes a packet only if its session sequence number is at most 15 ahead of the last one
// it received (§6.12.14), in IPMI 1.5 at most 8 (§6.12.11). When all packets in flight are lost,
// the retransmissions must stay within that, or the session is lost too. So the window is smaller
// by the number of retransmissions that this leaves.
const (
	maxWindow20 = 10
	maxWindow15 = 4
	maxPinned   = rmcp.MaxSeq - maxOverdue // some numbers are left for overdue requests
)

// maxWindow is the largest congestion window of sessions over an interface.
func maxWindow(i Interface) int {
	if i == LAN {
		return maxWindow15
	}
	return maxWindow20
}

// A congestionWindow limits the requests in flight to what the BMC takes; the specification
// promises no more than two. It starts at 1, grows by one after each window full of answers that
// came in order and in time (additive increase), and is halved on a loss (multiplicative decrease).
//
// A BMC with room for n requests drops the next one, or answers that it is busy. So a size at which
// a request was lost, or whose throughput was no better than that of the size below, puts the
// ceiling below itself. It is tried again after many answers without a loss. When it fails again,
// the ceiling is final.
type congestionWindow struct {
	limit   int // the largest size ever: the protocol's limit, or what was learnt
	ceiling int // the largest size for now, at most limit
	size    int
	pinned  bool
	learnt  bool // limit was learnt from the BMC

	failedSize int // the size that failed last
	failures   int // how often in succession
	sinceLoss  int // answers since the last failure

	fullAnswers int           // answers to requests that filled the window, since it changed
	minRTT      time.Duration // the shortest RTT among them
	lastMinRTT  time.Duration // the same at the size below
	lastHalved  time.Time
}

// newCongestionWindow returns a window with the protocol's limit. A pin over 0 fixes its size; a
// hint over 0 is a limit that was learnt earlier.
func newCongestionWindow(limit, pin, hint int) congestionWindow {
	switch {
	case pin > 0:
		return congestionWindow{limit: pin, ceiling: pin, size: pin, pinned: true}
	case hint > 0:
		hint = min(hint, limit)
		return congestionWindow{limit: hint, ceiling: hint, size: hint, learnt: true}
	}
	return congestionWindow{limit: limit, ceiling: limit, size: 1}
}

// restart starts again from 1 after a log-in. What was learnt of the BMC stays.
func (c *congestionWindow) restart() {
	if !c.pinned {
		c.size, c.fullAnswers, c.minRTT, c.lastMinRTT = 1, 0, 0, 0
	}
}

// onAnswer notes an answer in time, with its round-trip time, to a request that was sent as the
// flightSize-th in flight.
func (c *congestionWindow) onAnswer(flightSize int, rtt time.Duration) {
	if c.pinned {
		return
	}
	c.sinceLoss++
	if flightSize < c.size {
		return // the window was not full
	}
	if c.minRTT == 0 || rtt < c.minRTT {
		c.minRTT = max(rtt, 1)
	}
	if c.fullAnswers++; c.fullAnswers < c.size {
		return
	}
	n := c.size
	if n > 2 && c.lastMinRTT > 0 && !throughputGains(n, c.minRTT, c.lastMinRTT) {
		c.lowerCeiling(n)
		c.size, c.fullAnswers, c.minRTT = n-1, 0, 0
		return
	}
	if n == c.failedSize {
		c.failedSize, c.failures = 0, 0
	}
	c.lastMinRTT, c.fullAnswers, c.minRTT = c.minRTT, 0, 0
	const calmWindows = 16 // windows full of answers before a size that failed is tried again
	if n == c.ceiling && n < c.limit && c.sinceLoss >= calmWindows*n {
		c.ceiling++
	}
	if n < c.ceiling {
		c.size++
	} else if n == c.limit && c.failures == 0 {
		c.learnt = true
	}
}

// throughputGains reports whether n requests in flight with an RTT of now have more throughput than
// n-1 with one of before: by at least a quarter of the gain if the BMC worked on all of them in
// parallel.
func throughputGains(n int, now, before time.Duration) bool {
	return float64(n)/float64(now) >= float64(n-1)/float64(before)*(1+0.25/float64(n-1))
}

// onLoss notes the loss, or the refusal by a busy BMC, of a request that was sent at the given time
// as the flightSize-th in flight. One that was sent before the window was last halved is part of
// the same loss.
func (c *congestionWindow) onLoss(sent time.Time, flightSize int, now time.Time) {
	if c.halve(sent, now) {
		c.lowerCeiling(flightSize)
		c.size = min(c.size, c.ceiling)
	}
}

// halve halves the window, at most once per window of data: not for a request that was sent before
// the last time. It reports whether it did. Reordered answers only halve: they are no evidence of
// how many requests the BMC takes.
func (c *congestionWindow) halve(sent, now time.Time) bool {
	if c.pinned || !sent.After(c.lastHalved) {
		return false
	}
	c.lastHalved = now
	c.size = max(c.size/2, 1)
	c.fullAnswers, c.minRTT, c.lastMinRTT = 0, 0, 0
	return true
}

// lowerCeiling notes that a size failed. At the second time in succession it becomes final.
func (c *congestionWindow) lowerCeiling(size int) {
	c.sinceLoss = 0
	if size < 2 {
		return // one request in flight is never too many
	}
	if c.failedSize != size {
		c.failedSize, c.failures = size, 0
	}
	c.ceiling = min(c.ceiling, size-1)
	if c.failures++; c.failures >= 2 {
		c.limit, c.learnt = min(c.limit, size-1), true
	}
}
