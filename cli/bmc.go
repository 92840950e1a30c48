package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lom/bmc/rack"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

const bmcLong = `Run simulated servers with a BMC each, in the foreground, until Ctrl-C or SIGTERM.

Every BMC answers IPMI 1.5 and 2.0 on an address of its own: with --count, on successive addresses from that of
--listen on, all on the same port. --user and --password-file name the administrator; without
a password one is made up and printed. What BMCs keep over a restart is lost at the end unless --state names a
directory for it. --config describes servers one by one. --vbmc runs the BMCs of libvirt domains as VirtualBMC has
them in its folder. At SIGHUP, both are read again: BMCs are started and ended as they say, and those that have not
changed go on, with their sessions.`

// bmcOptions are the options of lom bmc.
type bmcOptions struct {
	config  string
	vbmc    string
	listen  string
	count   int
	profile string
	state   string
	still   bool
	stats   string

	serviceTime time.Duration
	buffer      int
	overflow    string
}

// The defaults of lom bmc.
const (
	bmcListen = "127.0.0.1:6230" // ports below 1024 are for root
	bmcUser   = "admin"
)

func newBMC(a *App) *cobra.Command {
	o := &bmcOptions{}
	cmd := groupDefault(a, "bmc", "Run simulated servers with a BMC each",
		func(ctx context.Context, a *App, _ []string) error { return runBMC(ctx, a, o) })
	withoutHost(noResult(a, cmd, "runs until it is stopped"))
	cmd.Long = bmcLong
	f := cmd.Flags()
	f.Var(required(&o.config), "config", "`FILE` that describes the servers (YAML)")
	f.Var(required(&o.vbmc), "vbmc", "`DIR` of VirtualBMC (~/.vbmc), whose BMCs to run")
	f.StringVar(&o.listen, "listen", bmcListen,
		"`HOST:PORT` of the first BMC; port 0 is one that is free")
	o.count = 1
	f.Var(number{&o.count, 1, 1 << 16}, "count",
		"number of servers, on successive addresses (default 1)")
	f.Var(required(&o.profile), "profile",
		"`NAME` of the make of server to be: "+strings.Join(rack.Profiles(), ", "))
	f.Var(required(&o.state), "state", "`DIR` that keeps users, settings and logs over a restart")
	f.BoolVar(&o.still, "still", false, "let readings move with the server's power only")
	f.Var(setter{kind: "TIME", set: o.setServiceTime}, "service-time",
		"`TIME` that a BMC takes for each request, one after the other, such as 5ms")
	f.Var(number{&o.buffer, 1, rack.MaxBuffer}, "buffer",
		"requests that a BMC with a service time has room for (default 2)")
	f.Var(setter{kind: "WHAT", set: o.setOverflow}, "overflow",
		"what such a BMC does with more: drop (the default), or busy, to answer so")
	f.Var(required(&o.stats), "stats",
		"`FILE` that gets, at the end, how many requests came and how many too many (JSON)")
	return cmd
}

func (o *bmcOptions) setServiceTime(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return errors.New("a time such as 5ms is needed")
	}
	o.serviceTime = d
	return nil
}

func (o *bmcOptions) setOverflow(s string) error {
	var v rack.Overflow
	o.overflow = s
	return v.UnmarshalText([]byte(s))
}

// runBMC runs BMCs until ctx ends.
func runBMC(ctx context.Context, a *App, o *bmcOptions) error {
	run := &bmcRun{app: a, opts: o}
	file, c, told, err := run.load(ctx)
	if err != nil {
		return err
	}
	c.Logger = a.bmcLog()
	stats, err := openStats(o.stats)
	if err != nil {
		return err
	}
	r, err := rack.Start(c)
	if err != nil {
		var taken *rack.InUseError
		if errors.As(err, &taken) && file.VBMC != "" {
			err = fmt.Errorf("cannot listen on %s: another program uses that port; if it is "+
				"vbmcd, end that first", taken.Where)
		}
		return errors.Join(err, stats.close())
	}
	a.announce(r.Units())
	if told != "" {
		fmt.Fprintln(a.Out, told)
	}
	run.serve(ctx, r)
	return errors.Join(r.Close(), stats.write(r))
}

// announceEach is up to how many BMCs are listed one by one.
const announceEach = 16

// announce tells where the BMCs answer.
func (a *App) announce(units []*rack.Unit) {
	if len(units) > announceEach {
		first, last := units[0].Addr, units[len(units)-1].Addr
		fmt.Fprintf(a.Out, "%d BMCs answer, from %s at %s to %s at %s\n", len(units), units[0].Name,
			first, units[len(units)-1].Name, last)
		return
	}
	for _, u := range units {
		fmt.Fprintf(a.Out, "%s answers at %s\n", u.Name, u.Addr)
	}
}

// bmcPassword finds the administrator and the password of BMCs whose users are not configured: from
// the options, from a former run, or made up. Told is what the user must be told of it.
func (a *App) bmcPassword(ctx context.Context,
	file *rackFile) (u rackUser, told string, err error) {
	u = rackUser{Name: a.Options.User, secret: a.Options.Password}
	if u.Name == "" {
		u.Name = bmcUser
	}
	if a.Options.passwordFrom != fromNowhere {
		if err := a.completePassword(ctx); err != nil {
			return u, "", err
		}
		u.secret = a.Options.Password
		if u.secret.Len() == 0 {
			return u, "", errors.New("the administrator's password is empty; give one, or leave " +
				"the option away to have one made up")
		}
		return u, "", nil
	}
	if !file.needsPassword() {
		return u, "", nil
	}
	if file.State == "" {
		u.secret = ipmi.NewSecret(madeUpPassword())
		return u, fmt.Sprintf("user %s, password %s (made up for this run; --password-file sets "+
			"another)", u.Name, u.secret.Reveal()), nil
	}
	name := filepath.Join(file.State, "password")
	p, err := readPasswordFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		p = madeUpPassword()
		if err = os.MkdirAll(file.State, 0o700); err == nil {
			err = os.WriteFile(name, []byte(p+"\n"), 0o600)
		}
		if err != nil {
			return u, "", fmt.Errorf("the password that was made up cannot be kept: %w", err)
		}
		told = fmt.Sprintf("user %s, password %s (made up, and kept in %s)", u.Name, p, name)
	}
	u.secret = ipmi.NewSecret(p)
	return u, told, err
}

// madeUpPassword returns a password of 16 letters and digits, good for IPMI 1.5 too, with 80 random
// bits.
func madeUpPassword() string { return rand.Text()[:16] }

// nextAddr returns the address n after a.
func nextAddr(a netip.AddrPort, n int) (netip.AddrPort, error) {
	bytes := a.Addr().AsSlice()
	for i := len(bytes) - 1; i >= 0 && n > 0; i-- {
		n += int(bytes[i])
		bytes[i] = byte(n)
		n >>= 8
	}
	ip, ok := netip.AddrFromSlice(bytes)
	if !ok || n > 0 {
		return a, fmt.Errorf("there are not so many addresses from %v on", a.Addr())
	}
	return netip.AddrPortFrom(ip.WithZone(a.Addr().Zone()), a.Port()), nil
}
