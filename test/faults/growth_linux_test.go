package faults

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// figures is what a process holds.
type figures struct {
	heap        int64 // bytes in use, after a garbage collection
	resident    int64 // bytes
	goroutines  int
	descriptors int
}

func takeFigures() figures {
	// Twice: what is in a sync.Pool outlives the first.
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f := figures{heap: int64(m.HeapAlloc), goroutines: runtime.NumGoroutine()}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		f.descriptors = len(open)
	}
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		if words := strings.Fields(string(b)); len(words) > 1 {
			pages, _ := strconv.ParseInt(words[1], 10, 64)
			f.resident = pages * int64(os.Getpagesize())
		}
	}
	return f
}

func (f figures) String() string {
	return fmt.Sprintf("heap %.1f MB, resident %.1f MB, %d goroutines, %d descriptors",
		float64(f.heap)/(1<<20), float64(f.resident)/(1<<20), f.goroutines, f.descriptors)
}

// growth finds out whether figures grow. The first third of the turns is for what is filled once:
// pools, queues, tables.
type growth struct {
	turns int
	all   []figures
}

func (g *growth) add(f figures) { g.all = append(g.all, f) }

// problems reports what has grown. Memory may be more by a hundredth, and a little for what comes
// and goes; goroutines and descriptors by a few that happen to be there.
func (g *growth) problems() []string {
	const (
		fewBytes    = 2 << 20
		fewResident = 32 << 20 // the runtime gives memory back when it likes
		few         = 8
	)
	rest := g.all[min(g.turns/3, len(g.all)):]
	var all []string
	check := func(what string, few int64, of func(figures) int64) {
		var v []int64
		for _, f := range rest {
			v = append(v, of(f))
		}
		if len(v) < 4 {
			all = append(all, "too few figures of "+what)
			return
		}
		before, after := middle(v[:len(v)/2]), middle(v[len(v)/2:])
		if limit := before + before/100 + few; after > limit {
			all = append(all, fmt.Sprintf("%s grew from %d to %d, beyond %d", what, before, after,
				limit))
		}
	}
	check("the heap", fewBytes, func(f figures) int64 { return f.heap })
	check("resident memory", fewResident, func(f figures) int64 { return f.resident })
	check("the number of goroutines", few, func(f figures) int64 { return int64(f.goroutines) })
	check("the number of descriptors", few, func(f figures) int64 { return int64(f.descriptors) })
	return all
}

// middle returns the median.
func middle(v []int64) int64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// What grows is seen, and what only varies is not.
func TestGrowthIsSeen(t *testing.T) {
	for _, c := range []struct {
		name string
		of   func(turn int) figures
		want string
	}{
		{"nothing", func(n int) figures { return figures{100<<20 + int64(n%3)<<19, 200 << 20, 20 + n%2, 30} }, ""},
		{"filled once", func(n int) figures { return figures{min(int64(n), 8) << 24, 200 << 20, 20, 30} }, ""},
		{"heap", func(n int) figures { return figures{100<<20 + int64(n)<<20, 200 << 20, 20, 30} }, "the heap"},
		{"resident", func(n int) figures { return figures{100 << 20, 200<<20 + int64(n)<<23, 20, 30} }, "resident memory"},
		{"goroutines", func(n int) figures { return figures{100 << 20, 200 << 20, 20 + n, 30} }, "the number of goroutines"},
		{"descriptors", func(n int) figures { return figures{100 << 20, 200 << 20, 20, 30 + n} }, "the number of descriptors"},
	} {
		g := growth{turns: 30}
		for n := range g.turns {
			g.add(c.of(n))
		}
		got := strings.Join(g.problems(), "; ")
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
