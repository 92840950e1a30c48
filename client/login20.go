package client

import (
	"context"
	"crypto/rand"
	"errors"

	"lom/ipmi"
	"lom/rmcp"
)

// suiteGuesses are tried without asking: asking costs several exchanges, and some BMCs never answer. The first is what every
// present BMC has, the second what every BMC must have.
var suiteGuesses = [...]int{17, 3}

// suitePreference is the order among the suites of a BMC that has neither: encryption before integrity alone, AES before
// xRC4, the better hash first. Suites that protect nothing after the log-in are only used when asked for.
var suitePreference = [...]int{17, 3, 8, 12, 18, 4, 9, 13, 19, 5, 10, 14, 16, 2, 7, 11}

// open20 opens an IPMI 2.0 session with the suite that was asked for or the best that both know.
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
		if !l.alive {
			// Altogether, a BMC that is not there is waited for as long as with one suite.
			if l.silent += tries; l.silent >= l.tries {
				return err
			}
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
	for _, id := range suitePreference {
		suite, _ := rmcp.CipherSuiteByID(id)
		for _, o := range offered {
			if !o.Same(suite) {
				continue
			}
			suiteRefused, err := l.openSuite(ctx, suite, l.tries)
			if err == nil || !suiteRefused {
				return err
			}
			refusal = err
			break
		}
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
		raw, err := l.ask(ctx, l.patience(LANPlus, 2), q.Command(), data, func(dst, message []byte) ([]byte, error) {
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

// openSuite runs the handshake with one suite. suiteRefused tells that another suite may fare better. A
// handshake in which packets were lost may fail because the BMC lost track of it, and one whose secrets have
// been right before fails only because the network spoiled it: both are begun again once.
func (l *login) openSuite(ctx context.Context, suite rmcp.CipherSuite, tries int) (suiteRefused bool, err error) {
	for attempt := 0; ; attempt++ {
		var repeated bool
		// Some BMCs never answer a repeated RAKP message: the first attempt has little patience with them.
		suiteRefused, repeated, err = l.handshake(ctx, suite, tries, min(tries, 2+attempt*tries))
		if err == nil || attempt > 0 || !repeated && !l.proven || suiteRefused || ctx.Err() != nil {
			return suiteRefused, err
		}
	}
}

// handshake runs the handshake once. tries is how often the first packet is sent at the most, rakpTries the others.
// repeated tells that a packet after the first was sent again.
func (l *login) handshake(ctx context.Context, suite rmcp.CipherSuite, tries, rakpTries int) (suiteRefused, repeated bool, err error) {
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
		LocalID: id, User: c.user, Password: c.password, Kg: c.kg, Privilege: c.privilege, RoleLookup: c.roleLookup,
		Suite: suite, Tag: l.tag, Random: rand.Reader,
	})
	if err != nil {
		return false, false, err
	}
	knock := l.newKnock()
	for step := 0; h.Session() == nil; step++ {
		n := 0
		var verdict error
		if step > 0 {
			tries = rakpTries
		}
		pat := l.patience(LANPlus, tries)
		err := l.probe(ctx, pat, func(dst []byte) ([]byte, error) {
			if n++; n > 1 || pat.once {
				knock.send()
			}
			return h.Append(dst)
		}, func(p *rmcp.Packet) bool {
			if verdict = h.Receive(p); errors.Is(verdict, rmcp.ErrIgnored) {
				knock.take(p)
				return false
			}
			l.alive, l.v20, l.silent = true, true, 0
			return true
		})
		repeated = repeated || step > 0 && n > 1
		if err != nil {
			// Silence after the first step is no question of the suite.
			return errors.Is(err, ipmi.ErrTimeout) && step == 0, repeated, err
		}
		if verdict != nil {
			if abort := h.AppendAbort(nil); abort != nil {
				l.s.mux.write(abort, l.s.peer)
			}
			var status *rmcp.StatusError
			suiteRefused = errors.As(verdict, &status) && status.PerhapsCipherSuite() ||
				step == 0 && errors.Is(verdict, ipmi.ErrCipherSuite)
			return suiteRefused, repeated, verdict
		}
	}
	session := h.Session()
	l.link = session
	l.info = Info{
		Peer: l.s.peer, Interface: LANPlus, CipherSuite: suite, Privilege: session.Privilege(), ID: session.RemoteID(),
		GUID: h.GUID(),
	}
	return false, repeated, nil
}
