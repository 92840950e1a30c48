package serial

import (
	"sync"
)

// Sizes of a Buffer.
const (
	outputSize = 16 << 10 // characters of the machine that are not read
	inputSize  = 4 << 10  // characters for the machine that it has not taken
)

// A Buffer is what lies between a BMC, which uses the methods of host.Console, and the machine at
// the other end, which uses the rest. Its memory is bounded, and there is next to none while nobody
// is attached.
type Buffer struct {
	// History is how many of the newest characters of the machine are kept for those who attach. It
	// is set before use.
	History int

	mu     sync.Mutex
	notify func() // nil: nobody is attached
	told   bool   // notify was called, and the end has not been read since
	out    []byte // not read
	lost   bool   // of what was sent after out
	past   []byte // the newest that was sent
	in     []byte // not taken
	breaks []int  // after how many characters of in a break was asked for, in order
	absent bool
	room   chan struct{} // closed when there is room for output again; nil: nobody waits
}

// Attach implements host.Console.
func (b *Buffer) Attach(notify func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notify, b.told, b.lost = notify, false, false
	b.out = append([]byte(nil), b.past...)
}

// Detach implements host.Console.
func (b *Buffer) Detach() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notify, b.out, b.lost = nil, nil, false
	b.wake()
}

// Heard reports whether anything becomes of what the machine sends: somebody is attached, or it is
// kept for those who come.
func (b *Buffer) Heard() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.notify != nil || b.History > 0
}

// wake wakes those who wait for room.
func (b *Buffer) wake() {
	if b.room != nil {
		close(b.room)
		b.room = nil
	}
}

// Read implements host.Console.
func (b *Buffer) Read(p []byte) (n int, lost bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n = copy(p, b.out)
	if b.out = b.out[n:]; len(b.out) == 0 {
		b.out, b.told = nil, false
		lost, b.lost = b.lost, false
	}
	if n > 0 {
		b.wake()
	}
	return n, lost
}

// Room implements host.Console.
func (b *Buffer) Room() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.inputRoom()
}

func (b *Buffer) inputRoom() int {
	if b.absent {
		return 0
	}
	return inputSize - len(b.in)
}

// Write implements host.Console.
func (b *Buffer) Write(p []byte) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(p), b.inputRoom())
	b.in = append(b.in, p[:n]...)
	return n
}

// Discard implements host.Console.
func (b *Buffer) Discard() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.in, b.breaks = nil, nil
}

// Break has a break come after what was written so far, and before what is written later.
func (b *Buffer) Break() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.absent && len(b.breaks) < maxBreaks {
		b.breaks = append(b.breaks, len(b.in))
	}
	return nil
}

// maxBreaks is how many breaks may wait.
const maxBreaks = 4

// TakeBreak reports whether a break comes before the next character, and takes it.
func (b *Buffer) TakeBreak() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.breaks) == 0 || b.breaks[0] > 0 {
		return false
	}
	b.breaks = b.breaks[1:]
	return true
}

// Present implements host.Console.
func (b *Buffer) Present() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.absent
}

// SetPresent says whether there is a machine at the other end. It is called with no lock held.
func (b *Buffer) SetPresent(present bool) {
	b.mu.Lock()
	notify := b.notify
	if b.absent == !present {
		notify = nil
	}
	if b.absent = !present; b.absent {
		b.in, b.breaks = nil, nil
	}
	b.mu.Unlock()
	if notify != nil {
		notify()
	}
}

// Send takes what the machine sends and returns how much there was room for: all if nobody is
// attached. More is closed when there is room for the rest. It is called with no lock held.
func (b *Buffer) Send(p []byte) (n int, more <-chan struct{}) {
	b.mu.Lock()
	n = len(p)
	if b.notify != nil {
		// The history may fill more than its part at first.
		n = min(n, max(0, outputSize-len(b.out)))
		b.out = append(b.out, p[:n]...)
	}
	b.remember(p[:n])
	if n < len(p) {
		if b.room == nil {
			b.room = make(chan struct{})
		}
		more = b.room
	}
	var notify func()
	if n > 0 && !b.told {
		notify = b.notify
		b.told = notify != nil
	}
	b.mu.Unlock()
	if notify != nil {
		notify()
	}
	return n, more
}

// SendAll is Send for a machine that pays no attention to flow control.
func (b *Buffer) SendAll(p []byte) {
	if n, _ := b.Send(p); n < len(p) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.lost = b.notify != nil
		b.remember(p[n:])
	}
}

// remember keeps what was sent as history.
func (b *Buffer) remember(p []byte) {
	if b.History == 0 {
		return
	}
	if len(p) >= b.History {
		p = p[len(p)-b.History:]
	}
	if over := len(b.past) + len(p) - b.History; over > 0 {
		b.past = append(b.past[:0], b.past[over:]...)
	}
	b.past = append(b.past, p...)
}

// Take moves to p what was written for the machine up to the next break, and returns how much it
// was.
func (b *Buffer) Take(p []byte) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	in := b.in
	if len(b.breaks) > 0 {
		in = in[:b.breaks[0]]
	}
	n := copy(p, in)
	for i := range b.breaks {
		b.breaks[i] -= n
	}
	if b.in = b.in[n:]; len(b.in) == 0 {
		b.in = nil
	}
	return n
}
