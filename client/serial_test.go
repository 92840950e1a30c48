package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// serialPeer is the other end of a serial line: it answers what answer returns, "" for nothing.
func serialPeer(t *testing.T, basic bool, text func(string) string,
	answer func(rmcp.Message) (rmcp.Message, bool)) io.ReadWriteCloser {
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = theirs.Close() })
	go func() {
		var b rmcp.BasicReader
		var r rmcp.TerminalReader
		buf := make([]byte, 512)
		for {
			n, err := theirs.Read(buf)
			if err != nil {
				return
			}
			for _, c := range buf[:n] {
				if raw, ok := b.Next(c); ok && basic {
					if m, err := rmcp.ParseMessage(bytes.Clone(raw)); err == nil {
						if a, ok := answer(m); ok {
							_, _ = theirs.Write(rmcp.AppendBasic([]byte{rmcp.BasicHandshake},
								rmcp.AppendMessage(nil, &a)))
						}
					}
				}
				if s, ok := r.Next(c); ok && !basic {
					if m, err := rmcp.ParseTerminal(s); err != nil {
						_, _ = io.WriteString(theirs, text(s))
					} else if a, ok := answer(m); ok {
						_, _ = theirs.Write(rmcp.AppendTerminal([]byte("[SYS]\r\n"), &a))
					}
				}
			}
		}
	}()
	return ours
}

func TestSerialExchange(t *testing.T) {
	for _, basic := range []bool{false, true} {
		var lost atomic.Int32 // requests that came to the peer
		line := serialPeer(t, basic, nil, func(m rmcp.Message) (rmcp.Message, bool) {
			if lost.Add(1)%2 == 1 {
				return m, false
			}
			return m.Reply(ipmi.CodeOK, m.Data), true
		})
		s, err := NewSerial(context.Background(), line,
			SerialConfig{Basic: basic, Timeout: 30 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		data := bytes.Repeat([]byte{0xa0, 0x1b}, 60)
		for range 3 {
			resp, err := s.Exchange(context.Background(), ipmi.RawRequest{
				Command: ipmi.Command{NetFn: ipmi.NetFnGroup, Code: 2, Body: "\xdc"}, Data: data})
			if err != nil || resp.Code != ipmi.CodeOK || !bytes.Equal(resp.Data, data) {
				t.Errorf("%+v, %v", resp, err)
			}
		}
		lost.Store(0)
		_, err = s.Exchange(context.Background(),
			ipmi.RawRequest{Command: ipmi.ColdReset{}.Command()})
		if !errors.Is(err, ipmi.ErrOutcomeUnknown) || !errors.Is(err, ipmi.ErrTimeout) ||
			lost.Load() != 1 {
			t.Errorf("%v after %d packets", err, lost.Load())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := s.Exchange(context.Background(), ipmi.RawRequest{}); !errors.Is(err,
			ipmi.ErrClosed) {
			t.Errorf("afterwards: %v", err)
		}
	}
}

func TestSerialLogin(t *testing.T) {
	for _, c := range []struct {
		user, password, asked, said string
		want                        error
	}{
		{"admin", "secret", "SYS PWD -U admin secret", "[OK]\r\n", nil},
		{"", "", "SYS PWD -N", "[OK]\r\n", nil},
		{"admin", "wrong", "SYS PWD -U admin wrong", "[ERR CC]\r\n", ipmi.ErrPassword},
		{"admin", "secret", "SYS PWD -U admin secret", "", ipmi.ErrTimeout},
	} {
		line := serialPeer(t, false, func(s string) string {
			if s != c.asked && s != "SYS PWD -X" {
				t.Errorf("asked %q, want %q", s, c.asked)
			}
			return c.said
		}, nil)
		s, err := NewSerial(context.Background(), line, SerialConfig{
			Login: true, User: c.user, Password: ipmi.NewSecret(c.password),
			Timeout: 20 * time.Millisecond, Tries: 2})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.asked, err)
		}
		if s != nil {
			_ = s.Close()
		}
	}
	_, err := NewSerial(context.Background(), serialPeer(t, false, func(string) string {
		return ""
	}, nil), SerialConfig{Login: true, User: "a", Password: ipmi.NewSecret("x]\r\n[")})
	if err == nil || !strings.Contains(err.Error(), "printable") {
		t.Error(err)
	}
}

// Where the BMC does not track answers of other controllers, they are taken from its receive
// message queue (§6.13.2); what else is there is passed over.
func TestSerialAnswersFromTheQueue(t *testing.T) {
	const target, channel = 0x82, 0
	for _, basic := range []bool{false, true} {
		var queue [][]byte
		polls, refused := 0, 0
		put := func(m rmcp.Message) { queue = append(queue, rmcp.AppendMessage(nil, &m)[1:]) }
		line := serialPeer(t, basic, nil, func(m rmcp.Message) (rmcp.Message, bool) {
			switch {
			case m.Cmd == sendMessage.Code && m.Data[0] != channel:
				refused++
				return m.Reply(ipmi.CodeInvalidDataField, nil), true
			case m.Cmd == sendMessage.Code:
				in, err := rmcp.ParseMessage(bytes.Clone(m.Data[1:]))
				if err != nil || in.To != target || in.FromLUN != smsLUN {
					t.Errorf("got %+v, %v, want a request to %#02x from LUN %d", in, err, target,
						smsLUN)
				}
				in.From = ipmi.AddressBMC
				other, old := in.Reply(ipmi.CodeOK, []byte{1}), in.Reply(ipmi.CodeOK, []byte{2})
				other.From, old.Seq = 0x84, (old.Seq+1)&rmcp.MaxSeq
				put(other)
				put(old)
				put(in.Reply(ipmi.CodeOK, in.Data))
				return m.Reply(ipmi.CodeOK, nil), true
			case m.Cmd == (ipmi.GetMessage{}).Command().Code:
				if polls++; polls == 1 {
					return m.Reply(ipmi.CodeQueueEmpty, nil), true
				}
				next := queue[0]
				queue = queue[1:]
				return m.Reply(ipmi.CodeOK, append([]byte{channel}, next...)), true
			}
			return m, false
		})
		s, err := NewSerial(t.Context(), line, SerialConfig{Basic: basic})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			data := []byte{7, 8, 9}
			resp, err := s.Target(target, channel).Exchange(t.Context(), ipmi.RawRequest{
				Command: ipmi.Command{NetFn: ipmi.NetFnApp, Code: 0x01}, Data: data})
			if err != nil || !bytes.Equal(resp.Data, data) {
				t.Errorf("basic %t: got %+v, %v, want %x", basic, resp, err, data)
			}
		}
		if refused != 1 {
			t.Errorf("basic %t: tracking was asked for %d times, want 1", basic, refused)
		}
		_ = s.Close()
	}
}

// What the BMC says of Send Message is the error, and not taken for the controller's answer.
func TestSerialBridgeRefuses(t *testing.T) {
	line := serialPeer(t, false, nil, func(m rmcp.Message) (rmcp.Message, bool) {
		return m.Reply(ipmi.CodeNAKOnWrite, nil), true
	})
	s, err := NewSerial(t.Context(), line, SerialConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = Do(t.Context(), s.Target(0x82, 0), ipmi.GetDeviceID{})
	e := new(ipmi.Error)
	if !errors.As(err, &e) || e.Code != ipmi.CodeNAKOnWrite || e.Command.Name != sendMessage.Name {
		t.Errorf("got %v, want Send Message: NAK on write", err)
	}
}
