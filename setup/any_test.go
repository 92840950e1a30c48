package setup

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// pieces are lines of the files, as right and as wrong as they come.
var pieces = map[string][]string{
	"boot/grub/menu.lst": {"default 0", "#comment", "serial --unit=0",
		"serial --unit=1 --speed=115200", "terminal console",
		"terminal --timeout=3 serial", "terminal serial console", "hiddenmenu",
		"splashimage (hd0,0)/x", "gfxmenu x\\", "title x", "title y\r",
		"kernel /vmlinuz a", "  kernel /vmlinuz console=ttyS0 \\",
		"kernel (hd0,0)/vmlinuz console=ttyS1,115200 console=tty0\r",
		"kernel /xen.gz com1=9600", "kernel --x /xen.gz console=com2 \\",
		"module /vmlinuz-2.6.18-el5xen ro", "module /initrd", "",
		"### BEGIN AUTOMAGIC KERNELS LIST", "# kopt=ro", "# xenhopt=", "# xenkopt=console=tty0"},
	"etc/inittab": {"id:3:initdefault:", "id:5:initdefault:", "1:2345:respawn:/sbin/mingetty tty1",
		"S1:2345:respawn:/sbin/agetty ttyS0 9600",
		"co:45:respawn:/sbin/agetty -L 9600 ttyS1 vt100", "#T1:23:respawn:/sbin/getty ttyS1 9600",
		"ttyS1::respawn:/sbin/getty -L 9600 ttyS1",
		"x:3:off:/sbin/agetty ttyS1 115200", "y:3:respawn:/sbin/mgetty -s 9600 ttyS1\r", "", ":::",
		"getty"},
	"etc/securetty": {"tty1", "ttyS1\r", "ttyS1", ""},
	"etc/default/grub": {"GRUB_TERMINAL=gfxterm", "GRUB_TERMINAL_INPUT=serial",
		"GRUB_TERMINAL_OUTPUT=\"gfxterm serial\"",
		"GRUB_SERIAL_COMMAND=\"serial --unit=0\"", "GRUB_CMDLINE_LINUX=\"console=ttyS0 quiet\"",
		"GRUB_CMDLINE_LINUX_DEFAULT=console=tty1", "export GRUB_CMDLINE_LINUX+=\" a\"", ""},
	"boot/grub2/grub.cfg": {"serial --unit=1", "terminal_input gfxterm",
		"terminal_output --append gfxterm", "menuentry 'x' {", "linux /vmlinuz",
		"\tlinux16\t/vmlinuz  console=ttyS1,115200e7 a", "}",
		"  set kernelopts=\"a console=ttyS0\"", "blscfg", ""},
	"boot/loader/entries/a.conf": {"linux /vmlinuz", "options $kernelopts", "options a console=ttyS1", "options", "title x", ""},
	"boot/extlinux.conf":         {"SERIAL 0 9600", "serial 1", "DEFAULT x", "LABEL x", "  APPEND a console=ttyS1", "append", ""},
}

// Whatever is in the files, what is changed agrees afterwards, a second time changes nothing, and
// all of it goes back.
func TestAnyFilesAgreeAfterwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		root, err := os.MkdirTemp("", "lom-setup")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(root)
		files := map[string]string{"etc/x": "", "sbin/agetty": "", "sbin/mingetty": ""}
		for _, name := range slices.Sorted(maps.Keys(pieces)) {
			lines := pieces[name]
			if rapid.Bool().Draw(t, name) {
				files[name] = strings.Join(rapid.SliceOfN(rapid.SampledFrom(lines), 0, 12).Draw(t,
					"lines"), "\n")
			}
		}
		for name, text := range files {
			p := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want := Line{"ttyS1", 115200}
		r, err := Examine(root, want)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := newTree(root)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.close()
		tr.sync = func(*os.File) error { return nil }
		if err := tr.apply(r.Changes); err != nil {
			t.Fatal(err)
		}
		again, err := Examine(root, want)
		if err != nil || len(again.Changes) > 0 {
			t.Fatalf("a second time: %v\n%s", err, again.Diff())
		}
		for _, f := range again.Findings {
			if (f.State == Wrong || f.State == Missing) && !f.Stuck {
				t.Fatalf("got %+v, want it to agree", f)
			}
		}
		if len(r.Changes) == 0 {
			return
		}
		if _, err := tr.undo(); err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if b, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(b) != text {
				t.Fatalf("undo left %s as %q, %v, want %q", name, b, err, text)
			}
		}
	})
}
