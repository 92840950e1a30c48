package programs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// guestParts is the name of the folder that holds what of the guest does not depend on lom. It
// changes with test/guest/build.
const guestParts = "guest-3"

// NeedGuest is Must for what it takes to build the guest of test/guest, and to run it.
func NeedGuest(t testing.TB) {
	t.Helper()
	Must(t, "qemu-system-x86_64", "ipmitool", "apt-get", "dpkg-deb", "cpio", "xz", "grub-mkrescue",
		"xorriso", "mformat", "/usr/lib/grub/i386-pc")
}

// GuestParts puts into a folder what of the guest does not depend on lom, from where it is kept; it
// is made when there is none yet. What is left to do there, ../guest/build does in a few seconds.
func GuestParts(dir string) error {
	parts := dir
	if cache, err := os.UserCacheDir(); err == nil {
		parts = filepath.Join(cache, "lom-test", guestParts)
	}
	if _, err := os.Stat(filepath.Join(parts, "guest.iso")); err != nil {
		if out, err := exec.Command("../guest/build", parts).CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
	}
	if parts == dir {
		return nil
	}
	for _, part := range []string{"vmlinux", "vmlinuz", "initrd.cpio"} {
		if err := os.Symlink(filepath.Join(parts, part), filepath.Join(dir, part)); err != nil {
			return err
		}
	}
	return nil
}
