package client

import (
	"context"
	"fmt"

	"lom/ipmi"
)

// raise asks for a higher privilege level where the command needs one. A session starts at User
// level (§22.18). A command that is not in the command table gets the level that the session was
// opened for.
func (s *Session) raise(ctx context.Context, cmd ipmi.Command, bridged bool) error {
	need := s.needs(cmd, bridged)
	s.mu.Lock()
	enough, limit := s.suffices(need, cmd), s.limit
	s.mu.Unlock()
	if enough {
		return nil
	}
	for _, want := range []ipmi.Privilege{limit, min(need, limit)} {
		code, got, err := s.setPrivilege(ctx, want)
		if err != nil {
			return err
		}
		s.mu.Lock()
		if code == ipmi.CodeOK {
			s.level = got
			s.mu.Unlock()
			return nil
		}
		s.limit = max(want-1, s.level) // the user may not have more
		s.mu.Unlock()
		if want == need {
			return &ipmi.Error{Op: fmt.Sprintf("set session privilege level to %v", want),
				Peer: s.peer.String(),
				Err:  fmt.Errorf("%w: %w", ipmi.ErrPrivilege, code)}
		}
	}
	return nil
}

// needs returns the privilege level for a command.
func (s *Session) needs(cmd ipmi.Command, bridged bool) ipmi.Privilege {
	if cmd.Privilege == 0 || cmd.Privilege > ipmi.PrivilegeOEM || bridged {
		return s.config.privilege
	}
	return cmd.Privilege
}

// suffices reports whether a command that needs level may be sent without raising the session's
// level. The caller holds mu.
func (s *Session) suffices(need ipmi.Privilege, cmd ipmi.Command) bool {
	return need <= s.level || s.limit <= s.level || cmd.Is(ipmi.SetSessionPrivilege{}.Command()) ||
		cmd.Is(ipmi.CloseSession{}.Command())
}

// raiseAll asks for the level that the session was opened for, and reports whether the level has
// risen.
func (s *Session) raiseAll(ctx context.Context, cmd ipmi.Command) bool {
	level := func() ipmi.Privilege {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.level
	}
	before := level()
	return s.raise(ctx, cmd, true) == nil && level() > before
}

// setPrivilege is the Set Session Privilege Level command.
func (s *Session) setPrivilege(ctx context.Context,
	p ipmi.Privilege) (ipmi.CompletionCode, ipmi.Privilege, error) {
	q := ipmi.SetSessionPrivilege{Privilege: p}
	data, err := q.AppendBinary(nil)
	if err != nil {
		return 0, 0, err
	}
	raw, err := s.do(ctx, ipmi.RawRequest{Command: q.Command(), Data: data}, nil)
	if err != nil || raw.Code != ipmi.CodeOK {
		return raw.Code, 0, err
	}
	var r ipmi.SessionPrivilege
	if err := r.UnmarshalBinary(raw.Data); err != nil || r.Privilege == 0 {
		return ipmi.CodeOK, p, nil // the completion code is what counts
	}
	return ipmi.CodeOK, r.Privilege, nil
}
