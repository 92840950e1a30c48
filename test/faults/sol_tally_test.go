package faults

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// blockSize is the size in characters of a block of numbered.
const blockSize = 8

// numbered returns a text of n blocks, each of which says which it is. It holds no beginning of a
// line, where consoles look for their escape characters.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%07d;", i)
	}
	return b.String()
}

// A tally is what became of a numbered text.
type tally struct {
	// blocks that are missing, there again, behind a later one; pieces that are no blocks
	lost, doubled, late, broken int
}

var blocks = regexp.MustCompile(`[0-9]{7};`)

// count compares what came with the n blocks that were sent.
func count(came string, n int) (c tally) {
	seen, last := make([]bool, n), -1
	end := 0
	for _, at := range blocks.FindAllStringIndex(came, -1) {
		if at[0] != end {
			c.broken++
		}
		end = at[1]
		i, err := strconv.Atoi(came[at[0] : at[1]-1])
		switch {
		case err != nil || i >= n:
			c.broken++
			continue
		case seen[i]:
			c.doubled++
			continue
		case i < last:
			c.late++
		}
		seen[i], last = true, max(last, i)
	}
	if end != len(came) {
		c.broken++
	}
	for _, s := range seen {
		if !s {
			c.lost++
		}
	}
	return c
}

func (c tally) String() string {
	if c == (tally{}) {
		return "all, in order"
	}
	return fmt.Sprintf("%d lost, %d doubled, %d out of order, %d broken", c.lost, c.doubled, c.late,
		c.broken)
}

// What the tests rely on to see a fault sees each kind of fault.
func TestTally(t *testing.T) {
	text := numbered(10)
	block := func(i int) string { return text[i*blockSize : (i+1)*blockSize] }
	for came, want := range map[string]tally{
		text:                                     {},
		text[:9*blockSize]:                       {lost: 1},
		text[:4*blockSize] + text[5*blockSize:]:  {lost: 1},
		text + block(9):                          {doubled: 1},
		block(1) + block(0) + text[2*blockSize:]: {late: 1},
		text[:3] + text[4:]:                      {lost: 1, broken: 1},
		text[:len(text)-1]:                       {lost: 1, broken: 1},
		text[:20] + text[16:]:                    {broken: 1},
	} {
		if got := count(came, 10); got != want {
			t.Errorf("%q: %+v, want %+v", came, got, want)
		}
	}
}
