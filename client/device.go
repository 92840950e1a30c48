package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"lom/ipmi"
)

// deviceTimeout is the default timeout of requests to the driver, which retries by itself.
const deviceTimeout = 15 * time.Second

// A deviceAddress is where the driver sends a message, or got it from: the BMC of this machine, or
// a controller behind it, by its slave address.
type deviceAddress struct{ slave, channel, lun uint8 }

// A deviceMessage is a message from the driver.
type deviceMessage struct {
	event bool  // it is an event, not an answer
	id    int64 // of the request that it answers
	netFn ipmi.NetFn
	cmd   uint8
	data  []byte // of an answer, with the completion code
}

// A driver is the IPMI driver of the operating system.
type driver interface {
	send(to deviceAddress, id int64, netFn ipmi.NetFn, cmd uint8, data []byte) error
	// receive waits for the next message. Its error is os.ErrClosed once close was called.
	receive() (deviceMessage, error)
	events(on bool) error
	setAddress(slave uint8) error
	close() error
}

// A Device is the BMC of this machine, reached through the driver of the operating system. It may
// be used by many goroutines at a time; their requests are in flight together.
type Device struct {
	path   string
	driver driver
	wait   time.Duration
	over   chan struct{} // closed when receive has returned

	mu        sync.Mutex
	last      int64 // message ID
	pending   map[int64]chan deviceMessage
	listeners map[chan [16]byte]struct{}
	err       error // why receive has returned
}

// A DeviceOption changes how [OpenDevice] opens the device.
type DeviceOption func(*deviceConfig)

type deviceConfig struct {
	timeout time.Duration
	address uint8
}

// WithDeviceTimeout sets the timeout of requests; the default is 15 s.
func WithDeviceTimeout(d time.Duration) DeviceOption {
	return func(c *deviceConfig) { c.timeout = d }
}

// WithDeviceAddress sets the slave address that the driver uses on the IPMB, for a machine whose
// BMC is not at 20h.
func WithDeviceAddress(slave uint8) DeviceOption {
	return func(c *deviceConfig) { c.address = slave }
}

// OpenDevice opens the IPMI device of this machine with the given number, usually 0: on Linux
// /dev/ipmi0, /dev/ipmi/0 or /dev/ipmidev/0.
//
// The errors are *ipmi.Error, with what to do about it in their sentence. errors.Is tells them
// apart: ipmi.ErrNoDevice (no driver, or no BMC that it knows), fs.ErrPermission,
// errors.ErrUnsupported (an operating system other than Linux).
func OpenDevice(ctx context.Context, number int, opts ...DeviceOption) (*Device, error) {
	c := deviceConfig{timeout: deviceTimeout}
	for _, o := range opts {
		o(&c)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, &ipmi.Error{Op: "open the IPMI device", Err: err}
	}
	d, path, err := openDriver(number)
	if err != nil {
		return nil, &ipmi.Error{Peer: path, Err: err}
	}
	if c.address != 0 {
		if err := d.setAddress(c.address); err != nil {
			return nil, &ipmi.Error{Op: "set the slave address", Peer: path,
				Err: errors.Join(err, d.close())}
		}
	}
	return newDevice(path, d, c.timeout), nil
}

func newDevice(path string, d driver, wait time.Duration) *Device {
	if wait <= 0 {
		wait = deviceTimeout
	}
	dev := &Device{
		path: path, driver: d, wait: wait, over: make(chan struct{}),
		pending: map[int64]chan deviceMessage{}, listeners: map[chan [16]byte]struct{}{},
	}
	go dev.receive()
	return dev
}

// Path returns the name of the device's file.
func (d *Device) Path() string { return d.path }

// Close closes the device. Requests in flight fail with ipmi.ErrClosed.
func (d *Device) Close() error {
	err := d.driver.close()
	<-d.over
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// receive dispatches the driver's messages until it is closed.
func (d *Device) receive() {
	defer close(d.over)
	for {
		m, err := d.driver.receive()
		if errors.Is(err, ipmi.ErrMalformed) {
			continue
		}
		d.mu.Lock()
		switch {
		case err != nil:
			if errors.Is(err, os.ErrClosed) {
				err = ipmi.ErrClosed
			}
			d.err = err
			d.mu.Unlock()
			return
		case m.event:
			d.tell(m.data)
		case d.pending[m.id] != nil:
			d.pending[m.id] <- m
			delete(d.pending, m.id)
		}
		d.mu.Unlock()
	}
}

// tell hands an event record to the listeners. One that is too slow loses it. The caller holds mu.
func (d *Device) tell(data []byte) {
	var record [16]byte
	if copy(record[:], data) < len(record) {
		return
	}
	for l := range d.listeners {
		select {
		case l <- record:
		default:
		}
	}
}

// Events calls f with each event record that the BMC puts into its event message buffer (§22.8.1
// on), until ctx ends, whose cause it returns, or the device is closed.
func (d *Device) Events(ctx context.Context, f func(record [16]byte)) error {
	records := make(chan [16]byte, 64)
	if err := d.listen(records); err != nil {
		return &ipmi.Error{Op: "listen for events", Peer: d.path, Err: err}
	}
	defer d.ignore(records)
	for {
		select {
		case r := <-records:
			f(r)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-d.over:
			return d.err
		}
	}
}

func (d *Device) listen(records chan [16]byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return d.err
	}
	if len(d.listeners) == 0 {
		if err := d.driver.events(true); err != nil {
			return err
		}
	}
	d.listeners[records] = struct{}{}
	return nil
}

func (d *Device) ignore(records chan [16]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.listeners, records)
	if len(d.listeners) == 0 && d.err == nil {
		_ = d.driver.events(false) // on failure, events are dropped in receive just the same
	}
}

// Exchange sends one request to the BMC and waits for its answer.
func (d *Device) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	return d.exchange(ctx, deviceAddress{}, req)
}

// Target returns a connection to the controller with the given slave address behind the BMC, on the
// given channel, 0 for the primary IPMB. The driver wraps its requests.
func (d *Device) Target(addr, channel uint8) Conn {
	return deviceTarget{d, deviceAddress{slave: addr, channel: channel}}
}

// deviceTarget is a controller behind the BMC.
type deviceTarget struct {
	device *Device
	to     deviceAddress
}

// Target returns the connection to a controller that the BMC reaches, and t itself for the one that
// t leads to.
func (t deviceTarget) Target(addr, channel uint8) Conn {
	if t.to.slave == addr {
		return t
	}
	return t.device.Target(addr, channel)
}

func (t deviceTarget) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	return t.device.exchange(ctx, t.to, req)
}

func (d *Device) exchange(ctx context.Context, to deviceAddress,
	req ipmi.RawRequest) (ipmi.RawResponse, error) {
	to.lun = req.LUN
	resp, err := d.do(ctx, to, req)
	if err != nil {
		return resp, &ipmi.Error{Command: req.Command, Peer: d.path, Err: err}
	}
	return resp, nil
}

func (d *Device) do(ctx context.Context, to deviceAddress,
	req ipmi.RawRequest) (ipmi.RawResponse, error) {
	answer := make(chan deviceMessage, 1)
	id, err := d.submit(to, req, answer)
	if err != nil {
		return ipmi.RawResponse{}, err
	}
	timer := time.NewTimer(d.wait)
	defer timer.Stop()
	select {
	case m := <-answer:
		return readDeviceAnswer(req.Command, m)
	case <-timer.C:
		err = ipmi.ErrTimeout
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-d.over:
		d.mu.Lock()
		err = d.err
		d.mu.Unlock()
	}
	d.mu.Lock()
	delete(d.pending, id)
	d.mu.Unlock()
	select {
	case m := <-answer: // it came just before the timeout
		return readDeviceAnswer(req.Command, m)
	default:
	}
	if req.Command.Changes {
		err = fmt.Errorf("%w: %w", ipmi.ErrOutcomeUnknown, err)
	}
	return ipmi.RawResponse{}, err
}

// submit sends a request and registers the channel for its answer.
func (d *Device) submit(to deviceAddress, req ipmi.RawRequest,
	answer chan deviceMessage) (int64, error) {
	data := append([]byte(req.Command.Body), req.Data...)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return 0, d.err
	}
	d.last = (d.last + 1) & 0x7fffffff // the kernel's type has 32 bits on some machines
	id := d.last
	d.pending[id] = answer
	if err := d.driver.send(to, id, req.Command.NetFn, req.Command.Code, data); err != nil {
		delete(d.pending, id)
		return 0, err
	}
	return id, nil
}

// readDeviceAnswer parses the driver's answer to a request.
func readDeviceAnswer(cmd ipmi.Command, m deviceMessage) (resp ipmi.RawResponse, err error) {
	if m.netFn != cmd.NetFn.Response() || m.cmd != cmd.Code || len(m.data) == 0 {
		return resp, fmt.Errorf("%w: an answer to another command", ipmi.ErrMalformed)
	}
	return readAnswer(cmd, ipmi.CompletionCode(m.data[0]), m.data[1:])
}

// readAnswer removes the defining body from an answer.
func readAnswer(cmd ipmi.Command, code ipmi.CompletionCode, data []byte) (ipmi.RawResponse, error) {
	rest, hasBody := bytes.CutPrefix(data, []byte(cmd.Body))
	if !hasBody && code == ipmi.CodeOK {
		return ipmi.RawResponse{}, fmt.Errorf("%w: the answer does not begin with the group's % x",
			ipmi.ErrMalformed, cmd.Body)
	}
	return ipmi.RawResponse{Code: code, Data: rest}, nil
}
