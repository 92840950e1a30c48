package interop

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lom/internal/programs"
)

// startRack runs count BMCs at host.1, host.2 and so on, with one free port, and returns the way to
// the first.
func startRack(t *testing.T, host string, count int, more ...string) programs.Target {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(host + ".1")})
	if err != nil {
		t.Fatal(err)
	}
	port := c.LocalAddr().(*net.UDPAddr).Port
	c.Close()
	return programs.StartBMCAt(t, fmt.Sprintf("%s.1:%d", host, port), t.TempDir(),
		append(more, "--count", fmt.Sprint(count), "--still")...).Target
}

// on returns the options for hosts on the port of a target, and more.
func on(b programs.Target, hosts string, more ...string) []string {
	return append([]string{"-H", hosts, "-p", fmt.Sprint(b.Addr.Port()), "-U", b.User, "-P",
		b.Password}, more...)
}

// Each host of many says what it says alone, byte for byte, behind its name.
func TestManyHostsSayWhatOneSays(t *testing.T) {
	bmc := startRack(t, "127.0.41", 50, "--profile", "dell")
	home := t.TempDir()
	// They are not all the same.
	for i, line := range []string{"power off", "chassis bootdev pxe", "user set name 5 operator",
		"sel clear", "lan set 1 vlan id 7"} {
		if r := programs.Run(t, home, programs.Lom(),
			on(bmc, fmt.Sprintf("127.0.41.%d", 3+i), strings.Fields(line)...)...); r.Code != 0 {
			t.Fatal(r)
		}
	}
	hosts := []string{"127.0.41.1", "127.0.41.3", "127.0.41.5", "127.0.41.7", "127.0.41.50"}
	for _, line := range []string{
		"power status", "chassis status", "chassis restart_cause", "chassis bootparam get 5",
		"mc info", "mc guid", "mc selftest", "mc getenables",
		"sdr", "sdr elist all", "sdr type Temperature", "sensor list", "sensor get Fan1",
		"sel info", "sel elist", "fru print", "lan print 1", "user list 1",
		"user summary", "channel info 1", "channel getciphers ipmi 1", "session info all",
		"sol info 1", "pef info", "pef filter list", "pef policy list",
		"dcmi discover", "dcmi asset_tag", "dcmi get_mc_id_string", "raw 6 1", "mc watchdog get",
		"-c sdr elist", "-c fru print 0", "-c lan print 1",
		"-v sdr list", "sel list last 2", "sensor reading Nonsense",
	} {
		words := programs.Words(line)
		all := programs.Run(t, home, programs.Lom(), on(bmc, strings.Join(hosts, ","), words...)...)
		separator := ": "
		if words[0] == "-c" {
			separator = ","
		}
		want, failed := "", 0
		var wantErr []string
		for _, h := range hosts {
			one := programs.Run(t, home, programs.Lom(), on(bmc, h, words...)...)
			if one.Code != 0 {
				failed++
			}
			for l := range strings.Lines(one.Stdout) {
				want += h + separator + l
			}
			for l := range strings.Lines(one.Stderr) {
				wantErr = append(wantErr, h+": "+l)
			}
		}
		got := all.Stdout
		if line == "session info all" { // which reports the port of the client
			got, want = withoutDetails(got), withoutDetails(want)
		}
		if got != want {
			t.Errorf("%s:\n%s", line, firstDifference(want, got))
		}
		if (all.Code != 0) != (failed > 0) {
			t.Errorf("%d failed alone: %s", failed, all)
		}
		gotErr := slices.Sorted(strings.Lines(all.Stderr)) // it comes as it is written
		slices.Sort(wantErr)
		switch {
		case failed > 0 && !strings.HasPrefix(all.Stderr,
			fmt.Sprintf("lom: %d of %d hosts failed\n", failed, len(hosts))):
			t.Errorf("%d failed alone: %s", failed, all)
		case failed == 0 && !slices.Equal(gotErr, wantErr):
			t.Errorf("%q on stderr, want %q: %s", gotErr, wantErr, all)
		case failed == 0 && strings.Count(want, "\n")+len(wantErr) < len(hosts):
			t.Errorf("%s says nothing: %s", line, all)
		}
		if words[0] == "-c" || words[0] == "-v" || failed > 0 {
			continue
		}
		// The same as JSON: an object a line, each with its host first.
		all = programs.Run(t, home, programs.Lom(),
			on(bmc, strings.Join(hosts, ","), append([]string{"-o", "json"}, words...)...)...)
		lines := strings.Split(strings.TrimSuffix(all.Stdout, "\n"), "\n")
		if all.Code != 0 || len(lines) != len(hosts) {
			t.Errorf("%s", all)
			continue
		}
		for i, l := range lines {
			var object map[string]any
			if err := json.Unmarshal([]byte(l), &object); err != nil ||
				object["host"] != hosts[i] || len(object) < 2 {
				t.Errorf("%s: %v: %s", line, err, l)
			}
		}
	}
}

// sessionDetail is what is another thing in each session.
var sessionDetail = regexp.MustCompile(`(?m)^(.*(?:port|handle|active_session).*:).*$`)

func withoutDetails(s string) string { return sessionDetail.ReplaceAllString(s, "$1") }

// A dead host, a closed port and a wrong password among fifty: the rest is told all the same, and
// the reasons at the end.
func TestManyHostsFail(t *testing.T) {
	bmc := startRack(t, "127.0.42", 50)
	home := t.TempDir()
	if r := programs.Run(t, home, programs.Lom(),
		on(bmc, "127.0.42.7", "user", "set", "password", "2", "Another-Pass-1")...); r.Code != 0 {
		t.Fatal(r)
	}
	silent, err := net.ListenUDP("udp4",
		&net.UDPAddr{IP: net.IPv4(127, 0, 42, 60), Port: int(bmc.Addr.Port())})
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	file := filepath.Join(home, "hosts")
	if err := os.WriteFile(file,
		[]byte("# the rack\n127.0.42.[1-25]\n127.0.42.[26-50]\n\n127.0.42.60 # does not "+
			"answer\n127.0.42.61 # is not there\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := ""
	for i := 1; i <= 50; i++ {
		if i != 7 && i != 9 {
			want += fmt.Sprintf("127.0.42.%d: Chassis Power is on\n", i)
		}
	}
	const failures = `lom: 3 of 51 hosts failed
  1  127.0.42.7   wrong password for user "admin"
  1  127.0.42.60  no answer on UDP port PORT; check -H and -p, that the BMC is up, and that no firewall is between (-N and -R wait longer)
  1  127.0.42.61  nothing listens on UDP port PORT; check -H and -p, and whether IPMI over LAN is enabled on the BMC
`
	port := fmt.Sprint(bmc.Addr.Port())
	r := programs.Run(t, home, programs.Lom(),
		on(bmc, "@"+file, "-x", "127.0.42.9", "-N", "1", "-R", "2", "power", "status")...)
	if r.Code != 1 || r.Stdout != want || r.Stderr != strings.ReplaceAll(failures, "PORT", port) {
		t.Errorf("%s\n%s", firstDifference(want, r.Stdout), r)
	}
	// With ports in the list, and folded.
	r = programs.Run(t, home, programs.Lom(), "-U", bmc.User, "-P", bmc.Password, "-H",
		"127.0.42.[1-6]:"+port+",127.0.42.[8-12]:"+port, "--consolidate", "power", "status")
	if folded := "127.0.42.[1-6,8-12]:" + port + ": Chassis Power is on\n"; r.Code != 0 ||
		r.Stdout != folded || r.Stderr != "" {
		t.Errorf("%s", r)
	}
	// What a person sees while it runs: hosts as they are done, and how far it is.
	x := programs.StartTerminal(t, programs.Lom(),
		on(bmc, "@"+file, "-x", "127.0.42.[7,9,61]", "-N", "1", "-R", "2", "power", "status")...)
	x.Wait("Chassis Power is on")
	x.Wait("48 done, 0 failed, 1 left")
	x.Wait("1 of 49 hosts failed")
	if err := x.End(); err == nil {
		t.Error("exit status 0")
	}
	// Ctrl-C reports what was done.
	x = programs.StartTerminal(t, programs.Lom(),
		on(bmc, "@"+file, "-x", "127.0.42.[7,9,61]", "-N", "60", "power", "status")...)
	x.Wait("48 done, 0 failed, 1 left")
	x.Type("\x03")
	x.Wait("lom: stopped: 48 of 49 hosts done, 0 failed, 1 under way, 0 not begun")
	if err := x.End(); err == nil || !strings.Contains(err.Error(), "130") {
		t.Errorf("ends with %v, want 130", err)
	}
}

// A person is asked before the power of many hosts is switched, and it is switched when lom says
// so.
func TestManyHostsPower(t *testing.T) {
	bmc := startRack(t, "127.0.43", 12)
	home := t.TempDir()
	status := func(want string) {
		t.Helper()
		r := programs.Run(t, home, programs.Lom(),
			on(bmc, "127.0.43.[1-12]", "--consolidate", "power", "status")...)
		if r.Stdout != want {
			t.Errorf("%s, want %s", r, want)
		}
	}
	x := programs.StartTerminal(t, programs.Lom(),
		on(bmc, "127.0.43.[1-12]", "-x", "127.0.43.4", "power", "off")...)
	x.Wait("power off on 11 hosts: 127.0.43.[1-3,5-12]")
	x.Wait("Go on? (yes or no) ")
	x.Type("yes\n")
	x.Wait("Chassis Power Control: Down/Off")
	if err := x.End(); err != nil {
		t.Error(err)
	}
	status("127.0.43.[1-3,5-12]: Chassis Power is off\n127.0.43.4: Chassis Power is on\n")
	if r := programs.Run(t, home, programs.Lom(),
		on(bmc, "127.0.43.[1-12]", "power", "on")...); r.Code != 1 ||
		!strings.Contains(r.Stderr, "--yes") || r.Stdout != "" {
		t.Errorf("%s", r)
	}
	status("127.0.43.[1-3,5-12]: Chassis Power is off\n127.0.43.4: Chassis Power is on\n")
	r := programs.Run(t, home, programs.Lom(),
		on(bmc, "127.0.43.[1-12]", "--yes", "--batch", "5", "--stagger", "20ms", "power", "on")...)
	if r.Code != 0 || strings.Count(r.Stdout, "Chassis Power Control: Up/On\n") != 12 ||
		r.Took < 11*20*time.Millisecond {
		t.Errorf("%s", r)
	}
	status("127.0.43.[1-12]: Chassis Power is on\n")
}

// 200 BMCs say the same to lom, to ipmipower and to ipmitool; the times are printed for comparison.
func TestManyHostsBesideOthers(t *testing.T) {
	programs.Need(t, "ipmipower", "ipmitool", "xargs")
	// Ipmitool, a process for each, is slow enough with a part of them.
	const count, part = 200, 64
	bmc := startRack(t, "127.0.44", count)
	home := t.TempDir()
	if r := programs.Run(t, home, programs.Lom(),
		on(bmc, "127.0.44.[10-19]", "--yes", "power", "off")...); r.Code != 0 {
		t.Fatal(r)
	}
	var hosts []string
	for i := range count {
		hosts = append(hosts, netip.AddrFrom4([4]byte{127, 0, 44, byte(i + 1)}).String())
	}
	port := fmt.Sprint(bmc.Addr.Port())
	lom := programs.Run(t, home, programs.Lom(),
		on(bmc, fmt.Sprintf("127.0.44.[1-%d]", count), "power", "status")...)
	free := programs.Run(t, home, "ipmipower", "-D", "LAN_2_0", "-h",
		strings.Join(hosts, ":"+port+",")+":"+port, "-u", bmc.User, "-p", bmc.Password, "--stat")
	list := filepath.Join(home, "list")
	if err := os.WriteFile(list, []byte(strings.Join(hosts[:part], "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tool := programs.Run(t, home, "xargs", "-a", list, "-P", "32", "-I{}",
		"ipmitool", "-I", "lanplus", "-C", "3", "-H", "{}", "-p", port, "-U", bmc.User, "-P",
		bmc.Password, "power", "status")
	want := strings.Split(strings.TrimSuffix(lom.Stdout, "\n"), "\n")
	slices.Sort(want)
	if lom.Code != 0 || len(want) != count ||
		strings.Count(lom.Stdout, "Chassis Power is off\n") != 10 {
		t.Fatalf("%s", lom)
	}
	theirs := strings.Split(strings.TrimSuffix(strings.ReplaceAll(free.Stdout, ": ",
		": Chassis Power is "), "\n"), "\n")
	slices.Sort(theirs)
	if !slices.Equal(want, theirs) {
		t.Errorf("ipmipower says %d lines: %s", len(theirs), free)
	}
	// Which host a line of ipmitool's is about nobody knows.
	if off, on := strings.Count(tool.Stdout, "Chassis Power is off\n"), strings.Count(tool.Stdout,
		"Chassis Power is on\n"); off != 10 || on != part-10 {
		t.Errorf("ipmitool says that %d are off and %d on: %s", off, on, tool)
	}
	t.Logf("power status of %d BMCs: lom %v, ipmipower %v (%.1f times); of %d of them, xargs -P "+
		"32 ipmitool %v (%.1f times, each)", count, lom.Took.Round(time.Millisecond),
		free.Took.Round(time.Millisecond), float64(free.Took)/float64(lom.Took), part,
		tool.Took.Round(time.Millisecond), float64(tool.Took)/part/(float64(lom.Took)/count))
}
