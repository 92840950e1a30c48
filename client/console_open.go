package client

import (
	"context"
	"errors"
	"math/bits"
	"net/netip"
	"time"

	"lom/ipmi"
	"lom/rmcp"
	"lom/sol"
)

// open activates the payload and makes a new stream.
func (c *Console) open(ctx context.Context) error {
	// The privilege level that a console needs is a setting of the BMC, so raise it as far as it
	// goes.
	if err := c.first.raise(ctx, ipmi.Command{}, false); err != nil &&
		!errors.Is(err, ipmi.ErrPrivilege) {
		return err
	}
	r, err := c.activate(ctx, c.first)
	if err != nil {
		return err
	}
	port := c.first.peer.Port()
	if at := r.Port; at != 0 && at != port && bits.ReverseBytes16(at) != port {
		if second, ok := c.openSecond(ctx, at); ok {
			r = second
		} else if r, err = c.activate(ctx, c.first); err != nil {
			return err
		}
	}
	owner := consoleOwner{session: c.session, instance: c.config.instance}
	if !c.config.noProbe {
		owner.learn(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owner = owner
	c.generation = c.session.Generation()
	c.stream = sol.New(sol.Config{
		Role: sol.Console, MaxData: maxCharacters(r.InboundSize),
		RetryInterval: max(c.session.retryInterval(), minRTO),
		FirstRetry:    firstRetry, Retries: 7, ZeroAckIsWhole: true,
	})
	// Some BMCs, ipmi_sim among them, take the first packet for a retransmission of the previous
	// console's if the sequence numbers happen to be the same. An empty packet cannot lose
	// characters.
	c.stream.Probe()
	c.heard, c.flags, c.ended = time.Now(), 0, false
	return nil
}

// retryInterval returns the measured RTO, 0 if there is none.
func (s *Session) retryInterval() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rtt.rto(s.config.minRTO, s.config.maxRTO)
}

// maxCharacters returns how many characters go into a packet whose payload may have size bytes.
// A size that makes no sense is read in the other byte order, or ignored.
func maxCharacters(size uint16) int {
	const header, least, most, usual = 4, 8, 1500, 64
	for _, n := range []int{int(size), int(bits.ReverseBytes16(size))} {
		if n >= least && n <= most {
			return min(n-header, sol.MaxData)
		}
	}
	return usual
}

// activate sends Activate Payload in a session until its outcome is known.
func (c *Console) activate(ctx context.Context, s *Session) (ipmi.ActivatedPayload, error) {
	suite := s.Info().CipherSuite
	encrypt, authenticate := suite.Conf != rmcp.ConfNone, suite.Integrity != rmcp.IntegrityNone
	freed := false
	for try := 1; ; try++ {
		aux, err := ipmi.ActivateSOL{Encrypt: encrypt, Authenticate: authenticate,
			Alerts: ipmi.SOLAlertsDefer}.AppendBinary(nil)
		if err != nil {
			return ipmi.ActivatedPayload{}, err
		}
		s.Protect(ipmi.PayloadSOL, authenticate, encrypt)
		r, err := within(ctx, activateFor,
			func(ctx context.Context) (ipmi.ActivatedPayload, error) {
				return Do(ctx, s, ipmi.ActivatePayload{Payload: ipmi.PayloadSOL,
					Instance: c.config.instance, Auxiliary: [4]byte(aux)})
			})
		var code ipmi.CompletionCode
		errors.As(err, &code)
		switch {
		case err == nil:
			return r, nil
		case ctx.Err() != nil || try >= activateMost:
			return r, err
		case errors.Is(err, ipmi.ErrOutcomeUnknown), errors.Is(err, context.DeadlineExceeded):
			// Retry: if the first one succeeded, the BMC answers that the console is open, in our
			// session.
		case code == ipmi.CodePayloadNoEncryption && encrypt:
			encrypt = false
			c.happened = append(c.happened, ConsolePlain)
		case code == ipmi.CodePayloadEncryption && !encrypt && suite.Conf != rmcp.ConfNone:
			encrypt = true
		case code == ipmi.CodePayloadActive:
			if !freed {
				if err := c.free(ctx, s); err != nil {
					return r, err
				}
				freed = true
				continue
			}
			// The BMC takes a moment to let go.
			select {
			case <-time.After(time.Duration(try) * 200 * time.Millisecond):
			case <-ctx.Done():
			}
		default:
			return r, err
		}
	}
}

// within runs f with a timeout.
func within[R any](ctx context.Context, d time.Duration,
	f func(context.Context) (R, error)) (R, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return f(ctx)
}

// free deactivates the console in the session that has it open, if the session is ours or the
// options allow it.
func (c *Console) free(ctx context.Context, s *Session) error {
	taken := &ConsoleTakenError{Instance: c.config.instance}
	info, err := Do(ctx, s, ipmi.GetPayloadInstanceInfo{Payload: ipmi.PayloadSOL,
		Instance: c.config.instance})
	if err == nil {
		taken.SessionID = info.SessionID
	} else if !answered(err) {
		return err
	}
	id := taken.SessionID
	c.mu.Lock()
	former := c.former
	c.mu.Unlock()
	switch {
	case id != 0 && (id == s.Info().ID || id == former):
		// The answer to our own Activate Payload was lost, or an earlier log-in of ours has ended
		// and the BMC does not know.
	case id != 0 && c.config.abandoned != nil && c.config.abandoned(id):
		c.happened = append(c.happened, ConsoleHealed)
	case c.config.takeOver:
		c.happened = append(c.happened, ConsoleTakenOver)
	default:
		if id != 0 {
			if who, err := Do(ctx, s, ipmi.GetSessionInfo{Index: ipmi.SessionIndexID,
				ID: id}); err == nil && who.Session != nil {
				taken.Session = &who
			}
		}
		return taken
	}
	return deactivatePayload(ctx, s, c.config.instance)
}

// deactivate sends Deactivate Payload.
func (c *Console) deactivate(ctx context.Context) error {
	return deactivatePayload(ctx, c.session, c.config.instance)
}

// deactivatePayload sends Deactivate Payload, which does no harm when it is executed twice.
func deactivatePayload(ctx context.Context, s *Session, instance uint8) (err error) {
	for try := 0; try < activateMost && ctx.Err() == nil; try++ {
		_, err = within(ctx, 2*minRTO, func(ctx context.Context) (ipmi.NoData, error) {
			return askNow(ctx, s, ipmi.DeactivatePayload{Payload: ipmi.PayloadSOL,
				Instance: instance})
		})
		var code ipmi.CompletionCode
		if errors.As(err, &code) && code == codePayloadInactive {
			return nil
		}
		if err == nil || code != ipmi.CodeOK {
			return err
		}
	}
	return err
}

// codePayloadInactive is Deactivate Payload's code for a payload that is not active.
const codePayloadInactive = ipmi.CodePayloadActive

// openSecond moves the console to the port that the BMC names, in a session of its own. That fails
// where address translation gives the BMC's port another number; that port may even lead to another
// BMC.
func (c *Console) openSecond(ctx context.Context, port uint16) (ipmi.ActivatedPayload, bool) {
	ctx, cancel := context.WithTimeout(ctx, 2*activateFor)
	defer cancel()
	s := c.first
	config := s.config
	config.iface, config.cipherSuite, config.tries = LANPlus, int(s.Info().CipherSuite.ID), 2
	if s.ownTransport {
		config.transport = nil
	}
	second, err := dialPeer(ctx, config, netip.AddrPortFrom(s.peer.Addr(), port))
	if err != nil {
		s.log.Debug("the port for consoles does not answer; using the session's", "peer", s.peer,
			"port", port, "reason", err)
		return ipmi.ActivatedPayload{}, false
	}
	guid, err := Do(ctx, s, ipmi.GetSystemGUID{})
	other, err2 := Do(ctx, second, ipmi.GetSystemGUID{})
	if err != nil || err2 != nil || guid != other {
		s.log.Debug("the port for consoles is another BMC's; using the session's", "peer", s.peer,
			"port", port)
		_ = second.Close()
		return ipmi.ActivatedPayload{}, false
	}
	if err := deactivatePayload(ctx, s, c.config.instance); err == nil &&
		second.claimPayload(ipmi.PayloadSOL, c.receive) {
		_ = second.raise(ctx, ipmi.Command{}, false)
		if r, err := c.activate(ctx, second); err == nil {
			c.mu.Lock()
			c.session = second
			c.mu.Unlock()
			return r, true
		}
	}
	_ = second.Close()
	return ipmi.ActivatedPayload{}, false
}

// leaveSecond closes the session from openSecond, if there is one.
func (c *Console) leaveSecond() {
	c.mu.Lock()
	second := c.session
	c.session = c.first
	c.mu.Unlock()
	if second != c.first {
		_ = second.Close()
	}
}

// reopen logs in and reopens the console, with as many tries as it takes.
func (c *Console) reopen() error {
	c.mu.Lock()
	c.stream = nil
	generation := c.generation
	c.former = c.session.Info().ID
	second := c.session != c.first
	c.mu.Unlock()
	if second {
		c.leaveSecond()
		generation = c.first.Generation()
	}
	for wait := time.Second; ; wait = min(2*wait, reopenMost) {
		err := c.first.revive(c.background, generation)
		if err == nil {
			err = c.open(c.background)
			generation = c.first.Generation()
		}
		switch {
		case c.background.Err() != nil:
			return ipmi.ErrClosed
		case err == nil:
			return nil
		case errors.Is(err, ErrConsoleTaken), errors.Is(err, ipmi.ErrPassword),
			errors.Is(err, ipmi.ErrUser), errors.Is(err, ipmi.ErrClosed):
			return err
		}
		c.first.log.Debug("console not open again", "peer", c.first.peer, "reason", err)
		select {
		case <-time.After(wait):
		case <-c.background.Done():
			return ipmi.ErrClosed
		}
	}
}
