package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sdr"
)

// A fleet is a client of many BMCs over one Transport: the process that item 3 measures.
type fleet struct {
	first  string // address and port of the first BMC; the others follow
	count  int
	suite  int
	logins int // log-ins at a time
	atOnce int // BMCs whose sensors are read at a time
	// requests that a BMC's session is given at a time; its window decides how many are under way
	each    int
	profile string

	transport *client.Transport
	sessions  []*client.Session
	sensors   []*sdr.Sensor
	stamps    []stamp // of each BMC's records
}

// A stamp is what must not have changed for the records that are known to be good.
type stamp struct {
	records         uint16
	addition, erase ipmi.Timestamp
}

func stampOf(i ipmi.SDRRepositoryInfo) stamp {
	return stamp{i.Records, i.LastAddition, i.LastErase}
}

// mostSensors is how many sensors of a BMC are read.
const mostSensors = 60

// A phase is what the fleet tells when it has done one of its jobs.
type phase struct {
	Name      string
	Took      time.Duration
	Exchanges int           // answers that came
	User      time.Duration // CPU time of the phase
	System    time.Duration
	Sensors   int
	Retries   uint64 // of all sessions so far, and so the next ones
	Timeouts  uint64
	Busy      uint64
	Dropped   uint64
	Before    state // of the process
	After     state
}

// fleetRole logs in to all BMCs and reads all their sensors, in the steps that it is told on
// standard input, each a line: "round", "profile", which is a round with a CPU profile, and
// "close". It tells a phase after each.
func fleetRole(args []string) int {
	f := flag.NewFlagSet("fleet", flag.ContinueOnError)
	var x fleet
	f.StringVar(&x.first, "first", "", "address and port of the first BMC")
	f.IntVar(&x.count, "count", 1, "BMCs")
	f.IntVar(&x.suite, "suite", 3, "cipher suite")
	f.IntVar(&x.logins, "logins", 64, "log-ins at a time")
	f.IntVar(&x.atOnce, "at-once", 64, "BMCs that are read at a time")
	f.IntVar(&x.each, "each", 8, "requests of a BMC at a time, as far as its window allows")
	f.StringVar(&x.profile, "profile", "", "file for the CPU profile")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if err := x.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "perf fleet:", err)
		return 1
	}
	return 0
}

func (x *fleet) run(ctx context.Context) error {
	tell := json.NewEncoder(os.Stdout)
	var err error
	if x.transport, err = client.NewTransport(nil); err != nil {
		return err
	}
	x.stamps = make([]stamp, x.count)
	p := x.measure("log-in", func() (int, error) { return x.login(ctx) }, &err)
	if err != nil {
		return err
	}
	if err := x.readRecords(ctx); err != nil {
		return err
	}
	p.Sensors = len(x.sensors)
	if err := tell.Encode(p); err != nil {
		return err
	}
	for steps := bufio.NewScanner(os.Stdin); steps.Scan(); {
		var p phase
		switch step := steps.Text(); step {
		case "round":
			p = x.measure(step, x.round, &err)
		case "profile":
			file, ferr := os.Create(x.profile)
			if ferr != nil {
				return ferr
			}
			if err := pprof.StartCPUProfile(file); err != nil {
				return err
			}
			p = x.measure(step, x.round, &err)
			pprof.StopCPUProfile()
		case "close":
			p = x.measure(step, x.close, &err)
		default:
			return fmt.Errorf("%q is not understood", step)
		}
		if err != nil {
			return err
		}
		if err := tell.Encode(p); err != nil {
			return err
		}
	}
	return nil
}

// measure does a job, which returns how many exchanges it took, and looks at the process before and
// after.
func (x *fleet) measure(name string, job func() (int, error), err *error) phase {
	p := phase{Name: name, Before: ownState()}
	user, system := ownCPU()
	began := time.Now()
	p.Exchanges, *err = job()
	p.Took = time.Since(began)
	p.User, p.System = ownCPU()
	p.User, p.System = p.User-user, p.System-system
	p.After = ownState()
	p.Sensors = len(x.sensors)
	for _, s := range x.sessions {
		st := s.Stats()
		p.Retries += st.Retries
		p.Timeouts += st.Timeouts
		p.Busy += st.Busy
		p.Dropped += st.BadAuthCode + st.BadFlags + st.BadSequence + st.BadSessionID +
			st.Malformed + st.Stray
	}
	return p
}

// login opens all the sessions.
func (x *fleet) login(ctx context.Context) (int, error) {
	at, err := netip.ParseAddrPort(x.first)
	if err != nil {
		return 0, err
	}
	x.sessions = make([]*client.Session, x.count)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(x.logins)
	for i, a := 0, at.Addr(); i < x.count; i, a = i+1, a.Next() {
		g.Go(func() (err error) {
			x.sessions[i], err = client.Dial(ctx, netip.AddrPortFrom(a, at.Port()).String(),
				client.WithInterface(client.LANPlus),
				client.WithUser(bmcUser, ipmi.NewSecret(bmcPassword)),
				client.WithCipherSuite(x.suite), client.WithTransport(x.transport))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		x.sessions = nil
		return 0, err
	}
	const handshake = 3 // Open Session, RAKP 1, RAKP 3
	return handshake * x.count, nil
}

// readRecords reads the sensor records of one BMC for all, which are of the same model, and what
// all of them say of their records.
func (x *fleet) readRecords(ctx context.Context) error {
	raw, err := client.ReadSDRs(ctx, x.sessions[0])
	if err != nil {
		return err
	}
	for _, b := range raw {
		rec, err := sdr.Parse(b)
		if err != nil {
			continue
		}
		if s := client.SensorOf(rec); s != nil && s.Key.Local() && len(x.sensors) < mostSensors {
			x.sensors = append(x.sensors, s)
		}
	}
	if len(x.sensors) == 0 {
		return errors.New("the BMCs have no sensors")
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(x.logins)
	for i, s := range x.sessions {
		g.Go(func() error {
			info, err := client.Do(ctx, s, ipmi.GetSDRRepositoryInfo{})
			x.stamps[i] = stampOf(info)
			return err
		})
	}
	return g.Wait()
}

// round reads all sensors of all BMCs once, after asking each whether its sensor records are those
// that are known.
func (x *fleet) round() (int, error) {
	r := &round{fleet: x, done: make(chan struct{})}
	r.left.Store(int64(len(x.sessions)))
	for range min(x.atOnce, len(x.sessions)) {
		r.nextBMC()
	}
	<-r.done
	return int(r.answers.Load()), r.err
}

// A round is all sensors of all BMCs.
type round struct {
	*fleet
	next    atomic.Int64
	left    atomic.Int64
	answers atomic.Int64
	done    chan struct{}

	mu  sync.Mutex
	err error
}

// A reader reads the sensors of one BMC: it is what the fleet keeps for each that it reads just
// now.
type reader struct {
	*round
	session *client.Session
	stamp   stamp
	mu      sync.Mutex
	next    int
	open    int // requests that are not answered
}

func (r *round) nextBMC() {
	i := int(r.next.Add(1)) - 1
	if i >= len(r.sessions) {
		return
	}
	b := &reader{round: r, session: r.sessions[i], stamp: r.stamps[i]}
	client.Start(b.session, ipmi.GetSDRRepositoryInfo{}, b.checked)
}

// checked takes the answer to the question whether the records are still the same.
func (b *reader) checked(info ipmi.SDRRepositoryInfo, err error) {
	if err == nil && stampOf(info) != b.stamp {
		err = errors.New("the sensor records have changed")
	}
	b.mu.Lock()
	n := min(b.each, len(b.sensors))
	b.open, b.next = n, n
	b.mu.Unlock()
	b.count(err)
	for i := range n {
		b.read(i)
	}
}

func (b *reader) read(i int) {
	client.Start(b.session, ipmi.GetSensorReading{Sensor: b.sensors[i].Number}, b.answered)
}

// answered takes a reading, and asks for the next.
func (b *reader) answered(reading ipmi.SensorReading, err error) {
	if err == nil && !reading.Scanning {
		err = errors.New("a sensor is not scanned")
	}
	b.count(err)
	b.mu.Lock()
	i := b.next
	b.next++
	if i >= len(b.sensors) {
		b.open--
	}
	last := b.open == 0
	b.mu.Unlock()
	switch {
	case i < len(b.sensors):
		b.read(i)
	case last:
		b.nextBMC()
		if b.left.Add(-1) == 0 {
			close(b.done)
		}
	}
}

// count counts an answer, and keeps the first error.
func (r *round) count(err error) {
	if err == nil {
		r.answers.Add(1)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}

func (x *fleet) close() (int, error) {
	for _, s := range x.sessions {
		_ = s.Close()
	}
	x.sessions = nil
	return 0, x.transport.Close()
}
