package setup

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const grubSource = "/etc/default/grub"

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
	if text, ok, err := t.text(grubSource); err != nil {
		return f, err
	} else if ok {
		state, says := judgeGrub(grubSource, text, want)
		note(grubSource, state, says)
		if _, err := t.edit(grubSource, func(lines []string) []string { return withTerminal(lines, want) }); err != nil {
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
		state, says := judgeGrub(name, text, want)
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

// judgeGrub says how GRUB's configuration stands: the file of shell variables, or the menu.
func judgeGrub(name, text string, want Line) (State, string) {
	command, terminals := "", ""
	if name == grubSource {
		command, _ = variable(text, "GRUB_SERIAL_COMMAND")
		for _, key := range []string{"GRUB_TERMINAL", "GRUB_TERMINAL_INPUT", "GRUB_TERMINAL_OUTPUT"} {
			v, _ := variable(text, key)
			terminals += " " + v
		}
	} else {
		for l := range strings.SplitSeq(text, "\n") {
			fields := strings.Fields(l)
			if len(fields) == 0 {
				continue
			}
			switch fields[0] {
			case "serial":
				command = l
			case "terminal_output", "terminal_input":
				terminals += " " + strings.Join(fields[1:], " ")
			}
		}
	}
	switch {
	case !strings.Contains(terminals, "serial"):
		return Missing, "GRUB shows its menu on the screen only"
	case command == "":
		return Missing, "GRUB uses a serial line that is not set up"
	}
	l := parseSerial(command)
	if d := l.differs(want); d != "" {
		return Wrong, "GRUB " + d
	}
	return OK, fmt.Sprintf("GRUB's menu is on %s at %d bit/s", l.Port, l.Baud)
}

// withTerminal returns /etc/default/grub with the serial terminal.
func withTerminal(lines []string, want Line) []string {
	text := strings.Join(lines, "\n")
	set := false
	for _, key := range []string{"GRUB_TERMINAL", "GRUB_TERMINAL_INPUT", "GRUB_TERMINAL_OUTPUT"} {
		if v, ok := variable(text, key); ok {
			lines, set = setVariable(lines, key, withSerial(v)), true
		}
	}
	if !set {
		lines = setVariable(lines, "GRUB_TERMINAL", "console serial")
	}
	return setVariable(lines, "GRUB_SERIAL_COMMAND", serialCommand(want))
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
	serial, terminal := false, false
	for _, l := range lines {
		fields := strings.Fields(l)
		indent := l[:len(l)-len(strings.TrimLeft(l, " \t"))]
		if len(fields) > 0 {
			switch fields[0] {
			case "serial":
				l, serial = indent+serialCommand(want), true
			case "terminal_input", "terminal_output":
				l, terminal = indent+fields[0]+" "+withSerial(strings.Join(fields[1:], " ")), true
			}
		}
		out = append(out, l)
	}
	var front []string
	if !serial {
		front = append(front, serialCommand(want))
	}
	if !terminal || !serial {
		front = append(front, "terminal_input console serial", "terminal_output console serial")
	}
	at := 0
	for at < len(out) && (strings.HasPrefix(out[at], "#") || out[at] == "") {
		at++
	}
	return slices.Insert(out, at, front...)
}

// grubDefault is the kernel's command line in /etc/default/grub.
func grubDefault(t *tree, want Line) ([]commandLine, error) {
	text, ok, err := t.text(grubSource)
	if err != nil || !ok {
		return nil, err
	}
	always, _ := variable(text, "GRUB_CMDLINE_LINUX")
	usual, _ := variable(text, "GRUB_CMDLINE_LINUX_DEFAULT")
	// GRUB puts the default ones behind the others. Consoles of those would come last: they go.
	var rest []string
	for _, a := range strings.Fields(usual) {
		if v, ok := strings.CutPrefix(a, "console="); ok {
			if _, serial := parseConsole(v); serial {
				continue
			}
		}
		rest = append(rest, a)
	}
	_, err = t.edit(grubSource, func(lines []string) []string {
		lines = setVariable(lines, "GRUB_CMDLINE_LINUX", strings.Join(withConsole(strings.Fields(always), want), " "))
		if len(consoles(strings.Fields(usual))) > 0 {
			lines = setVariable(lines, "GRUB_CMDLINE_LINUX_DEFAULT", strings.Join(rest, " "))
		}
		return lines
	})
	return []commandLine{{grubSource, append(strings.Fields(always), strings.Fields(usual)...)}}, err
}

// grubConfigLinux is the kernel's command line in the entries of a grub.cfg.
func grubConfigLinux(t *tree, want Line) (out []commandLine, err error) {
	for _, name := range grubConfigs(t) {
		_, err := t.edit(name, func(lines []string) []string {
			for i, l := range lines {
				fields := strings.Fields(l)
				if len(fields) < 2 || !slices.Contains([]string{"linux", "linux16", "linuxefi"}, fields[0]) {
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
		port, _ := variable(text, "serial_port")
		baud, _ := variable(text, "serial_baud")
		state, says := judgeExtlinux(port, baud, want)
		note(source, state, says)
		if _, err := t.edit(source, func(lines []string) []string {
			return setVariable(setVariable(lines, "serial_port", unit), "serial_baud", strconv.Itoa(want.Baud))
		}); err != nil {
			return err
		}
	}
	const made = "/boot/extlinux.conf"
	command := fmt.Sprintf("SERIAL %s %d", unit, want.Baud)
	_, err = t.edit(made, func(lines []string) []string {
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
	})
	return err
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
