//go:build !race

package bmc

const raceDetector = false
