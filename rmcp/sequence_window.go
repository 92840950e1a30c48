package rmcp

// A sequenceWindow decides which sequence numbers are accepted. It remembers the highest number
// that was accepted and which of those shortly before it were (§6.12.11, §6.12.14, Appendix A). The
// comparison wraps: 0 comes after FFFFFFFFh.
type sequenceWindow struct {
	highest       uint32
	seen          uint32 // bit n: highest-n was accepted
	back, forward uint32
}

// newSequenceWindow15 returns the window of an IPMI 1.5 session whose first packet has the number
// first. Some BMCs begin with the number after it. No number before it is accepted.
func newSequenceWindow15(first uint32) sequenceWindow {
	return sequenceWindow{highest: first, seen: ^uint32(1), back: 8, forward: 8}
}

// newSequenceWindow20 returns the window of an RMCP+ session, whose first packet has the number 1.
func newSequenceWindow20() sequenceWindow {
	return sequenceWindow{highest: 0, seen: ^uint32(0), back: 16, forward: 15}
}

// fits reports whether n may be accepted.
func (w *sequenceWindow) fits(n uint32) bool {
	if ahead := n - w.highest; ahead != 0 && ahead <= w.forward {
		return true
	}
	behind := w.highest - n
	return behind <= w.back && w.seen>>behind&1 == 0
}

// accept notes n, which fits.
func (w *sequenceWindow) accept(n uint32) {
	if ahead := n - w.highest; ahead != 0 && ahead <= w.forward {
		w.seen = w.seen<<ahead | 1
		w.highest = n
		return
	}
	w.seen |= 1 << (w.highest - n)
}

// counter counts packets that are sent. 0 is never used.
type counter uint32

// next returns the number of the next packet.
func (c *counter) next() uint32 {
	n := uint32(*c)
	*c++
	if *c == 0 {
		*c = 1
	}
	return n
}

// behind returns by how much n is less than the highest number seen, 0 if it is not.
func (w *sequenceWindow) behind(n uint32) uint32 {
	if d := w.highest - n; d < 1<<31 {
		return d
	}
	return 0
}
