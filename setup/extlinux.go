package setup

import (
	"fmt"
	"strconv"
	"strings"
)

// extlinuxConfigs are the menus of extlinux and syslinux.
var extlinuxConfigs = []string{"/boot/extlinux.conf", "/boot/extlinux/extlinux.conf",
	"/boot/syslinux/syslinux.cfg"}

// bootLoaderExtlinux looks at Alpine's extlinux. It reports whether a menu is there.
func bootLoaderExtlinux(t *tree, want Line, w *worst) (menu bool, err error) {
	unit, _ := want.unit()
	const source = "/etc/update-extlinux.conf"
	text, ok, err := t.text(source)
	if err != nil {
		return false, err
	}
	if ok {
		v, err := t.shell(source)
		if err != nil {
			return false, err
		}
		port, baud := v.values["serial_port"], v.values["serial_baud"]
		state, says := judgeExtlinux(port, baud, want)
		w.note(Finding{State: state, Where: source, Says: says})
		if text, err = setShell(text, "serial_port", unit); err == nil {
			text, err = setShell(text, "serial_baud", strconv.Itoa(want.Baud))
		}
		if err != nil {
			return false, err
		}
		if err := t.set(source, text); err != nil {
			return false, err
		}
	}
	command := fmt.Sprintf("SERIAL %s %d", unit, want.Baud)
	for _, made := range extlinuxConfigs {
		there, err := t.edit(made, func(lines []string) []string {
			for i, l := range lines {
				if fields := strings.Fields(l); len(fields) > 0 &&
					strings.EqualFold(fields[0], "serial") {
					baud := "9600"
					if len(fields) > 2 {
						baud = fields[2]
					}
					state, says := judgeExtlinux(strings.Join(fields[1:min(2, len(fields))], ""),
						baud, want)
					w.note(Finding{State: state, Where: made, Says: says})
					if state != OK {
						lines[i] = command
					}
					return lines
				}
			}
			w.note(Finding{State: Missing, Where: made,
				Says: "extlinux shows its menu on the screen only"})
			return append([]string{command}, lines...) // it must be the first command
		})
		if err != nil {
			return menu, err
		}
		menu = menu || there
	}
	return menu, nil
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
		out = append(out, commandLine{file: source, args: args, source: true})
		if text, err = setShell(text, key, strings.Join(withConsole(args, want), " ")); err != nil {
			return nil, err
		}
		if err := t.set(source, text); err != nil {
			return nil, err
		}
	}
	for _, made := range extlinuxConfigs {
		if _, err = t.edit(made, func(lines []string) []string {
			for i, l := range lines {
				key, rest := cutWord(l)
				if strings.EqualFold(key, "append") {
					args := kernelArgs(rest)
					out = append(out, commandLine{file: made, args: args})
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
