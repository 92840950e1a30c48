package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestLostOutputFails(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"chassis", "help"}, {"version"}, {"-o", "list"},
		{"completion", "bash"}} {
		var stderr bytes.Buffer
		code := newApp("lom", strings.NewReader(""), full{}, &stderr).Run(context.Background(),
			args)
		if code != exitFailed || !strings.Contains(stderr.String(), "no space left on device") {
			t.Errorf("lom %q with its output on a full disk: exit code %d, %q", args, code,
				stderr.String())
		}
	}
}

func TestOddArguments(t *testing.T) {
	long := strings.Repeat("é", 9000)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"bmc", "--count", "x"}, `lom: option --count "x": a number from 1 to 65536 is needed`},
		{[]string{"bmc", "--count", "0"}, `a number from 1 to`},
		{[]string{"bmc", "--config", ""}, `lom: option --config "": something is needed here, or omit the option`},
		{[]string{"bmc", "--state="}, `option --state "": something is needed`},
		{[]string{"bmc", "--password-file", "/dev/null"}, "the administrator's password is empty"},
		{[]string{"version", "x"}, `"x" is one word too many`},
		{[]string{"completion", "csh"}, `there is no command "completion csh"`},
		{[]string{"-H", "127.0.0.1", "-P", "x", "sel", "add", ""}, "the name of the file is empty"},
		{[]string{"-H", "127.0.0.1", "-P", "x", "exec", ""}, "the name of the file is empty"},
		{[]string{"-H", "127.0.0.1", "-f", "testdata", "power", "status"}, "lom: the password file testdata cannot be read: is a directory"},
		{[]string{long}, `lom: there is no command "é`},
	} {
		var stdout, stderr bytes.Buffer
		code := newApp("lom", strings.NewReader(""), &stdout, &stderr).Run(context.Background(),
			c.args)
		got := stderr.String()
		if code != exitFailed || !strings.Contains(got, c.want) || strings.Count(got, "\n") != 1 ||
			len(got) > 400 {
			t.Errorf("lom %.40q: exit code %d, %.500q, want %q", c.args, code, got, c.want)
		}
	}
}

func TestReadFileWithoutEnd(t *testing.T) {
	if _, err := readFile("/dev/zero"); err == nil {
		t.Error("a file without end was read")
	}
}

func TestClipWords(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, c := range []struct{ in, want string }{
		{"short", "short"},
		{`no "` + long + `"; see help`, `no "` + long[:63] + `…"; see help`},
		{strings.Repeat("word ", 100), strings.Repeat("word ", 100)},
	} {
		if got := clipWords(c.in); got != c.want {
			t.Errorf("%q became %q, want %q", c.in, got, c.want)
		}
	}
}
