package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// splitOptions puts the global options, wherever they stand, in front of the command's words, each
// in a form that can be taken in one way only (--name=value), and a "--" in front of the first word
// that is not to be taken for an option, so that
//
//	lom sensor thresh "CPU Temp" lower -20 -10 0 -vH bmc1
//
// means what it says. Options of a single command stay where they are among the words.
func splitOptions(global *pflag.FlagSet, args []string) []string {
	if len(args) > 0 && strings.HasPrefix(args[0], "__complete") {
		return args // the shell asks about the line as it stands
	}
	var options, words []string
	literal := -1 // where the "--" belongs in words
	help := false
	for _, p := range scanOptions(global, args) {
		switch {
		case p.missing:
			// What is left of the line could be taken for the value.
			return append(options, "--"+p.option.Name)
		case p.option != nil && p.option.NoOptDefVal != "" && p.text == "":
			options = append(options, "--"+p.option.Name)
		case p.option != nil:
			options = append(options, "--"+p.option.Name+"="+p.text)
		case p.help:
			help = true
		default:
			if literal < 0 && p.literal {
				literal = len(words)
			}
			words = append(words, p.text)
		}
	}
	if literal >= 0 {
		words = slices.Insert(words, literal, "--")
	}
	if help {
		words = slices.Insert(words, max(0, slices.Index(append(words, "--"), "--")), "-h")
	}
	return append(options, words...)
}

// A piece is one thing that a command line says.
type piece struct {
	option  *pflag.Flag // nil: a word of the command, or an option that only it may have
	text    string      // the word, or the option's value
	missing bool        // the option needs a value, and the line ends
	help    bool        // -h
	literal bool        // a word that begins with "-" and is not an option
}

// scanOptions takes a command line apart as getopt does: short options may stand together, the last
// of them with a value, which may be attached; what follows a "--" is not looked at. Other than for
// getopt, a negative number after the first word is a word, so that there -4 and -6 are numbers. An
// option that is not global is a word, for it may be one of the command's.
func scanOptions(global *pflag.FlagSet, args []string) (pieces []piece) {
	words := 0
	before := "" // the word before
	add := func(p piece) {
		if p.option == nil && !p.help {
			words++
			before = p.text
		}
		pieces = append(pieces, p)
	}
	value := func(f *pflag.Flag, text string, attached bool, i int) int {
		switch {
		case f.NoOptDefVal != "" || attached:
			add(piece{option: f, text: text})
		case i+1 < len(args):
			i++
			add(piece{option: f, text: args[i]})
		default:
			add(piece{option: f, missing: true})
		}
		return i
	}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			for _, arg := range args[i+1:] {
				add(piece{text: arg, literal: strings.HasPrefix(arg, "-")})
			}
			return pieces
		case len(arg) < 2 || arg[0] != '-':
			add(piece{text: arg})
		case words > 0 && isNumber(arg):
			// After an option of the command it is that option's value.
			add(piece{text: arg, literal: !strings.HasPrefix(before, "--")})
		case arg[1] == '-':
			name, text, attached := strings.Cut(arg[2:], "=")
			if f := global.Lookup(name); f != nil {
				i = value(f, text, attached, i)
			} else {
				add(piece{text: arg})
			}
		case !shortOptions(global, arg[1:]):
			add(piece{text: arg})
		default:
			for j := 1; j < len(arg); j++ {
				f := global.ShorthandLookup(arg[j : j+1])
				if f == nil {
					add(piece{help: true})
					continue
				}
				if f.NoOptDefVal != "" {
					add(piece{option: f})
					continue
				}
				i = value(f, arg[j+1:], j+1 < len(arg), i)
				break
			}
		}
	}
	return pieces
}

// shortOptions reports whether all letters are global options without a value, or -h, up to the
// first with a value.
func shortOptions(global *pflag.FlagSet, letters string) bool {
	for i := range len(letters) {
		f := global.ShorthandLookup(letters[i : i+1])
		switch {
		case f == nil && letters[i] != 'h':
			return false
		case f != nil && f.NoOptDefVal == "":
			return true
		}
	}
	return true
}

func isNumber(s string) bool {
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return true
	}
	_, err := strconv.ParseInt(s, 0, 64)
	return err == nil
}

// secretOptions are the short names of the options whose value is a secret.
const secretOptions = "Pky"

// Secrets returns the parts of a command line (args[0] is the program's name) that are passwords
// and keys, for a caller that can blot them out where other users of the machine can read
// command lines. The parts are substrings of the elements of args.
func Secrets(args []string) []string {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(Options).register(f)
	var secrets, words []string
	if len(args) > 0 {
		args = args[1:]
	}
	for _, p := range scanOptions(f, args) {
		switch {
		case p.option == nil:
			words = append(words, p.text)
		case p.option.Shorthand != "" && strings.Contains(secretOptions, p.option.Shorthand):
			secrets = append(secrets, p.text)
		}
	}
	// ipmitool's ways to give a password to set or to test, among the words.
	for i, w := range words {
		switch {
		case w == "password" && i > 0 && words[i-1] == "set" && i+2 < len(words):
			secrets = append(secrets, words[i+2])
		case w == "password" && i > 2 && words[i-2] == "set" && words[i-3] == "lan" &&
			i+1 < len(words):
			secrets = append(secrets, words[i+1])
		case w == "test" && i > 0 && words[i-1] == "user" && i+3 < len(words):
			secrets = append(secrets, words[i+3])
		}
	}
	return slices.DeleteFunc(secrets, func(s string) bool { return s == "" })
}
