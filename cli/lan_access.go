package cli

import (
	"context"
	"fmt"

	"lom/ipmi"
)

// The forms of lan set that change who gets in over a channel.

func lanAccess(words []string) (lanChange, error) {
	on, err := parseOnOff(words[0])
	if err != nil {
		return nil, usagef("%v", err)
	}
	return func(ctx context.Context, s *lanSetter) (string, error) {
		return fmt.Sprintf("Set Channel Access for channel %d was successful.", s.channel),
			s.m.SetLANAccess(ctx, s.channel, on, s.force)
	}, nil
}

func lanAlerting(words []string) (lanChange, error) {
	on, err := parseOnOff(words[0])
	if err != nil {
		return nil, usagef("%v", err)
	}
	return func(ctx context.Context, s *lanSetter) (string, error) {
		first := fmt.Sprintf("%s PEF alerts for LAN channel %d",
			choose(on, "Enabling", "Disabling"), s.channel)
		_, err := s.a.announced(first, func() error {
			return s.m.SetLANAlerting(ctx, s.channel, on)
		})
		return fmt.Sprintf("PEF alerts for channel %d %s.", s.channel, enabled(on)), err
	}, nil
}

func lanUser([]string) (lanChange, error) {
	return func(ctx context.Context, s *lanSetter) (string, error) {
		return fmt.Sprintf("Set User Access for channel %d was successful.", s.channel),
			s.m.SetLANUser(ctx, s.channel)
	}, nil
}

func lanPassword(words []string) (lanChange, error) {
	if len(words) > 0 {
		if err := checkPasswordSize(words[0], false); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, s *lanSetter) (string, error) {
		word := ""
		if len(words) > 0 {
			word = words[0]
		} else {
			var err error
			if word, err = s.a.newPassword(ctx, 1); err != nil {
				return "", err
			}
			if err := checkPasswordSize(word, false); err != nil {
				return "", err
			}
		}
		return "Password set for user 1", s.m.SetLANPassword(ctx, ipmi.NewSecret(word))
	}, nil
}
