package cli

import (
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	fmt "lom/internal/plainfmt"
)

// output is where a command's result and its messages go. It is in front of every terminal: no
// control character goes through, but for those that make lines. In text it becomes "?", in JSON an
// escape; what a console says goes around, see [raw]. That no value breaks its line is the business
// of package plainfmt, which is this package's fmt.
//
// It remembers that something could not be written, such as to a full disk, so that a command that
// prints line by line need not look after each of them to end with exit code 1.
type output struct {
	w    io.Writer
	json func() bool // nil: never

	mu   sync.Mutex
	err  error // the first
	used bool  // something was written
}

func (o *output) Write(p []byte) (int, error) {
	clean := p
	if !isClean(p) {
		clean = cleanOutput(p, o.json != nil && o.json())
	}
	if n, err := o.write(clean); err != nil {
		return min(n, len(p)), err
	}
	return len(p), nil
}

// isClean reports whether all is printable ASCII and ends of lines, as nearly everything is.
func isClean(p []byte) bool {
	for _, c := range p {
		if (c < 0x20 || c >= 0x7f) && c != '\n' {
			return false
		}
	}
	return true
}

// cleanOutput returns what may be written of p.
func cleanOutput(p []byte, json bool) []byte {
	out := make([]byte, 0, len(p)+16)
	for len(p) > 0 {
		r, n := utf8.DecodeRune(p)
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			out = append(out, byte(r))
		case r == utf8.RuneError && n <= 1:
			out = append(out, '?')
		case fmt.Control(r) && json:
			out = fmt.Appendf(out, `\u%04x`, r)
		case fmt.Control(r):
			out = append(out, '?')
		default:
			out = append(out, p[:n]...)
		}
		p = p[n:]
	}
	return out
}

// write writes as it is.
func (o *output) write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.used = o.used || n > 0
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// isUsed reports whether something was written since the last call of forget.
func (o *output) isUsed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.used
}

// forget lets what was written not count for isUsed.
func (o *output) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.used = false
}

// failed returns the first error of a Write.
func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// rawOutput writes to an output what is not a text but what a terminal is to do.
type rawOutput struct{ *output }

func (o rawOutput) Write(p []byte) (int, error) { return o.write(p) }

// raw returns a writer past the guard of an output, for what a console says and for line editing.
func raw(w io.Writer) io.Writer {
	if o, ok := w.(*output); ok {
		return rawOutput{o}
	}
	return w
}

// fileOf returns the file that a stream is, also one with a guard before it.
func fileOf(stream any) (*os.File, bool) {
	if o, ok := stream.(*output); ok {
		stream = o.w
	}
	f, ok := stream.(*os.File)
	return f, ok
}

// choose returns yes if b, else no.
func choose(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

// longestWord is up to how many bytes a word of an error message is printed whole: more than any
// name or path that a person wants to read.
const longestWord = 256

// clipWords shortens the words of a message that are too long to be of use, which come from
// arguments and files.
func clipWords(s string) string {
	if len(s) <= longestWord {
		return s
	}
	words := strings.Split(s, " ")
	for i, w := range words {
		if len(w) <= longestWord {
			continue
		}
		cut := longestWord / 4
		for cut > 0 && !utf8.RuneStart(w[cut]) {
			cut--
		}
		words[i] = w[:cut] + "…"
		if strings.Contains(w[cut:], "\"") {
			words[i] += w[strings.LastIndexByte(w, '"'):]
		}
	}
	return strings.Join(words, " ")
}
