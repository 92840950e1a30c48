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
	return programs.Run(t, t.TempDir(), programs.Lom(),
		append([]string{"setup", "console", "--root", root, "--port", "ttyS0", "--baud", "115200"},
			more...)...)
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

// setUp goes through what an administrator does: look, look at the changes, and make them. It
// returns what the files were before.
func setUp(t *testing.T, root string) map[string]string {
	t.Helper()
	before := files(t, root)
	if r := lomSetup(t, root); r.Code != 1 ||
		!strings.Contains(r.Stdout, "Serial over LAN: ttyS0 at 115200 bit/s") ||
		!strings.Contains(r.Stdout, "--apply") {
		t.Errorf("nothing is set up, but: %s", r)
	}
	dry := lomSetup(t, root, "--dry-run")
	if dry.Code != 0 || !strings.Contains(dry.Stdout, "\n+") ||
		!strings.Contains(dry.Stdout, "ttyS0") {
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
	if r := lomSetup(t, root); r.Code != 0 || strings.Contains(r.Stdout, "missing") ||
		strings.Contains(r.Stdout, "wrong") {
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
	if r := lomSetup(t, root, "--undo"); r.Code != 1 ||
		!strings.Contains(r.Stderr, "nothing to undo") {
		t.Errorf("a second undo: %s", r)
	}
}

// The unpacked systems of some distributions are set up for SOL, and put back.
func TestMachineSetupConsole(t *testing.T) {
	for _, name := range []string{"debian", "fedora", "suse", "alpine", "centos5", "sles11",
		"debian5", "arch"} {
		t.Run(name, func(t *testing.T) {
			a, err := txtar.ParseFile(filepath.Join("../../setup/testdata", name+".txtar"))
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
					err = os.WriteFile(p, f.Data, 0o640)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			undo(t, root, setUp(t, root))
		})
	}
}

// Of a system whose boot loader is not understood, lom says so and exits 1; --apply leaves it as it
// is, unless the rest is asked for.
func TestMachineSetupConsoleUnknown(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"etc/redhat-release": "CentOS release 4.8 (Final)\n", "etc/lilo.conf": "boot=/dev/sda\n",
		"etc/inittab": "id:3:initdefault:\n", "etc/securetty": "tty1\n", "sbin/agetty": "",
	} {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	before := files(t, root)
	if r := lomSetup(t, root); r.Code != 1 || !strings.Contains(r.Stdout, "LILO") ||
		strings.Contains(r.Stdout, "agrees with SOL.") {
		t.Errorf("got %s, want LILO named and exit code 1", r)
	}
	for _, more := range []string{"--apply", "--partly"} {
		if r := lomSetup(t, root, more); r.Code != 1 || !strings.Contains(r.Stderr, "--partly") {
			t.Errorf("%s: got %s, want a refusal that names --partly", more, r)
		}
	}
	if d := differences(before, files(t, root)); len(d) > 0 {
		t.Errorf("the refusals have changed %v", d)
	}
	r := lomSetup(t, root, "--apply", "--partly")
	if r.Code != 1 || !strings.Contains(r.Stdout,
		"Whether the system agrees with SOL is unknown.") {
		t.Errorf("got %s, want that it is unknown, and exit code 1", r)
	}
	if r := lomSetup(t, root, "-o", "json"); r.Code != 1 ||
		!strings.Contains(r.Stdout, `"agrees": false`) ||
		!strings.Contains(r.Stdout, `"verdict": "unknown"`) {
		t.Errorf("got %s, want the verdict unknown", r)
	}
	undo(t, root, before)
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

// What a disk of a test has: sectors, and its only partition.
const sector, partStart, partSize = 512, 2048, 192 << 20

// diskImage makes a disk of a system, with GRUB in front of its only partition, as grub-install
// leaves it.
func diskImage(t *testing.T, root string) string {
	t.Helper()
	core := filepath.Join(t.TempDir(), "core.img")
	command(t, "grub-mkimage", "-O", "i386-pc", "-o", core, "-p", "(hd0,msdos1)/boot/grub",
		"biosdisk", "part_msdos", "ext2")
	boot, err := os.ReadFile("/usr/lib/grub/i386-pc/boot.img")
	if err != nil {
		t.Fatal(err)
	}
	loader, err := os.ReadFile(core)
	if err != nil {
		t.Fatal(err)
	}
	if len(boot) != sector || len(loader) > (partStart-1)*sector {
		t.Fatalf("GRUB's images have %d and %d bytes", len(boot), len(loader))
	}
	return diskOf(t, root, boot, loader, "-t", "ext4")
}

// diskOf makes a disk of a system, with a boot sector and what follows it.
func diskOf(t *testing.T, root string, boot, loader []byte, format ...string) string {
	t.Helper()
	dir := t.TempDir()
	image, partition := filepath.Join(dir, "disk.img"), filepath.Join(dir, "partition")
	command(t, "mke2fs", append(append([]string{"-q", "-F"}, format...),
		"-E", "root_owner=0:0", "-d", root, partition, fmt.Sprint(partSize/1024))...)
	// The partition table lies within the boot sector, where the image has code for floppy disks.
	clear(boot[446:510])
	entry := boot[446:462]
	entry[0], entry[4] = 0x80, 0x83 // active; Linux
	binary.LittleEndian.PutUint32(entry[8:], partStart)
	binary.LittleEndian.PutUint32(entry[12:], partSize/sector)
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
			_, err = io.Copy(io.NewOffsetWriter(disk, partStart*sector), part)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// powerOn boots a disk as a machine behind a BMC of ours, and returns a terminal with its console.
func powerOn(t *testing.T, image string) *programs.Terminal {
	t.Helper()
	config := filepath.Join(t.TempDir(), "machine.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil,
		"host:\n  power: off\n  qemu: {memory: 256, disks: [%s]}\n", image), 0o600); err != nil {
		t.Fatal(err)
	}
	bmc := programs.StartBMC(t, "--config", config)
	x := programs.StartTerminal(t, programs.Lom(), bmc.Tool("lanplus", "sol", "activate")...)
	x.Wait("SOL Session operational")
	quiet(t, programs.Run(t, t.TempDir(), programs.Lom(), bmc.Tool("lanplus", "power", "on")...))
	return x
}

// logIn goes from init's first word to root's shell on the line, and ends the console.
func logIn(t *testing.T, x *programs.Terminal) {
	t.Helper()
	for _, shown := range []string{"INIT:", "login: "} {
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

// A Debian that knows nothing of a serial console is set up on its unpacked root, and then boots as
// a machine behind a BMC of ours: over SOL there are GRUB's menu, in which a key moves, the kernel,
// and the prompt, at which root logs in.
func TestMachineSetupConsoleBoots(t *testing.T) {
	t.Parallel()
	root := debian(t)
	before := setUp(t, root)
	image := diskImage(t, root)
	undo(t, root, before)

	x := powerOn(t, image)
	x.Within(bootTime, "GNU GRUB")
	x.Within(bootTime, "Debian GNU/Linux")
	x.Press(keyDown, bootTime, "*Advanced options")
	x.Press(keyUp, bootTime, "*Debian GNU/Linux")
	x.Type("\r")
	x.Within(bootTime, "Loading Linux")
	x.Within(bootTime, "Loading initial ramdisk")
	logIn(t, x)
}

// grubLegacy unpacks Debian's package of GRUB before version 2, and returns where. It is not
// installed: the package would take the place of the system's own boot loader.
func grubLegacy(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	dir := filepath.Join(cache, "lom-test", "grub-legacy")
	if _, err := os.Stat(filepath.Join(dir, "usr/sbin/grub")); err == nil {
		return dir
	}
	programs.Need(t, "apt-get", "dpkg-deb")
	work := t.TempDir()
	get := exec.Command("apt-get", "download", "-q", "grub-legacy")
	get.Dir = work
	if out, err := get.CombinedOutput(); err != nil {
		t.Skipf("Debian's grub-legacy cannot be had: %v\n%s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(work, "grub-legacy_*.deb"))
	if err != nil || len(found) != 1 {
		t.Fatalf("got %v, %v, want one package", found, err)
	}
	command(t, "dpkg-deb", "-x", found[0], dir)
	return dir
}

// A system with GRUB legacy, as Red Hat's installer left it, is set up on its unpacked root, and
// then boots as a machine behind a BMC of ours: over SOL, GRUB asks for a key, shows its menu in
// 80x25, and the kernel, init and the prompt follow.
func TestMachineSetupLegacyGrubBoots(t *testing.T) {
	t.Parallel()
	root, legacy := debian(t), grubLegacy(t)
	if err := os.RemoveAll(filepath.Join(root, "boot/grub")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(root, "etc/default/grub")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "boot/grub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, stage := range []string{"stage1", "stage2", "e2fs_stage1_5"} {
		command(t, "cp", filepath.Join(legacy, "usr/lib/grub/x86_64-pc", stage),
			filepath.Join(root, "boot/grub"))
	}
	kernels, err := filepath.Glob(filepath.Join(root, "boot/vmlinuz-*"))
	if err != nil || len(kernels) != 1 {
		t.Fatalf("got the kernels %v, %v, want one", kernels, err)
	}
	version := strings.TrimPrefix(filepath.Base(kernels[0]), "vmlinuz-")
	// The times are a minute, because this machine may be slow.
	menu := "# grub.conf generated by anaconda\n#boot=/dev/sda\ndefault=0\ntimeout=60\nterminal " +
		"--timeout=60 console\n" +
		"splashimage=(hd0,0)/boot/grub/splash.xpm.gz\nhiddenmenu\n" +
		"title CentOS (" + version + ")\n\troot (hd0,0)\n\tkernel /boot/vmlinuz-" + version +
		" ro root=/dev/sda1 rhgb quiet\n" +
		"\tinitrd /boot/initrd.img-" + version + "\n" +
		"title Second\n\troot (hd0,0)\n\tkernel /boot/vmlinuz-" + version +
		" ro root=/dev/sda1 single\n"
	if err := os.WriteFile(filepath.Join(root, "boot/grub/grub.conf"), []byte(menu), 0o600); err !=
		nil {
		t.Fatal(err)
	}
	if err := os.Symlink("./grub.conf", filepath.Join(root, "boot/grub/menu.lst")); err != nil {
		t.Fatal(err)
	}
	before := setUp(t, root)
	// GRUB legacy reads neither ext4 nor, before 2008, inodes of 256 bytes.
	image := diskOf(t, root, make([]byte, sector), nil, "-t", "ext2", "-I", "128")
	undo(t, root, before)

	shell := exec.Command(filepath.Join(legacy, "usr/sbin/grub"), "--batch",
		"--device-map=/dev/null")
	shell.Stdin = strings.NewReader("device (hd0) " + image + "\nroot (hd0,0)\nsetup (hd0)\nquit\n")
	if out, err := shell.CombinedOutput(); err != nil || !strings.Contains(string(out), "Done.") {
		t.Fatalf("GRUB is not installed: %v\n%s", err, out)
	}
	x := powerOn(t, image)
	x.Within(bootTime, "Press any key to continue.")
	x.Press(" ", bootTime, "GNU GRUB  version 0.97")
	x.Within(bootTime, "CentOS (")
	x.Type("\r")
	x.Within(bootTime, "Booting 'CentOS (")
	logIn(t, x)
}
