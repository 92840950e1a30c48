package rack

import (
	"runtime"
	"testing"
	"time"
)

// footprint returns the bytes of memory that the program uses.
func footprint() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// Ten thousand BMCs answer in one process, with a session each, in little memory and on one goroutine.
func TestTenThousandBMCs(t *testing.T) {
	n := 10000
	if raceDetector {
		n = 500
	}
	goroutines := runtime.NumGoroutine()
	before := footprint()
	start := time.Now()
	r, err := Start(Config{Servers: manyServers(n)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	started := time.Since(start)
	each := (footprint() - before) / int64(n)
	t.Logf("%d BMCs started in %v, %d bytes and %.4f goroutines each", n, started, each, float64(runtime.NumGoroutine()-goroutines)/float64(n))
	if each > 24<<10 {
		t.Errorf("a BMC takes %d bytes", each)
	}
	if started > time.Minute {
		t.Errorf("they took %v to start", started)
	}
	if got := runtime.NumGoroutine() - goroutines; got > 3 {
		t.Errorf("%d goroutines", got)
	}

	l := newLoader(t, 3, addresses(r), powerAndSensors()...)
	before = footprint()
	start = time.Now()
	l.run(0)
	opened := time.Since(start)
	each = (footprint() - before) / int64(n)
	t.Logf("%d sessions opened in %v, %d bytes each, with what the client has", n, opened, each)
	start = time.Now()
	l.run(len(l.requests))
	t.Logf("%d requests answered in %v", n*len(l.requests), time.Since(start))
	if got := runtime.NumGoroutine() - goroutines; got > 20 {
		t.Errorf("%d goroutines with a session on each BMC", got)
	}
	if s := r.Stats(); s.Requests < uint64(n*(3+len(l.requests))) || s.Overflows != 0 {
		t.Errorf("%+v", s)
	}
}
