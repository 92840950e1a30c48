//go:build race

package rack

// raceDetector: programs are ten times as slow under it, and sessions that wait a minute for their
// turn end.
const raceDetector = true
