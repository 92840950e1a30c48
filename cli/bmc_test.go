package cli

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"lom/bmc/rack"
)

// runBMCs runs lom with args until it has written something or ended, and ends it then.
func runBMCs(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var errs bytes.Buffer
	out := &notifier{written: make(chan struct{}, 1)}
	a := newApp("lom", strings.NewReader(""), out, &errs)
	ended := make(chan int)
	go func() { ended <- a.Run(ctx, args) }()
	select {
	case code = <-ended:
	case <-out.written:
		cancel()
		code = <-ended
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was written")
	}
	return code, out.String(), errs.String()
}

// notifier is a buffer that tells when it is written to, and may be read then.
type notifier struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	written chan struct{}
}

func (n *notifier) Write(p []byte) (int, error) {
	n.mu.Lock()
	n.buf.Write(p)
	n.mu.Unlock()
	select {
	case n.written <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (n *notifier) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.buf.String()
}

func TestBMCStarts(t *testing.T) {
	state := t.TempDir()
	code, out, errs := runBMCs(t, "bmc", "--listen", "127.0.0.1:0", "--state", state)
	if code != 0 || errs != "" || !strings.Contains(out, "bmc1 answers at 127.0.0.1:") ||
		!strings.Contains(out, "user admin, password ") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	// The password that was made up is kept, and is not told again.
	code, again, errs := runBMCs(t, "bmc", "--listen", "127.0.0.1:0", "--state", state)
	if code != 0 || errs != "" || strings.Contains(again, "password") {
		t.Errorf("%d\n%s%s", code, again, errs)
	}
	kept, err := os.ReadFile(filepath.Join(state, "password"))
	if err != nil || !strings.Contains(out, strings.TrimSpace(string(kept))) {
		t.Errorf("kept password %q, %v", kept, err)
	}
}

func TestBMCCount(t *testing.T) {
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	code, out, errs := runBMCs(t, "bmc", "--listen", fmt.Sprintf("127.0.7.1:%d", port), "--count",
		"3", "-f", password)
	want := fmt.Sprintf("bmc1 answers at 127.0.7.1:%d\nbmc2 answers at 127.0.7.2:%[1]d\nbmc3 "+
		"answers at 127.0.7.3:%[1]d\n", port)
	if code != 0 || errs != "" || out != want {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	code, out, errs = runBMCs(t, "bmc", "--listen", fmt.Sprintf("127.0.7.1:%d", port), "--count",
		"20", "-f", password)
	want = fmt.Sprintf("20 BMCs answer, from bmc1 at 127.0.7.1:%d to bmc20 at 127.0.7.20:%[1]d\n",
		port)
	if code != 0 || errs != "" || out != want {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}

// freePort returns a port that was free a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 7, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port
}

func TestBMCFailsInOneSentence(t *testing.T) {
	taken, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	damaged := file("state/bmc1.state", "lom-bmc-state 1\n00000010 00000000 {\"user/2\":null}\n")
	none := filepath.Join(dir, "none")
	yaml := 0
	config := func(content string) []string {
		yaml++
		return []string{"--config", file(fmt.Sprintf("%d.yaml", yaml), content), "--listen",
			"127.0.0.1:0"}
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--listen", taken.LocalAddr().String()}, "cannot listen on " + taken.LocalAddr().String() + ": another program uses that port; end it or choose another with --listen"},
		{[]string{"--listen", "192.0.2.1:6230"}, "cannot listen on 192.0.2.1:6230: this machine does not have that address"},
		{[]string{"--listen", "127.0.0.1"}, `"127.0.0.1" is an address without a port; write 127.0.0.1:6230`},
		{[]string{"--listen", "nowhere"}, `"nowhere" is no address and port; write it like 127.0.0.1:6230`},
		{[]string{"--count", "0"}, `option --count "0": a number from 1 to 65536 is needed`},
		{[]string{"--profile", "abacus"}, `BMC bmc1: there is no profile "abacus"; there are lom, dell, hpe, lenovo, supermicro, dense`},
		{[]string{"--listen", "127.0.0.1:0", "-f", none}, "the password file " + none + " cannot be read: no such file or directory"},
		{[]string{"--listen", "127.0.0.1:0", "-P", "secret", "--state", state}, "state file " + damaged + " is damaged at byte 16 (the checksum of a change is wrong): put back a copy, or move it away to begin with factory settings"},
		{[]string{"--config", none}, "the configuration " + none + " cannot be read: no such file or directory"},
		{config(""), "1.yaml: the file is empty; describe at least one BMC, or omit --config"},
		{config("bmcs:\n- nmae: a\n"), `2.yaml: line 2: there is no key "nmae" at this place; remove it, or look for a misspelling`},
		{config("count: many\n"), "3.yaml: line 1: `many` is not what belongs here; a number is wanted"},
		{config("host:\n  boot-time: soon\n"), "4.yaml: line 2: `soon` is not what belongs here; a time such as 20s or 1m30s is wanted"},
		{config("bmcs:\n- name: a\n- name: a\n"), `BMC name "a": names are made of letters, digits, dots, dashes and underscores, and each is there once`},
		{config("bmcs:\n- name: ../a\n"), `BMC name "../a": names are made of letters, digits, dots, dashes and underscores, and each is there once`},
		{config("users: [{name: root, password: x, privilege: king}]\n"), "BMC bmc1: user root: privilege: "},
		{config("cipher-suites: [0]\n"), "cipher suite 0 lets everybody in: it must be allowed expressly"},
		{config("cipher-suites: [20]\n"), "there is no cipher suite 20"},
		{config("name: a\n"), "name and guid are those of one BMC; write them under bmcs"},
		{config("bmcs:\n- guid: 12\n"), `BMC bmc1: guid: "12" is no GUID; write it like 44454c4c-3700-1052-8047-b8c04f445a31`},
		{config("host: {power: maybe}\n"), `BMC bmc1: power: "maybe" is neither on nor off`},
		{config("bmcs: [{console: modem}]\n"), `BMC bmc1: console: "modem" is none of sim, none, tcp:HOST:PORT, telnet:HOST:PORT, unix:PATH and tty:PATH[,BAUD]`},
		{config("bmcs: [{console: \"tcp:localhost\"}]\n"), `BMC bmc1: console: "localhost" is no host and port; write it like tcp:127.0.0.1:4001`},
		{config("bmcs: [{console: \"tty:/dev/ttyS9,7\"}]\n"), `BMC bmc1: console: "7" is no bit rate; write one like 115200`},
		{config("console-history: 5000\n"), "BMC bmc1: console-history: 5000; 0 to 1024 KiB are possible"},
		{config("console: none\n"), "console is that of one BMC; write it under bmcs"},
		{config("count: [1\n"), "line 1: "},
		{config("count: 1\n---\ncount: 2\n"), "there is more than one document, the next after a line ---; leave one"},
		{config("\xbf\x00"), "this is no YAML: "},
		{config("count: -3\n"), "-3 is no number of BMCs; 1 to 65536 are possible"},
		{config("listen: [a]\n"), "line 1: a list is not what belongs here; a text is wanted"},
		{config("users: [{name: root, password: {a: b}}]\n"), "line 1: a group of keys is not what belongs here; a text is wanted"},
		{config("users: [{name: root}]\n"), "BMC bmc1: user root has no password; give one with password or password-file, or write allow: {anonymous: true}"},
		{config("bmcs: [{listen: '127.0.0.1:7'}, {listen: '127.0.0.1:7'}]\n"), "BMC bmc2: bmc1 has the address 127.0.0.1:7 already; give one of them another"},
		{[]string{"--service-time", "-5ms"}, `option --service-time "-5ms": a time such as 5ms is needed`},
		{[]string{"--buffer", "9"}, `option --buffer "9": a number from 1 to 8 is needed`},
		{[]string{"--overflow", "panic"}, `option --overflow "panic": "panic" is neither drop nor busy`},
		{[]string{"--listen", "127.0.0.1:0", "-P", "secret", "--stats", filepath.Join(none, "stats")}, "the statistics cannot be kept: "},
		{config("service-time: -5ms\n"), "BMC bmc1: a request cannot take -5ms"},
		{config("service-time: 5ms\nbuffer: 9\n"), "BMC bmc1: a buffer for 9 requests; 1 to 8 are possible"},
		{config("service-time: 5ms\noverflow: panic\n"), `"panic" is neither drop nor busy`},
		{config("host: {boot-time: -5s}\n"), "BMC bmc1: host: power-time, boot-time and stop-time are not below zero"},
	} {
		code, out, errs := runBMCs(t, append([]string{"bmc"}, c.args...)...)
		if code != 1 || out != "" || strings.Count(errs, "\n") != 1 ||
			!strings.HasPrefix(errs, "lom: ") || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit code %d\n%s%s\nwant %s", c.args, code, out, errs, c.want)
		}
	}
}

func TestBMCConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rack.yaml")
	const text = `
listen: 127.0.8.1:0
users:
- {name: root, password: calvin, privilege: administrator}
- {name: guest, password: guest, privilege: user}
kg: secret key
bmcs:
- name: web1
  profile: dell
  host: {power: off, boot-time: 1m}
- name: db1
  listen: 127.0.9.1:0
  cipher-suites: [3, 17]
  allow: {cipher-suite-0: true}
  guid: 44454c4c-3700-1052-8047-b8c04f445a31
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := readRackFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f.override(&bmcOptions{listen: bmcListen, count: 1})
	c, err := f.rack(rackUser{Name: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Servers) != 2 || c.Servers[0].Addr.String() != "127.0.8.1:0" ||
		c.Servers[1].Addr.String() != "127.0.9.1:0" {
		t.Fatalf("%+v", c.Servers)
	}
	web, db := c.Servers[0].BMC, c.Servers[1].BMC
	if len(web.Users) != 2 || web.Users[1].Name != "guest" || web.Users[1].Privilege != 2 ||
		web.Kg.Len() != 10 || web.Profile.Device.Manufacturer != 674 {
		t.Errorf("%+v", web)
	}
	if !db.Allow.CipherSuite0 || len(db.CipherSuites) != 2 || db.GUID[0] != 0x31 ||
		len(db.Users) != 2 {
		t.Errorf("%+v", db)
	}
}

// The demo starts, and its commands work when they are pasted.
func TestDemo(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := &notifier{written: make(chan struct{}, 1)}
	var errs bytes.Buffer
	a := newApp("lom", strings.NewReader(""), out, &errs)
	ended := make(chan int, 1)
	go func() { ended <- a.Run(ctx, []string{"demo", "--listen", "127.0.0.1:0"}) }()
	select {
	case <-out.written:
	case code := <-ended:
		t.Fatalf("it ended with %d: %s", code, errs.String())
	}
	commands := 0
	want := map[string]string{
		"power status":      "Chassis Power is on\n",
		"sdr type fan":      "Fan3 RPM         | 03h | lcr |",
		"sel list":          "Power Supply AC lost",
		"sensor get 02-CPU": "Upper Non-Recoverable",
		"sel info":          "Percent Used     : 9",
		"power on":          "Chassis Power Control: Up/On\n",
		"fru print 0":       "Lenovo",
		"-o json chassis":   `"intrusion": true`,
	}
	for line := range strings.Lines(out.String()) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "lom" {
			continue
		}
		commands++
		var cmdOut, cmdErrs bytes.Buffer
		c := newApp("lom", strings.NewReader(""), &cmdOut, &cmdErrs)
		code := c.Run(t.Context(), words[1:])
		found := false
		for command, text := range want {
			if strings.Contains(line, "demo "+command) {
				found = strings.Contains(cmdOut.String(), text)
			}
		}
		if code != 0 || cmdErrs.Len() > 0 || !found {
			t.Errorf("%s%d\n%s%s", line, code, cmdOut.String(), cmdErrs.String())
		}
	}
	if commands != len(demoCommands) {
		t.Errorf("%d commands, want %d", commands, len(demoCommands))
	}
	cancel()
	if code := <-ended; code != 0 || errs.Len() > 0 {
		t.Errorf("it ended with %d: %s", code, errs.String())
	}
}

// The configuration that docs/racks.md shows can be used, and has every key that there is.
func TestRackDocumentation(t *testing.T) {
	text, err := os.ReadFile("../docs/racks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	shown, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/racks.md shows no configuration")
	}
	password := filepath.Join(t.TempDir(), "admin.password")
	if err := os.WriteFile(password, []byte("calvin\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	shown = strings.Replace(shown, "admin.password", password, 1)
	f, err := parseRackFile("racks.md", []byte(shown))
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.rack(rackUser{})
	if err != nil {
		t.Fatal(err)
	}
	c.StateDir = ""
	for i := range c.Servers {
		c.Servers[i].Addr = netip.MustParseAddrPort("127.0.0.1:0")
	}
	r, err := rack.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	var keys func(reflect.Type)
	keys = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return
		}
		for i := range typ.NumField() {
			key, _, _ := strings.Cut(typ.Field(i).Tag.Get("yaml"), ",")
			if key != "" && key != "count" && !strings.Contains(shown, key+":") {
				t.Errorf("docs/racks.md does not show %q", key)
			}
			keys(typ.Field(i).Type)
		}
	}
	keys(reflect.TypeFor[rackFile]())
}
