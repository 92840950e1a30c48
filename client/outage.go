package client

import (
	"time"

	"lom/ipmi"
	"lom/sol"
)

// A BMC takes no packet whose session sequence number is more than 15 ahead of the last one it
// received (§6.12.14). After some seconds without a network, a console's retransmissions would be
// beyond that and the session would be lost. So when the BMC has acknowledged none of the last
// freePayloads packets, new ones become rare, and there are at most mostPayloads. The anchor, a
// packet still in the BMC's sequence window, is sent in their place. A BMC that has it drops the
// copy. One that does not have it takes it and answers, and its sequence window moves on.
const (
	freePayloads = 8
	mostPayloads = 13 // two more are left for keep-alives
	freshEvery   = time.Second
)

// outage is what a session with a console needs to survive some seconds without a network. The
// session's mu guards it.
type outage struct {
	anchor   []byte
	anchorAt uint64    // its number among the packets of the session
	fresh    time.Time // when the last new packet was sent
	seen     uint8     // sequence number of the last SOL packet received
}

// transmitPayload sends a payload in a packet of its own, or the anchor in its place. The caller
// holds mu.
func (s *Session) transmitPayload(scratch *scratch, t ipmi.PayloadType, payload []byte) error {
	if s.outage == nil {
		s.outage = new(outage)
	}
	o, now := s.outage, time.Now()
	anchored := o.anchorAt > s.acked
	if ahead := s.packetsSent - s.acked; anchored &&
		(ahead >= mostPayloads || ahead >= freePayloads && now.Sub(o.fresh) < freshEvery) {
		s.stats.Sent++
		s.endpoint.write(o.anchor, s.peer)
		if ahead >= mostPayloads && len(s.pending) == 0 {
			s.sendKeepAlive() // it may have got all of them, which its retransmissions do not show
		}
		return nil
	}
	if err := s.transmit(scratch, t, payload); err != nil {
		return err
	}
	o.fresh = now
	if !anchored && s.packetsSent-s.acked >= freePayloads {
		o.anchor, o.anchorAt = append(o.anchor[:0], scratch.packet...), s.packetsSent
	}
	return nil
}

// ackPayload notes a payload from the BMC. It acknowledges what was sent, unless it is a
// retransmission. The caller holds mu.
func (s *Session) ackPayload(t ipmi.PayloadType, payload []byte) {
	if s.outage == nil {
		s.outage = new(outage)
	}
	var p sol.Packet
	if t == ipmi.PayloadSOL && p.UnmarshalBinary(payload) == nil && p.Sequence != 0 {
		repeated := p.Sequence == s.outage.seen
		if s.outage.seen = p.Sequence; repeated {
			return // the BMC may have received nothing of ours
		}
	}
	s.acked = s.packetsSent // which packet it received last is not known
}
