package cli

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lom/client"
	"lom/ipmi"
	"lom/rmcp"
)

// infoBMC is a scripted BMC that says what session it gave.
type infoBMC struct {
	*scriptedBMC
	info client.Info
}

func (b infoBMC) Info() client.Info { return b.info }

// What a BMC gives less than before is told; who forges its answers gets neither a worse session
// nor a better memory.
func TestPastLogin(t *testing.T) {
	guid, other := ipmi.GUID{1}, ipmi.GUID{2}
	suite := func(id int) rmcp.CipherSuite { s, _ := rmcp.CipherSuiteByID(id); return s }
	plus := func(id int, g ipmi.GUID) client.Info {
		return client.Info{Interface: client.LANPlus, CipherSuite: suite(id), GUID: g}
	}
	lan := client.Info{Interface: client.LAN, AuthType: ipmi.AuthMD5}
	dir := t.TempDir()
	for _, c := range []struct {
		name  string
		args  string
		info  client.Info
		iface client.Interface // that is dialled
		says  string
	}{
		{"first", "", plus(3, guid), client.Auto, ""},
		{"better", "", plus(17, guid), client.LANPlus, ""},
		{"the same", "", plus(17, guid), client.LANPlus, ""},
		{"worse", "", plus(3, guid), client.LANPlus,
			"lom: bmc1: the BMC refuses cipher suite 17, which it has taken before, and this " +
				"session has suite 3; if that is right, say so with -C 3\n"},
		{"worse again", "", plus(8, guid), client.LANPlus,
			"lom: bmc1: the BMC refuses cipher suite 17, which it has taken before, and this " +
				"session has suite 8; if that is right, say so with -C 8\n"},
		{"as asked for", "-C 3", plus(3, guid), client.LANPlus, ""},
		{"worse than what was asked for and not kept", "-I lanplus", plus(3, guid), client.LANPlus,
			"lom: bmc1: the BMC refuses cipher suite 17, which it has taken before, and this " +
				"session has suite 3; if that is right, say so with -C 3\n"},
		{"1.5 as asked for", "-I lan", lan, client.LAN, ""},
		{"nothing is kept", "--no-cache", lan, client.Auto,
			"lom: bmc1: it says that it does not speak IPMI 2.0, so this session is one of IPMI " +
				"1.5, in which anybody can read along; -I lan says that this is right, -I " +
				"lanplus that it is not\n"},
		{"another port", "-p 624", lan, client.Auto,
			"lom: bmc1: it says that it does not speak IPMI 2.0, so this session is one of IPMI " +
				"1.5, in which anybody can read along; -I lan says that this is right, -I " +
				"lanplus that it is not\n"},
		{"another BMC", "", plus(3, other), client.LANPlus, ""},
		{"which is remembered", "", plus(8, other), client.LANPlus,
			"lom: bmc1: the BMC refuses cipher suite 3, which it has taken before, and this " +
				"session has suite 8; if that is right, say so with -C 8\n"},
	} {
		var out, errs bytes.Buffer
		bmc := infoBMC{newScriptedBMC(t, []string{"> 00 01", "< 00 01 00 00"}), c.info}
		a := scriptedApp(bmc.scriptedBMC, strings.NewReader(""), &out, &errs)
		a.env = func(name string) (string, bool) { return dir, name == "LOM_CACHE" }
		a.now = time.Now
		a.dial = func(_ context.Context, o *Options, _ *slog.Logger) (Session, error) {
			if got := o.chosenInterface(); got != c.iface {
				t.Errorf("%s: got interface %s, want %s", c.name, got, c.iface)
			}
			return bmc, nil
		}
		args := append([]string{"-H", "bmc1", "-P", "x"}, strings.Fields(c.args)...)
		if code := a.Run(t.Context(), append(args, "power", "status")); code != 0 ||
			errs.String() != c.says {
			t.Errorf("%s: exit code %d\n got %swant %s", c.name, code, errs.String(), c.says)
		}
	}
	// The file goes with the others.
	files, err := filepath.Glob(filepath.Join(dir, "*.login"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, %v", files, err)
	}
	// What is not whole counts as none.
	if err := os.WriteFile(files[0], []byte("lom-login-2 nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := newApp("lom", strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer))
	a.env = func(name string) (string, bool) { return dir, name == "LOM_CACHE" }
	a.Options.Host, a.Options.Port = "bmc1", 623
	if a.recallLogin(); a.Options.past != nil {
		t.Errorf("got %+v from a damaged file, want nothing", a.Options.past)
	}
}

// A BMC that spoke IPMI 2.0 is not left for IPMI 1.5.
func TestNoIPMI20Now(t *testing.T) {
	a := newApp("lom", strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer))
	newRoot(a)
	a.Options.Host, a.Options.Interface, a.Options.past = "bmc1", client.Auto, &pastLogin{}
	want := "bmc1: it has spoken IPMI 2.0 before and seems not to now; if that is right, -I lan " +
		"logs in over IPMI 1.5, in which anybody can read along"
	if got := a.explain(&ipmi.Error{Err: ipmi.ErrNoIPMI20}); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// Options about the log-in that are slips are told.
func TestLoginOptions(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, args, says string }{
		{"lom", "-f " + empty, "lom: the password file " + empty + " is empty, or its first line is; for an empty password use -P ''\n"},
		{"lom", "-P x -D /dev/ttyS0", "lom: -D names a serial line, and auto goes over the network; omit -D, or use -I serial-terminal without -H\n"},
		{"ipmitool", "-P x -D /dev/ttyS0", ""}, // which passes over it
		{"lom", "-P x -R 0", ""},               // the default, as in ipmitool
		{"lom", "-P x -y 00", ""},
		{"lom", "-P x -I auto -P 123456789012345678901", "lom: the password is longer than 20 bytes, the most that IPMI 2.0 takes\n"},
	} {
		var out, errs bytes.Buffer
		bmc := newScriptedBMC(t, []string{"> 00 01", "< 00 01 00 00"})
		a := scriptedApp(bmc, strings.NewReader(""), &out, &errs)
		a.Name = c.name
		a.dial = func(_ context.Context, o *Options, _ *slog.Logger) (Session, error) {
			if o.Kg.Len() != 0 {
				return nil, errors.New("a Kg of zeros counts as one")
			}
			return bmc, nil
		}
		a.Run(t.Context(), append(append([]string{"-H", "bmc1"}, strings.Fields(c.args)...),
			"power", "status"))
		if errs.String() != c.says {
			t.Errorf("%s %s:\n got %swant %s", c.name, c.args, errs.String(), c.says)
		}
	}
}
