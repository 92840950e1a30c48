package client

import (
	"time"

	"lom/rmcp"
)

// How many requests of a session may be under way at the same time. There are 64 sequence numbers
// for them (rqSeq), but a BMC takes a packet only if its session sequence number is at most 15
// ahead of the last one it got (§6.12.14), in IPMI 1.5 at most 8 (§6.12.11). When the line is cut
// and all that is under way is lost, what is sent again must not be beyond, or the session is lost
// too: the difference is how often it may be tried.
const (
	maxWindow20 = 10
	maxWindow15 = 4
	maxPinned   = rmcp.MaxSeq - maxLagging // a few numbers are left to requests that are overdue
)

// maxWindow is the widest window of sessions over an interface.
func maxWindow(i Interface) int {
	if i == LAN {
		return maxWindow15
	}
	return maxWindow20
}

// congestion finds out how many requests a BMC takes at a time. The specification promises room for
// two. The window begins at 1 and, after a round of answers that came in order and in time, is one
// wider; it is halved when something goes wrong.
//
// A BMC with room for n requests loses the one after, or says that it is busy. So each width is a
// trial: a width that went wrong, or that brought no more answers a second than the one before,
// becomes the ceiling; it is tried again after a long calm, and when it goes wrong again, never.
type congestion struct {
	most    int // what may ever be under way: the protocol's limit, or what was found out
	ceiling int // the limit for now, at most most
	size    int
	pinned  bool
	learnt  bool // most was found out

	failed  int // the width whose trial went wrong
	strikes int // how often in succession it did
	calm    int // answers since then

	round    int           // answers to requests that filled the window
	best     time.Duration // the shortest round trip among them
	previous time.Duration // the same of the width below
	shrunk   time.Time
}

// newCongestion returns a window for a limit of the protocol: pinned to a size, or with a ceiling
// that was learnt earlier, or neither.
func newCongestion(limit, pin, hint int) congestion {
	switch {
	case pin > 0:
		return congestion{most: pin, ceiling: pin, size: pin, pinned: true}
	case hint > 0:
		hint = min(hint, limit)
		return congestion{most: hint, ceiling: hint, size: hint, learnt: true}
	}
	return congestion{most: limit, ceiling: limit, size: 1}
}

// restart begins anew after a log-in, and keeps what was found out.
func (c *congestion) restart() {
	if !c.pinned {
		c.size, c.round, c.best, c.previous = 1, 0, 0, 0
	}
}

// answered notes an answer in time to a request that was the depth-th under way, after the given
// round trip.
func (c *congestion) answered(depth int, rtt time.Duration) {
	if c.pinned {
		return
	}
	c.calm++
	if depth < c.size {
		return // nobody used the window up
	}
	if c.best == 0 || rtt < c.best {
		c.best = max(rtt, 1)
	}
	if c.round++; c.round < c.size {
		return
	}
	n := c.size
	if n > 2 && c.previous > 0 && !gains(n, c.best, c.previous) {
		c.fail(n)
		c.size, c.round, c.best = n-1, 0, 0
		return
	}
	if n == c.failed {
		c.failed, c.strikes = 0, 0
	}
	c.previous, c.round, c.best = c.best, 0, 0
	const patience = 16 // rounds of calm before a width that went wrong is tried again
	if n == c.ceiling && n < c.most && c.calm >= patience*n {
		c.ceiling++
	}
	if n < c.ceiling {
		c.size++
	} else if n == c.most && c.strikes == 0 {
		c.learnt = true
	}
}

// gains reports whether n requests in a round trip of now bring more answers a second than n-1 in
// one of before: at least a quarter of what they would bring if the BMC worked on all of them at
// once.
func gains(n int, now, before time.Duration) bool {
	return float64(n)/float64(now) >= float64(n-1)/float64(before)*(1+0.25/float64(n-1))
}

// trouble notes that a request was lost or turned away, which had been sent as the depth-th under
// way. What was sent before the window shrank is no new trouble.
func (c *congestion) trouble(sent time.Time, depth int, now time.Time) {
	if c.halve(sent, now) {
		c.fail(depth)
		c.size = min(c.size, c.ceiling)
	}
}

// halve makes the window half as wide, unless what is the matter, with a request that was sent at
// the given time, has made it already. For answers in disorder that is all: they say nothing of
// what the BMC takes.
func (c *congestion) halve(sent, now time.Time) bool {
	if c.pinned || !sent.After(c.shrunk) {
		return false
	}
	c.shrunk = now
	c.size = max(c.size/2, 1)
	c.round, c.best, c.previous = 0, 0, 0
	return true
}

// fail notes that a width went wrong.
func (c *congestion) fail(width int) {
	c.calm = 0
	if width < 2 {
		return // one at a time is never too many
	}
	if c.failed != width {
		c.failed, c.strikes = width, 0
	}
	c.ceiling = min(c.ceiling, width-1)
	if c.strikes++; c.strikes >= 2 {
		c.most, c.learnt = min(c.most, width-1), true
	}
}
