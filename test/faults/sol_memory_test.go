package faults

import (
	"context"
	"crypto/sha256"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lom/bmc"
	"lom/bmc/host/serial"
	"lom/bmc/host/sim"
	"lom/client"
	"lom/ipmi"
)

// memoryFaults are what a memoryLink does to packets.
type memoryFaults struct {
	loss, double, reorder float64       // shares
	late                  time.Duration // at most, of what is reordered
	seed                  uint64
	outage                time.Duration // at the beginning of each minute
}

// A memoryLink is a bad network in memory between one client and one BMC. It is the client's socket
// and the BMC's link.
type memoryLink struct {
	faults memoryFaults

	mu     sync.Mutex
	rng    *rand.Rand
	bmc    *bmc.BMC
	in     chan []byte // to the client
	once   sync.Once
	closed chan struct{}
	began  time.Time
	passed [2]int // packets to the BMC and to the client that arrived
}

var (
	memoryClient = netip.MustParseAddrPort("192.0.2.1:40000")
	memoryBMC    = netip.MustParseAddrPort("192.0.2.2:623")
)

func newMemoryLink(seed uint64) *memoryLink {
	return &memoryLink{rng: rand.New(rand.NewPCG(seed, 1)), in: make(chan []byte, 1024),
		closed: make(chan struct{})}
}

// carry delivers a packet after a millisecond, if not late, twice or never.
func (l *memoryLink) carry(direction int, b []byte, deliver func([]byte)) {
	b = append([]byte(nil), b...)
	l.mu.Lock()
	defer l.mu.Unlock()
	copies := 1
	if l.rng.Float64() < l.faults.double {
		copies = 2
	}
	gone := time.Since(l.began)%time.Minute < l.faults.outage
	for range copies {
		if gone || l.rng.Float64() < l.faults.loss {
			continue
		}
		wait := time.Millisecond
		if l.rng.Float64() < l.faults.reorder {
			wait += time.Duration(l.rng.IntN(int(l.faults.late)))
		}
		l.passed[direction]++
		time.AfterFunc(wait, func() { deliver(append([]byte(nil), b...)) })
	}
}

// Send is the BMC's link.
func (l *memoryLink) Send(_ netip.AddrPort, packet []byte) {
	l.carry(1, packet, func(b []byte) {
		select {
		case l.in <- b:
		case <-l.closed:
		}
	})
}

func (l *memoryLink) WriteTo(b []byte, _ net.Addr) (int, error) {
	l.carry(0, b, func(b []byte) { l.bmc.HandlePacket(l, memoryClient, b) })
	return len(b), nil
}

func (l *memoryLink) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-l.in:
		return copy(b, p), net.UDPAddrFromAddrPort(memoryBMC), nil
	case <-l.closed:
		return 0, nil, net.ErrClosed
	}
}

func (l *memoryLink) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}
func (l *memoryLink) LocalAddr() net.Addr {
	return net.UDPAddrFromAddrPort(memoryClient)
}
func (l *memoryLink) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (l *memoryLink) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (l *memoryLink) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// A memoryPort is a serial port whose machine is the test.
type memoryPort struct{ serial.Buffer }

func (*memoryPort) Break() error { return nil }
func (*memoryPort) Close() error { return nil }

// stream returns size characters that are all but random, so that none can be lost or moved
// unnoticed.
func stream(size int, seed uint64) []byte {
	out, rng := make([]byte, size), rand.NewChaCha8([32]byte{byte(seed)})
	rng.Read(out)
	return out
}

// 16 MB in each direction at once, over a network that loses a third, doubles and mixes up: every
// character arrives once and in order.
func TestSOLInMemory(t *testing.T) {
	t.Parallel()
	solInMemory(t, 16<<20, 16<<20, memoryFaults{loss: .3, double: .1, reorder: .2,
		late: 60 * time.Millisecond})
}

// Where one end only speaks, the fifteen numbers of SOL's packets come round fast, and a packet
// that is late by a round must not be taken for a new one.
func TestSOLInMemoryOneWay(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		bad := memoryFaults{loss: .1, double: .1, reorder: .2, late: 60 * time.Millisecond,
			seed: seed}
		solInMemory(t, 0, 1<<20, bad)
		solInMemory(t, 1<<20, 0, bad)
	}
}

// A network that is away for five seconds in every minute ends no console.
func TestSOLInMemoryOutages(t *testing.T) {
	t.Parallel()
	bad := memoryFaults{loss: .1, outage: 5 * time.Second, seed: 1}
	solInMemory(t, 1<<20, 1<<20, bad)
	solInMemory(t, 0, 1<<20, bad)
	solInMemory(t, 1<<20, 0, bad)
}

// solInMemory sends up characters to the machine and down from it, over a network that is bad once
// the console is open.
func solInMemory(t *testing.T, upSize, downSize int, bad memoryFaults) {
	synctest.Test(t, func(t *testing.T) {
		link, port := newMemoryLink(bad.seed), &memoryPort{}
		b, err := bmc.New(bmc.Config{
			Host: sim.New(sim.Config{On: true}), Console: port,
			Users: []bmc.UserConfig{{Name: "admin", Password: ipmi.NewSecret("secret"),
				Privilege: ipmi.PrivilegeAdministrator}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		link.bmc = b
		transport, err := client.NewTransport(link)
		if err != nil {
			t.Fatal(err)
		}
		defer transport.Close()
		const patience = 48 * time.Hour // for all of it, in the network's time
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s, err := client.Dial(ctx, memoryBMC.String(), client.WithTransport(transport),
			client.WithInterface(client.LANPlus),
			client.WithUser("admin", ipmi.NewSecret("secret")))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		c, err := client.OpenConsole(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		link.mu.Lock()
		link.faults, link.began = bad, time.Now()
		link.mu.Unlock()

		up, down := stream(upSize, 1), stream(downSize, 2)
		began := time.Now()
		var all sync.WaitGroup
		all.Go(func() { // what is typed
			if _, err := c.Write(ctx, up); err != nil {
				t.Error(err)
			} else if err := c.Flush(ctx); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() { // what the machine says
			for rest := down; len(rest) > 0; {
				n, more := port.Send(rest)
				if rest = rest[n:]; more != nil {
					<-more
				}
			}
		})
		sums := [2][32]byte{}
		all.Go(func() { // what the machine gets
			sum, buf := sha256.New(), make([]byte, 4096)
			for n := 0; n < len(up) && ctx.Err() == nil; {
				k := port.Take(buf)
				if n += k; k == 0 {
					time.Sleep(20 * time.Millisecond)
				}
				sum.Write(buf[:k])
			}
			sum.Sum(sums[0][:0])
		})
		all.Go(func() { // what is shown
			sum, buf := sha256.New(), make([]byte, 4096)
			for n := 0; n < len(down); {
				k, err := c.Read(ctx, buf)
				if n += k; err != nil {
					t.Errorf("after %d characters: %v", n, err)
					break
				}
				sum.Write(buf[:k])
			}
			sum.Sum(sums[1][:0])
		})
		all.Wait()
		link.mu.Lock()
		t.Logf("%d bytes to the machine and %d from it in %v of the network's time; %d and %d "+
			"packets arrived", upSize, downSize, time.Since(began).Round(time.Second),
			link.passed[0], link.passed[1])
		link.faults = memoryFaults{} // the end is told and answered
		link.mu.Unlock()
		for i, sent := range [][]byte{up, down} {
			if sums[i] != sha256.Sum256(sent) {
				t.Errorf("%s: not what was sent", []string{"up", "down"}[i])
			}
		}
	})
}
