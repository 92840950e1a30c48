package setup

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const grubSource = "/etc/default/grub"

// extlinuxConfigs are the menus of extlinux and syslinux.
var extlinuxConfigs = []string{"/boot/extlinux.conf", "/boot/extlinux/extlinux.conf", "/boot/syslinux/syslinux.cfg"}

// grubConfigs returns the menus that GRUB reads at boot.
func grubConfigs(t *tree) []string {
	var out []string
	for _, name := range append([]string{"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"}, t.efiConfigs()...) {
		if t.exists(name) {
			real, err := t.real(name)
			if err == nil && !slices.Contains(out, real) {
				out = append(out, real)
			}
		}
	}
	return out
}

func (t *tree) efiConfigs() (out []string) {
	for _, dir := range t.glob("/boot/efi/EFI", "*") {
		out = append(out, t.glob(dir, "grub.cfg")...)
	}
	return out
}

// serialCommand is GRUB's command that sets up the line.
func serialCommand(want Line) string {
	unit, _ := want.unit()
	return fmt.Sprintf("serial --unit=%s --speed=%d --word=8 --parity=no --stop=1", unit, want.Baud)
}

var (
	serialUnit  = regexp.MustCompile(`--unit[= ]+([0-9]+)`)
	serialSpeed = regexp.MustCompile(`--speed[= ]+([0-9]+)`)
)

// parseSerial reads GRUB's serial command. Without options it means the first port and 9600.
func parseSerial(command string) Line {
	l := Line{Port: "ttyS0", Baud: 9600}
	if m := serialUnit.FindStringSubmatch(command); m != nil {
		l.Port = "ttyS" + m[1]
	}
	if m := serialSpeed.FindStringSubmatch(command); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			l.Baud = n
		}
	}
	return l
}

// bootLoader looks at GRUB 2, or at extlinux, and plans to mend it.
func bootLoader(t *tree, want Line) (Finding, error) {
	f := Finding{Layer: "boot loader", State: Unknown, Says: "neither GRUB 2 nor extlinux is there"}
	if _, ok := want.unit(); !ok {
		f.Says = "boot loaders cannot use " + want.Port
		return f, nil
	}
	note := func(where string, state State, says string) {
		if f.Where == "" || state != OK && f.State == OK || state == Wrong && f.State != Wrong {
			f = Finding{Layer: "boot loader", State: state, Where: where, Says: says}
		}
	}
	if t.exists(grubSource) {
		m, err := readGrubSettings(t)
		if err != nil {
			return f, err
		}
		state, says := m.judge(want)
		note(grubSource, state, says)
		if err := mendTerminal(t, m, want); err != nil {
			return f, err
		}
	}
	for _, name := range grubConfigs(t) {
		text, _, err := t.text(name)
		if err != nil {
			return f, err
		}
		if isStub(text) {
			continue
		}
		state, says := readMenu(text).judge(want)
		note(name, state, says)
		if _, err := t.edit(name, func(lines []string) []string { return withCommands(lines, want) }); err != nil {
			return f, err
		}
	}
	return f, bootLoaderExtlinux(t, want, note)
}

// isStub reports whether a grub.cfg only loads another one, as those on EFI partitions do.
func isStub(text string) bool {
	return strings.Contains(text, "configfile") && !strings.Contains(text, "menuentry") && !strings.Contains(text, "blscfg")
}

// A menuTerminal is where GRUB shows its menu, and takes keys.
type menuTerminal struct {
	command       string // that sets up the serial line
	input, output string // lists of terminals
	both          string // GRUB_TERMINAL, which stands for the two if it is not empty
}

func (m menuTerminal) judge(want Line) (State, string) {
	in, out := strings.Contains(m.input, "serial"), strings.Contains(m.output, "serial")
	switch {
	case !in && !out:
		return Missing, "GRUB shows its menu on the screen only"
	case !in:
		return Missing, "GRUB shows its menu on a serial line, and takes no keys from it"
	case !out:
		return Missing, "GRUB takes keys from a serial line, and shows its menu on the screen only"
	case m.command == "":
		return Missing, "GRUB uses a serial line that is not set up"
	}
	l := parseSerial(m.command)
	if d := l.differs(want); d != "" {
		return Wrong, "GRUB " + d
	}
	return OK, fmt.Sprintf("GRUB's menu is on %s at %d bit/s", l.Port, l.Baud)
}

// readMenu reads the terminals of a grub.cfg.
func readMenu(text string) (m menuTerminal) {
	for l := range strings.SplitSeq(text, "\n") {
		fields := strings.Fields(l)
		if len(fields) == 0 {
			continue
		}
		switch fields[0] {
		case "serial":
			m.command = l
		case "terminal_input":
			m.input += " " + strings.Join(fields[1:], " ")
		case "terminal_output":
			m.output += " " + strings.Join(fields[1:], " ")
		}
	}
	return m
}

// readGrubSettings reads the terminals of /etc/default/grub.
func readGrubSettings(t *tree) (m menuTerminal, err error) {
	v, err := t.shell(grubSources(t)...)
	if err != nil {
		return m, err
	}
	for key, to := range map[string]*string{"GRUB_SERIAL_COMMAND": &m.command, "GRUB_TERMINAL": &m.both,
		"GRUB_TERMINAL_INPUT": &m.input, "GRUB_TERMINAL_OUTPUT": &m.output} {
		if *to, err = v.get(key); err != nil {
			return m, fmt.Errorf("%s: %w", grubSource, err)
		}
	}
	if m.both != "" {
		m.input, m.output = m.both, m.both
	}
	return m, nil
}

// mendTerminal sets the serial terminal in /etc/default/grub.
func mendTerminal(t *tree, m menuTerminal, want Line) error {
	set := map[string]string{"GRUB_SERIAL_COMMAND": serialCommand(want)}
	if m.both != "" || m.input == "" && m.output == "" {
		set["GRUB_TERMINAL"] = withSerial(m.both)
	} else {
		set["GRUB_TERMINAL_INPUT"], set["GRUB_TERMINAL_OUTPUT"] = withSerial(m.input), withSerial(m.output)
	}
	for _, key := range slices.Sorted(maps.Keys(set)) {
		if err := setGrubSetting(t, key, set[key]); err != nil {
			return err
		}
	}
	return nil
}

// grubSources are the files that grub-mkconfig reads variables from, in its order. Debian and Ubuntu read those of the folder too.
func grubSources(t *tree) []string {
	return append([]string{grubSource}, t.glob("/etc/default/grub.d", "*.cfg")...)
}

// setGrubSetting sets a variable in the last file that sets it.
func setGrubSetting(t *tree, key, value string) error {
	names := grubSources(t)
	for _, name := range slices.Backward(names) {
		text, _, err := t.text(name)
		if err != nil {
			return err
		}
		if name != grubSource && !assigns(text, key) {
			continue
		}
		if text, err = setShell(text, key, value); err != nil {
			return err
		}
		return t.write(name, text)
	}
	return nil
}

// withSerial returns a list of terminals with the serial one.
func withSerial(terminals string) string {
	fields := strings.Fields(terminals)
	if slices.Contains(fields, "serial") {
		return terminals
	}
	if len(fields) == 0 {
		fields = []string{"console"}
	}
	return strings.Join(append(fields, "serial"), " ")
}

// withCommands returns a grub.cfg with the serial terminal, as update-grub would make it.
func withCommands(lines []string, want Line) []string {
	var out []string
	serial, input, output := false, false, false
	for _, l := range lines {
		fields := strings.Fields(l)
		indent := l[:len(l)-len(strings.TrimLeft(l, " \t"))]
		if len(fields) > 0 {
			switch fields[0] {
			case "serial":
				l, serial = indent+serialCommand(want), true
			case "terminal_input", "terminal_output":
				l = indent + fields[0] + " " + withSerial(strings.Join(fields[1:], " "))
				input, output = input || fields[0] == "terminal_input", output || fields[0] == "terminal_output"
			}
		}
		out = append(out, l)
	}
	var front []string
	if !serial {
		front = append(front, serialCommand(want))
	}
	if !input || !serial {
		front = append(front, "terminal_input console serial")
	}
	if !output || !serial {
		front = append(front, "terminal_output console serial")
	}
	at := 0
	for at < len(out) && (strings.HasPrefix(out[at], "#") || out[at] == "") {
		at++
	}
	return slices.Insert(out, at, front...)
}

// grubDefault is the kernel's command line in /etc/default/grub.
func grubDefault(t *tree, want Line) ([]commandLine, error) {
	if !t.exists(grubSource) {
		return nil, nil
	}
	const always, usual = "GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"
	v, err := t.shell(grubSources(t)...)
	if err != nil {
		return nil, err
	}
	first, err := v.get(always)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", grubSource, err)
	}
	second, err := v.get(usual)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", grubSource, err)
	}
	// GRUB puts the default ones behind the others. Consoles of those would come last: they go.
	var rest []string
	for _, a := range kernelArgs(second) {
		if v, ok := strings.CutPrefix(a, "console="); ok {
			if _, serial := parseConsole(v); serial {
				continue
			}
		}
		rest = append(rest, a)
	}
	if err := setGrubSetting(t, always, strings.Join(withConsole(kernelArgs(first), want), " ")); err != nil {
		return nil, err
	}
	if len(consoles(kernelArgs(second))) > 0 {
		if err := setGrubSetting(t, usual, strings.Join(rest, " ")); err != nil {
			return nil, err
		}
	}
	return []commandLine{{grubSource, append(kernelArgs(first), kernelArgs(second)...)}}, nil
}

// grubConfigLinux is the kernel's command line in the entries of a grub.cfg.
func grubConfigLinux(t *tree, want Line) (out []commandLine, err error) {
	for _, name := range grubConfigs(t) {
		_, err := t.edit(name, func(lines []string) []string {
			other := false // an entry of another system on this machine
			for i, l := range lines {
				fields := kernelArgs(l)
				if len(fields) > 0 && fields[0] == "menuentry" {
					other = strings.Contains(l, "osprober")
				}
				if other || len(fields) < 2 || strings.HasPrefix(path.Base(fields[1]), "memtest") || !slices.Contains([]string{"linux", "linux16", "linuxefi"}, fields[0]) {
					continue
				}
				indent := l[:len(l)-len(strings.TrimLeft(l, " \t"))]
				out = append(out, commandLine{name, fields[2:]})
				lines[i] = indent + fields[0] + "\t" + fields[1] + " " + strings.Join(withConsole(fields[2:], want), " ")
			}
			return lines
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// bootLoaderExtlinux looks at Alpine's extlinux.
func bootLoaderExtlinux(t *tree, want Line, note func(string, State, string)) error {
	unit, _ := want.unit()
	const source = "/etc/update-extlinux.conf"
	text, ok, err := t.text(source)
	if err != nil {
		return err
	}
	if ok {
		v, err := t.shell(source)
		if err != nil {
			return err
		}
		port, baud := v.values["serial_port"], v.values["serial_baud"]
		state, says := judgeExtlinux(port, baud, want)
		note(source, state, says)
		if text, err = setShell(text, "serial_port", unit); err == nil {
			text, err = setShell(text, "serial_baud", strconv.Itoa(want.Baud))
		}
		if err != nil {
			return err
		}
		if err := t.write(source, text); err != nil {
			return err
		}
	}
	command := fmt.Sprintf("SERIAL %s %d", unit, want.Baud)
	for _, made := range extlinuxConfigs {
		if _, err := t.edit(made, func(lines []string) []string {
			for i, l := range lines {
				if fields := strings.Fields(l); len(fields) > 0 && strings.EqualFold(fields[0], "serial") {
					baud := "9600"
					if len(fields) > 2 {
						baud = fields[2]
					}
					state, says := judgeExtlinux(strings.Join(fields[1:min(2, len(fields))], ""), baud, want)
					note(made, state, says)
					lines[i] = command
					return lines
				}
			}
			note(made, Missing, "extlinux shows its menu on the screen only")
			return append([]string{command}, lines...) // it must be the first command
		}); err != nil {
			return err
		}
	}
	return nil
}

func judgeExtlinux(port, baud string, want Line) (State, string) {
	if port == "" {
		return Missing, "extlinux shows its menu on the screen only"
	}
	n, err := strconv.Atoi(baud)
	if err != nil {
		n = 9600
	}
	l := Line{Port: "ttyS" + port, Baud: n}
	if d := l.differs(want); d != "" {
		return Wrong, "extlinux " + d
	}
	return OK, fmt.Sprintf("extlinux's menu is on %s at %d bit/s", l.Port, l.Baud)
}
