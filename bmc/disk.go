package bmc

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
)

// A Disk writes state files. BMCs that are run together share one, for it bounds how many goroutines, files and threads of the
// operating system are busy with that, and makes the changes of many BMCs safe together.
type Disk struct {
	most int // goroutines that write

	mu      sync.Mutex
	waiting []*journal // those with something to write, each once
	writers int
}

// mostTogether is how many files one goroutine writes at a time, and so has open.
const mostTogether = 64

// NewDisk returns a Disk that writes on n goroutines at the most. None is there while nothing is written.
func NewDisk(n int) *Disk { return &Disk{most: n} }

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
	var files []*os.File
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
		dirs[dir] = syncDir(dir)
	}
	for i := range writes {
		w := &writes[i]
		if w.fresh && w.err == nil {
			w.err = dirs[filepath.Dir(w.j.path)]
		}
		w.j.written(w)
		for _, e := range w.batch {
			e.done(w.err)
		}
		if w.j.finished() {
			continue
		}
		d.add(w.j)
	}
}

// A journalWrite is a write that is under way.
type journalWrite struct {
	j     *journal
	batch []journalEntry
	data  []byte
	fresh bool // it makes the file anew
	file  *os.File
	err   error
}

// take takes what is pending in a journal. What could not be written is tried again with it.
func (w *journalWrite) take(j *journal) {
	j.mu.Lock()
	w.j, w.batch = j, j.pending
	j.pending = nil
	j.mu.Unlock()
	if w.fresh = j.size == 0; w.fresh {
		w.data = append(w.data, journalHeader...)
	}
	if len(j.unsaved) > 0 {
		w.data = append(w.data, j.unsaved.line()...)
	}
	for _, e := range w.batch {
		w.data = append(w.data, e.line...)
	}
}

// begin writes; what is written is not safe yet.
func (w *journalWrite) begin() {
	if w.fresh {
		if w.file, w.err = os.OpenFile(w.j.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); w.err == nil {
			_, w.err = w.file.Write(w.data)
		}
		return
	}
	if w.file, w.err = os.OpenFile(w.j.path, os.O_WRONLY, 0); w.err != nil {
		return
	}
	// What follows the good part is a write that was cut short or failed.
	if w.err = w.file.Truncate(w.j.size); w.err == nil {
		_, w.err = w.file.WriteAt(w.data, w.j.size)
	}
}

// end closes the file, and gives one that was made anew its name.
func (w *journalWrite) end() {
	if w.file != nil {
		w.err = errors.Join(w.err, w.file.Close())
	}
	if w.fresh && w.err == nil {
		w.err = os.Rename(w.j.path+".new", w.j.path)
	}
}
