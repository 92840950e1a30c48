package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	"lom/bmc"
	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/ipmitest"
)

// satellite is a controller behind a BMC.
var satellite = bmc.Config{Still: true, Device: ipmi.DeviceID{ID: 7, Version: 0x51}}

// startBMC runs a simulated server and opens a session with its BMC.
func startBMC(opts ...ipmitest.Option) (s *client.Session, stop func()) {
	b, err := ipmitest.Start(opts...)
	if err != nil {
		log.Fatal(err)
	}
	s, err = client.Dial(context.Background(), b.Addr,
		client.WithUser(ipmitest.User, ipmi.NewSecret(ipmitest.Password)))
	if err != nil {
		log.Fatal(err)
	}
	return s, func() { _, _ = s.Close(), b.Close() }
}

func ExampleDial() {
	b, err := ipmitest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	s, err := client.Dial(context.Background(), b.Addr,
		client.WithUser("admin", ipmi.NewSecret("secret")),
		client.WithPrivilege(ipmi.PrivilegeOperator))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	fmt.Println(s.Info().Interface, s.Info().CipherSuite.ID)
	// Output: lanplus 17
}

func ExampleDial_wrongPassword() {
	b, err := ipmitest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	_, err = client.Dial(context.Background(), b.Addr,
		client.WithUser("admin", ipmi.NewSecret("guess")))
	fmt.Println(errors.Is(err, ipmi.ErrPassword))
	// Output: true
}

func ExampleDo() {
	s, stop := startBMC()
	defer stop()
	status, err := client.Do(context.Background(), s, ipmi.GetChassisStatus{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("on:", status.PowerOn)
	// Output: on: true
}

// A completion code is an error like others.
func ExampleDo_refused() {
	s, stop := startBMC()
	defer stop()
	_, err := client.Do(context.Background(), s, ipmi.GetSDR{Record: 0x7777, Count: 0xff})
	fmt.Println(errors.Is(err, ipmi.CodeNotPresent))
	// Output: true
}

func ExampleReadSensors() {
	s, stop := startBMC()
	defer stop()
	ctx := context.Background()
	raw, err := client.ReadSDRs(ctx, s)
	if err != nil {
		log.Fatal(err)
	}
	records, _ := client.ParseSDRs(raw)
	readings, err := client.ReadSensors(ctx, s, records, 8)
	if err != nil {
		log.Fatal(err)
	}
	for i, r := range readings {
		if f, ok := records[i].(*sdr.Full); ok && r.HasValue {
			fmt.Println(f.Name, r.Value)
			break
		}
	}
	// Output: Inlet Temp 22.5
}

// A controller behind the BMC is a connection like others.
func ExampleVia() {
	s, stop := startBMC(ipmitest.WithSatellite(0x24, satellite))
	defer stop()
	id, err := client.Do(context.Background(), client.Via(s, 0x24, 0), ipmi.GetDeviceID{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id.ID)
	// Output: 7
}

func ExampleStart() {
	s, stop := startBMC()
	defer stop()
	var all sync.WaitGroup
	on := make([]bool, 3)
	for i := range on {
		all.Add(1)
		client.Start(s, ipmi.GetChassisStatus{}, func(r ipmi.ChassisStatus, err error) {
			on[i] = err == nil && r.PowerOn
			all.Done()
		})
	}
	all.Wait()
	fmt.Println(on)
	// Output: [true true true]
}

func ExampleOpenFRU() {
	s, stop := startBMC()
	defer stop()
	ctx := context.Background()
	d, err := client.OpenFRU(ctx, s, 0)
	if err != nil {
		log.Fatal(err)
	}
	image, err := d.Read(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(image.Product.Name)
	// Output: Simulated Server
}

// In band, no name and no password are needed.
func ExampleOpenDevice() {
	d, err := client.OpenDevice(context.Background(), 0, client.WithDeviceTimeout(5*time.Second))
	if errors.Is(err, ipmi.ErrNoDevice) {
		return // this machine has no BMC, or no driver for it
	} else if err != nil {
		log.Fatal(err)
	}
	defer d.Close()
}

// The power of a host is cycled, and the program is sure that it was.
func Example_powerCycle() {
	s, stop := startBMC()
	defer stop()
	ctx := context.Background()
	if _, err := client.Do(ctx, s, ipmi.ChassisControl{Action: ipmi.PowerCycle}); err != nil {
		log.Fatal(err) // ipmi.ErrOutcomeUnknown says that it may have happened
	}
	for {
		status, err := client.Do(ctx, s, ipmi.GetChassisStatus{})
		switch {
		case err != nil:
			log.Fatal(err)
		case status.PowerFault || status.ControlFault:
			log.Fatal("the host did not start")
		case status.PowerOn:
			fmt.Println("on again")
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	// Output: on again
}

// A program that remembers the ID of the last event that it has seen reads those after it.
func Example_newEvents() {
	s, stop := startBMC()
	defer stop()
	ctx := context.Background()
	event := ipmi.PlatformEvent{
		SensorType: ipmi.SensorTemperature, Sensor: 1, EventType: 1, Data: [3]byte{0x57, 99, 80},
		Revision: 4,
	}
	var seen uint16
	for range 2 {
		if _, err := client.Do(ctx, s, event); err != nil {
			log.Fatal(err)
		}
		for r, err := range client.SELEntries(ctx, s, seen+1) {
			if err != nil {
				log.Fatal(err)
			}
			e, _ := r.Event()
			fmt.Println(r.ID > seen, e)
			seen = r.ID
		}
	}
	// Output:
	// true Upper Non-critical going high
	// true Upper Non-critical going high
}
