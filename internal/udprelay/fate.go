package udprelay

import (
	"math/rand/v2"
	"sync"
	"time"
)

// fates decides what becomes of packets.
type fates struct {
	mu     sync.Mutex
	faults Faults
	rng    *rand.Rand
}

// A fate is what becomes of a packet: which ones, of their own memory, are passed on, and when.
type fate struct {
	packets [][]byte
	wait    time.Duration
	held    bool // others may overtake it
}

func newFates(f Faults) *fates {
	return &fates{faults: f, rng: rand.New(rand.NewPCG(f.Seed, 1))}
}

// set changes what is decided from now on.
func (f *fates) set(s Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = s
}

// of decides on one packet.
func (f *fates) of(b []byte) fate {
	f.mu.Lock()
	s := f.faults
	// All numbers are drawn for each packet, so that one fault does not move the others.
	lost, double, turned, held := f.rng.Float64() < s.Loss, f.rng.Float64() < s.Duplicate,
		f.rng.Float64() < s.Corrupt, f.rng.Float64() < s.Reorder
	place := f.rng.IntN(max(1, 8*len(b)))
	f.mu.Unlock()
	if lost {
		return fate{}
	}
	out := append([]byte(nil), b...)
	if turned && len(out) > 0 && !(s.Spare && setsUp(b)) {
		out[place/8] ^= 1 << (place % 8)
	}
	r := fate{packets: [][]byte{out}, wait: s.Delay, held: held}
	if held {
		hold := s.Hold
		if hold == 0 {
			hold = max(4*s.Delay, 4*time.Millisecond)
		}
		r.wait += hold
	}
	if double {
		r.packets = append(r.packets, out)
	}
	return r
}

// setsUp reports whether an RMCP packet sets up a session: of IPMI 1.5, it has no session ID or no
// sequence number yet; of RMCP+, it is an Open Session or RAKP message.
func setsUp(b []byte) bool {
	const rmcpPlus = 6
	switch {
	case len(b) < 16:
		return true
	case b[4] == rmcpPlus:
		return b[5]&0x3f >= 0x10 && b[5]&0x3f <= 0x15
	}
	return [4]byte(b[5:9]) == [4]byte{} || [4]byte(b[9:13]) == [4]byte{}
}
