package client

import "sync"

// habits are what procedures found out of how much a BMC sends at a time. They last as long as the
// session, so that it is found out once.
type habits struct {
	mu      sync.Mutex
	sdrPart int   // 1 + index of sdrParts; 0: whole records, as far as is known
	pieces  []int // of fruPieces, those that were not refused; nil: not known
}

func (s *Session) ownHabits() *habits { return &s.habits }

// habitsOf returns those of a session, and new ones for other connections.
func habitsOf(c Conn) *habits {
	if h, ok := c.(habitual); ok {
		return h.ownHabits()
	}
	return new(habits)
}

// part returns the index of the part of sensor records that the BMC gives, if it does not give
// whole ones.
func (h *habits) part() (i int, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return max(h.sdrPart-1, 0), h.sdrPart > 0
}

func (h *habits) setPart(i int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sdrPart = i + 1
}

// fruPieces returns the sizes of pieces of FRU devices to try, and whether the first is known to be
// right.
func (h *habits) fruPieces() (pieces []int, proven bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pieces == nil {
		return fruPieces[:], false
	}
	return h.pieces, true
}

func (h *habits) setFRUPieces(pieces []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pieces = pieces
}
