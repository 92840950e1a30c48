package cli

// An escape is what the characters after the escape character ask for.
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

// An escapeReader finds the escapes among what is typed: after the beginning or the end of a line,
// the escape character and one of the characters above. The escape character twice is sent once,
// and before anything else it is sent itself.
//
// What the terminal itself says, such as where its cursor is, was not typed: it goes to the host,
// and changes nothing of that.
type escapeReader struct {
	char    byte
	midLine bool
	armed   bool // the last key was the escape character at the beginning of a line
	// what came after it and may be a report: it goes after the escape character if it is not
	held    []byte
	control controlReader
}

// next splits p at the first escape: send is what goes to the host before it, rest what is still to
// be read.
func (e *escapeReader) next(p []byte) (send []byte, found escape, rest []byte) {
	for i, c := range p {
		within := e.control.reading()
		switch verdict := e.control.next(c); {
		case verdict == controlNone && within:
			send = e.typed(send) // a sequence that was broken off; c comes after it
		case verdict == controlNone || c == e.char && !within:
			e.control = controlReader{} // the escape character may be ESC itself
		default:
			if e.armed {
				e.held = append(e.held, c)
			} else {
				send = append(send, c)
			}
			if verdict == controlReport {
				send, e.held = append(send, e.held...), nil
			} else if verdict == controlKey || len(e.held) > mostUndecided {
				send = e.typed(send)
			}
			continue
		}
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

// mostUndecided is how long a report may be that comes between the escape character and what
// follows it.
const mostUndecided = 4096

// typed takes the control sequence so far for keys. It returns what goes to the host after send.
func (e *escapeReader) typed(send []byte) []byte {
	e.midLine = true
	return append(send, e.left()...)
}

// left returns what is held back for what may come after it.
func (e *escapeReader) left() []byte {
	if !e.armed {
		return nil
	}
	all := append([]byte{e.char}, e.held...)
	e.armed, e.held = false, nil
	return all
}
