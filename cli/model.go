package cli

import (
	"context"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/machine"
	"lom/machine/cache"
)

// cacheDir returns the folder in which things are kept between calls.
func (a *App) cacheDir() cache.Dir {
	d := cache.Dir{Log: a.Log, Now: a.now}
	if !a.Options.NoCache {
		d.Path = cache.DefaultPath(a.env)
	}
	return d
}

// cacheAddress names the BMC in the cache, besides its GUID.
func (a *App) cacheAddress() string {
	o := &a.Options
	return fmt.Sprintf("%s %d %x/%x", o.Host, o.Port, o.Target, o.TargetChannel)
}

// cachePeer is what the BMC is known by before there is a session.
func (a *App) cachePeer() cache.Peer {
	return cache.Peer{Host: a.Options.Host, Port: a.Options.Port}
}

// overNetwork reports whether there is a window.
func (a *App) overNetwork() bool { return !a.Options.inBand() && !a.Options.serial() }

// recallWindow sets the option that makes the session begin with what the model that was at the
// address the last time took. If another one is there now, the session will find out.
func (a *App) recallWindow() {
	a.Options.windowHint = 0
	if !a.overNetwork() {
		return
	}
	d := a.cacheDir()
	if n := d.Window(d.Model(a.cachePeer())); n <= windowMost {
		a.Options.windowHint = n
	}
}

// keepWindow keeps what the session found out, if it knows which model the BMC is.
func (a *App) keepWindow() {
	s, ok := a.session.(interface{ Window() (int, bool) })
	d := a.cacheDir()
	if !ok || d.Path == "" || !a.overNetwork() {
		return
	}
	model := ""
	if id, known := a.knownDeviceID(); known {
		model = cache.ModelWords(id)
		d.KeepModel(a.cachePeer(), model)
	} else if model = d.Model(a.cachePeer()); model == "" {
		return
	}
	n, learnt := s.Window()
	if !learnt || a.Options.Window != 0 || n == a.Options.windowHint {
		return // what was found out before keeps its age
	}
	a.Log.Debug("requests at a time", "model", model, "number", n)
	d.KeepWindow(model, n)
}

func (a *App) knownDeviceID() (ipmi.DeviceID, bool) {
	if a.bmc == nil {
		return ipmi.DeviceID{}, false
	}
	return a.bmc.KnownDeviceID()
}

// machine returns the machine whose BMC -H names; the first call opens the session.
func (a *App) machine(ctx context.Context) (*machine.Machine, error) {
	conn, err := a.Dial(ctx)
	if err != nil {
		return nil, err
	}
	if a.bmc == nil {
		a.bmc = a.newMachine(conn)
	}
	return a.bmc, nil
}

// newMachine returns the machine of a session, or one without a BMC, whose records are in the file
// of -S.
func (a *App) newMachine(conn client.Conn) *machine.Machine {
	opts := []machine.Option{machine.WithLogger(a.Log), machine.WithClock(a.now),
		machine.WithManufacturers(a.manufacturerName),
		machine.WithCache(a.cacheDir(), a.cacheAddress())}
	if file := a.Options.SDRCache; file != "" {
		opts = append(opts, machine.WithRecords(func(ctx context.Context) ([][]byte, error) {
			return interruptible(ctx, func() ([][]byte, error) { return readDump(file) })
		}))
	}
	return machine.New(conn, opts...)
}
