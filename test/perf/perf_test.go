package main

import (
	"strings"
	"testing"
	"time"

	"lom/internal/udprelay"
)

func TestBetween(t *testing.T) {
	const page = "a\n<!-- x -->\n\nold\n\n<!-- end of x -->\nb\n"
	got, err := between([]byte(page), "x", "new\n")
	if want := "a\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nb\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := between([]byte(page), "y", "new\n"); err == nil {
		t.Error("a section that is not there was written")
	}
}

func TestMedian(t *testing.T) {
	m := median([]sample{{wall: 5, exchanges: 1}, {wall: 1, exchanges: 9}, {wall: 3, exchanges: 4}})
	if m.wall != 3 || m.exchanges != 4 {
		t.Errorf("%+v", m)
	}
	if m := middle([]int{1, 2, 4, 8}); m != 3 {
		t.Errorf("the median of four is %d", m)
	}
}

func TestFlight(t *testing.T) {
	at := time.Now()
	packet := func(ms int, request bool) udprelay.Packet {
		return udprelay.Packet{Time: at.Add(time.Duration(ms) * time.Millisecond), Request: request}
	}
	// The first answer reaches the client at 6 ms, when two more are under way; the last request
	// has no answer.
	most, lost := flight([]udprelay.Packet{packet(0, true), packet(4, false), packet(5, true),
		packet(5, true), packet(8, false), packet(8, false), packet(20, true)}, 2*time.Millisecond)
	if most != 3 || lost != 1 {
		t.Errorf("at most %d, %d lost", most, lost)
	}
}

func TestPacketTable(t *testing.T) {
	got := packetTable(`BenchmarkPacket/suite=3/pack-2   	100	  30.5 ns/op	  0 B/op	  0 allocs/op
BenchmarkPacket/suite=3/bare   	100	  500 ns/op	  0 B/op	  0 allocs/op
BenchmarkPacket/suite=3/seal-2   	100	  900 ns/op	  8 B/op	  1 allocs/op
`)
	if !strings.Contains(got, "| 30 ns | 0 ns | 900 ns | 0 ns | 500 ns | 1.8 | 0.0 | 1 |") {
		t.Error(got)
	}
}

func TestSoakSummary(t *testing.T) {
	got := soakSummary("=== RUN   TestSoak\n    soak_linux_test.go:130: 200 BMCs, logged in\n    " +
		"soak_linux_test.go:53:   1/8: heap 3.8 MB\n    x_test.go:5: client: {}; more\n--- PASS")
	if want := "200 BMCs, logged in\n1/8: heap 3.8 MB\nclient: {}; more\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRanges(t *testing.T) {
	for n, want := range map[int]string{1: "127.0.0.[1-1]", 255: "127.0.0.[1-255]",
		300: "127.0.0.[1-255],127.0.1.[0-44]", 66000: ""} {
		if got := ranges(n); want != "" && got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
