package faults

import (
	"testing"
	"time"

	"lom/internal/ipmisim"
	"lom/internal/programs"
	"lom/internal/udprelay"
)

// What is kept between calls over a bad network is what is there: the first call fills the cache,
// the next one uses it, and all print what a call without faults and without a cache prints.
func TestBadNetworkSpoilsNoCache(t *testing.T) {
	for i, n := range []struct {
		name   string
		faults udprelay.Faults
	}{
		{"loss", udprelay.Faults{Loss: 0.1}},
		{"reordering and duplicates", udprelay.Faults{Reorder: 0.5, Hold: 20 * time.Millisecond, Duplicate: 0.5}},
		{"everything", udprelay.Faults{Loss: 0.05, Duplicate: 0.1, Reorder: 0.2, Corrupt: 0.05, Spare: true, Delay: 2 * time.Millisecond}},
	} {
		t.Run(n.name, func(t *testing.T) {
			t.Parallel()
			sim := ipmisim.Start(t, ipmisim.Config{Sensors: 20, Entries: 30})
			target := programs.Target{Addr: sim.Addr, User: ipmisim.Admin.Name,
				Password: ipmisim.Admin.Password}
			home := t.TempDir()
			for j, line := range []string{"fru print", "sdr elist all", "sel list"} {
				words := programs.Words("-C 3 -R 7 " + line)
				good := programs.Run(t, home, programs.Lom(),
					target.Tool("lanplus", append([]string{"--no-cache"}, words...)...)...)
				if good.Code != 0 {
					t.Fatalf("%s", good)
				}
				// The address is part of what the BMC is known by: one relay for all calls.
				faults := n.faults
				faults.Seed = uint64(10*i + j + 1)
				relay := udprelay.Start(t, target.Addr, faults)
				for k := range 2 {
					bad := programs.Run(t, home, programs.Lom(),
						target.At(relay.Addr).Tool("lanplus", words...)...)
					if bad.Code != 0 || bad.Stdout != good.Stdout {
						t.Errorf("call %d: %s\n--- without faults\n%s", k, bad, good)
					}
				}
			}
		})
	}
}
