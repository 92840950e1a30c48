package sim

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lom/bmc/host"
)

// A watcher keeps what a machine tells.
type watcher struct {
	mu   sync.Mutex
	told []host.EventKind
}

func watch(m *Machine) *watcher {
	w := &watcher{}
	m.Notify(func(e host.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told = append(w.told, e.Kind)
	})
	return w
}

// since returns what was told since the last call, after d.
func (w *watcher) since(d time.Duration) []host.EventKind {
	time.Sleep(d)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	told := w.told
	w.told = nil
	return told
}

func TestMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Config{})
		defer m.Close()
		w := watch(m)
		m.SetCycleInterval(3 * time.Second)
		for _, step := range []struct {
			action host.Action
			err    error
			wait   time.Duration
			want   []host.EventKind
			on     bool
		}{
			{host.PowerOff, nil, 0, nil, false},
			{host.Reset, host.ErrState, 0, nil, false},
			{host.PowerCycle, host.ErrState, 0, nil, false},
			{host.PowerOn, nil, time.Second, []host.EventKind{host.Started}, true},
			// goes on starting
			{host.PowerOn, nil, 20 * time.Second, []host.EventKind{host.Booted}, true},
			{host.PowerCycle, nil, time.Second, []host.EventKind{host.PoweredOff}, false},
			{host.PowerOff, nil, time.Minute, nil, false}, // ends the cycle
			{host.PowerOn, nil, time.Second, []host.EventKind{host.Started}, true},
			// nobody hears it while it boots
			{host.SoftShutdown, nil, time.Minute, []host.EventKind{host.Booted}, true},
			{host.SoftShutdown, nil, time.Second, nil, true},
			{host.Reset, nil, time.Minute, []host.EventKind{host.Restarted, host.Booted}, true},
			{host.Diagnostic, nil, time.Minute, []host.EventKind{host.Restarted, host.Booted}, true},
			{host.SoftShutdown, nil, time.Minute, []host.EventKind{host.PoweredOff}, false},
			{host.PowerOn, nil, time.Minute, []host.EventKind{host.Started, host.Booted}, true},
			{host.PowerCycle, nil, time.Minute, []host.EventKind{host.PoweredOff, host.Started, host.Booted}, true},
		} {
			if _, err := m.Control(step.action, nil); !errors.Is(err, step.err) {
				t.Fatalf("%v: %v, want %v", step.action, err, step.err)
			}
			if told := w.since(step.wait); !slices.Equal(told, step.want) ||
				m.State().Power != host.PowerOf(step.on) {
				t.Fatalf("%v: events %v, power %v; want %v, %v", step.action, told, m.State().Power,
					step.want, host.PowerOf(step.on))
			}
		}
		if err := m.Identify(true); err != nil || !m.Identified() {
			t.Errorf("identify: %v", err)
		}
	})
}

func TestFaultyMachines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := New(Config{On: true, Stuck: true})
		defer stuck.Close()
		w := watch(stuck)
		if _, err := stuck.Control(host.PowerOff, nil); err != nil {
			t.Fatal(err)
		}
		if told := w.since(time.Second); !slices.Equal(told, []host.EventKind{host.Failed}) ||
			stuck.State().Power != host.On || stuck.State().Fault == nil {
			t.Errorf("stuck: %v, %+v", told, stuck.State())
		}
		deaf := New(Config{On: true, Deaf: true})
		defer deaf.Close()
		w = watch(deaf)
		if _, err := deaf.Control(host.SoftShutdown, nil); err != nil {
			t.Fatal(err)
		}
		if told := w.since(time.Hour); told != nil || deaf.State().Power != host.On {
			t.Errorf("deaf: %v, %+v", told, deaf.State())
		}
	})
}

// A machine to which nothing happens has nothing to do, and so costs no timer and no goroutine; nor
// do its words while nobody hears them.
func TestIdleMachineHasNoTimers(t *testing.T) {
	timers := 0
	after := func(time.Duration, func()) func() bool {
		timers++
		return func() bool { return true }
	}
	m := New(Config{On: true, AfterFunc: after})
	defer m.Close()
	m.Notify(func(host.Event) {})
	m.Restore(true)
	if timers != 0 {
		t.Errorf("%d timers", timers)
	}
	m.console.Attach(func() {})
	m.mu.Lock()
	m.console.say("hello")
	m.mu.Unlock()
	if timers != 1 {
		t.Errorf("%d timers for words that somebody hears", timers)
	}
}
