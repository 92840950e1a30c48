package bmc

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// A Disk writes state files. BMCs that run together share one, because it bounds how many
// goroutines, files and threads of the operating system are busy with that, and makes the changes
// of many BMCs safe together.
type Disk struct {
	most int // goroutines that write
	fs   fileSystem

	mu      sync.Mutex
	waiting []*journal // those with something to write, each once
	writers int
}

// mostTogether is how many files one goroutine writes at a time, and so has open.
const mostTogether = 64

// NewDisk returns a Disk that writes on at most n goroutines. There are none while nothing is
// written.
func NewDisk(n int) *Disk { return &Disk{most: n, fs: osFiles{}} }

// A fileSystem is where state files are. Tests have one that fails.
type fileSystem interface {
	open(path string, flag int) (stateFile, error) // as os.OpenFile with mode 0600
	rename(from, to string) error
	remove(path string) error
	syncDir(dir string) error // makes a renaming in dir last
}

// A stateFile is an open file.
type stateFile interface {
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

// osFiles is the operating system's.
type osFiles struct{}

func (osFiles) open(path string, flag int) (stateFile, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (osFiles) rename(from, to string) error { return os.Rename(from, to) }
func (osFiles) remove(path string) error     { return os.Remove(path) }

// syncDir syncs the directory. Windows has no such call and needs none.
func (osFiles) syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// add has a journal written.
func (d *Disk) add(j *journal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting = append(d.waiting, j)
	if d.writers < d.most {
		d.writers++
		go d.run()
	}
}

// run writes until nothing waits.
func (d *Disk) run() {
	for {
		d.mu.Lock()
		n := min((len(d.waiting)+d.most-1)/d.most, mostTogether)
		if n == 0 {
			d.waiting = nil
			d.writers--
			d.mu.Unlock()
			return
		}
		list := d.waiting[:n:n]
		d.waiting = d.waiting[n:]
		d.mu.Unlock()
		d.write(list)
	}
}

// write brings what is pending in the journals to disk, and calls those who wait for that.
func (d *Disk) write(list []*journal) {
	writes := make([]journalWrite, len(list))
	var files []stateFile
	for i, j := range list {
		w := &writes[i]
		w.take(j)
		w.begin()
		if w.err == nil {
			files = append(files, w.file)
		}
	}
	syncErr := syncFiles(files)
	dirs := map[string]error{}
	for i := range writes {
		w := &writes[i]
		if w.err == nil {
			w.err = syncErr
		}
		if w.end(); w.fresh && w.err == nil {
			dirs[filepath.Dir(w.j.path)] = nil
		}
	}
	for dir := range dirs {
		dirs[dir] = d.fs.syncDir(dir)
	}
	for i := range writes {
		w := &writes[i]
		if w.fresh && w.err == nil {
			w.err = dirs[filepath.Dir(w.j.path)]
		}
		if w.err != nil {
			w.cancel()
		}
		w.j.written(w)
		if w.j.finished() {
			continue
		}
		d.add(w.j)
	}
}

// A journalWrite is a write that is under way.
type journalWrite struct {
	j       *journal
	batch   []journalEntry
	data    []byte
	fresh   bool // it writes the whole file
	renamed bool // and has given it its name
	file    stateFile
	err     error
}

// take takes what is pending in a journal. What could not be written is tried again with it.
func (w *journalWrite) take(j *journal) {
	if w.fresh = j.size == 0; w.fresh {
		w.data = append(w.data, journalHeader...)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	w.j, w.batch = j, j.pending
	j.pending = nil
	if len(j.unsaved) > 0 {
		w.data = append(w.data, j.unsaved.line()...)
	}
	for _, e := range w.batch {
		w.data = append(w.data, e.line()...)
	}
}

// begin writes; what is written is not safe yet.
func (w *journalWrite) begin() {
	fs := w.j.disk.fs
	if w.fresh {
		if w.file, w.err = fs.open(w.j.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC); w.err ==
			nil {
			_, w.err = w.file.WriteAt(w.data, 0)
		}
		return
	}
	if w.file, w.err = fs.open(w.j.path, os.O_WRONLY); w.err != nil {
		return
	}
	// What follows the good part is a write that was cut short or failed.
	if w.err = w.file.Truncate(w.j.size); w.err == nil {
		_, w.err = w.file.WriteAt(w.data, w.j.size)
	}
}

// end closes the file. If it was written as a whole, it gets its name now.
func (w *journalWrite) end() {
	if w.file != nil {
		w.err = errors.Join(w.err, w.file.Close())
	}
	if w.fresh && w.err == nil {
		w.err = w.j.disk.fs.rename(w.j.path+".new", w.j.path)
		w.renamed = w.err == nil
	}
}

// cancel removes what a write that failed has left in the file, so that it is not found after a
// restart. Where that fails too, the next write does it.
func (w *journalWrite) cancel() {
	fs := w.j.disk.fs
	switch {
	case w.renamed:
		_ = fs.remove(w.j.path)
	case w.fresh:
		_ = fs.remove(w.j.path + ".new")
	default:
		if f, err := fs.open(w.j.path, os.O_WRONLY); err == nil {
			_ = errors.Join(f.Truncate(w.j.size), f.Sync(), f.Close())
		}
	}
}
