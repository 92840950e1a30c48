//go:build race

package bmc

// raceDetector: a sync.Pool forgets at random under it, and so costs allocations.
const raceDetector = true
