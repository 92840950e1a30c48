package cli

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// readEscapes reads input that comes in parts, and returns what goes to the host, with the escapes
// as 0xff and their number.
func readEscapes(parts ...string) string {
	e := escapeReader{char: '~'}
	var all []byte
	for _, part := range parts {
		for p := []byte(part); len(p) > 0; {
			send, found, rest := e.next(p)
			all = append(all, send...)
			if found != escapeNone {
				all = append(all, 0xff, byte(found))
			}
			p = rest
		}
	}
	return string(append(all, e.left()...))
}

const endFound = "\xff\x01"

// terminalReports are what terminals send by themselves.
var terminalReports = map[string]string{
	"cursor position":            "\x1b[24;80R",
	"extended cursor position":   "\x1b[?24;80;1R",
	"device status":              "\x1b[0n",
	"printer status":             "\x1b[?13n",
	"primary attributes":         "\x1b[?1;2c",
	"secondary attributes":       "\x1b[>41;354;0c",
	"tertiary attributes":        "\x1bP!|00000000\x1b\\",
	"mode":                       "\x1b[?2004;1$y",
	"ANSI mode":                  "\x1b[4;2$y",
	"terminal parameters":        "\x1b[2;1;1;112;112;1;0x",
	"size of the window":         "\x1b[8;24;80t",
	"state of the window":        "\x1b[1t",
	"title":                      "\x1b]lroot@bmc1: ~\x1b\\",
	"background colour":          "\x1b]11;rgb:0000/0000/0000\x1b\\",
	"foreground colour, BEL":     "\x1b]10;rgb:ffff/ffff/ffff\a",
	"palette":                    "\x1b]4;1;rgb:cdcd/0000/0000\a",
	"clipboard":                  "\x1b]52;c;~.~.\a",
	"version":                    "\x1bP>|XTerm(379)\x1b\\",
	"settings":                   "\x1bP1$r0m\x1b\\",
	"terminfo":                   "\x1bP1+r544e=787465726d\x1b\\",
	"graphics":                   "\x1b_Gi=31;OK\x1b\\",
	"keyboard flags":             "\x1b[?1u",
	"modifier keys":              "\x1b[>4;2m",
	"graphics attributes":        "\x1b[?1;0;256S",
	"begin of a paste":           "\x1b[200~",
	"end of a paste":             "\x1b[201~",
	"focus":                      "\x1b[I",
	"focus lost":                 "\x1b[O",
	"mouse":                      "\x1b[<0;10;20M",
	"mouse released":             "\x1b[<0;10;20m",
	"mouse of urxvt":             "\x1b[32;10;20M",
	"mouse of X10, with ~ and .": "\x1b[M ~.",
}

// terminalKeys are keys that look like reports, and are typed text.
var terminalKeys = map[string]string{
	"up": "\x1b[A", "application up": "\x1bOA", "F1": "\x1bOP", "F3": "\x1b[R", "delete": "\x1b[3~",
	"F5": "\x1b[15~", "F1 of Linux": "\x1b[[A",
	"control right": "\x1b[1;5C", "Alt-x": "\x1bx", "escape": "\x1b", "shift tab": "\x1b[Z",
	"half a report": "\x1b[24;8", "CSI u": "\x1b[97;5u",
	"shift delete of rxvt": "\x1b[3$", "half a string": "\x1b]11;rgb",
	"escape before a report": "\x1b\x1b[24;80R",
}

// What a terminal says by itself passes to the host, and ~. still closes the console; however the
// bytes are cut.
func TestReportsAreNotTyped(t *testing.T) {
	for name, r := range terminalReports {
		for _, c := range []struct{ typed, want string }{
			{r + "~.", r + endFound},
			{"x\r" + r + "~.", "x\r" + r + endFound},
			{"~" + r + ".", r + endFound},
			{"x" + r + "~.", "x" + r + "~."},
			{"~" + r + "x", r + "~x"},
			{"~" + r, r + "~"},
			{"\r" + r + r + "~.", "\r" + r + r + endFound},
		} {
			for i := range len(c.typed) + 1 {
				if got := readEscapes(c.typed[:i], c.typed[i:]); got != c.want {
					t.Errorf("%s: %q, cut at %d: got %q, want %q", name, c.typed, i, got, c.want)
				}
			}
		}
	}
	for name, k := range terminalKeys {
		for _, c := range []struct{ typed, want string }{
			{k + "q~.", k + "q~."}, // for some, the q is a part of the key
			{"~" + k + "qw.", "~" + k + "qw."},
			{k + "q\r~.", k + "q\r" + endFound},
			{"~" + k, "~" + k},
		} {
			for i := range len(c.typed) + 1 {
				if got := readEscapes(c.typed[:i], c.typed[i:]); got != c.want {
					t.Errorf("%s: %q, cut at %d: got %q, want %q", name, c.typed, i, got, c.want)
				}
			}
		}
	}
	if got, want := readEscapes("\x1b[M\r~."), "\x1b[M\r"+endFound; got != want {
		t.Errorf("a key of old terminals that looks like their mouse: got %q, want %q", got, want)
	}
	// A console whose escape character is ESC itself still ends.
	e := escapeReader{char: 0x1b}
	if send, found, _ := e.next([]byte("a\r\x1b.")); found != escapeEnd || string(send) != "a\r" {
		t.Errorf("with ESC as the escape character: got %q and %d, want the end", send, found)
	}
	// A report that is too long to be held back after the escape character is no reason to keep it
	// for ever.
	long := "~\x1b]52;c;" + strings.Repeat("A", 3*mostUndecided) + "\a"
	if got := readEscapes(long); got != long {
		t.Errorf("a long report after ~: got %d bytes, want %d", len(got), len(long))
	}
}

// However keys and reports are mixed and cut, the host gets every byte once, and the same is found.
func TestReportsMayBeCutAnywhere(t *testing.T) {
	pieces := []string{"~", ".", "\r", "\n", "B", "x", "\x1b", "[", "]", "\\", "\a", ";", "1", "R",
		"M", "\x1a"}
	for _, all := range []map[string]string{terminalReports, terminalKeys} {
		for _, s := range all {
			pieces = append(pieces, s)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom(pieces)).Draw(t, "typed"), "")
		whole := readEscapes(text)
		var parts []string
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			parts = append(parts, rest[:n])
			rest = rest[n:]
		}
		if got := readEscapes(parts...); got != whole {
			t.Fatalf("%q, cut into %q: got %q, want %q", text, parts, got, whole)
		}
	})
}

func FuzzEscapes(f *testing.F) {
	for _, s := range []string{"~.", "a~.\r~~~\n~B~", "\n~\x1a\r~\x18~?", "~\x1b[24;80R.",
		"\x1b]11;rgb:0/0/0\x1b\\~.", "\x1b[M !!~."} {
		f.Add(s, 1)
	}
	f.Fuzz(func(t *testing.T, s string, at int) {
		cut := min(max(at, 0), len(s))
		a, b := readEscapes(s), readEscapes(s[:cut], s[cut:])
		if a != b {
			t.Errorf("%q, but %q when cut at %d", a, b, cut)
		}
		// Without the escape character, everything goes to the host as it is.
		if plain := strings.ReplaceAll(s, "~", "-"); readEscapes(plain) != plain {
			t.Errorf("%q became %q", plain, readEscapes(plain))
		}
		e := escapeReader{char: '~'}
		e.next([]byte(s))
		if len(e.held) > mostUndecided+1 {
			t.Errorf("%d bytes are held back", len(e.held))
		}
		// And ~. closes the console after the next key and the end of a line, whatever came before
		// it.
		if got := readEscapes(s + "x\r\r~."); !strings.HasSuffix(got, endFound) {
			t.Errorf("after %q: got %s, want the end", s, fmt.Sprintf("%q", got))
		}
	})
}
