package interop

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"lom/internal/programs"
)

// A command of test/guest/compare, and what the two programs said to it.
var insideCommand = regexp.MustCompile(`(?s)<(ipmitool|lom) ([^>\n]+)>\n(.*?)<(\d+)>\n`)

// Inside the machine, ipmitool and lom find the BMC by Linux' driver, and print the same; what is
// set from there is seen outside at once, and the other way round. Messages go from the LAN to the
// software in the machine, and back.
func TestMachineInside(t *testing.T) {
	t.Parallel()
	bmc, said := startMachine(t, "on", "run=compare")
	r := remote{bmc, t, t.TempDir()}
	within(t, bootTime, "the guest waits", contains(said, "waiting for a command"))

	// While it does: what it has set.
	for _, program := range []string{"ipmitool", "lom"} {
		r.run(program, "lan print 1",
			"IP Address              : 10.9.8.7\nSubnet Mask             : 255.255.0.0\n")
	}
	for user, password := range map[string]string{"inside": "Made-Inside-1",
		"inside2": "Made-Inside-2"} {
		for _, program := range []string{"ipmitool", programs.Lom()} {
			quiet(t, programs.Run(t, r.home, program,
				bmc.As(user, password).Tool("lanplus", "mc", "info")...))
		}
	}
	// A remote console's message to the software in the machine, which answers it (§6.13.1).
	r.run("ipmitool", "-l 2 raw 0x30 0x77 1 2 3", " 03 02 01\n")
	within(t, 30*time.Second, "the guest has answered", contains(said, "answer ends with 0"))
	r.run("lom", "event 2", "Voltage")
	within(t, time.Minute, "the guest has seen what was logged from outside, and ended",
		r.is("off"))

	outputs := map[string]map[string]string{}
	for _, m := range insideCommand.FindAllStringSubmatch(read(said), -1) {
		if outputs[m[2]] == nil {
			outputs[m[2]] = map[string]string{}
		}
		outputs[m[2]][m[1]] = m[3] + m[4]
	}
	for command, want := range map[string]string{
		"mc info": "IPMI Version              : 2.0", "sdr": "Inlet Temp",
		"sdr elist all": "Static MC @ 20h", "sensor": "degrees C", "sel list": "Voltage #0x60",
		"sel elist": "Temperature #0x30", "fru": "Board Mfg",
		"lan print 1": "Cipher Suite Priv Max", "user list 1": "admin",
		"chassis status":  "System Power         : on",
		"mc getenables":   "Event Message Buffer Full Interrupt      : enabled",
		"mc watchdog get": "Watchdog Timer Use", "channel info 1": "802.3 LAN",
		"-t 0x82 mc info":                         "Device ID",
		`-t 0x82 sensor thresh Inlet Temp ucr 43`: "Upper Critical",
		`-t 0x82 sensor get Inlet Temp`:           "Upper Critical        : 43.000",
		"lan set 1 ipaddr 10.9.8.7":               "Setting LAN IP Address to 10.9.8.7",
	} {
		theirs, ours := outputs[command]["ipmitool"], outputs[command]["lom"]
		if !strings.Contains(theirs, want) || theirs != ours {
			t.Errorf("%s: ipmitool prints\n%slom prints\n%s", command, theirs, ours)
		}
	}
}

// The watchdog of the guest's kernel resets the machine, and leaves its mark.
func TestMachineWatchdog(t *testing.T) {
	t.Parallel()
	bmc, said := startMachine(t, "on", "run=expire")
	r := remote{bmc, t, t.TempDir()}
	within(t, 2*bootTime, "the guest has found what its watchdog did",
		contains(said, "guest has done"))
	within(t, time.Minute, "the guest has ended", r.is("off"))
	if all := read(said); strings.Count(all, "guest is ready") != 2 ||
		!strings.Contains(all, "the watchdog has reset this machine") ||
		!strings.Contains(all, "watchdog expired") {
		t.Errorf("the guest said:\n%s", all)
	}
	for _, program := range []string{"ipmitool", "lom"} {
		r.run(program, "sel elist", "Watchdog2 Watchdog | Hard reset | Asserted")
	}
}

// What the kernel logs at a panic arrives. Debian's kernel is built without these events
// (CONFIG_IPMI_PANIC_EVENT), and is asked for them by the driver's parameter panic_op.
func TestMachinePanic(t *testing.T) {
	t.Parallel()
	bmc, said := startMachine(t, "on", "run=panic")
	r := remote{bmc, t, t.TempDir()}
	within(t, 2*bootTime, "the guest has found what its panic logged",
		contains(said, "guest has done"))
	within(t, time.Minute, "the guest has ended", r.is("off"))
	for _, program := range []string{"ipmitool", "lom"} {
		list := r.tool(program, "sel list")
		quiet(t, list)
		if !strings.Contains(list.Stdout,
			"OS Critical Stop #0x73 | Run-time critical stop | Asserted\n") {
			t.Errorf("no event of the panic in %s", list)
		}
		// The panic's own words come in OEM records, eleven characters each.
		words := ""
		for _, m := range regexp.MustCompile(`Linux kernel panic: (.*)`).FindAllStringSubmatch(list.Stdout, -1) {
			words += m[1]
		}
		if words != "sysrq triggered crash" {
			t.Errorf("the panic's words are %q in %s", words, list)
		}
	}
}
