package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lom/bmc"
	"lom/bmc/host"
	"lom/bmc/host/sim"
	"lom/bmc/rack"
	"lom/ipmi"
)

// startBenched runs BMCs and returns where they answer.
func startBenched(t *testing.T, n int) []string {
	t.Helper()
	var c rack.Config
	at := netip.MustParseAddrPort("127.0.0.1:0")
	for i := range n {
		s := rack.Server{Name: "bmc" + strconv.Itoa(i), Addr: at, Host: func() host.Host {
			return sim.New(sim.Config{On: true})
		},
			BMC: bmc.Config{Users: []bmc.UserConfig{{Name: "admin",
				Password: ipmi.NewSecret("secret"), Privilege: ipmi.PrivilegeAdministrator}}}}
		if err := rack.ApplyProfile(&s.BMC, ""); err != nil {
			t.Fatal(err)
		}
		c.Servers = append(c.Servers, s)
	}
	r, err := rack.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	var answer []string
	for _, u := range r.Units() {
		answer = append(answer, u.Addr.String())
	}
	return answer
}

// runBenched runs lom bench.
func runBenched(ctx context.Context, hosts []string,
	args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	a := newApp("lom", strings.NewReader(""), &out, &errs)
	code = a.Run(ctx, append([]string{"-H", strings.Join(hosts, ","), "-U", "admin", "-P",
		"secret"}, args...))
	return code, out.String(), errs.String()
}

func TestBenchMeasures(t *testing.T) {
	hosts := startBenched(t, 1)
	code, out, errs := runBenched(t.Context(), hosts, "-o", "json", "bench", "--sol", "--most", "4",
		"--step", "50ms")
	var r benchResult
	if err := json.Unmarshal([]byte(out), &r); code != 0 || errs != "" || err != nil {
		t.Fatalf("%d, %v\n%s%s", code, err, out, errs)
	}
	if r.Login == nil || r.Login.Count != benchLogins || r.Login.Packets < 3 ||
		r.Login.Packets > 6 || r.Login.P95 < r.Login.Median || r.Login.Median <= 0 {
		t.Errorf("log-in: %+v", r.Login)
	}
	for i, x := range r.Rates {
		if x.Commands == 0 || x.PerSecond <= 0 || x.Median <= 0 ||
			i > 0 && x.AtATime <= r.Rates[i-1].AtATime || x.AtATime > 4 {
			t.Errorf("commands: %+v", x)
		}
	}
	if len(r.Rates) < 1 || r.Takes < 1 || r.Best < 1 || r.Best > r.Takes {
		t.Errorf("takes %d, best %d, of %+v", r.Takes, r.Best, r.Rates)
	}
	if r.SDR == nil || r.SDR.Records < 40 || r.SDR.Exchanges < r.SDR.Records || r.Sensors == nil ||
		r.Sensors.Records < 30 || r.SEL == nil {
		t.Errorf("records %+v, sensors %+v, events %+v", r.SDR, r.Sensors, r.SEL)
	}
	if r.SOL == nil || r.SOL.Echoed != len(benchLetters) {
		t.Errorf("echo: %+v", r.SOL)
	}
	if len(r.Problems) > 0 {
		t.Errorf("problems: %q", r.Problems)
	}
}

// Whoever stops it sees what was measured until then.
func TestBenchStopped(t *testing.T) {
	hosts := startBenched(t, 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(2*time.Second, func() { cancel(signalError{os.Interrupt}) })
	code, out, errs := runBenched(ctx, hosts, "bench", "--step", "10s")
	if code != exitInterrupted || errs != "" || !strings.Contains(out, "\nAt a time |") ||
		!strings.Contains(out, "commands: stopped by a signal") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	code, out, errs = runBenched(t.Context(), hosts, "bench", "--step", "1s", "--time", "2s")
	if code != exitFailed || errs != "" ||
		!strings.Contains(out, "the time that --time gives was over") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}

func TestBenchRefuses(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"bench --step 1ms", "lom: --step is a time from 10ms to 10s\n"},
		{"bench --time 10ms", "lom: --time is a time from that of --step to an hour\n"},
		{"bench --most 61", `lom: option --most "61": a number from 1 to 60 is needed` + "\n"},
		{"-t 0x82 bench", "lom: bench measures BMCs over the network; it does not work with -I open, over serial lines, or with -t\n"},
		{"bench hard", "lom: \"hard\" is one word too many; usage: lom bench\n"},
	} {
		code, out, errs := runBenched(t.Context(), []string{"127.0.0.1:1"},
			strings.Fields(c.line)...)
		if code != exitFailed || out != "" || errs != c.want {
			t.Errorf("%s: %d\n%s%s", c.line, code, out, errs)
		}
	}
}

// Many BMCs are measured together, and what cannot be is told.
func TestBenchMeasuresMany(t *testing.T) {
	hosts := startBenched(t, 5)
	gone, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	nobody := gone.LocalAddr().String()
	gone.Close()
	code, out, errs := runBenched(t.Context(), append(hosts, nobody), "-o", "json", "bench",
		"--step", "50ms")
	var r fleetResult
	if err := json.Unmarshal([]byte(out), &r); code != exitFailed || errs != "" || err != nil {
		t.Fatalf("%d, %v\n%s%s", code, err, out, errs)
	}
	if r.Hosts != 6 || r.Login == nil || r.Login.Done != 5 || r.Login.Median <= 0 ||
		len(r.Login.Slowest) != 3 {
		t.Errorf("log-in: %+v", r.Login)
	}
	if len(r.Rates) == 0 || r.Rates[0].AtATime != 1 || r.Rates[0].Commands == 0 {
		t.Errorf("commands: %+v", r.Rates)
	}
	if len(r.Failures) != 1 || r.Failures[0].Hosts != nobody || r.Failures[0].Count != 1 ||
		!strings.Contains(r.Failures[0].Reason, "nothing listens") {
		t.Errorf("failures: %+v", r.Failures)
	}
	code, out, errs = runBenched(t.Context(), append(hosts, nobody), "bench", "--step", "50ms")
	if code != exitFailed || errs != "" ||
		!strings.HasPrefix(out, "6 BMCs\n\nLog-in: 5 of 6 within ") ||
		!strings.Contains(out, "\nBMCs at a time | ") ||
		!strings.Contains(out, "\nNot measured:\n  1  "+nobody) {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	// Each by itself is what one is, with its name in front.
	code, out, errs = runBenched(t.Context(), hosts[:2], "bench", "--each", "--step", "20ms",
		"--most", "2")
	if code != exitOK || errs != "" || strings.Count(out, ": The BMC takes ") != 2 ||
		!strings.HasPrefix(out, hosts[0]+": Unknown, product 0") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}

// What a BMC takes is what went well; more than brings anything is not worth it.
func TestBenchTakes(t *testing.T) {
	for _, c := range []struct {
		rates      []float64 // of 1, 2, 4 ... at a time
		good       int
		take, best int
	}{
		{[]float64{100, 200, 390, 700}, 8, 8, 8},
		{[]float64{100, 190, 191, 195}, 8, 8, 2},
		{[]float64{100, 190, 900}, 2, 2, 2}, // the last one lost packets
		{[]float64{100}, 0, 1, 1},           // even the first did
	} {
		var r benchResult
		for i, rate := range c.rates {
			r.addRate(benchRate{AtATime: 1 << i, PerSecond: rate})
		}
		if r.takes(c.good, false); r.Takes != c.take || r.Best != c.best {
			t.Errorf("%v: takes %d, best %d, want %d and %d", c.rates, r.Takes, r.Best, c.take,
				c.best)
		}
	}
}

func TestBenchPrints(t *testing.T) {
	r := benchResult{
		Host: "bmc1", Maker: "DELL Inc", Product: 256, Firmware: "2.40", Interface: "lanplus",
		CipherSuite: new(uint8(17)),
		Login:       &benchLogin{5, 4, benchTimes{0.012345, 0.2}},
		Takes:       2, Best: 1,
		SDR: &benchRead{100, 104, 1.5, false}, SEL: &benchRead{40, 41, 12.3, true},
		SOL: &benchEcho{9, 8, benchTimes{0.0008, 0.02}},
	}
	r.addRate(benchRate{AtATime: 2, PerSecond: 190.4, benchTimes: benchTimes{0.0105, 0.011},
		Lost: 1})
	r.addRate(benchRate{AtATime: 1, PerSecond: 186, benchTimes: benchTimes{0.0052, 0.0061},
		Busy: 2})
	r.problem("event log", "bmc1: no answer")
	var b strings.Builder
	r.text(&b)
	const want = `bmc1: DELL Inc, product 256, firmware 2.40, lanplus, cipher suite 17

Log-in: 5 times, 4 exchanges, median 12.3 ms, 95 % within 200 ms

At a time |   Cmds/s |   Median |     95 % |  Lost |  Busy
        1 |      186 |   5.2 ms |   6.1 ms |     0 |     2
        2 |      190 |  10.5 ms |  11.0 ms |     1 |     0
The BMC takes 2 at a time: more are lost or refused. It is as fast with 1.

Reading        | Records | Exchanges |     Time
sensor records |     100 |       104 |  1500 ms
event log      |      40 |        41 |   12.3 s (incomplete)

Console echo: 8 of 9 letters, median 800 us, 95 % within 20.0 ms

Not measured to the end:
  event log: no answer
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}
