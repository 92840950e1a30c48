package fru

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// An Encoding is how a field's bytes are to be read (§13).
type Encoding uint8

// Encodings. Latin1 and Unicode have the same type code: the language of the area tells them apart.
// Latin1 that is UTF-8, as some makers write it, is taken for that.
const (
	Binary  Encoding = 0
	BCDPlus Encoding = 1 // two characters a byte: digits, space, dash, period
	SixBit  Encoding = 2 // four characters in three bytes: 20h to 5Fh
	Latin1  Encoding = 3
	Unicode Encoding = 4 // UTF-16, least significant byte first
)

// MaxField is the greatest number of bytes of a field.
const MaxField = 63

// endOfFields is the type/length byte after the last field.
const endOfFields = 0xc1

// bcdPlus has the characters of BCD plus. The last three are reserved; they are read as
// the characters that the programs in use print for them, and not written.
const bcdPlus = "0123456789 -.:,_"

// A Field is one field of an info area. The zero Field is an empty one.
type Field struct {
	Encoding Encoding
	Data     []byte // as it is stored, at most MaxField bytes
}

// String returns the field as text: binary data as lower-case hexadecimal digits, and text
// without the NULs that some makers fill it up with.
func (f Field) String() string {
	switch f.Encoding {
	case BCDPlus:
		b := make([]byte, 0, 2*len(f.Data))
		for _, x := range f.Data {
			b = append(b, bcdPlus[x>>4], bcdPlus[x&0x0f])
		}
		return string(b)
	case SixBit:
		return unpackSixBit(f.Data)
	case Latin1:
		text, _, _ := bytes.Cut(f.Data, []byte{0})
		if utf8.Valid(text) {
			return string(text)
		}
		r := make([]rune, 0, len(text))
		for _, x := range text {
			r = append(r, rune(x))
		}
		return string(r)
	case Unicode:
		u := make([]uint16, 0, len(f.Data)/2)
		for i := 0; i+1 < len(f.Data); i += 2 {
			c := uint16(f.Data[i]) | uint16(f.Data[i+1])<<8
			if c == 0 {
				break
			}
			u = append(u, c)
		}
		return string(utf16.Decode(u))
	}
	return hex.EncodeToString(f.Data)
}

// NewField encodes s. Binary takes hexadecimal digits. The error says which character
// the encoding does not have, or that s is too long.
func NewField(e Encoding, s string) (Field, error) {
	f := Field{Encoding: e}
	var err error
	switch e {
	case Binary:
		if f.Data, err = hex.DecodeString(s); err != nil {
			return f, err
		}
	case BCDPlus:
		err = f.setBCD(s)
	case SixBit:
		err = f.setSixBit(s)
	case Latin1:
		for _, r := range s {
			if r == 0 || r > 0xff {
				return f, fmt.Errorf("%q: %q is not in Latin-1", s, r)
			}
			f.Data = append(f.Data, byte(r))
		}
		// A length of 1 would be the end-of-fields mark (§13).
		if len(f.Data) == 1 {
			f.Data = append(f.Data, ' ')
		}
	case Unicode:
		for _, c := range utf16.Encode([]rune(s)) {
			f.Data = append(f.Data, byte(c), byte(c>>8))
		}
	default:
		return f, fmt.Errorf("no field encoding %d", e)
	}
	if err == nil && len(f.Data) > MaxField {
		err = fmt.Errorf("%q takes %d bytes, a field has at most %d", s, len(f.Data), MaxField)
	}
	return f, err
}

// Text encodes s in 8-bit characters; one that is a single character goes into packed 6-bit ASCII
// where it can, because 8-bit fields of one byte do not exist.
func Text(s string) (Field, error) {
	if len(s) == 1 {
		if f, err := NewField(SixBit, s); err == nil {
			return f, nil
		}
	}
	return NewField(Latin1, s)
}

// Set changes the field's text. A text field stays in its encoding if it can hold s, else it
// becomes 8-bit text, or Unicode if it was that.
func (f *Field) Set(s string) error {
	g, err := NewField(f.Encoding, s)
	if f.Encoding == Binary || err != nil && f.Encoding != Unicode {
		g, err = Text(s)
	}
	if err != nil {
		return err
	}
	*f = g
	return nil
}

func (f *Field) setBCD(s string) error {
	if len(s)%2 == 1 {
		s += " "
	}
	for i := 0; i < len(s); i += 2 {
		hi, lo := strings.IndexByte(bcdPlus, s[i]), strings.IndexByte(bcdPlus, s[i+1])
		if hi < 0 || hi > 12 || lo < 0 || lo > 12 {
			return fmt.Errorf("%q: BCD plus has digits, space, dash and period only", s)
		}
		f.Data = append(f.Data, byte(hi<<4|lo))
	}
	return nil
}

func (f *Field) setSixBit(s string) error {
	var acc, bits uint
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x5f {
			return fmt.Errorf("%q: 6-bit ASCII has no %q", s, s[i])
		}
		acc |= uint(s[i]-0x20) << bits
		for bits += 6; bits >= 8; bits -= 8 {
			f.Data = append(f.Data, byte(acc))
			acc >>= 8
		}
	}
	if bits > 0 {
		f.Data = append(f.Data, byte(acc))
	}
	return nil
}

// unpackSixBit reads the characters that b holds whole. What is left over when the number of
// characters is 3 modulo 4 looks like a space at the end and is cut off.
func unpackSixBit(b []byte) string {
	out := make([]byte, 0, len(b)*8/6)
	var acc, bits uint
	for _, x := range b {
		acc |= uint(x) << bits
		for bits += 8; bits >= 6; bits -= 6 {
			out = append(out, byte(acc&0x3f)+0x20)
			acc >>= 6
		}
	}
	if len(b)%3 == 0 {
		return strings.TrimSuffix(string(out), " ")
	}
	return string(out)
}

// parseFields reads the fields at b[at:], the predefined ones into pre and the rest into custom.
// wide reports whether 8-bit fields are Unicode, by the number of the field. fail is called with an
// offset into b.
//
// Some makers' tools write a predefined field of one character, which is what the end-of-fields
// mark looks like. It is taken for the field if anything but fill comes after it.
func parseFields(b []byte, at int, pre []*Field, custom *[]Field, wide func(int) bool,
	fail func(int, error)) {
	for n := 0; ; n++ {
		if at >= len(b) {
			fail(at, ErrNoEnd)
			return
		}
		if b[at] == endOfFields && (n >= len(pre) || blank(b[at+1:])) {
			return
		}
		size := int(b[at] & 0x3f)
		f := Field{Encoding: Encoding(b[at] >> 6)}
		if f.Encoding == Latin1 && wide(n) {
			f.Encoding = Unicode
		}
		start := at + 1
		at = start + size
		if size > 0 {
			f.Data = b[min(start, len(b)):min(at, len(b)):min(at, len(b))]
		}
		if n < len(pre) {
			*pre[n] = f
		} else {
			*custom = append(*custom, f)
		}
		if at > len(b) {
			fail(start, fmt.Errorf("field %d: %w", n, ErrTruncated))
			return
		}
	}
}

// appendFields writes the fields and the mark after them.
func appendFields(b []byte, fields []*Field) ([]byte, error) {
	for i, f := range fields {
		if f.Encoding >= Latin1 && len(f.Data) == 1 {
			g, err := Text(f.String())
			if f.Encoding == Unicode {
				g, err = Field{Unicode, []byte{f.Data[0], 0}}, nil
			}
			if err != nil {
				return nil, fmt.Errorf("field %d: %w", i, err)
			}
			f = &g
		}
		code := min(f.Encoding, Latin1)
		if len(f.Data) > MaxField {
			return nil, fmt.Errorf("field %d: %d bytes, at most %d", i, len(f.Data), MaxField)
		}
		b = append(b, byte(code)<<6|byte(len(f.Data)))
		b = append(b, f.Data...)
	}
	return append(b, endOfFields), nil
}
