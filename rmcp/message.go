package rmcp

import (
	"fmt"

	"lom/ipmi"
)

// A Message is an IPMI message in the format of the IPMB and of LAN sessions (§13.8, Figure 13-4).
// It is a response if its NetFn is odd. A request goes from the requester to the responder, a
// response the other way; From and To are those of the message itself.
type Message struct {
	To      uint8 // slave address, or software ID with bit 0 set
	ToLUN   uint8
	From    uint8
	FromLUN uint8
	NetFn   ipmi.NetFn
	Seq     uint8 // rqSeq, 0-63: chosen by the requester, returned by the responder
	Cmd     uint8
	Code    ipmi.CompletionCode // of responses
	// without the completion code; with the defining body of group and OEM NetFns
	Data []byte
}

// MaxSeq is the highest rqSeq.
const MaxSeq = 63

// Reply returns a response to m.
func (m *Message) Reply(code ipmi.CompletionCode, data []byte) Message {
	return Message{
		To: m.From, ToLUN: m.FromLUN, From: m.To, FromLUN: m.ToLUN,
		NetFn: m.NetFn.Response(), Seq: m.Seq, Cmd: m.Cmd, Code: code, Data: data,
	}
}

// Answers reports whether m is the response to the request q: addresses, LUNs, network function,
// sequence number and command all fit.
func (m *Message) Answers(q *Message) bool {
	return m.NetFn == q.NetFn.Response() && !q.NetFn.IsResponse() && m.Cmd == q.Cmd &&
		m.Seq == q.Seq &&
		m.To == q.From && m.From == q.To && m.ToLUN == q.FromLUN && m.FromLUN == q.ToLUN
}

// AppendMessage appends m with both checksums.
func AppendMessage(dst []byte, m *Message) []byte {
	start := len(dst)
	dst = append(dst, m.To, uint8(m.NetFn)<<2|m.ToLUN&3)
	dst = append(dst, checksum(dst[start:]))
	second := len(dst)
	dst = append(dst, m.From, m.Seq<<2|m.FromLUN&3, m.Cmd)
	if m.NetFn.IsResponse() {
		dst = append(dst, uint8(m.Code))
	}
	dst = append(dst, m.Data...)
	return append(dst, checksum(dst[second:]))
}

// ParseMessage reads a message and checks both checksums. Data points into b. With an ErrChecksum,
// only the second checksum is wrong and the message is returned all the same, for a caller that has
// other proof of it.
func ParseMessage(b []byte) (Message, error) {
	var m Message
	if len(b) < 7 {
		return m, malformed("IPMI message of %d bytes", len(b))
	}
	if checksum(b[:2]) != b[2] {
		return m, malformed("first checksum of an IPMI message is %02xh, not %02xh", b[2],
			checksum(b[:2]))
	}
	end := len(b) - 1
	m = Message{
		To: b[0], ToLUN: b[1] & 3, NetFn: ipmi.NetFn(b[1] >> 2),
		From: b[3], FromLUN: b[4] & 3, Seq: b[4] >> 2,
		Cmd: b[5], Data: b[6:end],
	}
	if m.NetFn.IsResponse() {
		if len(m.Data) < 1 {
			return m, malformed("IPMI response without a completion code")
		}
		m.Code, m.Data = ipmi.CompletionCode(m.Data[0]), m.Data[1:]
	}
	if checksum(b[3:end]) != b[end] {
		return m, fmt.Errorf("%w: %02xh, not %02xh", ErrChecksum, b[end], checksum(b[3:end]))
	}
	return m, nil
}

// checksum is the two's complement checksum of b.
func checksum(b []byte) uint8 {
	var sum uint8
	for _, c := range b {
		sum += c
	}
	return -sum
}
