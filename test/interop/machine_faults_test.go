package interop

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lom/internal/programs"
)

// A machine that cannot start is told in one sentence, with QEMU's own last words. The BMC stays,
// and says that the power is off.
func TestMachineThatDoesNotStart(t *testing.T) {
	t.Parallel()
	programs.Must(t, "qemu-system-x86_64", "ipmitool")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	dying := filepath.Join(t.TempDir(), "dying")
	if err := os.WriteFile(dying,
		[]byte("#!/bin/sh\necho dying: the first words >&2\necho dying: the last words >&2\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ config, words string }{
		"no QEMU":    {"program: qemu-of-nobody", "qemu-of-nobody is not installed; on Debian it is in the package qemu-system-x86"},
		"bad image":  {"cdrom: /nowhere/no.iso", "QEMU ended: .*Could not open '/nowhere/no.iso': No such file or directory"},
		"no kernel":  {"kernel: /nowhere/vmlinuz", "QEMU ended: .*could not open kernel file '/nowhere/vmlinuz'"},
		"port taken": {fmt.Sprintf("network: ['user,hostfwd=tcp:%s-:22']", taken.Addr()), "QEMU ended: .*Could not set up host forwarding rule"},
		"dies":       {"program: " + dying, "QEMU ended: the last words"},
		"unknown":    {"machine: toaster", "QEMU ended: .*unsupported machine type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := remote{startConfigured(t,
				"host: {power: off, qemu: {memory: 64, "+c.config+"}}\n"), t, t.TempDir()}
			for range 2 { // as often as one likes
				if on := r.tool("ipmitool", "power on"); on.Code != 1 ||
					!strings.Contains(on.Stderr,
						"Set Chassis Power Control to Up/On failed: Unspecified error") {
					t.Errorf("a machine that cannot start was started: %s", on)
				}
				within(t, 30*time.Second, "off, with a fault", func() bool {
					return strings.Contains(r.tool("lom", "chassis status").Stdout,
						"System Power         : off\nPower Overload       : false\nPower "+
							"Interlock      : inactive\nMain Power Fault     : false\nPower "+
							"Control Fault  : true\n")
				})
				r.run("ipmitool", "power status", "is off")
			}
			said := strings.TrimSpace(r.Output())
			lines := strings.Split(said, "\n")[1:] // behind where it listens
			if len(lines) != 2 || !regexp.MustCompile(c.words).MatchString(lines[0]) ||
				!regexp.MustCompile(c.words).MatchString(lines[1]) {
				t.Errorf("not twice one sentence with %q:\n%s", c.words, said)
			}
		})
	}
}

// memory returns the resident memory of a process in KiB.
func memory(t *testing.T, pid int) int {
	t.Helper()
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindStringSubmatch(read(fmt.Sprintf("/proc/%d/status", pid)))
	if m == nil {
		t.Fatal("the BMC has no memory")
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// A guest that floods its serial port neither slows the BMC nor makes it grow, whether nobody
// listens, somebody, or somebody who has stopped.
func TestMachineFloods(t *testing.T) {
	bmc, said := startMachine(t, "on", "run=yes+a+flood+of+words+that+nobody+reads>/dev/ttyS0")
	r := remote{bmc, t, t.TempDir()}
	within(t, bootTime, "the guest runs", contains(said, "guest is ready"))
	quietBMC := remote{programs.StartBMC(t), t, t.TempDir()}
	// The two take turns, because other programs are running.
	took := func() (ratio float64) {
		t.Helper()
		var times [2]time.Duration
		for range 10 {
			for i, at := range []remote{r, quietBMC} {
				began := time.Now()
				at.run("lom", "mc info", "IPMI Version")
				times[i] += time.Since(began)
			}
		}
		return float64(times[0]) / float64(times[1])
	}
	took()
	before := memory(t, bmc.PID())

	check := func(who string) {
		t.Helper()
		ratio := took()
		after := memory(t, bmc.PID())
		t.Logf("%s: ten commands take %.2f times what they take at a BMC without a machine; "+
			"memory %d KiB, %d before", who, ratio, after, before)
		if ratio > 4 {
			t.Errorf("%s: ten commands take %.1f times as long", who, ratio)
		}
		if after > before+24<<10 {
			t.Errorf("%s: memory grew from %d to %d KiB", who, before, after)
		}
	}
	check("nobody listens")
	listener := startProgram(t, t.TempDir(), programs.Lom(),
		r.Tool("lanplus", "sol", "activate")...)
	within(t, time.Minute, "the flood arrives", func() bool {
		return strings.Count(listener.said(), "a flood of words that nobody reads") > 100
	})
	check("somebody listens")
	if err := listener.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second)
	check("somebody has stopped listening")
	r.run("ipmitool", "power off", "Down/Off")
	within(t, 10*time.Second, "off", r.is("off"))
}

// A machine that somebody else starts is a server with a BMC like any other, as long as it runs;
// and while the BMC is gone, it runs on.
func TestMachineAttached(t *testing.T) {
	t.Parallel()
	g := guest(t)
	programs.Must(t, "script")
	run := t.TempDir()
	said := filepath.Join(run, "said")
	start := func() *exec.Cmd {
		t.Helper()
		cmd := exec.Command("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display",
			"none", "-M", "pc", "-accel", "tcg", "-m", "256",
			"-qmp", "unix:"+run+"/qmp,server=on,wait=off",
			"-chardev", "socket,id=i,path="+run+"/ipmi,reconnect=1", "-device",
			"ipmi-bmc-extern,id=b,chardev=i", "-device", "isa-ipmi-kcs,bmc=b",
			"-chardev", "socket,id=s,path="+run+"/serial,server=on,wait=off,logfile="+said,
			"-serial", "chardev:s",
			"-kernel", g+"/vmlinux", "-initrd", g+"/inside.cpio", "-append",
			"console=ttyS0,115200 no_timer_check")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			cmd.Process.Kill()
			cmd.Wait()
		})
		return cmd
	}
	config := filepath.Join(run, "machine.yaml")
	if err := writeFile(config,
		fmt.Sprintf("bmcs: [{console: unix:%[1]s/serial, host: {qemu: {qmp: %[1]s/qmp, ipmi: "+
			"%[1]s/ipmi}}}]\n", run)); err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	r := remote{programs.StartBMCAt(t, lowAddress(t), state, "--config", config), t, t.TempDir()}
	if status := r.tool("ipmitool", "power status"); status.Code == 0 || status.Stdout != "" {
		t.Errorf("a machine that is not there is seen: %s", status)
	}
	if on := r.tool("ipmitool", "power on"); on.Code == 0 ||
		!strings.Contains(on.Stderr, "not supported in present state") {
		t.Errorf("a machine that somebody else starts was started: %s", on)
	}
	if said := r.Output(); !strings.Contains(said,
		"power on: the machine cannot be seen: there is no machine at "+run+"/qmp") {
		t.Errorf("the log does not say why: %s", said)
	}
	machine := start()
	within(t, 10*time.Second, "on when it was started", r.is("on"))
	x := programs.StartTerminal(t, programs.Lom(),
		r.Tool("lanplus", "sol", "activate", "--reconnect")...)
	inside := func() {
		t.Helper()
		x.Type("lom -I open mc info | grep Version; ipmitool -I open power status; echo done " +
			"$((6*7))\r")
		x.Within(time.Minute, "IPMI Version              : 2.0")
		x.Within(time.Minute, "Chassis Power is on")
		x.Within(time.Minute, "done 42")
	}
	within(t, bootTime, "the guest runs", contains(said, "guest login:"))
	x.Type("\r")
	x.Within(time.Minute, "login: ")
	x.Type("root\r")
	x.Within(time.Minute, "# ")
	inside()

	// Both sides find each other again.
	r.Kill()
	r.BMC = programs.StartBMCAt(t, r.Addr.String(), state, "--config", config)
	within(t, 10*time.Second, "on still", r.is("on"))
	x.Within(time.Minute, "[console open again]")
	time.Sleep(2 * time.Second) // QEMU tries every second
	inside()

	r.run("lom", "power reset", "Reset")
	x.Within(bootTime, "guest login: ")
	r.run("ipmitool", "power off", "Down/Off")
	within(t, 10*time.Second, "off", r.is("off"))
	if err := machine.Wait(); err != nil {
		t.Errorf("QEMU did not end as it should: %v", err)
	}
	second := start()
	within(t, 10*time.Second, "on when it was started again", r.is("on"))
	second.Process.Kill()
	within(t, 10*time.Second, "off after kill -9", r.is("off"))
	x.Type("\r~.")
	if err := x.End(); err != nil {
		t.Error(err)
	}
}
