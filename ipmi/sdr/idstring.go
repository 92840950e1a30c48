package sdr

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"lom/ipmi"
)

// An Encoding is how the characters of an ID string are stored (§43.15).
type Encoding uint8

// Encodings.
const (
	Unicode Encoding = 0 // UTF-16, least significant byte first
	BCDPlus Encoding = 1 // two characters a byte, the first in the low half
	SixBit  Encoding = 2 // four characters in three bytes
	// 8-bit ASCII and Latin 1; what is UTF-8, as some makers write it, is taken for that
	Latin1 Encoding = 3
)

const (
	bcdPlus      = "0123456789 -.:,_"
	maxIDString  = 16 // bytes (Table 43-1)
	sixBitFirst  = ' '
	sixBitBeyond = '_' + 1
)

// An IDString is the name at the end of a record.
type IDString struct {
	Encoding Encoding
	Text     string // UTF-8, without what follows a NUL
}

// Name returns an ID string in the plain encoding.
func Name(s string) IDString { return IDString{Latin1, s} }

// String returns the text.
func (s IDString) String() string { return s.Text }

// AppendBinary appends the type/length byte and the string. A text that is longer than 16 bytes or
// has a character that its encoding lacks is a *ipmi.RangeError.
func (s IDString) AppendBinary(b []byte) ([]byte, error) {
	if s.Encoding == Latin1 && strings.ContainsFunc(s.Text, func(r rune) bool {
		return r > 0xff
	}) && !strings.Contains(s.Text, "\x00") &&
		len(s.Text) <= maxIDString {
		return append(append(b, byte(Latin1)<<6|byte(len(s.Text))), s.Text...), nil
	}
	var data []byte
	count := 0
	bad := func() ([]byte, error) {
		return b, &ipmi.RangeError{Field: "ID string", Value: s.Text, Max: maxIDString}
	}
	for i, r := range []rune(s.Text) {
		count++
		switch s.Encoding {
		case Unicode:
			if r > 0xffff {
				return bad()
			}
			data = append(data, byte(r), byte(r>>8))
		case BCDPlus:
			n := strings.IndexRune(bcdPlus, r)
			if n < 0 {
				return bad()
			}
			if i%2 == 0 {
				data = append(data, byte(n))
			} else {
				data[len(data)-1] |= byte(n) << 4
			}
		case SixBit:
			if r < sixBitFirst || r >= sixBitBeyond {
				return bad()
			}
			n := byte(r - sixBitFirst)
			switch i % 4 {
			case 0:
				data = append(data, n)
			case 1:
				data[len(data)-1] |= n << 6
				data = append(data, n>>2)
			case 2:
				data[len(data)-1] |= n << 4
				data = append(data, n>>4)
			case 3:
				data[len(data)-1] |= n << 2
			}
		case Latin1:
			if r > 0xff || r == 0 {
				return bad()
			}
			data = append(data, byte(r))
		default:
			return bad()
		}
	}
	if len(data) > maxIDString || count > 30 {
		return bad()
	}
	return append(append(b, byte(s.Encoding)<<6|byte(count)), data...), nil
}

// UnmarshalBinary reads a type/length byte and the string to the end of b. The length counts
// characters; some writers count bytes, which shows when it is just what is left.
func (s *IDString) UnmarshalBinary(b []byte) error {
	if len(b) < 1 {
		return &ipmi.LengthError{Message: "ID string", Got: 0, Want: 1}
	}
	*s = IDString{Encoding: Encoding(b[0] >> 6)}
	n, data := int(b[0]&0x1f), b[1:]
	need := [4]int{2 * n, (n + 1) / 2, (6*n + 7) / 8, n}[s.Encoding]
	if len(data) == n && need != n {
		n = [4]int{n / 2, 2 * n, 8 * n / 6, n}[s.Encoding]
	}
	if s.Encoding == Latin1 {
		text, _, _ := strings.Cut(string(data[:min(n, len(data))]), "\x00")
		if utf8.ValidString(text) {
			s.Text = text
			return nil
		}
	}
	var t []rune
	for i := 0; i < n; i++ {
		r, ok := s.Encoding.char(data, i)
		if !ok || r == 0 {
			break
		}
		t = append(t, r)
	}
	s.Text = string(t)
	return nil
}

// char returns the i-th character of encoded text, and false past its end.
func (e Encoding) char(b []byte, i int) (rune, bool) {
	at := [4]int{2*i + 1, i / 2, (6*i + 5) / 8, i}[e&3]
	if at >= len(b) {
		return 0, false
	}
	switch e {
	case Unicode:
		r := rune(b[at-1]) | rune(b[at])<<8
		if utf16.IsSurrogate(r) {
			r = '\ufffd'
		}
		return r, true
	case BCDPlus:
		return rune(bcdPlus[b[at]>>(4*(i%2))&0xf]), true
	case SixBit:
		bit := 6 * i
		v := uint16(b[bit/8])
		if bit/8 != at {
			v |= uint16(b[at]) << 8
		}
		return rune(v>>(bit%8)&0x3f) + sixBitFirst, true
	}
	return rune(b[at]), true
}
