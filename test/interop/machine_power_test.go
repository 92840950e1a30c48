package interop

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"lom/internal/programs"
)

// kill ends a process as nothing else does.
func kill(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	p, err := os.FindProcess(n)
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Kill() // it may have ended by itself
}

// A machine of lom bmc is switched by ipmitool and by lom, and its power is told as it is.
func TestMachinePower(t *testing.T) {
	bmc, said := startMachine(t, "off", "")
	r := remote{bmc, t, t.TempDir()}
	pid := func() (one string) {
		t.Helper()
		within(t, 10*time.Second, "there is one QEMU", func() bool {
			all := processes(said)
			if len(all) == 1 {
				one = all[0]
			}
			return len(all) == 1
		})
		return one
	}
	r.run("ipmitool", "power status", "is off")
	r.run("lom", "power on", "Up/On")
	r.run("lom", "power status", "is on")
	within(t, bootTime, "the guest runs", contains(said, "guest is ready"))
	r.run("ipmitool", "power soft", "Soft")
	within(t, time.Minute, "off after a soft shutdown", r.is("off"))

	r.run("ipmitool", "chassis bootdev cdrom", "cdrom")
	r.run("lom", "chassis bootparam get 5", "CD/DVD")
	r.run("ipmitool", "chassis bootparam get 5", "CD/DVD")
	r.run("ipmitool", "power on", "Up/On")
	first := pid()
	within(t, 10*time.Second, "the boot device is taken once", func() bool {
		return !strings.Contains(r.tool("lom", "chassis bootparam get 5").Stdout, "Boot Flag Valid")
	})
	r.run("lom", "power cycle", "Cycle")
	within(t, 20*time.Second, "another QEMU after a cycle", func() bool {
		return r.is("on")() && pid() != first
	})
	r.run("ipmitool", "power reset", "Reset")
	r.run("ipmitool", "power diag", "Diag")
	r.run("ipmitool", "power status", "is on")
	r.run("ipmitool", "chassis identify 1", "Chassis identify interval: 1 seconds")
	r.run("lom", "chassis status", "Power Control Fault  : false")

	last := pid()
	bmc.Kill()
	within(t, 2*time.Second, "no QEMU after the BMC", func() bool {
		_, err := os.Stat(fmt.Sprintf("/proc/%s/exe", last))
		return err != nil
	})
}

// QEMU is killed in the midst of power commands, again and again: soon after each, the BMC says
// what is true, and no machine is left over.
func TestMachineKilled(t *testing.T) {
	bmc, said := startMachine(t, "off", "")
	r := remote{bmc, t, t.TempDir()}
	random := rand.New(rand.NewPCG(6, 40))
	commands := []string{"power on", "power off", "power cycle", "power reset", "power soft",
		"power diag"}
	killed := 0
	var slowest time.Duration
	for round := 0; killed < 40; round++ {
		if round > 200 {
			t.Fatalf("only %d machines were there to be killed", killed)
		}
		if r.is("off")() {
			r.run("lom", "power on", "Up/On")
		}
		// The command is under way when the machine dies, or just was.
		command := commands[round%len(commands)]
		done := make(chan bool)
		go func() {
			defer close(done)
			r.tool("lom", command) // its answer depends on who was first
		}()
		time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond)
		all := processes(said)
		for _, pid := range all {
			kill(t, pid)
		}
		killed += len(all)
		<-done
		// The truth is what the process table says. A cycle makes another machine a second later:
		// both are looked at together. Its delay is until it was last asked for what it then told
		// wrongly: how long its answer takes on a busy machine does not count.
		began, wrong := time.Now(), time.Duration(0)
		within(t, 10*time.Second, "the BMC says what is true after "+command, func() bool {
			asked := time.Since(began)
			before := len(processes(said))
			on := r.is("on")()
			after := len(processes(said))
			if before == after && on != (after == 1) {
				wrong = asked
			}
			return before == after && on == (after == 1)
		})
		slowest = max(slowest, wrong)
	}
	t.Logf("%d machines killed; the BMC told nothing wrong later than %v", killed, slowest)
	if slowest > 2*time.Second {
		t.Errorf("after %v the BMC still told what is wrong", slowest)
	}
	r.run("lom", "power off", "Down/Off")
	within(t, 5*time.Second, "nothing is left over", func() bool {
		return r.is("off")() && len(processes(said)) == 0
	})
	time.Sleep(1500 * time.Millisecond) // longer than a cycle takes
	if all := processes(said); len(all) != 0 {
		t.Errorf("processes %v are left over", all)
	}
	// It is as good as new.
	r.run("lom", "power on", "Up/On")
	within(t, 10*time.Second, "on again", func() bool {
		return r.is("on")() && len(processes(said)) == 1
	})
	quiet(t, programs.Run(t, r.home, "ipmitool", r.Tool("lanplus", "chassis", "status")...))
}
