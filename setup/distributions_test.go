package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	noConsole = "BIOS=unknown boot loader=missing kernel=missing log-in prompt=missing root " +
		"log-in=missing"
	onSerial1  = "console=tty0 console=ttyS1,115200n8"
	grubSerial = "serial --unit=1 --speed=115200 --word=8 --parity=no --stop=1\n"
)

// The distributions of docs/console-setup.md, from nothing to a console that agrees, and back. The
// page has a row for each.
var distributions = []struct {
	name, release, before string
	has                   map[string]string // file: what it contains after
}{
	{"centos5", "CentOS release 5.5 (Final)", noConsole, map[string]string{
		"boot/grub/grub.conf": "#boot=/dev/sda\n" + grubSerial +
			"terminal --timeout=5 console serial\ndefault=0\ntimeout=5\n" +
			"#splashimage=(hd0,0)/grub/splash.xpm.gz\n#hiddenmenu\ntitle CentOS " +
			"(2.6.18-238.el5)\n\troot (hd0,0)\n" +
			"\tkernel /vmlinuz-2.6.18-238.el5 ro root=/dev/VolGroup00/LogVol00 rhgb quiet " +
			onSerial1 + "\n",
		"boot/grub/menu.lst": "\tkernel /vmlinuz-2.6.18-194.el5 ro root=/dev/VolGroup00/LogVol00 " +
			"rhgb quiet " + onSerial1 + "\n",
		"etc/inittab": "x:5:respawn:/etc/X11/prefdm " +
			"-nodaemon\nS1:2345:respawn:/sbin/agetty -L 115200 ttyS1 vt100\n",
		"etc/securetty": "tty2\nttyS1\n",
	}},
	{"centos5-xen", "CentOS release 5.5 (Final)",
		"BIOS=unknown boot loader=wrong kernel=wrong log-in prompt=missing root log-in=missing",
		map[string]string{
			"boot/grub/grub.conf": grubSerial +
				"terminal --timeout=10 serial console\ndefault=0\ntimeout=5\n#splashimage=",
			"boot/grub/menu.lst": "\tkernel /xen.gz-2.6.18-238.el5 com2=115200,8n1 " +
				"console=com2,vga\n" +
				"\tmodule /vmlinuz-2.6.18-238.el5xen ro root=/dev/VolGroup00/LogVol00 rhgb quiet " +
				onSerial1 + " xencons=ttyS1\n" +
				"\tmodule /initrd-2.6.18-238.el5xen.img\n" +
				"title CentOS (2.6.18-194.el5xen)\n\troot (hd0,0)\n\tkernel " +
				"/xen.gz-2.6.18-194.el5 " +
				"com2=115200,8n1 console=com2\n" +
				"\tmodule /vmlinuz-2.6.18-194.el5xen ro root=/dev/VolGroup00/LogVol00 " +
				onSerial1 +
				" xencons=ttyS1\n" +
				"\tmodule /initrd-2.6.18-194.el5xen.img\ntitle CentOS-base " +
				"(2.6.18-194.el5)\n\troot " +
				"(hd0,0)\n" +
				"\tkernel /vmlinuz-2.6.18-194.el5 ro root=/dev/VolGroup00/LogVol00 " + onSerial1 +
				"\n" +
				"\tinitrd /initrd-2.6.18-194.el5.img\ntitle memtest86\n\troot (hd0,0)\n\tkernel " +
				"/memtest86+-1.65 ro\n",
		}},
	{"centos6", "CentOS release 6.10 (Final)",
		"BIOS=unknown boot loader=missing kernel=missing log-in prompt=ok root log-in=missing",
		map[string]string{
			"boot/grub/grub.conf":  "rd_NO_DM rhgb quiet " + onSerial1 + "\n",
			"etc/init/serial.conf": "exec /sbin/agetty /dev/$DEV $SPEED vt100-nav\n",
			"etc/inittab":          "id:3:initdefault:\n",
			"etc/securetty":        "ttyS1\n",
		}},
	{"sles11", "SUSE Linux Enterprise Server 11 (x86_64) SP4", noConsole, map[string]string{
		"boot/grub/menu.lst": "/etc/sysconfig/bootloader\n\n" + grubSerial +
			"terminal --timeout=5 console serial\ndefault 0\ntimeout 8\n" +
			"##YaST - generic_mbr\n#gfxmenu (hd0,1)/boot/message\n",
		"etc/sysconfig/bootloader": `DEFAULT_APPEND="resume=/dev/sda1 splash=silent crashkernel=256M-:128M showopts ` + onSerial1 + `"`,
		"etc/inittab":              "S1:2345:respawn:/sbin/agetty -L 115200 ttyS1 vt100\n",
		"etc/grub.conf": "setup --stage2=/boot/grub/stage2 --force-lba (hd0,1) " +
			"(hd0,1)\nquit\n",
	}},
	{"debian5", "Debian 5.0.10",
		"BIOS=unknown boot loader=missing kernel=missing log-in prompt=missing root log-in=ok",
		map[string]string{
			"boot/grub/menu.lst": "# kopt=root=/dev/sda1 ro " + onSerial1 +
				"\n\n## default grub root device\n",
			"etc/inittab": "#T0:23:respawn:/sbin/getty -L ttyS0 9600 " +
				"vt100\nS1:2345:respawn:/sbin/getty -L 115200 ttyS1 vt100\n",
		}},
	{"debian", "Debian GNU/Linux 12 (bookworm)",
		"BIOS=unknown boot loader=missing kernel=missing log-in prompt=missing root log-in=ok",
		map[string]string{
			"etc/default/grub":   `GRUB_CMDLINE_LINUX="` + onSerial1 + `"`,
			"boot/grub/grub.cfg": "root=UUID=1b5e ro quiet " + onSerial1 + "\n",
		}},
	{"ubuntu1404", "Ubuntu 14.04.6 LTS", noConsole, map[string]string{
		"etc/init/ttyS1.conf": "respawn\nexec /sbin/getty -L 115200 ttyS1 vt100\n",
		"boot/grub/grub.cfg": grubSerial +
			"terminal_input console serial\nterminal_output gfxterm serial\n",
		"etc/default/grub": `GRUB_TERMINAL="console serial"`,
	}},
	{"ubuntu2204", "Ubuntu 22.04.4 LTS",
		"BIOS=unknown boot loader=missing kernel=wrong log-in prompt=missing root log-in=ok",
		map[string]string{
			"etc/default/grub": `GRUB_CMDLINE_LINUX="` + onSerial1 + `"`,
			"etc/default/grub.d/50-cloudimg-settings.cfg": "GRUB_CMDLINE_LINUX_DEFAULT=\"\"\n\n# Set " +
				"the grub console type\nGRUB_TERMINAL=\"console serial\"\n",
			"etc/grub.d/40_custom": "\tlinux\t/boot/vmlinuz-rescue " +
				"root=/dev/sda3 ro " + onSerial1 + "\n",
			"boot/grub/grub.cfg": "root=LABEL=cloudimg-rootfs ro " +
				"console=tty1 console=ttyS1,115200n8\n",
		}},
	{"fedora", "Fedora Linux 41 (Server Edition)",
		"BIOS=unknown boot loader=missing kernel=wrong log-in prompt=wrong root log-in=ok",
		map[string]string{
			"boot/loader/entries/abc-6.11.conf": "options root=UUID=77 ro rhgb quiet " + onSerial1 +
				"\n",
			"etc/kernel/cmdline":           onSerial1,
			"boot/grub2/grub.cfg":          "terminal_output console serial\n",
			"boot/efi/EFI/fedora/grub.cfg": "configfile",
			"etc/systemd/system/serial-getty@ttyS1.service.d/zz-lom-rate.conf": "agetty 115200 %I",
		}},
	{"rhel8", "Red Hat Enterprise Linux 8.10 (Ootpa)",
		"BIOS=unknown boot loader=missing kernel=missing log-in prompt=missing root log-in=ok",
		map[string]string{
			"boot/efi/EFI/redhat/grubenv": "rd.lvm.lv=rhel/root " +
				"rhgb quiet " + onSerial1 + "\nboot_success=0\n####",
			"boot/efi/EFI/redhat/grub.cfg": `  set kernelopts="root=/dev/mapper/rhel-root ro crashkernel=auto rhgb quiet ` + onSerial1 + `"`,
			"boot/loader/entries/4f-4.18.0-553.el8_10.x86_64.conf": "options $kernelopts " +
				"$tuned_params\n",
			"etc/systemd/system/getty.target.wants/serial-getty@ttyS1.service": "ExecStart",
		}},
	{"sles12", "SUSE Linux Enterprise Server 12 SP5", noConsole, map[string]string{
		"etc/default/grub": `GRUB_TERMINAL="console serial"`,
		"boot/grub2/grub.cfg": "terminal_input console serial\nterminal_output gfxterm " +
			"serial\n",
		"etc/sysconfig/bootloader": "LOADER_TYPE=\"grub2\"\n",
		"etc/securetty":            "tty1\nttyS1\n",
	}},
	{"suse", "openSUSE Leap 15.6",
		"BIOS=unknown boot loader=wrong kernel=wrong log-in prompt=missing root log-in=missing",
		map[string]string{
			"etc/default/grub":    `GRUB_CMDLINE_LINUX_DEFAULT="splash=silent quiet"`,
			"boot/grub2/grub.cfg": "serial --unit=1 --speed=115200",
			"etc/securetty":       "ttyS0\nttyS1\n",
		}},
	{"alpine", "Alpine Linux v3.20",
		"BIOS=unknown boot loader=missing kernel=missing log-in prompt=wrong root log-in=missing",
		map[string]string{
			"boot/extlinux.conf":       "SERIAL 1 115200\nDEFAULT",
			"etc/update-extlinux.conf": "serial_port=1\n",
			"etc/inittab":              "ttyS1::respawn:/sbin/getty -L 115200 ttyS1 vt100\n",
		}},
	{"alpine-grub", "Alpine Linux v3.20", noConsole, map[string]string{
		"etc/default/grub":   `GRUB_CMDLINE_LINUX="` + onSerial1 + `"`,
		"boot/grub/grub.cfg": "quiet rootfstype=ext4 " + onSerial1 + "\n",
		"etc/inittab":        "ttyS1::respawn:/sbin/getty -L 115200 ttyS1 vt100\n",
	}},
	{"arch", "Arch Linux", "BIOS=unknown boot loader=ok kernel=missing log-in prompt=missing " +
		"root log-in=ok", map[string]string{
		"boot/loader/entries/arch.conf":  "initrd  /initramfs-linux.img\noptions root=UUID=77 rw quiet " + onSerial1 + "\n",
		"boot/loader/entries/shell.conf": "title UEFI shell\nefi /shellx64.efi\n",
	}},
}

// Each distribution is examined, set up, examined again and put back. The tree of CentOS 5 is that
// of the oldest how-tos.
func TestDistributions(t *testing.T) {
	want := Line{"ttyS1", 115200}
	page, err := os.ReadFile("../docs/console-setup.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range distributions {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(string(page), "`"+c.name+"`") {
				t.Errorf("docs/console-setup.md has no row for %s", c.name)
			}
			root := unpack(t, c.name)
			before := snapshot(t, root)
			r, err := Examine(root, want)
			if err != nil {
				t.Fatal(err)
			}
			if r.Distribution != c.release {
				t.Errorf("got the name %q, want %q", r.Distribution, c.release)
			}
			if got := states(r); got != c.before {
				t.Errorf("got  %s\nwant %s\n%+v", got, c.before, r.Findings)
			}
			if r.Verdict() != Wrong || len(r.Diff()) == 0 {
				t.Errorf("got verdict %v and the changes %q, want wrong and some", r.Verdict(),
					r.Diff())
			}
			for p, s := range snapshot(t, root) {
				if before[p] != s {
					t.Errorf("looking changed %s", p)
				}
			}
			if err := r.Refusal(); err != nil {
				t.Errorf("refused: %v", err)
			}
			if err := Apply(root, r); err != nil {
				t.Fatal(err)
			}
			for name, s := range c.has {
				b, err := os.ReadFile(filepath.Join(root, name))
				if strings.Contains(name, ".target.wants") {
					b, err = os.ReadFile(filepath.Join(root,
						"usr/lib/systemd/system/serial-getty@.service"))
				}
				if err != nil || !strings.Contains(string(b), s) {
					t.Errorf("%s lacks %q: %v\n%s", name, s, err, b)
				}
			}
			if b, err := os.ReadFile(filepath.Join(root, "boot/efi/EFI/redhat/grubenv")); err ==
				nil && len(b) != environmentSize {
				t.Errorf("got an environment block of %d bytes, want %d", len(b), environmentSize)
			}
			again, err := Examine(root, want)
			if err != nil {
				t.Fatal(err)
			}
			if again.Verdict() != OK {
				t.Errorf("after apply: got %+v, want all ok", again.Findings)
			}
			if len(again.Changes) != 0 {
				t.Errorf("a second apply would change:\n%s", again.Diff())
			}
			if _, err := Undo(root); err != nil {
				t.Fatal(err)
			}
			after := snapshot(t, root)
			for p, s := range before {
				if after[p] != s {
					t.Errorf("undo left %s as\n%s", p, after[p])
				}
			}
			if len(after) != len(before) {
				t.Errorf("undo left %d files, there were %d", len(after), len(before))
			}
		})
	}
}

// What hides boot messages, and a run level with a graphical log-in, are named.
func TestHidersAreNamed(t *testing.T) {
	r, err := Examine(unpack(t, "centos5"), Line{"ttyS1", 115200})
	if err != nil {
		t.Fatal(err)
	}
	if says := r.Findings[2].Says; !strings.Contains(says, "rhgb and quiet hide boot messages") {
		t.Errorf("the kernel's finding: got %q, want rhgb and quiet named", says)
	}
	if says := r.Findings[3].Says; !strings.Contains(says, "run level 5") ||
		!strings.Contains(says, "id:3:initdefault:") {
		t.Errorf("the prompt's finding: got %q, want the run levels 5 and 3 named", says)
	}
}

// systems are trees of which something is not understood, by their files.
var systems = []struct {
	name  string
	files map[string]string
	says  string // of the boot loader or the kernel
}{
	{"nothing", map[string]string{"etc/os-release": "PRETTY_NAME=x\n"}, "none is there that is known"},
	{"no menu", map[string]string{"etc/default/grub": "GRUB_TIMEOUT=5\n"}, "not the menu"},
	{"LILO", map[string]string{"etc/lilo.conf": "boot=/dev/sda\n"}, "serial=1,115200n8"},
	{"ELILO", map[string]string{"etc/elilo.conf": ""}, "ELILO"},
	{"yaboot", map[string]string{"etc/yaboot.conf": ""}, "yaboot"},
	{"U-Boot", map[string]string{"boot/boot.scr": ""}, "U-Boot"},
	{"rEFInd", map[string]string{"boot/refind_linux.conf": ""}, "rEFInd"},
	{"Limine", map[string]string{"boot/limine.conf": ""}, "Limine"},
	{"FreeBSD", map[string]string{"boot/kernel/kernel": "", "boot/loader.conf": "", "etc/ttys": ""}, "FreeBSD"},
	{"OpenBSD", map[string]string{"bsd": "", "etc/boot.conf": "", "etc/ttys": ""}, "set tty com1"},
	{"NetBSD", map[string]string{"netbsd": "", "boot.cfg": "", "etc/ttys": ""}, "NetBSD"},
	{"unified image", map[string]string{"etc/kernel/cmdline": "quiet\n", "efi/loader/loader.conf": "", "efi/EFI/Linux/a.efi": ""}, "unified kernel image"},
	{"Xen with GRUB 2", map[string]string{"boot/grub/grub.cfg": "menuentry 'Xen' {\nmultiboot2 /boot/xen-4.17.gz\nmodule2 /boot/vmlinuz-6 quiet\n}\n"}, "starts Xen"},
	{"GRUB without Linux", map[string]string{"boot/grub/menu.lst": "title Windows\nrootnoverify (hd0,0)\nchainloader +1\n"}, "no boot entry"},
	{"no getty", map[string]string{"boot/grub/menu.lst": "title x\nkernel /vmlinuz\n",
		"sbin/mingetty": "",
		"etc/inittab":   "id:3:initdefault:\n1:2345:respawn:/sbin/mingetty tty1\n"},
		"none of agetty, getty, mgetty is installed"},
}

// An unknown boot loader, kernel or init is never an agreement. It is named; the rest can be
// changed all the same.
func TestUnknownIsNotAnAgreement(t *testing.T) {
	for _, c := range systems {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			c.files["etc/x"] = ""
			for name, text := range c.files {
				writeFile(t, root, name, text)
			}
			r, err := Examine(root, Line{"ttyS1", 115200})
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict() == OK {
				t.Errorf("got the verdict %v, want another: %+v", r.Verdict(), r.Findings)
			}
			var all string
			for _, f := range r.Findings {
				if f.Stuck {
					all += f.Says + "\n"
				}
			}
			if !strings.Contains(all, c.says) {
				t.Errorf("got %q, want %q in it", all, c.says)
			}
			err = r.Refusal()
			if err == nil || !strings.Contains(err.Error(), "nothing was changed") ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("refusal: got %v, want one sentence that nothing was changed", err)
			}
			if err := Apply(root, r); err != nil {
				t.Errorf("apply: got %v, want no error", err)
			}
			if r, err = Examine(root, r.Line); err != nil || r.Verdict() == OK ||
				len(r.Changes) > 0 {
				t.Errorf("after apply: got %v, verdict %v and changes\n%s", err, r.Verdict(),
					r.Diff())
			}
		})
	}
}

func writeFile(t *testing.T, root, name, text string) {
	t.Helper()
	p := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
