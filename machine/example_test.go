package machine_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"slices"
	"sync"

	"lom/bmc"
	"lom/bmc/host"
	"lom/bmc/host/sim"
	"lom/bmc/rack"
	"lom/client"
	"lom/ipmi"
	"lom/ipmitest"
	"lom/machine"
)

// simulated returns a simulated server.
func simulated() (m *machine.Machine, stop func()) {
	b, err := ipmitest.Start()
	if err != nil {
		log.Fatal(err)
	}
	return machine.New(b.Conn()), func() { _ = b.Close() }
}

func ExampleNew() {
	m, stop := simulated()
	defer stop()
	c, err := m.Controller(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("IPMI", c.IPMIVersion, "available:", c.Available)
	// Output: IPMI 2.0 available: true
}

func ExampleMachine_Power() {
	m, stop := simulated()
	defer stop()
	p, err := m.Power(context.Background())
	fmt.Println(p.Power, err)
	// Output: on <nil>
}

func ExampleMachine_Watchdog() {
	m, stop := simulated()
	defer stop()
	w, err := m.Watchdog(context.Background())
	fmt.Println(w.Running, err)
	// Output: false <nil>
}

func ExampleMachine_Sensor() {
	m, stop := simulated()
	defer stop()
	s, err := m.Sensor(context.Background(), "Inlet Temp")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*s.Value, s.Units, s.Status)
	// Output: 22.5 degrees C ok
}

// All sensors that are not nominal, of a hundred hosts.
func ExampleMachine_Sensors() {
	hosts, stop := hundredHosts()
	defer stop()
	ctx, found := context.Background(), make([][]string, len(hosts))
	var all sync.WaitGroup
	for i, h := range hosts {
		all.Go(func() {
			c, err := client.Dial(ctx, h, client.WithUser("admin", ipmi.NewSecret("secret")))
			if err != nil {
				log.Fatal(err)
			}
			defer c.Close()
			for s, err := range machine.New(c).Sensors(ctx) {
				if err != nil || s.Available != nil && *s.Available && s.Severity != "nominal" {
					found[i] = append(found[i],
						fmt.Sprint("host ", i, ": ", s.Name, " ", s.Severity))
				}
			}
		})
	}
	all.Wait()
	fmt.Println(slices.Concat(found...))
	// Output: [host 41: Inlet Temp critical]
}

// hundredHosts runs a hundred servers, of which one has a sensor that is too hot.
func hundredHosts() (addresses []string, stop func()) {
	var c rack.Config
	for i := range 100 {
		cfg := bmc.Config{Still: true, Users: []bmc.UserConfig{{Name: ipmitest.User,
			Password: ipmi.NewSecret(ipmitest.Password), Privilege: ipmi.PrivilegeAdministrator}}}
		if i == 41 {
			cfg.Faults = []bmc.SensorFault{{Sensor: "Inlet Temp", Value: new(41.0)}}
		}
		c.Servers = append(c.Servers, rack.Server{
			Name: fmt.Sprint("node", i), Addr: netip.MustParseAddrPort("127.0.0.1:0"), BMC: cfg,
			Host: func() host.Host { return sim.New(sim.Config{On: true}) },
		})
	}
	r, err := rack.Start(c)
	if err != nil {
		log.Fatal(err)
	}
	for _, u := range r.Units() {
		addresses = append(addresses, u.Addr.String())
	}
	return addresses, func() { _ = r.Close() }
}
