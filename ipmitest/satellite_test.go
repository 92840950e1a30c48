package ipmitest_test

import (
	"context"
	"net"
	"testing"

	"lom/bmc"
	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/ipmitest"
)

// satelliteAddress is the slave address of the controller behind the BMC.
const satelliteAddress = 0x24

// serialLine returns a connection over a serial line to a BMC.
func serialLine(t *testing.T, b *ipmitest.BMC, basic bool) *client.Serial {
	t.Helper()
	ours, theirs := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- b.ServeSerial(ctx, theirs, bmc.SerialConfig{Basic: basic, Trusted: true})
	}()
	s, err := client.NewSerial(t.Context(), ours, client.SerialConfig{Basic: basic})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// A sensor of a satellite controller is read from, and its thresholds are set on, that controller,
// and not the BMC's own sensor of the same number.
func TestSensorsOfASatellite(t *testing.T) {
	for name, dial := range map[string]func(*testing.T, *ipmitest.BMC) client.Conn{
		"lan": func(t *testing.T, b *ipmitest.BMC) client.Conn {
			return b.Dial(t, client.WithInterface(client.LAN))
		},
		"lanplus": func(t *testing.T, b *ipmitest.BMC) client.Conn { return b.Dial(t) },
		"serial-terminal": func(t *testing.T, b *ipmitest.BMC) client.Conn {
			return serialLine(t, b, false)
		},
		"serial-basic": func(t *testing.T, b *ipmitest.BMC) client.Conn {
			return serialLine(t, b, true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			c := dial(t, ipmitest.New(t, ipmitest.WithSatellite(satelliteAddress, bmc.Config{
				Still: true, Device: ipmi.DeviceID{ID: 0x77, Version: 0x51},
			})))
			satellite := client.Via(c, satelliteAddress, 0)
			id, err := client.Do(ctx, satellite, ipmi.GetDeviceID{})
			if err != nil || id.ID != 0x77 {
				t.Fatalf("got %+v, %v, want device 77h", id, err)
			}
			f := temperature(t, satellite)
			if f.Key.Owner != satelliteAddress {
				t.Fatalf("got a sensor of %02x, want one of %02x", f.Key.Owner, satelliteAddress)
			}
			if r, err := client.ReadSensor(ctx, c, f); err != nil || !r.HasValue {
				t.Errorf("got %+v, %v, want a value", r, err)
			}
			own := f.Key
			own.Owner = ipmi.AddressBMC
			before, err := client.ReadThresholds(ctx, client.OwnerConn(c, own), own)
			if err != nil {
				t.Fatal(err)
			}
			set := before.Values
			set[ipmi.UpperCritical]--
			err = client.SetThresholds(ctx, client.OwnerConn(c, f.Key), f.Key,
				ipmi.ThresholdSet(0).With(ipmi.UpperCritical), set)
			if err != nil {
				t.Fatal(err)
			}
			for key, want := range map[sdr.Key]uint8{
				own:   before.Values[ipmi.UpperCritical],
				f.Key: set[ipmi.UpperCritical],
			} {
				got, err := client.ReadThresholds(ctx, client.OwnerConn(c, key), key)
				if err != nil || got.Values[ipmi.UpperCritical] != want {
					t.Errorf("sensor of %02x: got %v, %v, want %d", key.Owner, got.Values, err,
						want)
				}
			}
			// A controller that is not there is not answered for by another.
			nobody := f.Key
			nobody.Owner = 0x26
			if r, err := client.ReadThresholds(ctx, client.OwnerConn(c, nobody), nobody); err ==
				nil {
				t.Errorf("of nobody: got %+v, want an error", r)
			}
		})
	}
}

// temperature returns the record of the first temperature sensor of a controller.
func temperature(t *testing.T, c client.Conn) *sdr.Full {
	t.Helper()
	raw, err := client.ReadSDRs(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	records, _ := client.ParseSDRs(raw)
	for _, r := range records {
		if f, ok := r.(*sdr.Full); ok && f.SensorType == ipmi.SensorTemperature {
			return f
		}
	}
	t.Fatal("there is no temperature sensor")
	return nil
}
