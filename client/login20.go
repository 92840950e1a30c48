package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"lom/ipmi"
	"lom/rmcp"
)

// suiteGuesses are tried before the BMC is asked for its list, because that costs several round
// trips and some BMCs never answer. Every present BMC has the first; every BMC must have the
// second.
var suiteGuesses = [...]int{17, 3}

// open20 opens an IPMI 2.0 session with the suite that was asked for, or with the best that both
// sides support of those that protect everything ([rmcp.CipherSuite.Protects]). Answers and the
// list of suites are not authenticated before there is a session. So an attacker who forges them
// can make the log-in fail, but cannot weaken it.
func (l *login) open20(ctx context.Context) error {
	if id := l.s.config.cipherSuite; id >= 0 {
		suite, _ := rmcp.CipherSuiteByID(id)
		_, err := l.openSuite(ctx, suite, l.tries)
		return err
	}
	var refusal error
	for i, id := range suiteGuesses {
		suite, _ := rmcp.CipherSuiteByID(id)
		tries := l.tries
		if i == 0 {
			tries = min(tries, 2) // a BMC may not answer what it does not know
		}
		suiteRefused, err := l.openSuite(ctx, suite, tries)
		if err == nil || !suiteRefused {
			return err
		}
		l.s.log.Debug("cipher suite refused", "peer", l.s.peer, "suite", suite, "reason", err)
		refusal = err
		if l.spent() {
			// altogether, a BMC that is down takes as long to time out as with one suite
			return err
		}
	}
	if errors.Is(refusal, ipmi.ErrTimeout) {
		return refusal
	}
	return l.openListed(ctx, refusal)
}

// openListed asks the BMC for its cipher suites, after the guesses were refused.
func (l *login) openListed(ctx context.Context, refusal error) error {
	offered, err := l.cipherSuites(ctx)
	if err != nil {
		l.s.log.Debug("no list of cipher suites", "peer", l.s.peer, "reason", err)
		return refusal
	}
	safe := slices.DeleteFunc(slices.Clone(offered), func(s rmcp.CipherSuite) bool {
		return !s.Protects()
	})
	slices.SortStableFunc(safe, func(s, t rmcp.CipherSuite) int {
		return t.Strength() - s.Strength()
	})
	for _, suite := range slices.CompactFunc(safe, rmcp.CipherSuite.Same) {
		suiteRefused, err := l.openSuite(ctx, suite, l.tries)
		if err == nil || !suiteRefused {
			return err
		}
		refusal = err
	}
	if errors.Is(refusal, ipmi.ErrCipherSuite) || len(safe) == 0 {
		return &SuiteError{Offered: offered, Err: refusal}
	}
	return refusal
}

// cipherSuites reads the list of suites outside a session (§22.15).
func (l *login) cipherSuites(ctx context.Context) ([]rmcp.CipherSuite, error) {
	const piece, mostPieces = 16, 64
	var records []byte
	for i := range uint8(mostPieces) {
		q := ipmi.GetChannelCipherSuites{Channel: presentChannel, BySuite: true, Index: i}
		data, err := q.AppendBinary(nil)
		if err != nil {
			return nil, err
		}
		raw, err := l.ask(ctx, l.schedule(LANPlus, 2), q.Command(), data,
			func(dst, message []byte) ([]byte, error) {
				return rmcp.AppendPresession20(dst, ipmi.PayloadIPMI, message)
			}, outside)
		if err != nil {
			return nil, err
		}
		if raw.Code != ipmi.CodeOK {
			return nil, &ipmi.Error{Peer: l.s.peer.String(), Command: q.Command(), Code: raw.Code}
		}
		var r ipmi.ChannelCipherSuites
		if err := r.UnmarshalBinary(raw.Data); err != nil {
			return nil, err
		}
		records = append(records, r.Records...)
		if len(r.Records) < piece {
			break
		}
	}
	return rmcp.ParseCipherSuites(records), nil
}

// openSuite runs the handshake with one suite. suiteRefused reports that another suite may succeed.
// The handshake is retried once if packets were lost in it, because the BMC may have lost track,
// and if the secrets have been right before, because then the network must have damaged it.
func (l *login) openSuite(ctx context.Context, suite rmcp.CipherSuite,
	tries int) (suiteRefused bool, err error) {
	for attempt := 0; ; attempt++ {
		if attempt > 0 {
			tries = l.tries
		}
		var repeated bool
		// Some BMCs never answer a retransmitted RAKP message, so the first attempt has few tries.
		suiteRefused, repeated, err = l.handshake(ctx, suite, tries,
			min(l.tries, 2+attempt*l.tries))
		if err == nil || attempt > 0 || !repeated && !l.proven || suiteRefused ||
			ctx.Err() != nil || l.spent() {
			return suiteRefused, err
		}
		l.s.log.Debug("beginning the handshake again", "peer", l.s.peer, "suite", suite, "reason",
			err)
	}
}

// handshake runs the handshake once. tries is how often the first packet is sent at most, rakpTries
// the others. repeated reports that a packet after the first was retransmitted.
func (l *login) handshake(ctx context.Context, suite rmcp.CipherSuite, tries,
	rakpTries int) (suiteRefused, repeated bool, err error) {
	c := &l.s.config
	id, err := l.s.endpoint.reserve(l.s, randomID)
	if err != nil {
		return false, false, err
	}
	defer func() {
		if err != nil {
			l.s.endpoint.release(l.s, id)
		}
	}()
	l.tag += 16
	h, err := rmcp.NewClientHandshake(rmcp.ClientConfig{
		LocalID: id, User: c.user, Password: c.password, Kg: c.kg, Privilege: c.privilege,
		RoleLookup: c.roleLookup,
		Suite:      suite, Tag: l.tag, Random: rand.Reader,
	})
	if err != nil {
		return false, false, err
	}
	knock := l.newKnock()
	rakp1Sent := 0
	for step := 0; h.Session() == nil; step++ {
		if step > 0 {
			tries = rakpTries
		}
		n, err := l.step(ctx, h, knock, l.schedule(LANPlus, tries))
		if errors.Is(err, rmcp.ErrUnproven) {
			// It was damaged on its way, or forged, or the secret is wrong: the answer to one more
			// packet decides.
			unproven := err
			var again int
			again, err = l.step(ctx, h, knock, l.schedule(LANPlus, 1))
			n += again - 1 // the first of them was not a retransmission
			if errors.Is(err, ipmi.ErrTimeout) {
				n, repeated, err = n-again+1, true, unproven
			}
		}
		if step == 1 {
			rakp1Sent = n
		}
		var status *rmcp.StatusError
		refusedCode := step == 2 && errors.As(err, &status) &&
			status.Status == rmcp.StatusInvalidCheckValue
		repeated = repeated || step > 0 && n > 1 || refusedCode
		if err != nil {
			if abort := h.AppendAbort(nil); len(abort) > 0 {
				l.s.endpoint.write(abort, l.s.peer)
			}
			suiteRefused, err = l.verdict(err, step, suite, rakp1Sent)
			return suiteRefused, repeated, err
		}
	}
	session := h.Session()
	l.link = session
	l.info = Info{
		Peer: l.s.peer, Interface: LANPlus, CipherSuite: suite, Privilege: session.Privilege(),
		ID:   session.RemoteID(),
		GUID: h.GUID(),
	}
	return false, repeated, nil
}

// step sends one packet of the handshake and waits for its answer. n is how often it was sent.
func (l *login) step(ctx context.Context, h *rmcp.ClientHandshake, knock *knock,
	schedule retrySchedule) (n int, err error) {
	var verdict error
	err = l.probe(ctx, schedule, func(dst []byte) ([]byte, error) {
		if n++; n > 1 || schedule.once {
			knock.send()
		}
		return h.Append(dst)
	}, func(p *rmcp.Packet) bool {
		if verdict = h.Receive(p); errors.Is(verdict, rmcp.ErrIgnored) {
			knock.take(p)
			return false
		}
		l.alive, l.v20 = true, true
		return true
	})
	if err != nil {
		return n, err
	}
	return n, verdict
}

// handshakeSteps are the packets of a handshake in their order.
var handshakeSteps = [...]string{"the Open Session Request", "RAKP Message 1", "RAKP Message 3"}

// verdict interprets the error of a step of the handshake. A refusal and a wrong authentication
// code are taken at face value only if nothing else explains them. A slow BMC that got RAKP Message
// 1 twice may have forgotten the random number of its first answer.
func (l *login) verdict(err error, step int, suite rmcp.CipherSuite,
	rakp1Sent int) (suiteRefused bool, _ error) {
	var status *rmcp.StatusError
	isStatus := errors.As(err, &status)
	switch {
	case errors.Is(err, ipmi.ErrTimeout) && step == 0:
		return true, err // silence after the first step has nothing to do with the suite
	case errors.Is(err, ipmi.ErrTimeout):
		e := &UnclearError{What: fmt.Sprintf("it has answered %s, but not %s",
			handshakeSteps[step-1], handshakeSteps[step])}
		if step == 1 {
			e.Causes = append(e.Causes, ipmi.ErrUser)
		}
		e.Causes = append(e.Causes, ipmi.ErrTimeout)
		return false, e
	case isStatus && step == 2 && status.Status == rmcp.StatusInvalidCheckValue &&
		suite.Auth != rmcp.RAKPNone:
		return false, &UnclearError{What: "the BMC's own code shows that the password is right, " +
			"but it took the one of this side for wrong",
			Causes: []error{ipmi.ErrTimeout}}
	case errors.Is(err, ipmi.ErrPassword) && rakp1Sent > 1:
		return false, &UnclearError{What: "it answered RAKP Message 1 with a wrong code after " +
			"that was sent again",
			Causes: []error{ipmi.ErrPassword, ipmi.ErrTimeout}}
	}
	return isStatus && status.PerhapsCipherSuite() ||
		step == 0 && errors.Is(err, ipmi.ErrCipherSuite), err
}
