package bmc_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"lom/bmc"
	"lom/bmc/host/sim"
	"lom/client"
	"lom/ipmi"
)

// A BMC is asked without a network.
func ExampleNew() {
	b, err := bmc.New(bmc.Config{Host: sim.New(sim.Config{On: true})})
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	ctx := &bmc.Context{Context: context.Background(), Privilege: ipmi.PrivilegeAdministrator}
	cmd := ipmi.GetChassisStatus{}.Command()
	b.Answer(ctx, cmd.NetFn, cmd.Code, nil, func(code ipmi.CompletionCode, data []byte) {
		var status ipmi.ChassisStatus
		err := status.UnmarshalBinary(data)
		fmt.Println(code == ipmi.CodeOK, status.PowerOn, err)
	})
	// Output: true true <nil>
}

// A handler takes the place of the BMC's own.
func ExampleHandle() {
	commands := bmc.NewCommands()
	bmc.Handle(commands, func(*bmc.Context, ipmi.ColdReset) (ipmi.NoData, error) {
		return ipmi.NoData{}, ipmi.CodeNodeBusy
	})
	b, err := bmc.New(bmc.Config{Host: sim.New(sim.Config{}), Commands: commands})
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	ctx := &bmc.Context{Context: context.Background(), Privilege: ipmi.PrivilegeAdministrator}
	cmd := ipmi.ColdReset{}.Command()
	b.Answer(ctx, cmd.NetFn, cmd.Code, nil, func(code ipmi.CompletionCode, _ []byte) {
		fmt.Println(code)
	})
	// Output: Node busy
}

// A BMC answers on a serial line.
func ExampleBMC_ServeSerial() {
	b, err := bmc.New(bmc.Config{Host: sim.New(sim.Config{On: true})})
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	ours, theirs := net.Pipe()
	ctx := context.Background()
	go func() { _ = b.ServeSerial(ctx, theirs, bmc.SerialConfig{Trusted: true}) }()
	s, err := client.NewSerial(ctx, ours, client.SerialConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	id, err := client.Do(ctx, s, ipmi.GetDeviceID{})
	fmt.Println(id.Version, err)
	// Output: 2 <nil>
}
