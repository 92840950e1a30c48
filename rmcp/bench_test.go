package rmcp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"hash"
	"testing"

	"lom/ipmi"
)

// benchPair is the two ends of a session.
func benchPair(t testing.TB, suite CipherSuite) (client, bmc *Session20) {
	t.Helper()
	sik := make([]byte, 32)
	ends := [2]*Session20{}
	for i := range ends {
		s, err := newSession20(session20Config{
			localID: 0x1000 + uint32(i), remoteID: 0x1000 + uint32(1-i), suite: suite,
			privilege: ipmi.PrivilegeAdministrator,
			sik:       sik, password: ipmi.NewSecret("secret"), random: rand.Reader, bmc: i == 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		ends[i] = s
	}
	return ends[0], ends[1]
}

// benchMessage is the answer to Get Sensor Reading, the most frequent of all.
var benchMessage = Message{
	To: ipmi.AddressRemoteSWI, From: ipmi.AddressBMC, NetFn: ipmi.NetFnSensor.Response(), Seq: 7,
	Cmd: 0x2d, Data: []byte{0x41, 0xc0, 0xc0, 0},
}

// rounds is the four things that happen to a packet, each ready to be done again and again.
type rounds struct {
	client, bmc     *Session20
	message, packet []byte
	p               Packet
}

func newRounds(t testing.TB, suite CipherSuite) *rounds {
	r := &rounds{message: make([]byte, 0, 256), packet: make([]byte, 0, 512)}
	r.client, r.bmc = benchPair(t, suite)
	// The streams of xRC4 settle once each end has read the other.
	for range 3 {
		for _, ends := range [][2]*Session20{{r.client, r.bmc}, {r.bmc, r.client}} {
			r.pack()
			r.seal(t, ends[0])
			r.open(t, ends[1])
		}
	}
	return r
}

func (r *rounds) pack() { r.message = AppendMessage(r.message[:0], &benchMessage) }

func (r *rounds) unpack(t testing.TB) {
	m, err := ParseMessage(r.message)
	if err != nil || m.Cmd != benchMessage.Cmd {
		t.Fatal(m, err)
	}
}

func (r *rounds) seal(t testing.TB, s *Session20) {
	packet, err := s.Append(r.packet[:0], ipmi.PayloadIPMI, r.message)
	if err != nil {
		t.Fatal(err)
	}
	r.packet = packet
}

func (r *rounds) open(t testing.TB, s *Session20) {
	var err error
	if r.p, err = Parse(r.packet); err != nil {
		t.Fatal(err)
	}
	payload, err := s.Open(&r.p)
	if err != nil || len(payload) != len(r.message) {
		t.Fatal(len(payload), err)
	}
}

// TestNoAllocations packs, seals, opens and unpacks packets of every cipher suite without an
// allocation.
func TestNoAllocations(t *testing.T) {
	for _, suite := range CipherSuites() {
		r := newRounds(t, suite)
		for name, f := range map[string]func(){
			"pack, seal, open, unpack": func() {
				r.pack()
				r.seal(t, r.bmc)
				r.open(t, r.client)
				r.unpack(t)
				r.seal(t, r.client)
				r.open(t, r.bmc)
			},
			"a forged packet": func() {
				if suite.Integrity == IntegrityNone {
					return
				}
				r.seal(t, r.bmc)
				r.packet[len(r.packet)-1] ^= 1
				r.p, _ = Parse(r.packet)
				if _, err := r.client.Open(&r.p); err != ErrAuthCode {
					t.Fatal(err)
				}
				r.seal(t, r.bmc) // keeps the sequence window from being left behind
				r.open(t, r.client)
			},
		} {
			if n := testing.AllocsPerRun(200, f); n != 0 {
				t.Errorf("suite %v: %s: %v allocations", suite, name, n)
			}
		}
	}
}

// bare is the cryptography of a packet alone: the hash of an authentication code over n bytes, and
// AES over the payload.
func bare(suite CipherSuite, covered, encrypted int) func() {
	var mac hash.Hash
	switch suite.Integrity {
	case HMACSHA1_96:
		mac = hmac.New(sha1.New, make([]byte, 20))
	case HMACMD5_128:
		mac = hmac.New(md5.New, make([]byte, 16))
	case HMACSHA256_128:
		mac = hmac.New(sha256.New, make([]byte, 32))
	case MD5_128:
		mac = md5.New()
	}
	var block cipher.Block
	if suite.Conf == AESCBC128 {
		block, _ = aes.NewCipher(make([]byte, 16))
	}
	data, sum := make([]byte, covered), make([]byte, 0, 64)
	return func() {
		for at := 0; block != nil && at+16 <= encrypted; at += 16 {
			block.Encrypt(data[at:], data[at:])
		}
		if mac != nil {
			mac.Reset()
			mac.Write(data)
			sum = mac.Sum(sum[:0])
		}
	}
}

func BenchmarkPacket(b *testing.B) {
	for _, suite := range CipherSuites() {
		if suite.ID == 0 {
			continue
		}
		b.Run(fmt.Sprintf("suite=%d", suite.ID), func(b *testing.B) {
			r := newRounds(b, suite)
			r.pack()
			r.seal(b, r.bmc)
			packet, encrypted := len(r.packet), 0
			if suite.Conf == AESCBC128 {
				encrypted = 32
			}
			for _, bm := range []struct {
				name string
				f    func()
			}{
				{"pack", r.pack},
				{"unpack", func() { r.unpack(b) }},
				// what seal and open are to be compared with
				{"bare", bare(suite, packet-HeaderLen, encrypted)},
				{"seal", func() { r.seal(b, r.bmc) }},
			} {
				b.Run(bm.name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						bm.f()
					}
				})
			}
			b.Run("open", func(b *testing.B) {
				r := newRounds(b, suite)
				r.pack()
				// Packets are sealed in stocks, which the receiver's window has room for.
				const stock = 512
				var packets [stock][]byte
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if i%stock == 0 {
						b.StopTimer()
						for j := range packets {
							packets[j], _ = r.bmc.Append(packets[j][:0], ipmi.PayloadIPMI,
								r.message)
						}
						b.StartTimer()
					}
					r.packet = packets[i%stock]
					r.open(b, r.client)
				}
			})
		})
	}
}
