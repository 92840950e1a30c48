package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lom/ipmi"
	"lom/rmcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask sends a request that reads and checks its answer.
func ask(t *testing.T, s Conn, cmd uint8) {
	t.Helper()
	r, err := s.Exchange(context.Background(), echo(cmd))
	if err != nil || r.Code != 0 || !bytes.Equal(r.Data, []byte{cmd}) {
		t.Fatalf("command %02x: %+v, %v", cmd, r, err)
	}
}

func TestChangingCommandGoesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		s := mustDial(t, n)
		b.with(func() {
			b.handle = func(m *rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
				return 0, []byte{m.Cmd}, m.Cmd != 9
			}
		})
		_, err := s.Exchange(context.Background(), change(9))
		if !errors.Is(err, ipmi.ErrOutcomeUnknown) || !errors.Is(err, ipmi.ErrTimeout) {
			t.Errorf("%v", err)
		}
		b.with(func() {
			if !slices.Equal(b.commands, []string{"06 09"}) {
				t.Errorf("%v", b.commands)
			}
		})
		ask(t, s, 5)
	})
}

func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		s := mustDial(t, n)
		codes := []ipmi.CompletionCode{ipmi.CodeNodeBusy, ipmi.CodeTimeout, ipmi.CodeNodeBusy}
		b.with(func() {
			b.handle = func(m *rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
				if len(codes) > 0 {
					c := codes[0]
					codes = codes[1:]
					return c, nil, true
				}
				return 0, []byte{m.Cmd}, true
			}
		})
		ask(t, s, 4)
		if st := s.Stats(); st.Busy != 3 {
			t.Errorf("%+v", st)
		}
		// A changing command that was turned away is sent again; one that timed out in the BMC is
		// not.
		b.with(func() { codes = []ipmi.CompletionCode{ipmi.CodeNodeBusy, ipmi.CodeTimeout} })
		if r, err := s.Exchange(context.Background(), change(4)); err != nil ||
			r.Code != ipmi.CodeTimeout {
			t.Errorf("%+v, %v", r, err)
		}
		// A BMC that is busy for ever is not asked for ever.
		b.with(func() {
			b.handle = func(*rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
				return ipmi.CodeNodeBusy, nil, true
			}
		})
		var r ipmi.RawResponse
		var err error
		if d := elapsed(func() {
			r, err = s.Exchange(context.Background(), echo(4))
		}); err != nil || r.Code != ipmi.CodeNodeBusy || d > 10*time.Second {
			t.Errorf("after %v: %+v, %v", d, r, err)
		}
	})
}

func TestRaisesPrivilege(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		limit := ipmi.PrivilegeAdministrator
		b.with(func() {
			b.handle = func(m *rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
				if m.Cmd == 0x3b {
					if ipmi.Privilege(m.Data[0]) > limit {
						return 0x81, nil, true
					}
					return 0, m.Data, true
				}
				return 0, []byte{m.Cmd}, true
			}
		})
		operator, admin := echo(7), echo(8)
		operator.Command.Privilege, admin.Command.Privilege = ipmi.PrivilegeOperator,
			ipmi.PrivilegeAdministrator
		run := func(want []string, reqs ...ipmi.RawRequest) error {
			s, err := dialTest(t, n)
			if err != nil {
				t.Fatal(err)
			}
			b.with(func() { b.commands = nil })
			for _, q := range reqs {
				if _, err = s.Exchange(context.Background(), q); err != nil {
					break
				}
			}
			b.with(func() {
				if !slices.Equal(b.commands, want) {
					t.Errorf("%v, want %v", b.commands, want)
				}
			})
			return err
		}
		if err := run([]string{"06 01", "06 3b", "06 07", "06 08"}, echo(1), operator,
			admin); err != nil {
			t.Error(err)
		}
		limit = ipmi.PrivilegeOperator
		if err := run([]string{"06 3b", "06 3b", "06 07", "06 07"}, operator, operator); err !=
			nil {
			t.Error(err)
		}
		if err := run([]string{"06 3b"}, admin); !errors.Is(err, ipmi.ErrPrivilege) {
			t.Error(err)
		}
	})
}

// TestWindow sends many requests at once: never more under way than the window allows, and changing
// ones alone.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		s := mustDial(t, n)
		most := 0
		b.with(func() {
			b.handle = func(m *rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
				time.Sleep(time.Millisecond)
				s.mu.Lock()
				defer s.mu.Unlock()
				most = max(most, s.inFlight)
				if s.exclusive && s.inFlight != 1 {
					t.Errorf("a changing command and %d others", s.inFlight-1)
				}
				if s.inFlight > maxWindow20 {
					t.Errorf("%d requests under way", s.inFlight)
				}
				return 0, []byte{m.Cmd}, true
			}
		})
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				q := echo(uint8(i))
				q.Command.Changes = i%50 == 7
				if r, err := s.Exchange(context.Background(), q); err != nil ||
					!bytes.Equal(r.Data, []byte{uint8(i)}) {
					t.Errorf("%d: %+v, %v", i, r, err)
				}
			})
		}
		all.Wait()
		if most < 2 {
			t.Errorf("the window never grew")
		}
		if st := s.Stats(); st.Sent != 200 {
			t.Errorf("%+v", st)
		}
	})
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		s := mustDial(t, n)
		b.with(func() {
			b.handle = func(m *rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
				return 0, []byte{m.Cmd}, m.Cmd < 3
			}
		})
		for _, tc := range []struct {
			req     ipmi.RawRequest
			unknown bool
		}{{echo(3), false}, {change(3), true}} {
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			_, err := s.Exchange(ctx, tc.req)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) ||
				errors.Is(err, ipmi.ErrOutcomeUnknown) != tc.unknown {
				t.Errorf("%v", err)
			}
		}
		ask(t, s, 2)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := s.Exchange(context.Background(), echo(2)); !errors.Is(err, ipmi.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// TestSharedTransport has sessions with many BMCs on one socket, IPMI 1.5 ones with the same
// session ID among them.
func TestSharedTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		tr, err := NewTransport(n.listen("127.0.0.1", 0))
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 100 {
			host := fmt.Sprintf("127.0.1.%d", i+1)
			startBMC(t, n, host)
			all.Go(func() {
				s, err := Dial(context.Background(), host, WithTransport(tr),
					WithUser("admin", ipmi.NewSecret("secret")),
					WithInterface([]Interface{LAN, LANPlus}[i%2]))
				if err != nil {
					t.Error(err)
					return
				}
				for cmd := range uint8(10) {
					ask(t, s, cmd+uint8(i))
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		synctest.Wait()
		// Nobody waits for the answers to Close Session.
		if st := tr.Stats(); st.Stray > 100 || st.Malformed != 0 {
			t.Errorf("%+v", st)
		}
		if m := tr.endpoint(); len(m.sessions)+len(m.sessions1)+len(m.probes) != 0 {
			t.Errorf("left behind: %v, %v, %v", m.sessions, m.sessions1, m.probes)
		}
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestTransportClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		tr, _ := NewTransport(n.listen("127.0.0.1", 0))
		opts := []Option{WithTransport(tr), WithUser("admin", ipmi.NewSecret("secret"))}
		s, err := Dial(context.Background(), bmcAddr.String(), opts...)
		if err != nil {
			t.Fatal(err)
		}
		b.with(func() { b.deaf = func(*rmcp.Packet) bool { return true } })
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := s.Exchange(context.Background(), echo(1)); !errors.Is(err,
				ipmi.ErrClosed) {
				t.Errorf("request under way: %v", err)
			}
		})
		all.Go(func() {
			if _, err := Dial(context.Background(), bmcAddr.String(), opts...); !errors.Is(err,
				ipmi.ErrClosed) {
				t.Errorf("log-in under way: %v", err)
			}
		})
		synctest.Wait()
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
		if _, err := Dial(context.Background(), bmcAddr.String(), opts...); !errors.Is(err,
			ipmi.ErrClosed) {
			t.Errorf("log-in: %v", err)
		}
	})
}

func TestGroupCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		answer := []byte{0xdc, 1, 2}
		b.with(func() {
			b.handle = func(m *rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
				if !bytes.HasPrefix(m.Data, []byte{0xdc, 9}) {
					t.Errorf("request % x", m.Data)
				}
				return 0, answer, true
			}
		})
		s := mustDial(t, n)
		q := ipmi.RawRequest{Command: ipmi.Command{NetFn: ipmi.NetFnGroup, Code: 1, Body: "\xdc",
			Privilege: 2}, Data: []byte{9}}
		if r, err := s.Exchange(context.Background(), q); err != nil ||
			!bytes.Equal(r.Data, []byte{1, 2}) {
			t.Errorf("%+v, %v", r, err)
		}
		b.with(func() { answer = []byte{1, 2} })
		if _, err := s.Exchange(context.Background(), q); !errors.Is(err, ipmi.ErrMalformed) {
			t.Errorf("%v", err)
		}
	})
}

// TestPayloads sends payloads of another type, encrypted and not.
func TestPayloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		s := mustDial(t, n)
		var mu sync.Mutex
		var got []string
		s.HandlePayload(ipmi.PayloadSOL, func(p []byte) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, string(p))
		})
		for i, encrypted := range []bool{true, false} {
			s.Protect(ipmi.PayloadSOL, true, encrypted)
			b.with(func() {
				for _, link := range b.sessions {
					link.(*rmcp.Session20).Protect(ipmi.PayloadSOL, true, encrypted)
				}
			})
			if err := s.SendPayload(ipmi.PayloadSOL, fmt.Appendf(nil, "typed %d", i)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		ask(t, s, 1)
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(got, []string{"typed 0", "typed 1"}) {
			t.Errorf("%q", got)
		}
		_ = s.Close()
		if err := s.SendPayload(ipmi.PayloadSOL, nil); !errors.Is(err, ipmi.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}
