package interop

import (
	"strings"
	"sync"
	"testing"
	"time"

	"lom/client"
	"lom/internal/ipmisim"
	"lom/internal/programs"
	"lom/internal/udprelay"
	"lom/ipmi"
)

// How often lom asks a BMC for a job, from the first packet to the last, is what its user waits
// for on a slow line. A packet sent again counts too.
func TestRoundTrips(t *testing.T) {
	sim := ipmisim.Start(t, ipmisim.Config{Sensors: 96, Entries: 500})
	relay := udprelay.Start(t, sim.Addr, udprelay.Faults{})
	bmc := simTarget(sim).At(relay.Addr)
	for _, c := range []struct {
		line string
		most int
		rows int // lines of output at least
		// The simulator gives out a record in pieces of 33 bytes, so that reading a hundred of them
		// takes 200 exchanges, whoever asks: what counts is the call after that.
		again bool
	}{
		// Open Session, RAKP 1 and 3, Get Chassis Status, Close Session
		{"-C 3 power status", 5, 1, false},
		{"power status", 6, 1, false}, // the simulator refuses suite 17 first
		{"sdr elist all", 220, 96, true},
		{"sensor list", 220, 54, true},
		{"sel list", 510, 500, false},
		{"sel list", 7, 500, true},
		{"fru print", 140, 20, false},
		{"fru print", 60, 20, true},
	} {
		// A home of its own: nothing is remembered from another run.
		home := t.TempDir()
		tool := bmc.Tool("lanplus", programs.Words(c.line)...)
		if c.again {
			programs.Run(t, home, programs.Lom(), tool...)
		}
		// On a busy machine an answer may be late, and its packet be sent again: that is not lom's
		// doing.
		n := 0
		for range 3 {
			relay.Reset()
			r := programs.Run(t, home, programs.Lom(), tool...)
			n = relay.Exchanges()
			if r.Code != 0 || strings.Count(r.Stdout, "\n") < c.rows {
				t.Errorf("%s", r)
			}
			if n <= c.most {
				break
			}
		}
		if n > c.most {
			t.Errorf("%s takes %d exchanges, more than %d", c.line, n, c.most)
		}
		t.Logf("%s: %d exchanges", c.line, n)
	}
}

// A BMC that gives out whole records is asked once for each record and once for each sensor, and a
// few times to set up the session.
func TestRoundTripsOfWholeRecords(t *testing.T) {
	bmc := programs.StartBMC(t, "--profile", "dell")
	relay := udprelay.Start(t, bmc.Addr, udprelay.Faults{})
	target := bmc.Target.At(relay.Addr)
	r := programs.Run(t, t.TempDir(), programs.Lom(),
		target.Tool("lanplus", "sdr", "elist", "all")...)
	n, rows := relay.Exchanges(), strings.Count(r.Stdout, "\n")
	if r.Code != 0 || rows < 40 {
		t.Errorf("%s", r)
	}
	if most := 2*rows + 16; n > most {
		t.Errorf("%d records take %d exchanges, more than %d", rows, n, most)
	}
	t.Logf("%d records: %d exchanges", rows, n)
}

// Over a line that takes time, as many requests are under way as the BMC takes, so all of them are
// answered much sooner.
func TestWindowOverALine(t *testing.T) {
	const requests = 500
	sim := ipmisim.Start(t, ipmisim.Config{Sensors: 96})
	for name, target := range map[string]programs.Target{"ipmi_sim": simTarget(sim),
		"lom bmc": programs.StartBMC(t, "--profile", "dell").Target} {
		for _, iface := range []client.Interface{client.LANPlus, client.LAN} {
			relay := udprelay.Start(t, target.Addr, udprelay.Faults{Delay: 2500 * time.Microsecond})
			ask := func(window int) (took time.Duration, found int) {
				s, err := client.Dial(t.Context(), relay.Addr.String(), client.WithInterface(iface),
					client.WithWindow(window),
					client.WithUser(target.User, ipmi.NewSecret(target.Password)))
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				var all sync.WaitGroup
				all.Add(requests)
				start := time.Now()
				for i := range requests {
					client.Start(s, ipmi.GetSensorReading{Sensor: uint8(1 + i%16)},
						func(_ ipmi.SensorReading, err error) {
							if err != nil {
								t.Errorf("%s over %s: %v", name, iface, err)
							}
							all.Done()
						})
				}
				all.Wait()
				took = time.Since(start)
				found, _ = s.Window()
				return took, found
			}
			alone, _ := ask(1)
			took, window := ask(0)
			t.Logf("%s over %s: %d requests take %v one at a time, "+
				"%v with a window that grows to %d", name, iface, requests, alone, took, window)
			if took > alone/2 {
				t.Errorf("%s over %s: %v, and %v one at a time", name, iface, took, alone)
			}
		}
	}
}
