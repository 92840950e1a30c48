package bmc

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// login is what the LAN channel asks of those who log in, besides their account and the channel's
// access. The LAN configuration parameters 1, 2, 22 to 24 and 26 show it (§23.2, Table 23-4).
type login struct {
	kept loginKept
	// that the channel speaks, in the order of parameters 23 and 24; at most 16
	suites []rmcp.CipherSuite
	failed map[uint8]failures // by user ID; who is not there has none
}

// loginKept is what lasts.
type loginKept struct {
	// AuthTypes are the IPMI 1.5 authentication types that a privilege level may use; the index is
	// the level.
	AuthTypes [ipmi.PrivilegeOEM + 1]ipmi.AuthTypes
	// SuitePrivilege is the most that a session with a cipher suite may do; the index is that of
	// suites, and 0 is nothing.
	SuitePrivilege [16]ipmi.Privilege
	BadPassword    badPassword
}

// badPassword says what happens to users whose password was wrong several times (parameter 26).
type badPassword struct {
	Event bool `json:",omitempty"` // raise a Session Audit event
	// wrong passwords in a row that disable the user; 0 is never
	Threshold uint8 `json:",omitempty"`
	// tens of seconds after which they are forgotten; 0 is never
	Reset uint16 `json:",omitempty"`
	// tens of seconds that the user is disabled; 0 is until Set User Access
	Lockout uint16 `json:",omitempty"`
}

// failures are the wrong passwords of one user.
type failures struct {
	count  uint8
	last   time.Time
	locked bool
}

// defaultSuites are the cipher suites of a BMC whose configuration sets none: all of Table 22-20
// that authenticate, but for those with xRC4.
var defaultSuites = []uint8{1, 2, 3, 6, 7, 8, 11, 12, 15, 16, 17}

// The Session Audit sensor (Table 42-3).
const (
	sensorTypeSessionAudit = 0x2a
	sessionAuditSensor     = 0x72
	auditPasswordDisable   = 3 // sensor-specific offset
)

func (l *login) load(b *BMC) error {
	ids := b.cfg.CipherSuites
	if len(ids) == 0 {
		ids = defaultSuites
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if b.cfg.Allow.CipherSuite0 && !slices.Contains(ids, 0) {
		ids = slices.Insert(ids, 0, 0)
	}
	if len(ids) > len(l.kept.SuitePrivilege) {
		return fmt.Errorf("%d cipher suites are too many: a channel has at most %d", len(ids),
			len(l.kept.SuitePrivilege))
	}
	for i, id := range ids {
		s, ok := rmcp.CipherSuiteByID(int(id))
		switch {
		case !ok:
			return fmt.Errorf("there is no cipher suite %d", id)
		case id == 0 && !b.cfg.Allow.CipherSuite0:
			return errors.New("cipher suite 0 lets everybody in: it must be allowed expressly")
		}
		l.suites = append(l.suites, s)
		l.kept.SuitePrivilege[i] = ipmi.PrivilegeAdministrator
	}
	for p := ipmi.PrivilegeCallback; p <= ipmi.PrivilegeOEM; p++ {
		l.kept.AuthTypes[p] = b.authTypes()
	}
	return loadSection(b, "login", func(_ string, v loginKept) error {
		for p := range v.AuthTypes {
			v.AuthTypes[p] &= b.authTypes()
		}
		l.kept = v
		return nil
	})
}

// save keeps what was changed of kept.
func (l *login) save(b *BMC) { b.put("login", "", l.kept) }

// authTypes returns the IPMI 1.5 authentication types that can be enabled.
func (b *BMC) authTypes() ipmi.AuthTypes {
	types := ipmi.AuthTypes(1<<ipmi.AuthMD2 | 1<<ipmi.AuthMD5 | 1<<ipmi.AuthPassword)
	if b.cfg.Allow.AuthNone {
		types |= 1 << ipmi.AuthNone
	}
	return types
}

// allowedSuites returns the cipher suites that sessions may use, the strongest first.
func (l *login) allowedSuites() []rmcp.AllowedSuite {
	var list []rmcp.AllowedSuite
	for i, s := range l.suites {
		if p := l.kept.SuitePrivilege[i]; p >= ipmi.PrivilegeCallback && p <= ipmi.PrivilegeOEM {
			list = append(list, rmcp.AllowedSuite{CipherSuite: s, Privilege: p})
		}
	}
	slices.SortStableFunc(list, func(s, t rmcp.AllowedSuite) int {
		return strength(t) - strength(s)
	})
	return list
}

// strength orders cipher suites: to encrypt is better than not to, then to protect packets, then
// the hash.
func strength(s rmcp.AllowedSuite) int {
	n := [...]int{rmcp.RAKPHMACMD5: 1, rmcp.RAKPHMACSHA1: 2, rmcp.RAKPHMACSHA256: 3}[s.Auth]
	if s.Integrity != rmcp.IntegrityNone {
		n += 10
	}
	switch s.Conf {
	case rmcp.AESCBC128:
		n += 200
	case rmcp.XRC4_128, rmcp.XRC4_40:
		n += 100
	}
	return n
}

// limit returns the most that a user may do on the LAN channel, 0 for nothing.
func (b *BMC) limit(user uint8) ipmi.Privilege {
	p := b.accounts.user[user].Access.Privilege
	if p > ipmi.PrivilegeOEM { // no access
		return 0
	}
	return min(p, b.channels.access[settingActive].Privilege)
}

// privilege returns what a session may do now.
func (b *BMC) privilege(s *session) ipmi.Privilege { return min(s.privilege, b.limit(s.user)) }

// passwordWrong counts a wrong password of a user.
func (l *login) passwordWrong(b *BMC, user uint8) {
	f, c := l.failed[user], l.kept.BadPassword
	defer func() {
		if l.failed == nil {
			l.failed = map[uint8]failures{}
		}
		l.failed[user] = f
	}()
	now := b.clock.Now()
	if c.Reset != 0 && now.Sub(f.last) > tens(c.Reset) {
		f.count = 0
	}
	f.last = now
	if f.count < 255 {
		f.count++
	}
	b.logger.Info("wrong password", "bmc", b.name, "user", user, "times", f.count)
	if c.Threshold == 0 || f.count < c.Threshold || f.locked {
		return
	}
	f.locked = true
	if c.Event {
		b.raise(Event{
			SensorType: sensorTypeSessionAudit, SensorNumber: sessionAuditSensor,
			Type: eventTypeSensor,
			Data: [3]byte{0xf0 | auditPasswordDisable, user, channelLAN},
		})
	}
}

// passwordRight forgets the wrong passwords of a user.
func (l *login) passwordRight(user uint8) { delete(l.failed, user) }

// locked reports whether the user is disabled because of wrong passwords.
func (l *login) locked(b *BMC, user uint8) bool {
	f := l.failed[user]
	if f.locked && l.kept.BadPassword.Lockout != 0 &&
		b.clock.Now().Sub(f.last) > tens(l.kept.BadPassword.Lockout) {
		delete(l.failed, user)
		return false
	}
	return f.locked
}

// unlock enables the user again, as Set User Access does.
func (l *login) unlock(user uint8) { delete(l.failed, user) }

func tens(n uint16) time.Duration { return time.Duration(n) * 10 * time.Second }
