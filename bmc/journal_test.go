package bmc

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// appendNow appends and waits.
func appendNow(t *testing.T, j *journal, c change) error {
	t.Helper()
	ch := make(chan error, 1)
	j.append(journalEntry{change: c, done: func(err error) { ch <- err }})
	return <-ch
}

func keptIn(t *testing.T, path string) map[string]string {
	t.Helper()
	_, sections, err := openJournal(path, NewDisk(1), func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for s, keys := range sections {
		for k, v := range keys {
			got[s+"/"+k] = string(v)
		}
	}
	return got
}

func TestJournalKeepsWhatWasAppended(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	j, _, err := openJournal(path, NewDisk(1), func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for i := range 100 {
		c := change{fmt.Sprintf("a/%d", i%10): json.RawMessage(fmt.Sprint(i))}
		want[fmt.Sprintf("a/%d", i%10)] = fmt.Sprint(i)
		if i%7 == 0 {
			c["a/3"] = nil
			delete(want, "a/3")
		}
		if err := appendNow(t, j, c); err != nil {
			t.Fatal(err)
		}
	}
	if got := keptIn(t, path); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if st, _ := os.Stat(path); st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v: others can read passwords", st.Mode())
	}
}

// A write that was cut short at any byte loses that write and nothing before it.
func TestJournalCutAnywhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	j, _, _ := openJournal(path, NewDisk(1), func(error) {})
	sizes := []int64{}
	for i := range 4 {
		if err := appendNow(t, j, change{"s/k": json.RawMessage(fmt.Sprint(i))}); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, j.size)
	}
	data, _ := os.ReadFile(path)
	for cut := sizes[0]; cut <= int64(len(data)); cut++ {
		if err := os.WriteFile(path, data[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		last := 0
		for i, s := range sizes {
			if cut >= s {
				last = i
			}
		}
		if got := keptIn(t, path)["s/k"]; got != fmt.Sprint(last) {
			t.Fatalf("cut at %d: value %s, want %d", cut, got, last)
		}
		// And it can be written on.
		j, _, _ := openJournal(path, NewDisk(1), func(error) {})
		if err := appendNow(t, j, change{"s/l": json.RawMessage("1")}); err != nil {
			t.Fatal(err)
		}
		if got := keptIn(t, path); got["s/k"] != fmt.Sprint(last) || got["s/l"] != "1" {
			t.Fatalf("cut at %d, then written: %v", cut, got)
		}
	}
}

// A file in which any one byte is wrong is refused; nothing is silently lost.
func TestJournalDamageAnywhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	j, _, _ := openJournal(path, NewDisk(1), func(error) {})
	for i := range 3 {
		if err := appendNow(t, j, change{"s/k": json.RawMessage(fmt.Sprint(i))}); err != nil {
			t.Fatal(err)
		}
	}
	data, _ := os.ReadFile(path)
	for i := range data {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			bad := append([]byte(nil), data...)
			bad[i] ^= flip
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			_, _, err := openJournal(path, NewDisk(1), func(error) {})
			var se *StateError
			if !errors.As(err, &se) {
				t.Fatalf("byte %d of %d, bits %02x: not refused (%v)", i, len(data), flip, err)
			}
			if after, _ := os.ReadFile(path); string(after) != string(bad) {
				t.Fatal("the damaged file was changed")
			}
		}
	}
}

func TestJournalStaysSmall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	j, _, _ := openJournal(path, NewDisk(1), func(error) {})
	long := json.RawMessage(`"` + strings.Repeat("x", 1000) + `"`)
	for range 2000 {
		j.append(journalEntry{change: change{"s/k": long}})
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if err := appendNow(t, j, change{"s/k": long}); err != nil {
			t.Fatal(err)
		}
	}
	if st, _ := os.Stat(path); st.Size() > 2*compactAt {
		t.Errorf("%d bytes for one value of 1000", st.Size())
	}
	if got := keptIn(t, path)["s/k"]; got != string(long) {
		t.Errorf("lost in rewriting: %d bytes", len(got))
	}
}

// A change that could not be written is reported. Those of it that are facts are written with the
// next change, or at the end; the rest is gone.
func TestJournalWriteFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	path := filepath.Join(dir, "state")
	j, _, err := openJournal(path, NewDisk(1), func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	lost := func(fact string) {
		t.Helper()
		ch := make(chan error, 1)
		c := change{"s/asked": json.RawMessage("1"), fact: json.RawMessage("1")}
		j.append(journalEntry{change: c, facts: change{fact: c[fact]}, done: func(err error) {
			ch <- err
		}})
		if err := <-ch; err == nil {
			t.Fatal("written into a folder that does not exist")
		}
	}
	lost("s/a")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := appendNow(t, j, change{"s/b": json.RawMessage("2")}); err != nil {
		t.Fatal(err)
	}
	if got, want := keptIn(t, path), (map[string]string{"s/a": "1", "s/b": "2"}); !maps.Equal(got,
		want) {
		t.Errorf("kept %v, want %v", got, want)
	}
	if err := os.Rename(dir, dir+"2"); err != nil {
		t.Fatal(err)
	}
	lost("s/c")
	if err := j.close(); err == nil {
		t.Error("a journal that could not write all was closed without an error")
	}
	if err := os.Rename(dir+"2", dir); err != nil {
		t.Fatal(err)
	}
	if err := j.close(); err != nil {
		t.Error(err)
	}
	if got, want := keptIn(t, path), (map[string]string{"s/a": "1", "s/b": "2",
		"s/c": "1"}); !maps.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte(journalHeader))
	f.Add(append([]byte(journalHeader),
		change{"user/2": json.RawMessage(`{"Name":"YQ=="}`)}.line()...))
	f.Fuzz(func(t *testing.T, data []byte) {
		values := change{}
		at, damaged := parseJournal(data, func(c change) { values.merge(c, true) })
		if at > len(data) || damaged == "" && at < len(journalHeader) {
			t.Fatalf("good until %d of %d", at, len(data))
		}
	})
}
