package cache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"lom/ipmi"
)

// Many processes may use the cache at the same time.
func TestCacheOfManyWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache", "x.sel")
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			for n := range 50 {
				words := fmt.Sprintf("%d of %d", n, i)
				if err := write(path, kindSEL, words, bytes.Repeat([]byte(words), 200)); err !=
					nil {
					t.Error(err)
				}
				if words, body, ok := read(path, kindSEL); !ok ||
					!bytes.Equal(body, bytes.Repeat([]byte(words), 200)) {
					t.Errorf("%q: %t", words, ok)
				}
			}
		})
	}
	work.Wait()
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); err != nil ||
		len(left) != 1 {
		t.Errorf("%v %v", left, err)
	}
}

func TestCacheIsPruned(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	at := func(t time.Time) Dir { return Dir{Path: dir, Now: func() time.Time { return t }} }
	named := func(name string) string { return hash("%s", name) + "." + kindSEL }
	file := func(name string, age time.Duration) {
		name = named(name)
		path := filepath.Join(dir, name)
		if err := write(path, kindSEL, name, []byte(name)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	file("old", ageMost+time.Hour)
	file("new", ageMost-time.Hour)
	at(now).prune()
	file("older", 2*ageMost)
	at(now.Add(time.Hour)).prune() // it was looked after an hour ago
	names := func() (all []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			all = append(all, e.Name())
		}
		return all
	}
	check := func(want ...string) {
		t.Helper()
		slices.Sort(want)
		if got := names(); !slices.Equal(got, want) {
			t.Errorf("%q, not %q", got, want)
		}
	}
	check(named("new"), named("older"), stampName)
	at(now.Add(pruneEvery)).prune() // new is old by now
	check(stampName)

	// A stamp of the future holds nobody up.
	file("older", 2*ageMost)
	if err := os.Chtimes(filepath.Join(dir, stampName), now, now.Add(1000*time.Hour)); err != nil {
		t.Fatal(err)
	}
	at(now).prune()
	check(stampName)
}

// A folder that is not named from the root on would be another one in each directory.
func TestCacheDir(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the folder of Linux")
	}
	home := "/home/mia"
	for _, c := range []struct{ xdg, want string }{
		{"", home + "/.cache/lom/bmc"},
		{"/var/cache/mia", "/var/cache/mia/lom/bmc"},
		{"cache", home + "/.cache/lom/bmc"},
	} {
		got := DefaultPath(func(name string) (string, bool) {
			v, ok := map[string]string{"HOME": home, "XDG_CACHE_HOME": c.xdg}[name]
			return v, ok
		})
		if got != c.want {
			t.Errorf("XDG_CACHE_HOME=%s: got %s, want %s", c.xdg, got, c.want)
		}
	}
}

// LOM_CACHE may name a folder in which there are other things: nothing becomes of them.
func TestCacheLeavesOthersFiles(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	at := func(t time.Time) Dir { return Dir{Path: dir, Now: func() time.Time { return t }} }
	thesis := filepath.Join(dir, "thesis.txt")
	if err := os.WriteFile(thesis, []byte("hard work"), 0o600); err != nil {
		t.Fatal(err)
	}
	long := now.Add(-10 * ageMost)
	if err := os.Chtimes(thesis, long, long); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(thesis, filepath.Join(dir, stampName)); err != nil {
		t.Skip("no links here: ", err)
	}
	at(now).prune()
	if text, err := os.ReadFile(thesis); err != nil || string(text) != "hard work" {
		t.Errorf("the file that was there before: %q, %v", text, err)
	}
}

// What has the name of a file and is not a plain one counts as none.
func TestCacheReadsPlainFilesOnly(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "x.sel"), filepath.Join(dir, "y.sel")
	if err := write(path, kindSEL, "words", nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Skip("no links here: ", err)
	}
	if _, _, ok := read(link, kindSEL); ok {
		t.Error("a link was followed")
	}
	if _, _, ok := read(path, kindSEL); !ok {
		t.Error("the file itself was not read")
	}
}

func FuzzKeptRecords(f *testing.F) {
	f.Add([]byte{1, 0, 6, 0, 1, 0, 0x51, 1, 1, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		if list, ok := splitSDRs(b); ok && !bytes.Equal(joinSDRs(list), b) {
			t.Errorf("%x became %x", b, joinSDRs(list))
		}
		if list, ok := splitSEL(b); ok && !bytes.Equal(joinSEL(list), b) {
			t.Errorf("%x became %x", b, joinSEL(list))
		}
	})
}

// Only names that the cache gives are its own.
func TestIsOurs(t *testing.T) {
	name := hash("%s", "x")
	for _, c := range []struct {
		name string
		want bool
	}{
		{name + ".sel", true}, {name + ".sdr-123", true}, {name + ".login", true}, {name + ".sdr-", false},
		{name + ".sdr-x", false}, {name, false}, {name + ".txt", false}, {name[1:] + ".sel", false},
		{"g" + name[1:] + ".sel", false}, {stampName, false},
	} {
		if got := isOurs(c.name); got != c.want {
			t.Errorf("%s: got %t, want %t", c.name, got, c.want)
		}
	}
}

// What is not a number of requests, or not a log-in, counts as nothing.
func TestPeerFiles(t *testing.T) {
	now := time.Now()
	d := Dir{Path: t.TempDir(), Now: func() time.Time { return now }}
	p := Peer{"bmc1", 623}
	if d.KeepModel(p, "m1"); d.Model(p) != "m1" || d.Model(Peer{"bmc2", 623}) != "" {
		t.Errorf("got models %q and %q, want m1 and none", d.Model(p), d.Model(Peer{"bmc2", 623}))
	}
	if d.KeepWindow("m1", 8); d.Window("m1") != 8 || d.Window("m2") != 0 {
		t.Errorf("got windows %d and %d, want 8 and 0", d.Window("m1"), d.Window("m2"))
	}
	for _, words := range []string{"-1", "8x", ""} {
		if err := write(d.file(kindWindow, "%s", "m1"), kindWindow, words, nil); err != nil {
			t.Fatal(err)
		}
		if got := d.Window("m1"); got != 0 {
			t.Errorf("%q: got %d, want 0", words, got)
		}
	}
	d.KeepWindow("m1", 8)
	now = now.Add(windowAge + time.Hour)
	if got := d.Window("m1"); got != 0 {
		t.Errorf("after a long time: got %d, want 0", got)
	}
	l := Login{GUID: ipmi.GUID{1}, Suite: 17}
	if _, ok := d.Login(p); ok {
		t.Error("got a log-in from nowhere")
	}
	d.KeepLogin(p, l)
	if got, ok := d.Login(p); got != l || !ok {
		t.Errorf("got %+v, %t, want %+v", got, ok, l)
	}
	for _, words := range []string{"lan 3 01", "lanplus x 01", "lanplus 3 01", ""} {
		if err := write(d.peerFile(kindLogin, p), kindLogin, words, nil); err != nil {
			t.Fatal(err)
		}
		if got, ok := d.Login(p); ok {
			t.Errorf("%q: got %+v, want nothing", words, got)
		}
	}
	if (Dir{}).KeepLogin(p, l); (Dir{}).Window("m1") != 0 {
		t.Error("the zero Dir kept something")
	}
}
