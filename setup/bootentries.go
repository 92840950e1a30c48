package setup

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// espDirs are where the EFI partition is mounted, or what systemd-boot uses besides it.
var espDirs = []string{"/boot", "/efi", "/boot/efi"}

// bootLoaderSystemd looks for systemd-boot, which has no setting for a serial line: it shows its
// menu where the firmware shows its own.
func bootLoaderSystemd(t *tree, w *worst) (menu bool) {
	for _, esp := range espDirs {
		for _, name := range append([]string{esp + "/loader/loader.conf"},
			t.glob(esp+"/EFI/systemd", "systemd-boot*.efi")...) {
			if !menu && t.exists(name) {
				menu = true
				w.note(Finding{State: OK, Where: name,
					Says: "systemd-boot has no serial setting: " +
						"its menu is on the firmware's console, which the BIOS redirects"})
			}
		}
	}
	return menu
}

// bootEntries are the entries of the Boot Loader Specification: those of Fedora, RHEL 8 and later,
// and of systemd-boot.
func bootEntries(t *tree, want Line) (out []commandLine, err error) {
	environment := false
	for _, name := range append(t.distinct("/boot/grub2/grubenv", "/boot/grub/grubenv"),
		grubConfigs(t)...) {
		text, _, err := t.text(name)
		if err != nil {
			return nil, err
		}
		environment = environment || strings.Contains(text, "kernelopts=")
	}
	var names []string
	for _, esp := range espDirs {
		names = append(names, t.glob(esp+"/loader/entries", "*.conf")...)
	}
	for _, name := range t.distinct(names...) {
		if _, err := t.edit(name, func(lines []string) []string {
			var args []string
			at, linux, other := []int(nil), -1, false
			for i, l := range lines {
				switch key, rest := cutWord(l); key {
				case "options": // more than one line of them are one
					args, at = append(args, kernelArgs(rest)...), append(at, i)
				case "linux":
					linux = i
				case "efi":
					other = true
				}
			}
			if other || linux < 0 && at == nil {
				return lines // not Linux
			}
			if environment && len(args) > 0 && args[0] == "$kernelopts" &&
				len(consoles(args)) == 0 {
				return lines // the environment block has them
			}
			out = append(out, commandLine{file: name, args: args})
			if fixed := withConsole(args, want); !slices.Equal(fixed, args) {
				for n, i := range slices.Backward(at) {
					if n > 0 {
						lines = slices.Delete(lines, i, i+1)
					}
				}
				line := "options " + strings.Join(fixed, " ")
				if len(at) == 0 {
					return slices.Insert(lines, linux+1, line)
				}
				lines[at[0]] = line
			}
			return lines
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// kernelCmdline is the file that kernel-install takes the command line from.
func kernelCmdline(t *tree, want Line) ([]commandLine, error) {
	const name = "/etc/kernel/cmdline"
	text, ok, err := t.text(name)
	if err != nil || !ok {
		return nil, err
	}
	args := kernelArgs(text)
	out := []commandLine{{file: name, args: args, source: true}}
	if fixed := withConsole(args, want); !slices.Equal(fixed, args) {
		err = t.set(name, strings.Join(fixed, " ")+"\n")
	}
	return out, err
}

// unifiedImages are kernels that have their command line within, signed with them.
func unifiedImages(t *tree, _ Line) (out []commandLine, err error) {
	for _, esp := range espDirs {
		for _, name := range t.glob(path.Join(esp, "EFI/Linux"), "*.efi") {
			out = append(out, commandLine{file: name,
				stuck: "a unified kernel image has its command line within; " +
					"set it in /etc/kernel/cmdline and build the image again"})
		}
	}
	return out, nil
}

// environmentSize is the size of GRUB's environment block in bytes, which never changes.
const environmentSize = 1024

// grubEnvironment is the kernelopts variable of GRUB's environment block: RHEL 8.
func grubEnvironment(t *tree, want Line) (out []commandLine, err error) {
	for _, name := range t.distinct("/boot/grub2/grubenv", "/boot/grub/grubenv") {
		text, _, err := t.text(name)
		if err != nil {
			return nil, err
		}
		value, has := unitValue(text, "kernelopts")
		if !has {
			continue
		}
		// The block has no quotes: the value is the rest of the line.
		var lines []string
		args := kernelArgs(value)
		for l := range strings.SplitSeq(strings.TrimRight(text, "#"), "\n") {
			if v, ok := strings.CutPrefix(l, "kernelopts="); ok {
				args = kernelArgs(v)
				l = "kernelopts=" + strings.Join(withConsole(args, want), " ")
			}
			lines = append(lines, l)
		}
		block := strings.Join(lines, "\n")
		if len(block) > environmentSize {
			return nil, fmt.Errorf("%s has no room for the console of the kernel; shorten "+
				"kernelopts first", name)
		}
		out = append(out, commandLine{file: name, args: args})
		if state, _ := judge(args, want); state == OK {
			continue
		}
		if err := t.set(name, block+strings.Repeat("#", environmentSize-len(block))); err != nil {
			return nil, err
		}
	}
	return out, nil
}
