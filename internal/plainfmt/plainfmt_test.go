package plainfmt

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

type stringer string

func (s stringer) String() string { return string(s) }

type number uint8

func (n number) String() string { return fmt.Sprintf("number %d", uint8(n)) }

func TestFprintf(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{line("%-6s|\n", "a\nb"), "a?b   |\n"},
		{line("%-6s|%s\n", stringer("\x1b[1m"), "é\u0085\u202e\u2029"), "?[1m  |é???\n"},
		{line("%v %v %q\n", []string{"a\tb", "\x7f"}, errors.New("x\ry"), "q\n"), "[a?b ?] x?y \"q?\"\n"},
		{line("%x %s % x %d\n", []byte{0x0a, 0x1b}, []byte{'a', 0x9b, 'b'}, "\x41\x42", number(3)), "0a1b a?b 41 42 3\n"},
		{line("%s %5.1f %t %*d\n", number(4), 1.25, true, 4, 7), "number 4   1.2 true    7\n"},
		{line("\ttab\n%v %v\n", nil, struct{ A string }{"\n"}), "\ttab\n<nil> {?}\n"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	var b strings.Builder
	_, _ = Fprintln(&b, "a\n", 1)
	_, _ = Fprint(&b, "\x1b", 2, "\n")
	if want := "a? 1\n? 2 ?"; b.String() != want && b.String() != "a? 1\n?2?" {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	args := []any{"a\n"}
	_, _ = Fprintf(&b, "%s", args...)
	if args[0] != "a\n" {
		t.Error("the caller's values were changed")
	}
}

func line(format string, args ...any) string {
	var b strings.Builder
	_, _ = Fprintf(&b, format, args...)
	return b.String()
}

// FuzzLine holds that a line has no control characters, is UTF-8, and has as many characters as
// what it was made of.
func FuzzLine(f *testing.F) {
	f.Add("A\x1b[31mB\n\t \x9b\u0085\u2067é")
	f.Fuzz(func(t *testing.T, s string) {
		got := Line(s)
		if strings.ContainsFunc(got, Control) || strings.ToValidUTF8(got, "") != got ||
			len([]rune(got)) != len([]rune(s)) {
			t.Errorf("Line(%q) = %q", s, got)
		}
	})
}
