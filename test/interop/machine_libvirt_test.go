package interop

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lom/internal/libvirtd"
	"lom/internal/programs"
)

// slow is how long things take that wait for an emulated machine on a busy one.
const slow = 4 * time.Minute

// startDomain runs a libvirt daemon with the domain node1, and "lom bmc" for it. More goes into
// <os> and <devices>.
func startDomain(t *testing.T, system, devices string) (*libvirtd.Daemon, *programs.BMC) {
	t.Helper()
	programs.Need(t, "ipmitool")
	d := libvirtd.Start(t)
	d.Define("node1", system, devices)
	config := filepath.Join(t.TempDir(), "domain.yaml")
	text := fmt.Sprintf("still: true\nhost: {libvirt: {domain: node1, uri: 'qemu:///session', "+
		"socket: %s}}\n", d.Socket)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return d, programs.StartBMC(t, "--config", config)
}

// A domain of libvirt is switched by ipmitool and by lom; its console is seen over Serial over LAN,
// and it hears the power button.
func TestMachineLibvirt(t *testing.T) {
	g := guest(t)
	// The daemon's user cannot look into other people's caches.
	place := t.TempDir()
	for _, name := range []string{"vmlinux", "initrd.cpio"} {
		copyFile(t, filepath.Join(place, name), filepath.Join(g, name))
	}
	for dir := place; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d, bmc := startDomain(t, fmt.Sprintf("<kernel>%s/vmlinux</kernel><initrd>%[1]s/initrd.cpio</initrd><cmdline>console=ttyS0,115200 quiet</cmdline><bios useserial='yes'/>", place),
		"<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>")
	r := remote{bmc, t, t.TempDir()}
	if !r.is("off")() {
		t.Fatal("it is not off")
	}
	console := programs.StartTerminal(t, programs.Lom(), bmc.Tool("lanplus", "sol", "activate")...)
	console.Wait("SOL Session operational")
	shows := func(text string) func() bool {
		return func() bool { return strings.Contains(console.Shown(), text) }
	}
	r.run("ipmitool", "power on", "Up/On")
	within(t, slow, "the firmware's first words", shows("SeaBIOS (version"))
	within(t, slow, "the guest runs", shows("guest is ready"))
	within(t, slow, "the guest's log-in", shows("login: "))
	console.Type("root\r")
	within(t, slow, "the guest's shell", shows("# "))
	console.Type("echo $((6*7))2\r")
	within(t, slow, "the answer of the shell", shows("422"))
	console.Type("\r~B") // a break, which Linux takes for the magic key
	// it goes another way than characters do; Linux waits five seconds for the next one
	time.Sleep(2 * time.Second)
	console.Type("h")
	within(t, slow, "what Linux says to a break", shows("sysrq: HELP"))
	r.run(programs.Lom(), "power soft", "Soft")
	within(t, slow, "off after a soft shutdown", r.is("off"))
	if got := d.Virsh("domstate", "node1"); got != "shut off" {
		t.Errorf("virsh says %s", got)
	}

	r.run("ipmitool", "chassis bootdev cdrom", "cdrom")
	r.run(programs.Lom(), "chassis bootparam get 5", "CD/DVD")
	r.run("ipmitool", "chassis bootparam get 5", "CD/DVD")
	r.run(programs.Lom(), "power on", "Up/On")
	within(t, slow, "on", r.is("on"))
	if xml := d.Virsh("dumpxml", "node1"); !strings.Contains(xml, "<boot dev='cdrom'/>") ||
		strings.Contains(xml, "<kernel>") {
		t.Errorf("it does not boot from the CD:\n%s", xml)
	}
	within(t, slow, "the boot device is taken back", func() bool {
		got := programs.Run(t, r.home, "ipmitool",
			bmc.Tool("lanplus", "chassis", "bootparam", "get", "5")...)
		return strings.Contains(got.Stdout, "Boot Flag Invalid")
	})
	id := d.Virsh("domid", "node1")
	r.run("ipmitool", "power cycle", "Cycle")
	within(t, slow, "another start after a cycle", func() bool {
		return d.Virsh("domstate", "node1") == "running" && d.Virsh("domid", "node1") != id
	})
	if xml := d.Virsh("dumpxml", "node1"); !strings.Contains(xml, "<kernel>") {
		t.Errorf("what was meant for one start is still there:\n%s", xml)
	}
	within(t, slow, "on after a cycle", r.is("on"))
	r.run(programs.Lom(), "power reset", "Reset")
	r.run("ipmitool", "power diag", "Diag")
	r.run("ipmitool", "power off", "Down/Off")
	within(t, slow, "off", r.is("off"))
	if t.Failed() {
		t.Logf("the console showed:\n%s", console.Shown())
	}
}

// copyFile copies a file, which everyone may read then.
func copyFile(t *testing.T, to, from string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = io.Copy(out, in); err == nil {
		err = out.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Who ends the domain, or libvirt's daemon, is noticed, and the BMC stays.
func TestMachineLibvirtFails(t *testing.T) {
	d, bmc := startDomain(t, "", "")
	r := remote{bmc, t, t.TempDir()}
	r.run("ipmitool", "power on", "Up/On")
	within(t, slow, "on", r.is("on"))
	d.Virsh("destroy", "node1")
	within(t, 2*time.Second, "off after virsh destroy", func() bool {
		got := programs.Run(t, r.home, programs.Lom(), bmc.Tool("lanplus", "power", "status")...)
		return strings.HasSuffix(got.Stdout, " is off\n")
	})
	d.Virsh("start", "node1")
	within(t, slow, "on after virsh start", r.is("on"))

	d.Kill()
	within(t, slow, "nothing is known without a daemon", func() bool {
		got := programs.Run(t, r.home, "ipmitool", bmc.Tool("lanplus", "chassis", "status")...)
		return got.Code == 1 && got.Stdout == "" &&
			strings.Contains(got.Stderr, "not supported in present state")
	})
	if got := programs.Run(t, r.home, "ipmitool",
		bmc.Tool("lanplus", "power", "off")...); got.Code == 0 {
		t.Errorf("without a daemon, %s", got)
	}
	r.run(programs.Lom(), "mc info", "IPMI Version")
	d.Run()
	within(t, slow, "the daemon is found again", func() bool {
		return programs.Run(t, r.home, "ipmitool", bmc.Tool("lanplus", "power", "off")...).Code == 0
	})
	within(t, slow, "off when the daemon is back", r.is("off"))
	r.run("ipmitool", "chassis status", "Power Control Fault  : false")
	if got := d.Virsh("domstate", "node1"); got != "shut off" {
		t.Errorf("virsh says %s", got)
	}
}

// VirtualBMC's folder is run as it is: its address ::, which is all that the machine has, its port,
// its user.
func TestMachineLibvirtAsVirtualBMC(t *testing.T) {
	programs.Need(t, "ipmitool")
	d := libvirtd.Start(t)
	d.Define("node-0", "", "")
	free, err := net.ListenPacket("udp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.LocalAddr().(*net.UDPAddr).Port
	free.Close()
	home := t.TempDir()
	folder := filepath.Join(home, ".vbmc", "node-0")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("[VirtualBMC]\nusername = admin\npassword = 50%%%%-off\naddress = "+
		"::\nport = %d\ndomain_name = node-0\nlibvirt_uri = %s\nactive = True\n\n", port,
		d.URI("qemu:///session"))
	if err := os.WriteFile(filepath.Join(folder, "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	lom := exec.Command(programs.Lom(), "bmc", "--vbmc", filepath.Join(home, ".vbmc"))
	out, err := lom.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := lom.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		lom.Process.Signal(syscall.SIGTERM)
		if err := lom.Wait(); err != nil {
			t.Errorf("lom bmc: %v", err)
		}
	}()
	line := make([]byte, 200)
	n, err := out.Read(line)
	if want := fmt.Sprintf("node-0 answers at [::]:%d\n", port); err != nil ||
		string(line[:n]) != want {
		t.Fatalf("%v: %q, want %q", err, line[:n], want)
	}
	for _, host := range []string{"127.0.0.1", "127.0.0.9", "::1"} {
		tool := func(program, command, state string) {
			t.Helper()
			r := programs.Run(t, home, program, "-I", "lanplus", "-H", host, "-p", fmt.Sprint(port),
				"-U", "admin", "-P", "50%-off", "power", command)
			if quiet(t, r); !strings.HasSuffix(r.Stdout, state+"\n") {
				t.Errorf("no %q in %s", state, r)
			}
		}
		tool("ipmitool", "status", "is off")
		tool(programs.Lom(), "on", "Up/On")
		within(t, slow, "virsh sees that it is on", func() bool {
			return d.Virsh("domstate", "node-0") == "running"
		})
		tool("ipmitool", "off", "Down/Off")
		within(t, slow, "virsh sees that it is off", func() bool {
			return d.Virsh("domstate", "node-0") == "shut off"
		})
		within(t, slow, "lom sees that it is off", func() bool {
			r := programs.Run(t, home, programs.Lom(), "-I", "lanplus", "-H", host, "-p",
				fmt.Sprint(port), "-U", "admin", "-P", "50%-off", "power", "status")
			return strings.HasSuffix(r.Stdout, "is off\n")
		})
	}
}
