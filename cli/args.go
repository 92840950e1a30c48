package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// splitOptions puts the global options, wherever they stand, in front of the command's words, and
// a "--" in front of the first negative number among the words, so that
//
//	lom sensor thresh "CPU Temp" lower -20 -10 0 -H bmc1
//
// means what it says. After the first word, -4 and -6 are numbers and not options. Options of a
// single command stay where they are, and what follows a "--" is not looked at.
func splitOptions(global *pflag.FlagSet, args []string) []string {
	if len(args) > 0 && strings.HasPrefix(args[0], "__complete") {
		return args // the shell asks about the line as it stands
	}
	var options, words []string
	numbers := -1 // where the "--" belongs in words
loop:
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			if numbers < 0 {
				numbers = len(words)
			}
			words = append(words, args[i+1:]...)
			break loop
		case len(arg) < 2 || arg[0] != '-':
			words = append(words, arg)
		case len(words) > 0 && isNumber(arg):
			// Behind an option of the command it is that option's value.
			if numbers < 0 && !strings.HasPrefix(words[len(words)-1], "--") {
				numbers = len(words)
			}
			words = append(words, arg)
		default:
			known, takesNext := optionShape(global, arg)
			if !known {
				words = append(words, arg)
				continue
			}
			options = append(options, arg)
			if takesNext && i+1 < len(args) {
				i++
				options = append(options, args[i])
			}
		}
	}
	if numbers >= 0 {
		words = slices.Insert(words, numbers, "--")
	}
	return append(options, words...)
}

func isNumber(s string) bool {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return true
	}
	_, err := strconv.ParseInt(s, 0, 64)
	return err == nil
}

// optionShape tells whether arg, which begins with "-", holds global options only, and whether the
// next argument is the value of the last of them.
func optionShape(global *pflag.FlagSet, arg string) (known, takesNext bool) {
	if name, isLong := strings.CutPrefix(arg, "--"); isLong {
		name, _, hasValue := strings.Cut(name, "=")
		f := global.Lookup(name)
		return f != nil, f != nil && !hasValue && f.NoOptDefVal == ""
	}
	for i := 1; i < len(arg); i++ {
		f := global.ShorthandLookup(arg[i : i+1])
		switch {
		case f == nil:
			return arg[i] == 'h' && i == len(arg)-1, false
		case f.NoOptDefVal == "":
			// The rest is its value, or else the next argument is.
			return true, i == len(arg)-1
		}
	}
	return true, false
}

// secretOptions are the short and long names of the options whose value is a secret.
var secretOptions = [...]string{"P", "k", "y", "password", "kg", "kg-hex"}

// Secrets returns the parts of a command line (args[0] is the program's name) that are passwords
// and keys, for a caller that can blot them out where other users of the machine can read
// command lines. The parts are substrings of the elements of args.
func Secrets(args []string) []string {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(Options).register(f)
	var secrets []string
	for i := 1; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			break
		}
		// ipmitool's way to give a password to set, which may be the last but one word.
		if arg == "password" && args[i-1] == "set" && i+2 < len(args) {
			secrets = append(secrets, args[i+2])
			continue
		}
		if arg == "password" && i > 3 && args[i-2] == "set" && args[i-3] == "lan" && i+1 < len(args) {
			secrets = append(secrets, args[i+1])
			continue
		}
		if arg == "test" && args[i-1] == "user" && i+3 < len(args) {
			secrets = append(secrets, args[i+3])
			continue
		}
		known, takesNext := false, false
		if len(arg) > 1 && arg[0] == '-' {
			known, takesNext = optionShape(f, arg)
		}
		if !known {
			continue
		}
		if name, isLong := strings.CutPrefix(arg, "--"); isLong {
			name, value, _ := strings.Cut(name, "=")
			if slices.Contains(secretOptions[:], name) {
				secrets = append(secrets, value)
			} else {
				name = ""
			}
			if takesNext && i+1 < len(args) {
				i++
				if name != "" {
					secrets = append(secrets, args[i])
				}
			}
			continue
		}
		for j := 1; j < len(arg); j++ {
			opt := f.ShorthandLookup(arg[j : j+1])
			if opt == nil || opt.NoOptDefVal != "" {
				continue
			}
			value := arg[j+1:]
			if value == "" && i+1 < len(args) {
				i++
				value = args[i]
			}
			if slices.Contains(secretOptions[:], opt.Shorthand) {
				secrets = append(secrets, value)
			}
			break
		}
	}
	return slices.DeleteFunc(secrets, func(s string) bool { return s == "" })
}
