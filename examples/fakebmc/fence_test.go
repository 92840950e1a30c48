package fakebmc

import (
	"testing"

	"lom/ipmitest"
)

// A simulated server does what it is asked for.
func TestFence(t *testing.T) {
	if err := Fence(t.Context(), ipmitest.New(t).Conn()); err != nil {
		t.Errorf("got %v, want none", err)
	}
}

// A scripted BMC accepts the command, and the host stays on; another is busy.
func TestFenceFails(t *testing.T) {
	for _, script := range []string{
		"> 00 02 00\n< 00\n> 00 01\n< 00 01 00 00",
		"> 00 02 00\n< c0",
	} {
		if err := Fence(t.Context(), ipmitest.Script(t, script)); err == nil {
			t.Errorf("%q: got no error", script)
		}
	}
}
