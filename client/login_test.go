package client

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

func TestAllSuites(t *testing.T) {
	for _, suite := range rmcp.CipherSuites() {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			b.with(func() { b.suites = []int{int(suite.ID)} })
			s := mustDial(t, n, WithCipherSuite(int(suite.ID)))
			for cmd := range uint8(100) {
				ask(t, s, cmd)
			}
			if i := s.Info(); i.CipherSuite != suite || i.Interface != LANPlus {
				t.Errorf("%+v", i)
			}
		})
	}
}

func TestAllAuthTypes(t *testing.T) {
	for _, auth := range []ipmi.AuthType{ipmi.AuthNone, ipmi.AuthMD2, ipmi.AuthMD5,
		ipmi.AuthPassword} {
		for _, perMessage := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				n := newMemNet()
				b := startBMC(t, n)
				b.with(func() { b.perMessage = perMessage })
				s := mustDial(t, n, WithInterface(LAN), WithAuthType(auth))
				for cmd := range uint8(100) {
					ask(t, s, cmd)
				}
			})
		}
	}
}

// TestExchanges counts the packets of one command from first to last.
func TestExchanges(t *testing.T) {
	for name, tc := range map[string]struct {
		suites []int
		opts   []Option
		want   int
	}{
		// capabilities, open, RAKP 1, RAKP 3, the command, close
		"any suite":       {[]int{17}, nil, 6},
		"suite 3":         {[]int{3}, nil, 7}, // 17 is refused first
		"lanplus":         {[]int{17}, []Option{WithInterface(LANPlus)}, 5},
		"lanplus suite 3": {[]int{3}, []Option{WithInterface(LANPlus), WithCipherSuite(3)}, 5},
		// capabilities, in case there is no answer
		"one try": {[]int{17}, []Option{WithInterface(LANPlus), WithRetry(time.Second, 1)}, 6},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			b.with(func() { b.suites = tc.suites })
			s := mustDial(t, n, tc.opts...)
			ask(t, s, 1)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			b.with(func() {
				if b.packets != tc.want || !slices.Equal(b.commands, []string{"06 01", "06 3c"}) {
					t.Errorf("%s: %d packets, want %d: %v", name, b.packets, tc.want, b.commands)
				}
				if len(b.sessions) != 0 {
					t.Errorf("%s: the session was left open", name)
				}
			})
		})
	}
}

func TestChoosesInterface(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		b.with(func() {
			b.caps.Extended, b.caps.SupportsIPMI20 = false, false
			b.deaf = func(p *rmcp.Packet) bool { return p.V20() }
		})
		s := mustDial(t, n)
		if s.Info().Interface != LAN || s.Info().AuthType != ipmi.AuthMD5 {
			t.Errorf("%+v", s.Info())
		}
		for _, opts := range [][]Option{nil, {WithCipherSuite(3)}, {WithRetry(time.Second, 1)}} {
			if _, err := dialTest(t, n, append(opts, WithInterface(LANPlus))...); !errors.Is(err,
				ipmi.ErrNoIPMI20) {
				t.Errorf("lanplus: %v", err)
			}
		}
	})
}

// A BMC that has answered Open Session speaks IPMI 2.0, whatever happens to the packets after that.
func TestSilenceAfterOpenSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		b.with(func() {
			b.deaf = func(p *rmcp.Packet) bool { return p.PayloadType == ipmi.PayloadRAKP1 }
		})
		if _, err := dialTest(t, n, WithInterface(LANPlus), WithCipherSuite(3)); !errors.Is(err,
			ipmi.ErrTimeout) || errors.Is(err, ipmi.ErrNoIPMI20) {
			t.Errorf("%v", err)
		}
	})
}

func TestChoosesSuite(t *testing.T) {
	for _, tc := range []struct {
		suites []int
		want   int
	}{{[]int{3}, 3}, {[]int{8, 7}, 8}, {[]int{16, 12}, 12}, {[]int{12, 8, 2}, 8}} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			b.with(func() { b.suites = tc.suites })
			if s := mustDial(t, n); s.Info().CipherSuite.ID != uint8(tc.want) {
				t.Errorf("of %v it took %v", tc.suites, s.Info().CipherSuite)
			}
		})
	}
	// What does not protect is used only when it is asked for.
	for _, suites := range [][]int{{0, 1, 6}, {19, 2}, {2, 11, 1, 0}, {4, 5, 16}} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			b.with(func() { b.suites = suites })
			_, err := dialTest(t, n)
			var e *SuiteError
			if !errors.As(err, &e) || !errors.Is(err, ipmi.ErrCipherSuite) ||
				len(e.Offered) != len(suites) {
				t.Errorf("of suites %v: got %v, want a SuiteError", suites, err)
			}
			if s := mustDial(t, n, WithCipherSuite(suites[0])); s.Info().CipherSuite.ID !=
				uint8(suites[0]) {
				t.Errorf("got suite %v, want %d", s.Info().CipherSuite, suites[0])
			}
		})
	}
}

// TestRefusals tells apart why a log-in fails, and how long that takes.
func TestRefusals(t *testing.T) {
	user := WithUser("admin", ipmi.NewSecret("wrong"))
	for _, tc := range []struct {
		name string
		opts []Option
		bmc  func(*scriptedBMC)
		want error
		most time.Duration
	}{
		{"password", []Option{user}, nil, ipmi.ErrPassword, 0},
		{"user", []Option{WithUser("nobody", ipmi.Secret{})}, nil, ipmi.ErrUser, 0},
		{"Kg", []Option{WithKg(ipmi.NewSecret("wrong"))}, nil, ipmi.ErrKey, 0},
		{"Kg that the BMC has", nil, func(b *scriptedBMC) { b.kg = "key" }, ipmi.ErrKey, 0},
		{"suite", []Option{WithCipherSuite(8)}, nil, ipmi.ErrCipherSuite, 0},
		{"suite, by another name", []Option{WithCipherSuite(17)},
			func(b *scriptedBMC) {
				b.status = rmcp.StatusIllegalParameter
			}, ipmi.ErrCipherSuite, 0},
		{"privilege", nil, func(b *scriptedBMC) { b.rakp2 = rmcp.StatusUnauthorizedRole }, ipmi.ErrPrivilege, 0},
		{"no session", nil, func(b *scriptedBMC) { b.status = rmcp.StatusNoResources }, ipmi.ErrBusy, 0},
		{"lan user", []Option{WithInterface(LAN), WithUser("nobody", ipmi.Secret{})}, nil, ipmi.ErrUser, 0},
		{"lan privilege", []Option{WithInterface(LAN)}, func(b *scriptedBMC) { b.activate = 0x86 }, ipmi.ErrPrivilege, 0},
		{"lan no session", []Option{WithInterface(LAN)}, func(b *scriptedBMC) { b.activate = 0x81 }, ipmi.ErrBusy, 0},
		{"lan type", []Option{WithInterface(LAN), WithAuthType(ipmi.AuthMD2)},
			func(b *scriptedBMC) { b.caps.AuthTypes = 1 << ipmi.AuthMD5 }, ipmi.ErrAuthType, 0},
		{"no lan", []Option{WithInterface(LAN)}, func(b *scriptedBMC) { b.caps.AuthTypes = 0 }, ipmi.ErrNoIPMI15, 0},
		{"lan password", []Option{WithInterface(LAN), user}, nil, ipmi.ErrPassword, 8 * time.Second},
		{"silence", nil, func(b *scriptedBMC) { b.deaf = func(*rmcp.Packet) bool { return true } }, ipmi.ErrTimeout, 10 * time.Second},
		{"lanplus silence", []Option{WithInterface(LANPlus)},
			func(b *scriptedBMC) {
				b.deaf = func(*rmcp.Packet) bool { return true }
			}, ipmi.ErrTimeout, 10 * time.Second},
		{"lanplus silence, suite 3", []Option{WithInterface(LANPlus), WithCipherSuite(3)},
			func(b *scriptedBMC) {
				b.deaf = func(*rmcp.Packet) bool { return true }
			}, ipmi.ErrTimeout, 10 * time.Second},
		{"lanplus silence, one try", []Option{WithInterface(LANPlus), WithRetry(time.Second, 1)},
			func(b *scriptedBMC) {
				b.deaf = func(*rmcp.Packet) bool { return true }
			}, ipmi.ErrTimeout, time.Second},
		{"lanplus, silent to suite 17", []Option{WithInterface(LANPlus)},
			func(b *scriptedBMC) {
				b.suites = []int{3}
				b.deaf = func(p *rmcp.Packet) bool {
					return p.PayloadType == ipmi.PayloadOpenSession && p.Payload[12] == 3
				}
			}, nil, 3 * time.Second},
		{"lan silence", []Option{WithInterface(LAN)},
			func(b *scriptedBMC) {
				b.deaf = func(*rmcp.Packet) bool { return true }
			}, ipmi.ErrTimeout, 8 * time.Second},
		{"silence, one try", []Option{WithRetry(time.Second, 1)},
			func(b *scriptedBMC) {
				b.deaf = func(*rmcp.Packet) bool { return true }
			}, ipmi.ErrTimeout, time.Second},
		{"silence, -N 2 -R 3", []Option{WithRetry(2*time.Second, 3)},
			func(b *scriptedBMC) {
				b.deaf = func(*rmcp.Packet) bool { return true }
			}, ipmi.ErrTimeout, 9 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			if tc.bmc != nil {
				b.with(func() { tc.bmc(b) })
			}
			var err error
			took := elapsed(func() { _, err = dialTest(t, n, tc.opts...) })
			var e *ipmi.Error
			if !errors.Is(err, tc.want) || tc.want != nil && (!errors.As(err, &e) || e.Peer == "") {
				t.Errorf("%s: %v", tc.name, err)
			}
			if took > tc.most || took < tc.most*9/10 {
				t.Errorf("%s: it took %v, not %v", tc.name, took, tc.most)
			}
			if tc.want == ipmi.ErrPassword {
				synctest.Wait()
				b.with(func() {
					for id, h := range b.handshakes {
						if !h.Over() {
							t.Errorf("%s: handshake %x was not ended", tc.name, id)
						}
					}
				})
			}
		})
	}
}

func TestOptionsOutOfRange(t *testing.T) {
	for name, opts := range map[string][]Option{
		"user":      {WithUser("seventeen letters", ipmi.Secret{})},
		"password":  {WithUser("admin", ipmi.NewSecret("twenty-one characters"))},
		"lan":       {WithInterface(LAN), WithUser("admin", ipmi.NewSecret("17 characters pw."))},
		"Kg":        {WithKg(ipmi.NewSecret("twenty-one characters"))},
		"suite":     {WithCipherSuite(99)},
		"interface": {WithInterface("smoke")},
		"privilege": {WithPrivilege(9)},
	} {
		n := newMemNet()
		if _, err := dialTest(t, n, opts...); err == nil {
			t.Errorf("%s: no error", name)
		} else if errors.Is(err, ipmi.ErrTimeout) {
			t.Errorf("%s: packets were sent", name)
		}
	}
}

// TestLogInUnderLoss opens sessions over a bad network.
func TestLogInUnderLoss(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			n := newMemNet()
			startBMC(t, n)
			n.carry = func(_, _ netip.AddrPort, b []byte) [][]byte {
				if r.IntN(100) < 20 {
					return nil
				}
				return [][]byte{b}
			}
			s, err := dialTest(t, n, WithInterface([]Interface{Auto, LAN}[seed%2]),
				WithRetry(0, 10))
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			ask(t, s, 1)
		})
	}
}

// TestSecretsAreNotLogged looks for passwords in everything that is logged, errors included.
func TestSecretsAreNotLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		b.with(func() { b.password, b.kg = "pa55word", "kg-k3y" })
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log,
			&slog.HandlerOptions{Level: slog.LevelDebug - 8}))
		for _, iface := range []Interface{LANPlus, LAN} {
			for _, kg := range []string{"kg-k3y", "wr0ng"} {
				s, err := dialTest(t, n, WithInterface(iface), WithAuthType(ipmi.AuthPassword),
					WithLogger(logger),
					WithUser("admin", ipmi.NewSecret("pa55word")), WithKg(ipmi.NewSecret(kg)))
				if err == nil {
					ask(t, s, 1)
				}
				fmt.Fprintf(&log, "%v %+v %#v\n", err, s, err)
			}
		}
		for _, secret := range []string{"pa55word", "kg-k3y", "wr0ng"} {
			if strings.Contains(log.String(), secret) ||
				strings.Contains(log.String(), fmt.Sprintf("% x", secret)) {
				t.Errorf("%q was logged", secret)
			}
		}
		if !strings.Contains(log.String(), "got an answer") {
			t.Error("nothing was logged")
		}
	})
}
