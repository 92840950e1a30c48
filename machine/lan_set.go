package machine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"lom/client"
	"lom/ipmi"
)

// SetLANParameter sets a parameter of a channel while the parameters are claimed, and reads it back
// until the BMC has made it its own, for at most half a minute. If the answer to the setting was
// lost, what is read back says whether it was made. A BMC that answers no more after it was set is
// a [*LANSilentError].
func SetLANParameter[P interface {
	comparable
	ipmi.LANParameter
}, PP ipmi.Reader[P]](ctx context.Context, m *Machine, channel uint8, p P) error {
	acknowledged := false
	err := guarded(ctx, m.claimLAN(channel), func() error {
		return writeAndLook(ctx,
			func() error {
				err := client.SetLANParam(ctx, m.conn, channel, p)
				acknowledged = err == nil
				return err
			},
			func() (bool, error) {
				got, err := client.LANParam[P, PP](ctx, m.conn, channel)
				switch {
				case errors.Is(err, ipmi.ErrTimeout):
					return false, &LANSilentError{acknowledged, failed(getLAN, err)}
				case err != nil && !refused(err):
					return false, err
				}
				return err == nil && got == p, nil
			})
	})
	if silent := new(LANSilentError); errors.As(err, &silent) {
		return silent
	}
	return failed(setLAN, err)
}

// A LANSilentError says that a BMC answers no more after one of its network settings was changed:
// it may be reached under other settings now.
type LANSilentError struct {
	Set bool  // the BMC has acknowledged the change; otherwise it is not known whether it was made
	Err error // what became of reading it back
}

func (e *LANSilentError) Error() string {
	if e.Set {
		return "the value was set, and then the BMC answered no more"
	}
	return "the BMC answered no more when the value was sent, " +
		"and it is not known whether it was set"
}
func (e *LANSilentError) Unwrap() error { return e.Err }

// claimLAN returns the function that claims the parameters of a channel, and ends the claim.
func (m *Machine) claimLAN(channel uint8) func(context.Context, ipmi.SetInProgress) error {
	return func(ctx context.Context, p ipmi.SetInProgress) error {
		return client.SetLANParam(ctx, m.conn, channel, p)
	}
}

// DisableVLAN takes a channel out of its VLAN. It reports whether the channel was in one.
func (m *Machine) DisableVLAN(ctx context.Context, channel uint8) (was bool, err error) {
	now, err := LANParameter[ipmi.LANVLANID](ctx, m, channel)
	if err != nil && !missingParam(err) {
		return false, err
	}
	if err == nil && now.ID == 0 && !now.Enabled {
		return false, nil
	}
	now.Enabled = false
	return true, SetLANParameter(ctx, m, channel, now)
}

// A LANLockoutError says that a change would lock out whoever makes it: the session came over the
// channel that the change closes.
type LANLockoutError struct{ Channel uint8 }

func (e *LANLockoutError) Error() string {
	return fmt.Sprintf("channel %d is the one that the session came over", e.Channel)
}

// guardLAN returns a [*LANLockoutError] if the session came over the channel. What a BMC does not
// say is not in the way.
func (m *Machine) guardLAN(ctx context.Context, channel uint8) error {
	q := ipmi.GetSessionInfo{Index: ipmi.SessionIndexPresent}
	r, err := do(ctx, m, "Get Session Info command", q)
	switch {
	case err != nil && !refused(err):
		return err
	case err == nil && r.Session != nil && r.Session.User != 0 && r.Session.Channel == channel:
		return &LANLockoutError{channel}
	}
	return nil
}

// SetLANSuites sets the most that sessions with each cipher suite may do, as [SetLANParameter].
// Levels that let no administrator in over the channel of the session are a [*LANLockoutError],
// unless force is true.
func (m *Machine) SetLANSuites(
	ctx context.Context, channel uint8, p ipmi.LANCipherSuitePrivileges, force bool,
) error {
	administers := func(limit ipmi.Privilege) bool {
		return limit == ipmi.PrivilegeAdministrator || limit == ipmi.PrivilegeOEM
	}
	if !force && !slices.ContainsFunc(p.Max[:], administers) {
		if err := m.guardLAN(ctx, channel); err != nil {
			return err
		}
	}
	return SetLANParameter(ctx, m, channel, p)
}

// SetLANAccess allows sessions over a channel, or none, now and after restarts of the BMC. Its
// privilege limit becomes administrator. To close the channel of the session is a
// [*LANLockoutError], unless force is true.
func (m *Machine) SetLANAccess(ctx context.Context, channel uint8, on, force bool) error {
	if !on && !force {
		if err := m.guardLAN(ctx, channel); err != nil {
			return err
		}
	}
	for _, setting := range accessSettings {
		now, err := m.lanAccess(ctx, channel, setting)
		if err != nil {
			return err
		}
		now.Mode = ipmi.AccessDisabled
		if on {
			now.Mode = ipmi.AccessAlways
		}
		q := accessRequest(channel, now, setting)
		q.SetLimit, q.Limit = setting, ipmi.PrivilegeAdministrator
		if _, err := do(ctx, m, setAccess, q); err != nil {
			return err
		}
	}
	return nil
}

// SetLANAlerting allows alerts over a channel, or none, now and after restarts of the BMC. The
// other settings of the channel's access become those that last.
func (m *Machine) SetLANAlerting(ctx context.Context, channel uint8, on bool) error {
	now, err := m.lanAccess(ctx, channel, ipmi.AccessNonVolatile)
	if err != nil {
		return err
	}
	now.Alerting = on
	for _, setting := range accessSettings {
		if _, err := do(ctx, m, setAccess, accessRequest(channel, now, setting)); err != nil {
			return err
		}
	}
	return nil
}

const setAccess = "Set Channel Access command"

// accessSettings are the two settings of a channel's access, in the order in which both are set:
// first what lasts.
var accessSettings = [...]ipmi.AccessSetting{ipmi.AccessNonVolatile, ipmi.AccessVolatile}

func (m *Machine) lanAccess(
	ctx context.Context, channel uint8, which ipmi.AccessSetting,
) (ipmi.ChannelAccess, error) {
	q := ipmi.GetChannelAccess{Channel: channel, Setting: which}
	return do(ctx, m, "Get Channel Access command", q)
}

// accessRequest is the request that makes now the access of a channel, except the privilege limit.
func accessRequest(
	channel uint8, now ipmi.ChannelAccess, setting ipmi.AccessSetting,
) ipmi.SetChannelAccess {
	return ipmi.SetChannelAccess{
		Channel: channel, SetAccess: setting, Alerting: now.Alerting, PerMessage: now.PerMessage,
		UserLevel: now.UserLevel, Mode: now.Mode, Limit: now.Limit,
	}
}

// SetLANUser lets user ID 1, which on most BMCs has no name, in as administrator over a channel.
func (m *Machine) SetLANUser(ctx context.Context, channel uint8) error {
	_, err := do(ctx, m, "Set User Access command", ipmi.SetUserAccess{
		Channel: channel, User: 1, Limit: ipmi.PrivilegeAdministrator,
	})
	return err
}

// SetLANPassword sets the password of user ID 1, of at most 16 bytes.
func (m *Machine) SetLANPassword(ctx context.Context, password ipmi.Secret) error {
	_, err := do(ctx, m, "Set User Password command (user 1)", ipmi.SetUserPassword{
		User: 1, Operation: ipmi.PasswordSet, Password: password,
	})
	return err
}
