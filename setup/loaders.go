package setup

import (
	"strconv"
	"strings"
)

// bootLoader looks at every boot loader that is understood, and plans to mend it. Others are named.
func bootLoader(t *tree, want Line) (Finding, error) {
	w := worst{Finding: Finding{Layer: "boot loader"}}
	if _, ok := want.unit(); !ok {
		w.unknown("", "boot loaders cannot use "+want.Port+
			": their menu is where the firmware shows its own")
		return w.Finding, nil
	}
	menu := bootLoaderSystemd(t, &w)
	for _, look := range []func(*tree, Line, *worst) (bool, error){
		bootLoaderGrub, bootLoaderLegacy, bootLoaderExtlinux,
	} {
		is, err := look(t, want, &w)
		if err != nil {
			return w.Finding, err
		}
		menu = menu || is
	}
	if menu {
		return w.Finding, nil
	}
	where, says := t.otherLoader(want)
	if w.any && where == "" {
		where = w.Where
		says = "the settings of a boot loader are there, but not the menu that is made of them; " +
			mountFirst
	}
	w.unknown(where, says)
	return w.Finding, nil
}

// others are boot loaders that are recognized only, by a file of theirs, and what sets them up for
// a serial line.
var others = []struct{ file, name, remedy string }{
	{"/etc/lilo.conf", "LILO", "add serial={unit},{baud}n8 and append=\"console=tty0 console=ttyS{unit},{baud}n8\" there, and run lilo"},
	{"/etc/elilo.conf", "ELILO", "add append=\"console=tty0 console=ttyS{unit},{baud}n8\" there, and run elilo"},
	{"/etc/yaboot.conf", "yaboot", "add append=\"console=ttyS{unit},{baud}n8\" there, and run ybin"},
	{"/etc/zipl.conf", "zipl", "a mainframe has no SOL"},
	{"/boot/efi/EFI/refind/refind.conf", "rEFInd", "add the console to /boot/refind_linux.conf"},
	{"/boot/refind_linux.conf", "rEFInd", "add console=tty0 console=ttyS{unit},{baud}n8 there"},
	{"/boot/limine.conf", "Limine", "add serial: yes, and the console to each cmdline, there"},
	{"/boot/limine/limine.conf", "Limine", "add serial: yes, and the console to each cmdline, there"},
	{"/boot/boot.scr", "U-Boot", "set bootargs in its environment"},
	{"/boot/uEnv.txt", "U-Boot", "set bootargs there"},
}

// bsds are systems that are not Linux, by their kernels.
var bsds = []struct{ kernel, name, loader, remedy string }{
	{"/boot/kernel/kernel", "FreeBSD", "/boot/loader.conf", "set boot_multicons=\"YES\", console=\"comconsole,vidconsole\", comconsole_port and comconsole_speed=\"{baud}\" there, and ttyu{unit} in /etc/ttys"},
	{"/bsd", "OpenBSD", "/etc/boot.conf", "put \"stty com{unit} {baud}\" and \"set tty com{unit}\" there, and tty0{unit} in /etc/ttys"},
	{"/netbsd", "NetBSD", "/boot.cfg", "put \"consdev=com{unit},{baud}\" there, and tty0{unit} in /etc/ttys"},
	{"/platform/i86pc/kernel/amd64/unix", "illumos or Solaris", "/boot/solaris/bootenv.rc", "set console and its mode with eeprom(8)"},
}

// otherLoader names a boot loader that is not understood, the file, and what to do.
func (t *tree) otherLoader(want Line) (where, says string) {
	unit, _ := want.unit()
	fill := strings.NewReplacer("{unit}", unit, "{baud}", strconv.Itoa(want.Baud))
	for _, b := range bsds {
		if t.exists(b.kernel) {
			return b.loader, "this is " + b.name + ", which lom does not set up; " +
				fill.Replace(b.remedy)
		}
	}
	for _, o := range others {
		if t.exists(o.file) {
			return o.file, "the boot loader is " + o.name + ", which lom does not set up; " +
				fill.Replace(o.remedy)
		}
	}
	return "", "none is there that is known: GRUB, GRUB 2, systemd-boot or extlinux; " + mountFirst
}

const mountFirst = "if /boot is a file system of its own, mount it first"
