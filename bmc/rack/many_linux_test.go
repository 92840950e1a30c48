package rack

import (
	"runtime"
	"testing"
	"time"

	"lom/bmc"
)

// stoppedClock is a clock that does not go on.
type stoppedClock struct{}

func (stoppedClock) Now() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func (stoppedClock) AfterFunc(time.Duration, func()) bmc.Timer { return stoppedTimer{} }

type stoppedTimer struct{}

func (stoppedTimer) Stop() bool { return true }

// footprint returns the bytes of memory that the program uses.
func footprint() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// Ten thousand BMCs answer in one process, with a session each, in little memory and on one
// goroutine.
func TestTenThousandBMCs(t *testing.T) {
	n := 10000
	if raceDetector {
		n = 500
	}
	goroutines := runtime.NumGoroutine()
	before := footprint()
	list := manyServers(n)
	for i := range list {
		// no session ends because the test's machine has much else to do
		list[i].BMC.Clock = stoppedClock{}
	}
	r, err := Start(Config{Servers: list})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	each := (footprint() - before) / int64(n)
	t.Logf("%d BMCs started, %d bytes and %.4f goroutines each", n, each,
		float64(runtime.NumGoroutine()-goroutines)/float64(n))
	if each > 24<<10 {
		t.Errorf("a BMC takes %d bytes", each)
	}
	if got := runtime.NumGoroutine() - goroutines; got > 3 {
		t.Errorf("%d goroutines", got)
	}

	l := newLoader(t, 3, addresses(r), powerAndSensors()...)
	before = footprint()
	l.run(0)
	each = (footprint() - before) / int64(n)
	t.Logf("%d sessions opened, %d bytes each, with what the client has", n, each)
	l.run(len(l.requests))
	if got := runtime.NumGoroutine() - goroutines; got > 20 {
		t.Errorf("%d goroutines with a session on each BMC", got)
	}
	if s := r.Stats(); s.Requests < uint64(n*(3+len(l.requests))) || s.Overflows != 0 {
		t.Errorf("%+v", s)
	}
}
