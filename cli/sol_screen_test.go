package cli

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"lom/client"
)

// A note is printed between two lines of the host, or when the host has fallen silent within one;
// never within a line.
func TestNotesAreBetweenLines(t *testing.T) {
	const off, on = "[the host is off or asleep]", "[the host can be reached again]"
	type step func(s *consoleScreen, v *consoleView)
	says := func(text string) step {
		return func(s *consoleScreen, _ *consoleView) { s.show([]byte(text)) }
	}
	happens := func(e client.ConsoleEvent) step {
		return func(_ *consoleScreen, v *consoleView) { v.event(e) }
	}
	sleep := func(d time.Duration) step {
		return func(*consoleScreen, *consoleView) { time.Sleep(d) }
	}
	for name, c := range map[string]struct {
		steps []step
		want  string
	}{
		"between lines": {[]step{says("one\n"), happens(client.ConsoleUnavailable), sleep(noteDelay)}, "one\n" + off + "\n"},
		"within a line": {[]step{says("half a li"), happens(client.ConsoleUnavailable), sleep(noteInLineWait / 2), says("ne\ntwo")}, "half a line\n" + off + "\ntwo"},
		"within a line that goes on slowly": {
			[]step{says("a"), happens(client.ConsoleUnavailable), sleep(noteInLineWait * 9 / 10),
				says("b"), sleep(noteInLineWait * 9 / 10), says("c\n")},
			"abc\n" + off + "\n"},
		"at a prompt":              {[]step{says("login: "), happens(client.ConsoleUnavailable), sleep(noteInLineWait)}, "login: \n" + off + "\n"},
		"off and on within a line": {[]step{says("x"), happens(client.ConsoleUnavailable), happens(client.ConsoleAvailable), says("y\n")}, "xy\n" + off + "\n" + on + "\n"},
		"before what the host has already said": {
			[]step{happens(client.ConsoleUnavailable), says("Power down.\nbye"), sleep(noteDelay)},
			"Power down.\n" + off + "\nbye"},
		"at the end":       {[]step{says("x"), happens(client.ConsoleUnavailable)}, "x\n" + off + "\n"},
		"nothing said yet": {[]step{happens(client.ConsoleTakenOver), sleep(noteDelay), says("x")}, "[console taken over from another session]\nx"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			a := newApp("lom", &bytes.Buffer{}, &out, &out)
			a.Options.Escape = "~"
			v := newConsoleView(a)
			for _, do := range c.steps {
				do(v.screen, v)
				synctest.Wait()
			}
			v.screen.endNotes()
			if got := out.String(); got != c.want {
				t.Errorf("%s: got %q, want %q", name, got, c.want)
			}
		})
	}
	// A note on another output needs not wait, and breaks no line.
	var out, errs bytes.Buffer
	a := newApp("lom", &bytes.Buffer{}, &out, &errs)
	a.Options.Escape = "~"
	v := newConsoleView(a)
	v.screen.show([]byte("half a line"))
	v.event(client.ConsoleUnavailable)
	if got, want := errs.String(), off+"\n"; got != want || out.String() != "half a line" {
		t.Errorf("got %q and %q, want %q and the half line", &out, got, want)
	}
}
