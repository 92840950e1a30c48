package cli

import (
	"context"
	"crypto/sha256"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"go.yaml.in/yaml/v4"

	"lom/bmc/rack"
	fmt "lom/internal/plainfmt"
)

// hangups says whether SIGHUP has the program read its files again, instead of ending it.
type hangups struct{ wanted atomic.Bool }

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
	if r.opts.config == "" && r.opts.vbmc == "" {
		<-ctx.Done()
		return
	}
	r.app.hangups.wanted.Store(true)
	defer r.app.hangups.wanted.Store(false)
	came := make(chan os.Signal, 1)
	signal.Notify(came, syscall.SIGHUP) // also under nohup, which means the terminal's
	defer signal.Stop(came)
	for {
		select {
		case <-ctx.Done():
			return
		case <-came:
			if err := r.reload(ctx, running); err != nil {
				fmt.Fprintf(r.app.Err, "%s: the BMCs go on as they were: %s\n", r.app.Name,
					clipWords(r.app.explain(err)))
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
	fmt.Fprintf(r.app.Out, "configuration read again: %d BMCs started, %d ended, %d kept\n",
		len(changes.Added), len(changes.Removed), changes.Kept)
	r.app.announce(changes.Added)
	if told != "" {
		fmt.Fprintln(r.app.Out, told)
	}
	return nil
}

// revision returns what changes when anything in the description of a server does, such as a
// password in a file.
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
