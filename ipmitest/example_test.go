package ipmitest_test

import (
	"testing"

	"lom/client"
	"lom/ipmi"
	"lom/ipmitest"
)

// drainAndReset stands for the program under test.
func drainAndReset(t *testing.T, c client.Conn) {
	if _, err := client.Do(t.Context(), c, ipmi.ChassisControl{Action: ipmi.PowerCycle}); err !=
		nil {
		t.Fatal(err)
	}
}

// A program is tested against a simulated server, in memory.
func TestPowerCycle(t *testing.T) {
	server := ipmitest.New(t, ipmitest.WithMake("dell"))
	drainAndReset(t, server.Conn())
}

// The same over the network, with a log-in.
func TestOverNetwork(t *testing.T) {
	server := ipmitest.New(t)
	id, err := client.Do(t.Context(), server.Dial(t), ipmi.GetDeviceID{})
	if err != nil || id.Version != 2 {
		t.Errorf("got %+v, %v, want IPMI 2.0", id, err)
	}
}

// What a real BMC was seen to answer.
func TestBusyBMC(t *testing.T) {
	bmc := ipmitest.Script(t, `
		> 00 01
		< c0`)
	_, err := client.Do(t.Context(), bmc, ipmi.GetChassisStatus{})
	if got, want := ipmi.CauseCode(err), "completion_code"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
