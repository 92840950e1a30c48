package setup

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// unpack makes a system of a testdata file and returns its root.
func unpack(t *testing.T, name string) string {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for _, f := range a.Files {
		name, link, isLink := strings.Cut(f.Name, " -> ")
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if isLink {
			err = os.Symlink(link, p)
		} else {
			if filepath.Base(name) == "grubenv" {
				f.Data = f.Data[:environmentSize]
			}
			err = os.WriteFile(p, f.Data, 0o640)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// snapshot returns every file below root, but for the backup.
func snapshot(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.Walk(root, func(p string, st os.FileInfo, err error) error {
		if err != nil || st.IsDir() {
			return err
		}
		if st.Mode()&os.ModeSymlink != 0 {
			to, err := os.Readlink(p)
			out[p] = "-> " + to
			return err
		}
		b, err := os.ReadFile(p)
		out[p] = st.Mode().String() + " " + string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func states(r Report) string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.Layer+"="+f.State.String())
	}
	return strings.Join(out, " ")
}

func TestUndoLeavesLaterChangesAlone(t *testing.T) {
	root := unpack(t, "debian")
	r, err := Examine(root, Line{"ttyS0", 9600})
	if err != nil {
		t.Fatal(err)
	}
	if err := Apply(root, r); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(root, "etc/default/grub")
	if err := os.WriteFile(mine, []byte("GRUB_TIMEOUT=1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Undo(root)
	if err == nil || !strings.Contains(err.Error(), "/etc/default/grub") {
		t.Errorf("undo says %v", err)
	}
	if b, _ := os.ReadFile(mine); string(b) != "GRUB_TIMEOUT=1\n" {
		t.Errorf("undo overwrote a later change with %q", b)
	}
}

func TestWrongRateIsNamed(t *testing.T) {
	root := unpack(t, "suse")
	r, err := Examine(root, Line{"ttyS0", 19200})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if f.Layer == "boot loader" && !strings.Contains(f.Says,
			"runs at 115200 bit/s; SOL runs at 19200: that prints garbage") {
			t.Errorf("says %q", f.Says)
		}
	}
}

func TestLinksStayInRoot(t *testing.T) {
	root := unpack(t, "debian")
	if err := os.Remove(filepath.Join(root, "etc/default/grub")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "srv"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "srv/grub"), []byte("GRUB_TIMEOUT=7\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/../srv/grub", filepath.Join(root, "etc/default/grub")); err != nil {
		t.Fatal(err)
	}
	r, err := Examine(root, Line{"ttyS0", 9600})
	if err != nil {
		t.Fatal(err)
	}
	if err := Apply(root, r); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(root, "srv/grub"))
	if err != nil || !strings.Contains(string(b), "GRUB_TERMINAL") {
		t.Errorf("%v: %s", err, b)
	}
}

func TestSPCR(t *testing.T) {
	root := unpack(t, "debian")
	b := make([]byte, 80)
	copy(b, "SPCR")
	b[40], b[58] = 1, 6
	binary.LittleEndian.PutUint64(b[44:], 0x2f8)
	p := filepath.Join(root, spcrPath)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, b, 0o600); err != nil {
		t.Fatal(err)
	}
	l, how, err := FindLine(root)
	if err != nil || l != (Line{"ttyS1", 57600}) || how == "" {
		t.Errorf("got %v, %q, %v", l, how, err)
	}
	r, err := Examine(root, Line{"ttyS1", 115200})
	if err != nil || r.Findings[0].State != Wrong {
		t.Errorf("%v: %+v", err, r.Findings[0])
	}
}

// Without a word of the firmware's, the port is the maker's usual one if the machine has it, then
// the kernel's, then the only one.
func TestFindLine(t *testing.T) {
	const two = "serinfo:1.0 driver revision:\n0: uart:16550A port:000003F8 irq:4 tx:0 rx:0\n1: " +
		"uart:16550A port:000002F8 irq:3 tx:0 rx:0\n2: uart:unknown port:000003E8 irq:4\n"
	const one = "serinfo:1.0 driver revision:\n0: uart:16550A port:000003F8 irq:4 tx:0 rx:0\n"
	for _, c := range []struct {
		vendor, cmdline, ports string
		want                   Line
		how                    string
	}{
		{"Supermicro\n", "console=ttyS0,57600", two, Line{Port: "ttyS1"}, "Supermicro (DMI)"},
		{"Dell Inc.\n", "console=ttyS0,57600", one, Line{"ttyS0", 57600}, "kernel"},
		{"QEMU\n", "console=tty0 console=ttyS0", two, Line{"ttyS0", 9600}, "kernel"},
		{"QEMU\n", "quiet", one, Line{Port: "ttyS0"}, "only"},
		{"QEMU\n", "quiet", two, Line{}, ""},
	} {
		root := unpack(t, "debian")
		for name, text := range map[string]string{vendorPath: c.vendor, "/proc/cmdline": c.cmdline,
			"/proc/tty/driver/serial": c.ports} {
			p := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		l, how, err := FindLine(root)
		if l != c.want || !strings.Contains(how, c.how) || (err == nil) != (c.how != "") {
			t.Errorf("%+v: got %v, %q, %v", c, l, how, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		root string
		line Line
	}{{t.TempDir(), Line{"ttyS0", 9600}}, {"/no/such", Line{"ttyS0", 9600}},
		{unpack(t, "alpine"), Line{"ttyS0", 1200}}, {unpack(t, "alpine"), Line{"../x", 9600}}} {
		if _, err := Examine(c.root, c.line); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v", c, err)
		}
	}
	if _, err := Undo(unpack(t, "alpine")); err == nil {
		t.Error("undo of nothing says nothing")
	}
}

func FuzzExamine(f *testing.F) {
	f.Add([]byte("GRUB_TERMINAL=\"serial\nlinux\nserial --unit=\nttyS1:::getty\noptions " +
		"$kernelopts\nconsole=ttyS0,\n"))
	f.Add([]byte("serial --port=0x\nterminal\ntitle x\\\nkernel=--\nkernel /xen \\\r\nmodule " +
		"/vmlinuz-2.6.18-xen console=ttyS1,e\n### BEGIN AUTOMAGIC KERNELS LIST\n# xenhopt=com2=\n"))
	f.Add([]byte("S1:3:respawn:-/sbin/mgetty -s 9600 ttyS1\n::initdefault:\n#S1:::\nexec getty " +
		"$DEV 9600\nmanual\nset kernelopts=\"\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		root := t.TempDir()
		for _, name := range []string{"etc/default/grub", "etc/default/grub.d/a.cfg",
			"etc/update-extlinux.conf", "etc/inittab", "etc/securetty", "etc/init/serial.conf",
			"etc/sysconfig/bootloader", "etc/SuSE-release", "boot/grub/menu.lst",
			"boot/grub/grub.cfg", "boot/extlinux.conf", "boot/loader/entries/a.conf", spcrPath} {
			p := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		before := snapshot(t, root)
		r, err := Examine(root, Line{"ttyS1", 115200})
		if err != nil {
			return
		}
		r.Diff()
		// Whatever is changed, a second time changes nothing, and all of it goes back.
		tr, err := newTree(root)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.close()
		tr.sync = func(*os.File) error { return nil }
		if err := tr.apply(r.Changes); err != nil {
			t.Fatal(err)
		}
		if again, err := Examine(root, r.Line); err != nil || len(again.Changes) > 0 {
			t.Fatalf("again: %v\n%s", err, again.Diff())
		}
		if len(r.Changes) == 0 {
			return
		}
		if _, err := tr.undo(); err != nil {
			t.Fatal(err)
		}
		for p, s := range snapshot(t, root) {
			if before[p] != s {
				t.Fatalf("undo left %s as %q", p, s)
			}
		}
	})
}
