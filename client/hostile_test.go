package client

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"

	"lom/ipmi"
	"lom/rmcp"
)

// TestHostilePackets sends before every good answer whatever an attacker can make without the keys,
// and what a broken network may bring. Every answer must be the right one.
func TestHostilePackets(t *testing.T) {
	for _, opts := range [][]Option{
		{WithCipherSuite(17)}, {WithCipherSuite(3)}, {WithCipherSuite(2)}, {WithCipherSuite(12)}, {WithCipherSuite(4)},
		{WithInterface(LAN), WithAuthType(ipmi.AuthMD5)}, {WithInterface(LAN), WithAuthType(ipmi.AuthMD2)},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			b.with(func() { b.suites = []int{2, 3, 4, 12, 17} })
			s := mustDial(t, n, opts...)
			var last []byte
			b.with(func() {
				b.tamper = func(_ rmcp.Session, m *rmcp.Message, packet []byte) [][]byte {
					var evil [][]byte
					add := func(b []byte) { evil = append(evil, b) }
					if last != nil {
						add(bytes.Clone(last)) // replay
					}
					for i := rmcp.HeaderLen; i < len(packet); i++ {
						forged := bytes.Clone(packet)
						forged[i] ^= 1
						add(forged)
					}
					for i := range packet {
						add(packet[:i])
					}
					lie := *m
					lie.Data = []byte("lie")
					message := rmcp.AppendMessage(nil, &lie)
					p, _ := rmcp.Parse(packet)
					for _, wrap := range []func() ([]byte, error){
						func() ([]byte, error) { return rmcp.AppendPresession15(nil, message) },
						func() ([]byte, error) {
							return rmcp.AppendPresession20(nil, ipmi.PayloadIPMI, message)
						},
						func() ([]byte, error) {
							return plain20(p.SessionID, p.Sequence, message), nil
						},
						func() ([]byte, error) {
							return plain15(p.SessionID, p.Sequence, message), nil
						},
					} {
						b, err := wrap()
						if err != nil {
							t.Error(err)
						}
						add(b)
					}
					add(rmcp.AppendPing(nil, rmcp.NoACK, rmcp.Ping{}))
					add([]byte("noise"))
					last = bytes.Clone(packet)
					return append(evil, packet, bytes.Clone(packet))
				}
			})
			for cmd := range uint8(50) {
				ask(t, s, cmd)
			}
			st := s.Stats()
			if st.Retries != 0 || st.Timeouts != 0 || st.Revived != 0 {
				t.Errorf("the session was disturbed: %+v", st)
			}
			if st.BadAuthCode == 0 || st.BadSequence == 0 || st.BadFlags == 0 || st.Received != 50 {
				t.Errorf("%+v: not counted: %+v", s.Info(), st)
			}
			if ts := s.transport.Stats(); ts.Malformed == 0 || ts.Stray == 0 {
				t.Errorf("not counted: %+v", ts)
			}
		})
	}
}

// plain20 is an RMCP+ packet without protection.
func plain20(id, sequence uint32, message []byte) []byte {
	b, _ := rmcp.AppendPresession20(nil, ipmi.PayloadIPMI, message)
	putID(b[6:], id)
	putID(b[10:], sequence)
	return b
}

// plain15 is an IPMI 1.5 packet without an authentication code.
func plain15(id, sequence uint32, message []byte) []byte {
	b, _ := rmcp.AppendPresession15(nil, message)
	putID(b[5:], sequence)
	putID(b[9:], id)
	return b
}

func putID(b []byte, n uint32) {
	b[0], b[1], b[2], b[3] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
}

// TestWrongAnswers makes the BMC itself answer what was not asked, with good authentication codes.
func TestWrongAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		s := mustDial(t, n)
		b.with(func() {
			b.tamper = func(ss rmcp.Session, m *rmcp.Message, packet []byte) [][]byte {
				var all [][]byte
				for _, change := range []func(*rmcp.Message){
					func(m *rmcp.Message) { m.Seq ^= 1 },
					func(m *rmcp.Message) { m.Cmd++ },
					func(m *rmcp.Message) { m.NetFn += 2 },
					func(m *rmcp.Message) { m.NetFn-- },
				} {
					lie := *m
					lie.Data = []byte("lie")
					change(&lie)
					b, _ := ss.Append(nil, ipmi.PayloadIPMI, rmcp.AppendMessage(nil, &lie))
					all = append(all, b)
				}
				for _, at := range []int{2, 6} { // both checksums cover these
					broken := rmcp.AppendMessage(nil, m)
					broken[at] ^= 1
					b, _ := ss.Append(nil, ipmi.PayloadIPMI, broken)
					all = append(all, b)
				}
				sol, _ := ss.Append(nil, ipmi.PayloadSOL, []byte("x"))
				return append(all, sol, packet)
			}
		})
		for cmd := range uint8(20) {
			ask(t, s, cmd)
		}
		if st := s.Stats(); st.Stray != 5*20 || st.Malformed != 2*20 || st.Retries != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// TestLoss loses, doubles and reorders packets. The results are those without faults.
func TestLoss(t *testing.T) {
	for _, percent := range []int{1, 10, 30} {
		for seed := range uint64(4) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, uint64(percent)))
				n := newMemNet()
				startBMC(t, n)
				iface := []Interface{LANPlus, LAN}[seed%2]
				s := mustDial(t, n, WithInterface(iface), WithRetry(0, 6))
				n.mu.Lock()
				n.carry = func(_, _ netip.AddrPort, b []byte) [][]byte {
					switch x := r.IntN(100); {
					case x < percent:
						return nil
					case x < percent+5:
						return [][]byte{b, bytes.Clone(b)}
					}
					return [][]byte{b}
				}
				n.mu.Unlock()
				for cmd := range uint8(100) {
					ask(t, s, cmd)
				}
				if st := s.Stats(); st.Retries == 0 && percent > 5 {
					t.Errorf("nothing was lost: %+v", st)
				}
				n.mu.Lock()
				n.carry = nil
				n.mu.Unlock()
			})
		}
	}
}

// TestRetryIsNewPacket checks that a retry has the same rqSeq and a new session sequence number.
func TestRetryIsNewPacket(t *testing.T) {
	for _, iface := range []Interface{LANPlus, LAN} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			s := mustDial(t, n, WithInterface(iface))
			silent := 2
			b.with(func() {
				b.handle = func(m *rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
					silent--
					return 0, []byte{m.Cmd}, silent < 0
				}
			})
			ask(t, s, 9)
			b.with(func() {
				if len(b.seen) != 3 {
					t.Fatalf("%d packets", len(b.seen))
				}
				for i := 1; i < 3; i++ {
					if b.seen[i].Seq != b.seen[0].Seq || b.sequences[i] != b.sequences[i-1]+1 {
						t.Errorf("rqSeq %d and %d, session sequence %d and %d", b.seen[0].Seq,
							b.seen[i].Seq, b.sequences[i-1], b.sequences[i])
					}
				}
			})
			if st := s.Stats(); st.Retries != 2 {
				t.Errorf("%+v", st)
			}
		})
	}
}
