package rmcp

// Special bytes of basic mode on a serial line (Table 14-5).
const (
	basicStart     = 0xa0
	basicStop      = 0xa5
	basicHandshake = 0xa6
	basicEscape    = 0xaa
)

// MaxSerial is the most bytes or characters that the readers of serial lines keep of a message;
// more is none.
const MaxSerial = 2048

// basicEscapes are the bytes that do not stand for themselves, and what stands for them behind
// basicEscape (Table 14-6).
var basicEscapes = [...][2]byte{
	{basicStart, 0xb0}, {basicStop, 0xb5}, {basicHandshake, 0xb6}, {basicEscape, 0xba}, {0x1b, 0x3b},
}

// BasicHandshake is the byte by which a BMC says that it has room for another message (§14.4.5).
const BasicHandshake byte = basicHandshake

// AppendBasic appends a message, as AppendMessage makes it, framed for basic mode (§14.4).
func AppendBasic(dst, message []byte) []byte {
	dst = append(dst, basicStart)
	for _, c := range message {
		for _, e := range basicEscapes {
			if c == e[0] {
				dst, c = append(dst, basicEscape), e[1]
				break
			}
		}
		dst = append(dst, c)
	}
	return append(dst, basicStop)
}

// A BasicReader finds the messages of basic mode in the bytes of a line. The zero value is ready.
type BasicReader struct {
	message []byte
	open    bool // a message has begun
	escaped bool
}

// Next takes a byte. If it ends a message, the message is returned, for ParseMessage; it is valid
// until the next call. Handshakes and noise between messages are passed over, and a message with a
// sequence that cannot be is dropped.
func (r *BasicReader) Next(c byte) (message []byte, ok bool) {
	switch {
	case c == basicStart:
		r.message, r.open, r.escaped = r.message[:0], true, false
		return nil, false
	case !r.open || c == basicHandshake:
		return nil, false
	case c == basicStop:
		r.open = false
		return r.message, !r.escaped
	case r.escaped:
		r.escaped = false
		for _, e := range basicEscapes {
			if c == e[1] {
				return nil, r.add(e[0])
			}
		}
		r.open = false
		return nil, false
	case c == basicEscape:
		r.escaped = true
		return nil, false
	}
	return nil, r.add(c)
}

// add keeps a byte of a message, unless there are too many. It returns false: the message is not at
// its end.
func (r *BasicReader) add(c byte) bool {
	if r.open = len(r.message) < MaxSerial; r.open {
		r.message = append(r.message, c)
	}
	return false
}
