//go:build !race

package rack

const raceDetector = false
