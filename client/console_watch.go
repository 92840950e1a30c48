package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lom/ipmi"
	"lom/sol"
)

// errConsoleLost marks errors of consoles that can be reopened.
var errConsoleLost = errors.New("console lost")

// watch finds out that the console has ended. The BMC need not report it: it may be dead, may have
// forgotten the session, or may have deactivated the payload for another session. It returns nil
// when ctx ends.
func (c *Console) watch(ctx context.Context) error {
	c.mu.Lock()
	s, generation, owner := c.session, c.generation, c.owner
	c.mu.Unlock()
	var (
		stuck time.Time // since when characters wait for their acknowledge
		asked time.Time // when the BMC was asked last
		awake = time.Now()
	)
	for {
		before := time.Now()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
		now := time.Now()
		if now.Sub(before) > probeAfter {
			awake = now // this process was stopped, so the silence says nothing of the BMC
		}
		c.mu.Lock()
		heard, stalled, unavailable := c.heard, c.stream != nil && c.stream.Stalled(),
			c.flags&sol.Unavailable != 0
		c.mu.Unlock()
		if !stalled {
			stuck = time.Time{}
		} else if stuck.IsZero() || heard.After(stuck) || awake.After(stuck) {
			stuck = now
		}
		switch silence := min(s.silence(now), now.Sub(awake)); {
		case s.Generation() != generation:
			return fmt.Errorf("%w: %w", errConsoleLost, errLinkLost)
		case silence > deadAfter && (stalled || !c.config.noProbe):
			return fmt.Errorf("%w: %w", errConsoleLost, ipmi.ErrTimeout)
		case stalled && !unavailable && now.Sub(stuck) > deadAfter:
			return fmt.Errorf("%w: %w", errConsoleLost, ErrConsoleSilent)
		}
		idle := now.Sub(heard) >= probeAfter
		if c.config.noProbe || !asked.IsZero() && (!idle || now.Sub(asked) < probeAfter) {
			continue
		}
		asked = now
		if c.config.emptyKeep && idle {
			c.mu.Lock()
			if c.stream != nil {
				c.stream.Probe()
			}
			c.mu.Unlock()
			c.nudge()
		}
		if owner.gone(ctx) {
			return ErrConsoleDeactivated
		}
	}
}

// silence returns for how long no packet came from the BMC.
func (s *Session) silence(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Sub(s.heard)
}

// A consoleOwner asks the BMC whether a console is still open in a session. Only a change of the
// answer counts, because some BMCs name another session, or none, while the console is open.
type consoleOwner struct {
	session  *Session
	instance uint8

	named  uint32 // the session that Get Payload Instance Info named first; 0: it is of no use
	active bool   // Get Payload Activation Status is of use
}

// learn notes what the BMC reports of a console that is open.
func (o *consoleOwner) learn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, probeFor)
	defer cancel()
	o.named, _ = o.holder(ctx)
	if o.named == 0 {
		o.active, _ = o.isActive(ctx)
	}
}

// gone reports whether the console has ended. No answer is no verdict.
func (o *consoleOwner) gone(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, probeFor)
	defer cancel()
	switch {
	case o.named != 0:
		named, err := o.holder(ctx)
		return err == nil && named != o.named
	case o.active:
		active, err := o.isActive(ctx)
		return err == nil && !active
	}
	// The BMC reports nothing of use, but it answers.
	_, _ = askNow(ctx, o.session, ipmi.GetDeviceID{})
	return false
}

func (o *consoleOwner) holder(ctx context.Context) (uint32, error) {
	r, err := askNow(ctx, o.session, ipmi.GetPayloadInstanceInfo{Payload: ipmi.PayloadSOL,
		Instance: o.instance})
	return r.SessionID, err
}

func (o *consoleOwner) isActive(ctx context.Context) (bool, error) {
	r, err := askNow(ctx, o.session, ipmi.GetPayloadActivationStatus{Payload: ipmi.PayloadSOL})
	return r.Active>>(o.instance-1)&1 != 0, err
}

// answered reports whether err is one of a BMC that answers.
func answered(err error) bool {
	var code ipmi.CompletionCode
	return errors.As(err, &code) || errors.Is(err, ipmi.ErrMalformed)
}

// askNow is Do that does not log in again, because that would end the console silently.
func askNow[Q ipmi.Request[R], R any, PR ipmi.Reader[R]](ctx context.Context, s *Session,
	q Q) (R, error) {
	return Do[Q, R, PR](ctx, presentLogin{s}, q)
}

// presentLogin is a session without a new log-in.
type presentLogin struct{ s *Session }

func (p presentLogin) Exchange(ctx context.Context, req ipmi.RawRequest) (ipmi.RawResponse, error) {
	resp, err := p.s.do(ctx, req, nil)
	if err != nil {
		err = &ipmi.Error{Peer: p.s.peer.String(), Command: req.Command, Err: err}
	}
	return resp, err
}
