package client

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"lom/ipmi"
)

// fakeDriver is a driver whose answers a test gives.
type fakeDriver struct {
	mu       sync.Mutex
	sent     []deviceMessage
	to       []deviceAddress
	on       []bool // what events was told
	incoming chan deviceMessage
	closed   chan struct{}
	answer   func(m deviceMessage) []deviceMessage
}

func newFakeDriver(answer func(deviceMessage) []deviceMessage) *fakeDriver {
	return &fakeDriver{incoming: make(chan deviceMessage, 100), closed: make(chan struct{}),
		answer: answer}
}

func (f *fakeDriver) send(to deviceAddress, id int64, netFn ipmi.NetFn, cmd uint8,
	data []byte) error {
	m := deviceMessage{id: id, netFn: netFn, cmd: cmd, data: data}
	f.mu.Lock()
	f.sent, f.to = append(f.sent, m), append(f.to, to)
	f.mu.Unlock()
	for _, a := range f.answer(m) {
		f.incoming <- a
	}
	return nil
}

func (f *fakeDriver) receive() (deviceMessage, error) {
	select {
	case m := <-f.incoming:
		return m, nil
	case <-f.closed:
		return deviceMessage{}, os.ErrClosed
	}
}

func (f *fakeDriver) events(on bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on = append(f.on, on)
	return nil
}

func (f *fakeDriver) setAddress(uint8) error { return nil }
func (f *fakeDriver) close() error           { close(f.closed); return nil }

// echoed answers with the request's data behind completion code 0.
func echoed(m deviceMessage) []deviceMessage {
	return []deviceMessage{{id: m.id, netFn: m.netFn.Response(), cmd: m.cmd,
		data: append([]byte{0}, m.data...)}}
}

func testDevice(t *testing.T, f *fakeDriver, wait time.Duration) *Device {
	d := newDevice("/dev/ipmi0", f, wait)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// The answers of several requests may come in any order.
func TestDeviceInFlight(t *testing.T) {
	var held []deviceMessage
	f := newFakeDriver(func(m deviceMessage) []deviceMessage {
		held = append(held, echoed(m)...)
		if len(held) < 3 {
			return nil
		}
		return []deviceMessage{{id: 99, netFn: 7, cmd: 1, data: []byte{0}}, held[2], held[0],
			held[1]}
	})
	d := testDevice(t, f, time.Minute)
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			resp, err := d.Exchange(context.Background(), ipmi.RawRequest{
				Command: ipmi.Command{NetFn: ipmi.NetFnGroup, Code: 1, Body: "\xdc"},
				Data:    []byte{byte(i)}})
			if err != nil || resp.Code != 0 || len(resp.Data) != 1 || resp.Data[0] != byte(i) {
				t.Errorf("%d: %v, %v", i, resp, err)
			}
		})
	}
	wg.Wait()
}

func TestDeviceTarget(t *testing.T) {
	f := newFakeDriver(echoed)
	d := testDevice(t, f, time.Minute)
	cmd := ipmi.GetDeviceID{}.Command()
	for _, c := range []struct {
		conn Conn
		want deviceAddress
	}{
		{d, deviceAddress{lun: 2}},
		{d.Target(0x72, 0), deviceAddress{slave: 0x72, lun: 2}},
		{d.Target(0x2c, 6), deviceAddress{slave: 0x2c, channel: 6, lun: 2}},
	} {
		if _, err := c.conn.Exchange(context.Background(),
			ipmi.RawRequest{Command: cmd, LUN: 2}); err != nil {
			t.Fatal(err)
		}
		if got := f.to[len(f.to)-1]; got != c.want {
			t.Errorf("sent to %+v, want %+v", got, c.want)
		}
	}
}

func TestDeviceErrors(t *testing.T) {
	silent := func(deviceMessage) []deviceMessage { return nil }
	asks, changes := ipmi.GetDeviceID{}.Command(), ipmi.ColdReset{}.Command()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		cmd    ipmi.Command
		answer func(deviceMessage) []deviceMessage
		want   []error
	}{
		"no answer":             {context.Background(), asks, silent, []error{ipmi.ErrTimeout}},
		"no answer to a change": {context.Background(), changes, silent, []error{ipmi.ErrTimeout, ipmi.ErrOutcomeUnknown}},
		"context":               {ended, asks, silent, []error{context.Canceled}},
		"empty answer": {context.Background(), asks, func(m deviceMessage) []deviceMessage {
			return []deviceMessage{{id: m.id, netFn: m.netFn.Response(), cmd: m.cmd}}
		}, []error{ipmi.ErrMalformed}},
		"other command": {context.Background(), asks, func(m deviceMessage) []deviceMessage {
			return []deviceMessage{{id: m.id, netFn: m.netFn.Response(), cmd: m.cmd + 1,
				data: []byte{0}}}
		}, []error{ipmi.ErrMalformed}},
	} {
		t.Run(name, func(t *testing.T) {
			d := testDevice(t, newFakeDriver(c.answer), 10*time.Millisecond)
			_, err := d.Exchange(c.ctx, ipmi.RawRequest{Command: c.cmd})
			for _, want := range c.want {
				if !errors.Is(err, want) {
					t.Errorf("error %v, want %v", err, want)
				}
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			if len(d.pending) != 0 {
				t.Error("the request is still pending")
			}
		})
	}
}

func TestDeviceClosed(t *testing.T) {
	d := newDevice("/dev/ipmi0", newFakeDriver(func(deviceMessage) []deviceMessage {
		return nil
	}), time.Minute)
	done := make(chan error)
	go func() {
		_, err := d.Exchange(context.Background(),
			ipmi.RawRequest{Command: ipmi.GetDeviceID{}.Command()})
		done <- err
	}()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ipmi.ErrClosed) {
		t.Errorf("under way: %v", err)
	}
	if _, err := d.Exchange(context.Background(), ipmi.RawRequest{}); !errors.Is(err,
		ipmi.ErrClosed) {
		t.Errorf("afterwards: %v", err)
	}
	if err := d.Events(context.Background(), nil); !errors.Is(err, ipmi.ErrClosed) {
		t.Errorf("events: %v", err)
	}
}

func TestDeviceEvents(t *testing.T) {
	f := newFakeDriver(echoed)
	d := testDevice(t, f, time.Minute)
	ctx, cancel := context.WithCancelCause(context.Background())
	enough := errors.New("enough")
	// nobody listens, and it is none
	f.incoming <- deviceMessage{event: true, data: []byte{1, 2, 3}}
	got := make(chan [16]byte, 2)
	done := make(chan error)
	go func() { done <- d.Events(ctx, func(r [16]byte) { got <- r }) }()
	for {
		d.mu.Lock()
		listening := len(d.listeners) == 1
		d.mu.Unlock()
		if listening {
			break
		}
		time.Sleep(time.Millisecond)
	}
	record := [16]byte{15: 0xaa}
	f.incoming <- deviceMessage{event: true, data: record[:]}
	if r := <-got; r != record {
		t.Errorf("% x", r)
	}
	cancel(enough)
	if err := <-done; !errors.Is(err, enough) {
		t.Error(err)
	}
	if len(f.on) != 2 || f.on[1] {
		t.Errorf("events were switched %v", f.on)
	}
}
