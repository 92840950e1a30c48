package cli

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lom/ipmi"
)

// logBMC is a BMC with an event log.
type logBMC struct {
	mu      sync.Mutex
	guid    byte
	size    int // entries that it holds
	round   bool
	entries [][16]byte
	last    uint16 // ID given
	clock   uint32
	added   uint32
	erased  uint32
	noTimes bool // it does not tell when it was changed
	asked   map[uint8]int
	between func() // called once, between two requests
}

func (b *logBMC) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked[req.Command.Code]++
	ok := func(data ...byte) (ipmi.RawResponse, error) { return ipmi.RawResponse{Data: data}, nil }
	switch {
	case req.Command.Is(ipmi.GetDeviceGUID{}.Command()):
		return ok(bytes.Repeat([]byte{b.guid}, 16)...)
	case req.Command.Is(ipmi.GetSELInfo{}.Command()):
		info := ipmi.SELInfo{Version: 0x51, Entries: uint16(len(b.entries)),
			LastAddition: ipmi.Timestamp(b.added), LastErase: ipmi.Timestamp(b.erased)}
		if b.noTimes {
			info.LastAddition, info.LastErase = ipmi.TimestampUnspecified, ipmi.TimestampUnspecified
		}
		data, err := info.AppendBinary(nil)
		if err != nil {
			return ipmi.RawResponse{}, err
		}
		if f := b.between; f != nil {
			b.between = nil
			f()
		}
		return ok(data...)
	case req.Command.Is(ipmi.GetSELEntry{}.Command()):
		id := binary.LittleEndian.Uint16(req.Data[2:])
		for i, e := range b.entries {
			if id == 0 || id == 0xffff && i == len(b.entries)-1 ||
				binary.LittleEndian.Uint16(e[:]) == id {
				next := []byte{0xff, 0xff}
				if i+1 < len(b.entries) {
					next = b.entries[i+1][:2]
				}
				return ok(append(slices.Clone(next), e[:]...)...)
			}
		}
		return ipmi.RawResponse{Code: ipmi.CodeNotPresent}, nil
	}
	return ipmi.RawResponse{Code: ipmi.CodeInvalidCommand}, nil
}

func (b *logBMC) Close() error { return nil }

func (b *logBMC) add(rng *rand.Rand) {
	if len(b.entries) >= b.size {
		if !b.round {
			return
		}
		b.entries = slices.Clone(b.entries[1:])
	}
	if b.last++; b.last == 0xffff {
		b.last = 1
	}
	e := [16]byte{2: 2, 7: 0x20, 9: 4, 10: 1, 11: byte(rng.IntN(3)), 12: 1, 13: 0x57,
		14: byte(rng.IntN(100)), 15: 80}
	binary.LittleEndian.PutUint16(e[:], b.last)
	binary.LittleEndian.PutUint32(e[3:], b.clock)
	b.entries = append(slices.Clone(b.entries), e)
	b.added = b.clock
}

// change does something to the log that may happen to one.
func (b *logBMC) change(rng *rand.Rand) string {
	b.clock += uint32(rng.IntN(2)) // much happens within a second
	switch rng.IntN(12) {
	case 0:
		b.entries, b.erased = nil, b.clock
		if rng.IntN(2) == 0 {
			b.last = 0
		}
		return "clear"
	case 1, 2:
		if len(b.entries) > 0 {
			i := rng.IntN(len(b.entries))
			b.entries, b.erased = slices.Delete(slices.Clone(b.entries), i, i+1), b.clock
			return fmt.Sprint("delete ", i)
		}
	case 3:
		b.clock = uint32(0x65000000 + rng.IntN(1000))
		return "clock"
	case 4:
		b.guid++ // another BMC
		b.entries = slices.Clone(b.entries)
		for i := range b.entries {
			b.entries[i][14]++
		}
		return "swap"
	case 5:
		return "nothing"
	default:
		n := 1 + rng.IntN(3)
		for range n {
			b.add(rng)
		}
		return fmt.Sprint("add ", n)
	}
	return "nothing"
}

func listLog(t *testing.T, b *logBMC, dir string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	a := newApp("lom", strings.NewReader(""), &out, &errs)
	a.env = func(name string) (string, bool) { return dir, name == "LOM_CACHE" }
	a.now, a.zone = time.Now, time.UTC
	a.dial = func(context.Context, *Options, *slog.Logger) (Session, error) { return b, nil }
	b.asked = map[uint8]int{}
	if exit := a.Run(t.Context(), append([]string{"-H", "bmc1", "-U", "admin", "-P", "secret"},
		args...)); exit != 0 {
		t.Fatalf("exit %d: %s", exit, errs.String())
	}
	return out.String() + errs.String()
}

// Whatever happens to a log, what is listed with a cache is what is listed without one; where
// nothing happens, two requests tell so.
func TestSELCacheShowsWhatIsThere(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 3))
		b := &logBMC{guid: 1, size: 4 + rng.IntN(40), round: seed%2 == 0, clock: 0x65000000,
			noTimes: seed%5 == 0, last: uint16(rng.Uint32())}
		dir := t.TempDir()
		var history []string
		for range 40 {
			var what []string
			for range rng.IntN(4) {
				what = append(what, b.change(rng))
			}
			if rng.IntN(10) == 0 {
				b.between = func() { what = append(what, "meanwhile "+b.change(rng)) }
			}
			quiet := len(what) == 0 && b.between == nil && len(history) > 0 &&
				!strings.Contains(history[len(history)-1], "meanwhile")
			got := listLog(t, b, dir, "sel", "list")
			n := b.asked[0x40] + b.asked[0x43]
			history = append(history, strings.Join(what, ", "))
			if strings.Contains(history[len(history)-1], "meanwhile") {
				continue // either is right
			}
			if want := listLog(t, b, "off", "sel", "list"); got != want {
				t.Fatalf("seed %d, after %q:\n%s\nwant\n%s", seed, history, got, want)
			}
			if quiet && n != 2 {
				t.Fatalf("seed %d, after %q: %d requests where nothing has changed", seed, history,
					n)
			}
		}
	}
}

func TestSELCacheReadsWhatIsNew(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	dir := t.TempDir()
	b := &logBMC{guid: 1, size: 1000, clock: 0x65000000}
	for range 300 {
		b.clock++
		b.add(rng)
	}
	list := listLog(t, b, dir, "sel", "list")
	if b.asked[0x43] != 300 || b.asked[0x40] != 2 {
		t.Errorf("first: %v", b.asked)
	}
	for range 3 {
		b.add(rng)
	}
	longer := listLog(t, b, dir, "sel", "list")
	if b.asked[0x43] != 4 || b.asked[0x40] != 2 || !strings.HasPrefix(longer, list) ||
		strings.Count(longer, "\n") != 303 {
		t.Errorf("three more: %v", b.asked)
	}
	if first := listLog(t, b, dir, "sel", "list", "first", "5"); b.asked[0x43] != 1 ||
		!strings.HasPrefix(longer, first) || strings.Count(first, "\n") != 5 {
		t.Errorf("first five: %v\n%s", b.asked, first)
	}
	if last := listLog(t, b, dir, "sel", "list", "last", "5"); b.asked[0x43] != 1 ||
		!strings.HasSuffix(longer, last) {
		t.Errorf("last five: %v\n%s", b.asked, last)
	}
	if again := listLog(t, b, dir, "--no-cache", "sel", "list"); again != longer ||
		b.asked[0x43] != 303 {
		t.Errorf("without: %v", b.asked)
	}
	if first := listLog(t, b, "off", "sel", "list", "first", "5"); b.asked[0x43] != 5 ||
		strings.Count(first, "\n") != 5 {
		t.Errorf("first five without: %v", b.asked)
	}
	// What is saved is what is there.
	file := filepath.Join(t.TempDir(), "saved")
	if listLog(t, b, dir, "sel", "save", file); b.asked[0x43] != 303 {
		t.Errorf("saved: %v", b.asked)
	}
	// A damaged file is read again, as is one that is cut off or too long.
	files, err := filepath.Glob(filepath.Join(dir, "*.sel"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	good, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for i, bad := range [][]byte{nil, good[:len(good)-16],
		append(slices.Clone(good), good[len(good)-16:]...),
		bytes.Replace(good, []byte{0x57}, []byte{0x56}, 1), {'\n'}} {
		if err := os.WriteFile(files[0], bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if again := listLog(t, b, dir, "sel", "list"); again != longer || b.asked[0x43] != 303 {
			t.Errorf("damage %d: %v", i, b.asked)
		}
	}
}
