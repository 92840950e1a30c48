//go:build unix

package setup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// examined returns a tree of a distribution, what it was before, and a report of it.
func examined(t *testing.T, name string) (root string, before map[string]string, r Report) {
	t.Helper()
	root = unpack(t, name)
	before = snapshot(t, root)
	r, err := Examine(root, Line{"ttyS1", 115200})
	if err != nil {
		t.Fatal(err)
	}
	return root, before, r
}

// unchanged fails the test if a file differs, or one is there that was not.
func unchanged(t *testing.T, root string, before map[string]string) {
	t.Helper()
	after := snapshot(t, root)
	for p, s := range before {
		if after[p] != s {
			t.Errorf("%s: got\n%s\nwant\n%s", p, after[p], s)
		}
	}
	for p := range after {
		if _, ok := before[p]; !ok {
			t.Errorf("%s is left", p)
		}
	}
}

// A disk that fills at any write, and before the end of one, leaves every file as it was.
func TestFullDiskChangesNothing(t *testing.T) {
	for n := 1; ; n++ {
		root, before, r := examined(t, "centos5")
		tr, err := newTree(root)
		if err != nil {
			t.Fatal(err)
		}
		writes, failed := 0, false
		tr.write = func(f *os.File, b []byte) (int, error) {
			if writes++; writes == n {
				failed = true
				f.Write(b[:len(b)/2])
				return len(b) / 2, &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
			}
			return f.Write(b)
		}
		err = tr.apply(r.Changes)
		tr.close()
		if !failed {
			if err != nil || n != 5 { // the backup, and three files
				t.Errorf("got %v after %d writes, want no error after 4", err, n-1)
			}
			return
		}
		if !errors.Is(err, syscall.ENOSPC) ||
			!strings.HasPrefix(err.Error(), "nothing was changed") {
			t.Errorf("write %d: got %v, want the sentence that nothing was changed", n, err)
		}
		unchanged(t, root, before)
	}
}

// If what was changed cannot be put back at once, because the disk stays full, --undo can do it
// later.
func TestFullDiskKeepsTheBackup(t *testing.T) {
	root, before, r := examined(t, "centos5")
	tr, err := newTree(root)
	if err != nil {
		t.Fatal(err)
	}
	writes := 0
	tr.write = func(f *os.File, b []byte) (int, error) {
		if writes++; writes >= 3 {
			return 0, syscall.ENOSPC
		}
		return f.Write(b)
	}
	err = tr.apply(r.Changes)
	tr.close()
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "--undo puts them back") {
		t.Errorf("got %v, want that --undo puts them back", err)
	}
	if _, err := Undo(root); err != nil {
		t.Error(err)
	}
	unchanged(t, root, before)
}

// A file that somebody else changes between looking and writing stays as that one left it.
func TestChangedMeanwhile(t *testing.T) {
	for _, when := range []string{"before the first write", "at the last"} {
		root, before, r := examined(t, "centos5")
		mine := filepath.Join(root, "etc/securetty")
		change := func() {
			if err := os.WriteFile(mine, []byte("mine\n"), 0o640); err != nil {
				t.Fatal(err)
			}
		}
		tr, err := newTree(root)
		if err != nil {
			t.Fatal(err)
		}
		if when == "at the last" {
			tr.write = func(f *os.File, b []byte) (int, error) {
				if strings.HasSuffix(f.Name(), "securetty.lom-new") {
					change()
				}
				return f.Write(b)
			}
		} else {
			change()
		}
		err = tr.apply(r.Changes)
		tr.close()
		if err == nil || !strings.Contains(err.Error(),
			"/etc/securetty was changed by somebody else") ||
			!strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("%s: got %v, want that securetty was changed", when, err)
		}
		before[mine] = "-rw-r----- mine\n"
		unchanged(t, root, before)
	}
}

// Links that lead out of the root, however they are put, change nothing there.
func TestLinksOutOfTheRoot(t *testing.T) {
	for _, c := range []struct{ at, to string }{
		{"boot/grub", "OUT/grub"},
		{"boot/grub/grub.conf", "../../../OUT/grub/grub.conf"},
		{"etc/inittab", "OUT/inittab"},
		{"etc", "OUT"},
		{"var", "OUT"},
		{"etc/init", "/proc/self/root/OUT"},
	} {
		top := t.TempDir()
		out := filepath.Join(top, "out")
		a := unpack(t, "centos5")
		root := filepath.Join(top, "root")
		if err := os.Rename(a, root); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"grub/grub.conf", "inittab", "securetty", "redhat-release",
			"lib/x"} {
			writeFile(t, out, name, "title x\nkernel /vmlinuz\nid:3:initdefault:\n")
		}
		before := snapshot(t, out)
		p := filepath.Join(root, c.at)
		if err := os.RemoveAll(p); err != nil {
			t.Fatal(err)
		}
		to := strings.Replace(c.to, "../OUT", "../out", 1)
		if err := os.Symlink(strings.Replace(to, "OUT", out, 1), p); err != nil {
			t.Fatal(err)
		}
		r, err := Examine(root, Line{"ttyS1", 115200})
		if err == nil {
			err = Apply(root, r)
		}
		if err == nil {
			_, err = Undo(root)
		}
		t.Logf("%s: %v", c.at, err)
		unchanged(t, out, before)
	}
}

// A folder or a device where a file should be, a loop of links, and a file that is far too large
// are refused in a sentence.
func TestOddFiles(t *testing.T) {
	for name, put := range map[string]func(p string) error{
		"a folder": func(p string) error { return os.Mkdir(p, 0o755) },
		"a loop":   func(p string) error { return os.Symlink("grub.conf", p) },
		"a pipe":   func(p string) error { return syscall.Mkfifo(p, 0o600) },
		"too large": func(p string) error {
			return os.WriteFile(p, make([]byte, maxFile+1), 0o600)
		},
	} {
		root := unpack(t, "centos5")
		p := filepath.Join(root, "boot/grub/grub.conf")
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
		if err := put(p); err != nil {
			t.Fatal(err)
		}
		r, err := Examine(root, Line{"ttyS1", 115200})
		if err == nil && r.Refusal() == nil || err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v and %+v, want a refusal", name, err, r.Findings)
		}
	}
}

// The mode of a file that may only be read is kept, as that of Debian's grub.cfg.
func TestModesAreKept(t *testing.T) {
	root := unpack(t, "debian")
	p := filepath.Join(root, "boot/grub/grub.cfg")
	if err := os.Chmod(p, 0o444); err != nil {
		t.Fatal(err)
	}
	r, err := Examine(root, Line{"ttyS1", 115200})
	if err != nil {
		t.Fatal(err)
	}
	if err := Apply(root, r); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(p); err != nil || st.Mode().Perm() != 0o444 {
		t.Errorf("got %v, %v, want the mode 0444", st.Mode(), err)
	}
}
