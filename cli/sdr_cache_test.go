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

// countingBMC counts the requests for sensor records.
type countingBMC struct {
	*scriptedBMC
	records int
}

func (b *countingBMC) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	if req.Command.Is(ipmi.GetSDR{}.Command()) {
		b.records++
	}
	return b.scriptedBMC.Exchange(ctx, req)
}

const cacheScript = `> 0a 23 0000 0000 00 ff
< 00 ffff 02005103142000000601236f00000000c85761746368646f67
> 06 08
< 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10
> 06 01
< 00 01 01 02 45 02 bf 91 12 00 02 0f 00 00 00 00`

func TestSDRCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	call := func(info string) (requests int) {
		t.Helper()
		script := strings.Split(cacheScript, "\n")
		if info != "" {
			script = append(script, "> 0a 20", "< "+info)
		}
		b := &countingBMC{scriptedBMC: newScriptedBMC(t, script)}
		var out, errs bytes.Buffer
		a := newApp("lom", strings.NewReader(""), &out, &errs)
		a.env = func(name string) (string, bool) {
			return dir, name == "LOM_SDR_CACHE"
		}
		a.now, a.zone = time.Now, time.UTC
		a.dial = func(context.Context, *Options, *slog.Logger) (Session, error) {
			b.dials++
			b.open = true
			return b, nil
		}
		exit := a.Run(t.Context(), []string{"-H", "bmc1", "-U", "admin", "-P", "secret", "sdr",
			"list", "all"})
		if want := "Watchdog         | Event-Only        | ns\n"; exit != 0 ||
			out.String() != want {
			t.Errorf("exit %d, printed %q %q", exit, out.String(), errs.String())
		}
		return b.records
	}
	const first = "00 51 01 00 fe ff 71 0b 03 6b 00 00 00 00 02"
	const changed = "00 51 01 00 fe ff 72 0b 03 6b 00 00 00 00 02"
	const untold = "00 51 01 00 fe ff 00 00 00 00 ff ff ff ff 02"
	for i, c := range []struct {
		info string
		want int
	}{{first, 1}, {first, 0}, {changed, 1}, {changed, 0}, {untold, 1}, {untold, 1}} {
		if got := call(c.info); got != c.want {
			t.Errorf("call %d: %d records read, want %d", i, got, c.want)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.sdr"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := call(changed); got != 1 {
		t.Errorf("a damaged file was used")
	}
}
