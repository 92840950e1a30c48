package setup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
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

// Refusal returns why [Apply] would do only a part, in a sentence: a layer is not understood or
// cannot be mended. It is nil if the changes make every layer agree.
func (r Report) Refusal() error {
	for _, f := range r.Findings {
		if f.Stuck {
			return fmt.Errorf("nothing was changed, because the %s is not understood or cannot "+
				"be mended: "+
				"%s; --partly changes the rest", f.Layer, f.Says)
		}
	}
	return nil
}

// Apply carries out the changes of a report below root, all of them or none. What was there before
// is kept for [Undo], before anything is changed. A second Apply keeps what was there before the
// first. A file that is not as it was when it was looked at stops it.
func Apply(root string, r Report) error {
	t, err := newTree(root)
	if err != nil {
		return err
	}
	defer t.close()
	return t.apply(r.Changes)
}

func (t *tree) apply(changes []Change) error {
	for _, c := range changes {
		if err := t.unchanged(c); err != nil {
			return fmt.Errorf("nothing was changed: %w", err)
		}
	}
	kept, err := t.journal()
	if err != nil {
		return err
	}
	earlier, err := t.original(journalPath)
	if err != nil {
		return err
	}
	known := map[string]int{}
	for i, c := range kept {
		known[c.Path] = i
	}
	for _, c := range changes {
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
	if err := t.put(journalPath, &File{Data: b, Mode: 0o600}, nil); err != nil {
		return fmt.Errorf("nothing was changed: the backup cannot be written: %w", err)
	}
	for i, c := range changes {
		err := t.put(c.Path, c.After, func() error { return t.unchanged(c) })
		if err == nil {
			continue
		}
		err = fmt.Errorf("%s: %w", c.Path, err)
		var left error
		for _, d := range slices.Backward(changes[:i]) {
			left = errors.Join(left, t.put(d.Path, d.Before, nil))
		}
		if left != nil {
			return fmt.Errorf("%w; some files are changed already: --undo puts them back", err)
		}
		if back := t.put(journalPath, earlier, nil); back != nil {
			return fmt.Errorf("nothing was changed, but %s is left: %w", journalPath, err)
		}
		return fmt.Errorf("nothing was changed: %w", err)
	}
	return nil
}

// unchanged returns an error if a file is not what it was when the change was planned.
func (t *tree) unchanged(c Change) error {
	now, err := t.original(c.Path)
	if err == nil && !now.same(c.Before) {
		err = fmt.Errorf("%s was changed by somebody else meanwhile; run the command again", c.Path)
	}
	return err
}

// Undo puts back what was there before [Apply], and returns the paths. A file that somebody changed
// since is left alone, and named in the error.
func Undo(root string) ([]string, error) {
	t, err := newTree(root)
	if err != nil {
		return nil, err
	}
	defer t.close()
	return t.undo()
}

func (t *tree) undo() ([]string, error) {
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
		if err := t.put(c.Path, c.Before, nil); err != nil {
			return done, err
		}
		done = append(done, c.Path)
		if dir := path.Dir(c.Path); c.Before == nil && strings.HasSuffix(dir, ".d") {
			t.removeEmpty(dir)
		}
	}
	if len(left) > 0 {
		b, err := json.MarshalIndent(rest, "", " ")
		if err == nil {
			err = t.put(journalPath, &File{Data: b, Mode: 0o600}, nil)
		}
		return done, errors.Join(fmt.Errorf("left alone, because changed since: %s; what was "+
			"there before is in %s", strings.Join(left, ", "), journalPath), err)
	}
	err = t.put(journalPath, nil, nil)
	t.removeEmpty(path.Dir(journalPath))
	return done, err
}

// removeEmpty removes a folder that was made for a file of ours, if nothing else is in it.
func (t *tree) removeEmpty(dir string) {
	if p, err := t.within(dir, false); err == nil {
		t.root.Remove(p)
	}
}

func (t *tree) journal() (kept []Change, err error) {
	f, err := t.original(journalPath)
	if err != nil || f == nil {
		return nil, err
	}
	if err := json.Unmarshal(f.Data, &kept); err != nil {
		return nil, fmt.Errorf("%s is damaged: move it away to go on without undo: %w", journalPath,
			err)
	}
	return kept, nil
}

// put makes a file be as f, at once for everybody who reads it; nil removes it. Check, if there is
// one, has the last word.
func (t *tree) put(name string, f *File, check func() error) error {
	p, err := t.within(name, false)
	if err != nil {
		return err
	}
	if check == nil {
		check = func() error { return nil }
	}
	if f == nil {
		if err := check(); err != nil {
			return err
		}
		if err := t.root.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := t.root.MkdirAll(path.Dir(p), 0o755); err != nil {
		return err
	}
	tmp := p + ".lom-new"
	if err := t.root.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if f.Link != "" {
		err = t.root.Symlink(f.Link, tmp)
	} else {
		err = t.create(tmp, p, f)
	}
	if err == nil {
		err = check()
	}
	if err == nil {
		err = t.root.Rename(tmp, p)
	}
	if err != nil {
		t.root.Remove(tmp)
		return err
	}
	if d, err := t.root.Open(path.Dir(p)); err == nil {
		t.sync(d) // the name is safe too; not every file system can
		d.Close()
	}
	return nil
}

// create writes a new file that is to take the place of old.
func (t *tree) create(name, old string, f *File) error {
	w, err := t.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.Mode.Perm())
	if err != nil {
		return err
	}
	_, err = t.write(w, f.Data)
	if err == nil {
		err = w.Chmod(f.Mode.Perm())
	}
	if st, serr := t.root.Lstat(old); err == nil && serr == nil {
		err = keepOwner(st, w)
	}
	if err == nil {
		err = t.sync(w)
	}
	return errors.Join(err, w.Close())
}
