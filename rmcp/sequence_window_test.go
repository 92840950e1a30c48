package rmcp

import (
	"testing"

	"pgregory.net/rapid"
)

// TestWindowAppendixA goes through the example of Appendix A.
func TestWindowAppendixA(t *testing.T) {
	w := newSequenceWindow15(40)
	w.accept(40) // it takes the number of Activate Session as received
	for _, step := range []struct {
		n    uint32
		fits bool
	}{{41, true}, {44, true}, {39, false}, {42, true}, {42, false}, {43, true}, {44, false},
		{53, false}, {52, true}, {44, false}, {45, true}} {
		if w.fits(step.n) != step.fits {
			t.Fatalf("%d fits: %v", step.n, !step.fits)
		}
		if step.fits {
			w.accept(step.n)
		}
	}
}

func TestWindow20(t *testing.T) {
	w := newSequenceWindow20()
	for n, want := range map[uint32]bool{0: false, 1: true, 15: true, 16: false, 0xffffffff: false,
		0xfffffff0: false} {
		if w.fits(n) != want {
			t.Errorf("at the start %d fits: %v", n, !want)
		}
	}
	for n := uint32(1); n < 100; n++ {
		if n != 50 {
			w.accept(n)
		}
		if back := n - 50; n > 50 && w.fits(50) != (back <= 16) {
			t.Errorf("50 fits when the highest is %d: %v", n, back > 16)
		}
	}
}

// TestWindowModel compares both windows with a model that remembers everything, across the wrap.
func TestWindowModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.SampledFrom([]uint32{1, 1000, 0xfffffff8}).Draw(t, "first")
		w := newSequenceWindow15(first)
		forward, back := int64(8), int64(8)
		highest := int64(0) // relative to first
		seen := map[int64]bool{}
		if rapid.Bool().Draw(t, "RMCP+") {
			first, w = 0, newSequenceWindow20()
			forward, back = 15, 16
			seen[0] = true
		}
		for range rapid.IntRange(1, 200).Draw(t, "packets") {
			n := highest + int64(rapid.IntRange(-30, 30).Draw(t, "step"))
			want := n >= 0 && !seen[n] && n <= highest+forward && n >= highest-back
			if got := w.fits(first + uint32(n)); got != want {
				t.Fatalf("%d when the highest is %d: %v", n, highest, got)
			}
			if want {
				w.accept(first + uint32(n))
				seen[n] = true
				highest = max(highest, n)
			}
		}
	})
}

func TestCounterSkipsZero(t *testing.T) {
	c := counter(0xfffffffe)
	for _, want := range []uint32{0xfffffffe, 0xffffffff, 1, 2} {
		if n := c.next(); n != want {
			t.Errorf("%x, want %x", n, want)
		}
	}
}

func TestWindowBehind(t *testing.T) {
	w := newSequenceWindow20()
	w.accept(1)
	w.accept(10)
	for n, want := range map[uint32]uint32{10: 0, 11: 0, 9: 1, 3: 7, 2: 8, 0xffffffff: 11} {
		if got := w.behind(n); got != want {
			t.Errorf("%d is %d behind, want %d", n, got, want)
		}
	}
}
