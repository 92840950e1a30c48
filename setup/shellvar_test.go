package setup

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// system makes a system of files.
func system(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// applied mends a system, and returns what a file of it is then. Nothing may be left to mend.
func applied(t *testing.T, root, name string) string {
	t.Helper()
	want := Line{"ttyS1", 115200}
	r, err := Examine(root, want)
	if err != nil {
		t.Fatal(err)
	}
	if err := Apply(root, r); err != nil {
		t.Fatal(err)
	}
	again, err := Examine(root, want)
	if err != nil || len(again.Changes) != 0 {
		t.Errorf("a second apply: %v\n%s", err, again.Diff())
	}
	for _, f := range again.Findings {
		if f.State == Wrong || f.State == Missing {
			t.Errorf("after apply: %+v", f)
		}
	}
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sourced is what bash makes of a variable of GRUB's files, as grub-mkconfig reads them.
func sourced(t *testing.T, root, key string) string {
	t.Helper()
	out, err := exec.Command("bash", "-euc", `. "$1/etc/default/grub"
for f in "$1"/etc/default/grub.d/*.cfg; do if [ -e "$f" ]; then . "$f"; fi; done
printf %s "${!2}"`, "-", root, key).CombinedOutput()
	if err != nil {
		t.Fatalf("bash: %v: %s", err, out)
	}
	return string(out)
}

// Whatever way an administrator quotes and puts together the kernel's arguments, the consoles are
// added and nothing else changes.
func TestKernelArgumentsAreKept(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("there is no bash to read the files")
	}
	const added = " console=tty0 console=ttyS1,115200n8"
	for name, c := range map[string]struct {
		grub, snippet string
		always, usual string // wanted
	}{
		"inner quotes": {`GRUB_CMDLINE_LINUX="dyndbg=\"file drivers/usb/* +p\" root=/dev/mapper/vg-root rd.lvm.lv=vg/root"`, "",
			`dyndbg="file drivers/usb/* +p" root=/dev/mapper/vg-root rd.lvm.lv=vg/root` + added,
			""},
		"single quotes":             {`GRUB_CMDLINE_LINUX='dyndbg="file a.c +p" quiet'`, "", `dyndbg="file a.c +p" quiet` + added, ""},
		"what a shell would expand": {`GRUB_CMDLINE_LINUX='a=$x b=\y c=` + "`z`" + `'`, "", "a=$x b=\\y c=`z`" + added, ""},
		"appended":                  {"GRUB_CMDLINE_LINUX=\"quiet\"\nGRUB_CMDLINE_LINUX+=\" console=ttyS0,9600\"", "", "quiet" + added, ""},
		"built on itself":           {"GRUB_CMDLINE_LINUX=a\nGRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX ${UNSET:-b}\" # more", "", "a b" + added, ""},
		"continued":                 {"GRUB_CMDLINE_LINUX=\"a \\\n b\"", "", "a b" + added, ""},
		"exported":                  {"export GRUB_CMDLINE_LINUX=a", "", "a" + added, ""},
		"a command beside":          {"GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`\nGRUB_CMDLINE_LINUX=a", "", "a" + added, ""},
		// else tty1 came last and had /dev/console
		"a snippet's":        {"GRUB_CMDLINE_LINUX_DEFAULT=quiet\nGRUB_CMDLINE_LINUX=a", "GRUB_CMDLINE_LINUX_DEFAULT=\"console=tty1 console=ttyS0\"\nGRUB_TERMINAL=console", "a" + added, ""},
		"a snippet's always": {"GRUB_CMDLINE_LINUX=a", "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX b\"", "a b" + added, ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"etc/default/grub": c.grub +
				"\nGRUB_CMDLINE_LINUX_DEFAULT=${GRUB_CMDLINE_LINUX_DEFAULT-}\n"}
			if c.snippet != "" {
				files["etc/default/grub.d/50-cloud.cfg"] = c.snippet + "\n"
			}
			root := system(t, files)
			applied(t, root, "etc/default/grub")
			for key, want := range map[string]string{"GRUB_CMDLINE_LINUX": c.always,
				"GRUB_CMDLINE_LINUX_DEFAULT": c.usual, "GRUB_TERMINAL": "console serial"} {
				if got := sourced(t, root, key); strings.Join(strings.Fields(got), " ") !=
					strings.Join(strings.Fields(want), " ") {
					t.Errorf("%s is\n%s, not\n%s", key, got, want)
				}
			}
		})
	}
}

// What cannot be read is refused in a sentence, and stays as it is.
func TestUnclearFilesAreRefused(t *testing.T) {
	for text, says := range map[string]string{
		"GRUB_CMDLINE_LINUX=\"a\n": "/etc/default/grub cannot be read by a shell",
		"GRUB_CMDLINE_LINUX=\"$(cat /etc/args)\"\n": "what GRUB_CMDLINE_LINUX is cannot be " +
			"told without running commands",
		"X=`uname -r`\nGRUB_CMDLINE_LINUX=\"quiet $X\"\n": "what GRUB_CMDLINE_LINUX is cannot be told",
	} {
		_, err := Examine(system(t, map[string]string{"etc/default/grub": text}),
			Line{"ttyS1", 115200})
		if err == nil || !strings.Contains(err.Error(), says) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// GRUB takes keys from where it shows its menu.
func TestTerminalsBothWays(t *testing.T) {
	root := system(t, map[string]string{"etc/default/grub": "GRUB_TERMINAL_OUTPUT=\"console\"\n",
		"boot/grub2/grub.cfg": "serial --unit=1 --speed=115200\nterminal_output console " +
			"serial\nmenuentry x {\n}\n"})
	r, err := Examine(root, Line{"ttyS1", 115200})
	if err != nil || r.Findings[1].State != Missing {
		t.Errorf("%v: %+v", err, r.Findings)
	}
	got := applied(t, root, "etc/default/grub")
	for _, want := range []string{`GRUB_TERMINAL_INPUT="console serial"`,
		`GRUB_TERMINAL_OUTPUT="console serial"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
	if got := applied(t, root, "boot/grub2/grub.cfg"); !strings.Contains(got,
		"terminal_input console serial\n") {
		t.Errorf("no keys:\n%s", got)
	}
}

// Entries that start something else than this system's kernel are nobody's business.
func TestForeignEntriesAreLeftAlone(t *testing.T) {
	const foreign = "menuentry 'Memory test' {\n\tlinux16 /boot/memtest86+.bin " +
		"console=ttyS0,115200\n}\n" +
		"menuentry 'Other' $menuentry_id_option 'osprober-gnulinux-x' {\n\tlinux /boot/vmlinuz-1 " +
		"root=/dev/sdb1 console=ttyS0\n}\n"
	root := system(t, map[string]string{"etc/x": "",
		"boot/grub/grub.cfg": "menuentry 'Linux' {\n\tlinux /vmlinuz \"root=a b\" quiet\n}\n" +
			foreign})
	got := applied(t, root, "boot/grub/grub.cfg")
	if !strings.HasSuffix(got, foreign) ||
		!strings.Contains(got, "\tlinux\t/vmlinuz \"root=a b\" quiet console=tty0 "+
			"console=ttyS1,115200n8\n") {
		t.Errorf("\n%s", got)
	}
}

func TestOtherForms(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"boot/loader/entries/a.conf", "title x\noptions\troot=a quiet\n", "title x\noptions root=a quiet console=tty0 console=ttyS1,115200n8\n"},
		{"boot/syslinux/syslinux.cfg", "DEFAULT a\nLABEL a\n\tAPPEND quiet\n", "SERIAL 1 115200\nDEFAULT a\nLABEL a\n\tAPPEND quiet console=tty0 console=ttyS1,115200n8\n"},
		{"etc/inittab", "S1:23:respawn:/sbin/agetty --autologin op -L 9600 ttyS1 vt220\n", "S1:23:respawn:/sbin/agetty --autologin op -L 115200 ttyS1 vt220\n"},
		{"etc/inittab", "S1:23:respawn:/sbin/agetty -s 9600 ttyS1 vt220\n", "S1:23:respawn:/sbin/agetty -s 9600 ttyS1 vt220\n"},
	} {
		if got := applied(t, system(t, map[string]string{"etc/x": "", c.name: c.before}),
			c.name); got != c.after {
			t.Errorf("%s is\n%s, not\n%s", c.name, got, c.after)
		}
	}
}

func TestKernelArgs(t *testing.T) {
	for line, want := range map[string][]string{
		`  a  b="c d" "e f"=g` + "\t h ": {"a", `b="c d"`, `"e f"=g`, "h"},
		`a "b c`:                         {"a", `"b`, "c"},
		"":                               nil,
	} {
		if got := kernelArgs(line); !slices.Equal(got, want) {
			t.Errorf("%q: %q", line, got)
		}
	}
}
