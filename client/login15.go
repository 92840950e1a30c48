package client

import (
	"context"
	"errors"
	"fmt"

	"lom/ipmi"
	"lom/rmcp"
)

// authPreference is the order in which authentication types are taken.
var authPreference = [...]ipmi.AuthType{ipmi.AuthMD5, ipmi.AuthMD2, ipmi.AuthPassword, ipmi.AuthNone}

// open15 opens an IPMI 1.5 session (§6.12.7).
func (l *login) open15(ctx context.Context) error {
	auth, err := l.chooseAuth(l.caps)
	if err != nil {
		return err
	}
	c := &l.s.config
	if c.password.Len() > 16 {
		return &ipmi.RangeError{Field: "length of the password over lan", Value: c.password.Len(), Max: 16}
	}
	signer, err := rmcp.NewAuth15(auth, c.password)
	if err != nil {
		return err
	}
	// A BMC is silent when the password is wrong, but also when its answer was lost and it takes the challenge
	// for used up. So each try has a challenge of its own. There are no more tries than the user allows, because a BMC
	// may count them against the user.
	for range max(l.tries, 1) {
		if err = l.challenge(ctx, auth, signer); !errors.Is(err, ipmi.ErrTimeout) {
			return err
		}
	}
	if auth == ipmi.AuthNone {
		return err // no password is asked for
	}
	return fmt.Errorf("%w (no answer to the log-in; most BMCs do that for a wrong password)", ipmi.ErrPassword)
}

// chooseAuth chooses the authentication type.
func (l *login) chooseAuth(caps ipmi.ChannelAuthCapabilities) (ipmi.AuthType, error) {
	if want := l.s.config.authType; want >= 0 {
		if !caps.AuthTypes.Has(ipmi.AuthType(want)) {
			return 0, fmt.Errorf("%w: the BMC does not offer %v", ipmi.ErrAuthType, ipmi.AuthType(want))
		}
		return ipmi.AuthType(want), nil
	}
	for _, a := range authPreference {
		if caps.AuthTypes.Has(a) {
			return a, nil
		}
	}
	if caps.AuthTypes == 0 {
		return 0, ipmi.ErrNoIPMI15
	}
	return 0, ipmi.ErrAuthType
}

// challenge gets a challenge and activates a session with it. ErrTimeout means that the activation got no answer.
func (l *login) challenge(ctx context.Context, auth ipmi.AuthType, signer *rmcp.Auth15) error {
	c := &l.s.config
	challenge, err := presession(ctx, l, l.patience(LAN, l.tries), ipmi.GetSessionChallenge{AuthType: auth, UserName: c.user})
	if err != nil {
		return challengeError(err)
	}
	q := ipmi.ActivateSession{AuthType: auth, Privilege: c.privilege, Challenge: challenge.Challenge, OutboundSequence: randomID() | 1}
	data, err := q.AppendBinary(nil)
	if err != nil {
		return err
	}
	pat := l.patience(LAN, 1)
	pat.once = true
	raw, err := l.ask(ctx, pat, q.Command(), data,
		func(dst, message []byte) ([]byte, error) {
			return rmcp.AppendActivate15(dst, signer, challenge.SessionID, message)
		},
		func(p *rmcp.Packet) ([]byte, error) {
			if p.V20() || p.SessionID != challenge.SessionID {
				return nil, rmcp.ErrSessionID
			}
			return p.Payload, signer.Verify(p)
		})
	if err != nil {
		return err
	}
	if raw.Code != ipmi.CodeOK {
		return activateError(&ipmi.Error{Peer: l.s.peer.String(), Command: q.Command(), Code: raw.Code})
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
		SendNone: !perMessage, AcceptNone: !perMessage || !l.caps.UserLevelAuth,
	})
	if err != nil {
		return err
	}
	if !l.s.mux.add(l.s, link) {
		return ipmi.ErrClosed
	}
	privilege := c.privilege
	if r.Privilege != 0 {
		privilege = min(privilege, r.Privilege)
	}
	l.link = link
	l.info = Info{Peer: l.s.peer, Interface: LAN, AuthType: auth, Privilege: privilege, ID: r.SessionID}
	return nil
}

// challengeError says what the completion codes of Get Session Challenge mean (Table 22-21), and tells silence there from
// that after Activate Session.
func challengeError(err error) error {
	if errors.Is(err, ipmi.ErrTimeout) {
		return fmt.Errorf("the BMC stopped answering before the log-in: %v", err)
	}
	var e *ipmi.Error
	if errors.As(err, &e) && (e.Code == 0x81 || e.Code == 0x82) {
		return fmt.Errorf("%w: %w", ipmi.ErrUser, e.Code)
	}
	return err
}

// activateError says what the completion codes of Activate Session mean (Table 22-22).
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
