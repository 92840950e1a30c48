package bmc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// The state file is a list of lines. The first names the format; each other is one change that was
// made as a whole: the length of its JSON, its CRC-32C, both as eight hexadecimal digits, and
// the JSON, an object of "section/key" to value, null for a dropped key.
//
// A line is on disk before its request is answered. A process that is killed leaves at most a
// beginning of the lines that it was about to write, so a last line without its end was never
// answered and is cut off; anything else that does not fit is damage, and nothing is cut off then.
const journalHeader = "lom-bmc-state 1\n"

// compactAt is the size in bytes from which on a state file is rewritten when it has grown to four
// times what was needed at the last rewriting.
const compactAt = 64 << 10

var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

// A StateError says why a state file cannot be used.
type StateError struct {
	Path   string
	Offset int64 // of the first damaged byte, where that is known
	Reason string
}

// Error is one sentence that says what to do.
func (e *StateError) Error() string {
	at := ""
	if e.Offset > 0 {
		at = fmt.Sprintf(" at byte %d", e.Offset)
	}
	return fmt.Sprintf("state file %s is damaged%s (%s): put back a copy, or move it away to "+
		"begin with factory settings", e.Path, at, e.Reason)
}

// A journal appends changes to one state file. Appends that come while one is being written are
// written together by the next, and so are those of other files of its [Disk]. It holds no file
// open and no goroutine while nothing changes.
type journal struct {
	path string // "": nothing is kept
	disk *Disk
	warn func(error) // gets the errors that fail no request

	// lost is called after a write has failed, without a lock. It calls takeFailed, and the done of
	// each entry.
	lost func(error)

	mu      sync.Mutex
	idle    sync.Cond // running became false
	pending []journalEntry
	failed  []journalEntry // until they are taken; what is appended meanwhile fails with them
	running bool
	unsaved change // facts that could not be written: they are written with the next entry

	// Of the goroutine that writes. There is one at most, of the disk's.
	size int64 // that is known to be good; 0: there is no file yet
	base int64 // size after the last rewriting
}

// A journalEntry is a change on its way to disk.
type journalEntry struct {
	change
	facts change // those of change that hold even if they cannot be written
	undo  []undo // takes back the rest
	done  func(error)
}

// openJournal reads the state file at path and returns what it holds by section and key. A file
// that is not there is made by the first change.
func openJournal(path string, disk *Disk,
	warn func(error)) (*journal, map[string]map[string][]byte, error) {
	j := &journal{path: path, disk: disk, warn: warn}
	j.idle.L = &j.mu
	j.lost = func(err error) {
		for _, e := range j.takeFailed() {
			e.done(err)
		}
	}
	if path == "" {
		return j, nil, nil
	}
	values, size, err := readJournal(path)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	j.size, j.base = size, size
	sections := map[string]map[string][]byte{}
	for k, v := range values {
		section, key, _ := strings.Cut(k, "/")
		if sections[section] == nil {
			sections[section] = map[string][]byte{}
		}
		sections[section][key] = v
	}
	return j, sections, nil
}

// readJournal returns what the file holds and the size of its good part.
func readJournal(path string) (change, int64, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	values := change{}
	at, damaged := parseJournal(data, func(c change) { values.merge(c, true) })
	if damaged != "" {
		return nil, 0, &StateError{Path: path, Offset: int64(at), Reason: damaged}
	}
	return values, int64(at), nil
}

// parseJournal calls f with each change and returns the end of the last good one. If what follows
// is more than a write that was cut short, it says what is wrong there.
func parseJournal(data []byte, f func(change)) (at int, damaged string) {
	if !bytes.HasPrefix(data, []byte(journalHeader)) {
		return 0, "it does not begin as a state file does"
	}
	at = len(journalHeader)
	for at < len(data) {
		rest := data[at:]
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			if len(rest) > 18 && wantsMore(rest) || len(rest) <= 18 {
				return at, ""
			}
			return at, "the last change has no end"
		}
		line := rest[:end]
		var length, sum uint32
		if end < 18 || line[8] != ' ' || line[17] != ' ' || !parseHex(line[:8], &length) ||
			!parseHex(line[9:17], &sum) {
			return at, "a change does not begin as it should"
		}
		body := line[18:]
		if int64(length) != int64(len(body)) || crc32.Checksum(body, castagnoli()) != sum {
			return at, "the checksum of a change is wrong"
		}
		var c change
		if err := json.Unmarshal(body, &c); err != nil {
			return at, "a change cannot be read"
		}
		f(c)
		at += end + 1
	}
	return at, ""
}

// wantsMore reports whether the line without an end is the beginning of a good one.
func wantsMore(line []byte) bool {
	var length uint32
	return parseHex(line[:8], &length) && int64(len(line)-18) <= int64(length)
}

func parseHex(b []byte, v *uint32) bool {
	*v = 0
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			*v = *v<<4 | uint32(c-'0')
		case 'a' <= c && c <= 'f':
			*v = *v<<4 | uint32(c-'a'+10)
		default:
			return false
		}
	}
	return true
}

// merge puts d into c. With forget, dropped keys leave c; without, they are remembered as dropped.
func (c change) merge(d change, forget bool) {
	for k, v := range d {
		if forget && (v == nil || bytes.Equal(v, []byte("null"))) {
			delete(c, k)
			continue
		}
		c[k] = v
	}
}

// line returns the line of the file that stands for c.
func (c change) line() []byte {
	body, err := json.Marshal(c)
	if err != nil {
		panic(err) // its values were marshalled before
	}
	return fmt.Appendf(nil, "%08x %08x %s\n", len(body), crc32.Checksum(body, castagnoli()), body)
}

// append writes e after what was appended before it and calls its done when it is on disk. If that
// fails, the journal calls lost.
func (j *journal) append(e journalEntry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.failed) > 0 {
		j.fail(e)
		return
	}
	j.pending = append(j.pending, e)
	if !j.running {
		j.running = true
		j.disk.add(j)
	}
}

// fail notes entries that cannot be written. The caller holds the lock.
func (j *journal) fail(entries ...journalEntry) {
	j.failed = append(j.failed, entries...)
	for _, e := range entries {
		if j.unsaved == nil {
			j.unsaved = change{}
		}
		j.unsaved.merge(e.facts, false)
	}
}

// takeFailed returns the entries that could not be written, in their order.
func (j *journal) takeFailed() []journalEntry {
	j.mu.Lock()
	defer j.mu.Unlock()
	failed := j.failed
	j.failed = nil
	return failed
}

// correct changes facts that are not written yet, where c has other values for them.
func (j *journal) correct(c change) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for k, v := range c {
		if _, ok := j.unsaved[k]; ok {
			j.unsaved[k] = v
		}
	}
}

// close waits until all is written.
func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.running {
		j.idle.Wait()
	}
	if len(j.unsaved) > 0 { // perhaps there is room again
		j.running = true
		j.disk.add(j)
	}
	for j.running {
		j.idle.Wait()
	}
	if len(j.unsaved) > 0 {
		return fmt.Errorf("state file %s: the last changes could not be written", j.path)
	}
	return nil
}

// written takes notice of a write.
func (j *journal) written(w *journalWrite) {
	j.mu.Lock()
	if w.err != nil {
		j.fail(append(w.batch, j.pending...)...)
		j.pending = nil
	} else {
		j.unsaved = nil
	}
	j.mu.Unlock()
	if w.err != nil {
		j.lost(w.err)
		return
	}
	j.size += int64(len(w.data))
	if w.fresh {
		j.base = min(j.size, compactAt/4) // it may hold many changes of one value
	}
	if j.size > compactAt && j.size > 4*j.base {
		if err := j.compact(); err != nil {
			j.warn(fmt.Errorf("state file %s cannot be made smaller: %w", j.path, err))
		}
	}
	for _, e := range w.batch {
		if e.done != nil {
			e.done(nil)
		}
	}
}

// finished reports whether nothing is left to be written.
func (j *journal) finished() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.pending) > 0 {
		return false
	}
	j.running = false
	j.idle.Broadcast()
	return true
}

// compact rewrites the file with the last value of each key.
func (j *journal) compact() error {
	values, _, err := readJournal(j.path)
	if err != nil {
		return err
	}
	if len(values) == 0 {
		values = change{}
	}
	return j.replace(append([]byte(journalHeader), values.line()...))
}

// replace makes data the content of the file, in one step.
func (j *journal) replace(data []byte) error {
	w := journalWrite{j: j, data: data, fresh: true}
	w.begin()
	if w.err == nil {
		w.err = w.file.Sync()
	}
	if w.end(); w.err != nil {
		w.cancel()
		return w.err
	}
	j.size, j.base = int64(len(data)), int64(len(data))
	return j.disk.fs.syncDir(filepath.Dir(j.path))
}
