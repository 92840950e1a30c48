package rmcp

import (
	"crypto/md5"
	"crypto/rc4"
	"encoding/binary"
	"io"

	"lom/ipmi"
)

// xrc4 is xRC4-128 and xRC4-40 (§13.30). Each payload type has a key stream of its own in each
// direction. A stream begins with a random initialization vector and goes on from packet to packet;
// the offset in each packet is the position of its data in the stream, so that lost packets do no
// harm.
//
// The specification leaves open what happens when the one packet with the initialization vector is
// lost: nothing after it could be read. So an end restarts its stream in every packet until it
// knows that the other end has read one: a client, when it could read an answer; a BMC, when the
// client goes on with its own stream. A receiver need not know of this, because a packet with
// offset 0 always begins a stream.
type xrc4 struct {
	k2      [16]byte
	keyLen  int // of the RC4 key in bytes
	random  io.Reader
	bmc     bool
	streams map[ipmi.PayloadType]*xrc4Streams
}

const (
	xrc4IVLen   = 16
	xrc4Ring    = 4096     // bytes of key stream that are kept for packets that come late
	xrc4MaxSkip = 64 << 10 // bytes of key stream that lost packets may have used
	xrc4Renew   = 1 << 31  // a stream is restarted before its offset overflows
)

// xrc4Streams are the two directions of a payload type.
type xrc4Streams struct {
	send      *rc4.Cipher
	sendPos   uint32
	confirmed bool // the other end has read a packet of the send stream

	recv      *rc4.Cipher
	recvPos   uint32
	recvFirst uint32         // sequence number of the packet that began the receive stream
	ring      [xrc4Ring]byte // key stream before recvPos, at its position modulo the size
}

func newXRC4(k2 []byte, keyLen int, random io.Reader, bmc bool) *xrc4 {
	x := &xrc4{keyLen: keyLen, random: random, bmc: bmc,
		streams: map[ipmi.PayloadType]*xrc4Streams{}}
	copy(x.k2[:], k2)
	return x
}

func (x *xrc4) stream(t ipmi.PayloadType) *xrc4Streams {
	s := x.streams[t]
	if s == nil {
		s = &xrc4Streams{}
		x.streams[t] = s
	}
	return s
}

// cipher returns the key stream for an initialization vector (§13.30.2).
func (x *xrc4) cipher(iv []byte) (*rc4.Cipher, error) {
	h := md5.New()
	h.Write(x.k2[:])
	h.Write(iv)
	return rc4.NewCipher(h.Sum(nil)[:x.keyLen])
}

// seal appends the offset, the initialization vector where a stream begins, and the encrypted
// payload.
func (x *xrc4) seal(dst []byte, t ipmi.PayloadType, payload []byte) ([]byte, error) {
	s := x.stream(t)
	start := len(dst)
	if s.send == nil || !s.confirmed || s.sendPos == 0 || s.sendPos > xrc4Renew {
		s.sendPos, s.confirmed = 0, false
		var zero [4 + xrc4IVLen]byte
		dst = append(dst, zero[:]...)
		iv := dst[start+4:]
		if _, err := io.ReadFull(x.random, iv); err != nil {
			return dst[:start], err
		}
		c, err := x.cipher(iv)
		if err != nil {
			return dst[:start], err
		}
		s.send = c
	} else {
		dst = binary.LittleEndian.AppendUint32(dst, s.sendPos)
	}
	at := len(dst)
	dst = append(dst, payload...)
	s.send.XORKeyStream(dst[at:], dst[at:])
	s.sendPos += uint32(len(payload))
	return dst, nil
}

func (x *xrc4) open(t ipmi.PayloadType, sequence uint32, data []byte) ([]byte, error) {
	if len(data) < 4 {
		return nil, ErrDecrypt
	}
	offset, data := binary.LittleEndian.Uint32(data), data[4:]
	if offset != 0 {
		s := x.streams[t]
		if s == nil || s.recv == nil || int32(sequence-s.recvFirst) < 0 || !s.xor(offset, data) {
			return nil, ErrDecrypt
		}
		s.confirmed = s.send != nil
		return data, nil
	}
	if len(data) < xrc4IVLen {
		return nil, ErrDecrypt
	}
	c, err := x.cipher(data[:xrc4IVLen])
	if err != nil {
		return nil, ErrDecrypt
	}
	data = data[xrc4IVLen:]
	s := x.stream(t)
	if s.recv != nil && int32(sequence-s.recvFirst) < 0 {
		c.XORKeyStream(data, data) // overtaken by a packet that began a later stream
		return data, nil
	}
	s.recv, s.recvPos, s.recvFirst = c, 0, sequence
	s.confirmed = s.send != nil && !x.bmc
	s.xor(0, data)
	return data, nil
}

// xor decrypts data, which begins at offset in the receive stream. It reports false when the key
// stream there is too far ahead, or no longer kept.
func (s *xrc4Streams) xor(offset uint32, data []byte) bool {
	if behind := s.recvPos - offset; offset < s.recvPos {
		if behind > xrc4Ring || int(behind) < len(data) {
			return false
		}
		for i := range data {
			data[i] ^= s.ring[(offset+uint32(i))%xrc4Ring]
		}
		return true
	}
	ahead := offset - s.recvPos
	if ahead > xrc4MaxSkip {
		return false
	}
	for range ahead {
		s.step()
	}
	for i := range data {
		data[i] ^= s.step()
	}
	return true
}

// step takes the next byte of the receive stream.
func (s *xrc4Streams) step() byte {
	b := s.ring[s.recvPos%xrc4Ring : s.recvPos%xrc4Ring+1]
	b[0] = 0
	s.recv.XORKeyStream(b, b)
	s.recvPos++
	return b[0]
}
