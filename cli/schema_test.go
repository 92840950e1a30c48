package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/cobra"
)

// schemaWords are the words that commands are given on the rack; others get none. DIR is a folder
// for files.
var schemaWords = map[string]string{
	"channel authcap":        "1 4",
	"channel getciphers":     "ipmi",
	"channel getaccess":      "1 2",
	"channel info":           "1",
	"channel setaccess":      "1 3 privilege=3",
	"chassis bootdev":        "pxe",
	"chassis bootmbox get":   "block 0",
	"chassis bootmbox set":   "text block 1 7154 hello",
	"chassis bootparam get":  "5",
	"chassis bootparam set":  "bootflag force_pxe",
	"chassis policy":         "always-off",
	"dcmi get_conf_param":    "",
	"dcmi power set_limit":   "limit 400",
	"dcmi set_asset_tag":     "rack-4",
	"dcmi set_conf_param":    "dhcp_config 1",
	"dcmi set_mc_id_string":  "bmc-4",
	"dcmi thermalpolicy get": "0x40 1",
	"dcmi thermalpolicy set": "0x40 1 volatile nopoweroff nosel 90 30",
	"event":                  "1",
	"fru edit":               "0 field b 0 Maker",
	"fru print":              "0",
	"fru read":               "0 DIR/fru",
	"fru write":              "0 DIR/fru",
	"lan alert print":        "1",
	"lan alert set":          "1 1 ipaddr 127.0.0.9",
	"lan print":              "1",
	"lan set":                "1 snmp public",
	"lan stats clear":        "1",
	"lan stats get":          "1",
	"mc getsysinfo":          "system_name",
	"mc reset":               "warm",
	"mc setenables":          "system_event_log=on",
	"mc setsysinfo":          "system_name web",
	"mc watchdog set":        "timeout=100 use=sms",
	"pef filter disable":     "1",
	"pef filter enable":      "1",
	"pef policy disable":     "1",
	"pef policy enable":      "1",
	"raw":                    "6 1",
	"sdr dump":               "DIR/sdr",
	"sdr entity":             "3",
	"sdr fill file":          "DIR/sdr",
	"sdr get":                "'Inlet Temp'",
	"sdr type":               "fan",
	"sel add":                "DIR/events",
	"sel delete":             "1",
	"sel get":                "1",
	"sel readraw":            "DIR/raw",
	"sel ereadraw":           "DIR/raw",
	"sel save":               "DIR/save",
	"sel time set":           "now",
	"sel writeraw":           "DIR/raw",
	"sensor get":             "'Inlet Temp'",
	"sensor reading":         "'Inlet Temp'",
	"sensor thresh":          "'Inlet Temp' ucr 90",
	"session info":           "active",
	"setup console":          "--root DIR/root --port ttyS1 --baud 115200",
	"sol looptest":           "1",
	"sol payload disable":    "1 3",
	"sol payload enable":     "1 3",
	"sol payload status":     "1 3",
	"sol set":                "retry-count 5 1",
	"user disable":           "4",
	"user enable":            "3",
	"user list":              "1",
	"user priv":              "3 user 1",
	"user set name":          "3 third",
	"user set password":      "3 third-pass",
	"user summary":           "1",
	"user test":              "2 16 demo",
}

// refusedByRack are commands that the demo's BMCs refuse: what they print is an error.
var refusedByRack = map[string]bool{"sol deactivate": true}

// lateCommands are carried out after all others, in this order: they need what others wrote, or
// take away what others show.
var lateCommands = []string{"sel readraw", "sel ereadraw", "sel delete", "sel clear", "mc reset"}

// runDemoRack runs the demo and returns the addresses of its BMCs.
func runDemoRack(t *testing.T) []string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out := &notifier{written: make(chan struct{}, 1)}
	a := newApp("lom", strings.NewReader(""), out, io.Discard)
	ended := make(chan int, 1)
	go func() { ended <- a.Run(ctx, []string{"demo", "--listen", "127.0.0.1:0"}) }()
	t.Cleanup(func() { cancel(); <-ended })
	select {
	case <-out.written:
	case code := <-ended:
		ended <- code
		t.Fatalf("the demo ended with exit code %d", code)
	case <-time.After(time.Minute):
		t.Fatal("the demo does not begin")
	}
	return regexp.MustCompile(`127\.0\.0\.1:\d+`).FindAllString(out.String(), 8)
}

// runLom runs lom without a terminal.
func runLom(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	a := newApp("lom", strings.NewReader(""), &out, &errs)
	a.env = func(string) (string, bool) { return "", false }
	code = a.Run(context.Background(), args)
	return code, out.String(), errs.String()
}

// compiled compiles the schema that "lom schema" prints. In a strict one, objects of the result
// have no fields that it does not name.
func compiled(t *testing.T, strict bool, args ...string) *jsonschema.Schema {
	t.Helper()
	code, out, errs := runLom(append([]string{"schema"}, args...)...)
	if code != 0 {
		t.Fatalf("lom schema %s: exit code %d\n%s", args, code, errs)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if strict {
		forbidOthers(doc)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("lom.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("lom.json")
	if err != nil {
		t.Fatalf("lom schema %s: %v\n%s", args, err, out)
	}
	return s
}

// forbidOthers forbids fields that are not named in the objects of a schema.
func forbidOthers(doc any) {
	switch doc := doc.(type) {
	case map[string]any:
		if _, ok := doc["properties"].(map[string]any); ok {
			doc["additionalProperties"] = false
		}
		for _, v := range doc {
			forbidOthers(v)
		}
	case []any:
		for _, v := range doc {
			forbidOthers(v)
		}
	}
}

// validate checks JSON values, one after the other, and returns how many there are.
func validate(t *testing.T, s *jsonschema.Schema, text string) int {
	t.Helper()
	n := 0
	for d := json.NewDecoder(strings.NewReader(text)); ; n++ {
		var raw json.RawMessage
		if err := d.Decode(&raw); err == io.EOF {
			return n
		} else if err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err == nil {
			err = s.Validate(v)
		}
		if err != nil {
			t.Errorf("%s\n%v", raw, err)
		}
	}
}

// What each command prints on the demo's rack, for one host and for many, is as "lom schema" says,
// and each command has a schema or a reason for having none.
func TestSchemas(t *testing.T) {
	hosts := runDemoRack(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "events"),
		[]byte("0x04 0x01 0x30 0x01 0x57 0xff 0xff # too hot\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	system, err := txtar.ParseFile("../setup/testdata/debian.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if err := txtar.Write(system, filepath.Join(dir, "root")); err != nil {
		t.Fatal(err)
	}
	options := []string{"-U", "admin", "-P", "demo", "--no-cache", "-o", "json", "--yes"}
	app := newApp("lom", nil, io.Discard, io.Discard)
	commands := leaves(newRoot(app))
	slices.SortStableFunc(commands, func(x, y *cobra.Command) int {
		return slices.Index(lateCommands, commandName(x)) - slices.Index(lateCommands,
			commandName(y))
	})
	for _, cmd := range commands {
		name := commandName(cmd)
		r, ok := app.results[cmd]
		switch {
		case !ok:
			t.Errorf("%s has neither a schema nor a reason", name)
		case r.Reason != "":
			continue
		}
		t.Run(name, func(t *testing.T) {
			one := compiled(t, true, strings.Fields(name)...)
			words := append(strings.Fields(name),
				splitWords(strings.ReplaceAll(schemaWords[name], "DIR", dir))...)
			code, out, errs := runLom(append(append(options, "-H", hosts[0]), words...)...)
			switch {
			case refusedByRack[name] && code != 0 &&
				strings.Contains(out, `"error_code": "completion_code"`):
			case code != 0 && name != "setup console", refusedByRack[name]:
				t.Fatalf("%q: exit code %d\n%s%s", words, code, out, errs)
			default:
				if n := validate(t, one, out); n != 1 {
					t.Errorf("%q: %d values, want 1", words, n)
				}
			}
			kind := cmd.Annotations[hostsAnnotation]
			if kind == hostsOne || kind == hostsNone {
				return
			}
			many := compiled(t, false, append([]string{"--hosts-form"}, strings.Fields(name)...)...)
			// Nobody listens on port 1.
			list := strings.Join([]string{hosts[0], hosts[1], "127.0.0.1:1"}, ",")
			_, out, errs = runLom(append(append(options, "-H", list), words...)...)
			if n := validate(t, many, out); n != 3 {
				t.Errorf("%q: %d values, want 3\n%s%s", words, n, out, errs)
			}
		})
	}
}

// A schema refuses what is not as it says: the validator is one that works.
func TestSchemaRefuses(t *testing.T) {
	for _, c := range []struct{ command, text string }{
		{"mc info", `{"device_id":"twelve"}`},
		{"--hosts-form mc info", `{"device_id":12}`},
		{"--hosts-form mc info", `{"host":"n1"}`},
		{"--hosts-form mc info", `{"host":"n1","error":"no code"}`},
		{"--hosts-form --consolidate mc info", `{"host":"n1","error":"e","error_code":"other"}`},
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(c.text))
		if err != nil {
			t.Fatal(err)
		}
		if compiled(t, false, strings.Fields(c.command)...).Validate(v) == nil {
			t.Errorf("lom schema %s takes %s", c.command, c.text)
		}
	}
}
