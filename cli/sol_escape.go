package cli

// An escape is what the characters behind the escape character ask for.
type escape int

// Escapes.
const (
	escapeNone         escape = iota // characters to send
	escapeEnd                        // ~.
	escapeBreak                      // ~B
	escapeHelp                       // ~?
	escapeSuspend                    // ~^Z
	escapeSuspendPlain               // ~^X
)

// An escapeReader finds the escapes among what is typed: after the beginning or the end of a line, the escape character
// and one of the characters above. The escape character twice is sent once, and before anything else it is sent itself.
type escapeReader struct {
	char    byte
	midLine bool
	armed   bool // the last character was the escape character at the beginning of a line
}

// next splits p at the first escape: send is what goes to the host before it, rest what is still to be read.
func (e *escapeReader) next(p []byte) (send []byte, found escape, rest []byte) {
	for i, c := range p {
		if !e.armed {
			if c == e.char && !e.midLine {
				e.armed = true
				continue
			}
			send = append(send, c)
			e.midLine = c != '\r' && c != '\n'
			continue
		}
		e.armed = false
		switch c {
		case '.':
			return send, escapeEnd, p[i+1:]
		case 'B':
			return send, escapeBreak, p[i+1:]
		case '?':
			return send, escapeHelp, p[i+1:]
		case 'Z' - 64:
			return send, escapeSuspend, p[i+1:]
		case 'X' - 64:
			return send, escapeSuspendPlain, p[i+1:]
		case e.char:
			send = append(send, c)
		default:
			send = append(send, e.char, c)
		}
		e.midLine = c != '\r' && c != '\n'
	}
	return send, escapeNone, nil
}

// left returns the escape character if it was the last thing that was typed, and nothing came behind it.
func (e *escapeReader) left() []byte {
	if !e.armed {
		return nil
	}
	e.armed = false
	return []byte{e.char}
}
