package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lom/ipmi"
)

var update = flag.Bool("update", false, "write what is printed into the golden files")

// The files testdata/*.txt hold command lines, what the BMC is asked and answers, and what must be
// printed. A case is
//
//	$ chassis status              the command line, words apart by blanks or in '…'
//	> 00 01                       a request: network function, command, data
//	< 00 61 10 40 00              its answer: completion code, data; or "< lost" or "< unknown"
//	--- stdout
//	...
//	--- stderr                    left out when nothing is printed there
//	--- exit 1                    left out for 0
//
// A request that appears several times is answered in turn, the last answer for good. A line that
// begins with # is a comment. Requests and answers that stand before the first "$" hold for all
// cases of the file.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) { runGoldenFile(t, file) })
	}
}

type goldenCase struct {
	line   string // as it stands in the file
	script []string
	stdout string
	stderr string
	exit   int
}

func runGoldenFile(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, cases := parseGolden(t, string(text))
	var out strings.Builder
	for _, l := range head {
		out.WriteString(l + "\n")
	}
	for _, c := range cases {
		t.Run(c.line, func(t *testing.T) {
			bmc := newScriptedBMC(t, append(c.script, head...))
			got := c
			got.stdout, got.stderr, got.exit = runScripted(bmc, splitWords(c.line)...)
			writeGolden(&out, got)
			if *update {
				return
			}
			if d := cmp.Diff(c.stdout, got.stdout); d != "" {
				t.Errorf("stdout (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.stderr, got.stderr); d != "" {
				t.Errorf("stderr (-want +got):\n%s", d)
			}
			if c.exit != got.exit {
				t.Errorf("exit code %d, want %d", got.exit, c.exit)
			}
			if bmc.open {
				t.Error("session left open")
			}
		})
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func parseGolden(t *testing.T, text string) (head []string, cases []goldenCase) {
	t.Helper()
	var section *string
	for line := range strings.Lines(text) {
		line := strings.TrimSuffix(line, "\n")
		var c *goldenCase
		if len(cases) > 0 {
			c = &cases[len(cases)-1]
		}
		switch {
		case strings.HasPrefix(line, "$ "):
			cases = append(cases, goldenCase{line: line[2:]})
			section = nil
		case c == nil:
			head = append(head, line)
		case line == "--- stdout":
			section = &c.stdout
		case line == "--- stderr":
			section = &c.stderr
		case strings.HasPrefix(line, "--- exit "):
			if _, err := fmt.Sscanf(line, "--- exit %d", &c.exit); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			section = nil
		case section != nil:
			*section += line + "\n"
		default:
			c.script = append(c.script, line)
		}
	}
	return head, cases
}

func writeGolden(b *strings.Builder, c goldenCase) {
	fmt.Fprintf(b, "$ %s\n", c.line)
	for _, l := range c.script {
		fmt.Fprintln(b, l)
	}
	if c.stdout != "" {
		fmt.Fprintf(b, "--- stdout\n%s", c.stdout)
	}
	if c.stderr != "" {
		fmt.Fprintf(b, "--- stderr\n%s", c.stderr)
	}
	if c.exit != 0 || strings.HasSuffix(c.stdout+c.stderr, "\n\n") {
		fmt.Fprintf(b, "--- exit %d\n", c.exit)
	}
}

// splitWords splits a line at blanks, except between single quotes.
func splitWords(line string) []string {
	var words []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}

// runScripted runs one command line against a BMC of which only the answers are known, in UTC, as
// user "admin" of host "bmc1".
func runScripted(bmc *scriptedBMC, args ...string) (stdout, stderr string, exit int) {
	var out, errs bytes.Buffer
	a := scriptedApp(bmc, strings.NewReader(""), &out, &errs)
	exit = a.Run(context.Background(), append([]string{"-H", "bmc1", "-U", "admin", "-P", "secret"},
		args...))
	return out.String(), errs.String(), exit
}

// scriptedApp makes an App whose only BMC is bmc.
func scriptedApp(bmc *scriptedBMC, in io.Reader, out, errs io.Writer) *App {
	a := newApp("lom", in, out, errs)
	a.env = func(string) (string, bool) { return "", false }
	a.now = func() time.Time { return time.Unix(1700000000, 0) }
	a.zone, a.registry = time.UTC, nil
	a.readPass = func(context.Context, string) (string, error) {
		return "", errors.New("nobody is there to ask")
	}
	a.dial = func(context.Context, *Options, *slog.Logger) (Session, error) {
		bmc.open = true
		bmc.dials++
		return bmc, nil
	}
	return a
}

// A scriptedBMC answers the requests that its script names.
type scriptedBMC struct {
	t       *testing.T
	mu      sync.Mutex
	answers map[string][]string // request → answers, both as hexadecimal text
	open    bool
	dials   int

	exchange func(context.Context) error // answers instead of the script, if it is there
}

func newScriptedBMC(t *testing.T, script []string) *scriptedBMC {
	b := &scriptedBMC{t: t, answers: make(map[string][]string)}
	request := ""
	for _, line := range script {
		kind, rest, _ := strings.Cut(line, " ")
		text := strings.ReplaceAll(rest, " ", "")
		switch {
		case kind == ">":
			request = strings.ToLower(text)
		case kind == "<":
			b.answers[request] = append(b.answers[request], text)
		case line != "" && kind != "#":
			t.Fatalf("bad line in script: %q", line)
		}
	}
	return b
}

func (b *scriptedBMC) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	if b.exchange != nil {
		return ipmi.RawResponse{}, b.exchange(ctx)
	}
	packet := append([]byte{byte(req.Command.NetFn) | req.LUN<<6, req.Command.Code},
		req.Command.Body...)
	key := hex.EncodeToString(append(packet, req.Data...))
	b.mu.Lock()
	defer b.mu.Unlock()
	answers := b.answers[key]
	switch {
	case len(answers) == 0:
		b.t.Errorf("unexpected request %s", key)
		return ipmi.RawResponse{Code: ipmi.CodeInvalidCommand}, nil
	case len(answers) > 1:
		b.answers[key] = answers[1:]
	}
	switch answers[0] {
	case "lost":
		return ipmi.RawResponse{}, &ipmi.Error{Command: req.Command, Err: ipmi.ErrTimeout}
	case "unknown":
		return ipmi.RawResponse{}, &ipmi.Error{Command: req.Command, Err: ipmi.ErrOutcomeUnknown}
	}
	data, err := hex.DecodeString(answers[0])
	if err != nil || len(data) == 0 {
		b.t.Fatalf("bad answer %q: %v", answers[0], err)
	}
	resp := ipmi.RawResponse{Code: ipmi.CompletionCode(data[0]), Data: data[1:]}
	if body := []byte(req.Command.Body); len(resp.Data) > 0 {
		resp.Data = bytes.TrimPrefix(resp.Data, body)
	}
	return resp, nil
}

func (b *scriptedBMC) Close() error {
	b.open = false
	return nil
}
