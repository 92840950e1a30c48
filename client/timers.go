package client

import (
	"container/heap"
	"sync"
	"time"
)

// timers are the timers of many sessions: a heap by time and one time.Timer, which is enough for
// ten thousand sessions.
type timers struct {
	mu     sync.Mutex
	heap   timerHeap
	clock  *time.Timer
	closed bool
	lag    lag
}

// A timer calls f once when it expires, on the goroutine of the time.Timer. It can be set again.
type timer struct {
	f     func()
	when  time.Time
	index int // in the heap, from 1; 0: not set
}

// set makes al expire at when, instead of when it was set for before.
func (a *timers) set(al *timer, when time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	al.when = when
	if al.index > 0 {
		heap.Fix(&a.heap, al.index-1)
	} else {
		heap.Push(&a.heap, al)
	}
	if a.heap[0] == al {
		a.arm()
	}
}

// stop stops al. Its f may be running already.
func (a *timers) stop(al *timer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if al.index > 0 {
		heap.Remove(&a.heap, al.index-1)
	}
}

// arm sets the clock to the first timer to expire. The caller holds mu.
func (a *timers) arm() {
	if len(a.heap) == 0 {
		return
	}
	wait := time.Until(a.heap[0].when)
	if a.clock == nil {
		a.clock = time.AfterFunc(wait, a.expire)
		return
	}
	a.clock.Reset(wait)
}

// expire calls the functions of the timers that are due.
func (a *timers) expire() {
	a.mu.Lock()
	var due []*timer
	now := time.Now()
	for len(a.heap) > 0 && !a.heap[0].when.After(now) {
		due = append(due, heap.Pop(&a.heap).(*timer))
	}
	a.arm()
	a.mu.Unlock()
	for _, al := range due {
		al.f()
	}
}

// close stops all timers for good.
func (a *timers) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.heap = nil
	if a.clock != nil {
		a.clock.Stop()
	}
}

// timerHeap is the heap.Interface of timers.
type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].when.Before(h[j].when) }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i+1, j+1
}

func (h *timerHeap) Push(x any) {
	al := x.(*timer)
	*h = append(*h, al)
	al.index = len(*h)
}

func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	al := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	al.index = 0
	return al
}
