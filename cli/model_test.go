package cli

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lom/ipmi"
)

// windowBMC is a BMC whose session finds out how many requests at a time it takes.
type windowBMC struct {
	product byte
	window  int // 0: it is not found out
}

func (b *windowBMC) Exchange(_ context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	switch {
	case req.Command.Is(ipmi.GetDeviceID{}.Command()):
		return ipmi.RawResponse{Data: []byte{0x20, 1, 2, 0x45, 2, 0xbf, 0x91, 0x12, 0, b.product,
			0}}, nil
	case req.Command.Is(ipmi.GetDeviceGUID{}.Command()):
		return ipmi.RawResponse{Data: bytes.Repeat([]byte{7}, 16)}, nil
	case req.Command.Is(ipmi.GetSDRRepositoryInfo{}.Command()):
		return ipmi.RawResponse{Data: []byte{0x51, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0}}, nil
	}
	return ipmi.RawResponse{Code: ipmi.CodeNotPresent}, nil
}

func (b *windowBMC) Close() error        { return nil }
func (b *windowBMC) Window() (int, bool) { return max(b.window, 1), b.window > 0 }

func TestWindowIsKeptForTheModel(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	// hint runs a command and returns what the session began with.
	hint := func(host string, b *windowBMC, args ...string) (n int) {
		t.Helper()
		var out, errs bytes.Buffer
		a := newApp("lom", strings.NewReader(""), &out, &errs)
		a.env = func(name string) (string, bool) { return dir, name == "LOM_CACHE" }
		a.now, a.zone = func() time.Time { return now }, time.UTC
		a.dial = func(_ context.Context, o *Options, _ *slog.Logger) (Session, error) {
			n = o.windowHint
			return b, nil
		}
		if exit := a.Run(t.Context(),
			append(append([]string{"-H", host, "-U", "admin", "-P", "secret"}, args...), "sdr",
				"list")); exit != 0 {
			t.Fatalf("exit %d: %s", exit, errs.String())
		}
		return n
	}
	for i, c := range []struct {
		host string
		b    windowBMC
		args []string
		want int
	}{
		{"bmc1", windowBMC{1, 0}, nil, 0},
		{"bmc1", windowBMC{1, 8}, nil, 0},
		{"bmc1", windowBMC{1, 8}, nil, 8},
		{"bmc2", windowBMC{1, 8}, nil, 0}, // it is not known yet that it is of the same model
		{"bmc2", windowBMC{1, 3}, nil, 8},
		{"bmc1", windowBMC{1, 3}, []string{"--no-cache"}, 0},
		{"bmc1", windowBMC{1, 5}, []string{"--window", "5"}, 3},
		{"bmc1", windowBMC{2, 0}, nil, 3}, // another model stands there now
		{"bmc1", windowBMC{2, 0}, nil, 0},
		{"bmc2", windowBMC{1, 3}, nil, 3},
	} {
		if got := hint(c.host, &c.b, c.args...); got != c.want {
			t.Errorf("call %d begins with %d, want %d", i, got, c.want)
		}
	}
	now = now.Add(8 * 24 * time.Hour)
	if got := hint("bmc2", &windowBMC{1, 0}); got != 0 {
		t.Errorf("after a long time: got %d, want 0", got)
	}
	if got := hint("bmc2", &windowBMC{1, 61}); got != 0 { // it is found out again
		t.Errorf("after a long time: got %d, want 0", got)
	}
	now = time.Now()
	if got := hint("bmc2", &windowBMC{1, 3}); got != 0 {
		t.Errorf("more than a session can have: got %d, want 0", got)
	}
	if got := hint("bmc2", &windowBMC{1, 3}); got != 3 {
		t.Errorf("found out again: got %d, want 3", got)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.window"))
	if err != nil || len(files) != 1 {
		t.Fatalf("got files %q, %v, want one", files, err)
	}
	if err := os.WriteFile(files[0], []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := hint("bmc2", &windowBMC{1, 0}); got != 0 {
		t.Errorf("damaged: got %d, want 0", got)
	}
}
