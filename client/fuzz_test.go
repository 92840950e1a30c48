package client

import (
	"testing"

	"lom/ipmi"
	"lom/rmcp"
)

// FuzzDispatch gives hostile packets to a Transport with a session that has no integrity, so that
// they get as deep as they can, while a bridged request is under way.
func FuzzDispatch(f *testing.F) {
	n := newMemNet()
	b := startBMC(f, n)
	b.with(func() { b.suites = []int{1} })
	s := mustDial(f, n, WithCipherSuite(1))
	message := func(m rmcp.Message) []byte {
		packet, _ := rmcp.AppendPresession20(nil, ipmi.PayloadIPMI, rmcp.AppendMessage(nil, &m))
		return packet
	}
	inner := rmcp.Message{To: 0x20, From: 0x30, NetFn: ipmi.NetFnApp + 1, Seq: 1, Cmd: 1,
		Data: []byte{1}}
	f.Add(message(inner))
	f.Add(message(rmcp.Message{
		To: 0x81, From: 0x20, NetFn: ipmi.NetFnApp + 1, Seq: 1, Cmd: 0x34,
		Data: rmcp.AppendMessage(nil, &inner),
	}))
	sol, _ := rmcp.AppendPresession20(nil, ipmi.PayloadSOL, []byte{1, 0, 0, 0, 'x'})
	f.Add(sol)
	f.Add(rmcp.AppendPong(nil, rmcp.Pong{}))
	sequence := uint32(0)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := rmcp.Parse(b)
		if err != nil {
			return
		}
		s.mu.Lock()
		r := s.newRequest(echo(1), []hop{{0x30, 0}}, nil)
		r.seq, r.inFlight, r.schedule = 1, true, s.schedule()
		s.pending = append(s.pending, r)
		s.inFlight++
		s.mu.Unlock()
		if p.V20() && p.SessionID == 0 {
			sequence++
			p.SessionID, p.Sequence = s.link.LocalID(), sequence
		}
		s.endpoint.dispatch(&p, s.peer)
		s.mu.Lock()
		s.remove(r)
		if s.inFlight != 0 || s.overdue != 0 {
			t.Errorf("%d and %d requests under way", s.inFlight, s.overdue)
		}
		s.mu.Unlock()
	})
}
