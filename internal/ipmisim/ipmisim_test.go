package ipmisim

import (
	"os/exec"
	"strings"
	"testing"
)

func ipmitool(t *testing.T, s *Sim, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("ipmitool")
	if err != nil {
		t.Skip("ipmitool is not installed")
	}
	base := []string{"-I", "lanplus", "-C", "3", "-H", s.Host(), "-p", s.Port(), "-U", Admin.Name,
		"-P", Admin.Password}
	out, err := exec.Command(path, append(base, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// The simulator is what a test asked for, as ipmitool sees it.
func TestSimulatorHoldsWhatWasAskedFor(t *testing.T) {
	s := Start(t, Config{Sensors: 100, Entries: 500, Satellite: true})
	// 100 sensors, the watchdog, the BMC and three FRU devices.
	if n := strings.Count(ipmitool(t, s, "sdr", "list", "all"), "\n"); n != 105 {
		t.Errorf("sdr list all has %d lines", n)
	}
	if n := strings.Count(ipmitool(t, s, "sel", "list"), "\n"); n != 500 {
		t.Errorf("sel list has %d lines", n)
	}
	if n := strings.Count(ipmitool(t, s, "fru", "print"), "FRU Device Description"); n != 4 {
		t.Errorf("fru print has %d devices", n)
	}
	if out := ipmitool(t, s, "power", "on") +
		ipmitool(t, s, "power", "status"); !strings.Contains(out, "Power is on") {
		t.Errorf("power: %s", out)
	}
	if out := ipmitool(t, s, "-t", "0x30", "mc", "info"); !strings.Contains(out,
		"Product ID                : 7938") {
		t.Errorf("mc info of the satellite: %s", out)
	}
}
