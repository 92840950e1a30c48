package rack

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"lom/bmc"
	"lom/bmc/host"
)

// A Server is one machine of a rack with its BMC.
type Server struct {
	Name string // unique in the rack; also the name of its state file
	// where the BMC answers; port 0 is one that is free, the same for servers with other addresses
	// where that can be
	Addr netip.AddrPort
	BMC  bmc.Config // Name, StateFile, Commands and Logger are filled in
	Host func() host.Host
	// Service is how fast the BMC is.
	Service Service
	// Console makes the server's serial port, nil for none. Without it, it is the Host's own if
	// that is a host.ConsoleOwner.
	Console func() host.Console
	// Revision changes when anything in the description does. Reload leaves a server as it is whose
	// name, address and Revision are the same, unless that is "".
	Revision string
	// Satellites are controllers on the server's IPMB by slave address, each made as BMC is. They
	// have no address of their own.
	Satellites map[uint8]Satellite
}

// A Satellite is a controller that is reached through a BMC.
type Satellite struct {
	BMC  bmc.Config
	Host func() host.Host
}

// Config is what a rack is made of.
type Config struct {
	Servers  []Server
	StateDir string       // keeps a state file for each server; "" keeps nothing
	Logger   *slog.Logger // nil: discards
}

// A Rack is a number of running BMCs. Its methods are called from one goroutine at a time.
type Rack struct {
	cfg      Config // without Servers
	commands *bmc.Mux
	disk     *bmc.Disk
	gone     Stats // of BMCs that were ended

	units   []*Unit
	ports   []*port
	lock    *os.File
	serving sync.WaitGroup
}

// A Unit is one running BMC.
type Unit struct {
	Name   string
	Addr   netip.AddrPort // where it answers
	BMC    *bmc.BMC
	server Server
	host   host.Host
	port   *port
	queue  *queue // nil: every request is answered at once
	stats  Stats
	links  map[netip.Addr]*addressed // of one at all addresses of the machine
}

// writers is how many goroutines write state files, each up to 64 at a time.
const writers = 8

// Start starts the BMCs. When it returns without an error, they answer. Its error is one sentence.
func Start(c Config) (r *Rack, err error) {
	r = &Rack{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.StateDir != "" {
		if r.lock, err = lockDir(c.StateDir); err != nil {
			return r, err
		}
	}
	r.cfg, r.commands, r.disk = Config{StateDir: c.StateDir, Logger: c.Logger}, bmc.NewCommands(),
		bmc.NewDisk(writers)
	of, made, err := open(c.Servers, c.Logger)
	r.ports = made
	if err != nil {
		return r, err
	}
	for i := range c.Servers {
		u := newUnit(&c.Servers[i], of[i])
		if err := r.start(u); err != nil {
			return r, err
		}
		r.units = append(r.units, u)
		u.port.add(u)
	}
	awaitLooks(r.units)
	r.serve(r.ports)
	return r, nil
}

// serve has ports answer.
func (r *Rack) serve(ports []*port) {
	for _, p := range ports {
		p.publish()
		r.serving.Go(p.serve)
	}
}

// lookTime is how long the rack waits, at its start, for hosts that have to look at their machines:
// who asks at once is to be answered with what there is to be seen.
const lookTime = 2 * time.Second

// awaitLooks waits until the machines of the hosts were looked at.
func awaitLooks(units []*Unit) {
	late := time.NewTimer(lookTime)
	defer late.Stop()
	for _, u := range units {
		w, ok := u.host.(host.Watcher)
		if !ok {
			continue
		}
		select {
		case <-w.Looked():
		case <-late.C:
			return
		}
	}
}

// start makes the BMC of a unit.
func (r *Rack) start(u *Unit) (err error) {
	c, s, commands := &r.cfg, &u.server, r.commands
	if u.queue, err = newQueue(s.Service); err != nil {
		return fmt.Errorf("BMC %s: %w", s.Name, err)
	}
	cfg := s.BMC
	cfg.Name, cfg.Commands, cfg.Disk, cfg.Logger, cfg.Host = s.Name, commands, r.disk, c.Logger,
		s.Host()
	cfg.StateFile = c.stateFile(s.Name)
	u.host = cfg.Host
	if owner, ok := cfg.Host.(host.ConsoleOwner); s.Console != nil {
		cfg.Console = s.Console()
	} else if ok {
		cfg.Console = owner.Console()
	}
	if !cfg.LAN.Address.IsValid() && u.Addr.Addr().Unmap().Is4() {
		bits := 24
		if u.Addr.Addr().IsLoopback() {
			bits = 8
		}
		cfg.LAN.Address = netip.PrefixFrom(u.Addr.Addr().Unmap(), bits)
	}
	if cfg.SendAlert == nil {
		cfg.SendAlert = u.sendTrap
	}
	if cfg.LAN.Port == 0 {
		cfg.LAN.Port = u.Addr.Port()
	}
	if cfg.Satellites, err = c.satellites(*s, commands); err != nil {
		return err
	}
	if u.BMC, err = bmc.New(cfg); err != nil {
		var damage *bmc.StateError // which names the file, and so the BMC
		if !errors.As(err, &damage) {
			err = fmt.Errorf("BMC %s: %w", s.Name, err)
		}
		return errors.Join(err, closeAll(cfg.Satellites))
	}
	return nil
}

// stateFile returns the path of a controller's state file, "" if nothing is kept.
func (c *Config) stateFile(name string) string {
	if c.StateDir == "" {
		return ""
	}
	return filepath.Join(c.StateDir, name+".state")
}

// satellites makes the controllers on a server's IPMB.
func (c *Config) satellites(s Server, commands *bmc.Mux) (map[uint8]*bmc.BMC, error) {
	made := map[uint8]*bmc.BMC{}
	for address, sat := range s.Satellites {
		cfg := sat.BMC
		cfg.Name, cfg.Commands, cfg.Logger, cfg.Host = fmt.Sprintf("%s-%02x", s.Name, address),
			commands, c.Logger, sat.Host()
		cfg.StateFile, cfg.Address = c.stateFile(cfg.Name), address
		b, err := bmc.New(cfg)
		if err != nil {
			return nil, errors.Join(err, closeAll(made))
		}
		made[address] = b
	}
	return made, nil
}

// closeAll closes controllers that no BMC has taken over.
func closeAll(satellites map[uint8]*bmc.BMC) error {
	var errs []error
	for _, s := range satellites {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// Units returns the running BMCs in the order of the configuration.
func (r *Rack) Units() []*Unit { return r.units }

// Stats returns what the BMC had to do since its start.
func (u *Unit) Stats() Stats {
	u.port.mu.Lock()
	defer u.port.mu.Unlock()
	return u.stats
}

// Stats returns what all BMCs together had to do since their start.
func (r *Rack) Stats() Stats {
	all := r.gone
	for _, u := range r.units {
		all.add(u.Stats())
	}
	return all
}

// Close ends the BMCs. When it returns, what they kept is on disk.
func (r *Rack) Close() error {
	var errs []error
	for _, p := range r.ports {
		p.socket.close()
	}
	r.serving.Wait()
	for _, u := range r.units {
		if u.BMC != nil {
			errs = append(errs, u.BMC.Close())
		}
	}
	if r.lock != nil {
		r.lock.Close()
	}
	return errors.Join(errs...)
}

// lockDir makes the state directory, if it must, and takes it for this process.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the state directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot use the state directory: %w", err)
	}
	if err := lockFile(f); err != nil {
		f.Close()
		if errors.Is(err, errLocked) {
			err = fmt.Errorf("state directory %s is in use by another lom", dir)
		}
		return nil, err
	}
	return f, nil
}

// errLocked is lockFile's error when another process has the lock.
var errLocked = errors.New("locked")
