package client

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// TestForgedBusy has an attacker say "busy" in every way that needs no keys, before every answer,
// and replay what the BMC said itself when it was busy. Neither the window nor an answer is
// impressed.
func TestForgedBusy(t *testing.T) {
	for _, opts := range [][]Option{{WithCipherSuite(17)}, {WithCipherSuite(3)},
		{WithInterface(LAN)}} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			s := mustDial(t, n, opts...)
			busy := 1 // the BMC is, once
			var recorded []byte
			b.with(func() {
				b.handle = func(m *rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
					if busy > 0 {
						busy--
						return ipmi.CodeNodeBusy, nil, true
					}
					return 0, []byte{m.Cmd}, true
				}
				b.tamper = func(_ rmcp.Session, m *rmcp.Message, packet []byte) [][]byte {
					if m.Code == ipmi.CodeNodeBusy {
						recorded = bytes.Clone(packet)
						return [][]byte{packet}
					}
					var evil [][]byte
					for _, code := range []ipmi.CompletionCode{ipmi.CodeNodeBusy, ipmi.CodeTimeout,
						ipmi.CodeOutOfSpace} {
						lie := *m
						lie.Code, lie.Data = code, nil
						message := rmcp.AppendMessage(nil, &lie)
						p, _ := rmcp.Parse(packet)
						evil = append(evil, plain20(p.SessionID, p.Sequence, message),
							plain15(p.SessionID, p.Sequence, message),
							plain20(0, 0, message), plain15(0, 0, message))
						// in the place of the encrypted or plain message
						forged := bytes.Clone(packet)
						copy(forged[len(forged)-len(message):], message)
						evil = append(evil, forged)
					}
					return append(evil, bytes.Clone(recorded), packet)
				}
			})
			ask(t, s, 1)
			before := s.Stats()
			askMany(t, s, 1000)
			st := s.Stats()
			if st.Busy != 1 || st.Retries != before.Retries || st.Timeouts != 0 {
				t.Errorf("%+v: %+v", s.Info(), st)
			}
			if got, learnt := s.Window(); got != maxWindow(s.Info().Interface) || !learnt {
				t.Errorf("%+v: window %d, %v", s.Info(), got, learnt)
			}
		})
	}
}

// TestStaleSessions replays packets of a session that was set up again, and of one BMC from the
// address of another.
func TestStaleSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b, other := startBMC(t, n), startBMC(t, n, "127.0.0.8")
		s := mustDial(t, n)
		client := s.endpoint.sock.(packetSocket).conn.(*memConn).addr
		var mu sync.Mutex
		var stale [][]byte
		n.mu.Lock()
		n.carry = func(from, to netip.AddrPort, p []byte) [][]byte {
			if to == client {
				mu.Lock()
				stale = append(stale, bytes.Clone(p))
				mu.Unlock()
			}
			return [][]byte{p}
		}
		n.mu.Unlock()
		askMany(t, s, 50)
		b.forget()
		ask(t, s, 1)
		if st := s.Stats(); st.Revived != 1 {
			t.Fatalf("%+v", st)
		}
		mu.Lock()
		old := stale
		mu.Unlock()
		b.with(func() {
			b.tamper = func(_ rmcp.Session, _ *rmcp.Message, packet []byte) [][]byte {
				// the true answer, from another's address
				_, _ = other.conn.WriteTo(bytes.Clone(packet), b.from)
				return append(append([][]byte{}, old...), packet)
			}
		})
		before := s.Stats()
		askMany(t, s, 50)
		st := s.Stats()
		if st.Retries != before.Retries || st.Busy != 0 || st.Received != before.Received+50 {
			t.Errorf("%+v, before %+v", st, before)
		}
		if ts := s.transport.Stats(); ts.Stray == 0 {
			t.Errorf("%+v", ts)
		}
	})
}

// TestBlackout cuts the line for a while in the middle of many requests. The session outlives it:
// what is sent meanwhile does not leave the BMC's sequence window behind.
func TestBlackout(t *testing.T) {
	for _, iface := range []Interface{LANPlus, LAN} {
		for _, length := range []time.Duration{300 * time.Millisecond, 3 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				n := newMemNet()
				b := startBMC(t, n)
				b.delay, b.service = 10*time.Millisecond, 10*time.Microsecond
				s := mustDial(t, n, WithInterface(iface))
				askMany(t, s, 500)
				start := time.Now().Add(50 * time.Millisecond)
				n.mu.Lock()
				n.carry = func(_, _ netip.AddrPort, p []byte) [][]byte {
					if d := time.Since(start); d > 0 && d < length {
						return nil
					}
					return [][]byte{p}
				}
				n.mu.Unlock()
				askMany(t, s, 500)
				if st := s.Stats(); st.Revived != 0 || st.Timeouts != 0 || st.Retries == 0 {
					t.Errorf("%s, %v: %+v", iface, length, st)
				}
			})
		}
	}
}

// TestManySessionsUnderFaults shares one socket among sessions whose packets are lost, doubled and
// held back.
func TestManySessionsUnderFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		tr, err := NewTransport(n.listen("127.0.0.1", 0))
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		var sessions []*Session
		for i := range 30 {
			host := fmt.Sprintf("127.0.1.%d", i+1)
			startBMC(t, n, host)
			s, err := Dial(context.Background(), host, WithTransport(tr),
				WithUser("admin", ipmi.NewSecret("secret")),
				WithInterface([]Interface{LAN, LANPlus}[i%2]), WithRetry(0, 12))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			sessions = append(sessions, s)
		}
		packets := 0
		n.mu.Lock()
		n.carry = func(from, to netip.AddrPort, p []byte) [][]byte {
			packets++
			switch packets % 10 {
			case 0:
				return nil
			case 3:
				return [][]byte{p, bytes.Clone(p)}
			case 6:
				time.AfterFunc(20*time.Millisecond, func() { n.deliver(to, from, p) })
				return nil
			}
			return [][]byte{p}
		}
		n.mu.Unlock()
		var all sync.WaitGroup
		for i, s := range sessions {
			for j := range uint8(50) {
				all.Add(1)
				want := j + uint8(i)
				s.Start(echo(want), func(r ipmi.RawResponse, err error) {
					if err != nil || !bytes.Equal(r.Data, []byte{want}) {
						t.Errorf("session %d: %+v, %v", i, r, err)
					}
					all.Done()
				})
			}
		}
		all.Wait()
		n.mu.Lock()
		n.carry = nil
		n.mu.Unlock()
	})
}
