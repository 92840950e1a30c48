package client

import (
	"log/slog"
	"time"

	"lom/ipmi"
)

// An Interface is a way to talk to a BMC.
type Interface string

// Interfaces. [Dial] takes the first three.
const (
	Auto    Interface = "auto"    // lanplus where the BMC says that it has it, else lan: see Info
	LAN     Interface = "lan"     // IPMI 1.5
	LANPlus Interface = "lanplus" // IPMI 2.0
	// in band, through the driver of the operating system: see OpenDevice
	Open Interface = "open"

	SerialBasic    Interface = "serial-basic"    // over a serial line: see NewSerial
	SerialTerminal Interface = "serial-terminal" // the same in printable characters
)

// An Option changes how [Dial] opens a session.
type Option func(*config)

// config is what the options set. The zero values of the fields are not the defaults: see defaults.
type config struct {
	iface       Interface
	user        string
	password    ipmi.Secret
	kg          ipmi.Secret
	privilege   ipmi.Privilege // the most the session may do
	roleLookup  bool           // RAKP looks users up by name and privilege level
	cipherSuite int            // -1: the best that both sides support and that protects
	authType    int            // -1: MD5
	timeout     time.Duration  // the first timeout; 0: measured
	tries       int            // how often a packet is sent at most
	ipVersion   int            // 4 or 6; 0: either
	logger      *slog.Logger
	transport   *Transport
	keepAlive   time.Duration
	window      int           // 0: found out
	windowHint  int           // 0: none
	minRTO      time.Duration // of the retransmission timer
	maxRTO      time.Duration
}

// WithInterface chooses the interface; the default is Auto.
func WithInterface(i Interface) Option { return func(c *config) { c.iface = i } }

// WithUser sets the user name, at most 16 bytes, and the password, at most 16 bytes over lan and 20
// over lanplus.
func WithUser(name string, password ipmi.Secret) Option {
	return func(c *config) { c.user, c.password = name, password }
}

// WithKg sets the BMC key of two-key log-in, at most 20 bytes. A key of zeros is the same as none
// (Table 22-15).
func WithKg(key ipmi.Secret) Option { return func(c *config) { c.kg = key } }

// WithIPVersion uses addresses of the Internet Protocol of version 4 or 6 only; 0 is either.
func WithIPVersion(v int) Option { return func(c *config) { c.ipVersion = v } }

// WithPrivilege sets the privilege level of the session; the default is Administrator.
func WithPrivilege(p ipmi.Privilege) Option { return func(c *config) { c.privilege = p } }

// WithRoleLookup makes the BMC look up the user by name and privilege (§13.20), not by name only.
func WithRoleLookup() Option { return func(c *config) { c.roleLookup = true } }

// WithCipherSuite pins the cipher suite of lanplus. The default is the best one that both sides
// support of those that protect everything that is sent ([rmcp.CipherSuite.Protects]). Others are
// used only if they are pinned, because the peer that refuses the good ones may not be the BMC.
func WithCipherSuite(id int) Option { return func(c *config) { c.cipherSuite = id } }

// WithAuthType pins the authentication type of lan. The default is MD5. Others are used only if
// they are pinned, because a peer that offers nothing better may not be the BMC.
func WithAuthType(a ipmi.AuthType) Option { return func(c *config) { c.authType = int(a) } }

// WithRetry sets when a request is retransmitted and when it fails, with the meaning of ipmitool's
// -N and -R. The packet is sent tries times. The first timeout is timeout; over lanplus each
// further one is a second longer. With a timeout of 0, the default, requests fail after the same
// time as with ipmitool's default (1 s over lanplus, 2 s over lan), but are retransmitted by an RTO
// that follows the measured round-trip time; see [WithRetryTimer]. The default of tries is 4.
func WithRetry(timeout time.Duration, tries int) Option {
	return func(c *config) { c.timeout, c.tries = timeout, tries }
}

// WithLogger makes the session log packets at slog.LevelDebug-4 and decisions at slog.LevelDebug,
// without secrets. With nil, the default, it logs nothing.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) {
		if c.logger = l; l == nil {
			c.logger = slog.New(slog.DiscardHandler)
		}
	}
}

// WithTransport makes the session share the sockets of t; without it, Dial opens one.
func WithTransport(t *Transport) Option { return func(c *config) { c.transport = t } }

// WithKeepAlive makes the session send a keep-alive (Get Device ID) after it was idle for d, so
// that the BMC does not end it (§6.12.15). 0, the default, sends none.
func WithKeepAlive(d time.Duration) Option { return func(c *config) { c.keepAlive = d } }

// WithWindow pins the congestion window: how many requests of the session may be in flight, from 1
// to 60. With 0, the default, the session learns what the BMC takes. A command that changes state
// is in flight alone either way. Over 10 (over lan, 4), a burst of losses may make the BMC drop the
// session.
func WithWindow(n int) Option { return func(c *config) { c.window = n } }

// WithWindowHint sets how many requests in flight a BMC of the same model and firmware took, as
// [Session.Window] returned it. The session starts with as many and never has more in flight. 0 is
// no hint.
func WithWindowHint(n int) Option { return func(c *config) { c.windowHint = n } }

// WithRetryTimer sets the limits of the retransmission timeout (RTO), which follows the measured
// round-trip time (RFC 6298). The defaults are 250 ms and 4 s. It has no effect when [WithRetry]
// sets a timeout.
func WithRetryTimer(floor, ceiling time.Duration) Option {
	return func(c *config) { c.minRTO, c.maxRTO = floor, ceiling }
}
