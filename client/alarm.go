package client

import (
	"container/heap"
	"sync"
	"time"
)

// alarms is a heap of deadlines with one timer, so that ten thousand sessions need no more than
// one.
type alarms struct {
	mu     sync.Mutex
	heap   alarmHeap
	timer  *time.Timer
	closed bool
	lag    lag
}

// An alarm calls f once, on a goroutine of its own, some time after it was set. It can be set
// again.
type alarm struct {
	f     func()
	when  time.Time
	index int // in the heap, from 1; 0: not set
}

// set makes al ring at when instead of at any earlier setting.
func (a *alarms) set(al *alarm, when time.Time) {
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

// stop unsets al. It may be ringing already.
func (a *alarms) stop(al *alarm) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if al.index > 0 {
		heap.Remove(&a.heap, al.index-1)
	}
}

// arm sets the timer to the first deadline.
func (a *alarms) arm() {
	if len(a.heap) == 0 {
		return
	}
	wait := time.Until(a.heap[0].when)
	if a.timer == nil {
		a.timer = time.AfterFunc(wait, a.ring)
		return
	}
	a.timer.Reset(wait)
}

// ring calls what is due.
func (a *alarms) ring() {
	a.mu.Lock()
	var due []*alarm
	now := time.Now()
	for len(a.heap) > 0 && !a.heap[0].when.After(now) {
		due = append(due, heap.Pop(&a.heap).(*alarm))
	}
	a.arm()
	a.mu.Unlock()
	for _, al := range due {
		al.f()
	}
}

// close unsets all alarms.
func (a *alarms) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.heap = nil
	if a.timer != nil {
		a.timer.Stop()
	}
}

// alarmHeap is the heap.Interface of alarms.
type alarmHeap []*alarm

func (h alarmHeap) Len() int           { return len(h) }
func (h alarmHeap) Less(i, j int) bool { return h[i].when.Before(h[j].when) }
func (h alarmHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i+1, j+1
}

func (h *alarmHeap) Push(x any) {
	al := x.(*alarm)
	*h = append(*h, al)
	al.index = len(*h)
}

func (h *alarmHeap) Pop() any {
	last := len(*h) - 1
	al := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	al.index = 0
	return al
}
