package setup

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// legacyWait is for how many seconds GRUB legacy asks on all its terminals for a key. Without a
// time it asks for ever, and an unattended server does not boot.
const legacyWait = 5

// legacyMenus returns the menus of GRUB before version 2. Red Hat calls it grub.conf, with menu.lst
// as a link to it; others call it menu.lst. The /etc/grub.conf of SUSE is not a menu.
func legacyMenus(t *tree) []string {
	names := []string{"/boot/grub/grub.conf", "/boot/grub/menu.lst"}
	return t.distinct(append(names, t.efiConfigs("grub.conf")...)...)
}

// legacyCommand splits a line of a menu: the command's name may end in a blank or in "=". It is ""
// for a comment. GRUB takes no notice of a carriage return.
func legacyCommand(line string) (name, rest string) {
	l := strings.TrimSpace(line)
	if strings.HasPrefix(l, "#") {
		return "", ""
	}
	i := strings.IndexAny(l, " \t=")
	if i < 0 {
		return l, ""
	}
	return l[:i], strings.TrimSpace(l[i+1:])
}

// joinContinued makes one line of each command that a backslash continues on the next.
func joinContinued(lines []string) (out []string) {
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		name, _ := legacyCommand(l)
		for slices.Contains(legacyEdited, name) && i+1 < len(lines) {
			body := strings.TrimSuffix(l, "\r")
			if !strings.HasSuffix(body, `\`) {
				break
			}
			i++
			l = strings.TrimSuffix(body, `\`) + " " + strings.TrimLeft(lines[i], " \t")
		}
		out = append(out, l)
	}
	return out
}

// legacyEdited are the commands that are looked at.
var legacyEdited = []string{"serial", "terminal", "splashimage", "gfxmenu", "hiddenmenu", "kernel",
	"module"}

// legacyHead is what stands before the first title, where GRUB's terminals are set up.
type legacyHead struct {
	serial, terminal string // arguments
	order            []string
	hides            []string // commands that keep the menu from the serial line
	end              int      // the line of the first title
}

func readLegacyHead(lines []string) (h legacyHead) {
	for h.end = 0; h.end < len(lines); h.end++ {
		name, rest := legacyCommand(lines[h.end])
		switch name {
		case "title":
			return h
		case "serial":
			h.serial, h.order = name+" "+rest, append(h.order, name)
		case "terminal":
			h.terminal, h.order = rest, append(h.order, name)
		case "splashimage", "gfxmenu", "hiddenmenu":
			h.hides = append(h.hides, name)
		}
	}
	return h
}

// legacyTerminals splits the arguments of the terminal command.
func legacyTerminals(args string) (options, names []string) {
	for _, w := range strings.Fields(args) {
		if strings.HasPrefix(w, "--") {
			options = append(options, w)
		} else {
			names = append(names, w)
		}
	}
	return options, names
}

func isTimeout(option string) bool { return strings.HasPrefix(option, "--timeout=") }

func (h legacyHead) judge(want Line) (State, string) {
	options, names := legacyTerminals(h.terminal)
	switch {
	case !slices.Contains(names, "serial"):
		return Missing, "GRUB shows its menu on the screen only"
	case h.serial == "":
		return Missing, "GRUB uses a serial line that is not set up"
	case !slices.Equal(h.order, []string{"serial", "terminal"}):
		return Wrong, "GRUB sets up its serial line twice, or after it is used"
	}
	l := parseSerial(h.serial)
	if d := l.differs(want); d != "" {
		return Wrong, "GRUB " + d
	}
	if f := serialFrame().FindString(h.serial); f != "" {
		return Wrong, "GRUB has " + f + frameSays
	}
	if len(names) > 1 && !slices.ContainsFunc(options, isTimeout) {
		return Wrong, "GRUB waits for a key for ever: terminal has no --timeout"
	}
	if len(h.hides) > 0 {
		return Wrong, strings.Join(h.hides, " and ") + " in it keep the menu from the serial line"
	}
	says := fmt.Sprintf("GRUB's menu is on %s at %d bit/s", l.Port, l.Baud)
	if len(names) > 1 {
		says += ", after a key pressed there"
	}
	return OK, says
}

// mend returns a menu with the serial terminal.
func (h legacyHead) mend(lines []string, want Line) (out []string) {
	options, names := legacyTerminals(h.terminal)
	if !slices.ContainsFunc(options, isTimeout) {
		options = append([]string{fmt.Sprintf("--timeout=%d", legacyWait)}, options...)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n != "console" && n != "serial" })
	if !slices.Contains(names, "serial") {
		names = []string{"console", "serial"}
	}
	end := ""
	if h.end < len(lines) && strings.HasSuffix(lines[h.end], "\r") {
		end = "\r"
	}
	terminal := "terminal " + strings.Join(append(options, names...), " ")
	front := []string{serialCommand(want) + end, terminal + end}
	placed := false
	for i, l := range lines {
		name, _ := "", ""
		if i <= h.end {
			name, _ = legacyCommand(l)
		}
		// In front of the first command. The part that Debian's update-grub writes, and what SUSE's
		// tools write in front of a title, is not taken apart.
		ofTools := strings.HasPrefix(l, "### BEGIN AUTOMAGIC") ||
			strings.HasPrefix(l, "###Don't change")
		if !placed && (name != "" || i == h.end || ofTools) {
			out, placed = append(out, front...), true
		}
		switch name {
		case "serial", "terminal":
			continue
		case "splashimage", "gfxmenu", "hiddenmenu":
			l = "#" + l
		}
		out = append(out, l)
	}
	if !placed {
		out = append(out, front...)
	}
	return out
}

// bootLoaderLegacy looks at GRUB before version 2, and plans to mend it. It reports whether a menu
// is there.
func bootLoaderLegacy(t *tree, want Line, w *worst) (menu bool, err error) {
	for _, name := range legacyMenus(t) {
		there, err := t.edit(name, func(lines []string) []string {
			joined := joinContinued(lines)
			h := readLegacyHead(joined)
			state, says := h.judge(want)
			w.note(Finding{State: state, Where: name, Says: says})
			if state == OK {
				return lines
			}
			return h.mend(joined, want)
		})
		if err != nil {
			return menu, err
		}
		menu = menu || there
	}
	return menu, nil
}

var linuxImage = lazily(`^(vmlinu[xz]|bzImage|linux|kernel-)`)

// legacyKernelArgs splits the arguments of the kernel and module commands: the image, and its own.
func legacyKernelArgs(rest string) (image string, args []string) {
	args = kernelArgs(rest)
	for len(args) > 0 && strings.HasPrefix(args[0], "--") {
		args = args[1:]
	}
	if len(args) == 0 {
		return "", nil
	}
	return path.Base(args[0]), args[1:]
}

// grubLegacyKernels are the kernels' command lines in the entries of GRUB before version 2, and in
// the comments that Debian's update-grub makes entries from.
func grubLegacyKernels(t *tree, want Line) (out []commandLine, err error) {
	for _, name := range legacyMenus(t) {
		if _, err := t.edit(name, func(lines []string) []string {
			lines = joinContinued(lines)
			hasXen := slices.ContainsFunc(lines, isXenLine)
			underXen, automagic := false, false
			for i, l := range lines {
				automagic = automagic || strings.HasPrefix(l, "### BEGIN AUTOMAGIC KERNELS LIST")
				if m := kopt().FindStringSubmatch(strings.TrimSuffix(l, "\r")); m != nil &&
					automagic {
					args := kernelArgs(m[2])
					if c, fixed, ok := automagicOption(m[1], args, want, hasXen); ok {
						c.file, c.source = name, true
						out = append(out, c)
						if !slices.Equal(fixed, args) {
							lines[i] = "# " + m[1] + "=" + strings.Join(fixed, " ")
						}
					}
					continue
				}
				command, rest := legacyCommand(l)
				image, args := legacyKernelArgs(rest)
				switch {
				case command == "title":
					underXen = false
				case isXenLine(l):
					underXen = true
					c, fixed := xenHypervisor(args, want)
					c.file = name
					out = append(out, c)
					lines[i] = replaceArgs(l, args, fixed)
				case command == "module" && underXen && linuxImage().MatchString(image):
					underXen = false
					c, fixed := xenKernel(image, args, want)
					c.file = name
					out = append(out, c)
					lines[i] = replaceArgs(l, args, fixed)
				case command == "kernel" && linuxImage().MatchString(image):
					out = append(out, commandLine{file: name, args: args})
					lines[i] = withArgs(l, args, want)
				}
			}
			return lines
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// kopt is a comment of Debian's menu.lst that update-grub takes options from.
var kopt = lazily(`^# ((?:kopt(?:_[0-9_]+)?|xenkopt|xenhopt))=(.*)$`)

// automagicOption judges and mends one of them.
func automagicOption(name string, args []string, want Line, hasXen bool) (
	c commandLine, fixed []string, ok bool,
) {
	switch name {
	case "xenhopt":
		c, fixed = xenHypervisor(args, want)
		return c, fixed, hasXen
	case "xenkopt":
		c, fixed = xenKernel("vmlinuz-xen", args, want)
		return c, fixed, hasXen
	}
	return commandLine{args: args}, withConsole(args, want), true
}

// suseAppend are the options that SUSE's tools give to entries of new kernels.
func suseAppend(t *tree, want Line) (out []commandLine, err error) {
	const name = "/etc/sysconfig/bootloader"
	text, ok, err := t.text(name)
	if err != nil || !ok || len(legacyMenus(t)) == 0 {
		return nil, err
	}
	v, err := t.shell(name)
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"DEFAULT_APPEND", "FAILSAFE_APPEND"} {
		if !v.has(key) {
			continue
		}
		value, err := v.get(key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		args := kernelArgs(value)
		out = append(out, commandLine{file: name, args: args, source: true})
		if fixed := withConsole(args, want); !slices.Equal(fixed, args) {
			if text, err = setShell(text, key, strings.Join(fixed, " ")); err != nil {
				return nil, err
			}
		}
	}
	return out, t.set(name, text)
}
