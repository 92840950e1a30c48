package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"lom/internal/programs"
)

// guest returns the folder of a small Linux to boot, which is made when there is none yet.
func guest(t *testing.T) string {
	t.Helper()
	programs.Need(t, "qemu-system-x86_64", "ipmitool")
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	dir := filepath.Join(cache, "lom-test", "guest-1")
	if _, err := os.Stat(filepath.Join(dir, "vmlinux")); err == nil {
		return dir
	}
	programs.Need(t, "apt-get", "dpkg-deb", "cpio", "xz")
	if out, err := exec.Command("../guest/build", dir).CombinedOutput(); err != nil {
		t.Fatalf("the guest cannot be built: %v\n%s", err, out)
	}
	return dir
}

// startMachine runs "lom bmc" with a QEMU machine that boots the guest, and returns the file with what its second serial port says.
func startMachine(t *testing.T, power, words string) (*programs.BMC, string) {
	t.Helper()
	g := guest(t)
	said := filepath.Join(t.TempDir(), "said")
	config := filepath.Join(t.TempDir(), "machine.yaml")
	text := fmt.Sprintf(`still: true
host:
  power: %s
  qemu:
    memory: 256
    kernel: %s/vmlinux
    initrd: %s/initrd.cpio
    append: console=ttyS1,115200 quiet %s
    args: [-chardev, "file,id=said,path=%s", -serial, "chardev:said"]
`, power, g, g, words, said)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return programs.StartBMC(t, "--config", config), said
}

// within waits until f holds.
func within(t *testing.T, d time.Duration, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !f(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", d, what)
		}
	}
}

func contains(file, text string) func() bool {
	return func() bool {
		data, _ := os.ReadFile(file) // there is none before the machine starts
		return strings.Contains(string(data), text)
	}
}

// A machine of lom bmc is switched by ipmitool and by lom, and its power is told as it is.
func TestMachinePower(t *testing.T) {
	bmc, said := startMachine(t, "off", "")
	home := t.TempDir()
	run := func(program, line, want string) {
		t.Helper()
		r := programs.Run(t, home, program, bmc.Tool("lanplus", programs.Words(line)...)...)
		if quiet(t, r); !strings.Contains(r.Stdout, want) {
			t.Errorf("no %q in %s", want, r)
		}
	}
	is := func(state string) func() bool {
		return func() bool {
			r := programs.Run(t, home, "ipmitool", bmc.Tool("lanplus", "power", "status")...)
			return strings.HasSuffix(r.Stdout, " is "+state+"\n")
		}
	}
	pid := func() int {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, name := range all {
				line, _ := os.ReadFile(name) // it may have ended
				if strings.Contains(string(line), said) {
					n, _ := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(name))
					return n
				}
			}
		}
		t.Fatal("there is no QEMU")
		return 0
	}
	run("ipmitool", "power status", "is off")
	run(programs.Lom(), "power on", "Up/On")
	run(programs.Lom(), "power status", "is on")
	within(t, time.Minute, "the guest runs", contains(said, "guest is ready"))
	run("ipmitool", "power soft", "Soft")
	within(t, 20*time.Second, "off after a soft shutdown", is("off"))

	run("ipmitool", "chassis bootdev cdrom", "cdrom")
	run(programs.Lom(), "chassis bootparam get 5", "CD/DVD")
	run("ipmitool", "power on", "Up/On")
	first := pid()
	run(programs.Lom(), "power cycle", "Cycle")
	within(t, 10*time.Second, "another QEMU after a cycle", func() bool { return is("on")() && pid() != first })
	run("ipmitool", "power reset", "Reset")
	run("ipmitool", "power diag", "Diag")
	run("ipmitool", "power status", "is on")

	p, err := os.FindProcess(pid())
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	within(t, 2*time.Second, "off after kill -9", is("off"))
	run("ipmitool", "power on", "Up/On")
	last := pid()
	bmc.Kill()
	within(t, 2*time.Second, "no QEMU after the BMC", func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/%d/exe", last))
		return err != nil
	})
}

// Inside the machine, ipmitool finds the BMC by Linux' driver; what it logs is seen outside, and the end of the guest too.
func TestMachineInside(t *testing.T) {
	bmc, said := startMachine(t, "on", "run=ipmitool+mc+info;ipmitool+sdr+elist;ipmitool+lan+print;ipmitool+event+2;ipmitool+sel+list;ipmitool+mc+getenables")
	within(t, time.Minute, "the guest has done", contains(said, "guest has done"))
	data, err := os.ReadFile(said)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"IPMI Version              : 2.0", "Inlet Temp", "IP Address              : 127.0.0.1", "Voltage", "Event Message Buffer Full Interrupt      : enabled"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %q inside", want)
		}
	}
	home := t.TempDir()
	r := programs.Run(t, home, "ipmitool", bmc.Tool("lanplus", "sel", "list")...)
	if quiet(t, r); !strings.Contains(r.Stdout, "Voltage") {
		t.Errorf("what was logged inside is not seen outside: %s", r)
	}
	within(t, 5*time.Second, "off after poweroff -f", func() bool {
		r := programs.Run(t, home, "ipmitool", bmc.Tool("lanplus", "power", "status")...)
		return strings.HasSuffix(r.Stdout, " is off\n")
	})
	if t.Failed() {
		t.Logf("the guest said:\n%s", data)
	}
}
