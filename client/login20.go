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

// suiteGuesses are tried without asking: asking costs several exchanges, and some BMCs never
// answer. The first is what every present BMC has, the second what every BMC must have.
var suiteGuesses = [...]int{17, 3}

// open20 opens an IPMI 2.0 session with the suite that was asked for, or the best that both know of
// those that protect: see [rmcp.CipherSuite.Protects]. Who answers, and what the list says, is not
// proved before there is a session: so whoever refuses the good suites and forges the list ends the
// log-in, and does not weaken it.
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
			tries = min(tries, 2) // a BMC may be silent to what it does not know
		}
		suiteRefused, err := l.openSuite(ctx, suite, tries)
		if err == nil || !suiteRefused {
			return err
		}
		l.s.log.Debug("cipher suite refused", "peer", l.s.peer, "suite", suite, "reason", err)
		refusal = err
		if l.spent() {
			// altogether, a BMC that is not there is waited for as long as with one suite
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
		raw, err := l.ask(ctx, l.patience(LANPlus, 2), q.Command(), data,
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

// openSuite runs the handshake with one suite. suiteRefused tells that another suite may fare
// better. A handshake in which packets were lost may fail because the BMC lost track of it, and one
// whose secrets have been right before fails only because the network spoiled it: both are begun
// again once.
func (l *login) openSuite(ctx context.Context, suite rmcp.CipherSuite,
	tries int) (suiteRefused bool, err error) {
	for attempt := 0; ; attempt++ {
		if attempt > 0 {
			tries = l.tries
		}
		var repeated bool
		// Some BMCs never answer a repeated RAKP message: the first attempt has little patience
		// with them.
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
// the others. repeated tells that a packet after the first was sent again.
func (l *login) handshake(ctx context.Context, suite rmcp.CipherSuite, tries,
	rakpTries int) (suiteRefused, repeated bool, err error) {
	c := &l.s.config
	id, err := l.s.mux.reserve(l.s, randomID)
	if err != nil {
		return false, false, err
	}
	defer func() {
		if err != nil {
			l.s.mux.release(l.s, id)
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
		n, err := l.step(ctx, h, knock, l.patience(LANPlus, tries))
		if errors.Is(err, rmcp.ErrUnproven) {
			// Spoiled on its way, or forged, or the secret is wrong: the answer to one more packet
			// decides it.
			unproven := err
			var again int
			again, err = l.step(ctx, h, knock, l.patience(LANPlus, 1))
			n += again - 1 // the first was not for want of an answer
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
				l.s.mux.write(abort, l.s.peer)
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

// step carries out one exchange of the handshake. n is how often its packet was sent.
func (l *login) step(ctx context.Context, h *rmcp.ClientHandshake, knock *knock,
	pat patience) (n int, err error) {
	var verdict error
	err = l.probe(ctx, pat, func(dst []byte) ([]byte, error) {
		if n++; n > 1 || pat.once {
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

// verdict says what the error of a step of the handshake means. A refusal and a wrong code are what
// they seem to be only if nothing else explains them: a slow BMC that got RAKP Message 1 twice may
// have forgotten the random number of its first answer.
func (l *login) verdict(err error, step int, suite rmcp.CipherSuite,
	rakp1Sent int) (suiteRefused bool, _ error) {
	var status *rmcp.StatusError
	isStatus := errors.As(err, &status)
	switch {
	case errors.Is(err, ipmi.ErrTimeout) && step == 0:
		return true, err // silence after the first step is no question of the suite
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
