package faults

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"lom/bmc"
	"lom/bmc/host"
	"lom/bmc/host/sim"
	"lom/bmc/rack"
	"lom/client"
	"lom/internal/programs"
	"lom/internal/udprelay"
	"lom/ipmi"
)

var (
	soakTime = flag.Duration("soak", 10*time.Second, "how long TestSoak lasts")
	soakBMCs = flag.Int("bmcs", 200, "of TestSoak")
)

// soakNetwork is what lies between the client and the BMCs. Log-ins are spared the bits that are
// turned, which cannot be told from a wrong password there.
var soakNetwork = udprelay.Faults{Loss: 0.01, Duplicate: 0.02, Reorder: 0.02,
	Hold: 20 * time.Millisecond, Corrupt: 0.01, Spare: true, Seed: 4}

// One client with a session at each of many BMCs, over a bad network and for long: every answer is
// that of the BMC that was asked, none stays away, and neither end grows.
//
// Work and rest take turns. At rest, when nothing is under way, what both ends hold is counted.
func TestSoak(t *testing.T) {
	s := startSoak(t, *soakBMCs)
	turns := min(max(int(*soakTime/(10*time.Second)), 8), 60)
	watch := growth{turns: turns}
	for n := range turns {
		s.work(*soakTime / time.Duration(turns))
		if t.Failed() {
			t.FailNow()
		}
		f := takeFigures()
		watch.add(f)
		t.Logf("%3d/%d: %v; %v", n+1, turns, f, s)
	}
	t.Logf("client: %+v; %v", s.sum(), s.relay)
	for _, problem := range watch.problems() {
		t.Error(problem)
	}
	if s.answers.Load() == 0 || s.logins.Load() == 0 || s.sum().Retries == 0 {
		t.Error("nothing was answered, nobody logged in again or nothing was lost: this has " +
			"soaked nothing")
	}
}

// A soak is one client and its BMCs.
type soak struct {
	t         *testing.T
	first     netip.AddrPort // of the relay before the first BMC
	relay     *udprelay.Range
	transport *client.Transport
	bmcs      []soaked
	next      atomic.Int64
	answers   atomic.Int64
	logins    atomic.Int64
	spoiled   atomic.Int64 // log-ins that were begun again

	mu     sync.Mutex
	closed client.Stats // of sessions that have ended
}

// A soaked is a BMC as the client knows it.
type soaked struct {
	taken   atomic.Bool // somebody works with it
	session *client.Session
}

const soakPassword = "soak-and-rinse"

// soakGUID is the GUID by which the n-th BMC is known.
func soakGUID(n int) ipmi.GUID {
	var g ipmi.GUID
	binary.LittleEndian.PutUint64(g[:], uint64(n)+1)
	return g
}

func startSoak(t *testing.T, n int) *soak {
	first := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), freeUDPPort(t))
	var c rack.Config
	for i, a := 0, first.Addr(); i < n; i, a = i+1, a.Next() {
		server := rack.Server{Name: fmt.Sprintf("bmc%d", i+1),
			Addr: netip.AddrPortFrom(a, first.Port()),
			Host: func() host.Host { return sim.New(sim.Config{On: true}) },
			BMC: bmc.Config{GUID: soakGUID(i),
				Users: []bmc.UserConfig{{Name: programs.BMCUser,
					Password:  ipmi.NewSecret(soakPassword),
					Privilege: ipmi.PrivilegeAdministrator}}}}
		if err := rack.ApplyProfile(&server.BMC, ""); err != nil {
			t.Fatal(err)
		}
		c.Servers = append(c.Servers, server)
	}
	r, err := rack.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &soak{t: t, relay: udprelay.StartRange(t, first.Port(), soakNetwork),
		bmcs: make([]soaked, n)}
	s.first = netip.AddrPortFrom(first.Addr(), s.relay.Port)
	if s.transport, err = client.NewTransport(nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.transport.Close() })
	began := time.Now()
	var g errgroup.Group
	g.SetLimit(64)
	for i := range s.bmcs {
		g.Go(func() error { return s.login(i) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d BMCs, logged in to all of them within %v", n,
		time.Since(began).Round(time.Millisecond))
	return s
}

func freeUDPPort(t *testing.T) uint16 {
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

// login opens the session with the i-th BMC.
func (s *soak) login(i int) error {
	at := s.first.Addr().As4()
	binary.BigEndian.PutUint32(at[:], binary.BigEndian.Uint32(at[:])+uint32(i))
	const tries = 7
	session, err := client.Dial(context.Background(),
		netip.AddrPortFrom(netip.AddrFrom4(at), s.first.Port()).String(),
		client.WithInterface(client.LANPlus),
		client.WithUser(programs.BMCUser, ipmi.NewSecret(soakPassword)),
		client.WithTransport(s.transport), client.WithRetry(0, tries))
	s.bmcs[i].session = session
	return err
}

// workers is how many BMCs are visited at a time.
const workers = 256

// work visits BMCs for d, and returns when nothing is under way any more.
func (s *soak) work(d time.Duration) {
	var crew sync.WaitGroup
	end := time.Now().Add(d)
	for range min(workers, len(s.bmcs)/2) {
		crew.Add(1)
		s.visitNext(&crew, end)
	}
	crew.Wait()
	time.Sleep(2 * soakNetwork.Hold) // what was doubled or held may still be on its way
}

// visitNext visits the next BMC, and then the one after it, until the time is over. No goroutine
// waits meanwhile.
func (s *soak) visitNext(crew *sync.WaitGroup, end time.Time) {
	if time.Now().After(end) || s.t.Failed() {
		crew.Done()
		return
	}
	i := int(s.next.Add(1)-1) % len(s.bmcs)
	for !s.bmcs[i].taken.CompareAndSwap(false, true) {
		i = int(s.next.Add(1)-1) % len(s.bmcs)
	}
	left := func() {
		s.bmcs[i].taken.Store(false)
		s.visitNext(crew, end)
	}
	const seldom = 50
	if rand.IntN(seldom) == 0 {
		go func() {
			s.renew(i)
			left()
		}()
		return
	}
	s.visit(i, left)
}

// renew ends a session and opens another. The BMC may not hear of the end, and keeps what it has of
// the session until its time is over.
func (s *soak) renew(i int) {
	b := &s.bmcs[i]
	if err := b.session.Close(); err != nil {
		s.t.Errorf("BMC %d: close: %v", i, err)
	}
	s.mu.Lock()
	s.closed = added(s.closed, b.session.Stats())
	s.mu.Unlock()
	// The network may spoil a log-in, and the next, but not for ever.
	err := s.login(i)
	for n := 0; n < 3 && errors.Is(err, ipmi.ErrTimeout); n++ {
		s.spoiled.Add(1)
		err = s.login(i)
	}
	if err != nil {
		s.t.Errorf("BMC %d: %v", i, err)
		return
	}
	s.logins.Add(1)
}

// visit asks a BMC several things at a time, and calls left when all are answered.
func (s *soak) visit(i int, left func()) {
	session := s.bmcs[i].session
	const readings = 8
	var open atomic.Int32
	open.Store(readings + 3)
	answered := func(err error) {
		if err != nil {
			s.t.Errorf("BMC %d: %v", i, err)
		} else {
			s.answers.Add(1)
		}
		if open.Add(-1) == 0 {
			left()
		}
	}
	client.Start(session, ipmi.GetDeviceGUID{}, func(r ipmi.DeviceGUID, err error) {
		if err == nil && r.GUID != soakGUID(i) {
			err = fmt.Errorf("its GUID is %v, that of another", r.GUID)
		}
		answered(err)
	})
	client.Start(session, ipmi.GetChassisStatus{}, func(r ipmi.ChassisStatus, err error) {
		if err == nil && !r.PowerOn {
			err = errors.New("it is off, and nobody switched it")
		}
		answered(err)
	})
	client.Start(session, ipmi.GetSELInfo{}, func(_ ipmi.SELInfo, err error) { answered(err) })
	for n := range readings {
		client.Start(session, ipmi.GetSensorReading{Sensor: uint8(n + 1)},
			func(r ipmi.SensorReading, err error) {
				if err == nil && !r.Scanning {
					err = errors.New("a sensor is not scanned")
				}
				answered(err)
			})
	}
}

// sum adds up the counts of all sessions. Nothing may be under way.
func (s *soak) sum() client.Stats {
	s.mu.Lock()
	all := s.closed
	s.mu.Unlock()
	for i := range s.bmcs {
		all = added(all, s.bmcs[i].session.Stats())
	}
	return all
}

func added(a, b client.Stats) client.Stats {
	a.Sent += b.Sent
	a.Received += b.Received
	a.Retries += b.Retries
	a.Timeouts += b.Timeouts
	a.Busy += b.Busy
	a.Revived += b.Revived
	a.BadAuthCode += b.BadAuthCode
	a.BadFlags += b.BadFlags
	a.BadSequence += b.BadSequence
	a.BadSessionID += b.BadSessionID
	a.Malformed += b.Malformed
	a.Stray += b.Stray
	return a
}

// String reports what was done so far.
func (s *soak) String() string {
	return fmt.Sprintf("%d answers, %d sessions renewed, %d log-ins begun again", s.answers.Load(),
		s.logins.Load(), s.spoiled.Load())
}
