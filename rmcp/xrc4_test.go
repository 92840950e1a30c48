package rmcp

import (
	"crypto/md5"
	"crypto/rc4"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"lom/ipmi"
)

// TestXRC4Format checks the fields of Table 13-21 and the key of §13.30.2 against the text.
func TestXRC4Format(t *testing.T) {
	for _, keyLen := range []int{16, 5} {
		k2 := []byte("0123456789abcdefghij")
		x := newXRC4(k2, keyLen, testRandom(1), false)
		peer := newXRC4(k2, keyLen, testRandom(2), true)
		first, _ := x.seal(nil, ipmi.PayloadIPMI, []byte("twelve bytes"))
		if len(first) != 4+16+12 || binary.LittleEndian.Uint32(first) != 0 {
			t.Fatalf("first packet % x", first)
		}
		key := md5.Sum(append([]byte("0123456789abcdef"), first[4:20]...))
		stream, _ := rc4.NewCipher(key[:keyLen])
		plain := make([]byte, 12)
		stream.XORKeyStream(plain, first[20:])
		if string(plain) != "twelve bytes" {
			t.Fatalf("decrypted by hand: %q", plain)
		}
		// An answer that could be read confirms that the stream may go on.
		if _, err := peer.open(ipmi.PayloadIPMI, 1, first); err != nil {
			t.Fatal(err)
		}
		answer, _ := peer.seal(nil, ipmi.PayloadIPMI, []byte("answer"))
		if _, err := x.open(ipmi.PayloadIPMI, 1, answer); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			offset  uint32
			payload string
		}{{12, "8 bytes."}, {20, "the rest"}} {
			b, _ := x.seal(nil, ipmi.PayloadIPMI, []byte(step.payload))
			if binary.LittleEndian.Uint32(b) != step.offset || len(b) != 4+len(step.payload) {
				t.Fatalf("packet at offset %d: % x", step.offset, b)
			}
			plain := make([]byte, len(step.payload))
			stream.XORKeyStream(plain, b[4:])
			if string(plain) != step.payload {
				t.Fatalf("decrypted by hand: %q", plain)
			}
		}
	}
}

// TestXRC4Faults loses, delays and duplicates packets; what the window lets pass must be readable.
func TestXRC4Faults(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		client, bmc := sessions(t, []int{4, 5, 9, 19}[seed%4])
		type inFlight struct {
			to      *Session20
			packet  []byte
			payload string
		}
		var late []inFlight
		deliver := func(f inFlight) bool {
			got, err := open(t, f.to, f.packet)
			if err == nil && got != f.payload {
				t.Fatalf("seed %d: %q, want %q", seed, got, f.payload)
			}
			if errors.Is(err, ErrDecrypt) && f.to.conf.(*xrc4).streams[ipmi.PayloadIPMI].confirmed {
				t.Fatalf("seed %d: a packet of a confirmed stream cannot be read", seed)
			}
			return err == nil
		}
		answered := 0
		for i := range 500 {
			// One request and its answer, each of which may be lost or come late.
			request := inFlight{bmc, sealed(t, client, fmt.Sprint("request ", i)),
				fmt.Sprint("request ", i)}
			switch r.IntN(10) {
			case 0:
				continue
			case 1:
				late = append(late, request)
				continue
			}
			if !deliver(request) {
				continue
			}
			answer := inFlight{client, sealed(t, bmc, fmt.Sprint("answer ", i)),
				fmt.Sprint("answer ", i)}
			if r.IntN(10) > 0 && deliver(answer) {
				answered++
				deliver(answer)
			}
			if len(late) > 2 {
				for _, f := range late {
					deliver(f)
				}
				late = nil
			}
		}
		if answered < 300 {
			t.Errorf("seed %d: only %d of 500 answers came", seed, answered)
		}
	}
}
