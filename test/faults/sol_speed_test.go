package faults

import (
	"context"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"lom/client"
	"lom/internal/ipmisim"
	"lom/internal/programs"
	"lom/ipmi"
)

// BenchmarkSOLEcho measures what both ends add to a key and its echo: a key goes from
// client.Console over "lom bmc" to a machine behind a TCP socket, and comes back. The same machine
// over the socket alone is taken off.
//
//	go test ./test/faults -run '^$' -bench SOLEcho
func BenchmarkSOLEcho(b *testing.B) {
	target, m := startMachine(b)
	m.echoes()
	ctx := context.Background()
	s, err := client.Dial(ctx, target.Addr.String(), client.WithInterface(client.LANPlus),
		client.WithUser(target.User, ipmi.NewSecret(target.Password)))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	c, err := client.OpenConsole(ctx, s)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	buf := make([]byte, 1)
	sol := median(b, b.N, func() error {
		if _, err := c.Write(ctx, []byte("x")); err != nil {
			return err
		}
		_, err := c.Read(ctx, buf)
		return err
	})
	bare := median(b, b.N, bareEcho(b))
	b.ReportMetric(float64(sol-bare)/float64(time.Millisecond), "ms-added-median")
	b.ReportMetric(float64(bare)/float64(time.Millisecond), "ms-bare-median")
}

// median returns the median time of a key and its echo.
func median(b *testing.B, n int, key func() error) time.Duration {
	b.Helper()
	all := make([]time.Duration, n)
	for i := range all {
		began := time.Now()
		if err := key(); err != nil {
			b.Fatal(err)
		}
		all[i] = time.Since(began)
	}
	slices.Sort(all)
	return all[n/2]
}

// bareEcho returns the same without SOL: a socket whose other end sends back what it gets.
func bareEcho(b *testing.B) func() error {
	l := listenSerial(b)
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { near.Close() })
	acceptMachine(b, l).echoes()
	buf := make([]byte, 1)
	return func() error {
		if _, err := near.Write([]byte("x")); err != nil {
			return err
		}
		_, err := io.ReadFull(near, buf)
		return err
	}
}

// What a machine says comes through lom and its BMC at least as fast as through ipmitool and
// ipmi_sim. Each is measured three times, in turn, and counts with its best: other programs are
// running.
func TestSOLThroughput(t *testing.T) {
	programs.Need(t, "ipmitool")
	const n = 512 << 10 / blockSize
	sl := listenSerial(t)
	sim := ipmisim.Start(t, ipmisim.Config{Sensors: 1, Serial: sl.Addr().String()})
	theirs := acceptMachine(t, sl)
	x := programs.StartTerminal(t, "ipmitool",
		programs.Target{Addr: sim.Addr, User: ipmisim.Admin.Name, Password: ipmisim.Admin.Password}.
			Tool("lanplus", "-C", "3", "sol", "activate")...)
	x.Wait("Use ~? for help]\r\n")
	target, ours := startMachine(t)
	lom := startPiped(t, target)
	awaitBanner(t, lom)

	best := [2]float64{}
	for range 3 {
		for i, way := range []struct {
			m *machine
			v viewer
		}{{ours, lom}, {theirs, terminal{x}}} {
			best[i] = max(best[i], way.m.speed(t, way.v, n))
		}
	}
	t.Logf("lom and its BMC %.0f bytes/s, ipmitool and ipmi_sim %.0f bytes/s: %.1f times as fast",
		best[0], best[1], best[0]/best[1])
	if best[0] < best[1] {
		t.Error("slower than ipmitool and ipmi_sim")
	}
}

// speed has the machine say n blocks, and returns with how many bytes a second they are shown.
func (m *machine) speed(t *testing.T, v viewer, n int) float64 {
	t.Helper()
	text := numbered(n)
	before := v.size()
	began := time.Now()
	if _, err := io.WriteString(m.conn, text); err != nil {
		t.Fatal(err)
	}
	for v.size()-before < len(text) {
		if time.Since(began) > time.Minute || v.ended() {
			t.Fatalf("%d of %d characters are shown after %v", v.size()-before, len(text),
				time.Since(began))
		}
		time.Sleep(time.Millisecond)
	}
	took := time.Since(began)
	if c := count(v.Shown()[before:], n); c != (tally{}) {
		t.Fatalf("shown: %v", c)
	}
	return float64(len(text)) / took.Seconds()
}
