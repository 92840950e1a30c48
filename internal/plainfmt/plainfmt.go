// Package plainfmt is fmt for lines whose values come from others: from a BMC, a file, the network.
// It is imported in place of fmt, under its name. Fprintf and its like print what fmt's do, except
// that no value can break the line or act on the terminal: a control character in one becomes "?".
// Those of the format stay. What makes a string, or an error, changes nothing, so that values can
// still go into JSON as they are.
package plainfmt

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// replacement stands for a character that is not printed.
const replacement = '?'

// Control reports whether a character acts on a terminal or breaks a line: control characters of
// ASCII and of Latin-1, line and paragraph separators, and those that turn the direction of text
// round.
func Control(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029, r >= 0x202a && r <= 0x202e,
		r >= 0x2066 && r <= 0x2069:
		return true
	}
	return false
}

// Line returns s with "?" for each control character and for each byte that is not UTF-8, which a
// terminal may take for one.
func Line(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n <= 1 || Control(r) {
			r = replacement
		}
		b.WriteRune(r)
		s = s[n:]
	}
	return b.String()
}

// isPlain reports whether s is printable ASCII, as nearly everything is.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// values makes the values of a line harmless.
func values(args []any) []any {
	out := args
	for i, v := range args {
		clean := v
		switch v := v.(type) {
		case nil, bool, int, uint8, uint16, uint32, uint64, float64:
			continue
		case string:
			if isPlain(v) {
				continue
			}
			clean = Line(v)
		default:
			if k := reflect.TypeOf(v).Kind(); k >= reflect.Bool && k <= reflect.Complex128 {
				continue // numbers, and the words that their types have for them
			}
			clean = value{v}
		}
		if &out[0] == &args[0] {
			out = append([]any(nil), args...)
		}
		out[i] = clean
	}
	return out
}

// value prints like v, in one line.
type value struct{ v any }

// Format is called by fmt.
func (v value) Format(s fmt.State, verb rune) {
	// the state keeps no error
	_, _ = io.WriteString(s, Line(fmt.Sprintf(fmt.FormatString(s, verb), v.v)))
}

// Fprintf is fmt.Fprintf with harmless values.
func Fprintf(w io.Writer, format string, args ...any) (int, error) {
	if false {
		_ = fmt.Sprintf(format, args...) // so that go vet checks the calls
	}
	return fmt.Fprintf(w, format, values(args)...)
}

// Fprint is fmt.Fprint with harmless values; what is a text of several lines goes to
// io.WriteString.
func Fprint(w io.Writer, args ...any) (int, error) { return fmt.Fprint(w, values(args)...) }

// Fprintln is fmt.Fprintln with harmless values.
func Fprintln(w io.Writer, args ...any) (int, error) { return fmt.Fprintln(w, values(args)...) }

// Sprintf is fmt.Sprintf.
func Sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// Sprint is fmt.Sprint.
func Sprint(args ...any) string { return fmt.Sprint(args...) }

// Errorf is fmt.Errorf.
func Errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// Appendf is fmt.Appendf.
func Appendf(b []byte, format string, args ...any) []byte { return fmt.Appendf(b, format, args...) }

// Sscanf is fmt.Sscanf.
func Sscanf(s, format string, args ...any) (int, error) { return fmt.Sscanf(s, format, args...) }

// Stringer is fmt.Stringer.
type Stringer = fmt.Stringer
