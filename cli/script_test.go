package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitLine(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{"", nil},
		{"  power status  # now", []string{"power", "status"}},
		{"# all", nil},
		{`sensor get "CPU Temp" 'a "b"'`, []string{"sensor", "get", "CPU Temp", `a "b"`}},
		{`user set name 2 ""`, []string{"user", "set", "name", "2", ""}},
		{`echo a#b`, []string{"echo", "a#b"}},
	} {
		got, err := splitLine(c.line)
		if err != nil {
			t.Errorf("%q: %v", c.line, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%q: %s", c.line, d)
		}
	}
	if _, err := splitLine(`echo "a`); err == nil {
		t.Error("open quote accepted")
	}
}

// Each line has a tree of its own: nothing is kept of those before, nor written where other hosts
// read.
func TestLineHasItsOwnResults(t *testing.T) {
	a := scriptedApp(nil, strings.NewReader(""), io.Discard, io.Discard)
	lineRoot(a, "mc")
	want, other := len(a.results), *a
	lineRoot(&other, "mc")
	lineRoot(&other, "mc")
	if got := len(other.results); got != want || len(a.results) != want {
		t.Errorf("got %d results, and %d of another host; want %d each", got, len(a.results), want)
	}
}

func TestExec(t *testing.T) {
	bmc := newScriptedBMC(t, []string{"> 00 01", "< 00 21 00 60", "> 06 04", "< c1"})
	var out, errs bytes.Buffer
	a := scriptedApp(bmc, strings.NewReader("echo 'one  two'\npower status\nmc selftest # "+
		"fails\n\npower foobar\nset csv\necho done\n"), &out, &errs)
	if code := a.Run(t.Context(), []string{"-H", "bmc1", "-P", "secret", "exec", "-"}); code !=
		exitFailed {
		t.Errorf("exit code %d", code)
	}
	if d := cmp.Diff("one  two\nChassis Power is on\ndone\n", out.String()); d != "" {
		t.Error(d)
	}
	want := "lom: standard input, line 3: Get Self Test Results failed: Invalid command\n" +
		"lom: standard input, line 5: there is no command \"power foobar\"; \"lom power help\" " +
		"lists what there is\n"
	if d := cmp.Diff(want, errs.String()); d != "" {
		t.Error(d)
	}
	if bmc.dials != 1 || bmc.open {
		t.Errorf("%d sessions opened, one still open: %t", bmc.dials, bmc.open)
	}
}

func TestCompleteLine(t *testing.T) {
	a := scriptedApp(newScriptedBMC(t, nil), strings.NewReader(""), new(bytes.Buffer),
		new(bytes.Buffer))
	for _, c := range []struct{ line, want string }{
		{"pow", "power "}, {"power st", "power status "}, {"chassis boot", ""}, {"chassis bootd", "chassis bootdev "},
		{"mc watchdog ", ""}, {"nosuch ", ""}, {"power status ", ""},
	} {
		got, _, _ := a.completeLine(c.line, len(c.line), '\t')
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.line, got, c.want)
		}
	}
}
