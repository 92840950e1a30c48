package client_test

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
	"lom/ipmi/sdr"
	"lom/ipmitest"
)

// ipmitestSatellite is a controller behind a BMC.
var ipmitestSatellite = bmc.Config{Still: true, Device: ipmi.DeviceID{ID: 7, Version: 0x51}}

// startRack runs a hundred servers, of which one has a sensor that is too hot.
func startRack() (hosts []string, stop func()) {
	var c rack.Config
	for i := range 100 {
		cfg := bmc.Config{Still: true, Users: []bmc.UserConfig{{Name: ipmitest.User,
			Password: ipmi.NewSecret(ipmitest.Password), Privilege: ipmi.PrivilegeAdministrator}}}
		if i == 41 {
			cfg.Faults = []bmc.SensorFault{{Sensor: "Inlet Temp", Value: new(41.0)}}
		}
		c.Servers = append(c.Servers, rack.Server{
			Name: fmt.Sprintf("node%03d", i), Addr: netip.MustParseAddrPort("127.0.0.1:0"), BMC: cfg,
			Host: func() host.Host { return sim.New(sim.Config{On: true}) },
		})
	}
	r, err := rack.Start(c)
	if err != nil {
		log.Fatal(err)
	}
	for _, u := range r.Units() {
		hosts = append(hosts, u.Addr.String())
	}
	return hosts, func() { _ = r.Close() }
}

// All sensors that are not as they should be, of a hundred hosts.
func Example_sensorsOfManyHosts() {
	hosts, stop := startRack()
	defer stop()
	ctx, found := context.Background(), make([][]string, len(hosts))
	var all sync.WaitGroup
	for i, h := range hosts {
		all.Go(func() {
			s, err := client.Dial(ctx, h, client.WithUser("admin", ipmi.NewSecret("secret")))
			if err != nil {
				log.Fatal(err)
			}
			defer s.Close()
			found[i] = notNominal(ctx, s, fmt.Sprintf("host %d: ", i))
		})
	}
	all.Wait()
	for _, line := range slices.Concat(found...) {
		fmt.Println(line)
	}
	// Output: host 41: Inlet Temp 41 Critical
}

// notNominal describes the sensors of a BMC that are not as they should be.
func notNominal(ctx context.Context, c client.Conn, host string) (lines []string) {
	raw, err := client.ReadSDRs(ctx, c)
	if err != nil {
		log.Fatal(err)
	}
	records, _ := client.ParseSDRs(raw)
	list, err := client.ReadSensors(ctx, c, records, 4)
	if err != nil {
		log.Fatal(err)
	}
	for i, r := range list {
		if f, ok := records[i].(*sdr.Full); ok && r.Severity > ipmi.Nominal {
			lines = append(lines, fmt.Sprint(host, f.Name, " ", r.Value, " ", r.Severity))
		}
	}
	return lines
}
