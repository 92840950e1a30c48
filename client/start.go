package client

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"lom/ipmi"
)

// Start sends one request to the BMC and returns. done is called once, with what Exchange would
// have returned. No goroutine waits meanwhile, and nothing is allocated for the request: one
// program can so have requests in flight to ten thousand BMCs.
//
// The data of the request must not change until done is called. done runs on the receive loop or
// the timer of the Transport, or before Start returns. It must not wait: not for an answer by
// Exchange, Do or Dial, and not for Transport.Close. It may call Start, and Close of a session that
// shares a Transport. The data of the response is valid until done returns.
//
// A request that needs a higher privilege level or a new log-in first is done by one of a few
// goroutines that the Transport has while there is such work.
func (s *Session) Start(req ipmi.RawRequest, done func(ipmi.RawResponse, error)) {
	s.mu.Lock()
	quick := s.closed || !s.suspect && s.suffices(s.needs(req.Command, false), req.Command) &&
		!(req.Command.Changes && s.silent())
	if quick {
		s.submit(s.newRequest(req, nil, done))
	}
	s.unlock()
	if !quick {
		s.startSlowly(req, done)
	}
}

// Start is the method Start for one command with its types, as [Do] is for Exchange.
func Start[Q ipmi.Request[R], R any, PR ipmi.Reader[R]](s Starter, req Q, done func(R, error)) {
	cmd := req.Command()
	data, err := req.AppendBinary(nil)
	if err != nil {
		var none R
		done(none, &ipmi.Error{Command: cmd, Err: err})
		return
	}
	s.Start(ipmi.RawRequest{Command: cmd, Data: data}, func(raw ipmi.RawResponse, err error) {
		done(readResponse[R, PR](cmd, raw, err))
	})
}

// started delivers the answer to a request of Start, unless a higher privilege level or a new
// log-in may give a better one.
func (s *Session) started(req ipmi.RawRequest, done func(ipmi.RawResponse, error),
	resp ipmi.RawResponse, err error) {
	switch {
	case err == nil && resp.Code != ipmi.CodeInsufficientPrivilege:
		done(resp, nil)
		return
	case err == nil:
		s.mu.Lock()
		more := s.level < s.limit
		s.mu.Unlock()
		if !more {
			done(resp, nil)
			return
		}
	case isLost(err) && req.Command.Changes:
		err = fmt.Errorf("%w: %w", ipmi.ErrOutcomeUnknown, lossCause(err))
		fallthrough
	case !errors.Is(err, errLinkLost) && !(isLost(err) && s.forgotten()):
		done(resp, s.explain(req.Command, err))
		return
	}
	s.startSlowly(req, done)
}

// forgotten reports whether the BMC seems to have forgotten the session.
func (s *Session) forgotten() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.suspect
}

func (s *Session) startSlowly(req ipmi.RawRequest, done func(ipmi.RawResponse, error)) {
	s.transport.chores.add(func() { done(s.exchange(context.Background(), req, nil)) })
}

// explain makes an *ipmi.Error of an error about a command.
func (s *Session) explain(cmd ipmi.Command, err error) error {
	var e *ipmi.Error
	if errors.As(err, &e) {
		return err
	}
	return &ipmi.Error{Peer: s.peer.String(), Command: cmd, Err: err}
}

// chores is a queue of work for goroutines that end when it is empty.
type chores struct {
	mu      sync.Mutex
	work    []func()
	workers int
}

// maxChores is the largest number of goroutines for chores.
const maxChores = 1024

func (c *chores) add(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.workers < maxChores {
		c.workers++
		go c.do(f)
		return
	}
	c.work = append(c.work, f)
}

func (c *chores) do(f func()) {
	for f != nil {
		f()
		c.mu.Lock()
		if f = nil; len(c.work) > 0 {
			f, c.work = c.work[0], c.work[1:]
		} else {
			c.workers--
		}
		c.mu.Unlock()
	}
}
