package cli

import (
	"context"
	_ "embed"
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lom/bmc/rack"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/ipmi/sel"
)

const demoLong = `Run a rack of eight servers of four makes with a BMC each, some of them with faults, until Ctrl-C.

Nothing is kept, nothing but this machine can reach them, and all of them have the user admin with
the password demo. What is printed can be pasted into another terminal.`

// demoListen is where the first BMC of the demo answers. The others have the ports after it,
// because not every operating system has more loopback addresses than one.
const demoListen = "127.0.0.1:6231"

//go:embed demo.yaml
var demoFile []byte

// demoServers says what is up with the servers of demo.yaml.
var demoServers = [...]struct{ name, state string }{
	{"web1", "all is well"},
	{"web2", "a fan has failed"},
	{"db1", "a power supply has no input"},
	{"db2", "a CPU is too hot"},
	{"node1", "its event log is nearly full"},
	{"node2", "it is off"},
	{"store1", "a drive has failed"},
	{"store2", "its lid is open, and it ignores the soft shutdown"},
}

// demoCommands are worth trying, on a server each.
var demoCommands = [...]struct {
	server  int
	command string
}{
	{0, "power status"},
	{1, "sdr type fan"},
	{2, "sel list"},
	{3, "sensor get 02-CPU"},
	{4, "sel info"},
	{5, "power on"},
	{6, "fru print 0"},
	{7, "-o json chassis status"},
}

func newDemo(a *App) *cobra.Command {
	listen := demoListen
	cmd := leaf(a, "demo", "Run a rack of eight servers, some with faults, to try things on",
		func(ctx context.Context, a *App, args []string) error {
			if err := wantArgs(args, 0, 0); err != nil {
				return err
			}
			return runDemo(ctx, a, listen)
		})
	withoutHost(noResult(a, cmd, "runs until it is stopped"))
	cmd.Long = demoLong
	cmd.Flags().StringVar(&listen, "listen", demoListen,
		"`HOST:PORT` of the first BMC; the others have the ports after it")
	return cmd
}

// runDemo runs the rack until ctx ends.
func runDemo(ctx context.Context, a *App, listen string) error {
	f, err := parseRackFile("demo.yaml", demoFile)
	if err != nil {
		return err
	}
	first, err := parseListen(listen)
	if err != nil {
		return err
	}
	for i := range f.Servers {
		port := first.Port()
		if port != 0 {
			port += uint16(i)
		}
		f.Servers[i].Listen = netip.AddrPortFrom(first.Addr(), port).String()
	}
	f.Default.Listen = listen
	c, err := f.rack(rackUser{})
	if err != nil {
		return err
	}
	c.Logger = a.bmcLog()
	r, err := rack.Start(c)
	if err != nil {
		return err
	}
	for i, u := range r.Units() {
		err := demoPast(u, i, a.now())
		for _, f := range c.Servers[i].BMC.Faults { // once more, so that the SEL tells of them now
			err = errors.Join(err, u.BMC.SetSensor(f))
		}
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", u.Name, err), r.Close())
		}
	}
	a.demoHelp(r, &f)
	<-ctx.Done()
	return r.Close()
}

// demoHelp says what there is and what to do with it.
func (a *App) demoHelp(r *rack.Rack, f *rackFile) {
	var b strings.Builder
	b.WriteString("A rack of eight simulated servers, until Ctrl-C:\n\n")
	for i, u := range r.Units() {
		fmt.Fprintf(&b, "  %-7s %-11s %-16s %s\n", u.Name, f.Servers[i].Profile, u.Addr,
			demoServers[i].state)
	}
	b.WriteString("\nTry in another terminal:\n\n")
	program := a.arg0
	if strings.Contains(filepath.ToSlash(program), "/go-build") {
		program = "go run ./cmd/lom" // go run takes its program away again
	}
	for _, c := range demoCommands {
		addr := r.Units()[c.server].Addr
		fmt.Fprintf(&b, "  %s -H %s -p %d -U admin -P demo %s\n", program, addr.Addr(), addr.Port(),
			c.command)
	}
	_, _ = a.Out.Write([]byte(b.String()))
}

// The past of the demo's servers.
const (
	demoDays     = 40  // since the last start
	demoErrors   = 985 // memory errors of the server whose SEL is nearly full
	demoErrorGap = 55 * time.Minute
)

// demoPast gives the server with the given index a past.
func demoPast(u *rack.Unit, index int, now time.Time) error {
	start := now.Add(-demoDays*24*time.Hour + time.Duration(index)*7*time.Minute)
	// by hard reset
	err := u.BMC.LogPast(demoEvent(ipmi.SensorBootInitiated, [3]byte{1, 0xff, 0xff}), start)
	// from C:
	err = errors.Join(err, u.BMC.LogPast(demoEvent(ipmi.SensorOSBoot, [3]byte{1, 0xff, 0xff}),
		start.Add(95*time.Second)))
	if u.Name != "node1" {
		return err
	}
	for n := range demoErrors {
		// correctable error, module
		e := demoEvent(ipmi.SensorMemory, [3]byte{0xa0, 0xff, byte(n % 16)})
		err = errors.Join(err, u.BMC.LogPast(e, now.Add(-time.Duration(demoErrors-n)*demoErrorGap)))
	}
	return err
}

// demoEvent makes an event of the system's firmware.
func demoEvent(t ipmi.SensorType, data [3]byte) sel.Event {
	return sel.Event{Generator: 0x0001, Revision: ipmi.EventRevision, SensorType: t,
		Type: ipmi.EventSensorSpecific, Data: data}
}
