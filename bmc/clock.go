package bmc

import "time"

// A Clock returns the time and calls timers. Its timers cost no goroutine while they wait, so that
// ten thousand BMCs may have a few each.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f on a goroutine of its own after d.
	AfterFunc(d time.Duration, f func()) Timer
}

// A Timer is a call that a Clock will make.
type Timer interface {
	// Stop keeps the call from being made; it reports false if the call was begun or stopped
	// before.
	Stop() bool
}

// SystemClock is the clock of the machine, and of the bubble in a test of testing/synctest.
type SystemClock struct{}

// Now returns the present time.
func (SystemClock) Now() time.Time { return time.Now() }

// AfterFunc calls f after d.
func (SystemClock) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
