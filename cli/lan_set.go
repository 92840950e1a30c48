package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

const lanSetLong = `Change the network settings of the BMC, and read them back until the BMC has made them its own.

PARAMETER and VALUE are
  ipaddr ADDRESS              the IPv4 address
  netmask MASK
  macaddr XX:XX:XX:XX:XX:XX
  defgw ipaddr|macaddr VALUE  the default gateway
  bakgw ipaddr|macaddr VALUE  the backup gateway
  ipsrc none|static|dhcp|bios where the address comes from
  vlan id NUMBER|off
  vlan priority 0-7
  snmp COMMUNITY              the community of traps
  arp respond|generate on|off
  arp interval SECONDS        between gratuitous ARPs; 0 shows it
  auth LEVELS TYPES           IPMI 1.5 authentication: levels of callback, user, operator, admin and
                              types of none, md2, md5, password, oem, words apart by commas
  cipher_privs LETTERS        the most that sessions with each cipher suite may do: X nothing,
                              c callback, u user, o operator, a administrator, O OEM
  bad_pass_thresh N 1|0 RESET LOCKOUT
                              lock a user out after N wrong passwords; 1 logs an event; the
                              times, in tens of seconds, are until wrong passwords are forgotten
                              and until the user may log in again
  access on|off               IPMI over this channel
  alert on|off                alerts over this channel
  user                        let the user without a name (ID 1) in as administrator
  password [PASSWORD]         the password of user ID 1`

// A lanSetter carries out one form of lan set with the words behind the parameter's name.
type lanSetter struct {
	a       *App
	ctx     context.Context
	conn    client.Conn
	channel uint8
	args    []string
	force   bool
}

func runLANSet(ctx context.Context, a *App, args []string, force bool) error {
	if err := wantArgs(args, 2, -1); err != nil {
		return err
	}
	setters := map[string]struct {
		words int // behind the name, at the least; one more is too much
		set   func(*lanSetter) error
	}{
		"ipaddr": {1, (*lanSetter).address}, "netmask": {1, (*lanSetter).mask}, "macaddr": {1, (*lanSetter).mac},
		"defgw": {2, (*lanSetter).gateway}, "bakgw": {2, (*lanSetter).backupGateway}, "ipsrc": {1, (*lanSetter).source},
		"vlan": {2, (*lanSetter).vlan}, "snmp": {1, (*lanSetter).community}, "arp": {2, (*lanSetter).arp}, "auth": {2, (*lanSetter).auth},
		"cipher_privs": {1, (*lanSetter).suites}, "bad_pass_thresh": {4, (*lanSetter).badPassword},
		"access": {1, (*lanSetter).access}, "alert": {1, (*lanSetter).alert}, "user": {0, (*lanSetter).user}, "password": {-1, (*lanSetter).password},
	}
	s, ok := setters[args[1]]
	if !ok {
		return usagef("there is no LAN parameter %q; \"lan set help\" lists them", args[1])
	}
	words := args[2:]
	if s.words >= 0 {
		if err := wantArgs(words, s.words, s.words); err != nil {
			return err
		}
	} else if err := wantArgs(words, 0, 1); err != nil {
		return err
	}
	channel, err := a.lanChannel(ctx, args[:1], 0)
	if err != nil {
		return err
	}
	conn, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	return s.set(&lanSetter{a, ctx, conn, channel, words, force})
}

// setLAN writes a LAN parameter and reads it back. Before, it tells in the sentence what it is about to do.
func setLAN[P interface {
	comparable
	ipmi.LANParameter
}, PP ipmi.Reader[P]](s *lanSetter, p P, sentence string) error {
	if err := s.a.announceSet(sentence); err != nil {
		return err
	}
	err := guarded(s.ctx, s.claim, func() error {
		return writeAndLook(s.ctx, func() error { return client.SetLANParam(s.ctx, s.conn, s.channel, p) }, func() (bool, error) {
			got, err := client.LANParam[P, PP](s.ctx, s.conn, s.channel)
			if err != nil && !isRefusal(err) {
				return false, err
			}
			return err == nil && got == p, nil
		})
	})
	switch {
	case errors.Is(err, ipmi.ErrTimeout):
		return fmt.Errorf("%s: the value was set, and then the BMC answered no more; it may be reached under other settings now", s.a.Options.peer())
	case err != nil:
		return failed("Set LAN Parameter command", err)
	}
	return s.a.wasSet(sentence)
}

func (s *lanSetter) claim(ctx context.Context, p ipmi.SetInProgress) error {
	return client.SetLANParam(ctx, s.conn, s.channel, p)
}

// announceSet prints a sentence before something is set; wasSet prints it afterwards, where it is
// part of a JSON answer.
func (a *App) announceSet(sentence string) error {
	if a.Options.JSON || sentence == "" {
		return nil
	}
	_, err := fmt.Fprintln(a.Out, sentence)
	return err
}

func (a *App) wasSet(sentence string) error {
	if !a.Options.JSON {
		return nil
	}
	return a.Done(sentence)
}

// ipv4Arg reads an IPv4 address.
func ipv4Arg(word string) (ipmi.IPv4Address, error) {
	a, err := netip.ParseAddr(word)
	if err != nil || !a.Is4() {
		return ipmi.IPv4Address{}, usagef("%q is no IPv4 address such as 192.0.2.10", word)
	}
	return a.As4(), nil
}

// macArg reads a MAC address.
func macArg(word string) (ipmi.MACAddress, error) {
	b, err := hex.DecodeString(strings.NewReplacer(":", "", "-", "").Replace(word))
	if err != nil || len(b) != 6 || strings.Count(word, ":")+strings.Count(word, "-") != 5 {
		return ipmi.MACAddress{}, usagef("%q is no MAC address such as 02:00:5e:10:00:01", word)
	}
	return ipmi.MACAddress(b), nil
}

func (s *lanSetter) address() error {
	ip, err := ipv4Arg(s.args[0])
	if err != nil {
		return err
	}
	return setLAN(s, ipmi.LANIPAddress{Address: ip}, "Setting LAN IP Address to "+ip.String())
}

func (s *lanSetter) mask() error {
	ip, err := ipv4Arg(s.args[0])
	if err != nil {
		return err
	}
	return setLAN(s, ipmi.LANSubnetMask{Mask: ip}, "Setting LAN Subnet Mask to "+ip.String())
}

func (s *lanSetter) mac() error {
	mac, err := macArg(s.args[0])
	if err != nil {
		return err
	}
	return setLAN(s, ipmi.LANMACAddress{Address: mac}, "Setting LAN MAC Address to "+mac.String())
}

func (s *lanSetter) gateway() error {
	return s.gatewayOf("Setting LAN Default Gateway",
		func(ip ipmi.IPv4Address, sentence string) error {
			return setLAN(s, ipmi.LANDefaultGateway{Address: ip}, sentence)
		},
		func(mac ipmi.MACAddress, sentence string) error {
			return setLAN(s, ipmi.LANDefaultGatewayMAC{Address: mac}, sentence)
		})
}

func (s *lanSetter) backupGateway() error {
	return s.gatewayOf("Setting LAN Backup Gateway",
		func(ip ipmi.IPv4Address, sentence string) error {
			return setLAN(s, ipmi.LANBackupGateway{Address: ip}, sentence)
		},
		func(mac ipmi.MACAddress, sentence string) error {
			return setLAN(s, ipmi.LANBackupGatewayMAC{Address: mac}, sentence)
		})
}

func (s *lanSetter) gatewayOf(sentence string, setIP func(ipmi.IPv4Address, string) error, setMAC func(ipmi.MACAddress, string) error) error {
	switch s.args[0] {
	case "ipaddr":
		ip, err := ipv4Arg(s.args[1])
		if err != nil {
			return err
		}
		return setIP(ip, sentence+" IP to "+ip.String())
	case "macaddr":
		mac, err := macArg(s.args[1])
		if err != nil {
			return err
		}
		return setMAC(mac, sentence+" MAC to "+mac.String())
	}
	return usagef("of a gateway ipaddr or macaddr can be set, not %q", s.args[0])
}

func (s *lanSetter) source() error {
	sources := map[string]ipmi.IPSource{"none": ipmi.IPSourceUnspecified, "static": ipmi.IPSourceStatic, "dhcp": ipmi.IPSourceDHCP, "bios": ipmi.IPSourceBIOS}
	source, ok := sources[s.args[0]]
	if !ok {
		return usagef("%q is no address source: none, static, dhcp and bios are", s.args[0])
	}
	return setLAN(s, ipmi.LANIPSource{Source: source}, "")
}

func (s *lanSetter) vlan() error {
	switch s.args[0] {
	case "id":
		if s.args[1] != "off" {
			id, err := parseNumber(s.args[1], 1, 4094)
			if err != nil {
				return usagef("VLAN ID: %v", err)
			}
			return setLAN(s, ipmi.LANVLANID{ID: uint16(id), Enabled: true}, "")
		}
		now, err := client.LANParam[ipmi.LANVLANID](s.ctx, s.conn, s.channel)
		if err != nil && !missingParam(err) {
			return failed("Get LAN Parameter command", err)
		}
		if err == nil && now.ID == 0 && !now.Enabled {
			return s.a.Done(fmt.Sprintf("VLAN is already disabled for channel %d", s.channel))
		}
		now.Enabled = false
		return setLAN(s, now, "")
	case "priority":
		n, err := parseNumber(s.args[1], 0, 7)
		if err != nil {
			return usagef("VLAN priority: %v", err)
		}
		return setLAN(s, ipmi.LANVLANPriority{Priority: uint8(n)}, "")
	}
	return usagef("of a VLAN id or priority can be set, not %q", s.args[0])
}

func (s *lanSetter) community() error {
	if len(s.args[0]) > 18 {
		return usagef("the community has %d bytes, 18 are possible", len(s.args[0]))
	}
	return setLAN(s, ipmi.LANCommunity{Community: s.args[0]}, "Setting LAN SNMP Community String to "+s.args[0])
}

func (s *lanSetter) arp() error {
	if s.args[0] == "interval" {
		return s.arpInterval()
	}
	if s.args[0] != "respond" && s.args[0] != "generate" {
		return usagef("of ARP respond, generate or interval can be set, not %q", s.args[0])
	}
	on, err := parseOnOff(s.args[1])
	if err != nil {
		return usagef("%v", err)
	}
	p, err := client.LANParam[ipmi.LANARPControl](s.ctx, s.conn, s.channel)
	if err != nil {
		return failed("Get LAN Parameter command", err)
	}
	what := "ARP responses"
	if s.args[0] == "respond" {
		p.Responses = on
	} else {
		what = "Gratuitous ARPs"
		p.Gratuitous = on
	}
	return setLAN(s, p, choose(on, "Enabling", "Disabling")+" BMC-generated "+what)
}

func (s *lanSetter) arpInterval() error {
	seconds, err := parseNumber(s.args[1], 0, 127)
	if err != nil {
		return usagef("ARP interval: %v", err)
	}
	p, err := client.LANParam[ipmi.LANARPInterval](s.ctx, s.conn, s.channel)
	if err != nil {
		return failed("Get LAN Parameter command", err)
	}
	if seconds != 0 {
		p.Interval = uint8(seconds*2 - 1) // counted from 0
		if err := setLAN(s, p, ""); err != nil {
			return err
		}
		if s.a.Options.JSON {
			return nil
		}
	}
	return s.a.Done(fmt.Sprintf("BMC-generated Gratuitous ARP interval:  %d.0 seconds", arpSeconds(p.Interval)))
}

func (s *lanSetter) auth() error {
	words := map[string]ipmi.AuthType{"none": ipmi.AuthNone, "md2": ipmi.AuthMD2, "md5": ipmi.AuthMD5, "password": ipmi.AuthPassword, "key": ipmi.AuthPassword, "oem": ipmi.AuthOEM}
	var types ipmi.AuthTypes
	for word := range strings.SplitSeq(s.args[1], ",") {
		t, ok := words[strings.ToLower(word)]
		if !ok {
			return usagef("%q is no authentication type: none, md2, md5, password and oem are", word)
		}
		types |= 1 << t
	}
	p, err := client.LANParam[ipmi.LANAuthTypeEnables](s.ctx, s.conn, s.channel)
	if err != nil {
		return failed("Get LAN Parameter command", err)
	}
	for word := range strings.SplitSeq(s.args[0], ",") {
		switch strings.ToLower(word) {
		case "callback":
			p.Callback = types
		case "user":
			p.User = types
		case "operator":
			p.Operator = types
		case "admin", "administrator":
			p.Administrator = types
		default:
			return usagef("%q is no privilege level: callback, user, operator and admin are", word)
		}
	}
	return setLAN(s, p, "")
}

func (s *lanSetter) suites() error {
	letters := s.args[0]
	if len(letters) != 15 && len(letters) != 16 {
		return usagef("%q has %d letters; 15 are needed, or 16", letters, len(letters))
	}
	// The 16th suite keeps what it has if it is not named.
	p, err := client.LANParam[ipmi.LANCipherSuitePrivileges](s.ctx, s.conn, s.channel)
	if err != nil {
		return failed("Get LAN Parameter command", err)
	}
	for i, c := range []byte(letters) {
		level := strings.IndexByte(privilegeLetters, c)
		if level < 0 {
			return usagef("%q is no letter of a privilege level: X, c, u, o, a and O are", c)
		}
		p.Max[i] = ipmi.Privilege(level)
	}
	if !s.force && !slices.ContainsFunc(p.Max[:], mayAdminister) {
		switch own, err := s.a.ownChannel(s.ctx, s.channel); {
		case err != nil:
			return err
		case own:
			return fmt.Errorf("%q lets no administrator in over channel %d, which you came over; "+
				"leave the letter a to one of its suites, or give --force", letters, s.channel)
		}
	}
	return setLAN(s, p, "")
}

func (s *lanSetter) badPassword() error {
	var n [4]uint16
	for i, most := range [...]int64{255, 1, 65535, 65535} {
		v, err := parseNumber(s.args[i], 0, most)
		if err != nil {
			return usagef("%v", err)
		}
		n[i] = uint16(v)
	}
	return setLAN(s, ipmi.LANBadPassword{Threshold: uint8(n[0]), Event: n[1] == 1, ResetInterval: n[2], Lockout: n[3]}, "")
}

func (s *lanSetter) access() error {
	on, err := parseOnOff(s.args[0])
	if err != nil {
		return usagef("%v", err)
	}
	if !on && !s.force {
		switch own, err := s.a.ownChannel(s.ctx, s.channel); {
		case err != nil:
			return err
		case own:
			return fmt.Errorf("channel %d is the one you came over, and nobody could switch it on again from here; "+
				"do it over another channel or in band, or give --force", s.channel)
		}
	}
	for _, setting := range [...]ipmi.AccessSetting{ipmi.AccessNonVolatile, ipmi.AccessVolatile} {
		now, err := client.Do(s.ctx, s.conn, ipmi.GetChannelAccess{Channel: s.channel, Setting: setting})
		if err != nil {
			return failed("Get Channel Access command", err)
		}
		q := channelAccessOf(s.channel, now, setting)
		q.SetLimit, q.Limit = setting, ipmi.PrivilegeAdministrator
		if q.Mode = ipmi.AccessDisabled; on {
			q.Mode = ipmi.AccessAlways
		}
		if _, err := client.Do(s.ctx, s.conn, q); err != nil {
			return failed("Set Channel Access command", err)
		}
	}
	return s.a.Done(fmt.Sprintf("Set Channel Access for channel %d was successful.", s.channel))
}

func (s *lanSetter) alert() error {
	on, err := parseOnOff(s.args[0])
	if err != nil {
		return usagef("%v", err)
	}
	first := fmt.Sprintf("%s PEF alerts for LAN channel %d", choose(on, "Enabling", "Disabling"), s.channel)
	if err := s.a.announceSet(first); err != nil {
		return err
	}
	now, err := client.Do(s.ctx, s.conn, ipmi.GetChannelAccess{Channel: s.channel, Setting: ipmi.AccessNonVolatile})
	if err != nil {
		return failed("Get Channel Access command", err)
	}
	now.Alerting = on
	for _, setting := range [...]ipmi.AccessSetting{ipmi.AccessNonVolatile, ipmi.AccessVolatile} {
		if _, err := client.Do(s.ctx, s.conn, channelAccessOf(s.channel, now, setting)); err != nil {
			return failed("Set Channel Access command", err)
		}
	}
	return s.a.Done(fmt.Sprintf("PEF alerts for channel %d %s.", s.channel, enabled(on)))
}

// channelAccessOf is the request that makes now the access of a channel, but for the privilege limit.
func channelAccessOf(channel uint8, now ipmi.ChannelAccess, setting ipmi.AccessSetting) ipmi.SetChannelAccess {
	return ipmi.SetChannelAccess{Channel: channel, SetAccess: setting, Alerting: now.Alerting, PerMessage: now.PerMessage,
		UserLevel: now.UserLevel, Mode: now.Mode, Limit: now.Limit}
}

func (s *lanSetter) user() error {
	_, err := client.Do(s.ctx, s.conn, ipmi.SetUserAccess{Channel: s.channel, User: 1, Limit: ipmi.PrivilegeAdministrator})
	if err != nil {
		return failed("Set User Access command", err)
	}
	return s.a.Done(fmt.Sprintf("Set User Access for channel %d was successful.", s.channel))
}

func (s *lanSetter) password() error {
	word := ""
	var err error
	if len(s.args) > 0 {
		word = s.args[0]
	} else if word, err = s.a.newPassword(s.ctx, 1); err != nil {
		return err
	}
	if err := checkPasswordSize(word, false); err != nil {
		return err
	}
	q := ipmi.SetUserPassword{User: 1, Operation: ipmi.PasswordSet, Password: ipmi.NewSecret(word)}
	if _, err := client.Do(s.ctx, s.conn, q); err != nil {
		return failed("Set User Password command (user 1)", err)
	}
	return s.a.Done("Password set for user 1")
}
