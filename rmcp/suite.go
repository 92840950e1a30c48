package rmcp

import (
	"fmt"

	"lom/ipmi"
)

// An AuthAlgorithm is an authentication algorithm of RAKP (Table 13-17).
type AuthAlgorithm uint8

// Authentication algorithms.
const (
	RAKPNone       AuthAlgorithm = 0
	RAKPHMACSHA1   AuthAlgorithm = 1
	RAKPHMACMD5    AuthAlgorithm = 2
	RAKPHMACSHA256 AuthAlgorithm = 3
)

// An IntegrityAlgorithm makes the authentication code of packets (Table 13-18).
type IntegrityAlgorithm uint8

// Integrity algorithms.
const (
	IntegrityNone   IntegrityAlgorithm = 0
	HMACSHA1_96     IntegrityAlgorithm = 1
	HMACMD5_128     IntegrityAlgorithm = 2
	MD5_128         IntegrityAlgorithm = 3
	HMACSHA256_128  IntegrityAlgorithm = 4
	maxAuthCodeSize                    = 16
)

// A ConfAlgorithm encrypts payloads (Table 13-19).
type ConfAlgorithm uint8

// Confidentiality algorithms.
const (
	ConfNone  ConfAlgorithm = 0
	AESCBC128 ConfAlgorithm = 1
	XRC4_128  ConfAlgorithm = 2
	XRC4_40   ConfAlgorithm = 3
)

// String returns the name of the algorithm as ipmitool writes it.
func (a AuthAlgorithm) String() string {
	return algorithmName(uint8(a), "none", "hmac_sha1", "hmac_md5", "hmac_sha256")
}

// String returns the name of the algorithm as ipmitool writes it.
func (a IntegrityAlgorithm) String() string {
	return algorithmName(uint8(a), "none", "hmac_sha1_96", "hmac_md5_128", "md5_128", "sha256_128")
}

// String returns the name of the algorithm as ipmitool writes it.
func (a ConfAlgorithm) String() string {
	return algorithmName(uint8(a), "none", "aes_cbc_128", "xrc4_128", "xrc4_40")
}

func algorithmName(n uint8, names ...string) string {
	if int(n) < len(names) {
		return names[n]
	}
	return fmt.Sprintf("Unknown (0x%02X)", n)
}

// A CipherSuite is a combination of algorithms with a number (Table 22-20).
type CipherSuite struct {
	ID        uint8
	OEM       ipmi.ManufacturerID // of suites 80h-BFh
	Auth      AuthAlgorithm
	Integrity IntegrityAlgorithm
	Conf      ConfAlgorithm
}

// cipherSuites is Table 22-20; the index is the ID.
var cipherSuites = [...]CipherSuite{
	{ID: 0},
	{ID: 1, Auth: RAKPHMACSHA1},
	{ID: 2, Auth: RAKPHMACSHA1, Integrity: HMACSHA1_96},
	{ID: 3, Auth: RAKPHMACSHA1, Integrity: HMACSHA1_96, Conf: AESCBC128},
	{ID: 4, Auth: RAKPHMACSHA1, Integrity: HMACSHA1_96, Conf: XRC4_128},
	{ID: 5, Auth: RAKPHMACSHA1, Integrity: HMACSHA1_96, Conf: XRC4_40},
	{ID: 6, Auth: RAKPHMACMD5},
	{ID: 7, Auth: RAKPHMACMD5, Integrity: HMACMD5_128},
	{ID: 8, Auth: RAKPHMACMD5, Integrity: HMACMD5_128, Conf: AESCBC128},
	{ID: 9, Auth: RAKPHMACMD5, Integrity: HMACMD5_128, Conf: XRC4_128},
	{ID: 10, Auth: RAKPHMACMD5, Integrity: HMACMD5_128, Conf: XRC4_40},
	{ID: 11, Auth: RAKPHMACMD5, Integrity: MD5_128},
	{ID: 12, Auth: RAKPHMACMD5, Integrity: MD5_128, Conf: AESCBC128},
	{ID: 13, Auth: RAKPHMACMD5, Integrity: MD5_128, Conf: XRC4_128},
	{ID: 14, Auth: RAKPHMACMD5, Integrity: MD5_128, Conf: XRC4_40},
	{ID: 15, Auth: RAKPHMACSHA256},
	{ID: 16, Auth: RAKPHMACSHA256, Integrity: HMACSHA256_128},
	{ID: 17, Auth: RAKPHMACSHA256, Integrity: HMACSHA256_128, Conf: AESCBC128},
	{ID: 18, Auth: RAKPHMACSHA256, Integrity: HMACSHA256_128, Conf: XRC4_128},
	{ID: 19, Auth: RAKPHMACSHA256, Integrity: HMACSHA256_128, Conf: XRC4_40},
}

// CipherSuites returns all suites that this package speaks, in the order of their IDs.
func CipherSuites() []CipherSuite { return append([]CipherSuite(nil), cipherSuites[:]...) }

// CipherSuiteByID returns a suite of Table 22-20.
func CipherSuiteByID(id int) (CipherSuite, bool) {
	if id < 0 || id >= len(cipherSuites) {
		return CipherSuite{}, false
	}
	return cipherSuites[id], true
}

// Same reports whether s and t are the same algorithms, whatever their numbers.
func (s CipherSuite) Same(t CipherSuite) bool {
	return s.Auth == t.Auth && s.Integrity == t.Integrity && s.Conf == t.Conf
}

// Protects reports whether what is sent after the log-in is both authenticated and encrypted by
// AES, so that nobody on the way can read or change it.
func (s CipherSuite) Protects() bool {
	return s.Auth != RAKPNone && s.Integrity != IntegrityNone && s.Conf == AESCBC128
}

// Strength orders suites: to encrypt is better than not to, AES better than xRC4, then to
// authenticate packets, then the better hash of the log-in and of packets. Only the order has a
// meaning.
func (s CipherSuite) Strength() int {
	conf := map[ConfAlgorithm]int{AESCBC128: 3, XRC4_128: 2, XRC4_40: 1}[s.Conf]
	auth := map[AuthAlgorithm]int{RAKPHMACSHA256: 3, RAKPHMACSHA1: 2, RAKPHMACMD5: 1}[s.Auth]
	integrity := map[IntegrityAlgorithm]int{HMACSHA256_128: 4, HMACSHA1_96: 3, HMACMD5_128: 2,
		MD5_128: 1}[s.Integrity]
	return 100*conf + 10*auth + integrity
}

// Supported reports whether this package speaks the combination of algorithms.
func (s CipherSuite) Supported() bool {
	for _, t := range cipherSuites {
		if s.Same(t) {
			return true
		}
	}
	return false
}

// String returns the number and the algorithms.
func (s CipherSuite) String() string {
	return fmt.Sprintf("%d (%s, %s, %s)", s.ID, s.Auth, s.Integrity, s.Conf)
}

// Bytes of Cipher Suite Records (Table 22-19).
const (
	recordStandard = 0xc0
	recordOEM      = 0xc1
	tagIntegrity   = 0x40
	tagConf        = 0x80
	tagMask        = 0xc0
)

// AppendCipherSuites appends the Cipher Suite Records of the suites, the data of Get Channel Cipher
// Suites before it is cut into pieces of 16 bytes.
func AppendCipherSuites(dst []byte, suites []CipherSuite) []byte {
	for _, s := range suites {
		if s.ID >= 0x80 {
			dst = append(dst, recordOEM, s.ID, uint8(s.OEM), uint8(s.OEM>>8), uint8(s.OEM>>16))
		} else {
			dst = append(dst, recordStandard, s.ID)
		}
		dst = append(dst, uint8(s.Auth)&0x3f, tagIntegrity|uint8(s.Integrity)&0x3f,
			tagConf|uint8(s.Conf)&0x3f)
	}
	return dst
}

// ParseCipherSuites reads Cipher Suite Records as BMCs write them. A record that lists several
// algorithms of a kind comes back once for each combination; one that leaves a kind out has none of
// it. It is lenient: bytes between records and a record cut off at the end are passed over, and a
// standard ID with other algorithms than Table 22-20's keeps those that the BMC names.
func ParseCipherSuites(b []byte) []CipherSuite {
	var suites []CipherSuite
	for len(b) > 0 {
		var s CipherSuite
		switch {
		case b[0] == recordStandard && len(b) >= 2:
			s.ID, b = b[1], b[2:]
		case b[0] == recordOEM && len(b) >= 5:
			s.ID, s.OEM = b[1], ipmi.ManufacturerID(uint32(b[2])|uint32(b[3])<<8|uint32(b[4])<<16)
			b = b[5:]
		default:
			b = b[1:]
			continue
		}
		var auth, integrity, conf []uint8
		for len(b) > 0 && b[0] != recordStandard && b[0] != recordOEM {
			n := b[0] & 0x3f
			switch b[0] & tagMask {
			case 0:
				auth = append(auth, n)
			case tagIntegrity:
				integrity = append(integrity, n)
			case tagConf:
				conf = append(conf, n)
			}
			b = b[1:]
		}
		if len(auth) == 0 {
			continue // cut off
		}
		for _, a := range auth {
			for _, i := range orNone(integrity) {
				for _, c := range orNone(conf) {
					if len(suites) == maxSuites {
						return suites
					}
					s.Auth, s.Integrity, s.Conf = AuthAlgorithm(a), IntegrityAlgorithm(i),
						ConfAlgorithm(c)
					suites = append(suites, s)
				}
			}
		}
	}
	return suites
}

// maxSuites bounds what a hostile list of algorithms multiplies to.
const maxSuites = 1024

func orNone(list []uint8) []uint8 {
	if len(list) == 0 {
		return []uint8{0}
	}
	return list
}
