package setup

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

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
	together := append(kernelArgs(first), kernelArgs(second)...)
	out := []commandLine{{file: grubSource, args: together, source: true}}
	if state, _ := judge(together, want); state == OK {
		return out, nil
	}
	// GRUB puts the default ones after the others. Consoles of those would come last: they go,
	// also the screen, which is one of the others then.
	var rest []string
	for _, a := range kernelArgs(second) {
		if !strings.HasPrefix(a, "console=") {
			rest = append(rest, a)
		}
	}
	if err := setGrubSetting(t, always, strings.Join(withConsole(kernelArgs(first), want),
		" ")); err != nil {
		return nil, err
	}
	if len(rest) != len(kernelArgs(second)) {
		if err := setGrubSetting(t, usual, strings.Join(rest, " ")); err != nil {
			return nil, err
		}
	}
	return out, nil
}

const xenByHand = "an entry starts Xen, which has the line to itself; set GRUB_CMDLINE_XEN, " +
	"the kernel's console=hvc0 and a prompt on hvc0 by hand"

// grubMenu is the kernel's command line in the entries of GRUB 2: of its menus, of those that the
// administrator adds, and of the scripts in /etc/grub.d that are made of such entries.
func grubMenu(t *tree, want Line) (out []commandLine, err error) {
	var names []string
	for _, name := range grubConfigs(t) {
		names = append(names, name, path.Join(path.Dir(name), "custom.cfg"))
	}
	names = t.distinct(append(names, t.glob("/etc/grub.d", "*")...)...)
	for _, name := range names {
		source := path.Dir(name) == "/etc/grub.d"
		if text, _, err := t.text(name); err != nil {
			return nil, err
		} else if source && !strings.Contains(text, "exec tail -n +3 $0") {
			continue // a program, which takes the command line from /etc/default/grub
		}
		if _, err := t.edit(name, func(lines []string) []string {
			other := false // an entry of another system on this machine
			for i, l := range lines {
				fields := kernelArgs(l)
				if len(fields) > 0 && fields[0] == "menuentry" {
					other = strings.Contains(l, "osprober")
				}
				switch {
				case other || len(fields) < 2:
				case strings.HasPrefix(path.Base(fields[1]), "memtest"):
				case slices.Contains([]string{"linux", "linux16", "linuxefi"}, fields[0]):
					out = append(out, commandLine{file: name, args: fields[2:], source: source})
					if fixed := withConsole(fields[2:], want); !slices.Equal(fixed, fields[2:]) {
						indent := l[:len(l)-len(strings.TrimLeft(l, " \t"))]
						lines[i] = indent + fields[0] + "\t" + fields[1] + " " +
							strings.Join(fixed, " ")
					}
				case fields[0] == "xen_hypervisor", strings.HasPrefix(fields[0], "multiboot") &&
					strings.HasPrefix(path.Base(fields[1]), "xen"):
					out = append(out, commandLine{file: name, source: source, stuck: xenByHand})
				case fields[0] == "set" && strings.HasPrefix(fields[1], "kernelopts="):
					before, v, _ := strings.Cut(l, "kernelopts=")
					args := kernelArgs(strings.Trim(strings.TrimSpace(v), `"`))
					out = append(out, commandLine{file: name, args: args, source: source})
					if fixed := withConsole(args, want); !slices.Equal(fixed, args) {
						lines[i] = before + `kernelopts="` + strings.Join(fixed, " ") + `"`
					}
				}
			}
			return lines
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}
