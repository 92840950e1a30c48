package rmcp

// window tells which sequence numbers may be accepted. It remembers the highest number that was
// accepted and which of those shortly before it were (§6.12.11, §6.12.14, Appendix A).
// The comparison wraps: 0 comes after FFFFFFFFh.
type window struct {
	highest       uint32
	seen          uint32 // bit n: highest-n was accepted
	back, forward uint32
}

// newWindow15 returns the window of an IPMI 1.5 session whose first packet has the number first.
// Some BMCs begin with the number after it. No number before it is accepted.
func newWindow15(first uint32) window {
	return window{highest: first, seen: ^uint32(1), back: 8, forward: 8}
}

// newWindow20 returns the window of an RMCP+ session, whose first packet has the number 1.
func newWindow20() window {
	return window{highest: 0, seen: ^uint32(0), back: 16, forward: 15}
}

// fits reports whether n may be accepted.
func (w *window) fits(n uint32) bool {
	if ahead := n - w.highest; ahead != 0 && ahead <= w.forward {
		return true
	}
	behind := w.highest - n
	return behind <= w.back && w.seen>>behind&1 == 0
}

// accept notes n, which fits.
func (w *window) accept(n uint32) {
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
func (w *window) behind(n uint32) uint32 {
	if d := w.highest - n; d < 1<<31 {
		return d
	}
	return 0
}
