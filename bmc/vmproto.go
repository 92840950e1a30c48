package bmc

// The VM protocol carries the system interface of a QEMU machine, its device ipmi-bmc-extern, over
// a byte stream. A frame is ended by its last byte, of a message or of a command; bytes that would
// end one, or escape, are escaped.

import (
	"lom/ipmi"
)

// Framing bytes.
const (
	vmEndMessage = 0xa0
	vmEndCommand = 0xa1
	vmEscape     = 0xaa
	vmEscaped    = 0x10 // is set in the byte after an escape
)

// vmMaxFrame is the longest frame: what QEMU's buffer holds.
const vmMaxFrame = 302

// vmVersion is the version of the protocol.
const vmVersion = 1

// A vmCommand is a command of either side.
type vmCommand uint8

// Commands. All but version and capabilities are of the BMC, and need that capability of the
// machine.
const (
	vmNoAttention  vmCommand = 0x00
	vmAttention    vmCommand = 0x01 // sets the attention bit
	vmInterrupt    vmCommand = 0x02 // sets the attention bit, and interrupts if that is enabled
	vmReset        vmCommand = 0x04 // of the machine: it was reset
	vmEnableIRQ    vmCommand = 0x05
	vmDisableIRQ   vmCommand = 0x06
	vmCapabilities vmCommand = 0x08 // of the machine; one byte follows
	vmVersionIs    vmCommand = 0xff // one byte follows
)

// Capabilities of a machine.
const (
	vmCanIRQ       = 0x04
	vmCanAttention = 0x10
)

// A vmFrame is a frame, unescaped: a message, or a command.
type vmFrame struct {
	Command bool
	Bytes   []byte
}

// A vmReader finds the frames in a byte stream. What is too long, or ends within an escape, is
// dropped.
type vmReader struct {
	buf     []byte
	escape  bool
	spoiled bool
}

// next takes one byte and reports whether it ended a frame, which is valid until the next call.
func (r *vmReader) next(c byte) (f vmFrame, ok bool) {
	switch {
	case c == vmEndMessage || c == vmEndCommand:
		f = vmFrame{c == vmEndCommand, r.buf}
		ok = len(r.buf) > 0 && !r.spoiled && !r.escape
		r.buf, r.escape, r.spoiled = r.buf[:0], false, false
	case c == vmEscape:
		r.spoiled = r.spoiled || r.escape
		r.escape = true
	case len(r.buf) == vmMaxFrame:
		r.spoiled = true
	default:
		if r.escape {
			c &^= vmEscaped
			r.escape = false
		}
		r.buf = append(r.buf, c)
	}
	return f, ok
}

// append appends the frame as it goes over the stream.
func (f vmFrame) append(b []byte) []byte {
	for _, c := range f.Bytes {
		switch c {
		case vmEndMessage, vmEndCommand, vmEscape:
			b = append(b, vmEscape, c|vmEscaped)
		default:
			b = append(b, c)
		}
	}
	if f.Command {
		return append(b, vmEndCommand)
	}
	return append(b, vmEndMessage)
}

// A vmRequest is a message of the machine.
type vmRequest struct {
	Seq   uint8
	NetFn ipmi.NetFn
	LUN   uint8
	Cmd   uint8
	Data  []byte // of the frame
}

// request reads a message; false if it is not one, or its checksum is wrong.
func (f vmFrame) request() (r vmRequest, ok bool) {
	if f.Command || len(f.Bytes) < 4 || vmSum(f.Bytes) != 0 {
		return r, false
	}
	b := f.Bytes
	return vmRequest{Seq: b[0], NetFn: ipmi.NetFn(b[1] >> 2), LUN: b[1] & 3, Cmd: b[2],
		Data: b[3 : len(b)-1]}, true
}

// answer returns the frame of the answer.
func (r vmRequest) answer(cc ipmi.CompletionCode, data []byte) vmFrame {
	if len(data) > vmMaxFrame-5 {
		cc, data = ipmi.CodeCannotReturnBytes, nil
	}
	b := append([]byte{r.Seq, byte(r.NetFn|1)<<2 | r.LUN, r.Cmd, byte(cc)}, data...)
	return vmFrame{Bytes: append(b, -vmSum(b))}
}

// vmSum returns the sum of bytes; with its checksum, a message's is zero.
func vmSum(b []byte) (sum uint8) {
	for _, c := range b {
		sum += c
	}
	return sum
}

// frame returns the frame of a command.
func (c vmCommand) frame(data ...byte) vmFrame {
	return vmFrame{Command: true, Bytes: append([]byte{byte(c)}, data...)}
}
