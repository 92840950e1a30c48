package machine_test

import (
	"context"
	"fmt"
	"testing"

	"lom/client"
	"lom/ipmi"
	"lom/ipmitest"
	"lom/machine"
)

// An example is the testing.TB of one, for ipmitest.New.
type example struct {
	testing.TB
	cleanup []func()
}

func (e *example) Helper()          {}
func (e *example) Cleanup(f func()) { e.cleanup = append(e.cleanup, f) }
func (e *example) Fatal(v ...any)   { panic(fmt.Sprint(v...)) }
func (e *example) end() {
	for _, f := range e.cleanup {
		f()
	}
}

// Power-cycle one host, and be sure that it is on again.
func ExampleMachine_SetPower() {
	e := new(example)
	defer e.end()
	address := ipmitest.New(e).Addr // elsewhere the name of a BMC

	ctx := context.Background()
	user := client.WithUser(ipmitest.User, ipmi.NewSecret(ipmitest.Password))
	session, err := client.Dial(ctx, address, user)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()
	change, err := machine.New(session).SetPower(ctx, ipmi.PowerCycle, machine.WithReadBack(0))
	if err != nil {
		fmt.Println(change.Outcome, err) // not-done or unknown, and why
		return
	}
	fmt.Printf("%s: %s, %s before, %s now\n", change.Action, change.Outcome, change.Before,
		change.After)
	// Output: cycle: done, on before, on now
}
