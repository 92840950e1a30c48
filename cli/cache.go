package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

// cacheVariables are the environment variables that say where things are kept between calls; "off" is nowhere. The first that
// is set counts.
var cacheVariables = [...]string{"LOM_CACHE", "LOM_SDR_CACHE"}

// cacheDir returns where things are kept between calls, and "" for nowhere.
func (a *App) cacheDir() string {
	env := func(name string) string {
		v, _ := a.env(name)
		return v
	}
	if a.Options.NoCache {
		return ""
	}
	for _, name := range cacheVariables {
		if dir := env(name); dir == "off" {
			return ""
		} else if dir != "" {
			return dir
		}
	}
	base, home := env("XDG_CACHE_HOME"), env("HOME")
	if !filepath.IsAbs(base) {
		base = "" // the XDG specification ignores relative ones: they would be another place in each folder
	}
	switch {
	case runtime.GOOS == "windows":
		base = env("LocalAppData")
	case base != "":
	case home == "":
		return ""
	case runtime.GOOS == "darwin":
		base = filepath.Join(home, "Library", "Caches")
	default:
		base = filepath.Join(home, ".cache")
	}
	if base == "" {
		return ""
	}
	return filepath.Join(base, "lom", "bmc")
}

// bmcCache is what is kept of one BMC; the zero value keeps nothing.
type bmcCache struct {
	a   *App
	dir string
	bmc string // names the BMC
}

// openCache returns the cache of the BMC behind c. A BMC is known by its GUID and, because there are makers that give all the same
// GUID, by its address too: another BMC at the address, and the same at another, are strangers. A BMC
// without a GUID has no cache. Over lanplus the GUID is in the log-in and costs nothing.
func (a *App) openCache(ctx context.Context, c client.Conn) (bmcCache, error) {
	dir := a.cacheDir()
	if dir == "" {
		return bmcCache{}, nil
	}
	guid, err := controllerGUID(ctx, c)
	if err != nil || guid == (ipmi.GUID{}) {
		return bmcCache{}, refused(err)
	}
	o := &a.Options
	return bmcCache{a, dir, hashName("%x %s %d %x/%x", guid, o.Host, o.Port, o.Target, o.TargetChannel)}, nil
}

// refused returns the errors that do not mean that the BMC cannot do something.
func refused(err error) error {
	if _, ok := code(err); ok || errors.Is(err, ipmi.ErrMalformed) {
		return nil
	}
	return err
}

// controllerGUID returns the GUID of the log-in, or asks for that of the BMC, and for that of the system if it has
// none of its own.
func controllerGUID(ctx context.Context, c client.Conn) (ipmi.GUID, error) {
	if s, ok := c.(interface{ Info() client.Info }); ok {
		if guid := s.Info().GUID; guid != (ipmi.GUID{}) {
			return guid, nil
		}
	}
	device, err := client.Do(ctx, c, ipmi.GetDeviceGUID{})
	if _, refused := code(err); !refused {
		return device.GUID, err
	}
	system, err := client.Do(ctx, c, ipmi.GetSystemGUID{})
	return system.GUID, err
}

// hashName makes a file's name of what it is about.
func hashName(format string, args ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, format, args...))
	return hex.EncodeToString(sum[:16])
}

// load returns what is kept under a kind, and the words that it was kept with.
func (c bmcCache) load(kind string) (words string, body []byte, ok bool) {
	if c.dir == "" {
		return "", nil, false
	}
	words, body, ok = readCache(filepath.Join(c.dir, c.bmc+"."+kind), kind)
	if ok {
		c.a.Log.Debug("taken from the cache", "kind", kind, "bmc", c.bmc)
	}
	return words, body, ok
}

// keep keeps something under a kind. That it cannot is no failure.
func (c bmcCache) keep(kind, words string, body []byte) {
	if c.dir == "" {
		return
	}
	if err := writeCache(filepath.Join(c.dir, c.bmc+"."+kind), kind, words, body); err != nil {
		c.a.Log.Info("not kept", "kind", kind, "error", err)
		return
	}
	pruneCache(c.dir, c.a.now())
}

// cacheFileMost is the size of the biggest file that is read: a SEL of 65534 entries has 1 MiB.
const cacheFileMost = 4 << 20

// A file of the cache is one line and a body. The line is its kind, the checksum of the rest, and words that tell
// whether it still holds.
func cacheLine(kind, words string, body []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %q\n", kind, words)
	h.Write(body)
	return "lom-" + kind + "-2 " + hex.EncodeToString(h.Sum(nil)) + " " + strconv.Quote(words) + "\n"
}

// readCache reads a file, if it is whole. What is no plain file is not even opened: a pipe would be waited for.
func readCache(path, kind string) (words string, body []byte, ok bool) {
	st, err := os.Lstat(path)
	if err != nil || !st.Mode().IsRegular() || st.Size() > cacheFileMost {
		return "", nil, false
	}
	f, err := os.Open(path)
	if err != nil {
		return "", nil, false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, cacheFileMost))
	if err != nil {
		return "", nil, false
	}
	line, body, _ := bytes.Cut(b, []byte("\n"))
	fields := bytes.SplitN(line, []byte(" "), 3)
	if len(fields) < 3 {
		return "", nil, false
	}
	words, err = strconv.Unquote(string(fields[2]))
	return words, body, err == nil && string(line)+"\n" == cacheLine(kind, words, body)
}

// older reports whether a file was written longer ago than an age, or is not there.
func (a *App) older(file string, age time.Duration) bool {
	st, err := os.Lstat(file)
	return err != nil || a.now().Sub(st.ModTime()) > age
}

// writeCache writes the file in one step, so that other calls never see half of it.
func writeCache(path, kind, words string, body []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // of no use any more, whether it was renamed or not
	_, err = f.Write(append([]byte(cacheLine(kind, words, body)), body...))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Bounds of the cache: files that were not written for so long go, and the oldest while all are bigger than
// cacheMost. It is looked after once in cachePruneEvery.
const (
	cacheAge        = 90 * 24 * time.Hour
	cacheMost       = 512 << 20 // bytes: some 20,000 BMCs
	cachePruneEvery = 24 * time.Hour
	cacheStamp      = "lom-pruned" // the file whose time tells when that was
)

// cacheFileName is what a file of the cache is called, with what is behind it while it is written. The folder may be one in which
// other things are kept too, if a person has named it, and these are no business of lom's.
var cacheFileName = lazily(`^[0-9a-f]{32}\.(` + kindSDR + `|` + kindSEL + `|` + kindModel + `|` + kindWindow + `|` + kindLogin + `)(-[0-9]+)?$`)

// pruneCache keeps the cache within its bounds. Errors are of no consequence: the next call tries again.
func pruneCache(dir string, now time.Time) {
	stamp := filepath.Join(dir, cacheStamp)
	if st, err := os.Lstat(stamp); err == nil {
		if age := now.Sub(st.ModTime()); age >= 0 && age < cachePruneEvery { // what comes from the future was written with a wrong clock
			return
		}
	}
	// It is put in the place of whatever stands there, which may be a link that leads to a file of somebody's.
	if writeCache(stamp, "stamp", "", nil) != nil || os.Chtimes(stamp, now, now) != nil {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	var files []fs.FileInfo
	total := int64(0)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && cacheFileName().MatchString(e.Name()) {
			files = append(files, info)
			total += info.Size()
		}
	}
	slices.SortFunc(files, func(x, y fs.FileInfo) int { return cmp.Compare(x.ModTime().UnixNano(), y.ModTime().UnixNano()) })
	for _, f := range files {
		if now.Sub(f.ModTime()) < cacheAge && total <= cacheMost {
			break
		}
		if os.Remove(filepath.Join(dir, f.Name())) == nil {
			total -= f.Size()
		}
	}
}
