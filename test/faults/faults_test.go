// Package faults puts a bad network, and power cuts, between lom's two ends.
package faults

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"lom/internal/ipmisim"
	"lom/internal/programs"
	"lom/internal/udprelay"
)

func TestMain(m *testing.M) {
	// The tests wait most of the time.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	programs.Main(m)
}

// networks are ways in which a network can be bad. A bit that is turned while a session is set up
// cannot be told from a wrong password, so it may end with that; behind it, it must not be noticed.
var networks = []struct {
	name   string
	faults udprelay.Faults
}{
	{"loss", udprelay.Faults{Loss: 0.1}},
	{"duplicates", udprelay.Faults{Duplicate: 0.5}},
	{"reordering", udprelay.Faults{Reorder: 0.3, Hold: 30 * time.Millisecond}},
	{"corruption", udprelay.Faults{Corrupt: 0.1, Spare: true}},
	{"delay", udprelay.Faults{Delay: 15 * time.Millisecond}},
	{"everything", udprelay.Faults{Loss: 0.05, Duplicate: 0.1, Reorder: 0.1, Corrupt: 0.05, Spare: true, Delay: 2 * time.Millisecond}},
}

// Over a bad network the results are those of a good one, only later.
func TestBadNetworkChangesNoResult(t *testing.T) {
	bmc := programs.StartBMC(t).Target
	for _, s := range []struct {
		name  string
		start func(t *testing.T) programs.Target
		lines []string
	}{
		// The readings of lom's own BMC move, those of ipmi_sim do not.
		{"lom bmc", func(*testing.T) programs.Target { return bmc },
			[]string{"mc info", "sdr list fru", "fru print", "user list 1", "sel list",
				"chassis status"}},
		// A simulator for each network: its sessions share one SDR reservation.
		{"ipmi_sim", func(t *testing.T) programs.Target {
			sim := ipmisim.Start(t, ipmisim.Config{Sensors: 30, Entries: 40})
			return programs.Target{Addr: sim.Addr, User: ipmisim.Admin.Name,
				Password: ipmisim.Admin.Password}
		}, []string{"sdr elist all", "sel list", "fru print 0"}},
	} {
		for _, iface := range []string{"lan", "lanplus"} {
			for i, n := range networks {
				t.Run(fmt.Sprintf("%s/%s/%s", s.name, iface, n.name), func(t *testing.T) {
					t.Parallel()
					target := s.start(t)
					faults := n.faults
					for j, line := range s.lines {
						// A relay for each run: a client may get the port of the one before.
						faults.Seed = uint64(100*j + i + 1)
						relay := udprelay.Start(t, target.Addr, faults)
						good := programs.Run(t, t.TempDir(), programs.Lom(),
							target.Tool(iface, programs.Words(line)...)...)
						bad := programs.Run(t, t.TempDir(), programs.Lom(),
							target.At(relay.Addr).Tool(iface,
								append([]string{"-R", "7"}, programs.Words(line)...)...)...)
						if good.Code != 0 || bad.Code != 0 || good.Stdout != bad.Stdout {
							t.Errorf("%s\n--- without faults\n%s", bad, good)
						}
					}
				})
			}
		}
	}
}
