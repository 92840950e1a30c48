package client

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// tamper makes the network change what the BMC sends outside a session and while it is opened. f
// returns nil for what is to stay.
func tamper(n *memNet, f func(p *rmcp.Packet) [][]byte) {
	n.carry = func(from, _ netip.AddrPort, b []byte) [][]byte {
		if from == bmcAddr {
			if p, err := rmcp.Parse(b); err == nil {
				if packets := f(&p); packets != nil {
					return packets
				}
			}
		}
		return [][]byte{b}
	}
}

// handshakePacket is a packet of the handshake with another payload.
func handshakePacket(t ipmi.PayloadType, payload []byte) []byte {
	b, _ := rmcp.AppendPresession20(nil, t, payload)
	return b
}

// The whole right code is there, and four bytes of a buffer after it: cases/login-rakp2-long.
func TestLongCodes(t *testing.T) {
	for _, suite := range []int{3, 17, 8} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			b.with(func() { b.suites = []int{suite} })
			tamper(n, func(p *rmcp.Packet) [][]byte {
				if p.PayloadType == ipmi.PayloadRAKP2 || p.PayloadType == ipmi.PayloadRAKP4 {
					return [][]byte{handshakePacket(p.PayloadType,
						append(bytes.Clone(p.Payload), 0, 0, 0, 0))}
				}
				return nil
			})
			s := mustDial(t, n, WithCipherSuite(suite))
			ask(t, s, 1)
			if _, err := dialTest(t, n, WithUser("admin", ipmi.NewSecret("wrong"))); !errors.Is(err,
				ipmi.ErrPassword) {
				t.Errorf("suite %d, wrong password: got %v, want ErrPassword", suite, err)
			}
		})
	}
}

// A code that came spoiled once is not a wrong secret, and costs no time.
func TestSpoiledCodes(t *testing.T) {
	for _, kind := range []ipmi.PayloadType{ipmi.PayloadRAKP2, ipmi.PayloadRAKP4} {
		for _, change := range []func([]byte) []byte{
			func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
			func(b []byte) []byte { return b[:len(b)-1] },
		} {
			synctest.Test(t, func(t *testing.T) {
				n := newMemNet()
				startBMC(t, n)
				spoiled := 0
				tamper(n, func(p *rmcp.Packet) [][]byte {
					if p.PayloadType != kind || spoiled > 0 {
						return nil
					}
					spoiled++
					return [][]byte{handshakePacket(kind, change(bytes.Clone(p.Payload)))}
				})
				took := elapsed(func() { ask(t, mustDial(t, n), 1) })
				if spoiled != 1 || took > 0 {
					t.Errorf("%v: %d packets spoiled, and it took %v", kind, spoiled, took)
				}
			})
		}
	}
}

// A BMC that takes its time for each packet, and forgets the first RAKP Message 1 when a second one
// comes: cases/login-slow-bmc. The log-in works in the end, and no wrong code counts against the
// user.
func TestSlowBMC(t *testing.T) {
	for _, slow := range []time.Duration{300 * time.Millisecond, 900 * time.Millisecond,
		1500 * time.Millisecond, 2500 * time.Millisecond} {
		for _, opts := range [][]Option{
			{WithInterface(LANPlus)}, {WithInterface(LANPlus), WithCipherSuite(3)}, {WithInterface(LAN)}, {WithInterface(Auto)},
		} {
			synctest.Test(t, func(t *testing.T) {
				n := newMemNet()
				b := startBMC(t, n)
				b.with(func() { b.slow, b.forgetful = slow, true })
				refusals := 0
				tamper(n, func(p *rmcp.Packet) [][]byte {
					if p.PayloadType == ipmi.PayloadRAKP4 && p.Payload[1] != 0 {
						refusals++
					}
					return nil
				})
				var err error
				took := elapsed(func() { _, err = dialTest(t, n, opts...) })
				if err != nil || refusals > 0 {
					t.Errorf("%v a packet: %v after %v, %d log-ins were refused", slow, err, took,
						refusals)
				}
				_, err = dialTest(t, n, append([]Option{WithUser("admin", ipmi.NewSecret("wrong"))},
					opts...)...)
				var unclear *UnclearError
				if !errors.Is(err, ipmi.ErrPassword) && !errors.As(err, &unclear) {
					t.Errorf("%v a packet, wrong password: %v", slow, err)
				}
			})
		}
	}
}

// Where the user says how long to wait, that is how long, and the failure speaks of time.
func TestSlowBMCWithShortWaits(t *testing.T) {
	for _, iface := range []Interface{LANPlus, LAN} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			b.with(func() { b.slow, b.forgetful = 1500*time.Millisecond, true })
			if _, err := dialTest(t, n, WithInterface(iface),
				WithRetry(time.Second, 2)); errors.Is(err, ipmi.ErrPassword) ||
				err != nil && !errors.Is(err, ipmi.ErrTimeout) {
				t.Errorf("%s: got %v, want an ErrTimeout", iface, err)
			}
		})
	}
}

// Every answer's second checksum is wrong: cases/login-bad-checksum.
func TestWrongChecksums(t *testing.T) {
	for _, opts := range [][]Option{
		{WithInterface(LANPlus)}, {WithInterface(LAN)}, {WithInterface(Auto)}, {WithInterface(LANPlus), WithCipherSuite(2)},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			b.with(func() {
				b.suites = append(b.suites, 1, 2)
				b.badSums = true
			})
			took := elapsed(func() {
				s := mustDial(t, n, opts...)
				for cmd := range uint8(20) {
					ask(t, s, cmd)
				}
			})
			if took > 0 {
				t.Errorf("it took %v", took)
			}
		})
	}
	// Where nothing proves a message but the checksum, it is named.
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		b.with(func() {
			b.suites = []int{1}
			b.badSums = true
		})
		s := mustDial(t, n, WithInterface(LANPlus), WithCipherSuite(1))
		if _, err := s.Exchange(t.Context(), echo(1)); !errors.Is(err, rmcp.ErrChecksum) ||
			!errors.Is(err, ipmi.ErrTimeout) {
			t.Errorf("without integrity: got %v, want an ErrTimeout for the checksum", err)
		}
	})
}

// The header of the answer to Activate Session has the session ID that its body gives.
func TestActivatedIDInHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		b.with(func() { b.newID = true })
		took := elapsed(func() {
			s := mustDial(t, n, WithInterface(LAN))
			ask(t, s, 1)
		})
		b.with(func() {
			if took > 0 || len(b.sessions) != 1 {
				t.Errorf("it took %v and %d sessions", took, len(b.sessions))
			}
		})
	})
}

// A refusal that nobody signed is better than a guess, and ends the log-in; but the BMC's own word
// counts more.
func TestUnsignedRefusal(t *testing.T) {
	for _, tc := range []struct {
		code  ipmi.CompletionCode
		deaf  bool
		wrong bool
		want  error
	}{
		{0x82, true, false, ipmi.ErrBusy}, {0x81, true, true, ipmi.ErrBusy}, {0x86, true, false, ipmi.ErrPrivilege},
		{0, true, false, ipmi.ErrTimeout}, // somebody says yes
		{0x82, false, false, nil}, {0, false, false, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			activations := 0
			n.carry = func(_, to netip.AddrPort, packet []byte) [][]byte {
				p, err := rmcp.Parse(packet)
				if err != nil || to != bmcAddr || p.SessionID == 0 {
					return [][]byte{packet}
				}
				m, err := rmcp.ParseMessage(p.Payload)
				if err != nil || m.Cmd != activateSession.Code {
					return [][]byte{packet}
				}
				activations++
				reply := m.Reply(tc.code, nil)
				if tc.code == 0 {
					reply.Data, _ = ipmi.ActivatedSession{SessionID: 7,
						InboundSequence: 1}.AppendBinary(nil)
				}
				forged, _ := rmcp.AppendPresession15(nil, rmcp.AppendMessage(nil, &reply))
				for a := range n.conns {
					if a != bmcAddr {
						n.conns[a].deliver(bmcAddr, forged)
					}
				}
				if tc.deaf {
					return nil
				}
				return [][]byte{packet}
			}
			_, err := dialTest(t, n, WithInterface(LAN))
			want := 1
			if tc.code == 0 && tc.deaf {
				want += mostSpoiled // the network may have spoiled a good answer
			}
			if !errors.Is(err, tc.want) || errors.Is(err, ipmi.ErrPassword) || activations != want {
				t.Errorf("code %02xh: got %v after %d activations, want %v after %d",
					uint8(tc.code),
					err, activations, tc.want, want)
			}
			_ = b
		})
	}
}

// A BMC that answers the Open Session Request and says nothing to a user that it does not know, as
// pyghmi's.
func TestSilenceToUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		b.with(func() {
			b.deaf = func(p *rmcp.Packet) bool { return p.PayloadType == ipmi.PayloadRAKP1 }
		})
		_, err := dialTest(t, n, WithUser("nobody", ipmi.NewSecret("x")))
		var unclear *UnclearError
		if !errors.As(err, &unclear) || unclear.What !=
			"it has answered the Open Session Request, but not RAKP Message 1" ||
			unclear.Causes[0] != ipmi.ErrUser {
			t.Errorf("got %v", err)
		}
	})
}

// A BMC that dies of a log-in is waited for no longer than one that was never there.
func TestBMCDiesOfLogIn(t *testing.T) {
	for _, opts := range [][]Option{{WithCipherSuite(12)},
		{WithCipherSuite(12), WithRetry(2*time.Second, 3)}, nil} {
		for _, deadly := range []ipmi.PayloadType{ipmi.PayloadOpenSession, ipmi.PayloadRAKP1,
			ipmi.PayloadRAKP3} {
			synctest.Test(t, func(t *testing.T) {
				n := newMemNet()
				b := startBMC(t, n)
				dead := false
				b.with(func() {
					b.suites = []int{12}
					b.deaf = func(p *rmcp.Packet) bool {
						dead = dead || p.PayloadType == deadly
						return dead
					}
				})
				most := 10 * time.Second
				if len(opts) == 2 {
					most = 9 * time.Second // 2 + 3 + 4
				}
				var err error
				took := elapsed(func() {
					_, err = dialTest(t, n, append(opts, WithInterface(LANPlus))...)
				})
				if !errors.Is(err, ipmi.ErrTimeout) || took > most {
					t.Errorf("dead of %v: %v after %v, want an ErrTimeout after at most %v", deadly,
						err, took, most)
				}
			})
		}
	}
}

// Over lan a lost answer looks like a wrong password.
func TestLossIsNoWrongPassword(t *testing.T) {
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			n := newMemNet()
			startBMC(t, n)
			n.carry = func(_, _ netip.AddrPort, b []byte) [][]byte {
				if r.IntN(100) < 40 {
					return nil
				}
				return [][]byte{b}
			}
			if _, err := dialTest(t, n, WithInterface([]Interface{LAN,
				LANPlus}[seed%2])); errors.Is(err, ipmi.ErrPassword) ||
				errors.Is(err, ipmi.ErrKey) {
				t.Errorf("seed %d: %v", seed, err)
			}
		})
	}
}

// Through 30 % loss in each direction, -R 12 is enough.
func TestLogInUnderHeavyLoss(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 12))
			n := newMemNet()
			startBMC(t, n)
			n.carry = func(_, _ netip.AddrPort, b []byte) [][]byte {
				if r.IntN(100) < 30 {
					return nil
				}
				return [][]byte{b}
			}
			if _, err := dialTest(t, n, WithInterface([]Interface{Auto, LANPlus}[seed%2]),
				WithRetry(0, 12)); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		})
	}
}

// A Kg of zeros is none, at both ends.
func TestZeroKg(t *testing.T) {
	zeros := string(make([]byte, 20))
	for _, tc := range []struct {
		client, bmc string
	}{{zeros, ""}, {"\x00", ""}, {"", zeros}, {zeros, zeros}} {
		synctest.Test(t, func(t *testing.T) {
			n := newMemNet()
			b := startBMC(t, n)
			b.with(func() { b.kg = tc.bmc })
			ask(t, mustDial(t, n, WithKg(ipmi.NewSecret(tc.client))), 1)
		})
	}
}

// Of several addresses, the one counts at which a BMC answers; none of the others gets a log-in.
func TestSeveralAddresses(t *testing.T) {
	dead := netip.MustParseAddrPort("127.0.0.8:623")
	for _, peers := range [][]netip.AddrPort{{dead, bmcAddr}, {bmcAddr, dead},
		{dead, dead, bmcAddr}, {dead, dead}} {
		for _, iface := range []Interface{Auto, LAN, LANPlus} {
			synctest.Test(t, func(t *testing.T) {
				n := newMemNet()
				startBMC(t, n)
				tr, err := NewTransport(n.listen("127.0.0.1", 0))
				if err != nil {
					t.Fatal(err)
				}
				defer tr.Close()
				c := defaults()
				c.iface, c.transport = iface, tr
				var peer netip.AddrPort
				took := elapsed(func() { peer, err = c.reachable(t.Context(), peers) })
				switch {
				case peers[len(peers)-1] == dead && peers[0] == dead:
					if !errors.Is(err, ipmi.ErrTimeout) || took > 11*time.Second {
						t.Errorf("%v: got %v after %v, want an ErrTimeout", peers, err, took)
					}
				case err != nil || peer != bmcAddr ||
					took > time.Duration(len(peers)-1)*addressHeadStart:
					t.Errorf("%v: got %v, %v after %v, want %v", peers, peer, err, took, bmcAddr)
				}
			})
		}
	}
}

// What is not for Dial is refused with what to use instead, and no logger is a silent one.
func TestDialOptions(t *testing.T) {
	for _, i := range []Interface{Open, SerialBasic, SerialTerminal} {
		if _, err := Dial(t.Context(), "127.0.0.1", WithInterface(i)); err == nil ||
			!bytes.Contains([]byte(err.Error()), []byte("use ")) {
			t.Errorf("%s: got %v, want what to use", i, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		startBMC(t, n)
		ask(t, mustDial(t, n, WithLogger(nil)), 1)
	})
}

// leaves reports whether a password is in a packet, as it is or padded.
func leaves(packet []byte, password string) bool { return bytes.Contains(packet, []byte(password)) }

// Whatever is forged, the password does not leave, and no session is worse than was asked for. The
// whole attack, on the program, is test/faults' TestAttackerOnTheWire.
func TestForgedCapabilities(t *testing.T) {
	for _, iface := range []Interface{Auto, LAN, LANPlus} {
		for types := range ipmi.AuthTypes(64) {
			synctest.Test(t, func(t *testing.T) {
				n := newMemNet()
				b := startBMC(t, n)
				b.with(func() { b.password = "pa55word" })
				n.carry = func(from, _ netip.AddrPort, packet []byte) [][]byte {
					if leaves(packet, "pa55word") {
						t.Errorf("%s, types %06b: the password was sent: % x", iface, types, packet)
					}
					p, err := rmcp.Parse(packet)
					if err != nil || from != bmcAddr || p.SessionID != 0 || p.V20() {
						return [][]byte{packet}
					}
					if m, err := rmcp.ParseMessage(p.Payload); err == nil && m.Cmd == 0x38 {
						m.Data, _ = ipmi.ChannelAuthCapabilities{Channel: 1, AuthTypes: types,
							SupportsIPMI15: true}.AppendBinary(nil)
						packet, _ = rmcp.AppendPresession15(nil, rmcp.AppendMessage(nil, &m))
					}
					return [][]byte{packet}
				}
				s, err := dialTest(t, n, WithInterface(iface),
					WithUser("admin", ipmi.NewSecret("pa55word")))
				switch {
				case iface == LANPlus:
					if err != nil || s.Info().CipherSuite.ID != 17 {
						t.Errorf("lanplus: %v", err)
					}
				case types.Has(ipmi.AuthMD5):
					if err != nil || s.Info().AuthType != ipmi.AuthMD5 {
						t.Errorf("%s, types %06b: %v", iface, types, err)
					}
				case types == 0:
					if !errors.Is(err, ipmi.ErrNoIPMI15) {
						t.Errorf("%s, types %06b: got %v, want ErrNoIPMI15", iface, types, err)
					}
				default:
					var e *AuthTypeError
					if !errors.As(err, &e) || e.Offered != types {
						t.Errorf("%s, types %06b: got %v, want an AuthTypeError", iface, types, err)
					}
				}
			})
		}
	}
}

// A forged answer that user level commands need no authentication opens the session to nobody.
func TestForgedUserLevelAuth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newMemNet()
		b := startBMC(t, n)
		b.with(func() {
			b.caps.UserLevelAuth = false
			b.tamper = func(_ rmcp.Session, m *rmcp.Message, packet []byte) [][]byte {
				lie := *m
				lie.Data = []byte("lie")
				p, _ := rmcp.Parse(packet)
				return [][]byte{plain15(p.SessionID, p.Sequence, rmcp.AppendMessage(nil, &lie)),
					packet}
			}
		})
		s := mustDial(t, n, WithInterface(LAN))
		for cmd := range uint8(20) {
			ask(t, s, cmd)
		}
		if st := s.Stats(); st.BadFlags != 20 {
			t.Errorf("%d packets without authentication were dropped, want 20", st.BadFlags)
		}
	})
}

// badSum makes the second checksum of the message in a packet's payload wrong.
func badSum(message []byte) []byte {
	message[len(message)-1] ^= 0x55
	return message
}

// newSessionID is the ID of a session of a BMC that puts it into the header of its answer to
// Activate Session.
func newSessionID(temporary uint32) uint32 {
	return binary.LittleEndian.Uint32(binary.BigEndian.AppendUint32(nil, temporary))
}
