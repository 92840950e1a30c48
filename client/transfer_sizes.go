package client

import "sync"

// transferSizes are how much data a BMC was found to send in one response. They belong to the
// session, so that each is found out only once.
type transferSizes struct {
	mu      sync.Mutex
	sdrPart int   // 1 + index of sdrParts; 0: whole records, as far as is known
	pieces  []int // of fruPieces, those that were not refused; nil: not known
}

func (s *Session) ownTransferSizes() *transferSizes { return &s.transferSizes }

// transferSizesOf returns those of a session, or new ones for another Conn.
func transferSizesOf(c Conn) *transferSizes {
	if h, ok := c.(transferSizer); ok {
		return h.ownTransferSizes()
	}
	return new(transferSizes)
}

// part returns the index of the part of sensor records that the BMC gives, if it does not give
// whole ones.
func (h *transferSizes) part() (i int, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return max(h.sdrPart-1, 0), h.sdrPart > 0
}

func (h *transferSizes) setPart(i int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sdrPart = i + 1
}

// fruPieces returns the sizes of pieces of FRU devices to try, and whether the first is known to be
// right.
func (h *transferSizes) fruPieces() (pieces []int, proven bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pieces == nil {
		return fruPieces[:], false
	}
	return h.pieces, true
}

func (h *transferSizes) setFRUPieces(pieces []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pieces = pieces
}
