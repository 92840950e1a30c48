package client

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"lom/ipmi"
	"lom/rmcp"
)

// TestBridging has satellite controllers behind the BMC. Some BMCs send the answer on by itself,
// some within the answer to Send Message.
func TestBridging(t *testing.T) {
	for _, embedded := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			s := mustDial(t, n)
			b.with(func() {
				var parts []byte
				b.handle = func(m *rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
					if m.Cmd == 0x3b {
						return 0, m.Data, true
					}
					inner := bridgedTo(t, m, 0x30, 7)
					if inner == nil {
						return 0x83, nil, true
					}
					reply := inner.Reply(0, []byte{inner.Cmd})
					parts = rmcp.AppendMessage(nil, &reply)
					if embedded {
						return 0, parts, true
					}
					return 0, nil, true
				}
				b.tamper = func(ss rmcp.Session, m *rmcp.Message, packet []byte) [][]byte {
					if m.Cmd != 0x34 || m.Code != 0 || embedded {
						return [][]byte{packet}
					}
					second, _ := ss.Append(nil, ipmi.PayloadIPMI, parts)
					return [][]byte{packet, second}
				}
			})
			satellite := s.Target(0x30, 7)
			for cmd := range uint8(20) {
				ask(t, satellite, cmd)
			}
			_, err := s.Target(0x50, 7).Exchange(context.Background(), echo(1))
			var e *ipmi.Error
			if !errors.As(err, &e) || !e.Command.Is(sendMessage) || e.Code != 0x83 {
				t.Errorf("no such controller: %v", err)
			}
		})
	}
}

// bridgedTo takes the message out of Send Message, or returns nil if it is not for addr and
// channel.
func bridgedTo(t *testing.T, m *rmcp.Message, addr, channel uint8) *rmcp.Message {
	t.Helper()
	if m.Cmd != 0x34 || len(m.Data) < 8 || m.Data[0] != 0x40|channel {
		t.Errorf("not bridged: %+v", m)
		return nil
	}
	inner, err := rmcp.ParseMessage(m.Data[1:])
	if err != nil {
		t.Error(err)
		return nil
	}
	if inner.To != addr {
		return nil
	}
	return &inner
}

func TestDoubleBridging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		s := mustDial(t, n)
		b.with(func() {
			b.handle = func(m *rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
				if m.Cmd == 0x3b {
					return 0, m.Data, true
				}
				transit := bridgedTo(t, m, 0x82, 1)
				if transit == nil {
					return 0x83, nil, true
				}
				target := bridgedTo(t, transit, 0x72, 7)
				if target == nil {
					return 0x83, nil, true
				}
				answer := target.Reply(0, []byte{target.Cmd})
				inner := transit.Reply(0, rmcp.AppendMessage(nil, &answer))
				return 0, rmcp.AppendMessage(nil, &inner), true
			}
		})
		satellite := s.TargetVia(0x82, 1, 0x72, 7)
		for cmd := range uint8(20) {
			ask(t, satellite, cmd)
		}
	})
}

// TestBridgedAnswerMustFit gives answers with the number of a bridged request that are not its own.
func TestBridgedAnswerMustFit(t *testing.T) {
	r := request{raw: echo(5), route: []hop{{0x30, 0}}, seq: 9}
	inner := rmcp.Message{To: 0x20, From: 0x30, NetFn: ipmi.NetFnApp + 1, Seq: 8, Cmd: 5}
	outer := rmcp.Message{To: 0x81, From: 0x20, NetFn: ipmi.NetFnApp + 1, Seq: 9, Cmd: 0x34,
		Data: rmcp.AppendMessage(nil, &inner)}
	if _, v := r.unwrap(outer); v != notOurs {
		t.Errorf("another number inside: %v", v)
	}
	nested := outer
	for range 5 {
		nested.Data = bytes.Clone(rmcp.AppendMessage(nil, &nested))
	}
	if _, v := r.unwrap(nested); v != notOurs {
		t.Errorf("nested too deeply: %v", v)
	}
}
