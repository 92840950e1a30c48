package bmc

import (
	"math"
	"time"

	"lom/bmc/host"
)

// model is the state of the simulated server that readings follow: a seed that makes servers
// differ, and its power. Readings are a function of it and the time, so nothing has to
// be computed while nobody looks.
type model struct {
	seed    uint64
	still   bool // nothing moves but with the power, and that at once
	power   host.Power
	changed time.Time // when the power last changed
}

// settled is how long after a change of power thresholds mean nothing: fans speed up, rails rise.
const settled = 15 * time.Second

// at returns what an analog sensor measures.
func (m model) at(s *simulated, index int, now time.Time) float64 {
	since := now.Sub(m.changed).Seconds()
	reached := 1.0
	if !m.still && s.lag > 0 && since < 8*s.lag {
		reached = 1 - math.Exp(-math.Max(since, 0)/s.lag)
	}
	running := s.idle + (s.busy-s.idle)*m.load(now) + s.noise*m.wobble(uint64(index), now)
	from, to := s.off, running
	if m.power != host.On {
		from, to = (s.idle+s.busy)/2, s.off
	}
	return from + (to-from)*reached
}

// load returns how busy the server is, 0 to 1: waves of several lengths that differ from server to
// server.
func (m model) load(now time.Time) float64 {
	if m.still {
		return 0.5
	}
	t := float64(now.UnixMilli()) / 1000
	x := 0.4
	for i, wave := range [...]struct {
		period, height float64
	}{{420, 0.12}, {1860, 0.2}, {6780, 0.15}} {
		phase := float64(mix(m.seed+uint64(i))%6283) / 1000
		x += wave.height * math.Sin(2*math.Pi*t/wave.period+phase)
	}
	return math.Max(0, math.Min(1, x))
}

// wobble returns noise from -1 to 1 that changes smoothly.
func (m model) wobble(index uint64, now time.Time) float64 {
	const step = 20 * 1000 // milliseconds
	t := now.UnixMilli()
	n, part := uint64(t/step), float64(t%step)/step
	a, b := m.noise(index, n), m.noise(index, n+1)
	return a + (b-a)*part
}

func (m model) noise(index, n uint64) float64 {
	if m.still {
		return 0
	}
	return float64(mix(m.seed^mix(index+1)^mix(n))>>11)/(1<<52) - 1
}

// mix spreads the bits of x (splitmix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
