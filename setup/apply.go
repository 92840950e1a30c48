package setup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// journalPath is where what was changed is kept for Undo, below the root.
const journalPath = "/var/lib/lom/setup-console.json"

// Diff returns the changes as a unified diff, in the order of the paths.
func (r Report) Diff() []byte {
	var out []byte
	for _, c := range r.Changes {
		out = append(out, diff.Diff("a"+c.Path, c.Before.text(), "b"+c.Path, c.After.text())...)
	}
	return out
}

func (f *File) text() []byte {
	switch {
	case f == nil:
		return nil
	case f.Link != "":
		return []byte("symbolic link to " + f.Link + "\n")
	}
	return f.Data
}

// Apply carries out the changes of a report below root. What was there before is kept for [Undo], before anything is
// changed. A second Apply keeps what was there before the first.
func Apply(root string, r Report) error {
	t, err := newTree(root)
	if err != nil {
		return err
	}
	kept, err := t.journal()
	if err != nil {
		return err
	}
	known := map[string]int{}
	for i, c := range kept {
		known[c.Path] = i
	}
	for _, c := range r.Changes {
		if i, ok := known[c.Path]; ok {
			kept[i].After = c.After
		} else {
			kept = append(kept, c)
		}
	}
	b, err := json.MarshalIndent(kept, "", " ")
	if err != nil {
		return err
	}
	if err := t.put(journalPath, &File{Data: b, Mode: 0o600}); err != nil {
		return fmt.Errorf("nothing was changed: the backup cannot be written: %w", err)
	}
	for _, c := range r.Changes {
		if err := t.put(c.Path, c.After); err != nil {
			return fmt.Errorf("%s was not changed, and what follows it neither; --undo takes back the rest: %w", c.Path, err)
		}
	}
	return nil
}

// Undo puts back what was there before [Apply], and returns the paths. A file that somebody changed since is left
// alone, and named in the error.
func Undo(root string) ([]string, error) {
	t, err := newTree(root)
	if err != nil {
		return nil, err
	}
	kept, err := t.journal()
	if err != nil {
		return nil, err
	}
	if len(kept) == 0 {
		return nil, errors.New("nothing to undo: --apply has changed nothing here")
	}
	var done, left []string
	var rest []Change
	for _, c := range kept {
		now, err := t.original(c.Path)
		if err != nil {
			return done, err
		}
		if !now.same(c.After) && !now.same(c.Before) {
			left, rest = append(left, c.Path), append(rest, c)
			continue
		}
		if err := t.put(c.Path, c.Before); err != nil {
			return done, err
		}
		done = append(done, c.Path)
	}
	if len(left) > 0 {
		b, err := json.MarshalIndent(rest, "", " ")
		if err == nil {
			err = t.put(journalPath, &File{Data: b, Mode: 0o600})
		}
		return done, errors.Join(fmt.Errorf("left alone, because changed since: %s; what was there before is in %s", strings.Join(left, ", "), journalPath), err)
	}
	return done, t.put(journalPath, nil)
}

func (t *tree) journal() (kept []Change, err error) {
	f, err := t.original(journalPath)
	if err != nil || f == nil {
		return nil, err
	}
	if err := json.Unmarshal(f.Data, &kept); err != nil {
		return nil, fmt.Errorf("%s is damaged: move it away to go on without undo: %w", journalPath, err)
	}
	return kept, nil
}

// put makes a file be as f, at once for everybody who reads it; nil removes it.
func (t *tree) put(name string, f *File) error {
	p, err := t.host(name, false)
	if err != nil {
		return err
	}
	if f == nil {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		return err
	}
	tmp := p + ".lom-new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if f.Link != "" {
		if err := os.Symlink(f.Link, tmp); err != nil {
			return err
		}
		return os.Rename(tmp, p)
	}
	w, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.Mode.Perm())
	if err != nil {
		return err
	}
	_, err = w.Write(f.Data)
	if err == nil {
		err = w.Chmod(f.Mode.Perm())
	}
	if err == nil {
		err = keepOwner(p, w)
	}
	if err == nil {
		err = w.Sync()
	}
	if err = errors.Join(err, w.Close()); err != nil {
		os.Remove(tmp)
		return err
	}
	return os.Rename(tmp, p)
}
