package qemu

import "testing"

func TestLastWords(t *testing.T) {
	for _, c := range []struct{ said, want string }{
		{"", ""},
		{"\n one\n two \n\n", "two"},
		{"qemu: a warning\nqemu: no such machine\nUse -machine help\n", "qemu: no such machine"},
	} {
		var w lastWords
		w.Write([]byte(c.said))
		if got := w.line("qemu: "); got != c.want {
			t.Errorf("%q of %q", got, c.said)
		}
	}
}
