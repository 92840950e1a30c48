package setup

import (
	"slices"
	"strings"
	"unicode"
)

// consoles returns the serial consoles of a kernel command line, in order.
func consoles(args []string) (out []Line) {
	for _, a := range args {
		if v, ok := strings.CutPrefix(a, "console="); ok {
			if l, ok := parseConsole(v); ok {
				out = append(out, l)
			}
		}
	}
	return out
}

// kernelArgs splits a kernel command line: a blank within double quotes is part of an argument.
func kernelArgs(line string) (args []string) {
	if strings.Count(line, `"`)%2 != 0 {
		return strings.Fields(line)
	}
	at, quoted := -1, false
	for i, r := range line + " " {
		blank := unicode.IsSpace(r) && !quoted
		switch {
		case blank && at >= 0:
			args, at = append(args, line[at:i]), -1
		case !blank && at < 0:
			at = i
		}
		if r == '"' {
			quoted = !quoted
		}
	}
	return args
}

// withConsole returns kernel arguments whose last console, the one that /dev/console is, is the
// line. Other serial consoles go: a kernel that waits for a line nobody reads is slow.
// The screen stays a console. What is right already stays as it is.
func withConsole(args []string, want Line) []string {
	if state, _ := judge(args, want); state == OK {
		return args
	}
	var out []string
	screen := false
	for _, a := range args {
		v, ok := strings.CutPrefix(a, "console=")
		if ok {
			if _, serial := parseConsole(v); serial {
				continue
			}
			screen = screen || strings.HasPrefix(v, "tty")
		}
		out = append(out, a)
	}
	if !screen {
		out = append(out, "console=tty0")
	}
	return append(out, "console="+want.String())
}

// withArgs returns a line that ends in kernel arguments with the console among them.
func withArgs(line string, args []string, want Line) string {
	return replaceArgs(line, args, withConsole(args, want))
}

// replaceArgs returns a line with other arguments at its end, and all before them as it is. The end
// of the line stays too.
func replaceArgs(line string, args, fixed []string) string {
	if slices.Equal(fixed, args) {
		return line
	}
	end := ""
	if strings.HasSuffix(line, "\r") {
		end = "\r"
	}
	body := strings.TrimRightFunc(line, unicode.IsSpace)
	for _, a := range slices.Backward(args) {
		body = strings.TrimRightFunc(strings.TrimSuffix(body, a), unicode.IsSpace)
	}
	return body + " " + strings.Join(fixed, " ") + end
}

// judge says how a kernel command line stands.
func judge(args []string, want Line) (State, string) {
	lines := consoles(args)
	if len(lines) == 0 {
		return Missing, "no serial console on the kernel's command line"
	}
	last := lines[len(lines)-1]
	if d := last.differs(want); d != "" {
		return Wrong, "the kernel's console " + d
	}
	for _, l := range lines {
		if d := l.differs(want); d != "" {
			return Wrong, "one of the kernel's consoles " + d
		}
	}
	final := ""
	for _, a := range args {
		if v, ok := strings.CutPrefix(a, "console="); ok {
			final = v
		}
	}
	if _, serial := parseConsole(final); !serial {
		return Wrong, "console=" + final + " comes last: what init says goes there only"
	}
	if !eightBits(final) {
		return Wrong, "console=" + final +
			" has parity or 7 bits; SOL has 8 bits and none: that prints garbage"
	}
	return OK, "console=" + last.String()
}

// hides returns the words of a kernel command line that hide boot messages.
func hides(args []string) (out []string) {
	for _, a := range args {
		word, value, _ := strings.Cut(a, "=")
		if word == "rhgb" || word == "quiet" || word == "splash" && value != "0" {
			out = append(out, a)
		}
	}
	return out
}

// A commandLine is a place where the kernel's command line of the next boot is written.
type commandLine struct {
	file   string
	args   []string
	source bool   // entries are made from it; it is not one
	stuck  string // why it is not understood
	wrong  string // what is wrong besides the arguments
}

// kernel looks at every place that gives the kernel its command line, and plans to mend it there.
func kernel(t *tree, want Line) (Finding, error) {
	w := worst{Finding: Finding{Layer: "kernel"}}
	entry := false
	var hidden []string
	for _, place := range []func(*tree, Line) ([]commandLine, error){
		grubDefault, grubMenu, grubEnvironment, bootEntries, kernelCmdline, unifiedImages,
		extlinux, grubLegacyKernels, suseAppend,
	} {
		all, err := place(t, want)
		if err != nil {
			return Finding{}, err
		}
		for _, c := range all {
			entry = entry || !c.source
			if c.stuck != "" {
				w.unknown(c.file, c.stuck)
				continue
			}
			state, says := judge(c.args, want)
			if state == OK && c.wrong != "" {
				state, says = Wrong, c.wrong
			}
			w.note(Finding{State: state, Where: c.file, Says: says})
			for _, h := range hides(c.args) {
				if !slices.Contains(hidden, h) {
					hidden = append(hidden, h)
				}
			}
		}
	}
	if !entry {
		w.unknown("", "no boot entry is there that is understood; "+mountFirst)
	}
	f := w.Finding
	if running, ok, err := t.text("/proc/cmdline"); err == nil && ok && f.State == OK {
		if state, _ := judge(strings.Fields(running), want); state != OK {
			f.Says += " from the next boot on"
		}
	}
	if len(hidden) > 0 {
		verb := " hides"
		if len(hidden) > 1 {
			verb = " hide"
		}
		f.Says += "; " + strings.Join(hidden, " and ") + verb + " boot messages"
	}
	return f, nil
}

// cutWord returns the first word of a line, and what is after it.
func cutWord(line string) (word, rest string) {
	trimmed := strings.TrimLeft(line, " \t")
	if i := strings.IndexAny(trimmed, " \t"); i >= 0 {
		return trimmed[:i], trimmed[i+1:]
	}
	return trimmed, ""
}
