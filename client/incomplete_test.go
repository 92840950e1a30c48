package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lom/ipmi"
)

// readHexLines returns the bytes of each line of a file of hexadecimal text.
func readHexLines(t testing.TB, name string) [][]byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out [][]byte
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text := strings.ReplaceAll(lines.Text(), " ", "")
		if text == "" || text[0] == '#' {
			continue
		}
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// brokenList is a Conn to an SDR repository or a SEL of which some records are not as they should
// be.
type brokenList struct {
	records [][]byte // their IDs are in their first two bytes
	count   int      // that is reported
	next    map[uint16]uint16
	refuse  map[uint16]ipmi.CompletionCode // of all reads of a record; timeoutCode: silence
	body    map[uint16]ipmi.CompletionCode // of reads from byte 5 on, and of whole records
	short   map[uint16]int                 // bytes that there are of a record
	whole   ipmi.CompletionCode            // of reads of 255 bytes
	wrong   map[uint16]int                 // index of the record that is given for another
	wait    time.Duration                  // until silence is an error

	mu    sync.Mutex
	reads int
}

func (b *brokenList) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	answer := func(code ipmi.CompletionCode, data ...byte) (ipmi.RawResponse, error) {
		if code != timeoutCode {
			return ipmi.RawResponse{Code: code, Data: data}, nil
		}
		b.mu.Unlock()
		defer b.mu.Lock()
		if err := pause(ctx, b.wait); err != nil {
			return ipmi.RawResponse{}, err
		}
		return ipmi.RawResponse{}, &ipmi.Error{Command: req.Command, Err: ipmi.ErrTimeout}
	}
	if req.Command.NetFn != ipmi.NetFnStorage {
		return answer(ipmi.CodeInvalidCommand)
	}
	switch req.Command.Code {
	case 0x20, 0x40:
		return answer(0, append([]byte{0x51, byte(b.count), byte(b.count >> 8)},
			make([]byte, 11)...)...)
	case 0x22, 0x42:
		return answer(0, 1, 0)
	case 0x23, 0x43:
	default:
		return answer(ipmi.CodeInvalidCommand)
	}
	b.reads++
	id, at, n := binary.LittleEndian.Uint16(req.Data[2:]), int(req.Data[4]), int(req.Data[5])
	if c := b.refuse[id]; c != 0 {
		return answer(c)
	}
	if c := b.whole; c != 0 && n == 255 {
		return answer(c)
	}
	if c := b.body[id]; c != 0 && (n == 255 || at+n > sdrHeader) {
		return answer(c)
	}
	i := 0
	if id != ipmi.FirstRecord {
		i = slices.IndexFunc(b.records, func(r []byte) bool {
			return binary.LittleEndian.Uint16(r) == id
		})
	}
	if i < 0 || len(b.records) == 0 {
		return answer(ipmi.CodeNotPresent)
	}
	own := binary.LittleEndian.Uint16(b.records[i])
	next := ipmi.LastRecord
	if i+1 < len(b.records) {
		next = binary.LittleEndian.Uint16(b.records[i+1])
	}
	if to, ok := b.next[own]; ok {
		next = to
	}
	if to, ok := b.wrong[id]; ok {
		i = to
	}
	raw := b.records[i]
	if n, ok := b.short[own]; ok {
		raw = raw[:n]
	}
	raw = raw[min(at, len(raw)):min(at+n, len(raw))]
	return answer(0, append([]byte{byte(next), byte(next >> 8)}, raw...)...)
}

// lastRecordC3 is the repository of a Dell PowerEdge FC830, whose last record is refused (shared
// case sdr-last-record-c3).
func lastRecordC3(t testing.TB) *brokenList {
	return &brokenList{records: readHexLines(t, "testdata/sdr-fc830.hex"), count: 9,
		wait:   10 * time.Second,
		next:   map[uint16]uint16{0xd8: 0xd9},
		refuse: map[uint16]ipmi.CompletionCode{0xd9: ipmi.CodeTimeout}}
}

// One record that cannot be read costs no other, whichever it is and however it is broken.
func TestSDRsWithOneBadRecord(t *testing.T) {
	numbered := func(n int) [][]byte {
		list := testRecords(t, n)
		for i, r := range list {
			binary.LittleEndian.PutUint16(r, uint16(i+1))
		}
		return list
	}
	without := func(list [][]byte, i int) [][]byte {
		return slices.Delete(slices.Clone(list), i, i+1)
	}
	fc830, ten := readHexLines(t, "testdata/sdr-fc830.hex"), numbered(10)
	for name, c := range map[string]struct {
		b    *brokenList
		want [][]byte
		err  string // "" for none
		cost int    // reads at most, if not 0
	}{
		"last record refused with C3h": {lastRecordC3(t), fc830, "SDR 00D9h could not be read: Timeout", 40},
		"last record refused with CCh": {&brokenList{records: fc830, count: 9, next: map[uint16]uint16{0xd8: 0xd9},
			refuse: map[uint16]ipmi.CompletionCode{0xd9: ipmi.CodeInvalidDataField}}, fc830,
			"SDR 00D9h could not be read: Invalid data field in request", 0},
		"last record that does not exist": {&brokenList{records: fc830, count: 9,
			next: map[uint16]uint16{0xd8: 0xd9}}, fc830,
			"SDR 00D9h could not be read: Requested sensor, data, or record not found", 0},
		"silent last record": {&brokenList{records: fc830, count: 9, wait: 10 * time.Second, next: map[uint16]uint16{0xd8: 0xd9},
			refuse: map[uint16]ipmi.CompletionCode{0xd9: timeoutCode}}, fc830,
			"SDR 00D9h could not be read: no answer", 0},
		"whole reads refused with C3h": {&brokenList{records: fc830, count: 8, whole: ipmi.CodeTimeout}, fc830, "", 0},
		"whole reads without answer":   {&brokenList{records: fc830, count: 8, whole: timeoutCode, wait: 10 * time.Second}, fc830, "", 0},
		"fourth of ten refused": {&brokenList{records: ten, count: 10, refuse: map[uint16]ipmi.CompletionCode{4: ipmi.CodeUnspecified}},
			without(ten, 3), "SDR 0004h could not be read: Unspecified error", 16},
		"silent fourth of ten": {&brokenList{records: ten, count: 10, wait: 10 * time.Second, refuse: map[uint16]ipmi.CompletionCode{4: timeoutCode}},
			without(ten, 3), "SDR 0004h could not be read: no answer", 0},
		"first of ten refused": {&brokenList{records: ten, count: 10, refuse: map[uint16]ipmi.CompletionCode{0: ipmi.CodeTimeout, 1: ipmi.CodeTimeout}},
			ten[1:], "SDR 0000h could not be read: Timeout", 0},
		"fourth without a body": {&brokenList{records: ten, count: 10, body: map[uint16]ipmi.CompletionCode{4: ipmi.CodeTimeout}},
			without(ten, 3), "SDR 0004h could not be read: Timeout", 0},
		"fourth ends early": {&brokenList{records: ten, count: 10, short: map[uint16]int{4: 20}},
			without(ten, 3), "SDR 0004h could not be read: malformed message: a record without data", 0},
		"fourth is followed by itself": {&brokenList{records: ten, count: 10, next: map[uint16]uint16{4: 4}}, ten, "", 0},
		"fourth is followed by the second": {&brokenList{records: ten, count: 12,
			next: map[uint16]uint16{4: 2}}, ten,
			"the BMC's list goes round in a circle: SDR 0004h is followed by 0002h; the BMC " +
				"reports 12 SDRs and gave 10", 0},
		"two refused": {&brokenList{records: ten, count: 10, refuse: map[uint16]ipmi.CompletionCode{4: ipmi.CodeTimeout, 8: ipmi.CodeTimeout}},
			without(without(ten, 7), 3), "SDRs 0004h, 0008h could not be read: Timeout", 0},
		"fewer than reported": {&brokenList{records: ten, count: 12}, ten, "the BMC reports 12 SDRs and gave 10", 0},
		"empty, but reported": {&brokenList{count: 12}, nil, "the BMC reports 12 SDRs and gave 0", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				got, err := ReadSDRs(t.Context(), c.b)
				if !slices.EqualFunc(got, c.want, bytes.Equal) {
					t.Errorf("got %d records, want %d:\n%x", len(got), len(c.want), got)
				}
				text := ""
				if err != nil {
					text = err.Error()
				}
				if text != c.err {
					t.Errorf("got the error %q, want %q", text, c.err)
				}
				if d := time.Since(began); d > 25*time.Second {
					t.Errorf("it took %v", d)
				}
				if t.Logf("%d reads", c.b.reads); c.cost > 0 && c.b.reads > c.cost {
					t.Errorf("%d reads, want %d at most", c.b.reads, c.cost)
				}
			})
		})
	}
}

// A BMC that has stopped answering is not one with a bad record.
func TestSDRsOfASilentBMC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeConn()
		silent := func([]byte) (ipmi.CompletionCode, []byte) { return timeoutCode, nil }
		c.storage(0x20, silent)
		c.storage(0x23, silent)
		_, err := ReadSDRsWanted(t.Context(), c, 5, nil)
		if e := new(IncompleteError); !errors.Is(err, ipmi.ErrTimeout) || errors.As(err, &e) {
			t.Errorf("got %v, want a timeout", err)
		}
	})
}

// What a cache has of a repository with a bad record is completed without reading the rest again.
func TestCompleteSDRsWithABadRecord(t *testing.T) {
	b := lastRecordC3(t)
	list, err := ReadSDRsWanted(t.Context(), b, 9, nil)
	if e := new(IncompleteError); !errors.As(err, &e) || len(list) != 9 || list[8].ID != 0xd9 ||
		len(list[8].Data) > 0 {
		t.Fatalf("got %d records, %v", len(list), err)
	}
	b.reads = 0
	again, err := CompleteSDRs(t.Context(), b, list, nil)
	if e := new(IncompleteError); !errors.As(err, &e) || len(again) != 9 || b.reads != 1 {
		t.Errorf("got %d records by %d reads, %v; want 9 by 1", len(again), b.reads, err)
	}
	delete(b.refuse, 0xd9)
	b.records = append(b.records, append([]byte{0xd9, 0}, b.records[0][2:]...))
	if _, err := CompleteSDRs(t.Context(), b, list, nil); !errors.Is(err,
		ipmi.CodeReservationCanceled) {
		t.Errorf("the record can be read now: got %v, want %v", err, ipmi.CodeReservationCanceled)
	}
}

func selRecords(n int) [][]byte {
	var out [][]byte
	for i := 1; i <= n; i++ {
		out = append(out, []byte{byte(i), 0, 2, 0x5c, 0xd2, 0x99, 0x63, 0x20, 0, 4, 7, 0x40, 0x6f,
			0x0b, 0xff, 0xff})
	}
	return out
}

// One entry that cannot be read costs no other, and that there are fewer than the BMC reports is
// told (shared case sel-list-shorter-than-info).
func TestSELWithOneBadEntry(t *testing.T) {
	for name, c := range map[string]struct {
		b    *brokenList
		want []uint16
		err  string
	}{
		"fewer than reported": {&brokenList{records: selRecords(2), count: 129}, []uint16{1, 2}, "the BMC reports 129 SEL entries and gave 2"},
		"second of three refused": {&brokenList{records: selRecords(3), count: 3, refuse: map[uint16]ipmi.CompletionCode{2: ipmi.CodeUnspecified}},
			[]uint16{1, 3}, "SEL entry 2 could not be read: Unspecified error"},
		"silent second of three": {&brokenList{records: selRecords(3), count: 3, wait: 10 * time.Second, refuse: map[uint16]ipmi.CompletionCode{2: timeoutCode}},
			[]uint16{1, 3}, "SEL entry 2 could not be read: no answer"},
		"whole reads refused with C3h": {&brokenList{records: selRecords(3), count: 3, whole: ipmi.CodeTimeout}, []uint16{1, 2, 3}, ""},
		"whole reads without answer":   {&brokenList{records: selRecords(3), count: 3, wait: 10 * time.Second, whole: timeoutCode}, []uint16{1, 2, 3}, ""},
		"second of three ends early": {&brokenList{records: selRecords(3), count: 3, short: map[uint16]int{2: 7}},
			[]uint16{1, 3}, "SEL entry 2 could not be read: malformed message"},
		"second of three does not exist": {&brokenList{records: selRecords(3)[:1], count: 2, next: map[uint16]uint16{1: 2}},
			[]uint16{1}, "SEL entry 2 could not be read: Requested sensor, data, or record not found"},
		"third of five is the second": {&brokenList{records: selRecords(5), count: 5, wrong: map[uint16]int{3: 1}},
			[]uint16{1, 2, 4, 5}, "SEL entry 3 could not be read: malformed message: the BMC " +
				"gave entry 2 for it, once more"},
		"first refused": {&brokenList{records: selRecords(3), count: 3, refuse: map[uint16]ipmi.CompletionCode{0: ipmi.CodeUnspecified, 1: ipmi.CodeUnspecified}},
			[]uint16{2, 3}, "SEL entry 0 could not be read: Unspecified error"},
		"empty, but reported": {&brokenList{count: 3}, nil, "the BMC reports 3 SEL entries and gave 0"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []uint16
				text := ""
				for r, err := range SELEntries(t.Context(), c.b, ipmi.FirstRecord) {
					if err != nil {
						text = err.Error()
						break
					}
					got = append(got, r.ID)
				}
				if !slices.Equal(got, c.want) || text != c.err {
					t.Errorf("got %v, %q\nwant %v, %q", got, text, c.want, c.err)
				}
			})
		})
	}
}

// An entry that was deleted while the SEL is read, and a SEL that was cleared, are not incomplete.
func TestSELThatShrinksIsComplete(t *testing.T) {
	b := &brokenList{records: selRecords(5), count: 9}
	n := 0
	for _, err := range SELEntries(t.Context(), b, ipmi.FirstRecord) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 2 {
			b.mu.Lock()
			b.count = 5
			b.mu.Unlock()
		}
	}
	if n != 5 {
		t.Errorf("got %d entries, want 5", n)
	}
}

// FuzzSELEntries holds that whatever a BMC answers, reading its SEL ends, and gives no more than
// there was.
func FuzzSELEntries(f *testing.F) {
	one := append([]byte{0, 18, 2, 0}, selRecords(1)[0]...)
	f.Add(append([]byte{0, 14, 0x51, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}, one...))
	f.Add(append([]byte{0xc1, 0}, one...))
	f.Add(slices.Concat([]byte{0xc1, 0}, one, []byte{0xff, 0}, one, []byte{0xc3, 0}, one))
	f.Fuzz(func(t *testing.T, stream []byte) {
		s := &spouting{stream: stream}
		n := 0
		seen := map[uint16]bool{}
		for r, err := range SELEntries(context.Background(), s, ipmi.FirstRecord) {
			if err != nil {
				break
			}
			if seen[r.ID] {
				t.Errorf("entry %d twice", r.ID)
			}
			seen[r.ID] = true
			n++
		}
		if n > s.count {
			t.Errorf("%d entries from %d answers", n, s.count)
		}
	})
}

func ExampleIncompleteError() {
	err := error(&IncompleteError{List: "SEL entry", Reported: 129, Read: 2})
	if e := new(IncompleteError); errors.As(err, &e) {
		fmt.Println(e)
	}
	// Output: the BMC reports 129 SEL entries and gave 2
}
