package serial

import (
	"bytes"
	"io"
	"sync"
)

// Telnet commands (RFC 854) and the options without which characters would be changed (RFC 856,
// 857, 858).
const (
	telnetIAC  = 255
	telnetDont = 254
	telnetDo   = 253
	telnetWont = 252
	telnetWill = 251
	telnetSB   = 250
	telnetBRK  = 243
	telnetSE   = 240

	telnetBinary  = 0
	telnetEcho    = 1
	telnetGoAhead = 3
)

// A telnetConn takes telnet's commands out of what comes, and refuses options other than those of a
// raw line.
type telnetConn struct {
	io.ReadWriteCloser
	state   telnetState
	command byte
	// Options that were answered, of the other end and of ours: an answer to an answer would go on
	// for ever.
	theirs, ours [256]bool

	mu sync.Mutex // of writes: answers and characters come from two goroutines
}

type telnetState uint8

const (
	telnetText telnetState = iota
	telnetCommand
	telnetOption
	telnetSub
	telnetSubCommand
)

// Read returns characters, none if all that came was commands.
func (c *telnetConn) Read(p []byte) (int, error) {
	n, err := c.ReadWriteCloser.Read(p)
	text := p[:0]
	for _, ch := range p[:n] {
		switch c.state {
		case telnetText:
			if ch == telnetIAC {
				c.state = telnetCommand
			} else {
				text = append(text, ch)
			}
		case telnetCommand:
			switch ch {
			case telnetIAC:
				text = append(text, ch)
				c.state = telnetText
			case telnetWill, telnetWont, telnetDo, telnetDont:
				c.state, c.command = telnetOption, ch
			case telnetSB:
				c.state = telnetSub
			default:
				c.state = telnetText
			}
		case telnetOption:
			c.state = telnetText
			if err := c.answer(c.command, ch); err != nil {
				return len(text), err
			}
		case telnetSub:
			if ch == telnetIAC {
				c.state = telnetSubCommand
			}
		case telnetSubCommand:
			if c.state = telnetSub; ch == telnetSE {
				c.state = telnetText
			}
		}
	}
	return len(text), err
}

// answer answers an offer or a demand, each once.
func (c *telnetConn) answer(command, option byte) error {
	raw := option == telnetBinary || option == telnetGoAhead
	var reply byte
	switch {
	case command == telnetWill && !c.theirs[option]:
		c.theirs[option] = true
		if reply = telnetDont; raw || option == telnetEcho {
			reply = telnetDo
		}
	case command == telnetDo && !c.ours[option]:
		c.ours[option] = true
		if reply = telnetWont; raw {
			reply = telnetWill
		}
	default:
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.ReadWriteCloser.Write([]byte{telnetIAC, reply, option})
	return err
}

// Write sends characters.
func (c *telnetConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.ReadWriteCloser.Write(bytes.ReplaceAll(p, []byte{telnetIAC},
		[]byte{telnetIAC, telnetIAC})); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Break implements Breaker.
func (c *telnetConn) Break() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.ReadWriteCloser.Write([]byte{telnetIAC, telnetBRK})
	return err
}
