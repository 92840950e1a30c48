package libvirt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
)

// How long libvirt's daemon may take.
const (
	dialTime  = 2 * time.Second
	queryTime = 10 * time.Second // for an answer from memory
	firstTime = 2 * time.Second  // the same when the BMC waits for it to start
	// to start or end a hypervisor's process, which libvirt itself waits for
	actionTime = 90 * time.Second
)

// A link is a connection to a libvirt daemon. Its calls are made by one goroutine at a time.
type link struct {
	*golibvirt.Libvirt
	conn     *guard
	stop     func() bool   // takes the link from its context
	patience time.Duration // with the answers to queries
	late     atomic.Bool   // a call took too long
	changed  chan struct{} // something happened to the domain
	resets   chan struct{} // it began from its firmware again
	drains   sync.WaitGroup
}

// goneError says that the connection is of no use any more.
type goneError struct{ err error }

func (e goneError) Error() string { return e.err.Error() }
func (e goneError) Unwrap() error { return e.err }

// open connects to the daemon. The link ends with ctx.
func (t *target) open(ctx context.Context, patience time.Duration) (*link, error) {
	conn, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	l := &link{patience: patience, conn: newGuard(conn), changed: make(chan struct{}, 1),
		resets: make(chan struct{}, 1)}
	l.Libvirt = golibvirt.NewWithDialer(l)
	l.stop = context.AfterFunc(ctx, func() { l.conn.Close() })
	err = l.query(func() error { return l.ConnectToURI(t.name) })
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// Dial implements the dialer of go-libvirt.
func (l *link) Dial() (net.Conn, error) { return l.conn, nil }

// dial makes the connection.
func (t *target) dial(ctx context.Context) (conn net.Conn, err error) {
	if t.network == "ssh" {
		return t.ssh.dial(ctx)
	}
	d := net.Dialer{Timeout: dialTime}
	for _, a := range t.addresses {
		conn, failure := d.DialContext(ctx, t.network, a)
		if failure == nil {
			return conn, nil
		}
		if err == nil || errors.Is(err, os.ErrNotExist) {
			err = failure // it says more than that there is no socket
		}
	}
	return nil, err
}

// close ends the link, and returns when nothing of it is left.
func (l *link) close() {
	l.stop()
	l.conn.Close()
	l.drains.Wait()
}

// call makes a call, which may take as long as limit. A daemon that is later than that is left.
func (l *link) call(limit time.Duration, f func() error) error {
	timer := time.AfterFunc(limit, func() {
		l.late.Store(true)
		l.conn.Close()
	})
	defer timer.Stop()
	err := f()
	var answer golibvirt.Error
	switch {
	case err == nil:
		return nil
	case l.late.Load():
		return goneError{fmt.Errorf("libvirt has not answered for %v", limit)}
	case errors.As(err, &answer):
		return fmt.Errorf("libvirt says: %w", err)
	case errors.Is(err, golibvirt.ErrUnsupported):
		return err
	}
	// What go-libvirt says of a connection that has ended is of no use.
	l.conn.Close()
	return goneError{l.conn.reason()}
}

// query makes a call that is answered from memory.
func (l *link) query(f func() error) error { return l.call(l.patience, f) }

// watch subscribes to the events of the domain of that name.
func (l *link) watch(name string) error {
	return l.query(func() error {
		// The channels are read until they are closed, with the connection.
		lives, err := l.LifecycleEvents(context.Background())
		if err != nil {
			return err
		}
		l.drains.Go(func() {
			for e := range lives {
				if e.Dom.Name == name {
					signal(l.changed)
				}
			}
		})
		resets, err := l.SubscribeEvents(context.Background(), golibvirt.DomainEventIDReboot, nil)
		if answered := (golibvirt.Error{}); errors.As(err, &answered) {
			return nil // a hypervisor that sends no events
		} else if err != nil {
			return err
		}
		l.drains.Go(func() {
			for e := range resets {
				if r, ok := e.(*golibvirt.DomainEventCallbackRebootMsg); ok &&
					r.Msg.Dom.Name == name {
					signal(l.resets)
				}
			}
		})
		return nil
	})
}

// signal sends to a channel that holds one, unless it does.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// domain finds a domain. Its ID is -1 if it does not run, and another one at each start.
func (l *link) domain(name string) (d golibvirt.Domain, err error) {
	err = l.query(func() error {
		d, err = l.DomainLookupByName(name)
		return err
	})
	return d, err
}

// xml returns the description of a domain.
func (l *link) xml(d golibvirt.Domain, flags golibvirt.DomainXMLFlags) (text string, err error) {
	err = l.query(func() error {
		text, err = l.DomainGetXMLDesc(d, flags)
		return err
	})
	return text, err
}

// is reports whether an error is libvirt's of one of the numbers.
func is(err error, numbers ...golibvirt.ErrorNumber) bool {
	if errors.Is(err, golibvirt.ErrUnsupported) { // by a daemon that does not know the call
		err = golibvirt.Error{Code: uint32(golibvirt.ErrNoSupport)}
	}
	var e golibvirt.Error
	if errors.As(err, &e) {
		for _, n := range numbers {
			if e.Code == uint32(n) {
				return true
			}
		}
	}
	return false
}
