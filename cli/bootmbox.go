package cli

import (
	"bytes"
	"context"
	"io"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

const bootmboxLong = `The boot initiator mailbox: up to 256 blocks of 16 bytes that software on the
server finds when it boots. Block 0 begins with the enterprise number (PEN) of who defined the rest.`

// mailboxPENSize is how many bytes of block 0 the enterprise number takes.
const mailboxPENSize = 3

// mailboxWords are the words that bootmbox get and set have in common.
func mailboxWords(args []string) (text bool, block int, rest []string, err error) {
	block = -1
	if len(args) > 0 && args[0] == "text" {
		text, args = true, args[1:]
	}
	if len(args) > 0 && args[0] == "block" {
		if len(args) < 2 {
			return false, 0, nil, usagef("the number of the block is missing")
		}
		n, err := parseNumber(args[1], 0, 255)
		if err != nil {
			return false, 0, nil, usagef("block: %v", err)
		}
		block, args = int(n), args[2:]
	}
	return text, block, args, nil
}

type mailboxBlock struct {
	Block uint8    `json:"block"`
	PEN   *uint32  `json:"enterprise_number,omitempty"`
	Data  hexBytes `json:"data"`
}

func runBootmboxGet(ctx context.Context, a *App, args []string) error {
	text, block, rest, err := mailboxWords(args)
	if err != nil {
		return err
	}
	if err := wantArgs(rest, 0, 0); err != nil {
		return err
	}
	first, last := block, block
	if block < 0 {
		first, last = 0, 255
	}
	var head ipmi.SystemBootOptions
	var blocks []ipmi.BootMailbox
	for n := first; n <= last; n++ {
		r, err := a.bootParameter(ctx, ipmi.BootMailbox{}.Number(), uint8(n))
		if err != nil {
			// Behind the last block that there is, BMCs answer with an error.
			if _, refused := code(err); n > first && refused {
				break
			}
			return err
		}
		p, err := r.Parameter()
		if err != nil {
			return err
		}
		b, ok := p.(ipmi.BootMailbox)
		if !ok {
			return fmt.Errorf("the BMC answered with boot parameter %d instead of 7", r.Number)
		}
		if n == first {
			head = r
		}
		blocks = append(blocks, b)
	}
	var v []mailboxBlock
	for _, b := range blocks {
		j := mailboxBlock{Block: b.Block, Data: b.Data}
		if pen, rest, ok := mailboxPEN(b); ok {
			j.PEN, j.Data = &pen, rest
		}
		v = append(v, j)
	}
	return a.Show(v, func(w io.Writer) {
		bootParameterHead(w, head)
		for _, b := range blocks {
			a.mailboxText(w, b, text, block < 0)
		}
	}, nil)
}

// mailboxPEN splits block 0 into the enterprise number and the rest.
func mailboxPEN(b ipmi.BootMailbox) (pen uint32, rest []byte, ok bool) {
	if b.Block != 0 || len(b.Data) < mailboxPENSize {
		return 0, b.Data, false
	}
	return uint32(b.Data[0]) | uint32(b.Data[1])<<8 | uint32(b.Data[2])<<16, b.Data[mailboxPENSize:], true
}

// mailboxText prints a block; all says that it is one of many.
func (a *App) mailboxText(w io.Writer, b ipmi.BootMailbox, text, all bool) {
	if !all {
		fmt.Fprintf(w, " Selector       : %d\n", b.Block)
	}
	pen, data, ok := mailboxPEN(b)
	if ok {
		fmt.Fprintf(w, " IANA PEN       : %d [%s]\n", pen, a.manufacturerName(ipmi.ManufacturerID(pen)))
	}
	if all {
		fmt.Fprintf(w, " Block %3d Data : ", b.Block)
	} else {
		fmt.Fprint(w, " Block Data     : ")
	}
	if text {
		data, _, _ = bytes.Cut(data, []byte{0})
		fmt.Fprintf(w, "'%s'\n", printable(string(data)))
	} else {
		fmt.Fprintf(w, "%x\n", data)
	}
}

func runBootmboxSet(ctx context.Context, a *App, args []string) error {
	text, block, rest, err := mailboxWords(args)
	if err != nil {
		return err
	}
	if err := wantArgs(rest, 2, -1); err != nil {
		return err
	}
	pen, err := parseNumber(rest[0], 0, 1<<24-1)
	if err != nil {
		return usagef("enterprise number: %v", err)
	}
	var data []byte
	if text {
		if err := wantArgs(rest, 2, 2); err != nil {
			return err
		}
		data = append([]byte(rest[1]), 0)
	} else {
		for _, word := range rest[1:] {
			b, err := parseByte(word)
			if err != nil {
				return usagef("data: %v", err)
			}
			data = append(data, b)
		}
	}
	if block <= 0 {
		data = append([]byte{byte(pen), byte(pen >> 8), byte(pen >> 16)}, data...)
	}
	blocks := 256
	if block >= 0 {
		blocks = 1
	}
	if room := blocks * ipmi.BootMailboxBlockSize; len(data) > room {
		return fmt.Errorf("%d bytes are too many: there is room for %d", len(data), room)
	}
	var params []ipmi.Parameter
	for n := max(block, 0); len(data) > 0; n++ {
		size := min(len(data), ipmi.BootMailboxBlockSize)
		params = append(params, ipmi.BootMailbox{Block: uint8(n), Data: data[:size]})
		data = data[size:]
	}
	// A BMC has five blocks at least (Table 28-14). That it has the last is looked up before the first is written.
	const least = 5
	if last := max(block, 0) + len(params) - 1; last >= least {
		if _, err := a.bootParameter(ctx, ipmi.BootMailbox{}.Number(), uint8(last)); hasCode(err, ipmi.CodeParameterOutOfRange, ipmi.CodeInvalidDataField) {
			return fmt.Errorf("the BMC's boot mailbox has no block %d; nothing was written: give less", last)
		}
	}
	if err := a.changeBoot(ctx, ipmi.BootPartyBIOS|ipmi.BootPartyLoader, params...); err != nil {
		return err
	}
	return a.Done("")
}
