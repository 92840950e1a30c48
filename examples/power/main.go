// Command power switches the power of one host, and is sure: power HOST on|off|cycle|reset.
// IPMI_USER and IPMI_PASSWORD are those of the host.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"lom/client"
	"lom/ipmi"
	"lom/machine"
)

var actions = map[string]ipmi.ChassisAction{
	"on": ipmi.PowerUp, "off": ipmi.PowerDown, "cycle": ipmi.PowerCycle, "reset": ipmi.HardReset,
}

func main() {
	action, ok := actions[os.Args[len(os.Args)-1]]
	if len(os.Args) != 3 || !ok {
		log.Fatal("usage: power HOST on|off|cycle|reset")
	}
	login := client.WithUser(os.Getenv("IPMI_USER"), ipmi.NewSecret(os.Getenv("IPMI_PASSWORD")))
	if err := power(context.Background(), os.Args[1], action, login); err != nil {
		log.Fatal(err)
	}
}

// power returns nil when the power was seen to be as it should.
func power(ctx context.Context, host string, a ipmi.ChassisAction, opts ...client.Option) error {
	s, err := client.Dial(ctx, host, opts...)
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = machine.New(s).SetPower(ctx, a, machine.WithReadBack(time.Minute))
	return err
}
