package cli

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"lom/client"
	"lom/ipmi"
)

// How many commands of a BMC may be under way is a question of the room that it has for requests.
// The answer is looked for from one on, doubling, and where that goes wrong, between the last
// number that was good and the one that was not.

// benchTrouble is after how many lost or refused packets a measurement ends: it is clear then what
// it will say.
const benchTrouble = 4

// rates measures how many commands a second the BMC answers, by how many are under way at a time.
func (b *bench) rates(ctx context.Context) error {
	good, bad := 0, b.options.most+1
	for n := 1; n < bad; {
		r, err := b.rate(ctx, n)
		if r.Commands > 0 {
			b.result.addRate(r)
		}
		if err != nil {
			return err
		}
		if r.Lost+r.Busy > 0 {
			bad = n
		} else {
			good = n
		}
		b.result.takes(good, bad > b.options.most)
		n = 2 * good
		if n >= bad {
			n = (good + bad + 1) / 2 // between them, or bad if there is none
		}
	}
	return nil
}

// rate measures with n commands under way all the time.
func (b *bench) rate(ctx context.Context, n int) (benchRate, error) {
	b.progress("%d commands at a time", n)
	r := benchRate{AtATime: n}
	s, err := b.open(ctx, n)
	if err != nil {
		return r, err
	}
	defer s.Close()
	// One for the privilege level, and for the round-trip time, before the clock runs.
	if _, err := client.Do(ctx, s, ipmi.GetDeviceID{}); err != nil {
		return r, err
	}
	before := s.Stats()
	var (
		crew  sync.WaitGroup
		stop  atomic.Bool
		mu    sync.Mutex
		took  []time.Duration
		wrong error
	)
	trouble := func() int {
		now := s.Stats()
		return int(now.Retries - before.Retries + now.Timeouts - before.Timeouts +
			now.Busy - before.Busy)
	}
	began := time.Now()
	for range n {
		crew.Go(func() {
			for !stop.Load() {
				sent := time.Now()
				_, err := client.Do(ctx, s, ipmi.GetDeviceID{})
				now := time.Now()
				mu.Lock()
				if err == nil {
					took = append(took, now.Sub(sent))
				} else if wrong == nil {
					wrong = err
				}
				mu.Unlock()
				if err != nil || now.Sub(began) >= b.options.step || trouble() >= benchTrouble {
					stop.Store(true)
				}
			}
		})
	}
	crew.Wait()
	r.Seconds = time.Since(began).Seconds()
	now := s.Stats()
	r.Commands, r.benchTimes = len(took), timesOf(took)
	r.PerSecond = float64(r.Commands) / r.Seconds
	r.Busy = int(now.Busy - before.Busy)
	r.Lost = lostPackets(before, now)
	if ctx.Err() == nil && wrong != nil && r.Lost+r.Busy > 0 {
		return r, nil // it is what was looked for
	}
	return r, wrong
}

// lostPackets returns how many packets were lost: those that were sent again or given up, unless a
// BMC was only busy.
func lostPackets(before, now client.Stats) int {
	return max(0, int(now.Retries-before.Retries+
		now.Timeouts-before.Timeouts)-int(now.Busy-before.Busy))
}

// countedTransport is a Transport whose packets are counted.
type countedTransport struct {
	transport *client.Transport
	conn      *countedConn
}

// countedConn counts what is sent.
type countedConn struct {
	*net.UDPConn
	packets atomic.Int64
}

func newCountedTransport() (countedTransport, error) {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		return countedTransport{}, err
	}
	c := &countedConn{UDPConn: conn}
	t, err := client.NewTransport(c)
	if err != nil {
		conn.Close()
	}
	return countedTransport{t, c}, err
}

func (c *countedConn) WriteTo(b []byte, to net.Addr) (int, error) {
	c.packets.Add(1)
	return c.UDPConn.WriteTo(b, to)
}

func (c countedTransport) sent() int { return int(c.conn.packets.Load()) }
