package sol

import (
	"errors"
	"time"
)

// A Role is an end of the stream.
type Role uint8

// Roles.
const (
	Console Role = iota
	BMC
)

// MaxData is the greatest number of characters of a packet: the accepted count is one byte.
const MaxData = 255

// A Config says how an end of the stream behaves.
type Config struct {
	Role Role
	// MaxData is how many characters the other end takes in a packet, 1 to 255.
	MaxData int
	// RetryInterval is how long to wait for an acknowledge before the packet is sent again, at the
	// most if FirstRetry is set.
	RetryInterval time.Duration
	// FirstRetry, if it is not 0, makes the timeout follow the measured round-trip time, at least
	// FirstRetry, with exponential backoff up to RetryInterval.
	FirstRetry time.Duration
	// Retries is after how many retransmissions [Stream.Stalled] returns true. The stream does not
	// give up by itself: characters are not dropped while the session lives.
	Retries int
	// Buffer is how many characters may wait to be sent.
	Buffer int
	// Accumulate is how long characters are collected before they are sent, unless there are
	// Threshold of them. 0 sends at once.
	Accumulate time.Duration
	Threshold  int
	// ZeroAckIsWhole takes an ACK of 0 characters as one of all: some BMCs do not count.
	ZeroAckIsWhole bool
}

// ErrStray is the error of a packet that fits nowhere in the stream, such as a late duplicate.
var ErrStray = errors.New("sol: stray packet")

// A Stream is one end of an SOL connection. At most one packet is in flight, as §15.9 requires. A
// retransmission is the same packet with the same sequence number. Methods must not be called at
// the same time.
//
//	          Write                    Poll                     ACK of all
//	(empty) --------> queue not empty ------> one packet sent -------------> next packet
//	                                           |   ^     |
//	                      RetryInterval passed |   |     | NACK or part: what was not
//	                                 Poll -----+---+     | accepted goes back to the queue (console),
//	                                                     | or waits for a resuming ACK (BMC)
type Stream struct {
	cfg Config

	// Sending.
	queue    []byte    // characters not in a packet yet
	queuedAt time.Time // when the first of them came
	ops      Flags     // operations to put into the next packet, once
	probe    bool      // the next packet is sent even if it is empty
	lines    Flags     // operations that hold: CTS, DCD; or a BMC's status
	seq      uint8     // of the packet on its way, or of the last one
	flight   []byte    // its bytes, with header; nil if none
	sentAt   time.Time
	retries  int
	accepted int64 // characters that were acknowledged, of all packets
	// measured from a packet to its acknowledge, smoothed as in RFC 6298; 0: not yet
	trip      time.Duration
	deviation time.Duration
	suspended bool      // the console asked the BMC to wait
	holdUntil time.Time // the BMC had no room: wait before the next packet
	pushed    bool      // what is queued is sent without accumulating more

	// Receiving.
	last      uint8 // sequence number of the last packet taken; 0: none yet
	taken     int   // how many of its characters were accepted
	refused   bool  // it was refused because there was no room
	refusedAt time.Time
	strays    int // packets out of sequence in a row
	stray     uint8
	ack       *Packet // acknowledge that waits to be sent
	resumes   int     // how many resuming ACKs are still to be sent to the BMC, which had to wait
	resumeAt  time.Time
}

// New returns a stream that has sent and received nothing.
func New(cfg Config) *Stream {
	cfg.MaxData = min(max(cfg.MaxData, 1), MaxData)
	if cfg.RetryInterval <= 0 {
		cfg.RetryInterval = 500 * time.Millisecond
	}
	if cfg.Buffer <= 0 {
		cfg.Buffer = 64 << 10
	}
	return &Stream{cfg: cfg}
}

// Write queues characters to be sent and returns how many there was room for.
func (s *Stream) Write(now time.Time, p []byte) int {
	n := min(len(p), s.Room())
	if n > 0 && len(s.queue) == 0 {
		s.queuedAt = now
	}
	s.queue = append(s.queue, p[:n]...)
	return n
}

// Room returns how many characters [Stream.Write] has room for.
func (s *Stream) Room() int { return max(0, s.cfg.Buffer-len(s.queue)) }

// Push sends what is queued without accumulating more, because somebody waits for it.
func (s *Stream) Push() { s.pushed = len(s.queue) > 0 }

// Do sends operations, or statuses, that happen once: a break, a flush, a ring, an
// overrun. They go with the next packet, which is sent even if there are no characters.
func (s *Stream) Do(ops Flags) { s.ops |= ops }

// Probe makes the next packet be sent even if there are no characters, to see whether the other end
// acknowledges it. A packet without characters that is not acknowledged is given up: some BMCs
// acknowledge none.
func (s *Stream) Probe() { s.probe = s.flight == nil }

// Hold sets the operations or statuses that every packet from now on carries: DeassertCTS and
// DeassertDCD of a console, Unavailable of a BMC. A change is sent at once, by a BMC as a NACK
// (Table 15-2).
func (s *Stream) Hold(lines Flags) {
	if lines != s.lines {
		s.lines = lines
		var f Flags
		if s.cfg.Role == BMC {
			f = NACK
		}
		s.acknowledge(0, 0, f)
	}
}

// Idle reports whether everything written has been sent and acknowledged.
func (s *Stream) Idle() bool { return s.flight == nil && len(s.queue) == 0 && s.ops == 0 }

// Stalled reports whether the packet in flight has been retransmitted more often than
// Config.Retries: the other end is silent.
func (s *Stream) Stalled() bool {
	return s.flight != nil && !s.suspended && s.retries > s.cfg.Retries && s.cfg.Retries > 0
}

// Acknowledged returns how many of the characters written the other end has taken.
func (s *Stream) Acknowledged() int64 { return s.accepted }

// Flush drops what waits to be sent, and the packet in flight.
func (s *Stream) Flush() { s.queue, s.flight, s.suspended, s.pushed = nil, nil, false, false }

// A Received is what a packet brought.
type Received struct {
	Data  []byte // characters, in order, each once; points into the packet
	Flags Flags  // operations or statuses, once for packets that come more than once
	Again bool   // the packet came before, and Flags says nothing
}

// Receive takes a packet from the other end. Room is how many characters the caller can take; what
// Received.Data has must be taken. An error means that the packet changed nothing.
func (s *Stream) Receive(now time.Time, payload []byte, room int) (Received, error) {
	var p Packet
	if err := p.UnmarshalBinary(payload); err != nil {
		return Received{}, err
	}
	ours := s.acknowledged(now, p)
	if p.Sequence == 0 {
		if p.Ack != 0 && !ours {
			return Received{}, ErrStray
		}
		return Received{Flags: p.Flags &^ NACK}, nil
	}
	return s.accept(now, p, room)
}

// accept takes the characters of a packet.
func (s *Stream) accept(now time.Time, p Packet, room int) (Received, error) {
	if p.Sequence != s.last {
		s.resumes = 0
	}
	switch {
	case p.Sequence == s.last && !s.refused:
		// A retry: our acknowledge was lost, or is late. A BMC may have appended characters.
		s.strays = 0
		r := Received{Again: true}
		if s.cfg.Role == Console && len(p.Data) > s.taken {
			if extra := p.Data[s.taken:]; len(extra) <= room {
				r.Data, s.taken = extra, len(p.Data)
			}
		}
		s.answer(len(p.Data))
		return r, nil
	case p.Sequence == s.last:
		// Refused before. A console that keeps to §15.9 sends those characters under a new number,
		// and may already have done so; one that repeats the old number for ever is believed in the
		// end. The silence before lets refusals die out that are still on their way.
		if age := now.Sub(s.refusedAt); s.cfg.Role == BMC && age < refuseFor {
			s.answer(len(p.Data))
			return Received{Again: true}, nil
		} else if s.cfg.Role == BMC && age < refuseFor+silentFor {
			return Received{}, ErrStray
		}
	case s.last != 0 && (p.Sequence+15-s.last)%15 > maxAhead:
		// Late duplicates are dropped. The other end may have lost its place, though: if it
		// insists, follow. Numbers that were left out are those of packets that it gave up, or, as
		// ipmitool does, repeats as new ones.
		if s.stray != p.Sequence {
			s.stray, s.strays = p.Sequence, 0
		}
		if s.strays++; s.strays < 8 {
			return Received{}, ErrStray
		}
	}
	repeated := p.Sequence == s.last
	s.last, s.strays, s.refused, s.refusedAt = p.Sequence, 0, false, now
	s.taken = len(p.Data)
	if s.taken > room {
		// A BMC may take a part; a console takes all or nothing.
		s.taken = max(room, 0)
		if s.cfg.Role == Console {
			s.taken, s.resumes, s.resumeAt = 0, resumes, now.Add(s.cfg.RetryInterval)
		}
		s.refused = s.taken == 0
	}
	s.answer(len(p.Data))
	r := Received{Data: p.Data[:s.taken], Flags: p.Flags &^ NACK, Again: repeated}
	if repeated {
		r.Flags = 0
	}
	return r, nil
}

// answer prepares the acknowledge of the last packet, which had size characters.
func (s *Stream) answer(size int) {
	var f Flags
	if s.taken < size {
		f = NACK
	}
	s.acknowledge(s.last, uint8(s.taken), f)
}

func (s *Stream) acknowledge(seq, accepted uint8, f Flags) {
	if s.ack != nil && seq == 0 {
		return // the acknowledge that waits carries the lines as well
	}
	s.ack = &Packet{Ack: seq, Accepted: accepted, Flags: f}
}

// acknowledged handles what a packet acknowledges of the one in flight, and reports whether it does
// at all.
func (s *Stream) acknowledged(now time.Time, p Packet) bool {
	if s.cfg.Role == BMC && p.Flags&FlushOutbound != 0 && p.Sequence != s.last {
		s.Flush()
	}
	if p.Ack == 0 || s.flight == nil || p.Ack != s.seq {
		return false
	}
	if s.retries == 0 && !s.suspended && !s.sentAt.IsZero() {
		s.measure(now.Sub(s.sentAt))
	}
	size, nack := len(s.flight)-headerSize, p.Flags&NACK != 0
	accepted := min(int(p.Accepted), size)
	if accepted == 0 && !nack && s.cfg.ZeroAckIsWhole {
		accepted = size
	}
	if s.cfg.Role == Console || accepted == size {
		s.accepted += int64(accepted)
	}
	switch {
	case s.cfg.Role == BMC && nack: // Suspend NACK
		s.suspended = true
	case accepted == size:
		s.flight, s.suspended = nil, false
	case s.cfg.Role == BMC: // partial or resuming ACK: again, at once
		s.suspended, s.sentAt = false, time.Time{}
	default:
		// The BMC took a part. The rest goes first in the next packet, with a number of its own.
		rest := s.flight[headerSize+accepted:]
		s.queue = append(append(make([]byte, 0, len(rest)+len(s.queue)), rest...), s.queue...)
		s.flight, s.queuedAt = nil, time.Time{}
		if nack {
			s.holdUntil = now.Add(s.cfg.RetryInterval)
		}
	}
	return true
}

// Poll returns the next packet to send, or nil, and when to poll again if nothing else happens
// before (the zero time: never). It is to be called again until it returns nil.
func (s *Stream) Poll(now time.Time) (payload []byte, next time.Time) {
	if s.ack != nil {
		p := *s.ack
		p.Flags |= s.lines
		s.ack = nil
		b, _ := p.AppendBinary(nil)
		return b, now
	}
	if s.flight == nil {
		if b := s.fresh(now); b != nil {
			return b, now
		}
	}
	if s.resumes > 0 && !now.Before(s.resumeAt) {
		// With nothing taken this is a resuming ACK; once the packet has been taken, it is the ACK
		// of all, which may have been lost while the BMC waits and does not repeat.
		s.resumes--
		s.resumeAt = now.Add(s.cfg.RetryInterval)
		b, _ := Packet{Ack: s.last, Accepted: uint8(s.taken), Flags: s.lines}.AppendBinary(nil)
		return b, s.resumeAt
	}
	if s.flight != nil && !now.Before(s.sentAt.Add(s.wait())) {
		if s.retries >= probeRetries && len(s.flight) == headerSize && s.flight[3] == 0 {
			s.flight = nil
			return s.Poll(now)
		}
		if !s.sentAt.IsZero() {
			s.retries++
		}
		s.sentAt = now
		return s.flight, s.sentAt.Add(s.wait())
	}
	return nil, s.deadline()
}

// wait returns the retransmission timeout of the packet in flight. A console that asked the BMC to
// wait may have lost its place: a suspended packet is tried again after a long while.
func (s *Stream) wait() time.Duration {
	switch {
	case s.suspended:
		return suspendedFactor * s.cfg.RetryInterval
	case s.cfg.FirstRetry <= 0 || s.trip == 0:
		return s.cfg.RetryInterval
	}
	first := max(s.trip+4*s.deviation, s.cfg.FirstRetry)
	return min(first<<min(s.retries, 10), s.cfg.RetryInterval)
}

// measure takes the time between a packet that was sent once and its acknowledge.
func (s *Stream) measure(d time.Duration) {
	d = min(max(d, 1), s.cfg.RetryInterval)
	if s.trip == 0 {
		s.trip, s.deviation = d, d/2
		return
	}
	s.deviation += ((s.trip - d).Abs() - s.deviation) / 4
	s.trip = max(s.trip+(d-s.trip)/8, 1)
}

const (
	suspendedFactor = 20
	resumes         = 20 // more than the BMC loses in a row

	maxAhead = 7 // a sequence number so far after the last is new, and not an old one that is late

	probeRetries = 5

	refuseFor = 3 * time.Second
	silentFor = 2 * time.Second
)

// fresh makes a new packet if there is a reason to send one.
func (s *Stream) fresh(now time.Time) []byte {
	if s.ops == 0 && !s.probe && !s.due(now) {
		return nil
	}
	n := min(len(s.queue), s.cfg.MaxData)
	if now.Before(s.holdUntil) {
		if n = 0; s.ops == 0 && !s.probe {
			return nil
		}
	}
	if s.cfg.Role == Console && s.ops&SendBreak != 0 {
		n = 0 // the table does not say whether a break comes before the characters of its packet
	}
	// No acknowledge rides along: when this packet is sent again, it would be a stale one.
	p := Packet{Sequence: next(s.seq), Flags: s.ops | s.lines, Data: s.queue[:n]}
	b, _ := p.AppendBinary(make([]byte, 0, headerSize+n))
	s.queue = s.queue[n:]
	if len(s.queue) == 0 {
		s.queue, s.pushed = nil, false
	}
	s.seq, s.ops, s.probe, s.flight, s.sentAt, s.retries, s.queuedAt = p.Sequence, 0, false, b, now,
		0, now
	return b
}

// due reports whether the queue has accumulated long enough.
func (s *Stream) due(now time.Time) bool {
	n := len(s.queue)
	return n > 0 && (s.pushed || s.cfg.Accumulate <= 0 ||
		s.cfg.Threshold > 0 && n >= s.cfg.Threshold || n >= s.cfg.MaxData ||
		!now.Before(s.queuedAt.Add(s.cfg.Accumulate)))
}

// deadline returns when Poll has something to do by itself.
func (s *Stream) deadline() time.Time {
	var t time.Time
	sooner := func(u time.Time) {
		if t.IsZero() || u.Before(t) {
			t = u
		}
	}
	switch {
	case s.flight != nil:
		sooner(s.sentAt.Add(s.wait()))
	case s.flight == nil && len(s.queue) > 0:
		u := s.queuedAt.Add(max(0, s.cfg.Accumulate))
		if u.Before(s.holdUntil) {
			u = s.holdUntil
		}
		sooner(u)
	}
	if s.resumes > 0 {
		sooner(s.resumeAt)
	}
	return t
}

// next returns the sequence number after seq: 1 to 15, round and round.
func next(seq uint8) uint8 { return seq%15 + 1 }
