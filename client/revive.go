package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lom/ipmi"
)

// idleDoubt is how long a session may have been silent without a suspicion that the BMC has ended
// it, which it may do after 60 s (§6.12.15), and some do after 30 s. Beyond it, a command that
// changes state wants the session proved alive by one that does not, and little patience is had
// before the session is set up again.
const idleDoubt = 25 * time.Second

// idlePatience is how often a request of such a session is sent before the session is set up again.
const idlePatience = 2

// exchangeRevived sets the session up again, once, if the BMC has forgotten it.
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
			// The BMC wants more for the command than Table G-1 says.
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

// errLinkLost is the error of requests that were under way when the session was set up again.
var errLinkLost = errors.New("the session was set up again")

// isLost reports whether an error says that a request had no answer, perhaps because the session is
// gone.
func isLost(err error) bool {
	return errors.Is(err, ipmi.ErrTimeout) || errors.Is(err, ipmi.ErrRefused) ||
		errors.Is(err, errLinkLost)
}

// lossCause is what the caller is told of an error of isLost.
func lossCause(err error) error {
	if errors.Is(err, errLinkLost) {
		return ipmi.ErrTimeout
	}
	return err
}

// doubtful reports whether nothing was heard for so long that the BMC may have ended the session.
func (s *Session) doubtful() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.silent()
}

// silent is doubtful for a caller that holds mu.
func (s *Session) silent() bool { return time.Since(s.heard) > idleDoubt }

// gone reports whether the log-in of the given generation is lost, or another has taken its place.
func (s *Session) gone(generation int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.suspect || s.generation != generation
}

// ready sets up again a session that was found lost, and returns the generation of the log-in.
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
	// A BMC that was silent for as long as it may gets little more time.
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
