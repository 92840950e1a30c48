package tshark

import (
	"os/exec"
	"strings"
	"testing"

	"lom/internal/ipmisim"
	"lom/internal/udprelay"
)

// What ipmitool and ipmi_sim say to each other passes, and what is damaged does not.
func TestCheckTellsGoodFromBad(t *testing.T) {
	if _, err := exec.LookPath("ipmitool"); err != nil {
		t.Skip("ipmitool is not installed")
	}
	sim := ipmisim.Start(t, ipmisim.Config{Sensors: 5})
	relay := udprelay.Start(t, sim.Addr, udprelay.Faults{})
	for _, args := range [][]string{{"-I", "lan"}, {"-I", "lanplus", "-C", "1"},
		{"-I", "lanplus", "-C", "3"}} {
		args = append(args, "-H", relay.Host(), "-p", relay.Port(), "-U", ipmisim.Admin.Name, "-P",
			ipmisim.Admin.Password, "chassis", "status")
		if out, err := exec.Command("ipmitool", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	packets := relay.Packets()
	seen := map[string]int{}
	for i, f := range Decode(t, packets) {
		seen[f.Payload]++
		// ipmi_sim leaves the defining body out of what it refuses of the group extensions.
		if o := strings.Join(f.Objections, " "); o != "" &&
			!strings.Contains(o, "dissected: 81b4cb20") {
			t.Errorf("packet %d: %v\n% x", i+1, f.Objections, packets[i].Data)
		}
	}
	for _, want := range []string{"ASF", "IPMI 1.5 Authentication Type: MD5 (0x02)",
		"RMCP+ Open Session Request (0x10)",
		"RAKP Message 4 (0x15)", "IPMI Message (0x00)", "IPMI Message (0x00), encrypted"} {
		if seen[want] == 0 {
			t.Errorf("no packet with %s among %v", want, seen)
		}
	}

	for i, p := range packets {
		short := p
		short.Data = p.Data[:len(p.Data)-3]
		packets[i] = short
	}
	bad := 0
	for _, f := range Decode(t, packets) {
		if len(f.Objections) > 0 {
			bad++
		}
	}
	if bad < len(packets)/2 {
		t.Errorf("only %d of %d shortened packets were objected to", bad, len(packets))
	}
}
