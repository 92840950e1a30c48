package cli

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"pgregory.net/rapid"
)

func TestSplitOptions(t *testing.T) {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(Options).register(f)
	for _, c := range []struct{ args, want string }{
		{"power status", "power status"},
		{"power status -H bmc1 -v", "--host=bmc1 --verbose power status"},
		{"-H bmc1 sensor thresh X lower -20 -10 0", "--host=bmc1 sensor thresh X lower -- -20 -10 0"},
		{"sensor thresh X lower -20 -10 -H bmc1 0", "--host=bmc1 sensor thresh X lower -- -20 -10 0"},
		{"sensor thresh X lower -6 -4 0", "sensor thresh X lower -- -6 -4 0"},
		{"-4 power status", "--ipv4 power status"},
		{"-P -secret power status", "--password=-secret power status"},
		{"-P=secret power status", "--password==secret power status"},
		{"-vvH bmc1 power status", "--verbose --verbose --host=bmc1 power status"},
		{"-vvHbmc1 power status", "--verbose --verbose --host=bmc1 power status"},
		{"-vI lanplus -cC 3 -Hbmc1 power status", "--verbose --interface=lanplus --csv --cipher-suite=3 --host=bmc1 power status"},
		{"power -cC 3 status -vHbmc1", "--csv --cipher-suite=3 --verbose --host=bmc1 power status"},
		{"-v -- power status", "--verbose power status"},
		{"-- sensor thresh X lower -20 0", "sensor thresh X lower -- -20 0"},
		{"sensor -- get -X", "sensor get -- -X"},
		{"-- -v power", "-- -v power"},
		{"power off -H", "--host"},
		{"power off -vH", "--verbose --host"},
		{"power status --host bmc1 --csv", "--host=bmc1 --csv power status"},
		{"power status --host=bmc1", "--host=bmc1 power status"},
		{"bmc --count 8 --listen 127.0.0.1:623 -v", "--verbose bmc --count 8 --listen 127.0.0.1:623"},
		{"bmc --count -1 --buffer -2", "bmc --count -1 --buffer -2"},
		{"user set password 5 -- -secret", "user set password 5 -- -secret"},
		{"__complete power -I la", "__complete power -I la"},
		{"power -q", "power -q"},
		{"power -vq", "power -vq"},
		{"-h", "-h"},
		{"-h power status", "power status -h"},
		{"power -hv -- -x", "--verbose power -h -- -x"},
	} {
		got := strings.Join(splitOptions(f, strings.Fields(c.args)), " ")
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.args, got, c.want)
		}
	}
}

// ipmitoolOptions are the options that ipmitool 1.8.19 hands to getopt, without -h.
const ipmitoolOptions = "I:46VvcgsEKYao:H:d:P:f:U:p:C:L:A:t:T:m:z:S:l:b:B:e:k:y:O:R:N:D:Z"

// Options may be written in all ways that getopt knows: they mean to lom what they mean to
// util-linux' getopt.
func TestOptionsAreThoseOfGetopt(t *testing.T) {
	getopt, err := exec.LookPath("getopt")
	if err != nil {
		t.Skip("getopt is not installed")
	}
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(Options).register(f)
	var bare, valued []string
	for i, c := range ipmitoolOptions {
		switch {
		case c == ':':
		case strings.HasPrefix(ipmitoolOptions[i+1:], ":"):
			valued = append(valued, string(c))
		default:
			bare = append(bare, string(c))
		}
		if c != ':' && f.ShorthandLookup(string(c)) == nil {
			t.Errorf("lom has no option -%c", c)
		}
	}
	word := rapid.SampledFrom([]string{"power", "status", "lanplus", "3", "0x20", "a b", "", "-",
		"=", "x=y", "sol", "é"})
	value := rapid.OneOf(word, rapid.SampledFrom([]string{"-v", "-1", "--", "-H", "--host", "-h"}))
	arg := rapid.Custom(func(t *rapid.T) []string {
		cluster := "-" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(bare), 0, 3).Draw(t, "bare"),
			"")
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			return []string{cluster + rapid.SampledFrom(valued).Draw(t, "option"),
				value.Draw(t, "value")}
		case 1:
			return []string{cluster + rapid.SampledFrom(valued).Draw(t, "option") +
				value.Draw(t, "value")}
		case 2:
			return []string{cluster}
		case 3:
			return []string{rapid.SampledFrom([]string{"--", "-q"}).Draw(t, "special")}
		}
		return []string{word.Draw(t, "word")}
	})
	rapid.Check(t, func(t *rapid.T) {
		var args []string
		for _, a := range rapid.SliceOfN(arg, 1, 6).Draw(t, "args") {
			args = append(args, a...)
		}
		out, err := exec.Command(getopt,
			append([]string{"-o", ipmitoolOptions, "--"}, args...)...).Output()
		ours := splitOptions(f, args)
		got := pflag.NewFlagSet("", pflag.ContinueOnError)
		var said []string
		f.VisitAll(func(o *pflag.Flag) {
			got.VarPF(setter{"", func(v string) error {
				if o.NoOptDefVal == "" {
					said = append(said, "-"+o.Shorthand, v)
				} else {
					said = append(said, "-"+o.Shorthand)
				}
				return nil
			}}, o.Name, o.Shorthand, "").NoOptDefVal = o.NoOptDefVal
		})
		ourError := got.Parse(ours)
		if err != nil || ourError != nil {
			// After the first word, a negative number is a word for lom.
			if (err == nil) != (ourError == nil) && !numberAfterWord(args) {
				t.Fatalf("%q: getopt says %v, and lom of %q %v", args, err, ours, ourError)
			}
			return
		}
		said = append(said, "--")
		said = append(said, got.Args()...)
		if want := shellWords(string(out)); !numberAfterWord(args) && !cmp.Equal(said, want) {
			t.Fatalf("%q is for lom\n%q, for getopt\n%q", args, said, want)
		}
	})
}

// numberAfterWord reports whether one of the arguments looks like a negative number, and one before
// it like a word.
func numberAfterWord(args []string) bool {
	words := false
	for _, a := range args {
		switch {
		case !strings.HasPrefix(a, "-") || a == "-":
			words = true
		case words && isNumber(a):
			return true
		}
	}
	return false
}

// shellWords reads what getopt prints: words in '…', in which \' stands for a quote.
func shellWords(s string) []string {
	var words []string
	for _, w := range strings.SplitAfter(strings.TrimSpace(s), " ") {
		// A blank within quotes belongs to the word.
		if n := len(words); n > 0 && strings.Count(words[n-1], "'")%2 == 1 {
			words[n-1] += w
		} else {
			words = append(words, w)
		}
	}
	for i, w := range words {
		words[i] = strings.ReplaceAll(strings.TrimSuffix(w, " "), "'", "")
	}
	return words
}

func TestSecrets(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-H h -P secret power status", "secret"},
		{"-H h -vPsecret -kkey power status", "secret key"},
		{"-vP secret -- power status", "secret"},
		{"--password=secret --kg-hex 6162 x", "secret 6162"},
		{"--password secret -U P x", "secret"},
		{"-U -P power", ""},
		{"-H h user set password 5 secret 20", "secret"},
		{"-H h -- user set password 5 secret 20", "secret"},
		{"user set password 5 -- -secret", "-secret"},
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
