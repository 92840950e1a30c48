package cache

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Dir is a folder in which things are kept. The zero value keeps nothing.
type Dir struct {
	Path string           // "": nothing is kept
	Log  *slog.Logger     // is told what was found and kept; nil: nobody is
	Now  func() time.Time // the clock by which the age of files is judged; nil: time.Now
}

// Variables are the environment variables that name the folder; "off" is none. The first that is
// set counts.
var Variables = [...]string{"LOM_CACHE", "LOM_SDR_CACHE"}

// DefaultPath returns the folder that the environment names, or the user's folder for caches, and
// "" if there is to be none. lookup is os.LookupEnv, or something like it.
func DefaultPath(lookup func(string) (string, bool)) string {
	env := func(name string) string {
		v, _ := lookup(name)
		return v
	}
	for _, name := range Variables {
		if dir := env(name); dir == "off" {
			return ""
		} else if dir != "" {
			return dir
		}
	}
	base, home := env("XDG_CACHE_HOME"), env("HOME")
	if !filepath.IsAbs(base) {
		// The XDG specification ignores relative ones: they would be another place in each folder.
		base = ""
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

func (d Dir) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}

func (d Dir) log() *slog.Logger {
	if d.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return d.Log
}

// Kinds of files.
const (
	kindSDR    = "sdr"    // the sensor records of a BMC, some of them perhaps in part
	kindSEL    = "sel"    // the records of a BMC's event log
	kindModel  = "model"  // which model is at an address
	kindWindow = "window" // how many requests at a time a model takes
	kindLogin  = "login"  // how the last session with the BMC at an address was protected
)

var kinds = []string{kindSDR, kindSEL, kindModel, kindWindow, kindLogin}

// file returns the name of the file of a kind about something, which the words describe.
func (d Dir) file(kind, format string, args ...any) string {
	return filepath.Join(d.Path, hash(format, args...)+"."+kind)
}

// hash makes a file's name of what it is about.
func hash(format string, args ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, format, args...))
	return hex.EncodeToString(sum[:16])
}

// keep writes a file. That it cannot is no failure.
func (d Dir) keep(path, kind, words string, body []byte) {
	if err := write(path, kind, words, body); err != nil {
		d.log().Info("not kept", "kind", kind, "error", err)
	}
}

// fileMost is the size of the largest file that is read: a SEL of 65534 entries has 1 MiB.
const fileMost = 4 << 20

// firstLine returns the line before the body of a file: its kind, the checksum of the rest, and the
// words by which the caller finds out whether it is still right.
func firstLine(kind, words string, body []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %q\n", kind, words)
	h.Write(body)
	sum := hex.EncodeToString(h.Sum(nil))
	return "lom-" + kind + "-2 " + sum + " " + strconv.Quote(words) + "\n"
}

// read reads a file, if it is whole. What is not a plain file is not even opened: the read of a
// pipe would wait.
func read(path, kind string) (words string, body []byte, ok bool) {
	st, err := os.Lstat(path)
	if err != nil || !st.Mode().IsRegular() || st.Size() > fileMost {
		return "", nil, false
	}
	f, err := os.Open(path)
	if err != nil {
		return "", nil, false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, fileMost))
	if err != nil {
		return "", nil, false
	}
	line, body, _ := bytes.Cut(b, []byte("\n"))
	fields := bytes.SplitN(line, []byte(" "), 3)
	if len(fields) < 3 {
		return "", nil, false
	}
	words, err = strconv.Unquote(string(fields[2]))
	return words, body, err == nil && string(line)+"\n" == firstLine(kind, words, body)
}

// write writes a file in one step, so that other programs never see half of it.
func write(path, kind, words string, body []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // needed no more, whether it was renamed or not
	_, err = f.Write(append([]byte(firstLine(kind, words, body)), body...))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// older reports whether a file was written longer ago than an age, or is not there.
func (d Dir) older(file string, age time.Duration) bool {
	st, err := os.Lstat(file)
	return err != nil || d.now().Sub(st.ModTime()) > age
}

// Bounds of a folder: files that were not written for ageMost are removed, and the oldest while all
// are larger than sizeMost. It is looked through once in pruneEvery.
const (
	ageMost    = 90 * 24 * time.Hour
	sizeMost   = 512 << 20 // bytes: some 20,000 BMCs
	pruneEvery = 24 * time.Hour
	stampName  = "lom-pruned" // the file whose time says when that was
)

// isOurs reports whether a name is that of a file of the cache, perhaps of one that is being
// written. A user may have named a folder with other files in it, and these are left alone.
func isOurs(name string) bool {
	base, rest, _ := strings.Cut(name, ".")
	kind, suffix, writing := strings.Cut(rest, "-")
	return len(base) == 32 && strings.Trim(base, "0123456789abcdef") == "" &&
		slices.Contains(kinds, kind) &&
		(!writing || suffix != "" && strings.Trim(suffix, "0123456789") == "")
}

// prune keeps the folder within its bounds. Errors do not matter: the next call tries again.
func (d Dir) prune() {
	now, stamp := d.now(), filepath.Join(d.Path, stampName)
	if st, err := os.Lstat(stamp); err == nil {
		// A time in the future was written with a wrong clock.
		if age := now.Sub(st.ModTime()); age >= 0 && age < pruneEvery {
			return
		}
	}
	// It replaces whatever has its name, which may be a link that leads to a file of the user's.
	if write(stamp, "stamp", "", nil) != nil || os.Chtimes(stamp, now, now) != nil {
		return
	}
	entries, err := os.ReadDir(d.Path)
	if err != nil {
		return
	}
	var files []fs.FileInfo
	total := int64(0)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && isOurs(e.Name()) {
			files = append(files, info)
			total += info.Size()
		}
	}
	slices.SortFunc(files, func(x, y fs.FileInfo) int {
		return cmp.Compare(x.ModTime().UnixNano(), y.ModTime().UnixNano())
	})
	for _, f := range files {
		if now.Sub(f.ModTime()) < ageMost && total <= sizeMost {
			break
		}
		if os.Remove(filepath.Join(d.Path, f.Name())) == nil {
			total -= f.Size()
		}
	}
}
