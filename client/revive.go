package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lom/ipmi"
)

// idleLimit is how long a session may be idle before the BMC may have ended it. The specification
// allows that after 60 s (§6.12.15), and some BMCs do it after 30 s. After an idle time that long,
// a command that changes state is sent only after one that does not was answered, and a request is
// sent at most idleTries times before the session logs in again.
const idleLimit = 25 * time.Second

// idleTries is how often a request is sent after idleLimit, before the session logs in again.
const idleTries = 2

// exchangeRevived is exchange that logs in again, once, if the BMC has forgotten the session.
func (s *Session) exchangeRevived(ctx context.Context, req ipmi.RawRequest,
	route []hop) (ipmi.RawResponse, error) {
	if req.Command.Changes && s.doubtful() {
		if _, err := s.exchangeRevived(ctx, ipmi.RawRequest{Command: ipmi.GetDeviceID{}.Command()},
			nil); err != nil {
			return ipmi.RawResponse{}, err
		}
	}
	for revived := false; ; revived = true {
		generation, err := s.ready(ctx)
		if err != nil {
			return ipmi.RawResponse{}, err
		}
		var resp ipmi.RawResponse
		sent := false
		if err = s.raise(ctx, req.Command, route != nil); err == nil {
			resp, err = s.do(ctx, req, route)
			sent = true
		}
		if err == nil && resp.Code == ipmi.CodeInsufficientPrivilege &&
			s.raiseAll(ctx, req.Command) {
			// The BMC requires a higher level for the command than Table G-1.
			resp, err = s.do(ctx, req, route)
		}
		if !isLost(err) || ctx.Err() != nil {
			return resp, err
		}
		cause := lossCause(err)
		switch {
		case sent && req.Command.Changes:
			return resp, fmt.Errorf("%w: %w", ipmi.ErrOutcomeUnknown, cause)
		case revived || !s.gone(generation):
			return resp, cause
		}
		if err := s.revive(ctx, generation); errors.Is(err, ipmi.ErrTimeout) {
			return resp, cause
		} else if err != nil {
			return resp, err
		}
	}
}

// errLinkLost is the error of requests that were in flight when the session logged in again.
var errLinkLost = errors.New("the session was set up again")

// isLost reports whether an error says that a request had no answer, perhaps because the session is
// gone.
func isLost(err error) bool {
	return errors.Is(err, ipmi.ErrTimeout) || errors.Is(err, ipmi.ErrRefused) ||
		errors.Is(err, errLinkLost)
}

// lossCause is the error that the caller gets for one of isLost.
func lossCause(err error) error {
	if errors.Is(err, errLinkLost) {
		return ipmi.ErrTimeout
	}
	return err
}

// doubtful reports whether nothing was received for idleLimit, so that the BMC may have ended the
// session.
func (s *Session) doubtful() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.silent()
}

// silent is doubtful for a caller that holds mu.
func (s *Session) silent() bool { return time.Since(s.heard) > idleLimit }

// gone reports whether the BMC seems to have ended the session of the given generation, or a newer
// log-in has replaced it.
func (s *Session) gone(generation int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.suspect || s.generation != generation
}

// ready logs in again if the BMC seems to have ended the session. It returns the generation of the
// log-in.
func (s *Session) ready(ctx context.Context) (int, error) {
	s.mu.Lock()
	generation, suspect := s.generation, s.suspect
	s.mu.Unlock()
	if !suspect {
		return generation, nil
	}
	if err := s.revive(ctx, generation); err != nil {
		return generation, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation, nil
}

// revive sets the session up again, unless that was done since the given generation.
func (s *Session) revive(ctx context.Context, generation int) error {
	select {
	case s.reviving <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-s.reviving }()
	s.mu.Lock()
	done, closed, idle := s.generation != generation, s.closed, s.idle
	s.mu.Unlock()
	if closed {
		return ipmi.ErrClosed
	}
	if done {
		return nil
	}
	s.log.Debug("setting the session up again", "peer", s.peer)
	// A BMC that was silent for all of the retry schedule gets little more time.
	tries := 2
	if idle {
		tries = s.config.tries
	}
	l := newLogin(s, tries)
	if err := l.again(ctx); err != nil {
		return err
	}
	s.install(l)
	s.mu.Lock()
	s.stats.Revived++
	s.mu.Unlock()
	return nil
}
