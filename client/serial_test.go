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
