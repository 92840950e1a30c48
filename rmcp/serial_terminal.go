package rmcp

import (
	"encoding/hex"
	"strings"

	"lom/ipmi"
)

// terminalColumns is how long the lines of terminal mode get.
const terminalColumns = 80

// AppendTerminal appends a message of terminal mode (§14.7.2, §14.7.3), with its newline. A long
// request goes on behind a backslash on the next line, a long response without one. The addresses,
// and the LUN of the console, go without saying.
func AppendTerminal(dst []byte, m *Message) []byte { return appendTerminal(dst, m, 0) }

// AppendTerminalBridged appends the response to a request that Send Message carried to another
// channel (Figure 14-13).
func AppendTerminalBridged(dst []byte, m *Message) []byte {
	return appendTerminal(dst, m, terminalBridged)
}

// terminalBridged is the bridge field of a message of another channel (Table 14-12).
const terminalBridged = 1

func appendTerminal(dst []byte, m *Message, bridge uint8) []byte {
	lun, fold := m.ToLUN, "\\\r\n"
	if m.NetFn.IsResponse() {
		lun, fold = m.FromLUN, "\r\n"
	}
	raw := []byte{uint8(m.NetFn)<<2 | lun&3, m.Seq<<2 | bridge, m.Cmd}
	if m.NetFn.IsResponse() {
		raw = append(raw, uint8(m.Code))
	}
	raw = append(raw, m.Data...)
	dst = append(dst, '[')
	column := 1
	for i, c := range raw {
		if column > terminalColumns-len("xx ]\\") {
			dst, column = append(dst, fold...), 0
		} else if i > 0 {
			dst, column = append(dst, ' '), column+1
		}
		dst, column = append(dst, hexDigits[c>>4], hexDigits[c&0xf]), column+2
	}
	return append(dst, "]\r\n"...)
}

const hexDigits = "0123456789ABCDEF"

// ParseTerminal reads what a TerminalReader has found, if it is a message in pairs of hexadecimal
// digits. A response of another channel (Table 14-12) reads as any other response; a request of
// another channel is refused.
func ParseTerminal(text string) (Message, error) {
	var m Message
	for _, word := range strings.Fields(text) {
		if len(word)%2 != 0 {
			return m, malformed("terminal mode message with half a byte")
		}
	}
	raw, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return m, malformed("terminal mode message that is not hexadecimal")
	}
	if len(raw) < 3 {
		return m, malformed("terminal mode message of %d bytes", len(raw))
	}
	if bridge := raw[1] & 3; bridge > terminalBridged ||
		bridge != 0 && !ipmi.NetFn(raw[0]>>2).IsResponse() {
		return m, malformed("terminal mode message of the bridge")
	}
	m = Message{
		To: ipmi.AddressBMC, ToLUN: raw[0] & 3, From: ipmi.AddressRemoteSWI,
		NetFn: ipmi.NetFn(raw[0] >> 2), Seq: raw[1] >> 2, Cmd: raw[2], Data: raw[3:],
	}
	if m.NetFn.IsResponse() {
		if len(m.Data) == 0 {
			return m, malformed("terminal mode response without a completion code")
		}
		m.To, m.From, m.ToLUN, m.FromLUN = m.From, m.To, 0, m.ToLUN
		m.Code, m.Data = ipmi.CompletionCode(m.Data[0]), m.Data[1:]
	}
	return m, nil
}

// A TerminalReader finds what stands between brackets in the characters of a line in terminal mode:
// messages for ParseTerminal, and texts such as "SYS TMODE". The zero value is ready.
type TerminalReader struct {
	text    []byte
	open    bool
	closing bool // a right bracket came; a newline ends the text
}

// Next takes a character. If it ends a text, the text is returned, lines joined, without its
// brackets.
func (r *TerminalReader) Next(c byte) (text string, ok bool) {
	newline := c == '\r' || c == '\n'
	switch {
	case c == '[':
		r.text, r.open, r.closing = r.text[:0], true, false
		return "", false
	case !r.open:
		return "", false
	case c == 0x1b: // escape takes back what was typed (§14.8)
		r.open = false
		return "", false
	case r.closing && newline:
		r.open = false
		return string(r.text), true
	case newline:
		if n := len(r.text); n > 0 && r.text[n-1] == '\\' {
			r.text = r.text[:n-1]
		}
		c = ' '
	case r.closing:
		r.text, r.closing = append(r.text, ']'), false
	}
	if c == ']' {
		r.closing = true
		return "", false
	}
	if len(r.text) >= MaxSerial {
		r.open = false
		return "", false
	}
	r.text = append(r.text, c)
	return "", false
}
