package bmc

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

// Journals that share a disk are written together, and each has its own: also those that one of the
// group fails to write.
func TestDiskWritesTogether(t *testing.T) {
	dir := t.TempDir()
	disk := NewDisk(2)
	const journals, changes = 200, 20
	var list []*journal
	for i := range journals {
		where := dir
		if i%50 == 7 {
			where = filepath.Join(dir, "none")
		}
		j, _, err := openJournal(filepath.Join(where, fmt.Sprint(i)), disk, func(err error) {
			t.Error(err)
		})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, j)
	}
	var waits sync.WaitGroup
	for i, j := range list {
		waits.Go(func() {
			for n := range changes {
				ended := make(chan error, 1)
				c := change{fmt.Sprintf("s/%d", n): json.RawMessage(fmt.Sprint(i*1000 + n))}
				j.append(journalEntry{change: c, facts: c, done: func(err error) { ended <- err }})
				if n%3 == 0 { // it does not always wait for the disk
					if err := <-ended; (err != nil) != (i%50 == 7) {
						t.Errorf("journal %d: %v", i, err)
					}
				}
			}
		})
	}
	waits.Wait()
	for i, j := range list {
		if err := j.close(); (err != nil) != (i%50 == 7) {
			t.Errorf("journal %d: %v", i, err)
		}
		if i%50 == 7 {
			continue
		}
		values, _, err := readJournal(j.path)
		if err != nil || len(values) != changes {
			t.Fatalf("journal %d: %d values, %v", i, len(values), err)
		}
		for n := range changes {
			if got := string(values[fmt.Sprintf("s/%d", n)]); got != fmt.Sprint(i*1000+n) {
				t.Errorf("journal %d: value %d is %s", i, n, got)
			}
		}
	}
}
