package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"lom/ipmi"
	"lom/rmcp"
)

// defaults returns the config of a session without options.
func defaults() config {
	return config{
		iface: Auto, privilege: ipmi.PrivilegeAdministrator, cipherSuite: -1, authType: -1,
		tries:  4,
		minRTO: minRTO, maxRTO: maxRTO, logger: slog.New(slog.DiscardHandler),
	}
}

// schedule returns the retry schedule over an interface, before an RTT was measured.
func (c *config) schedule(i Interface) retrySchedule {
	p := retrySchedule{first: c.timeout, tries: max(c.tries, 1), once: c.tries <= 1,
		maxRTO: c.maxRTO}
	if i == LAN {
		if p.first == 0 {
			p.first = 2 * time.Second
		}
		return p
	}
	if p.first == 0 {
		p.first = time.Second
	}
	p.grow = time.Second
	return p
}

// Dial opens a session with the BMC at address, which is a host with or without a port; 623 is the
// default. If the host has several addresses, the first that answers is used. For a BMC in band see
// [OpenDevice], over a serial line [NewSerial].
//
// The errors are *ipmi.Error. errors.Is tells them apart: ipmi.ErrPassword, ErrUser, ErrKey,
// ErrPrivilege, ErrCipherSuite, ErrAuthType, ErrBusy (no free session), ErrNoIPMI20 and
// ErrNoIPMI15, ErrRefused (nothing listens at the port), ErrTimeout (no answer at all, or an
// [UnclearError]), and *net.DNSError (the name does not resolve).
func Dial(ctx context.Context, address string, opts ...Option) (*Session, error) {
	c := defaults()
	for _, o := range opts {
		o(&c)
	}
	if err := c.check(); err != nil {
		return nil, &ipmi.Error{Op: "open session", Peer: address, Err: err}
	}
	peers, err := c.resolve(ctx, address)
	if err != nil {
		return nil, &ipmi.Error{Op: "open session", Peer: address, Err: err}
	}
	peer, err := c.reachable(ctx, peers)
	if err != nil {
		return nil, &ipmi.Error{Op: "open session", Peer: peer.String(), Err: err}
	}
	s, err := dialPeer(ctx, c, peer)
	if err != nil {
		return nil, &ipmi.Error{Op: "open session", Peer: peer.String(), Err: err}
	}
	return s, nil
}

// addressHeadStart is how long an address of a host may take to answer before the next is tried too
// (as in RFC 8305).
const addressHeadStart = 250 * time.Millisecond

// reachable returns the address of a host at which a BMC answers, if it has several: some may lead
// nowhere, such as localhost in IPv6. It does not log in, because that would take a session of the
// BMC. With an error, the address is the first.
func (c *config) reachable(ctx context.Context, peers []netip.AddrPort) (netip.AddrPort, error) {
	if len(peers) == 1 {
		return peers[0], nil
	}
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	errs, failed, ended := make([]error, len(peers)), make([]chan struct{}, len(peers)),
		make(chan int, len(peers))
	for i := range peers {
		failed[i] = make(chan struct{})
		work.Go(func() {
			defer func() { ended <- i }()
			defer close(failed[i])
			if i > 0 {
				select {
				case <-failed[i-1]:
				case <-time.After(time.Duration(i) * addressHeadStart):
				case <-ctx.Done():
				}
			}
			errs[i] = c.reach(ctx, peers[i])
		})
	}
	for range peers {
		if i := <-ended; errs[i] == nil {
			return peers[i], nil
		}
	}
	return peers[0], errs[0]
}

// reach returns nil if a BMC answers at an address.
func (c *config) reach(ctx context.Context, peer netip.AddrPort) error {
	s := newSession(ctx, *c, peer)
	if err := s.open(); err != nil {
		return err
	}
	if s.ownTransport {
		defer s.transport.Close()
	}
	l := newLogin(s, c.tries)
	iface := c.iface
	if iface == Auto {
		iface = LANPlus
	}
	_, err := presession(ctx, l, l.schedule(iface, c.tries), l.capabilitiesRequest(c.iface != LAN))
	if l.alive {
		return nil // any answer will do
	}
	return err
}

// newSession returns a session that is not logged in.
func newSession(ctx context.Context, c config, peer netip.AddrPort) *Session {
	return &Session{
		transport: c.transport, peer: peer, config: c, log: c.logger,
		tracing: c.logger.Enabled(ctx, levelPacket), reviving: make(chan struct{}, 1),
	}
}

// open chooses the endpoint of the session.
func (s *Session) open() error {
	if s.transport == nil {
		sock, err := dialConnected(s.peer)
		if err != nil {
			return err
		}
		s.transport, s.ownTransport = newTransport(sock), true
	}
	s.endpoint = s.transport.endpoint()
	return nil
}

// dialPeer opens a session with the BMC at one address.
func dialPeer(ctx context.Context, c config, peer netip.AddrPort) (*Session, error) {
	s := newSession(ctx, c, peer)
	s.timer.f = s.onTimer
	if err := s.open(); err != nil {
		return nil, err
	}
	l := newLogin(s, c.tries)
	if err := l.first(ctx); err != nil {
		if s.ownTransport {
			_ = s.transport.Close()
		}
		return nil, err
	}
	s.install(l)
	return s, nil
}

// check returns an error for options that no BMC could satisfy.
func (c *config) check() error {
	const lanPassword, lanplusPassword = 16, 20
	limit := lanplusPassword
	if c.iface == LAN {
		limit = lanPassword
	}
	switch {
	case c.iface == Open:
		return fmt.Errorf("the interface %q does not go over the network: use OpenDevice", c.iface)
	case c.iface == SerialBasic, c.iface == SerialTerminal:
		return fmt.Errorf("the interface %q does not go over the network: use NewSerial", c.iface)
	case c.iface != Auto && c.iface != LAN && c.iface != LANPlus:
		return fmt.Errorf("unknown interface %q", c.iface)
	case c.ipVersion != 0 && c.ipVersion != 4 && c.ipVersion != 6:
		return fmt.Errorf("there is no version %d of the Internet Protocol", c.ipVersion)
	case len(c.user) > 16:
		return &ipmi.RangeError{Field: "length of the user name", Value: len(c.user), Max: 16}
	case c.password.Len() > limit:
		return &ipmi.RangeError{Field: "length of the password", Value: c.password.Len(),
			Max: uint64(limit)}
	case c.kg.Len() > lanplusPassword:
		return &ipmi.RangeError{Field: "length of the BMC key", Value: c.kg.Len(),
			Max: lanplusPassword}
	case c.privilege < ipmi.PrivilegeCallback || c.privilege > ipmi.PrivilegeOEM:
		return &ipmi.RangeError{Field: "privilege level", Value: uint8(c.privilege),
			Max: uint64(ipmi.PrivilegeOEM)}
	case c.window < 0 || c.window > maxPinned:
		return &ipmi.RangeError{Field: "window", Value: c.window, Max: maxPinned}
	case c.windowHint < 0:
		return &ipmi.RangeError{Field: "window hint", Value: c.windowHint, Max: maxPinned}
	case c.minRTO <= 0 || c.maxRTO < c.minRTO:
		return fmt.Errorf("retry timer from %v to %v", c.minRTO, c.maxRTO)
	case c.cipherSuite >= 0:
		if _, ok := rmcp.CipherSuiteByID(c.cipherSuite); !ok {
			return fmt.Errorf("%w: there is no cipher suite %d", ipmi.ErrCipherSuite, c.cipherSuite)
		}
	}
	return nil
}

// resolve returns the addresses of a host, at least one.
func (c *config) resolve(ctx context.Context, address string) ([]netip.AddrPort, error) {
	host, port := address, uint16(rmcp.Port)
	if h, p, err := net.SplitHostPort(address); err == nil && !isAddress(address) {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("%q is not a port", p)
		}
		host, port = h, uint16(n)
	}
	if host == "" {
		return nil, errors.New("no host name")
	}
	all := []netip.Addr{}
	if a, err := netip.ParseAddr(host); err == nil {
		all = append(all, a)
	} else if all, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, err
	}
	version := ""
	if c.ipVersion != 0 {
		version = fmt.Sprintf("IPv%d ", c.ipVersion)
		all = slices.DeleteFunc(all, func(a netip.Addr) bool {
			return a.Unmap().Is4() != (c.ipVersion == 4)
		})
	}
	if len(all) == 0 {
		return nil, &net.AddrError{Addr: host, Err: fmt.Sprintf("has no %saddress", version)}
	}
	peers := make([]netip.AddrPort, len(all))
	for i, a := range all {
		peers[i] = netip.AddrPortFrom(a.Unmap(), port)
	}
	return peers, nil
}

// isAddress reports whether s is an address without a port.
func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}
