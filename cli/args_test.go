package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func TestSplitOptions(t *testing.T) {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(Options).register(f)
	for _, c := range []struct{ args, want string }{
		{"power status", "power status"},
		{"power status -H bmc1 -v", "-H bmc1 -v power status"},
		{"-H bmc1 sensor thresh X lower -20 -10 0", "-H bmc1 sensor thresh X lower -- -20 -10 0"},
		{"sensor thresh X lower -20 -10 -H bmc1 0", "-H bmc1 sensor thresh X lower -- -20 -10 0"},
		{"sensor thresh X lower -6 -4 0", "sensor thresh X lower -- -6 -4 0"},
		{"-4 power status", "-4 power status"},
		{"-P -secret power status", "-P -secret power status"},
		{"-vvH bmc1 power status", "-vvH bmc1 power status"},
		{"-vvHbmc1 power status", "-vvHbmc1 power status"},
		{"power status --host bmc1 --csv", "--host bmc1 --csv power status"},
		{"power status --host=bmc1", "--host=bmc1 power status"},
		{"bmc --count 8 --listen 127.0.0.1:623 -v", "-v bmc --count 8 --listen 127.0.0.1:623"},
		{"bmc --count -1 --buffer -2", "bmc --count -1 --buffer -2"},
		{"user set password 5 -- -secret", "user set password 5 -- -secret"},
		{"__complete power -I la", "__complete power -I la"},
		{"power -q", "power -q"},
		{"-h", "-h"},
	} {
		got := strings.Join(splitOptions(f, strings.Fields(c.args)), " ")
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.args, got, c.want)
		}
	}
}

func TestSecrets(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-H h -P secret power status", "secret"},
		{"-H h -vPsecret -kkey power status", "secret key"},
		{"--password=secret --kg-hex 6162 x", "secret 6162"},
		{"--password secret -U P x", "secret"},
		{"-U -P power", ""},
		{"-H h user set password 5 secret 20", "secret"},
		{"-H h user test 5 16 secret", "secret"},
		{"lan set 1 password secret -H h", "secret"},
		{"power status", ""},
	} {
		got := Secrets(append([]string{"lom"}, strings.Fields(c.args)...))
		if d := cmp.Diff(strings.Fields(c.want), append([]string{}, got...)); d != "" {
			t.Errorf("%s: %s", c.args, d)
		}
	}
}
