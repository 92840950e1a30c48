package client

import (
	"time"

	"lom/ipmi"
	"lom/sol"
)

// A BMC takes no packet whose number is more than 15 ahead of the last that it got (§6.12.14). A
// console's retries would be beyond that after some seconds without a network, and the session lost
// with nobody to blame. So when the BMC shows no sign that it got the last freePayloads packets,
// new ones become rare and end at mostPayloads, and the anchor, a packet still in its window, is
// sent in their place: a BMC that has it drops the copy, and one that has it not takes it, answers,
// and is ready for what comes next.
const (
	freePayloads = 8
	mostPayloads = 13 // two more are left to commands that ask whether the BMC is there
	freshEvery   = time.Second
)

// outage is what a session that carries a console needs to outlive a network that is away for some
// seconds. The session's mu guards it.
type outage struct {
	anchor   []byte
	anchorAt uint64    // its place among the packets of the session
	fresh    time.Time // when the last new packet was sent
	seen     uint8     // number of the last packet of Serial over LAN that came
}

// transmitPayload sends a payload in a packet of its own, or the anchor in its place. The caller
// holds mu.
func (s *Session) transmitPayload(room *room, t ipmi.PayloadType, payload []byte) error {
	if s.outage == nil {
		s.outage = new(outage)
	}
	o, now := s.outage, time.Now()
	anchored := o.anchorAt > s.proved
	if ahead := s.sends - s.proved; anchored &&
		(ahead >= mostPayloads || ahead >= freePayloads && now.Sub(o.fresh) < freshEvery) {
		s.stats.Sent++
		s.mux.write(o.anchor, s.peer)
		if ahead >= mostPayloads && len(s.pending) == 0 {
			s.greet() // it may have got all of them, and its repetitions do not tell
		}
		return nil
	}
	if err := s.transmit(room, t, payload); err != nil {
		return err
	}
	o.fresh = now
	if !anchored && s.sends-s.proved >= freePayloads {
		o.anchor, o.anchorAt = append(o.anchor[:0], room.packet...), s.sends
	}
	return nil
}

// provePayload notes that a payload came: the BMC has got what was sent, unless it only repeats
// what it sent before. The caller holds mu.
func (s *Session) provePayload(t ipmi.PayloadType, payload []byte) {
	if s.outage == nil {
		s.outage = new(outage)
	}
	var p sol.Packet
	if t == ipmi.PayloadSOL && p.UnmarshalBinary(payload) == nil && p.Sequence != 0 {
		repeated := p.Sequence == s.outage.seen
		if s.outage.seen = p.Sequence; repeated {
			return // it may have heard nothing of us
		}
	}
	s.proved = s.sends // which packet it got last is not known
}
