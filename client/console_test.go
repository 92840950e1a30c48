package client

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
	"lom/rmcp"
	"lom/sol"
)

// A solEnd is the console of a scripted BMC. Its fields are guarded by the BMC's mu.
type solEnd struct {
	b       *scriptedBMC
	port    uint16
	refuse  []ipmi.CompletionCode // of the next Activate Payload commands
	mute    bool                  // it does not answer on the console
	holder  uint32                // the session that has it
	asked   []byte                // the auxiliary byte of Activate Payload
	stream  *sol.Stream
	session rmcp.Session
	to      net.Addr
	in, out []byte
	breaks  int
}

func startSOL(t *testing.T, b *scriptedBMC) *solEnd {
	e := &solEnd{b: b, port: rmcp.Port}
	b.with(func() { b.handle, b.payload = e.handle, e.receive })
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				e.pump()
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-done
	})
	return e
}

func (e *solEnd) handle(m *rmcp.Message) (ipmi.CompletionCode, []byte, bool) {
	switch m.Cmd {
	case 0x3b:
		return 0, m.Data[:1], true
	case 0x48:
		e.asked = append(e.asked, m.Data[2])
		if len(e.refuse) > 0 {
			code := e.refuse[0]
			e.refuse = e.refuse[1:]
			return code, nil, true
		}
		if e.holder != 0 {
			return ipmi.CodePayloadActive, nil, true
		}
		e.holder, e.session, e.to = e.b.sessionID, e.b.session, e.b.from
		e.session.(*rmcp.Session20).Protect(ipmi.PayloadSOL, m.Data[2]&0x40 != 0,
			m.Data[2]&0x80 != 0)
		e.stream = sol.New(sol.Config{Role: sol.BMC, MaxData: 255,
			RetryInterval: 100 * time.Millisecond, Accumulate: 5 * time.Millisecond, Threshold: 96})
		data, _ := ipmi.ActivatedPayload{InboundSize: 200, OutboundSize: 255, Port: e.port,
			VLAN: 0xffff}.AppendBinary(nil)
		return 0, data, true
	case 0x49:
		if e.holder == 0 {
			return codePayloadInactive, nil, true
		}
		e.end()
		return 0, nil, true
	case 0x4b:
		return 0, append(binary.LittleEndian.AppendUint32(nil, e.holder), make([]byte, 8)...), true
	}
	return 0, []byte{m.Cmd}, true
}

// end deactivates the console without a word to who has it.
func (e *solEnd) end() { e.holder, e.stream = 0, nil }

func (e *solEnd) receive(payload []byte) {
	if e.stream == nil || e.mute {
		return
	}
	r, err := e.stream.Receive(time.Now(), payload, 1<<20)
	if err != nil {
		return
	}
	e.in = append(e.in, r.Data...)
	if r.Flags&sol.SendBreak != 0 {
		e.breaks++
	}
}

func (e *solEnd) pump() {
	e.b.mu.Lock()
	defer e.b.mu.Unlock()
	if e.stream == nil || e.mute {
		return
	}
	now := time.Now()
	e.out = e.out[e.stream.Write(now, e.out):]
	for {
		p, _ := e.stream.Poll(now)
		if p == nil {
			return
		}
		if packet, err := e.session.Append(nil, ipmi.PayloadSOL, p); err == nil {
			_, _ = e.b.conn.WriteTo(packet, e.to)
		}
	}
}

// consoleTest runs f with a BMC that has a console, and a session.
func consoleTest(t *testing.T, f func(t *testing.T, n *memNet, e *solEnd, s *Session),
	opts ...Option) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		b.with(func() { b.suites = []int{17, 3, 2} })
		e := startSOL(t, b)
		f(t, n, e, mustDial(t, n, opts...))
	})
}

// eventLog keeps the events of a console.
type eventLog struct {
	mu  sync.Mutex
	all []ConsoleEvent
}

func (l *eventLog) option() ConsoleOption {
	return WithEvents(func(e ConsoleEvent) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = append(l.all, e)
	})
}

func (l *eventLog) has(want ...ConsoleEvent) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Equal(l.all, want)
}

func mustOpen(t *testing.T, s *Session, opts ...ConsoleOption) *Console {
	t.Helper()
	c, err := OpenConsole(context.Background(), s, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// readAll reads n characters.
func readAll(t *testing.T, c *Console, n int) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	var all []byte
	buf := make([]byte, 1000)
	for len(all) < n {
		k, err := c.Read(ctx, buf)
		if all = append(all, buf[:k]...); err != nil {
			t.Errorf("after %d of %d characters: %v", len(all), n, err)
			break
		}
	}
	return all
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// spoil makes the network lose and double packets.
func spoil(n *memNet, loss, double float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.carry = func(_, _ netip.AddrPort, b []byte) [][]byte {
		switch r := rand.Float64(); {
		case r < loss:
			return nil
		case r < loss+double:
			return [][]byte{b, b}
		}
		return [][]byte{b}
	}
}

func TestConsoleLosesAndDoublesNothing(t *testing.T) {
	for _, loss := range []float64{0, .05, .3} {
		consoleTest(t, func(t *testing.T, n *memNet, e *solEnd, s *Session) {
			c := mustOpen(t, s)
			spoil(n, loss, .1)
			up, down := randomBytes(64<<10), randomBytes(64<<10)
			e.b.with(func() { e.out = slices.Clone(down) })
			sent := make(chan error, 1)
			go func() {
				_, err := c.Write(context.Background(), up)
				if err == nil {
					err = c.Flush(context.Background())
				}
				sent <- err
			}()
			got := readAll(t, c, len(down))
			if err := <-sent; err != nil {
				t.Error(err)
			}
			e.b.with(func() {
				if sha256.Sum256(got) != sha256.Sum256(down) ||
					sha256.Sum256(e.in) != sha256.Sum256(up) {
					t.Errorf("loss %v: %d of %d characters came, %d of %d went, and not all are "+
						"the same", loss, len(got), len(down), len(e.in), len(up))
				}
			})
			spoil(n, 0, 0)
		})
	}
}

// A reader that is slow makes the BMC wait, and loses nothing.
func TestConsoleWaitsForItsReader(t *testing.T) {
	consoleTest(t, func(t *testing.T, _ *memNet, e *solEnd, s *Session) {
		c := mustOpen(t, s)
		down := randomBytes(3 * consoleBuffer)
		e.b.with(func() { e.out = slices.Clone(down) })
		time.Sleep(time.Minute)
		c.mu.Lock()
		if held := len(c.in); held > consoleBuffer || held == 0 {
			t.Errorf("%d characters are held", held)
		}
		c.mu.Unlock()
		if sha256.Sum256(readAll(t, c, len(down))) != sha256.Sum256(down) {
			t.Error("not what was sent")
		}
	})
}

// Who writes more than there is room for sleeps until there is: in a bubble, time stands still
// while anybody is busy.
func TestConsoleWriterSleeps(t *testing.T) {
	consoleTest(t, func(t *testing.T, _ *memNet, e *solEnd, s *Session) {
		c := mustOpen(t, s)
		e.b.with(func() { e.mute = true })
		text := randomBytes(3 * consoleBuffer)
		written := make(chan error, 1)
		go func() {
			_, err := c.Write(context.Background(), text)
			written <- err
		}()
		time.Sleep(2 * time.Second)
		e.b.with(func() { e.mute = false })
		if err := <-written; err != nil {
			t.Error(err)
		}
		if err := c.Flush(context.Background()); err != nil {
			t.Error(err)
		}
		e.b.with(func() {
			if sha256.Sum256(e.in) != sha256.Sum256(text) {
				t.Errorf("%d of %d characters came, and not all are the same", len(e.in), len(text))
			}
		})
	})
}

func TestConsoleBreaksAndCloses(t *testing.T) {
	consoleTest(t, func(t *testing.T, _ *memNet, e *solEnd, s *Session) {
		c := mustOpen(t, s)
		if err := c.Break(); err != nil {
			t.Error(err)
		}
		if err := c.Flush(context.Background()); err != nil {
			t.Error(err)
		}
		if _, err := OpenConsole(context.Background(), s); err == nil {
			t.Error("two consoles in a session")
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := c.Read(context.Background(), make([]byte, 1)); !errors.Is(err,
			ipmi.ErrClosed) {
			t.Error(err)
		}
		e.b.with(func() {
			if e.breaks != 1 || e.holder != 0 {
				t.Errorf("%d breaks; open in session %#x", e.breaks, e.holder)
			}
		})
		mustOpen(t, s)
	})
}

// end waits for the end of a console, and returns why and how long it took.
func end(c *Console) (took time.Duration, err error) {
	took = elapsed(func() { _, err = c.Read(context.Background(), make([]byte, 1)) })
	return took, err
}

func TestConsoleNoticesItsEnd(t *testing.T) {
	for name, how := range map[string]struct {
		do   func(e *solEnd)
		want error
		most time.Duration
	}{
		"deactivated without a word": {func(e *solEnd) { e.end() }, ErrConsoleDeactivated, 5 * time.Second},
		"deactivated with a word": {func(e *solEnd) {
			p, _ := e.session.Append(nil, ipmi.PayloadSOL, []byte{0, 0, 0, byte(sol.Deactivated)})
			_, _ = e.b.conn.WriteTo(p, e.to)
			e.end()
		}, ErrConsoleDeactivated, 100 * time.Millisecond},
		"dead BMC": {func(e *solEnd) { e.b.deaf = func(*rmcp.Packet) bool { return true } }, ipmi.ErrTimeout, 13 * time.Second},
		"BMC restarted": {func(e *solEnd) {
			clear(e.b.sessions)
			e.end()
		}, ipmi.ErrTimeout, 13 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			consoleTest(t, func(t *testing.T, _ *memNet, e *solEnd, s *Session) {
				c := mustOpen(t, s)
				time.Sleep(10 * time.Second)
				e.b.with(func() { how.do(e) })
				if took, err := end(c); !errors.Is(err, how.want) || took > how.most {
					t.Errorf("after %v: %v", took, err)
				}
				e.b.with(func() { e.b.deaf = nil })
			})
		})
	}
}

func TestConsoleNoticesThatNothingIsAcknowledged(t *testing.T) {
	consoleTest(t, func(t *testing.T, _ *memNet, e *solEnd, s *Session) {
		c := mustOpen(t, s)
		e.b.with(func() { e.mute = true })
		_, _ = c.Write(context.Background(), []byte("x"))
		if took, err := end(c); !errors.Is(err, ErrConsoleSilent) || took > 15*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

func TestConsoleReconnects(t *testing.T) {
	consoleTest(t, func(t *testing.T, _ *memNet, e *solEnd, s *Session) {
		var log eventLog
		c := mustOpen(t, s, WithReconnect(), log.option())
		e.b.with(func() {
			clear(e.b.sessions)
			e.end()
			e.b.deaf = func(*rmcp.Packet) bool { return true }
		})
		time.Sleep(time.Minute)
		if !log.has(ConsoleLost) {
			t.Errorf("events %v", log.all)
		}
		e.b.with(func() { e.b.deaf = nil })
		time.Sleep(20 * time.Second)
		e.b.with(func() { e.out = []byte("again") })
		if got := readAll(t, c, 5); string(got) != "again" ||
			!log.has(ConsoleLost, ConsoleReopened) {
			t.Errorf("%q, events %v", got, log.all)
		}
		e.b.with(func() { e.end() })
		if _, err := end(c); !errors.Is(err, ErrConsoleDeactivated) {
			t.Error(err)
		}
	})
}

func TestConsoleTaken(t *testing.T) {
	consoleTest(t, func(t *testing.T, _ *memNet, e *solEnd, s *Session) {
		e.b.with(func() { e.holder = 0x77 })
		_, err := OpenConsole(context.Background(), s)
		var taken *ConsoleTakenError
		if !errors.As(err, &taken) || !errors.Is(err, ErrConsoleTaken) || taken.SessionID != 0x77 {
			t.Fatal(err)
		}
		var asked []uint32
		abandoned := func(id uint32) bool {
			asked = append(asked, id)
			return id == 0x78
		}
		if _, err := OpenConsole(context.Background(), s, WithAbandoned(abandoned)); !errors.Is(err,
			ErrConsoleTaken) || !slices.Equal(asked, []uint32{0x77}) {
			t.Errorf("asked for %x: %v", asked, err)
		}
		e.b.with(func() { e.holder = 0x78 })
		var log eventLog
		c := mustOpen(t, s, WithAbandoned(abandoned), log.option())
		time.Sleep(time.Second)
		if !log.has(ConsoleHealed) {
			t.Errorf("events %v", log.all)
		}
		_ = c.Close()
		e.b.with(func() { e.holder = 0x77 })
		mustOpen(t, s, WithTakeover())
	})
}

// The answer to Activate Payload gets lost, so that the console seems to be taken: by ourselves.
func TestConsoleWhoseAnswerIsLost(t *testing.T) {
	consoleTest(t, func(t *testing.T, _ *memNet, e *solEnd, s *Session) {
		lost := 0
		e.b.with(func() {
			e.b.tamper = func(_ rmcp.Session, m *rmcp.Message, packet []byte) [][]byte {
				if m.Cmd == 0x48 && lost == 0 {
					lost++
					return nil
				}
				return [][]byte{packet}
			}
		})
		mustOpen(t, s)
		if lost != 1 {
			t.Error("no answer was lost")
		}
	})
}

func TestConsoleProtection(t *testing.T) {
	cases := []struct {
		suite  int
		refuse []ipmi.CompletionCode
		asked  []byte
		events []ConsoleEvent
	}{
		{3, nil, []byte{0xc4}, nil},
		{3, []ipmi.CompletionCode{ipmi.CodePayloadNoEncryption}, []byte{0xc4, 0x44}, []ConsoleEvent{ConsolePlain}},
		{2, nil, []byte{0x44}, nil},
	}
	for _, k := range cases {
		consoleTest(t, func(t *testing.T, _ *memNet, e *solEnd, s *Session) {
			var log eventLog
			e.b.with(func() { e.refuse = k.refuse })
			c := mustOpen(t, s, log.option())
			e.b.with(func() { e.out = []byte("hello") })
			if got := readAll(t, c, 5); string(got) != "hello" || !slices.Equal(e.asked, k.asked) ||
				!log.has(k.events...) {
				t.Errorf("suite %d: %q; asked % x; events %v", k.suite, got, e.asked, log.all)
			}
		}, WithCipherSuite(k.suite))
		if t.Failed() {
			return
		}
	}
	for suite, code := range map[int]ipmi.CompletionCode{2: ipmi.CodePayloadEncryption,
		3: ipmi.CodePayloadDisabled} {
		consoleTest(t, func(t *testing.T, _ *memNet, e *solEnd, s *Session) {
			e.b.with(func() { e.refuse = []ipmi.CompletionCode{code} })
			if _, err := OpenConsole(context.Background(), s); !errors.Is(err, code) {
				t.Error(err)
			}
		}, WithCipherSuite(suite))
	}
}

// Packets that were forged, replayed or belong nowhere change nothing.
func TestConsoleBelievesNobodyElse(t *testing.T) {
	consoleTest(t, func(t *testing.T, n *memNet, e *solEnd, s *Session) {
		c := mustOpen(t, s)
		var seen [][]byte
		n.mu.Lock()
		n.carry = func(from, to netip.AddrPort, b []byte) [][]byte {
			if from == bmcAddr {
				bad := slices.Clone(b)
				bad[len(bad)-1] ^= 1
				seen = append(seen, b)
				return append(slices.Clone(seen[:len(seen)-1]), bad, b, bad, b)
			}
			return [][]byte{b}
		}
		n.mu.Unlock()
		text := strings.Repeat("the quick brown fox ", 50)
		e.b.with(func() { e.out = []byte(text) })
		if got := string(readAll(t, c, len(text))); got != text {
			t.Errorf("%q", got)
		}
		if st := s.Stats(); st.BadAuthCode == 0 || st.BadSequence == 0 {
			t.Errorf("%+v", st)
		}
	})
}

// Address translation in front of the BMC changes the port, and the BMC may give it in the wrong
// order.
func TestConsolePorts(t *testing.T) {
	for _, port := range []uint16{0, 623, 0x6f02, 9101} {
		consoleTest(t, func(t *testing.T, _ *memNet, e *solEnd, s *Session) {
			e.b.with(func() { e.port = port })
			c := mustOpen(t, s)
			e.b.with(func() { e.out = []byte("hello") })
			if got := readAll(t, c, 5); string(got) != "hello" {
				t.Errorf("port %d: %q", port, got)
			}
		})
	}
}

func TestConsoleNeedsLANPlus(t *testing.T) {
	consoleTest(t, func(t *testing.T, _ *memNet, _ *solEnd, s *Session) {
		if _, err := OpenConsole(context.Background(), s); !errors.Is(err, ErrConsoleNeedsLANPlus) {
			t.Error(err)
		}
	}, WithInterface(LAN))
}

func TestMaxCharacters(t *testing.T) {
	for size, want := range map[uint16]int{0: 64, 1: 252, 200: 196, 0xc800: 196, 259: 255,
		1024: 255, 0xffff: 64} {
		if got := maxCharacters(size); got != want {
			t.Errorf("%#x: %d, want %d", size, got, want)
		}
	}
}
