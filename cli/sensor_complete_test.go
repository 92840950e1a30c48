package cli

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Names of sensors are completed from the file of -S, and from nothing else where nothing is kept;
// no session is opened for it.
func TestCompleteSensors(t *testing.T) {
	file := filepath.Join("..", "ipmi", "sdr", "testdata", "sim.raw")
	for _, c := range []struct {
		file string
		word string
		args []string
		many bool
		want bool
	}{{file, "", nil, true, true}, {file, "no such", nil, true, false},
		{file, "", []string{"a"}, false, false}, {"", "", nil, true, false}} {
		a := newApp("lom", strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer))
		a.dial = nil // a session would be a panic
		a.env = func(string) (string, bool) { return t.TempDir(), true }
		a.Options.SDRCache = c.file
		names, _ := a.completeSensors(c.many)(nil, c.args, c.word)
		if got := len(names) > 0; got != c.want || slices.Contains(names, "") {
			t.Errorf("%+v: got %q", c, names)
		}
		if len(names) > 0 {
			rest, _ := a.completeSensors(c.many)(nil, names[:1], "")
			if len(rest) != len(names)-1 {
				t.Errorf("%s: got %d names after the first of %d", c.file, len(rest), len(names))
			}
		}
	}
}
