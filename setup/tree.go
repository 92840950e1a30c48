package setup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// A tree is a system's files below a root, with the changes to them that are planned. Nothing is
// read or written outside the root.
type tree struct {
	root   *os.Root
	staged map[string]*Change
	denied string // the first path that may not be looked at
	write  func(*os.File, []byte) (int, error)
	sync   func(*os.File) error
}

// A Change is what happens to one file. Paths are those of the system, not of the root it is
// unpacked at.
type Change struct {
	Path   string
	Before *File // nil: it was not there
	After  *File // nil: it is removed
}

// A File is a file's content, or where a symbolic link points.
type File struct {
	Data []byte `json:",omitempty"`
	Link string `json:",omitempty"`
	Mode fs.FileMode
}

func (f *File) same(g *File) bool {
	return f == nil && g == nil || f != nil && g != nil && f.Link == g.Link &&
		bytes.Equal(f.Data, g.Data)
}

// maxFile is more than any of the files has.
const maxFile = 16 << 20

func newTree(root string) (*tree, error) {
	st, err := os.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("no system at %s: %w", root, errors.Unwrap(err))
	}
	if !st.IsDir() {
		return nil, fmt.Errorf("%s is not a directory with an unpacked system", root)
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("no system at %s: %w", root, errors.Unwrap(err))
	}
	if _, err := r.Lstat("etc"); err != nil {
		r.Close()
		return nil, fmt.Errorf("%s has no etc: it is not the root of a system", root)
	}
	return &tree{root: r, staged: map[string]*Change{}, write: (*os.File).Write,
		sync: (*os.File).Sync}, nil
}

func (t *tree) close() { t.root.Close() }

// within returns where a path of the system is below the root. Symbolic links on the way point into
// the root, also absolute ones; the last one is followed only if follow is set.
func (t *tree) within(name string, follow bool) (string, error) {
	rest := strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/")
	done := ""
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			done = path.Dir("/" + done)[1:]
			continue
		}
		at := path.Join(done, part)
		st, err := t.root.Lstat(at)
		if err == nil && st.Mode()&fs.ModeSymlink != 0 && (follow || len(rest) > 0) {
			if links++; links > 40 {
				return "", fmt.Errorf("%s: too many symbolic links", name)
			}
			to, err := t.root.Readlink(at)
			if err != nil {
				return "", err
			}
			if path.IsAbs(to) {
				done = ""
			}
			rest = append(strings.Split(to, "/"), rest...)
			continue
		}
		done = at
	}
	return path.Join(".", done), nil
}

// original returns a file as it is on disk, nil if it is not there.
func (t *tree) original(name string) (*File, error) {
	p, err := t.within(name, false)
	if err != nil {
		return nil, err
	}
	st, err := t.root.Lstat(p)
	switch {
	case errors.Is(err, fs.ErrNotExist) || isNotDir(err):
		return nil, nil
	case err != nil:
		return nil, cannotRead(name, err)
	case st.Mode()&fs.ModeSymlink != 0:
		to, err := t.root.Readlink(p)
		return &File{Link: to, Mode: st.Mode()}, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", name)
	case st.Size() > maxFile:
		return nil, fmt.Errorf("%s has %d bytes: that is not a configuration file", name, st.Size())
	}
	b, err := t.root.ReadFile(p)
	if err != nil {
		return nil, cannotRead(name, err)
	}
	return &File{Data: b, Mode: st.Mode()}, nil
}

func cannotRead(name string, err error) error {
	remedy := ""
	if errors.Is(err, fs.ErrPermission) {
		remedy = "; run it as root"
	}
	return fmt.Errorf("%s cannot be read: %w%s", name, errors.Unwrap(err), remedy)
}

// file returns a file as it will be, nil if it will not be there.
func (t *tree) file(name string) (*File, error) {
	if c := t.staged[name]; c != nil {
		return c.After, nil
	}
	return t.original(name)
}

// text returns the content of a file as it will be; links are followed. A file that is not there
// has none.
func (t *tree) text(name string) (string, bool, error) {
	name, err := t.real(name)
	if err != nil {
		return "", false, err
	}
	f, err := t.file(name)
	if err != nil || f == nil {
		return "", false, err
	}
	return string(f.Data), true, nil
}

// real returns the path after symbolic links.
func (t *tree) real(name string) (string, error) {
	if c := t.staged[name]; c != nil && (c.After == nil || c.After.Link == "") {
		return name, nil
	}
	p, err := t.within(name, true)
	return "/" + p, err
}

// set plans a file's new content.
func (t *tree) set(name, content string) error {
	name, err := t.real(name)
	if err != nil {
		return err
	}
	return t.stage(name, &File{Data: []byte(content), Mode: 0o644})
}

func (t *tree) stage(name string, after *File) error {
	c := t.staged[name]
	if c == nil {
		before, err := t.original(name)
		if err != nil {
			return err
		}
		c = &Change{Path: name, Before: before}
		t.staged[name] = c
	}
	if after != nil && c.Before != nil && after.Link == "" && c.Before.Link == "" {
		after.Mode = c.Before.Mode
	}
	c.After = after
	return nil
}

// changes returns what is planned and is a change, in the order of the paths.
func (t *tree) changes() []Change {
	var out []Change
	for _, c := range t.staged {
		if !c.Before.same(c.After) {
			out = append(out, *c)
		}
	}
	slices.SortFunc(out, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// exists reports whether the path is there, links followed.
func (t *tree) exists(name string) bool {
	p, err := t.within(name, true)
	if err == nil {
		_, err = t.root.Lstat(p)
	}
	t.note(name, err)
	return err == nil
}

// note keeps the first path that may not be looked at.
func (t *tree) note(name string, err error) {
	if errors.Is(err, fs.ErrPermission) && t.denied == "" {
		t.denied = name
	}
}

// glob returns the files whose last element matches the pattern.
func (t *tree) glob(dir, pattern string) []string {
	p, err := t.within(dir, true)
	if err != nil {
		return nil
	}
	entries, err := fs.ReadDir(t.root.FS(), p)
	t.note(dir, err)
	var out []string
	for _, e := range entries {
		if ok, _ := path.Match(pattern, e.Name()); ok {
			out = append(out, path.Join(dir, e.Name()))
		}
	}
	return out
}

// distinct returns those of the files that are there, each once though links lead to it.
func (t *tree) distinct(names ...string) (out []string) {
	for _, name := range names {
		if !t.exists(name) {
			continue
		}
		if real, err := t.real(name); err == nil && !slices.Contains(out, real) {
			out = append(out, real)
		}
	}
	return out
}

// edit applies f to each line of a file and plans the result. It reports whether the file is there.
func (t *tree) edit(name string, f func(lines []string) []string) (bool, error) {
	text, ok, err := t.text(name)
	if err != nil || !ok {
		return false, err
	}
	return true, t.set(name, strings.Join(f(strings.Split(text, "\n")), "\n"))
}
