package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/machine"
	"lom/render"
)

const lanSetLong = `Change the network settings of the BMC, and read them back until the BMC has
made them its own.

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

func newLANSet(a *App) *cobra.Command {
	var force bool
	set := change(a, "set CHANNEL PARAMETER VALUE...", "Change the network settings of the BMC",
		func(ctx context.Context, a *App, args []string) (string, error) {
			return runLANSet(ctx, a, args, force)
		})
	set.Flags().BoolVar(&force, "force", false, "also what locks you out")
	set.Long = lanSetLong
	return set
}

// A lanSetter is the channel of which lan set changes a setting.
type lanSetter struct {
	a       *App
	m       *machine.Machine
	channel uint8
	force   bool // also what locks the user out
}

// A lanChange makes a change, and returns the sentence to print after it.
type lanChange func(ctx context.Context, s *lanSetter) (string, error)

// lanSetters read the words after a parameter's name. Of words there is a number, or one or none.
var lanSetters = map[string]struct {
	words int // -1: one or none
	read  func(words []string) (lanChange, error)
}{
	"ipaddr": {1, lanAddress}, "netmask": {1, lanMask}, "macaddr": {1, lanMAC},
	"defgw": {2, lanGateway}, "bakgw": {2, lanBackupGateway}, "ipsrc": {1, lanSource},
	"vlan": {2, lanVLAN}, "snmp": {1, lanCommunity}, "arp": {2, lanARP}, "auth": {2, lanAuth},
	"cipher_privs": {1, lanSuites}, "bad_pass_thresh": {4, lanBadPassword},
	"access": {1, lanAccess}, "alert": {1, lanAlerting}, "user": {0, lanUser},
	"password": {-1, lanPassword},
}

func runLANSet(ctx context.Context, a *App, args []string, force bool) (string, error) {
	if err := wantArgs(args, 2, -1); err != nil {
		return "", err
	}
	setter, ok := lanSetters[args[1]]
	if !ok {
		return "", usagef("there is no LAN parameter %q; \"lan set help\" lists them", args[1])
	}
	least, most := setter.words, setter.words
	if setter.words < 0 {
		least, most = 0, 1
	}
	if err := wantArgs(args[2:], least, most); err != nil {
		return "", err
	}
	change, err := setter.read(args[2:])
	if err != nil {
		return "", err
	}
	m, channel, err := a.lanChannel(ctx, args)
	if err != nil {
		return "", err
	}
	// In band nobody can be locked out.
	force = force || a.Options.inBand() || a.Options.serial()
	sentence, err := change(ctx, &lanSetter{a, m, channel, force})
	var silent *machine.LANSilentError
	var lockout *machine.LANLockoutError
	switch {
	case errors.As(err, &silent):
		return "", fmt.Errorf("%s: %v; it may be reached under other settings now",
			a.Options.peer(), silent)
	case errors.As(err, &lockout) && args[1] == "access":
		return "", fmt.Errorf("channel %d is the one you came over, and nobody could switch it on "+
			"again from here; do it over another channel or in band, or give --force", channel)
	case errors.As(err, &lockout):
		return "", fmt.Errorf("%q lets no administrator in over channel %d, which you came over; "+
			"leave the letter a to one of its suites, or give --force", args[2], channel)
	}
	return sentence, err
}

// announced prints a sentence, carries out what it says, and returns the sentence for the result if
// that is not a text.
func (a *App) announced(sentence string, set func() error) (string, error) {
	if a.Options.JSON || sentence == "" {
		return sentence, set()
	}
	if _, err := fmt.Fprintln(a.Out, sentence); err != nil {
		return "", err
	}
	return "", set()
}

// setLAN makes a change that sets one parameter, after the sentence was printed.
func setLAN[P interface {
	comparable
	ipmi.LANParameter
}, PP ipmi.Reader[P]](p P, sentence string) (lanChange, error) {
	return func(ctx context.Context, s *lanSetter) (string, error) {
		return s.a.announced(sentence, func() error {
			return machine.SetLANParameter[P, PP](ctx, s.m, s.channel, p)
		})
	}, nil
}

// changeLAN makes a change of a parameter that has several values. It reads it before it prints the
// sentence.
func changeLAN[P interface {
	comparable
	ipmi.LANParameter
}, PP ipmi.Reader[P]](sentence string, change func(*P)) (lanChange, error) {
	return func(ctx context.Context, s *lanSetter) (string, error) {
		p, err := machine.LANParameter[P, PP](ctx, s.m, s.channel)
		if err != nil {
			return "", err
		}
		change(&p)
		return s.a.announced(sentence, func() error {
			return machine.SetLANParameter[P, PP](ctx, s.m, s.channel, p)
		})
	}, nil
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

func lanAddress(words []string) (lanChange, error) {
	ip, err := ipv4Arg(words[0])
	if err != nil {
		return nil, err
	}
	return setLAN(ipmi.LANIPAddress{Address: ip}, "Setting LAN IP Address to "+ip.String())
}

func lanMask(words []string) (lanChange, error) {
	ip, err := ipv4Arg(words[0])
	if err != nil {
		return nil, err
	}
	return setLAN(ipmi.LANSubnetMask{Mask: ip}, "Setting LAN Subnet Mask to "+ip.String())
}

func lanMAC(words []string) (lanChange, error) {
	mac, err := macArg(words[0])
	if err != nil {
		return nil, err
	}
	return setLAN(ipmi.LANMACAddress{Address: mac}, "Setting LAN MAC Address to "+mac.String())
}

func lanGateway(words []string) (lanChange, error) {
	return gatewayOf(words, "Setting LAN Default Gateway",
		func(ip ipmi.IPv4Address, sentence string) (lanChange, error) {
			return setLAN(ipmi.LANDefaultGateway{Address: ip}, sentence)
		},
		func(mac ipmi.MACAddress, sentence string) (lanChange, error) {
			return setLAN(ipmi.LANDefaultGatewayMAC{Address: mac}, sentence)
		})
}

func lanBackupGateway(words []string) (lanChange, error) {
	return gatewayOf(words, "Setting LAN Backup Gateway",
		func(ip ipmi.IPv4Address, sentence string) (lanChange, error) {
			return setLAN(ipmi.LANBackupGateway{Address: ip}, sentence)
		},
		func(mac ipmi.MACAddress, sentence string) (lanChange, error) {
			return setLAN(ipmi.LANBackupGatewayMAC{Address: mac}, sentence)
		})
}

func gatewayOf(
	words []string, sentence string,
	setIP func(ipmi.IPv4Address, string) (lanChange, error),
	setMAC func(ipmi.MACAddress, string) (lanChange, error),
) (lanChange, error) {
	switch words[0] {
	case "ipaddr":
		ip, err := ipv4Arg(words[1])
		if err != nil {
			return nil, err
		}
		return setIP(ip, sentence+" IP to "+ip.String())
	case "macaddr":
		mac, err := macArg(words[1])
		if err != nil {
			return nil, err
		}
		return setMAC(mac, sentence+" MAC to "+mac.String())
	}
	return nil, usagef("of a gateway ipaddr or macaddr can be set, not %q", words[0])
}

func lanSource(words []string) (lanChange, error) {
	sources := map[string]ipmi.IPSource{
		"none": ipmi.IPSourceUnspecified, "static": ipmi.IPSourceStatic, "dhcp": ipmi.IPSourceDHCP,
		"bios": ipmi.IPSourceBIOS,
	}
	source, ok := sources[words[0]]
	if !ok {
		return nil, usagef("%q is not an address source: none, static, dhcp and bios are", words[0])
	}
	return setLAN(ipmi.LANIPSource{Source: source}, "")
}

func lanVLAN(words []string) (lanChange, error) {
	switch {
	case words[0] == "id" && words[1] == "off":
		return func(ctx context.Context, s *lanSetter) (string, error) {
			was, err := s.m.DisableVLAN(ctx, s.channel)
			if err != nil || was {
				return "", err
			}
			return fmt.Sprintf("VLAN is already disabled for channel %d", s.channel), nil
		}, nil
	case words[0] == "id":
		id, err := parseNumber(words[1], 1, 4094)
		if err != nil {
			return nil, usagef("VLAN ID: %v", err)
		}
		return setLAN(ipmi.LANVLANID{ID: uint16(id), Enabled: true}, "")
	case words[0] == "priority":
		n, err := parseNumber(words[1], 0, 7)
		if err != nil {
			return nil, usagef("VLAN priority: %v", err)
		}
		return setLAN(ipmi.LANVLANPriority{Priority: uint8(n)}, "")
	}
	return nil, usagef("of a VLAN id or priority can be set, not %q", words[0])
}

func lanCommunity(words []string) (lanChange, error) {
	if len(words[0]) > 18 {
		return nil, usagef("the community has %d bytes, 18 are possible", len(words[0]))
	}
	return setLAN(ipmi.LANCommunity{Community: words[0]},
		"Setting LAN SNMP Community String to "+words[0])
}

func lanARP(words []string) (lanChange, error) {
	if words[0] == "interval" {
		return lanARPInterval(words[1])
	}
	if words[0] != "respond" && words[0] != "generate" {
		return nil, usagef("of ARP respond, generate or interval can be set, not %q", words[0])
	}
	on, err := parseOnOff(words[1])
	if err != nil {
		return nil, usagef("%v", err)
	}
	verb := choose(on, "Enabling", "Disabling") + " BMC-generated "
	if words[0] == "respond" {
		return changeLAN(verb+"ARP responses", func(p *ipmi.LANARPControl) { p.Responses = on })
	}
	return changeLAN(verb+"Gratuitous ARPs", func(p *ipmi.LANARPControl) { p.Gratuitous = on })
}

func lanARPInterval(word string) (lanChange, error) {
	seconds, err := parseNumber(word, 0, 127)
	if err != nil {
		return nil, usagef("ARP interval: %v", err)
	}
	return func(ctx context.Context, s *lanSetter) (string, error) {
		p, err := machine.LANParameter[ipmi.LANARPInterval](ctx, s.m, s.channel)
		if err == nil && seconds != 0 {
			p.Interval = uint8(seconds*2 - 1) // counted from 0
			err = machine.SetLANParameter(ctx, s.m, s.channel, p)
		}
		return "BMC-generated Gratuitous ARP interval:  " + render.ARPInterval(p), err
	}, nil
}

func lanAuth(words []string) (lanChange, error) {
	byWord := map[string]ipmi.AuthType{
		"none": ipmi.AuthNone, "md2": ipmi.AuthMD2, "md5": ipmi.AuthMD5,
		"password": ipmi.AuthPassword, "key": ipmi.AuthPassword, "oem": ipmi.AuthOEM,
	}
	var types ipmi.AuthTypes
	for word := range strings.SplitSeq(words[1], ",") {
		t, ok := byWord[strings.ToLower(word)]
		if !ok {
			return nil, usagef("%q is not an authentication type: "+
				"none, md2, md5, password and oem are", word)
		}
		types |= 1 << t
	}
	levels := strings.Split(strings.ToLower(words[0]), ",")
	for _, level := range levels {
		if lanAuthLevel(new(ipmi.LANAuthTypeEnables), level) == nil {
			return nil, usagef("%q is not a privilege level: "+
				"callback, user, operator and admin are", level)
		}
	}
	return changeLAN("", func(p *ipmi.LANAuthTypeEnables) {
		for _, level := range levels {
			*lanAuthLevel(p, level) = types
		}
	})
}

// lanAuthLevel returns the authentication types of a privilege level, nil if there is no such
// level.
func lanAuthLevel(p *ipmi.LANAuthTypeEnables, level string) *ipmi.AuthTypes {
	switch level {
	case "callback":
		return &p.Callback
	case "user":
		return &p.User
	case "operator":
		return &p.Operator
	case "admin", "administrator":
		return &p.Administrator
	}
	return nil
}

func lanSuites(words []string) (lanChange, error) {
	letters := words[0]
	if len(letters) != 15 && len(letters) != 16 {
		return nil, usagef("%q has %d letters; 15 are needed, or 16", letters, len(letters))
	}
	for _, c := range []byte(letters) {
		if strings.IndexByte(render.PrivilegeLetters, c) < 0 {
			return nil, usagef("%q is not a letter of a privilege level: "+
				"X, c, u, o, a and O are", c)
		}
	}
	return func(ctx context.Context, s *lanSetter) (string, error) {
		// The 16th suite keeps what it has if it is not named.
		p, err := machine.LANParameter[ipmi.LANCipherSuitePrivileges](ctx, s.m, s.channel)
		if err != nil {
			return "", err
		}
		for i, c := range []byte(letters) {
			p.Max[i] = ipmi.Privilege(strings.IndexByte(render.PrivilegeLetters, c))
		}
		return "", s.m.SetLANSuites(ctx, s.channel, p, s.force)
	}, nil
}

func lanBadPassword(words []string) (lanChange, error) {
	var n [4]uint16
	for i, most := range [...]int64{255, 1, 65535, 65535} {
		v, err := parseNumber(words[i], 0, most)
		if err != nil {
			return nil, usagef("%v", err)
		}
		n[i] = uint16(v)
	}
	return setLAN(ipmi.LANBadPassword{
		Threshold: uint8(n[0]), Event: n[1] == 1, ResetInterval: n[2], Lockout: n[3],
	}, "")
}
