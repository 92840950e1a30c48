package interop

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lom/internal/ipmisim"
	"lom/internal/programs"
)

// Keys as a terminal sends them.
const (
	keyUp   = "\x1b[A"
	keyDown = "\x1b[B"
	// Function keys of the terminal that Debian's UEFI firmware takes the serial port for, PC ANSI.
	keyF2  = "\x1b[N"
	keyF9  = "\x1b[U"
	keyF10 = "\x1b[V"
)

// fromGRUBToShell works at a console whose machine is about to start, until a command of the
// guest's shell has answered.
func fromGRUBToShell(x *programs.Terminal) {
	for _, shown := range []string{"SeaBIOS", "GNU GRUB", "executed automatically in"} {
		x.Within(bootTime, shown)
	}
	x.Press(keyDown, bootTime, "*Linux, quiet")
	x.Press(keyUp, bootTime, "*Linux  ")
	for _, s := range []struct{ typed, shown string }{
		{"\r", "Linux version"},
		{"", "guest is ready"},
		{"", "guest login: "},
		{"root\r", "# "},
		{"echo the answer is $((6*7))\r", "the answer is 42"},
	} {
		x.Type(s.typed)
		x.Within(bootTime, s.shown)
	}
}

// By each of the programs that open consoles, which need no workaround, a person brings the machine
// from GRUB to a shell, and other people switch it meanwhile.
func TestMachineConsole(t *testing.T) {
	dir := guest(t)
	for _, o := range openers {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			programs.Must(t, "ipmitool", "ipmiconsole", "script")
			r := remote{startConfigured(t,
				fmt.Sprintf("host: {power: off, qemu: {memory: 256, cdrom: %s/guest.iso}}\n", dir)),
				t, t.TempDir()}
			x := o.open(t, r.Target)
			r.run("ipmitool", "power on", "Up/On")
			fromGRUBToShell(x)
			if o.name == "lom" { // the rest is the same for all, and takes its time
				// busybox's prompt asks where the cursor is, and the terminal's answer is not
				// counted as typed.
				x.Type("\r")
				x.Within(bootTime, "\x1b[6n")
				x.Type("\x1b[24;80R~.")
				if err := x.End(); err != nil {
					t.Error(err)
				}
				x = o.open(t, r.Target)
				r.run("ipmitool", "power reset", "Reset")
				x.Within(bootTime, "GNU GRUB")
				r.run("lom", "power cycle", "Cycle")
				x.Within(bootTime, "GNU GRUB")
				x.Within(bootTime, "executed automatically in")
				x.Press(keyDown, bootTime, "*Linux, quiet")
				x.Type("\r")
				x.Within(bootTime, "guest login: ")
			}
			r.run("lom", "power soft", "Soft")
			within(t, time.Minute, "off after a soft shutdown", r.is("off"))
			x.Type(o.leave)
			if err := x.End(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The same guest behind OpenIPMI's simulator, with lom as the console.
func TestMachineConsoleOfTheSimulator(t *testing.T) {
	t.Parallel()
	dir := guest(t)
	programs.Must(t, "ipmi_sim", "script")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	// It is stopped before its first instruction until the console is open.
	said := filepath.Join(t.TempDir(), "port")
	qemu := exec.Command("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
		"-M", "pc", "-accel", "tcg", "-m", "256", "-S",
		"-monitor", "stdio", "-chardev",
		fmt.Sprintf("socket,id=s,host=127.0.0.1,port=%d,server=on,wait=off", port), "-serial",
		"chardev:s",
		"-fw_cfg", "name=etc/sercon-port,file="+said, "-drive",
		"if=ide,index=2,media=cdrom,readonly=on,format=raw,file="+filepath.Join(dir, "guest.iso"))
	if err := writeFile(said, "\xf8\x03"); err != nil {
		t.Fatal(err)
	}
	monitor, err := qemu.StdinPipe()
	if err == nil {
		err = qemu.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		qemu.Process.Kill()
		qemu.Wait()
	})
	within(t, 30*time.Second, "QEMU listens", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	sim := simTarget(ipmisim.Start(t, ipmisim.Config{Sensors: 1,
		Serial: fmt.Sprintf("127.0.0.1:%d", port)}))
	x := programs.StartTerminal(t, programs.Lom(),
		sim.Tool("lanplus", "-C", "3", "sol", "activate")...)
	x.Wait("SOL Session operational")
	time.Sleep(time.Second) // the simulator connects to the port when it is up
	if _, err := io.WriteString(monitor, "cont\n"); err != nil {
		t.Fatal(err)
	}
	fromGRUBToShell(x)
	x.Type("\r~.")
	if err := x.End(); err != nil {
		t.Error(err)
	}
}

// The set-up screens of UEFI firmware are entered over the console, by the boot device and by a
// key; a setting is changed there, saved, and found changed after a reset.
func TestMachineFirmwareSetup(t *testing.T) {
	t.Parallel()
	programs.Must(t, "qemu-system-x86_64", "ipmitool", "script", "/usr/share/OVMF")
	nvram := filepath.Join(t.TempDir(), "nvram.fd")
	r := remote{startConfigured(t,
		fmt.Sprintf("host: {power: off, qemu: {memory: 256, firmware: ovmf, nvram: %s}}\n", nvram)),
		t, t.TempDir()}
	x := programs.StartTerminal(t, programs.Lom(), r.Tool("lanplus", "sol", "activate")...)
	x.Wait("SOL Session operational")
	walk := func(steps ...string) {
		for i := 0; i < len(steps); i += 2 {
			x.Within(bootTime, steps[i])
			time.Sleep(500 * time.Millisecond) // it drops keys while it draws
			x.Type(steps[i+1])
		}
	}
	toInitiator := []string{
		"Select Language", keyDown,
		"take you to the", "\r", // the help of Device Manager
		"iSCSI Configuration", keyUp, // from the first entry to the last
		"parameters.", "\r", // the help of iSCSI
		"iSCSI Initiator Name", "",
	}
	r.run("ipmitool", "chassis bootdev bios", "bios")
	r.run("lom", "chassis bootparam get 5", "BIOS Setup")
	r.run("lom", "power on", "Up/On")
	walk(toInitiator...)
	walk("format is accepted.", "\r", "Please type in your data", "iqn.2026-11.org.lom:bmc\r",
		"iqn.2026-11.org.lom:bmc", "", "Enter>=Select Entry", keyF9,
		"Load default configuration?", "n", "Initiator Name", keyF10, "Save configuration changes?",
		"y")
	within(t, time.Minute, "the setting is kept", func() bool {
		return strings.Contains(read(nvram), "iqn.2026-11.org.lom:bmc")
	})

	r.run("lom", "power reset", "Reset")
	// The firmware listens for a key for three seconds of its own time.
	again := make(chan bool)
	go func() {
		defer close(again)
		x.Within(bootTime, "Select Language")
	}()
	for entered := false; !entered; {
		x.Type(keyF2)
		select {
		case <-again:
			entered = true
		case <-time.After(300 * time.Millisecond):
		}
	}
	time.Sleep(2 * time.Second)
	x.Type(keyDown)
	walk(toInitiator[2 : len(toInitiator)-2]...) // the name comes before its label
	x.Within(bootTime, "iqn.2026-11.org.lom:bmc")
	x.Type("\r~.")
	if err := x.End(); err != nil {
		t.Error(err)
	}
}
