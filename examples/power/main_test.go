package main

import (
	"context"
	"testing"
	"time"

	"lom/bmc/host/sim"
	"lom/client"
	"lom/ipmi"
	"lom/ipmitest"
)

func TestPower(t *testing.T) {
	login := client.WithUser(ipmitest.User, ipmi.NewSecret(ipmitest.Password))
	b := ipmitest.New(t)
	for _, word := range []string{"off", "on", "cycle"} {
		if err := power(t.Context(), b.Addr, actions[word], login); err != nil {
			t.Errorf("%s: got %v, want none", word, err)
		}
	}
}

// A host that cannot be switched is not said to be off.
func TestPowerStuck(t *testing.T) {
	b := ipmitest.New(t, ipmitest.WithHost(sim.Config{On: true, Stuck: true}))
	login := client.WithUser(ipmitest.User, ipmi.NewSecret(ipmitest.Password))
	// the power does not change later either
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := power(ctx, b.Addr, ipmi.PowerDown, login); err == nil {
		t.Error("got no error")
	}
}
