package rmcp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"io"

	"lom/ipmi"
)

// newHMAC returns the HMAC that an authentication algorithm is built on (§13.28), or nil for
// RAKPNone.
func newHMAC(a AuthAlgorithm, key []byte) hash.Hash {
	switch a {
	case RAKPHMACSHA1:
		return hmac.New(sha1.New, key)
	case RAKPHMACMD5:
		return hmac.New(md5.New, key)
	case RAKPHMACSHA256:
		return hmac.New(sha256.New, key)
	}
	return nil
}

// sumHMAC returns the HMAC of the concatenated parts, nothing for RAKPNone.
func sumHMAC(a AuthAlgorithm, key []byte, parts ...[]byte) []byte {
	h := newHMAC(a, key)
	if h == nil {
		return nil
	}
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// passwordLen is the length of the passwords of IPMI 2.0 and of Kg, in bytes.
const passwordLen = 20

// An integrity makes the authentication codes of RMCP+ packets (§13.28.4). The hash keeps the state
// of its padded key, so that a code costs no allocation.
type integrity struct {
	mac      hash.Hash
	size     int               // of the authentication code
	password [passwordLen]byte // of MD5-128, which wraps the data in the password
	wraps    bool
	sum      [sha256.Size]byte
}

// newIntegrity returns the integrity of an algorithm with key K1 and the user's password, nil for
// none.
func newIntegrity(a IntegrityAlgorithm, k1 []byte, password string) *integrity {
	switch a {
	case HMACSHA1_96:
		return &integrity{mac: hmac.New(sha1.New, k1), size: 12}
	case HMACMD5_128:
		return &integrity{mac: hmac.New(md5.New, k1), size: 16}
	case HMACSHA256_128:
		return &integrity{mac: hmac.New(sha256.New, k1), size: 16}
	case MD5_128:
		i := &integrity{mac: md5.New(), size: 16, wraps: true}
		copy(i.password[:], password)
		return i
	}
	return nil
}

// code returns the authentication code of data. It is valid until the next call.
func (i *integrity) code(data []byte) []byte {
	i.mac.Reset()
	if i.wraps {
		i.mac.Write(i.password[:])
	}
	i.mac.Write(data)
	if i.wraps {
		i.mac.Write(i.password[:])
	}
	return i.mac.Sum(i.sum[:0])[:i.size]
}

// verify compares in constant time.
func (i *integrity) verify(data, code []byte) bool {
	return subtle.ConstantTimeCompare(i.code(data), code) == 1
}

// A confidentiality encrypts and decrypts payloads (§13.28.5). Sequence is the session sequence
// number of the packet.
type confidentiality interface {
	// seal appends the encrypted payload.
	seal(dst []byte, t ipmi.PayloadType, payload []byte) ([]byte, error)
	// open decrypts in place.
	open(t ipmi.PayloadType, sequence uint32, data []byte) ([]byte, error)
}

// newConfidentiality returns the confidentiality of an algorithm with key K2, nil for none.
func newConfidentiality(a ConfAlgorithm, k2 []byte, random io.Reader,
	bmc bool) (confidentiality, error) {
	switch a {
	case AESCBC128:
		block, err := aes.NewCipher(k2[:16])
		return &aesCBC{block, random}, err
	case XRC4_128:
		return newXRC4(k2, 16, random, bmc), nil
	case XRC4_40:
		return newXRC4(k2, 5, random, bmc), nil
	}
	return nil, nil
}

// aesCBC is AES-CBC-128 (§13.29). The modes of crypto/cipher would be an allocation a packet,
// or keep the key schedule twice more.
type aesCBC struct {
	block  cipher.Block
	random io.Reader
}

// seal appends the initialization vector, and the payload with its pad 1, 2, 3 … and the length of
// the pad.
func (c *aesCBC) seal(dst []byte, _ ipmi.PayloadType, payload []byte) ([]byte, error) {
	start := len(dst)
	var zero [aes.BlockSize]byte
	dst = append(dst, zero[:]...)
	if _, err := io.ReadFull(c.random, dst[start:]); err != nil {
		return dst[:start], err
	}
	dst = append(dst, payload...)
	pad := aes.BlockSize - 1 - len(payload)%aes.BlockSize
	for i := range pad {
		dst = append(dst, byte(i+1))
	}
	dst = append(dst, byte(pad))
	for at := start + aes.BlockSize; at < len(dst); at += aes.BlockSize {
		b := dst[at : at+aes.BlockSize]
		subtle.XORBytes(b, b, dst[at-aes.BlockSize:at])
		c.block.Encrypt(b, b)
	}
	return dst, nil
}

// open decrypts from the last block to the first, because each needs the one before as it was sent.
func (c *aesCBC) open(_ ipmi.PayloadType, _ uint32, data []byte) ([]byte, error) {
	if len(data) < 2*aes.BlockSize || len(data)%aes.BlockSize != 0 {
		return nil, ErrDecrypt
	}
	for at := len(data) - aes.BlockSize; at > 0; at -= aes.BlockSize {
		b := data[at : at+aes.BlockSize]
		c.block.Decrypt(b, b)
		subtle.XORBytes(b, b, data[at-aes.BlockSize:at])
	}
	data = data[aes.BlockSize:]
	pad := int(data[len(data)-1])
	if pad >= aes.BlockSize {
		return nil, ErrDecrypt
	}
	end := len(data) - 1 - pad
	for i, b := range data[end : len(data)-1] {
		if int(b) != i+1 {
			return nil, ErrDecrypt
		}
	}
	return data[:end], nil
}
