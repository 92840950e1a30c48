package qemu

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"lom/bmc/host"
)

// Config describes a machine. What is left out is QEMU's own default where nothing else is said.
type Config struct {
	Name    string // in QEMU's process list
	Program string // "" is qemu-system-x86_64
	Machine string // type; "" is pc
	Accel   string // "" is tcg, which works everywhere; kvm is faster where there is KVM
	Memory  int    // MiB; 0 is 512
	CPUs    int    // 0 is 1

	Firmware string // file of UEFI firmware, or "ovmf" for the distribution's; "" is SeaBIOS
	// file of the UEFI variables, made if it is not there; "" keeps them until Close
	NVRAM string

	Disks   []string // images, raw or qcow2; at most 2
	CDROM   string   // image
	Kernel  string   // started by QEMU itself, without a boot device
	Initrd  string   // of Kernel
	Append  string   // command line of Kernel
	Network []string // "user", or what follows QEMU's option -netdev; each is one e1000 card
	Args    []string // more arguments to QEMU

	// History is how many of the newest characters of its serial port those get who open it.
	History int

	// Attach is the path of the QMP socket of a machine that somebody else starts. All above is
	// then without meaning.
	Attach string
	// Wire is the path of the socket to which such a machine's ipmi-bmc-extern connects; "" if it
	// has none.
	Wire string

	On bool // power comes on when the BMC starts for the first time
}

// paths are the sockets and files of a machine.
type paths struct {
	dir     string
	console bool // the machine has a serial port
}

func (p paths) qmp() string    { return filepath.Join(p.dir, "qmp") }
func (p paths) ipmi() string   { return filepath.Join(p.dir, "ipmi") }
func (p paths) serial() string { return filepath.Join(p.dir, "serial") }
func (p paths) vars() string   { return filepath.Join(p.dir, "nvram") }
func (p paths) port() string   { return filepath.Join(p.dir, "sercon-port") }

// escape writes a file name as part of an argument with commas in it.
func escape(s string) string { return strings.ReplaceAll(s, ",", ",,") }

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Check says what is wrong in a description, without a look at the files it names.
func (c *Config) Check() error {
	described := c.Firmware + c.NVRAM + c.CDROM + c.Kernel + c.Initrd + c.Append + c.Program +
		c.Machine + c.Accel
	switch {
	case c.Attach != "" && (described != "" ||
		len(c.Disks)+len(c.Network)+len(c.Args)+c.Memory+c.CPUs != 0):
		return errors.New("a machine that is attached to by qmp is described where it is " +
			"started; remove the other keys")
	case c.Wire != "" && c.Attach == "":
		return errors.New("ipmi is the socket of a machine that is attached to by qmp; remove " +
			"it, or name the other too")
	case c.Attach != "" && c.On:
		return errors.New("a machine that is attached to by qmp is not started here; remove " +
			"power: on")
	case c.Memory < 0 || c.CPUs < 0:
		return errors.New("memory and cpus are positive numbers")
	case len(c.Disks) > 2:
		return errors.New("there is room for two disks; give more by args")
	case c.Kernel == "" && c.Initrd+c.Append != "":
		return errors.New("initrd and append belong to a kernel; name it")
	case c.NVRAM != "" && c.Firmware == "":
		return errors.New("nvram belongs to UEFI firmware; name it by firmware, such as " +
			"firmware: ovmf")
	}
	return nil
}

// arguments returns QEMU's arguments for a start from boot.
func (c *Config) arguments(boot host.Boot, p paths) ([]string, error) {
	memory := c.Memory
	if memory == 0 {
		memory = 512
	}
	a := []string{"-nodefaults", "-no-user-config", "-display", "none", "-M", or(c.Machine, "pc"),
		"-accel", or(c.Accel, "tcg"),
		"-m", strconv.Itoa(memory), "-smp", strconv.Itoa(max(c.CPUs, 1))}
	if c.Name != "" {
		a = append(a, "-name", escape(c.Name))
	}
	a = append(a, "-chardev", "socket,id=lom-qmp,path="+escape(p.qmp()), "-mon",
		"chardev=lom-qmp,mode=control",
		"-chardev", "socket,id=lom-ipmi,reconnect=1,path="+escape(p.ipmi()),
		"-device", "ipmi-bmc-extern,id=lom-bmc,chardev=lom-ipmi", "-device",
		"isa-ipmi-kcs,bmc=lom-bmc")
	if p.console {
		a = append(a, "-chardev", "socket,id=lom-serial,path="+escape(p.serial()), "-serial",
			"chardev:lom-serial")
		if c.Firmware == "" {
			// SeaBIOS writes to the serial port
			a = append(a, "-fw_cfg", "name=etc/sercon-port,file="+escape(p.port()))
		}
	}
	if c.Firmware != "" {
		code, _, err := c.firmware()
		if err != nil {
			return nil, err
		}
		a = append(a, "-drive", "if=pflash,unit=0,format=raw,readonly=on,file="+escape(code),
			"-drive", "if=pflash,unit=1,format=raw,file="+escape(or(c.NVRAM, p.vars())))
	}
	for i, d := range c.Disks {
		a = append(a, "-drive", fmt.Sprintf("if=ide,index=%d,media=disk,format=%s,file=%s", i,
			format(d), escape(d)))
	}
	if c.CDROM != "" {
		a = append(a, "-drive", "if=ide,index=2,media=cdrom,readonly=on,format=raw,file="+
			escape(c.CDROM))
	}
	for i, n := range c.Network {
		a = append(a, "-netdev", fmt.Sprintf("%s,id=lom-net%d", n, i), "-device",
			fmt.Sprintf("e1000,netdev=lom-net%d", i))
	}
	order, ok := bootOrder[boot.Device]
	if !ok {
		return nil, host.ErrUnsupported
	}
	if c.Kernel != "" && (boot.Device == host.BootDefault || order[0] == 'c' && len(c.Disks) == 0) {
		a = append(a, "-kernel", c.Kernel)
		if c.Initrd != "" {
			a = append(a, "-initrd", c.Initrd)
		}
		if c.Append != "" {
			a = append(a, "-append", c.Append)
		}
	}
	menu := ""
	switch {
	case c.Firmware != "":
		menu = ",menu=on" // UEFI firmware waits for a key as long as its own setting says
	case boot.Device == host.BootSetup:
		menu = ",menu=on,splash-time=10000" // SeaBIOS has no set-up, but a boot menu
	}
	a = append(a, "-boot", "order="+order+menu)
	return append(a, c.Args...), nil
}

// asksForSetup reports whether firmware is asked for its set-up screens by a UEFI variable.
func (c *Config) asksForSetup(boot host.Boot) bool {
	return c.Firmware != "" && boot.Device == host.BootSetup
}

// bootOrder is the order in which drives are tried, in QEMU's letters: c disk, d CD, n network, a
// floppy.
var bootOrder = map[host.Device]string{
	host.BootDefault: "cdn", host.BootDisk: "cdn", host.BootSafe: "cdn", host.BootDiagnostic: "cdn",
	host.BootSetup:   "cdn",
	host.BootNetwork: "ncd", host.BootCD: "dcn", host.BootFloppy: "acd",
}

// format returns the format of an image. QEMU is told, because a guest may write the signature of
// another one into a raw image.
func format(image string) string {
	f, err := os.Open(image)
	if err != nil {
		return "raw" // QEMU says what is wrong with the file
	}
	defer f.Close()
	var magic [4]byte
	if _, err := io.ReadFull(f, magic[:]); err == nil && bytes.Equal(magic[:], []byte("QFI\xfb")) {
		return "qcow2"
	}
	return "raw"
}

// ovmf is where distributions have UEFI firmware, and the variables it begins with.
var ovmf = [][2]string{
	{"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
	{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
	{"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},
	{"/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},
}

// firmware returns the file of the UEFI firmware and that of the variables it begins with.
func (c *Config) firmware() (code, vars string, err error) {
	if c.Firmware != "ovmf" {
		folder, name := filepath.Split(c.Firmware)
		return c.Firmware, filepath.Join(folder, strings.Replace(name, "CODE", "VARS", 1)), nil
	}
	for _, f := range ovmf {
		if _, err := os.Stat(f[0]); err == nil {
			return f[0], f[1], nil
		}
	}
	return "", "", errors.New("there is no UEFI firmware where distributions have it; install " +
		"the package ovmf, or name the file by firmware")
}

// prepare writes the files that QEMU reads at a start from boot.
func (c *Config) prepare(boot host.Boot, p paths) error {
	if err := os.WriteFile(p.port(), []byte{0xf8, 0x03}, 0o600); err != nil {
		return err
	}
	if c.Firmware == "" {
		return nil
	}
	target := or(c.NVRAM, p.vars())
	if _, err := os.Stat(target); err != nil {
		_, vars, err := c.firmware()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(vars)
		if err != nil {
			return fmt.Errorf("the UEFI variables to begin with cannot be read: %w", err)
		}
		if err := os.WriteFile(target, data, 0o600); err != nil {
			return err
		}
	}
	if !c.asksForSetup(boot) {
		return nil
	}
	if err := askForSetup(target); err != nil {
		return fmt.Errorf("the firmware cannot be asked for its set-up: %w", err)
	}
	return nil
}
