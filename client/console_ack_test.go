package client

import (
	"context"
	"testing"
	"time"

	"lom/ipmi"
	"lom/sol"
)

// What a BMC makes of every packet of the console decides what has been acknowledged, and whether
// Flush ends.
func TestConsoleCountsWhatIsAcknowledged(t *testing.T) {
	for name, c := range map[string]struct {
		answer  func(p sol.Packet) sol.Packet
		flushed bool
		want    int64
	}{
		"takes all": {func(p sol.Packet) sol.Packet { return sol.Packet{Ack: p.Sequence, Accepted: uint8(len(p.Data))} }, true, 10},
		"refuses all": {func(p sol.Packet) sol.Packet {
			return sol.Packet{Ack: p.Sequence, Flags: sol.NACK | sol.Unavailable}
		}, false, 0},
		"takes more than there is": {func(p sol.Packet) sol.Packet { return sol.Packet{Ack: p.Sequence, Accepted: 255} }, true, 10},
		"refuses more than there is": {func(p sol.Packet) sol.Packet {
			return sol.Packet{Ack: p.Sequence, Accepted: 255, Flags: sol.NACK}
		}, true, 10},
		"takes half":    {func(p sol.Packet) sol.Packet { return sol.Packet{Ack: p.Sequence, Accepted: uint8(len(p.Data)+1) / 2} }, true, 10},
		"takes another": {func(p sol.Packet) sol.Packet { return sol.Packet{Ack: p.Sequence%15 + 1, Accepted: uint8(len(p.Data))} }, false, 0},
	} {
		consoleTest(t, func(t *testing.T, _ *memNet, e *solEnd, s *Session) {
			e.b.with(func() {
				e.b.payload = func(payload []byte) {
					var p sol.Packet
					if p.UnmarshalBinary(payload) != nil || p.Sequence == 0 || e.session == nil {
						return
					}
					out, _ := c.answer(p).AppendBinary(nil)
					if packet, err := e.session.Append(nil, ipmi.PayloadSOL, out); err == nil {
						_, _ = e.b.conn.WriteTo(packet, e.to)
					}
				}
			})
			console := mustOpen(t, s)
			if _, err := console.Write(t.Context(), []byte("ten bytes.")); err != nil {
				t.Error(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			err := console.Flush(ctx)
			if got := console.Acknowledged(); (err == nil) != c.flushed || got != c.want {
				t.Errorf("%s: got %d acknowledged and %v, want %d and flushed %t", name, got, err,
					c.want, c.flushed)
			}
		})
	}
}
