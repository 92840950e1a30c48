package ipmi

import (
	"unicode/utf16"
	"unicode/utf8"
)

// SetSystemInfo is the Set System Info Parameters command (§22.14a).
type SetSystemInfo struct {
	Number uint8  `wire:"byte 1"`
	Data   []byte `wire:"byte 2-"`
}

// SetSystemInfoParameter returns the command that sets p.
func SetSystemInfoParameter(p Parameter) (SetSystemInfo, error) {
	data, err := parameterData(p)
	return SetSystemInfo{Number: p.Number(), Data: data}, err
}

// GetSystemInfo is the Get System Info Parameters command (§22.14b).
type GetSystemInfo struct {
	RevisionOnly bool  `wire:"byte 1, bit 7"` // only the revision of the parameter
	Number       uint8 `wire:"byte 2"`
	Set          uint8 `wire:"byte 3"` // the block of a text, from 0
	Block        uint8 `wire:"byte 4"` // 0
}

// SystemInfo is its response (Table 22-16b).
type SystemInfo struct {
	Revision uint8  `wire:"byte 2"`  // of the parameter: 11h
	Data     []byte `wire:"byte 3-"` // for ParseSystemInfoParameter
}

// Selectors of the system information parameters that are texts (Table 22-16c). BMCs keep more from
// C0h on, of their makers.
const (
	SystemInfoFirmware      uint8 = 1 // version of the system's firmware
	SystemInfoName          uint8 = 2 // of the system
	SystemInfoPrimaryOS     uint8 = 3 // the operating system that boots by default
	SystemInfoOS            uint8 = 4 // the one that runs; forgotten at each reset
	SystemInfoOSVersion     uint8 = 5 // of the one that runs; forgotten at each reset
	SystemInfoBMCURL        uint8 = 6
	SystemInfoHypervisorURL uint8 = 7 // forgotten at each reset
)

// ParseSystemInfoParameter reads the data of a system information parameter: a SetInProgress, a
// SystemInfoBlock or a RawParameter.
func ParseSystemInfoParameter(n uint8, data []byte) (Parameter, error) {
	switch {
	case n == 0:
		return readParameter[SetInProgress](data)
	case n <= SystemInfoHypervisorURL:
		var b SystemInfoBlock
		if err := b.UnmarshalBinary(data); err != nil {
			return nil, err
		}
		b.Selector = n
		return b, nil
	}
	return rawParameter(n, data)
}

// SystemInfoBlock is a block of a system information parameter that is a text. The blocks of a text
// put one after the other are its encoding, its length and the text: see [ParseSystemText].
type SystemInfoBlock struct {
	Selector uint8  // which text; not among the parameter's data
	Block    uint8  `wire:"byte 1"`  // from 0
	Data     []byte `wire:"byte 2-"` // up to 16 bytes
}

// Number returns the selector.
func (b SystemInfoBlock) Number() uint8 { return b.Selector }

// SystemInfoBlockSize is the size of a block's data in bytes.
const SystemInfoBlockSize = 16

// A TextEncoding is the encoding of a text among the system information.
type TextEncoding uint8

// Text encodings.
const (
	TextLatin1  TextEncoding = 0 // ASCII and Latin 1
	TextUTF8    TextEncoding = 1
	TextUnicode TextEncoding = 2 // two bytes a character, least significant first
)

// SystemTextBlocks returns how many blocks a text has whose first block's data is given.
func SystemTextBlocks(first []byte) int {
	if len(first) < 2 {
		return 1
	}
	return max(1, (2+int(first[1])+SystemInfoBlockSize-1)/SystemInfoBlockSize)
}

// ParseSystemText reads a text from the data of its blocks, put one after the other. Bytes past its
// end are ignored.
func ParseSystemText(data []byte) (string, error) {
	if len(data) < 2 {
		return "", &LengthError{Message: "system information text", Got: len(data), Want: 2}
	}
	encoding, n := TextEncoding(data[0]&0xf), 2+int(data[1])
	if len(data) < n {
		return "", &LengthError{Message: "system information text", Got: len(data), Want: n}
	}
	text := data[2:n]
	switch encoding {
	case TextUTF8:
		return string(text), nil
	case TextUnicode:
		u := make([]uint16, len(text)/2)
		for i := range u {
			u[i] = uint16(text[2*i]) | uint16(text[2*i+1])<<8
		}
		return string(utf16.Decode(u)), nil
	}
	// Latin 1, and what is reserved: most of it is ASCII.
	r := make([]rune, len(text))
	for i, c := range text {
		r[i] = rune(c)
	}
	return string(r), nil
}

// AppendSystemText appends the data of the blocks of a text to b, padded to whole blocks: in Latin
// 1 if that can write it, otherwise in UTF-8. A text longer than 255 bytes is a *RangeError.
func AppendSystemText(b []byte, text string) ([]byte, error) {
	encoding, enc := TextLatin1, make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff || r == utf8.RuneError {
			encoding, enc = TextUTF8, []byte(text)
			break
		}
		enc = append(enc, byte(r))
	}
	if len(enc) > 0xff {
		return b, &RangeError{Field: "length of the system information text", Value: len(enc),
			Max: 0xff}
	}
	b = append(b, byte(encoding), byte(len(enc)))
	b = append(b, enc...)
	n := max(SystemTextBlocks([]byte{0, byte(len(enc))})*SystemInfoBlockSize, 2+len(enc))
	return append(b, make([]byte, n-2-len(enc))...), nil
}
