package bmc

import (
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"lom/bmc/host"
	"lom/ipmi"
)

// Config is what a BMC is made of. Only Host is required.
type Config struct {
	Name string    // in logs
	Host host.Host // the machine that the BMC controls; New takes it over
	// its serial port, for Serial over LAN; New takes it over; nil: there is none
	Console host.Console
	Profile *Profile      // make of server; nil: the first of Profiles
	Device  ipmi.DeviceID // the zero value is that of the Profile
	GUID    ipmi.GUID     // as on the wire; the zero value is made of random bytes and kept
	Users   []UserConfig  // present at first start, from user ID 2 on
	FRUs    []FRUDevice   // inventory devices; nil: those of the Profile
	Sensors *SensorSet    // nil: those of the Profile
	Faults  []SensorFault // of sensors, from the start
	// readings move with the host's power only, and at once, so that outputs can be compared
	Still bool
	Kg    ipmi.Secret // BMC key at first start
	Allow Allowed     // what is not safe
	// Satellites are controllers on the IPMB by slave address, reached by Send Message. The BMC
	// takes them over.
	Satellites map[uint8]*BMC
	Address    uint8 // slave address of a satellite; 0 is the BMC's own, 20h

	LAN LANConfig // what the LAN configuration parameters say at first start

	// SendAlert sends a Platform Event Trap. It is called under the lock of the BMC and must not
	// wait for the network. Nil: alerts are not sent.
	SendAlert func(Alert)

	// of Table 22-20, at most 16; empty: all that authenticate, except those with xRC4
	CipherSuites []uint8

	StateFile string       // what lasts is kept here; "" keeps it in memory only
	Disk      *Disk        // shared with other BMCs; nil: one of its own
	Commands  *Mux         // nil: NewCommands(); give many BMCs the same
	Clock     Clock        // nil: SystemClock
	Rand      io.Reader    // nil: crypto/rand
	Logger    *slog.Logger // nil: discards
}

// UserConfig is a user that a BMC has from its first start.
type UserConfig struct {
	Name      string // at most 16 bytes
	Password  ipmi.Secret
	Privilege ipmi.Privilege
}

// Allowed is what a BMC does only when it is asked to, because nobody should.
type Allowed struct {
	CipherSuite0 bool // RMCP+ sessions without authentication
	Anonymous    bool // the user without a name may log in
	AuthNone     bool // IPMI 1.5 sessions without authentication
}

// A BMC is one management controller.
type BMC struct {
	name   string
	cfg    Config
	mux    *Mux
	host   host.Host
	clock  Clock
	rand   io.Reader
	logger *slog.Logger

	mu      sync.Mutex
	closed  bool
	journal *journal
	loaded  map[string]map[string][]byte // section, key: only while loading
	change  change                       // of the request in hand
	facts   change                       // those of change that hold even if they cannot be written
	asked   bool                         // what is put is not a fact, but what the request asks for
	onEvent []func(Event)
	onHost  []func(host.Event)
	families

	systemInterface systemInterface
}

// New makes a BMC and reads its state. Its error is one sentence, a [*StateError] when the
// state file is damaged.
func New(cfg Config) (*BMC, error) {
	if cfg.Host == nil {
		return nil, errors.New("a BMC needs a host")
	}
	b := &BMC{name: cfg.Name, cfg: cfg, mux: cfg.Commands, host: cfg.Host, clock: cfg.Clock,
		rand: cfg.Rand, logger: cfg.Logger}
	if b.mux == nil {
		b.mux = NewCommands()
	}
	if b.clock == nil {
		b.clock = SystemClock{}
	}
	if b.rand == nil {
		b.rand = rand.Reader
	}
	if b.logger == nil {
		b.logger = slog.New(slog.DiscardHandler)
	}
	var err error
	disk := cfg.Disk
	if disk == nil {
		disk = NewDisk(1)
	}
	warn := func(err error) { b.logger.Warn("state", "bmc", b.name, "err", err) }
	if b.journal, b.loaded, err = openJournal(cfg.StateFile, disk, warn); err != nil {
		return nil, err
	}
	b.journal.lost = b.saveFailed
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.load(); err != nil {
		return nil, err
	}
	b.loaded = nil
	b.commit(nil, nil)
	b.host.Notify(func(e host.Event) { b.do(func() { b.hostEvent(e) }) })
	b.serveSystemInterface()
	return b, nil
}

// Name returns the name that the BMC has in logs.
func (b *BMC) Name() string { return b.name }

// Close ends the sessions, waits until what was changed is on disk, and closes the host.
func (b *BMC) Close() error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	err := b.host.Close()
	if b.cfg.Console != nil {
		err = errors.Join(err, b.cfg.Console.Close())
	}
	b.systemInterface.stop()
	return errors.Join(err, b.journal.close(), b.closeSatellites())
}

// Answer carries out one request and calls reply with the answer, once: at once, or, when the
// request changed what lasts, after the change is safe on disk. Data and the answer's data begin
// with the defining body where the NetFn has one. Reply is called under the lock of the BMC. It is
// not called if the BMC is closed before.
func (b *BMC) Answer(ctx *Context, netFn ipmi.NetFn, code uint8, data []byte,
	reply func(ipmi.CompletionCode, []byte)) {
	b.do(func() { b.carryOut(ctx, netFn, code, data, reply) })
}

// carryOut is Answer under the lock.
func (b *BMC) carryOut(ctx *Context, netFn ipmi.NetFn, code uint8, data []byte,
	reply func(ipmi.CompletionCode, []byte)) {
	ctx.BMC = b
	cc, out := b.mux.Answer(ctx, netFn, code, data)
	finish := func(err error) {
		if err != nil && cc == ipmi.CodeOK {
			cc, out = ipmi.CodeUnspecified, nil
		}
		reply(cc, out)
		if cc != ipmi.CodeOK {
			return
		}
		for _, f := range ctx.after {
			f()
		}
	}
	save := func() {
		if !b.commit(ctx, func(err error) { b.do(func() { finish(err) }) }) {
			finish(nil)
		}
	}
	if w := ctx.wait; w != nil {
		w.answer = func(code ipmi.CompletionCode) {
			if cc, out = code, nil; code != ipmi.CodeOK {
				ctx.refused()
			}
			save()
		}
		return
	}
	save()
}

// do calls f under the lock, for changes that no request asks for, and starts to write them to
// disk.
func (b *BMC) do(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	f()
	b.commit(nil, nil)
	if v := b.systemInterface.conn; v != nil {
		v.update(b)
	}
}

// after calls f under the lock after d, unless the timer is stopped before or the BMC is closed.
func (b *BMC) after(d time.Duration, f func()) Timer {
	t := &timer{}
	t.Timer = b.clock.AfterFunc(d, func() {
		b.do(func() {
			if !t.stopped {
				f()
			}
		})
	})
	return t
}

// A timer is a Timer whose Stop, called under the lock, is final: the call is not made even
// if its goroutine waits for the lock already.
type timer struct {
	Timer
	stopped bool
}

func (t *timer) Stop() bool {
	t.stopped = true
	return t.Timer.Stop()
}

// random fills p with random bytes.
func (b *BMC) random(p []byte) error {
	_, err := io.ReadFull(b.rand, p)
	return err
}
