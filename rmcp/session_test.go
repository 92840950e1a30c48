package rmcp

import (
	"bytes"
	"errors"
	"testing"

	"lom/ipmi"
)

// sessions returns both ends of a session with the given suite.
func sessions(t testing.TB, suite int) (client, bmc *Session20) {
	t.Helper()
	c := session20Config{
		localID: 1, remoteID: 2, suite: cipherSuites[suite], sik: bytes.Repeat([]byte{7}, 20),
		password: ipmi.NewSecret("secret"), random: testRandom(3),
	}
	client, err := newSession20(c)
	if err != nil {
		t.Fatal(err)
	}
	c.localID, c.remoteID, c.random, c.bmc = 2, 1, testRandom(4), true
	if bmc, err = newSession20(c); err != nil {
		t.Fatal(err)
	}
	return client, bmc
}

// sealed returns a packet of s.
func sealed(t testing.TB, s Session, payload string) []byte {
	t.Helper()
	b, err := s.Append(nil, ipmi.PayloadIPMI, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(t testing.TB, s Session, b []byte) (string, error) {
	t.Helper()
	p, err := Parse(bytes.Clone(b))
	if err != nil {
		return "", err
	}
	payload, err := s.Open(&p)
	return string(payload), err
}

func TestSession20RefusesWhatIsForged(t *testing.T) {
	for _, suite := range []int{2, 3, 7, 8, 11, 12, 16, 17, 4, 10, 19} {
		client, bmc := sessions(t, suite)
		good := sealed(t, client, "hello")
		for i := range good {
			for _, bit := range []byte{1, 0x80} {
				b := bytes.Clone(good)
				b[i] ^= bit
				if payload, err := open(t, bmc, b); !errors.Is(err, ErrIgnored) && i != 1 &&
					i != 2 {
					t.Fatalf("suite %d: byte %d changed: %q, %v", suite, i, payload, err)
				} else if err == nil {
					client, bmc = sessions(t, suite) // the RMCP header is not covered
					good = sealed(t, client, "hello")
				}
			}
		}
		for n := range good {
			if _, err := open(t, bmc, good[:n]); !errors.Is(err, ErrIgnored) {
				t.Fatalf("suite %d: cut off at %d: %v", suite, n, err)
			}
		}
		if payload, err := open(t, bmc, good); err != nil || payload != "hello" {
			t.Fatalf("suite %d: after all that: %q, %v", suite, payload, err)
		}
		if _, err := open(t, client, sealed(t, client, "reflected")); !errors.Is(err,
			ErrSessionID) {
			t.Fatalf("suite %d: reflected: %v", suite, err)
		}
	}
}

func TestSession20RefusesLessProtection(t *testing.T) {
	_, bmc := sessions(t, 3)
	for _, weaker := range []int{1, 2} {
		client, _ := sessions(t, weaker)
		if _, err := open(t, bmc, sealed(t, client, "hello")); !errors.Is(err, ErrFlags) {
			t.Errorf("packet of suite %d in a session of suite 3: %v", weaker, err)
		}
	}
	_, plain := sessions(t, 1)
	client, _ := sessions(t, 2)
	if _, err := open(t, plain, sealed(t, client, "hello")); !errors.Is(err, ErrFlags) {
		t.Errorf("authenticated packet in a session without integrity: %v", err)
	}
}

func TestProtect(t *testing.T) {
	client, bmc := sessions(t, 3)
	client.Protect(ipmi.PayloadSOL, true, false)
	packet, err := client.Append(nil, ipmi.PayloadSOL, []byte("typed"))
	if err != nil || !bytes.Contains(packet, []byte("typed")) {
		t.Fatalf("% x, %v", packet, err)
	}
	if _, err := open(t, bmc, packet); !errors.Is(err, ErrFlags) {
		t.Fatalf("before the BMC agreed: %v", err)
	}
	bmc.Protect(ipmi.PayloadSOL, true, false)
	if payload, err := open(t, bmc, packet); err != nil || payload != "typed" {
		t.Fatalf("%q, %v", payload, err)
	}
	bmc.Protect(ipmi.PayloadIPMI, false, false)
	if b := sealed(t, bmc, "secret"); bytes.Contains(b, []byte("secret")) {
		t.Fatal("IPMI messages can be made to go unprotected")
	}
}

func TestOEMPayload(t *testing.T) {
	client, bmc := sessions(t, 17)
	kind := OEMPayload{Manufacturer: 0x123456, ID: 0x789a}
	packet, err := client.AppendOEM(nil, kind, []byte("vendor"))
	if err != nil {
		t.Fatal(err)
	}
	p := parsed(t, packet)
	if payload, err := bmc.Open(&p); err != nil || string(payload) != "vendor" || p.OEM != kind ||
		p.PayloadType != ipmi.PayloadOEM {
		t.Fatalf("%q, %+v, %v", payload, p, err)
	}
	if _, err := client.Append(nil, ipmi.PayloadOEM, nil); err == nil {
		t.Fatal("an OEM payload without its numbers was written")
	}
}

// TestSeparateNumbering checks that packets with and without authentication are numbered apart
// (§6.12.13).
func TestSeparateNumbering(t *testing.T) {
	client, bmc := sessions(t, 3)
	for _, s := range []*Session20{client, bmc} {
		s.Protect(ipmi.PayloadSOL, false, false)
	}
	for want := uint32(1); want < 5; want++ {
		for _, typ := range []ipmi.PayloadType{ipmi.PayloadIPMI, ipmi.PayloadSOL} {
			packet, _ := client.Append(nil, typ, []byte("x"))
			p := parsed(t, packet)
			if p.Sequence != want {
				t.Fatalf("packet %d of type %d has number %d", want, typ, p.Sequence)
			}
			if _, err := bmc.Open(&p); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestTooLong(t *testing.T) {
	client, _ := sessions(t, 3)
	if _, err := client.Append(nil, ipmi.PayloadIPMI, make([]byte, maxPayload+1)); err == nil {
		t.Error("a payload that is too long was written")
	}
	for _, suite := range []int{0, 3, 12, 17, 4} {
		client, _ := sessions(t, suite)
		if b, err := client.Append(nil, ipmi.PayloadIPMI, make([]byte, maxPayload)); err != nil ||
			len(b) > MaxPacket {
			t.Errorf("suite %d: %d bytes, %v", suite, len(b), err)
		}
	}
	s, _ := session15Pair(t, ipmi.AuthMD5)
	if _, err := s.Append(nil, ipmi.PayloadIPMI, make([]byte, 256)); err == nil {
		t.Error("an IPMI 1.5 message that is too long was written")
	}
}

func session15Pair(t testing.TB, a ipmi.AuthType) (client, bmc *Session15) {
	t.Helper()
	c := Session15Config{ID: 9, AuthType: a, Password: ipmi.NewSecret("secret"),
		SendSequence: 0xfffffffc, RecvSequence: 77}
	client, err := NewSession15(c)
	if err != nil {
		t.Fatal(err)
	}
	c.SendSequence, c.RecvSequence = c.RecvSequence, c.SendSequence
	if bmc, err = NewSession15(c); err != nil {
		t.Fatal(err)
	}
	return client, bmc
}

func TestSession15(t *testing.T) {
	for _, a := range []ipmi.AuthType{ipmi.AuthNone, ipmi.AuthMD2, ipmi.AuthMD5,
		ipmi.AuthPassword} {
		t.Run(a.String(), func(t *testing.T) {
			client, bmc := session15Pair(t, a)
			converse(t, client, bmc)
		})
	}
	if _, err := NewAuth15(ipmi.AuthOEM, ipmi.Secret{}); !errors.Is(err, ipmi.ErrAuthType) {
		t.Errorf("OEM: %v", err)
	}
	if _, err := NewAuth15(ipmi.AuthMD5, ipmi.NewSecret("17 bytes password")); err == nil {
		t.Error("a password of 17 bytes was taken")
	}
}

func TestSession15WithoutPerMessageAuthentication(t *testing.T) {
	strict, bmc := session15Pair(t, ipmi.AuthMD5)
	bmc.SetSendNone(true)
	packet := sealed(t, bmc, "hello")
	if _, err := open(t, strict, packet); !errors.Is(err, ErrFlags) {
		t.Errorf("unauthenticated packet: %v", err)
	}
	lax, err := NewSession15(Session15Config{
		ID: 9, AuthType: ipmi.AuthMD5, Password: ipmi.NewSecret("secret"), SendSequence: 1,
		RecvSequence: 77, AcceptNone: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := open(t, lax, packet); err != nil || got != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	bmc.SetSendNone(false)
	packet = sealed(t, bmc, "signed")
	forged := bytes.Clone(packet)
	forged[len(forged)-1] ^= 1
	if _, err := open(t, lax, forged); !errors.Is(err, ErrAuthCode) {
		t.Errorf("a wrong code: %v", err)
	}
	if got, err := open(t, lax, packet); err != nil || got != "signed" {
		t.Errorf("%q, %v", got, err)
	}
	other, _ := session15Pair(t, ipmi.AuthPassword)
	if _, err := open(t, lax, sealed(t, other, "x")); !errors.Is(err, ErrIgnored) {
		t.Errorf("another authentication type: %v", err)
	}
}

func TestLegacyPad(t *testing.T) {
	client, bmc := session15Pair(t, ipmi.AuthNone)
	for n := range 200 {
		b := sealed(t, client, string(make([]byte, n)))
		switch len(b) {
		case 56, 84, 112, 128, 156:
			t.Errorf("a packet of %d bytes", len(b))
		}
		if got, err := open(t, bmc, b); err != nil || len(got) != n {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	payload := bytes.Repeat([]byte{1}, 30)
	buf := make([]byte, 0, MaxPacket)
	run := func(name string, client, bmc Session) {
		var p Packet // one for all packets, as in a receive loop
		exchange := func() {
			packet, err := client.Append(buf[:0], ipmi.PayloadIPMI, payload)
			if err != nil {
				t.Fatal(err)
			}
			if p, err = Parse(packet); err != nil {
				t.Fatal(err)
			}
			if _, err := bmc.Open(&p); err != nil {
				t.Fatal(err)
			}
		}
		exchange()
		if n := testing.AllocsPerRun(100, exchange); n != 0 {
			t.Errorf("%s: %v allocations a packet", name, n)
		}
	}
	for _, s := range cipherSuites {
		if s.Conf == AESCBC128 || s.Conf == ConfNone {
			client, bmc := sessions(t, int(s.ID))
			run(s.String(), client, bmc)
		}
	}
	for _, a := range []ipmi.AuthType{ipmi.AuthNone, ipmi.AuthMD2, ipmi.AuthMD5,
		ipmi.AuthPassword} {
		client, bmc := session15Pair(t, a)
		run(a.String(), client, bmc)
	}
}

func BenchmarkAppendOpen(b *testing.B) {
	payload := bytes.Repeat([]byte{1}, 30)
	buf := make([]byte, 0, MaxPacket)
	for _, s := range cipherSuites {
		b.Run(s.String(), func(b *testing.B) {
			client, bmc := sessions(b, int(s.ID))
			b.ReportAllocs()
			var p Packet
			for b.Loop() {
				packet, err := client.Append(buf[:0], ipmi.PayloadIPMI, payload)
				if err != nil {
					b.Fatal(err)
				}
				if p, err = Parse(packet); err != nil {
					b.Fatal(err)
				}
				if _, err := bmc.Open(&p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
