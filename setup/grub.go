package setup

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const grubSource = "/etc/default/grub"

// grubConfigs returns the menus that GRUB reads at boot.
func grubConfigs(t *tree) []string {
	return t.distinct(append([]string{"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"},
		t.efiConfigs("grub.cfg")...)...)
}

// efiConfigs returns the files of a name that boot loaders have on the EFI partition.
func (t *tree) efiConfigs(name string) (out []string) {
	for _, dir := range t.glob("/boot/efi/EFI", "*") {
		out = append(out, t.glob(dir, name)...)
	}
	return out
}

// serialCommand is GRUB's command that sets up the line.
func serialCommand(want Line) string {
	unit, _ := want.unit()
	return fmt.Sprintf("serial --unit=%s --speed=%d --word=8 --parity=no --stop=1", unit, want.Baud)
}

var (
	serialUnit  = lazily(`--unit[= ]+([0-9]+)`)
	serialSpeed = lazily(`--speed[= ]+([0-9]+)`)
	serialPort  = lazily(`--port[= ]+0x([0-9a-fA-F]+)`)
	serialFrame = lazily(`--(word[= ]+[5-7]|parity[= ]+(odd|even)|stop[= ]+2)`)
)

const frameSays = "; SOL has 8 bits, no parity and one stop bit: that prints garbage"

// parseSerial reads GRUB's serial command. Without options it means the first port and 9600.
func parseSerial(command string) Line {
	l := Line{Port: "ttyS0", Baud: 9600}
	if m := serialUnit().FindStringSubmatch(command); m != nil {
		l.Port = "ttyS" + m[1]
	}
	if m := serialPort().FindStringSubmatch(command); m != nil {
		address, _ := strconv.ParseUint(m[1], 16, 64)
		l.Port = cmp.Or(pcPorts[address], "port 0x"+m[1])
	}
	if m := serialSpeed().FindStringSubmatch(command); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			l.Baud = n
		}
	}
	return l
}

// bootLoaderGrub looks at GRUB 2, and plans to mend it. It reports whether a menu is there, besides
// the settings that it is made from.
func bootLoaderGrub(t *tree, want Line, w *worst) (menu bool, err error) {
	if t.exists(grubSource) {
		m, err := readGrubSettings(t)
		if err != nil {
			return false, err
		}
		state, says := m.judge(want)
		w.note(Finding{State: state, Where: grubSource, Says: says + hiddenMenu(t)})
		if err := mendTerminal(t, m, want); err != nil {
			return false, err
		}
	}
	for _, name := range grubConfigs(t) {
		text, _, err := t.text(name)
		if err != nil {
			return menu, err
		}
		if isStub(text) {
			continue
		}
		menu = true
		state, says := readMenu(text).judge(want)
		w.note(Finding{State: state, Where: name, Says: says})
		if state == OK {
			continue
		}
		if _, err := t.edit(name, func(lines []string) []string {
			return withCommands(lines, want)
		}); err != nil {
			return menu, err
		}
	}
	return menu, nil
}

// hiddenMenu names the setting that hides the menu from every terminal, which is nothing wrong.
func hiddenMenu(t *tree) string {
	v, err := t.shell(grubSources(t)...)
	if err != nil {
		return ""
	}
	for _, key := range []string{"GRUB_TIMEOUT_STYLE", "GRUB_HIDDEN_TIMEOUT", "GRUB_TIMEOUT"} {
		value := v.values[key]
		if value != "" && (key == "GRUB_HIDDEN_TIMEOUT" || value == "hidden" || value == "0") {
			return "; " + key + "=" + value + " hides the menu"
		}
	}
	return ""
}

// isStub reports whether a grub.cfg only loads another one, as those on EFI partitions do.
func isStub(text string) bool {
	return strings.Contains(text, "configfile") && !strings.Contains(text, "menuentry") &&
		!strings.Contains(text, "blscfg")
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
	case in && strings.Contains(m.input, "gfxterm"):
		return Wrong, "GRUB takes no keys from gfxterm, and refuses the whole list with it"
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
	if f := serialFrame().FindString(m.command); f != "" {
		return Wrong, "GRUB has " + f + frameSays
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
	for key, to := range map[string]*string{"GRUB_SERIAL_COMMAND": &m.command,
		"GRUB_TERMINAL":       &m.both,
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
	if state, _ := m.judge(want); state == OK {
		return nil
	}
	set := map[string]string{"GRUB_SERIAL_COMMAND": serialCommand(want)}
	if m.both != "" || m.input == "" && m.output == "" {
		set["GRUB_TERMINAL"] = withSerial(m.both, true)
	} else {
		set["GRUB_TERMINAL_INPUT"], set["GRUB_TERMINAL_OUTPUT"] = withSerial(m.input, true),
			withSerial(m.output, false)
	}
	for _, key := range slices.Sorted(maps.Keys(set)) {
		if err := setGrubSetting(t, key, set[key]); err != nil {
			return err
		}
	}
	return nil
}

// grubSources are the files that grub-mkconfig reads variables from, in its order. Debian and
// Ubuntu read those of the folder too.
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
		return t.set(name, text)
	}
	return nil
}

// withSerial returns a list of terminals with the serial one. Where keys come from the list too,
// gfxterm must not be in it: the screen is the console then.
func withSerial(terminals string, keys bool) string {
	var fields []string
	for _, f := range strings.Fields(terminals) {
		if keys && f == "gfxterm" {
			f = "console"
		}
		fields = append(fields, f)
	}
	if slices.Contains(fields, "serial") {
		return strings.Join(fields, " ")
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
				l = indent + fields[0] + " " +
					withSerial(strings.Join(fields[1:], " "), fields[0] == "terminal_input")
				input, output = input || fields[0] == "terminal_input", output ||
					fields[0] == "terminal_output"
			}
		}
		out = append(out, l)
	}
	var front []string
	if !serial {
		front = append(front, serialCommand(want))
	}
	if !input {
		front = append(front, "terminal_input console serial")
	}
	if !output {
		front = append(front, "terminal_output console serial")
	}
	at := 0
	for at < len(out) && (strings.HasPrefix(out[at], "#") || out[at] == "") {
		at++
	}
	return slices.Insert(out, at, front...)
}
