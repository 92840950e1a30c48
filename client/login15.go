package client

import (
	"context"
	"errors"
	"fmt"

	"lom/ipmi"
	"lom/rmcp"
)

// open15 opens an IPMI 1.5 session (§6.12.7).
func (l *login) open15(ctx context.Context) error {
	auth, err := l.chooseAuth(l.caps)
	if err != nil {
		return err
	}
	c := &l.s.config
	if c.password.Len() > 16 {
		return &ipmi.RangeError{Field: "length of the password over lan", Value: c.password.Len(),
			Max: 16}
	}
	signer, err := rmcp.NewAuth15(auth, c.password)
	if err != nil {
		return err
	}
	// A BMC is silent when the password is wrong, and also when its answer was lost, because then
	// the challenge is used up. So each try has a challenge of its own. There are at most as many
	// tries as the user allows, because a BMC may count failed ones and lock the user out.
	spoiled := 0
	for range max(l.tries, 1) {
		err = l.challenge(ctx, auth, signer)
		switch {
		case err == errUnsigned && spoiled < mostSpoiled:
			spoiled++ // the network may have done it
		case err == errUnsigned:
			return &UnclearError{What: errUnsigned.Error(), Causes: []error{ipmi.ErrPassword}}
		case err != ipmi.ErrTimeout: // an UnclearError is one too, and final
			return err
		}
	}
	if err == errUnsigned {
		return &UnclearError{What: errUnsigned.Error(), Causes: []error{ipmi.ErrPassword}}
	}
	for range l.tries { // is it the network?
		if l.repeats == 0 && l.capabilities(ctx, false) != nil {
			break
		}
	}
	e := &UnclearError{What: "it answers Get Session Challenge, but not Activate Session",
		Causes: []error{ipmi.ErrPassword, ipmi.ErrTimeout}}
	switch {
	case auth == ipmi.AuthNone:
		e.Causes = e.Causes[1:] // no password is asked for
	case l.repeats == 0:
		return fmt.Errorf("%w (%s; most BMCs do that for a wrong password)", ipmi.ErrPassword,
			e.What)
	}
	return e
}

// errUnsigned is the error of an answer that says yes and does not prove to be the BMC's.
var errUnsigned = errors.New("it answered Activate Session, but with a signature that is wrong")

// mostSpoiled is how many such answers are put down to the network. Each may have taken one of the
// BMC's sessions.
const mostSpoiled = 2

// chooseAuth chooses the authentication type. The peer is not authenticated yet, so without
// WithAuthType it is MD5 or nothing. A straight password could be read by anyone, and the other
// types let others into the session or are as good as broken.
func (l *login) chooseAuth(caps ipmi.ChannelAuthCapabilities) (ipmi.AuthType, error) {
	want := ipmi.AuthMD5
	pinned := l.s.config.authType >= 0
	if pinned {
		want = ipmi.AuthType(l.s.config.authType)
	}
	switch {
	case caps.AuthTypes.Has(want):
		return want, nil
	case pinned:
		return 0, fmt.Errorf("%w: the BMC does not offer %v", ipmi.ErrAuthType, want)
	case caps.AuthTypes == 0:
		return 0, ipmi.ErrNoIPMI15
	}
	return 0, &AuthTypeError{Offered: caps.AuthTypes}
}

// challenge gets a challenge and activates a session with it. ErrTimeout means that the activation
// got no answer.
func (l *login) challenge(ctx context.Context, auth ipmi.AuthType, signer *rmcp.Auth15) error {
	c := &l.s.config
	challenge, err := presession(ctx, l, l.schedule(LAN, l.tries),
		ipmi.GetSessionChallenge{AuthType: auth, UserName: c.user})
	if err != nil {
		return challengeError(err)
	}
	q := ipmi.ActivateSession{AuthType: auth, Privilege: c.privilege,
		Challenge: challenge.Challenge, OutboundSequence: randomID() | 1}
	data, err := q.AppendBinary(nil)
	if err != nil {
		return err
	}
	schedule := l.schedule(LAN, 1)
	schedule.once = true
	var hint *ipmi.Error // an unauthenticated refusal
	unsigned := false    // an unauthenticated success
	raw, err := l.ask(ctx, schedule, q.Command(), data,
		func(dst, message []byte) ([]byte, error) {
			return rmcp.AppendActivate15(dst, signer, challenge.SessionID, message)
		},
		func(q *rmcp.Message, p *rmcp.Packet) (rmcp.Message, error) {
			m, err := answerTo(q, p)
			if p.V20() || err != nil && !errors.Is(err, rmcp.ErrChecksum) {
				return m, rmcp.ErrStray
			}
			// The header has the temporary session ID (Table 22-22), or with some BMCs the one that
			// the body gives the session.
			var r ipmi.ActivatedSession
			ours := p.SessionID == challenge.SessionID ||
				m.Code == ipmi.CodeOK && r.UnmarshalBinary(m.Data) == nil &&
					r.SessionID == p.SessionID
			switch verr := signer.Verify(p); {
			case ours && verr == nil:
				return m, err
			case m.Code == ipmi.CodeOK:
				unsigned = true
			default:
				hint = &ipmi.Error{Peer: l.s.peer.String(), Command: activateSession, Code: m.Code}
			}
			return m, rmcp.ErrStray
		})
	switch {
	case !errors.Is(err, ipmi.ErrTimeout):
	case hint != nil:
		// It may be forged, but a BMC without a free session does not authenticate its refusal
		// either. More tries would not help.
		return fmt.Errorf("%w (in an answer that is not signed)", activateError(hint))
	case unsigned:
		return errUnsigned
	}
	if err != nil {
		return err
	}
	if raw.Code != ipmi.CodeOK {
		return activateError(&ipmi.Error{Peer: l.s.peer.String(), Command: q.Command(),
			Code: raw.Code})
	}
	var r ipmi.ActivatedSession
	if err := r.UnmarshalBinary(raw.Data); err != nil {
		return err
	}
	if r.InboundSequence == 0 {
		r.InboundSequence = 1 // only serial channels may say so
	}
	perMessage := r.AuthType != ipmi.AuthNone
	link, err := rmcp.NewSession15(rmcp.Session15Config{
		ID: r.SessionID, AuthType: auth, Password: c.password,
		SendSequence: r.InboundSequence, RecvSequence: q.OutboundSequence,
		// The answer says that user level commands need no authentication. Anybody could have
		// forged it, so it is ignored: a BMC takes authenticated packets all the same (§6.12.4).
		SendNone: !perMessage, AcceptNone: !perMessage,
	})
	if err != nil {
		return err
	}
	if !l.s.endpoint.add(l.s, link) {
		return ipmi.ErrClosed
	}
	privilege := c.privilege
	if r.Privilege != 0 {
		privilege = min(privilege, r.Privilege)
	}
	l.link = link
	l.info = Info{Peer: l.s.peer, Interface: LAN, AuthType: auth, Privilege: privilege,
		ID: r.SessionID}
	return nil
}

var activateSession = ipmi.ActivateSession{}.Command()

// challengeError translates the completion codes of Get Session Challenge (Table 22-21). It also
// marks a timeout as one before Activate Session.
func challengeError(err error) error {
	if errors.Is(err, ipmi.ErrTimeout) {
		return &UnclearError{What: "it answers Get Channel Authentication Capabilities, but not " +
			"Get Session Challenge",
			Causes: []error{ipmi.ErrUser, ipmi.ErrTimeout}}
	}
	var e *ipmi.Error
	if errors.As(err, &e) && (e.Code == 0x81 || e.Code == 0x82) {
		return fmt.Errorf("%w: %w", ipmi.ErrUser, e.Code)
	}
	return err
}

// activateError translates the completion codes of Activate Session (Table 22-22).
func activateError(e *ipmi.Error) error {
	words := e.Code.For(e.Command)
	switch e.Code {
	case 0x81, 0x82, 0x83:
		return fmt.Errorf("%w: %s", ipmi.ErrBusy, words)
	case 0x86:
		return fmt.Errorf("%w: %s", ipmi.ErrPrivilege, words)
	}
	return e
}
