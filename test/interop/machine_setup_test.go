package interop

import (
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"lom/internal/programs"
)

// lomSetup runs "lom setup console" on an unpacked system, for SOL on ttyS0.
func lomSetup(t *testing.T, root string, more ...string) programs.Result {
	t.Helper()
	return programs.Run(t, t.TempDir(), programs.Lom(), append([]string{"setup", "console", "--root", root, "--port", "ttyS0", "--baud", "115200"}, more...)...)
}

// files returns what is below root: the content of files, with their modes, and where links point.
func files(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(p, root)
		if st.Mode()&fs.ModeSymlink != 0 {
			all[name], err = os.Readlink(p)
			return err
		}
		b, err := os.ReadFile(p)
		all[name] = st.Mode().String() + "\n" + string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// differences names the files in which two systems differ.
func differences(a, b map[string]string) (names []string) {
	for name := range a {
		if _, ok := b[name]; !ok || a[name] != b[name] {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	return names
}

// setUp goes through what an administrator does: look, look at the changes, and make them. It returns what the files were before.
func setUp(t *testing.T, root string) map[string]string {
	t.Helper()
	before := files(t, root)
	if r := lomSetup(t, root); r.Code != 1 || !strings.Contains(r.Stdout, "Serial over LAN: ttyS0 at 115200 bit/s") || !strings.Contains(r.Stdout, "--apply") {
		t.Errorf("nothing is set up, but: %s", r)
	}
	dry := lomSetup(t, root, "--dry-run")
	if dry.Code != 0 || !strings.Contains(dry.Stdout, "\n+") || !strings.Contains(dry.Stdout, "ttyS0") {
		t.Errorf("no changes are shown: %s", dry)
	}
	if d := differences(before, files(t, root)); len(d) > 0 {
		t.Errorf("looking has changed %v", d)
	}
	r := lomSetup(t, root, "--apply")
	if r.Code != 0 || !strings.Contains(r.Stderr, "--undo puts back") {
		t.Errorf("not applied: %s", r)
	}
	for _, name := range differences(before, files(t, root)) {
		if name != "/var/lib/lom/setup-console.json" && !strings.Contains(dry.Stdout, name) {
			t.Errorf("%s has changed, which was not shown before", name)
		}
	}
	if r := lomSetup(t, root); r.Code != 0 || strings.Contains(r.Stdout, "missing") || strings.Contains(r.Stdout, "wrong") {
		t.Errorf("after apply: %s", r)
	}
	if r := lomSetup(t, root, "--dry-run"); r.Code != 0 || r.Stdout != "" {
		t.Errorf("apply has left something: %s", r)
	}
	return before
}

// undo puts everything back.
func undo(t *testing.T, root string, before map[string]string) {
	t.Helper()
	quiet(t, lomSetup(t, root, "--undo"))
	if d := differences(before, files(t, root)); len(d) > 0 {
		t.Errorf("undo leaves %v changed", d)
	}
	if r := lomSetup(t, root, "--undo"); r.Code != 1 || !strings.Contains(r.Stderr, "nothing to undo") {
		t.Errorf("a second undo: %s", r)
	}
}

// The unpacked systems of four distributions are set up for SOL, and put back.
func TestMachineSetupConsole(t *testing.T) {
	for _, name := range []string{"debian", "fedora", "suse", "alpine"} {
		t.Run(name, func(t *testing.T) {
			a, err := txtar.ParseFile(filepath.Join("../../setup/testdata", name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			root := t.TempDir()
			for _, f := range a.Files {
				p := filepath.Join(root, f.Name)
				if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(p, f.Data, 0o640); err != nil {
					t.Fatal(err)
				}
			}
			undo(t, root, setUp(t, root))
		})
	}
}

// debian unpacks a small Debian, which is made when there is none yet, and returns its root.
func debian(t *testing.T) string {
	t.Helper()
	programs.Need(t, "qemu-system-x86_64", "grub-mkimage", "mke2fs", "tar")
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	dir := filepath.Join(cache, "lom-test", "debian-1")
	if _, err := os.Stat(filepath.Join(dir, "debian.tar")); err != nil {
		programs.Need(t, "apt-get", "dpkg-deb", "cpio")
		if out, err := exec.Command("../guest/debian", dir).CombinedOutput(); err != nil {
			t.Fatalf("Debian cannot be unpacked: %v\n%s", err, out)
		}
	}
	root := t.TempDir()
	command(t, "tar", "-xf", filepath.Join(dir, "debian.tar"), "-C", root)
	return root
}

// command runs a program of the system that must succeed.
func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// diskImage makes a disk of a system, with GRUB in front of its only partition, as grub-install leaves it.
func diskImage(t *testing.T, root string) string {
	t.Helper()
	const sector, start, size = 512, 2048, 192 << 20
	dir := t.TempDir()
	image, partition, core := filepath.Join(dir, "disk.img"), filepath.Join(dir, "partition"), filepath.Join(dir, "core.img")
	command(t, "mke2fs", "-q", "-F", "-t", "ext4", "-E", "root_owner=0:0", "-d", root, partition, fmt.Sprint(size/1024))
	command(t, "grub-mkimage", "-O", "i386-pc", "-o", core, "-p", "(hd0,msdos1)/boot/grub", "biosdisk", "part_msdos", "ext2")
	boot, err := os.ReadFile("/usr/lib/grub/i386-pc/boot.img")
	if err != nil {
		t.Fatal(err)
	}
	loader, err := os.ReadFile(core)
	if err != nil {
		t.Fatal(err)
	}
	if len(boot) != sector || len(loader) > (start-1)*sector {
		t.Fatalf("GRUB's images have %d and %d bytes", len(boot), len(loader))
	}
	// The partition table lies within the boot sector, where the image has code for floppy disks.
	clear(boot[446:510])
	entry := boot[446:462]
	entry[0], entry[4] = 0x80, 0x83 // active; Linux
	binary.LittleEndian.PutUint32(entry[8:], start)
	binary.LittleEndian.PutUint32(entry[12:], size/sector)
	boot[510], boot[511] = 0x55, 0xaa

	disk, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	part, err := os.Open(partition)
	if err != nil {
		t.Fatal(err)
	}
	defer part.Close()
	if _, err = disk.WriteAt(boot, 0); err == nil {
		if _, err = disk.WriteAt(loader, sector); err == nil {
			_, err = io.Copy(io.NewOffsetWriter(disk, start*sector), part)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// A Debian that knows nothing of a serial console is set up on its unpacked root, and then boots as a machine behind a BMC of ours: over
// SOL there are GRUB's menu, in which a key moves, the kernel, and the prompt, at which root logs in.
func TestMachineSetupConsoleBoots(t *testing.T) {
	t.Parallel()
	root := debian(t)
	before := setUp(t, root)
	image := diskImage(t, root)
	undo(t, root, before)

	config := filepath.Join(t.TempDir(), "machine.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "host:\n  power: off\n  qemu: {memory: 256, disks: [%s]}\n", image), 0o600); err != nil {
		t.Fatal(err)
	}
	bmc := programs.StartBMC(t, "--config", config)
	x := programs.StartTerminal(t, programs.Lom(), bmc.Tool("lanplus", "sol", "activate")...)
	x.Wait("SOL Session operational")
	quiet(t, programs.Run(t, t.TempDir(), programs.Lom(), bmc.Tool("lanplus", "power", "on")...))
	x.Within(bootTime, "GNU GRUB")
	x.Within(bootTime, "Debian GNU/Linux")
	x.Press(keyDown, bootTime, "*Advanced options")
	x.Press(keyUp, bootTime, "*Debian GNU/Linux")
	x.Type("\r")
	for _, shown := range []string{"Loading Linux", "Loading initial ramdisk", "INIT:", "login: "} {
		x.Within(bootTime, shown)
	}
	x.Type("root\r")
	x.Within(bootTime, "# ")
	x.Type("echo on $(tty) at $(stty speed)\r")
	x.Within(bootTime, "on /dev/ttyS0 at 115200")
	x.Type("\r~.")
	if err := x.End(); err != nil {
		t.Error(err)
	}
}
