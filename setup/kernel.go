package setup

import (
	"fmt"
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
// The screen stays a console.
func withConsole(args []string, want Line) []string {
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
	return OK, "console=" + last.String()
}

// A commandLine is a place where the kernel's command line of the next boot is written.
type commandLine struct {
	file string
	args []string
}

// kernel looks at every place that gives the kernel its command line, and plans to mend it there.
func kernel(t *tree, want Line) (Finding, error) {
	var seen []commandLine
	for _, place := range []func(*tree, Line) ([]commandLine, error){grubDefault, grubConfigLinux, bootEntries, grubEnvironment, kernelCmdline, extlinux} {
		c, err := place(t, want)
		if err != nil {
			return Finding{}, err
		}
		seen = append(seen, c...)
	}
	f := Finding{Layer: "kernel", State: Unknown, Says: "no boot loader configuration that is understood"}
	for i, c := range seen {
		state, says := judge(c.args, want)
		if i == 0 || state != OK && f.State == OK || state == Wrong && f.State != Wrong {
			f = Finding{Layer: "kernel", State: state, Where: c.file, Says: says}
		}
	}
	if running, ok, err := t.text("/proc/cmdline"); err == nil && ok && f.State == OK {
		if state, _ := judge(strings.Fields(running), want); state != OK {
			f.Says += " from the next boot on"
		}
	}
	return f, nil
}

// kernelCmdline is the file that kernel-install takes the command line from.
func kernelCmdline(t *tree, want Line) ([]commandLine, error) {
	const name = "/etc/kernel/cmdline"
	text, ok, err := t.text(name)
	if err != nil || !ok {
		return nil, err
	}
	args := kernelArgs(text)
	return []commandLine{{name, args}}, t.write(name, strings.Join(withConsole(args, want), " ")+"\n")
}

// bootEntries are the entries of the Boot Loader Specification: Fedora, RHEL 8 and later.
func bootEntries(t *tree, want Line) (out []commandLine, err error) {
	for _, name := range t.glob("/boot/loader/entries", "*.conf") {
		_, err := t.edit(name, func(lines []string) []string {
			for i, l := range lines {
				key, rest, _ := cutWord(l)
				if key != "options" {
					continue
				}
				args := kernelArgs(rest)
				if len(args) > 0 && args[0] == "$kernelopts" && len(consoles(args)) == 0 {
					continue // the environment block has them
				}
				out = append(out, commandLine{name, args})
				lines[i] = "options " + strings.Join(withConsole(args, want), " ")
			}
			return lines
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// environmentSize is the size of GRUB's environment block in bytes, which never changes.
const environmentSize = 1024

// grubEnvironment is the kernelopts variable of GRUB's environment block: RHEL 8.
func grubEnvironment(t *tree, want Line) (out []commandLine, err error) {
	for _, name := range []string{"/boot/grub2/grubenv", "/boot/grub/grubenv"} {
		text, ok, err := t.text(name)
		if err != nil {
			return nil, err
		}
		value, has := unitValue(text, "kernelopts")
		if !ok || !has {
			continue
		}
		// The block has no quotes: the value is the rest of the line.
		var lines []string
		for l := range strings.SplitSeq(strings.TrimRight(text, "#"), "\n") {
			if v, ok := strings.CutPrefix(l, "kernelopts="); ok {
				value = v
				l = "kernelopts=" + strings.Join(withConsole(kernelArgs(v), want), " ")
			}
			lines = append(lines, l)
		}
		block := strings.Join(lines, "\n")
		if len(block) > environmentSize {
			return nil, fmt.Errorf("%s has no room for the console of the kernel; shorten kernelopts first", name)
		}
		out = append(out, commandLine{name, kernelArgs(value)})
		if err := t.write(name, block+strings.Repeat("#", environmentSize-len(block))); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// extlinux is the configuration of Alpine's update-extlinux, and what it makes of it.
func extlinux(t *tree, want Line) (out []commandLine, err error) {
	const source = "/etc/update-extlinux.conf"
	if text, ok, err := t.text(source); err != nil {
		return nil, err
	} else if ok {
		const key = "default_kernel_opts"
		v, err := t.shell(source)
		if err != nil {
			return nil, err
		}
		options, err := v.get(key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
		args := kernelArgs(options)
		out = append(out, commandLine{source, args})
		if text, err = setShell(text, key, strings.Join(withConsole(args, want), " ")); err != nil {
			return nil, err
		}
		if err := t.write(source, text); err != nil {
			return nil, err
		}
	}
	for _, made := range extlinuxConfigs {
		if _, err = t.edit(made, func(lines []string) []string {
			for i, l := range lines {
				key, rest, indent := cutWord(l)
				if strings.EqualFold(key, "append") {
					args := kernelArgs(rest)
					out = append(out, commandLine{made, args})
					lines[i] = indent + key + " " + strings.Join(withConsole(args, want), " ")
				}
			}
			return lines
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// cutWord returns the first word of a line, what is behind it, and the blanks before it.
func cutWord(line string) (word, rest, indent string) {
	trimmed := strings.TrimLeft(line, " \t")
	indent = line[:len(line)-len(trimmed)]
	if i := strings.IndexAny(trimmed, " \t"); i >= 0 {
		return trimmed[:i], trimmed[i+1:], indent
	}
	return trimmed, "", indent
}
