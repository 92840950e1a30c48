package cli

import (
	"context"
	"crypto/sha256"
	"sync/atomic"

	"go.yaml.in/yaml/v4"

	"lom/bmc/rack"
	fmt "lom/internal/plainfmt"
)

// hangups are the signals SIGHUP of a program that reads its files again, instead of ending.
type hangups struct {
	wanted atomic.Bool
	came   chan struct{}
}

func newHangups() *hangups { return &hangups{came: make(chan struct{}, 1)} }

// take takes a signal, or reports that it is to end the program.
func (h *hangups) take() bool {
	if !h.wanted.Load() {
		return false
	}
	select {
	case h.came <- struct{}{}:
	default: // it will read them after the one that waits
	}
	return true
}

// A bmcRun is a lom bmc that runs.
type bmcRun struct {
	app   *App
	opts  *bmcOptions
	admin rackUser
	known bool // admin is
}

// load reads the configuration. Told is what the user must be told of a password.
func (r *bmcRun) load(ctx context.Context) (file rackFile, c rack.Config, told string, err error) {
	if r.opts.config != "" {
		read := func() (rackFile, error) { return readRackFile(r.opts.config) }
		if file, err = interruptible(ctx, read); err != nil {
			return file, c, "", err
		}
	}
	file.override(r.opts)
	if err := file.addVBMC(); err != nil {
		return file, c, "", err
	}
	if !r.known {
		if r.admin, told, err = r.app.bmcPassword(ctx, &file); err != nil {
			return file, c, "", err
		}
		r.known = r.admin.secret.Len() > 0
	}
	c, err = file.rack(r.admin)
	return file, c, told, err
}

// serve waits until ctx ends. At each SIGHUP it reads the configuration again.
func (r *bmcRun) serve(ctx context.Context, running *rack.Rack) {
	h := r.app.hangups
	h.wanted.Store(r.opts.config != "" || r.opts.vbmc != "")
	defer h.wanted.Store(false)
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.came:
			if err := r.reload(ctx, running); err != nil {
				fmt.Fprintf(r.app.Err, "%s: the BMCs go on as they were: %s\n", r.app.Name, clipWords(r.app.explain(err)))
			}
		}
	}
}

func (r *bmcRun) reload(ctx context.Context, running *rack.Rack) error {
	_, c, told, err := r.load(ctx)
	if err != nil {
		return err
	}
	changes, err := running.Reload(c)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.app.Out, "configuration read again: %d BMCs started, %d ended, %d kept\n", len(changes.Added), len(changes.Removed), changes.Kept)
	r.app.announce(changes.Added)
	if told != "" {
		fmt.Fprintln(r.app.Out, told)
	}
	return nil
}

// revision returns what changes when anything in the description of a server does, such as a password in a file.
func (s *rackServer) revision(made *rack.Server) (string, error) {
	text, err := yaml.Dump(s)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write(text)
	for _, u := range made.BMC.Users {
		fmt.Fprintf(h, "%q", u.Password.Reveal())
	}
	return string(h.Sum(nil)), nil
}
