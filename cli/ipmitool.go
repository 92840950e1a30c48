package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"lom/client"
	"lom/ipmi"
	"lom/rmcp"
)

// Programs that call ipmitool look on stderr for its words, often at the beginning of a line. Where
// lom is linked as ipmitool, it prints what ipmitool prints there first, and then its own sentence
// on a line of its own. The words are in the tables of ipmitool_words.go; this file chooses among
// them.

// ipmitoolLines returns what ipmitool prints on stderr of a failure, line by line, and whether
// lom's sentence would say the same again. There is nothing unless lom was called as ipmitool, for
// one host and a reader of text.
func (a *App) ipmitoolLines(err error) (lines []string, enough bool) {
	if a.Name != "ipmitool" || a.oneOf || len(a.targets) > 1 || a.Options.JSON {
		return nil, false
	}
	enough = true
	for _, e := range joined(err) {
		text, same := a.ipmitoolText(e)
		if text != "" {
			lines = append(lines, strings.Split(text, "\n")...)
		}
		enough = enough && same && text != ""
	}
	// Programs that watch their own machine take each line that they do not know for an alarm.
	if a.Options.inBand() && a.Options.Verbose == 0 && lines != nil {
		enough = true
	}
	return lines, enough
}

// joined returns the errors that [errors.Join] has joined.
func joined(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		if all := j.Unwrap(); err.Error() == errors.Join(all...).Error() {
			return all
		}
	}
	return []error{err}
}

// ipmitoolText returns the lines for one failure, and whether they say all that lom's sentence
// says.
func (a *App) ipmitoolText(err error) (text string, same bool) {
	var (
		option  *optionFault
		unknown *unknownCommandError
		usage   *usageError
		worded  *wordedError
		raw     *rawError
	)
	_, plain := err.(*refusedError)
	plain = plain && a.sentence(err) == ""
	switch {
	case errors.As(err, &option):
		return option.ipmitool(a.arg0, a.Options.Interface), false
	case errors.As(err, &unknown):
		return unknown.ipmitool(), false
	case errors.As(err, &worded):
		return printableLines(worded.ipmitool), false
	case errors.As(err, &raw):
		return raw.Error(), true
	}
	if text := a.ipmitoolSession(err); text != "" {
		return text, false
	}
	if text := a.ipmitoolCommand(err); text != "" {
		return text, plain
	}
	line := a.line()
	said := a.explain(err)
	if errors.As(err, &usage) {
		said = usage.problem
	}
	for _, w := range sentenceWords {
		if !under(line, w.command) {
			continue
		}
		lom := regexp.MustCompile(w.lom) // not all at every start
		if m := lom.FindStringSubmatchIndex(said); m != nil {
			return a.fill(string(lom.ExpandString(nil, w.ipmitool, said, m)), "", ""), false
		}
	}
	return "", false
}

// under reports whether a command line begins with the words of a command, or there are none.
func under(line, command string) bool {
	rest, ok := strings.CutPrefix(line, command)
	return ok && (command == "" || rest == "" || rest[0] == ' ')
}

// line is the command that is carried out, with its arguments; "chassis power" is written "power".
func (a *App) line() string {
	line := strings.Join(append([]string{a.running}, a.runArgs...), " ")
	if rest, ok := strings.CutPrefix(line, "chassis power"); ok {
		return "power" + rest
	}
	return line
}

// ipmitoolCommand returns the lines for a command that was refused or not answered, "" if err is
// neither.
func (a *App) ipmitoolCommand(err error) string {
	command, ok := failedCommand(err)
	if !ok {
		return ""
	}
	c, refused := code(err)
	what := ""
	if w := new(refusedError); errors.As(err, &w) {
		what = w.what
	} else if w := new(unansweredError); errors.As(err, &w) {
		what = w.what
	}
	line := a.line()
	for _, w := range commandWords {
		if !under(line, w.command) || w.ipmi != "" && w.ipmi != command.Name {
			continue
		}
		if refused && w.refused == "-" {
			return ""
		}
		if refused {
			return a.fill(cmp.Or(w.refused, "{what} failed: {words}"), what,
				ipmitoolCode(command, c), "{code}", fmt.Sprintf("%02x", uint8(c)))
		}
		return a.fill(w.silent, what, "")
	}
	if refused && what != "" {
		return a.fill("{what} failed: {words}", what, ipmitoolCode(command, c))
	}
	return ""
}

// fill puts into a template what stands in braces there: {what} failed, its {head} and its {tail}
// in parentheses, the last word of it ({last}), it after "unable to" ({unable}), the {words} of a
// completion code, and the first argument ({arg}), the second ({arg2}) and so on. more are other
// pairs.
func (a *App) fill(template, what, words string, more ...string) string {
	head, tail, _ := strings.Cut(what, " (")
	pairs := append(more, "{what}", what, "{head}", head, "{tail}", "("+tail, "{words}", words,
		"{last}", what[strings.LastIndexByte(what, ' ')+1:],
		"{unable}", "Unable to "+strings.ToLower(what[:min(1, len(what))])+what[min(1, len(what)):])
	arg := func(i int) string {
		if i < len(a.runArgs) {
			return a.runArgs[i]
		}
		return ""
	}
	pairs = append(pairs, "{arg}", arg(0), "{arg2}", arg(1), "{arg3}", arg(2))
	return printableLines(strings.NewReplacer(pairs...).Replace(template))
}

// printableLines is printable for more than one line.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

// failedCommand returns the command that the BMC refused or did not answer.
func failedCommand(err error) (c ipmi.Command, ok bool) {
	_, refused := code(err)
	if !refused && !errors.Is(err, ipmi.ErrTimeout) && !errors.Is(err, ipmi.ErrOutcomeUnknown) {
		return c, false
	}
	for e := new(ipmi.Error); errors.As(err, &e); err = e.Err {
		if e.Command.Name != "" {
			c, ok = e.Command, true
		}
		if e.Err == nil {
			break
		}
	}
	return c, ok
}

// ipmitoolCode returns ipmitool's words for a completion code.
func ipmitoolCode(c ipmi.Command, code ipmi.CompletionCode) string {
	for _, w := range codeWords {
		if w.code == code && slices.Contains(w.ipmi, c.Name) {
			return w.words
		}
	}
	words := code.String()
	if strings.HasPrefix(words, "Unknown") {
		return fmt.Sprintf("Unknown (0x%02X)", uint8(code))
	}
	return words
}

// ipmitoolSession returns the lines for a session that could not be opened, "" if that is not what
// has failed.
func (a *App) ipmitoolSession(err error) string {
	o := &a.Options
	if !a.undialed {
		return ""
	}
	var (
		dns    *net.DNSError
		status *rmcp.StatusError
	)
	if o.inBand() {
		switch {
		case errors.Is(err, ipmi.ErrNoDevice), errors.Is(err, errors.ErrUnsupported):
			return fmt.Sprintf("Could not open device at /dev/ipmi%d or /dev/ipmi/%[1]d or "+
				"/dev/ipmidev/%[1]d: No such file or directory", o.DeviceNumber)
		case errors.Is(err, fs.ErrPermission):
			return fmt.Sprintf("Could not open device at /dev/ipmi%d or /dev/ipmi/%[1]d or "+
				"/dev/ipmidev/%[1]d: Permission denied", o.DeviceNumber)
		}
		return ""
	}
	command, asked := failedCommand(err)
	first := ""
	switch v20 := o.Interface != client.LAN; {
	case errors.As(err, &dns):
		first = "Address lookup for " + printable(o.Host) + " failed\nCould not open socket!\n"
	case errors.As(err, &status) && status.Message == ipmi.PayloadOpenSessionResp:
		first = "Error in open session response message : " + statusWord(status.Status) + "\n\n"
	case errors.As(err, &status) && o.Verbose > 0:
		first = fmt.Sprintf("RAKP %d message indicates an error : %s\n",
			status.Message-ipmi.PayloadRAKP1+1, statusWord(status.Status))
	case v20 && o.Verbose > 0 && errors.Is(err, ipmi.ErrPassword):
		first = "> RAKP 2 HMAC is invalid\n"
	case v20 && o.Verbose > 0 && errors.Is(err, ipmi.ErrKey):
		first = "> RAKP 4 message has invalid integrity check value\n"
	case asked && command.Name == (ipmi.SetSessionPrivilege{}).Command().Name:
		if c, ok := code(err); ok {
			first = fmt.Sprintf("Set Session Privilege Level to %s failed: %s\n", o.Privilege,
				ipmitoolCode(command, c))
		}
	case v20:
	case errors.Is(err, ipmi.ErrUser):
		first = "Invalid user name\n"
	case errors.Is(err, ipmi.ErrPassword):
		first = "Activate Session command failed\n"
	case errors.Is(err, ipmi.ErrPrivilege):
		first = "Activate Session error:\tRequested privilege level exceeds limit\n"
	case errors.Is(err, ipmi.ErrBusy):
		first = "Activate Session error:\tNo session slot available\n"
	}
	switch {
	case o.serial():
		return ""
	case o.Interface == client.LAN:
		return first + lanSessionLines
	}
	return first + lanplusSessionLine
}

// statusWord returns ipmitool's words for a status of the log-in messages.
func statusWord(s rmcp.Status) string {
	if int(s) < len(statusWords) {
		return statusWords[s]
	}
	return fmt.Sprintf("Unknown (0x%02X)", uint8(s))
}

// A wordedError is one for which ipmitool has words of its own.
type wordedError struct {
	error
	ipmitool string
}

func (e *wordedError) Unwrap() error { return e.error }

// unansweredError is a command without an answer. It says what its cause says.
type unansweredError struct {
	what string // as in a refusedError
	error
}

func (e *unansweredError) Unwrap() error { return e.error }

// An optionFault is what is wrong with a global option.
type optionFault struct {
	flag    *pflag.Flag // nil if there is no such option
	name    string      // as it was given
	value   string
	missing bool // there is no value
	error
}

func (e *optionFault) Unwrap() error { return e.error }

// ipmitool returns ipmitool's lines, and getopt's, which begin with the program as it was called.
func (e *optionFault) ipmitool(program string, i client.Interface) string {
	switch {
	case e.flag == nil:
		return program + ": invalid option -- '" + printable(e.name) + "'"
	case e.missing:
		return program + ": option requires an argument -- '" + e.flag.Shorthand + "'"
	}
	for _, w := range optionWords {
		if w.option == e.flag.Shorthand && regexp.MustCompile(w.value).MatchString(e.value) {
			lines := strings.ReplaceAll(w.ipmitool, "{value}", printable(e.value))
			if !w.session {
				return lines
			}
			if i == client.LAN || i == "" {
				return lines + "\n" + lanSessionLines
			}
			return lines + "\n" + lanplusSessionLine
		}
	}
	if _, isNumber := e.flag.Value.(number); isNumber {
		return "Invalid parameter given or out of range for '-" + e.flag.Shorthand + "'."
	}
	return ""
}

// An unknownCommandError is a word that is no sub-command of a group.
type unknownCommandError struct {
	group, word string // the group without the program's name
	sentence    string
}

func (e *unknownCommandError) Error() string { return e.sentence }

// ipmitool returns ipmitool's lines.
func (e *unknownCommandError) ipmitool() string {
	return strings.ReplaceAll(unknownWords[strings.TrimPrefix(e.group, "chassis ")], "{word}",
		printable(e.word))
}
