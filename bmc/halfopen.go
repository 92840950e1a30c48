package bmc

import (
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// Limits of the log-ins that are not proved yet. All BMCs of a [Mux] share them.
const (
	maxHalfOpen = 16384 // about 3.5 MB when all are in use
	// of a source at a BMC; whoever has more loses one before others do
	halfOpenShare = 64
	halfOpenTime  = 30 * time.Second // a log-in may take
	halfOpenDraws = 32               // of which the worst makes room
)

// halfOpens are the log-ins whose user has not proved the password yet. A session slot is taken
// only by a client that shows knowledge of a password, so anybody can begin a log-in, and under any
// address: §6.12a asks that this keeps nobody out. An entry is therefore small and there are
// thousands, in memory that is there only while they are. If there are too many, the oldest of the
// source with most goes first, or, if no source has more than its share, as when addresses are
// forged, the oldest of all: at 10,000 a second, one that is 1.6 s old.
//
// Its lock is taken with a BMC's lock held.
type halfOpens struct {
	mu      sync.Mutex
	entries []halfOpen
	byID    map[uint32]int    // index of entries
	sources map[uint64]uint32 // how many entries they have
	seed    maphash.Seed
	start   time.Time // that the ages of entries count from
	sweeper Timer     // nil if there are no entries
}

// A halfOpen is a log-in that is not proved yet.
type halfOpen struct {
	b      *BMC
	source uint64
	since  time.Duration
	id     uint32
	v15    bool // IPMI 1.5

	challenge challenge
	v20       rmcp.BMCHandshakeState
}

// A challenge is a Get Session Challenge that was answered (§22.16).
type challenge struct {
	authType ipmi.AuthType
	user     uint8
	value    [16]byte
}

// source returns a number for those who have an address in common. Of IPv6 it is the network: a
// host has as many addresses in it as it likes. Nobody else can compute the number.
func (t *halfOpens) source(b *BMC, a netip.Addr) uint64 {
	if a = a.Unmap(); a.Is6() {
		a = netip.PrefixFrom(a, 64).Masked().Addr() // without the zone
	}
	return maphash.Comparable(t.seed, struct {
		b *BMC
		a netip.Addr
	}{b, a})
}

// begin notes a log-in at b. Its ID must not be in use.
func (t *halfOpens) begin(b *BMC, from netip.Addr, h halfOpen) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := b.clock.Now()
	if t.entries == nil {
		t.byID, t.sources, t.seed, t.start = map[uint32]int{}, map[uint64]uint32{},
			maphash.MakeSeed(), now
	}
	if len(t.entries) >= maxHalfOpen {
		t.makeRoom()
	}
	h.b, h.source, h.since = b, t.source(b, from), now.Sub(t.start)
	t.byID[h.id] = len(t.entries)
	t.entries = append(t.entries, h)
	t.sources[h.source]++
	if t.sweeper == nil {
		t.sweepLater(b.clock)
	}
}

// has reports whether an ID is in use.
func (t *halfOpens) has(id uint32) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.byID[id]
	return ok
}

// find returns a log-in at b.
func (t *halfOpens) find(b *BMC, id uint32) (h halfOpen, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, ok := t.byID[id]
	if !ok || t.entries[i].b != b || b.clock.Now().Sub(t.start)-t.entries[i].since >= halfOpenTime {
		return halfOpen{}, false
	}
	return t.entries[i], true
}

// update changes the state of an IPMI 2.0 log-in, if it is still there.
func (t *halfOpens) update(id uint32, s rmcp.BMCHandshakeState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i, ok := t.byID[id]; ok {
		t.entries[i].v20 = s
	}
}

// end forgets a log-in.
func (t *halfOpens) end(id uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i, ok := t.byID[id]; ok {
		t.remove(i)
	}
}

// endIf forgets the log-ins of which f is true.
func (t *halfOpens) endIf(f func(*halfOpen) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.removeIf(f)
}

// len returns how many log-ins there are at all BMCs.
func (t *halfOpens) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.entries)
}

// makeRoom removes the worst of some entries that are drawn at random. One that is younger than
// half of the others goes once in 2³² times.
func (t *halfOpens) makeRoom() {
	worst := rand.IntN(len(t.entries))
	for range halfOpenDraws - 1 {
		i := rand.IntN(len(t.entries))
		a, b := &t.entries[i], &t.entries[worst]
		of, most := max(t.sources[a.source], halfOpenShare), max(t.sources[b.source], halfOpenShare)
		if of > most || of == most && a.since < b.since {
			worst = i
		}
	}
	t.remove(worst)
}

// remove removes an entry; the last takes its place.
func (t *halfOpens) remove(i int) {
	h, last := t.entries[i], len(t.entries)-1
	delete(t.byID, h.id)
	if t.sources[h.source]--; t.sources[h.source] == 0 {
		delete(t.sources, h.source)
	}
	if i != last {
		t.entries[i] = t.entries[last]
		t.byID[t.entries[i].id] = i
	}
	t.entries[last] = halfOpen{}
	t.entries = t.entries[:last]
}

func (t *halfOpens) removeIf(f func(*halfOpen) bool) {
	for i := len(t.entries) - 1; i >= 0; i-- {
		if f(&t.entries[i]) {
			t.remove(i)
		}
	}
}

// sweepLater sees to it that the memory of what ran out is given back.
func (t *halfOpens) sweepLater(c Clock) {
	t.sweeper = c.AfterFunc(halfOpenTime, func() { t.sweep(c) })
}

func (t *halfOpens) sweep(c Clock) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweeper = nil
	now := c.Now().Sub(t.start)
	t.removeIf(func(h *halfOpen) bool { return now-h.since >= halfOpenTime })
	if n := len(t.entries); n == 0 {
		t.entries, t.byID, t.sources = nil, nil, nil
		return
	} else if n < cap(t.entries)/4 { // a flood is over
		byID, sources := make(map[uint32]int, n), map[uint64]uint32{}
		for i := range t.entries {
			byID[t.entries[i].id] = i
			sources[t.entries[i].source]++
		}
		t.entries, t.byID, t.sources = append([]halfOpen(nil), t.entries...), byID, sources
	}
	t.sweepLater(c)
}
