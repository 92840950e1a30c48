package cli

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
)

// Where there is no terminal, what would be asked for is read from standard input, line by line, in
// ipmitool's order.
func TestSecretsFromStandardInput(t *testing.T) {
	const set = "> 06 47 03 02 6e 65 77 00 00 00 00 00 00 00 00 00 00 00 00 00\n< 00"
	for _, c := range []struct {
		name, args, in, script string
		password, kg           string
		out, errs              string
		exit                   int
	}{
		{"lom", "raw 6 1", "secret\nrest", "> 06 01\n< 00", "secret", "", "\n", "Password: ", 0},
		{"lom", "-a raw 6 1", "secret", "> 06 01\n< 00", "secret", "", "\n", "Password: ", 0},
		{"lom", "-Y raw 6 1", "key\r\nsecret\r\n", "> 06 01\n< 00", "secret", "key", "\n", "Key: Password: ", 0},
		{"lom", "-a -Y raw 6 1", "secret\nkey\n", "> 06 01\n< 00", "secret", "key", "\n", "Password: Key: ", 0},
		{"ipmitool", "user set password 3", "secret\nnew\nnew\n", set, "secret", "",
			"Set User Password command successful (user 3)\n",
			"Password: Password for user 3: Password for user 3: ", 0},
		{"lom", "user set password 3", "secret\nnew\nnow\n", "", "secret", "",
			"", "Password: Password for user 3: Password for user 3: lom: the two passwords are " +
				"not the same\n", 1},
		// A password that nobody gave is never set.
		{"ipmitool", "-P secret user set password 3", "", "", "secret", "", "",
			"Password for user 3: lom: there is no terminal to ask on, and standard input has no " +
				"line with the answer\n", 1},
		{"ipmitool", "raw 6 1", "", "> 06 01\n< 00", "", "", "\n", "Password: ", 0},
		{"lom", "raw 6 1", "", "", "", "", "",
			"Password: lom: no password: give it with -f FILE, -E (from the environment) or -P; " +
				"there is no terminal to ask on, and standard input has no line\n", 1},
	} {
		var out, errs bytes.Buffer
		bmc := newScriptedBMC(t, strings.Split(c.script, "\n"))
		a := scriptedApp(bmc, strings.NewReader(c.in), &out, &errs)
		a.Name, a.readPass = c.name, func(ctx context.Context, prompt string) (string, error) {
			return a.askInput(ctx, prompt)
		}
		dial := a.dial
		var o Options
		a.dial = func(ctx context.Context, opts *Options, log *slog.Logger) (Session, error) {
			o = *opts
			return dial(ctx, opts, log)
		}
		exit := a.Run(t.Context(), append([]string{"-H", "bmc1"}, strings.Fields(c.args)...))
		if out.String() != c.out || errs.String() != c.errs || exit != c.exit ||
			o.Password.Reveal() != c.password || o.Kg.Reveal() != c.kg {
			t.Errorf("%s %s: password %q, key %q, stdout %q, stderr %q, exit code %d", c.name,
				c.args, o.Password.Reveal(), o.Kg.Reveal(), &out, &errs, exit)
		}
	}
}
