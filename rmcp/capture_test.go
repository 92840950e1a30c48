package rmcp

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lom/ipmi"
)

// A datagram is a line of a capture file.
type datagram struct {
	fromBMC bool
	data    []byte
}

// capture reads a file of testdata/capture: packets between other people's clients and BMCs, in
// hex, one a line.
func capture(t testing.TB, name string) []datagram {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "capture", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	var all []datagram
	for line := range strings.Lines(string(text)) {
		direction, digits, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || direction == "#" {
			continue
		}
		data, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, datagram{direction == "<", data})
	}
	return all
}

// captureNames returns the names of all captures.
func captureNames(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/capture/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".txt")
	}
	return files
}

// TestCapturedRMCPPlus checks the codes of captured handshakes, opens all packets that follow, and
// makes them again from their contents, byte for byte.
func TestCapturedRMCPPlus(t *testing.T) {
	for _, tc := range []struct {
		name         string
		suite        uint8
		password, kg string
	}{
		{"suite0", 0, "testbed", ""},
		{"suite1", 1, "testbed", ""},
		{"suite2", 2, "testbed", ""},
		{"suite3", 3, "testbed", ""},
		{"suite6", 6, "testbed", ""},
		{"suite7", 7, "testbed", ""},
		{"suite8", 8, "testbed", ""},
		{"suite11", 11, "testbed", ""},
		{"suite12", 12, "testbed", ""},
		{"suite15", 15, "testbed", ""},
		{"suite16", 16, "testbed", ""},
		{"suite17", 17, "testbed", ""},
		{"suite3-kg", 3, "testbed", "bmckey"},
		{"suite3-long-password", 3, "1234567890123456789", ""},
		{"suite3-role-lookup", 3, "mon-pass", ""},
		{"bridge", 1, "testbed", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			suite := cipherSuites[tc.suite]
			x := keyMaterial{auth: suite.Auth, password: ipmi.NewSecret(tc.password),
				kg: ipmi.NewSecret(tc.kg)}
			var client, bmc *Session20
			ivs := map[bool]*bytes.Buffer{false: {}, true: {}}
			sessionPackets := 0
			for _, d := range capture(t, tc.name) {
				p := parsed(t, d.data)
				if p.Class != ClassIPMI {
					continue
				}
				if p.SessionID == 0 {
					capturedStep(t, &x, suite, &p)
					if p.PayloadType == ipmi.PayloadRAKP4 {
						client, bmc = capturedSessions(t, &x, suite, ivs)
					}
					continue
				}
				sessionPackets++
				receiver, sender := bmc, client
				if d.fromBMC {
					receiver, sender = client, bmc
				}
				if p.Encrypted {
					ivs[d.fromBMC].Write(p.Payload[:16])
				}
				original := bytes.Clone(d.data)
				payload, err := receiver.Open(&p)
				if err != nil {
					t.Fatalf("% x: %v", original, err)
				}
				if _, err := ParseMessage(payload); err != nil {
					t.Fatalf("% x: %v", payload, err)
				}
				// Clients begin where they like, within the window.
				sender.sendAuth, sender.sendPlain = counter(p.Sequence), counter(p.Sequence)
				again, err := sender.Append(nil, p.PayloadType, payload)
				if err != nil || !bytes.Equal(again, original) {
					t.Fatalf("made\n% x, %v; captured\n% x", again, err, original)
				}
			}
			if sessionPackets < 6 {
				t.Fatalf("only %d packets of the session", sessionPackets)
			}
		})
	}
}

// capturedStep reads a packet of a handshake, writes it again, and checks its code.
func capturedStep(t *testing.T, x *keyMaterial, suite CipherSuite, p *Packet) {
	t.Helper()
	var again []byte
	check := func(name string, got, want []byte) {
		if !bytes.Equal(got, want) {
			t.Fatalf("%s: % x in the packet, % x computed", name, got, want)
		}
	}
	switch p.PayloadType {
	case ipmi.PayloadOpenSession:
		var m OpenSessionRequest
		if err := m.UnmarshalBinary(p.Payload); err != nil || !m.Proposes(suite) {
			t.Fatalf("%+v, %v", m, err)
		}
		again, _ = m.AppendBinary(nil)
	case ipmi.PayloadOpenSessionResp:
		var m OpenSessionResponse
		if err := m.UnmarshalBinary(p.Payload); err != nil {
			t.Fatal(err)
		}
		x.consoleID, x.systemID = m.ConsoleID, m.SystemID
		again, _ = m.AppendBinary(nil)
	case ipmi.PayloadRAKP1:
		var m RAKP1
		if err := m.UnmarshalBinary(p.Payload); err != nil {
			t.Fatal(err)
		}
		x.consoleRandom, x.role, x.user = m.Random, m.Role, m.User
		again, _ = m.AppendBinary(nil)
	case ipmi.PayloadRAKP2:
		var m RAKP2
		if err := m.UnmarshalBinary(p.Payload); err != nil {
			t.Fatal(err)
		}
		x.systemRandom, x.guid = m.Random, m.GUID
		check("RAKP Message 2", m.AuthCode, x.code2())
		again, _ = m.AppendBinary(nil)
	case ipmi.PayloadRAKP3:
		var m RAKP3
		if err := m.UnmarshalBinary(p.Payload); err != nil {
			t.Fatal(err)
		}
		check("RAKP Message 3", m.AuthCode, x.code3())
		again, _ = m.AppendBinary(nil)
	case ipmi.PayloadRAKP4:
		var m RAKP4
		if err := m.UnmarshalBinary(p.Payload); err != nil {
			t.Fatal(err)
		}
		check("RAKP Message 4", m.CheckValue, x.check4(x.sik()))
		again, _ = m.AppendBinary(nil)
	default:
		return
	}
	if !bytes.Equal(again, p.Payload) {
		t.Fatalf("wrote % x, captured % x", again, p.Payload)
	}
}

// capturedSessions returns both ends of the session that a captured handshake opened.
// Initialization vectors are read from ivs, by the end that sends.
func capturedSessions(t *testing.T, x *keyMaterial, suite CipherSuite,
	ivs map[bool]*bytes.Buffer) (client, bmc *Session20) {
	t.Helper()
	c := session20Config{
		localID: x.consoleID, remoteID: x.systemID, suite: suite, sik: x.sik(),
		password: x.password, random: ivs[false],
	}
	client, err := newSession20(c)
	if err != nil {
		t.Fatal(err)
	}
	c.localID, c.remoteID, c.random, c.bmc = c.remoteID, c.localID, ivs[true], true
	if bmc, err = newSession20(c); err != nil {
		t.Fatal(err)
	}
	return client, bmc
}

// TestCapturedRefusals gives the client the refusals of a BMC that is not ours.
func TestCapturedRefusals(t *testing.T) {
	for name, want := range map[string]Status{
		"refused-user":  StatusUnauthorizedName,
		"refused-suite": StatusInvalidAuth,
	} {
		datagrams := capture(t, name)
		p := parsed(t, datagrams[len(datagrams)-1].data)
		h := ClientHandshake{config: ClientConfig{LocalID: 0xa0a2a3a4}, await: p.PayloadType,
			tag: p.Payload[0]}
		err := h.Receive(&p)
		if e, ok := err.(*StatusError); !ok || e.Status != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCaptured15 checks the codes of captured IPMI 1.5 sessions, and makes their packets again.
func TestCaptured15(t *testing.T) {
	for _, tc := range []struct {
		name     string
		auth     ipmi.AuthType
		password string
	}{
		{"lan-md5", ipmi.AuthMD5, "testbed"},
		{"lan-md2", ipmi.AuthMD2, "testbed"},
		{"lan-password", ipmi.AuthPassword, "testbed"},
		{"lan-none", ipmi.AuthNone, "testbed"},
		{"lan-refused-privilege", ipmi.AuthMD5, "mon-pass"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			auth, err := NewAuth15(tc.auth, ipmi.NewSecret(tc.password))
			if err != nil {
				t.Fatal(err)
			}
			packets := 0
			for _, d := range capture(t, tc.name) {
				p := parsed(t, d.data)
				if p.Class != ClassIPMI || p.SessionID == 0 {
					continue
				}
				packets++
				if err := auth.Verify(&p); err != nil {
					t.Fatalf("% x: %v", d.data, err)
				}
				if _, err := ParseMessage(p.Payload); err != nil {
					t.Fatal(err)
				}
				if again, err := auth.append(nil, p.Sequence, p.SessionID, p.Payload); err != nil ||
					!bytes.Equal(again, d.data) {
					t.Fatalf("made\n% x, %v; captured\n% x", again, err, d.data)
				}
				p.Payload[4] ^= 4
				if err := auth.Verify(&p); (err == nil) !=
					(tc.auth == ipmi.AuthNone || tc.auth == ipmi.AuthPassword) {
					t.Fatalf("changed payload: %v", err)
				}
			}
			if packets < 2 {
				t.Fatalf("only %d packets of the session", packets)
			}
		})
	}
}

// TestCapturedMessages reads and writes again every plain IPMI message of the captures.
func TestCapturedMessages(t *testing.T) {
	n := 0
	for _, name := range captureNames(t) {
		for _, d := range capture(t, name) {
			p := parsed(t, d.data)
			if p.Class != ClassIPMI || p.PayloadType != ipmi.PayloadIPMI || p.Encrypted {
				continue
			}
			m, err := ParseMessage(p.Payload)
			if err != nil {
				t.Fatalf("% x: %v", p.Payload, err)
			}
			if again := AppendMessage(nil, &m); !bytes.Equal(again, p.Payload) {
				t.Fatalf("wrote % x, captured % x", again, p.Payload)
			}
			n++
		}
	}
	if n < 50 {
		t.Fatalf("only %d messages", n)
	}
}
