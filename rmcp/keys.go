package rmcp

import (
	"bytes"
	"encoding/binary"
	"strings"

	"lom/ipmi"
)

// keyMaterial is what both ends know of a handshake, from which all keys and codes are made
// (§13.31).
type keyMaterial struct {
	auth                AuthAlgorithm
	consoleID, systemID uint32
	consoleRandom       [16]byte
	systemRandom        [16]byte
	guid                [16]byte
	role                Role
	user                string
	password            ipmi.Secret // K[UID]
	kg                  ipmi.Secret // empty: one-key log-in, with the password
}

// id returns a session ID as it is in packets.
func id(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }

// name returns the role, the length of the user name and the name.
func (x *keyMaterial) name() []byte {
	return append([]byte{uint8(x.role), uint8(len(x.user))}, x.user...)
}

// code2 is the key exchange authentication code of RAKP Message 2.
func (x *keyMaterial) code2() []byte {
	return sumHMAC(x.auth, []byte(x.password.Reveal()),
		id(x.consoleID), id(x.systemID), x.consoleRandom[:], x.systemRandom[:], x.guid[:], x.name())
}

// code3 is the key exchange authentication code of RAKP Message 3.
func (x *keyMaterial) code3() []byte {
	return sumHMAC(x.auth, []byte(x.password.Reveal()), x.systemRandom[:], id(x.consoleID),
		x.name())
}

// sik is the session integrity key.
func (x *keyMaterial) sik() []byte {
	key := x.kg
	if strings.Trim(key.Reveal(), "\x00") == "" {
		key = x.password // an all-zero Kg is none (Table 22-15, KG status)
	}
	return sumHMAC(x.auth, []byte(key.Reveal()), x.consoleRandom[:], x.systemRandom[:], x.name())
}

// check4 is the integrity check value of RAKP Message 4. SHA1 and SHA256 are cut (§13.28.1).
func (x *keyMaterial) check4(sik []byte) []byte {
	sum := sumHMAC(x.auth, sik, x.consoleRandom[:], id(x.systemID), x.guid[:])
	switch x.auth {
	case RAKPHMACSHA1:
		return sum[:12]
	case RAKPHMACSHA256:
		return sum[:16]
	}
	return sum
}

// additionalKeys returns K1 and K2 (§13.32). The constants have 20 bytes whatever the hash is; that
// is what BMCs and clients agree on, although the text speaks of the block size.
func additionalKeys(a AuthAlgorithm, sik []byte) (k1, k2 []byte) {
	const length = 20
	return sumHMAC(a, sik, bytes.Repeat([]byte{1}, length)),
		sumHMAC(a, sik, bytes.Repeat([]byte{2}, length))
}
