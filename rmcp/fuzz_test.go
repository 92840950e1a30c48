package rmcp

import (
	"bytes"
	"errors"
	"testing"

	"lom/ipmi"
)

// seedPackets adds every captured datagram.
func seedPackets(f *testing.F) {
	for _, name := range captureNames(f) {
		for _, d := range capture(f, name) {
			f.Add(d.data)
		}
	}
}

// seedPayloads adds the payloads of the given type of every captured datagram.
func seedPayloads(f *testing.F, types ...ipmi.PayloadType) {
	for _, name := range captureNames(f) {
		for _, d := range capture(f, name) {
			p, err := Parse(d.data)
			if err != nil || p.Class != ClassIPMI {
				continue
			}
			for _, t := range types {
				if p.PayloadType == t && !p.Encrypted {
					f.Add(p.Payload)
				}
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	seedPackets(f)
	f.Add(AppendPing(nil, 3, Ping{Tag: 7}))
	f.Add(AppendPong(nil, Pong{Tag: 7, Enterprise: IANADCMI, IPMI: true, ASFVersion: 1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrIgnored) || !errors.Is(err, ipmi.ErrMalformed) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		if len(p.Payload) > len(b) {
			t.Fatal("payload longer than the packet")
		}
		HandshakeID(&p)
		AppendACK(nil, p.Header)
	})
}

func FuzzPing(f *testing.F) {
	f.Add(AppendPing(nil, NoACK, Ping{Tag: 9})[HeaderLen:])
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := ParsePing(b); err == nil {
			if q, err := ParsePing(AppendPing(nil, NoACK, p)[HeaderLen:]); err != nil || p != q {
				t.Fatalf("%+v became %+v, %v", p, q, err)
			}
		}
	})
}

func FuzzPong(f *testing.F) {
	f.Add(AppendPong(nil, Pong{Tag: 9, Enterprise: IANAASF, IPMI: true, ASFVersion: 1})[HeaderLen:])
	for _, d := range capture(f, "lan-md5")[:2] {
		f.Add(d.data[HeaderLen:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := ParsePong(b); err == nil {
			if q, err := ParsePong(AppendPong(nil, p)[HeaderLen:]); err != nil || p != q {
				t.Fatalf("%+v became %+v, %v", p, q, err)
			}
		}
	})
}

func FuzzMessage(f *testing.F) {
	seedPayloads(f, ipmi.PayloadIPMI)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMessage(b)
		if err != nil {
			return
		}
		if again := AppendMessage(nil, &m); !bytes.Equal(again, b) {
			t.Fatalf("% x became % x", b, again)
		}
	})
}

// roundTrip reads, writes and reads again.
func roundTrip[T interface {
	AppendBinary([]byte) ([]byte, error)
}, P interface {
	*T
	UnmarshalBinary([]byte) error
}](t *testing.T, b []byte) {
	var first, second T
	if P(&first).UnmarshalBinary(b) != nil {
		return
	}
	written, err := first.AppendBinary(nil)
	if err != nil {
		t.Fatalf("%+v: %v", first, err)
	}
	if err := P(&second).UnmarshalBinary(written); err != nil {
		t.Fatalf("%+v: % x: %v", first, written, err)
	}
	if again, err := second.AppendBinary(nil); err != nil || !bytes.Equal(written, again) {
		t.Fatalf("% x became % x, %v", written, again, err)
	}
}

func FuzzOpenSessionRequest(f *testing.F) {
	seedPayloads(f, ipmi.PayloadOpenSession)
	f.Fuzz(func(t *testing.T, b []byte) { roundTrip[OpenSessionRequest](t, b) })
}

func FuzzOpenSessionResponse(f *testing.F) {
	seedPayloads(f, ipmi.PayloadOpenSessionResp)
	f.Fuzz(func(t *testing.T, b []byte) { roundTrip[OpenSessionResponse](t, b) })
}

func FuzzRAKP1(f *testing.F) {
	seedPayloads(f, ipmi.PayloadRAKP1)
	f.Fuzz(func(t *testing.T, b []byte) { roundTrip[RAKP1](t, b) })
}

func FuzzRAKP2(f *testing.F) {
	seedPayloads(f, ipmi.PayloadRAKP2)
	f.Fuzz(func(t *testing.T, b []byte) { roundTrip[RAKP2](t, b) })
}

func FuzzRAKP3(f *testing.F) {
	seedPayloads(f, ipmi.PayloadRAKP3)
	f.Fuzz(func(t *testing.T, b []byte) { roundTrip[RAKP3](t, b) })
}

func FuzzRAKP4(f *testing.F) {
	seedPayloads(f, ipmi.PayloadRAKP4)
	f.Fuzz(func(t *testing.T, b []byte) { roundTrip[RAKP4](t, b) })
}

func FuzzCipherSuites(f *testing.F) {
	f.Add(AppendCipherSuites(nil, CipherSuites()))
	f.Add(AppendCipherSuites(nil, []CipherSuite{{ID: 0x80, OEM: 0x1234, Auth: 1, Integrity: 1,
		Conf: 1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		suites := ParseCipherSuites(b)
		for _, s := range suites {
			if s.ID < 0x80 != (s.OEM == 0) {
				return // not in the way that we write
			}
		}
		again := ParseCipherSuites(AppendCipherSuites(nil, suites))
		if len(again) != len(suites) {
			t.Fatalf("%v became %v", suites, again)
		}
		for i := range again {
			if again[i] != suites[i] {
				t.Fatalf("%v became %v", suites[i], again[i])
			}
		}
	})
}

// FuzzHandshake gives hostile packets to both ends in every state of the handshake.
func FuzzHandshake(f *testing.F) {
	seedPackets(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		hostile, err := Parse(b)
		if err != nil {
			return
		}
		if h, reply, _ := AcceptHandshake(testBMC("secret", ""), 5, &hostile, nil); h != nil &&
			reply == nil {
			t.Fatal("a handshake without a reply")
		}
		c, _ := NewClientHandshake(testClient(3, "secret", ""))
		var bmc *BMCHandshake
		for range 3 {
			if err := c.Receive(&hostile); err != nil && !errors.Is(err, ErrIgnored) {
				return // a refusal ends it
			}
			packet, err := c.Append(nil)
			if err != nil {
				return
			}
			p, _ := Parse(packet)
			var reply []byte
			if bmc == nil {
				bmc, reply, err = AcceptHandshake(testBMC("secret", ""), 5, &p, nil)
			} else {
				_, _ = bmc.Receive(&hostile, nil)
				if bmc.Session() == nil {
					bmc = ResumeHandshake(testBMC("secret", ""), bmc.State())
				}
				reply, err = bmc.Receive(&p, nil)
			}
			if err != nil {
				return
			}
			r, _ := Parse(reply)
			if err := c.Receive(&r); err != nil {
				return
			}
		}
		if c.Session() == nil || bmc.Session() == nil {
			t.Fatal("no session, and no error")
		}
	})
}

// FuzzOpen gives hostile packets to open sessions.
func FuzzOpen(f *testing.F) {
	seedPackets(f)
	for _, id := range []int{1, 3, 4, 12, 17, 19} {
		s, _ := sessions(f, id)
		packet, _ := s.Append(nil, ipmi.PayloadIPMI, []byte("payload"))
		f.Add(packet)
	}
	auth, _ := NewAuth15(ipmi.AuthMD5, ipmi.NewSecret("secret"))
	packet, _ := auth.append(nil, 1, 7, []byte("payload"))
	f.Add(packet)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			return
		}
		for _, id := range []int{1, 3, 4, 12, 17, 19} {
			_, s := sessions(t, id)
			q, _ := Parse(bytes.Clone(b))
			q.SessionID = s.LocalID()
			if _, err := s.Open(&q); err != nil && !errors.Is(err, ErrIgnored) {
				t.Fatal(err)
			}
		}
		s, err := NewSession15(Session15Config{
			ID: 7, AuthType: ipmi.AuthMD5, Password: ipmi.NewSecret("secret"), SendSequence: 1,
			RecvSequence: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		p.SessionID = s.LocalID()
		if _, err := s.Open(&p); err != nil && !errors.Is(err, ErrIgnored) {
			t.Fatal(err)
		}
	})
}

// FuzzDecrypt gives hostile payloads to the ciphers, as a BMC could that knows the keys.
func FuzzDecrypt(f *testing.F) {
	f.Add(uint8(AESCBC128), make([]byte, 32))
	f.Add(uint8(XRC4_128), make([]byte, 24))
	f.Add(uint8(XRC4_40), []byte{0xff, 0xff, 0xff, 0x7f, 1, 2, 3})
	f.Fuzz(func(t *testing.T, alg uint8, b []byte) {
		c, err := newConfidentiality(ConfAlgorithm(alg), make([]byte, 20), testRandom(1), false)
		if err != nil {
			t.Fatal(err)
		}
		if c == nil {
			return
		}
		for n := range uint32(3) {
			if out, err := c.open(ipmi.PayloadIPMI, n, bytes.Clone(b)); err == nil &&
				len(out) > len(b) {
				t.Fatal("more came out than went in")
			}
		}
	})
}
