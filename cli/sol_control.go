package cli

// A controlReader follows the control sequences (ECMA-48) in what a terminal sends, and tells those
// that the terminal sends by itself, its reports, from those of keys. It keeps nothing of what
// passes through, which may be cut anywhere.
type controlReader struct {
	state   controlState
	private bool // CSI < = > or ?
	middle  byte // the last intermediate byte
	bare    bool // no parameter has come
	first   int  // the first parameter, as far as it matters
	count   int  // parameters
	left    int  // bytes of an old mouse report that are to come
	after   bool // a sequence was broken off by the ESC that began this one: a key has been typed
	str     byte // what introduced a string
}

// A controlState is how far a sequence has come.
type controlState uint8

const (
	controlOutside      controlState = iota
	controlEscape                    // after ESC
	controlParameters                // after CSI
	controlIntermediate              // after an intermediate byte of CSI
	controlString                    // in DCS, OSC or APC
	controlStringEscape              // after ESC there
	controlMouse                     // after CSI M, whose three bytes follow
)

// A controlVerdict is what a character makes of a sequence.
type controlVerdict uint8

const (
	// the character is in no sequence; one that had begun is broken off before it
	controlNone   controlVerdict = iota
	controlMore                  // the sequence goes on
	controlReport                // it ends, and is the terminal's own
	controlKey                   // it ends, and is a key
)

const esc = 0x1b

func (r *controlReader) reading() bool { return r.state != controlOutside }

// next takes a character.
func (r *controlReader) next(c byte) controlVerdict {
	if c == esc && r.reading() && r.state != controlString {
		*r = controlReader{state: controlEscape, after: true}
		return controlMore
	}
	verdict := r.follow(c)
	if verdict == controlReport && r.after {
		verdict = controlKey
	}
	if verdict != controlMore {
		*r = controlReader{}
	}
	return verdict
}

func (r *controlReader) follow(c byte) controlVerdict {
	switch r.state {
	case controlOutside:
		if c != esc {
			return controlNone
		}
		r.state = controlEscape
		return controlMore
	case controlEscape:
		switch {
		case c == '[':
			r.state, r.bare = controlParameters, true
			return controlMore
		case c == ']' || c == 'P' || c == '_': // OSC, DCS, APC
			r.state, r.str = controlString, c
			return controlMore
		case c < ' ':
			return controlNone
		}
		return controlKey // Alt and a key, or SS3
	case controlParameters, controlIntermediate:
		return r.csi(c)
	case controlMouse:
		if c < ' ' {
			return controlNone // it was a key of old terminals
		}
		if r.left--; r.left > 0 {
			return controlMore
		}
		return controlReport
	case controlStringEscape:
		if c == '\\' { // ST
			return controlReport
		}
		*r = controlReader{state: controlEscape, after: true}
		return r.follow(c)
	}
	switch {
	case c == esc:
		r.state = controlStringEscape
	case c == '\a' && r.str == ']':
		return controlReport
	case c < ' ':
		// no terminal says so: somebody has typed what looks like the beginning of a string
		return controlNone
	}
	return controlMore
}

// csi takes a character after CSI.
func (r *controlReader) csi(c byte) controlVerdict {
	switch {
	case c >= '0' && c <= '?' && r.state == controlParameters:
		switch {
		case c <= '9':
			if r.count <= 1 && r.first < 1000 {
				r.first = 10*r.first + int(c-'0')
			}
			r.count = max(r.count, 1)
		case c == ';':
			r.count = max(r.count, 1) + 1
		case c >= '<':
			r.private = true
		}
		r.bare = false
		return controlMore
	case c >= ' ' && c <= '/':
		r.state, r.middle = controlIntermediate, c
		return controlMore
	case c < '@' || c > '~':
		return controlNone
	case r.private:
		// DA, DECXCPR, DECRPM, mouse, XTMODKEYS, keyboard flags: no key has such a parameter
		return controlReport
	case r.middle != 0:
		if r.middle == '$' && c == 'y' { // DECRPM
			return controlReport
		}
		return controlKey
	}
	report := false
	switch c {
	case 'M':
		if r.bare { // X10 mouse
			r.state, r.left = controlMouse, 3
			return controlMore
		}
		report = r.count == 3 // urxvt mouse
	case 'I', 'O': // focus
		report = r.bare
	case '~': // marks of pasted text
		report = r.first == 200 || r.first == 201
	case 'R', 'x': // CPR, DECREPTPARM
		report = r.count >= 2
	case 'n', 't': // DSR, size and state of the window
		report = r.count >= 1
	}
	if report {
		return controlReport
	}
	return controlKey
}
