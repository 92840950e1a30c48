package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

func newLAN(a *App) *cobra.Command {
	set := forcible(a, "set CHANNEL PARAMETER VALUE...", "Change the network settings of the BMC", "also what locks you out", runLANSet)
	set.Long = lanSetLong
	alertSet := leaf(a, "set CHANNEL DESTINATION PARAMETER VALUE", "Change where alerts go", runLANAlertSet)
	alertSet.Long = lanAlertSetLong
	print := leaf(a, "print [CHANNEL]", "Show the network settings of the BMC", runLANPrint)
	print.Aliases = []string{"printconf"}
	return group(a, "lan", "Network settings of the BMC",
		print, set,
		group(a, "alert", "Where alerts go",
			leaf(a, "print [CHANNEL] [DESTINATION]", "Show the alert destinations", runLANAlertPrint),
			alertSet),
		group(a, "stats", "Packet counters of the BMC",
			leaf(a, "get [CHANNEL]", "Show the counters", runLANStats),
			leaf(a, "clear [CHANNEL]", "Set the counters to 0", runLANStatsClear)))
}

// lanChannel returns the channel that the word names, which must be a LAN, or the first LAN of the BMC.
func (a *App) lanChannel(ctx context.Context, args []string, i int) (uint8, error) {
	first, last := int64(1), int64(ipmi.ChannelPresent)
	if len(args) > i {
		n, err := parseNumber(args[i], 0, 255)
		if err != nil {
			return 0, usagef("channel: %v", err)
		}
		if n < first || n > last {
			return 0, fmt.Errorf("%d is no channel of a LAN: those have numbers from 1 to 11", n)
		}
		first, last = n, n
	}
	for n := first; n <= last; n++ {
		i, err := do(ctx, a, ipmi.GetChannelInfo{Channel: uint8(n)})
		switch {
		case hasCode(err, ipmi.CodeInvalidCommand) && first == last:
			return uint8(n), nil // only the user knows: what is no LAN, the BMC refuses
		case hasCode(err, ipmi.CodeInvalidCommand):
			return 0, fmt.Errorf("the BMC does not say which of its channels are LANs (it has no Get Channel Info command); give the number of one, as 1")
		case err == nil && (i.Medium == ipmi.MediumLAN || i.Medium == ipmi.MediumOtherLAN):
			return uint8(n), nil
		case err != nil && !isRefusal(err):
			return 0, err
		}
	}
	if first == last {
		return 0, fmt.Errorf("channel %d of the BMC is not a LAN; without a number it is its first LAN, and \"channel info N\" shows what each is", first)
	}
	return 0, fmt.Errorf("the BMC has no LAN channel")
}

// isRefusal reports whether the BMC has answered with a completion code.
func isRefusal(err error) bool {
	_, ok := code(err)
	return ok
}

// lanConfig is what lan print prints. What the BMC does not have is nil.
type lanConfig struct {
	Channel         uint8           `json:"channel"`
	SetInProgress   *string         `json:"set_in_progress,omitempty"`
	AuthTypes       *[]string       `json:"auth_types_supported,omitempty"`
	AuthEnabled     *authEnabled    `json:"auth_types_enabled,omitempty"`
	IPSource        *string         `json:"ip_address_source,omitempty"`
	IPAddress       *string         `json:"ip_address,omitempty"`
	SubnetMask      *string         `json:"subnet_mask,omitempty"`
	MACAddress      *string         `json:"mac_address,omitempty"`
	Community       *string         `json:"snmp_community,omitempty"`
	IPHeader        *lanIPHeader    `json:"ip_header,omitempty"`
	ARP             *lanARP         `json:"bmc_arp,omitempty"`
	ARPInterval     *float64        `json:"gratuitous_arp_interval_seconds,omitempty"`
	Gateway         *string         `json:"default_gateway,omitempty"`
	GatewayMAC      *string         `json:"default_gateway_mac,omitempty"`
	BackupGateway   *string         `json:"backup_gateway,omitempty"`
	BackupMAC       *string         `json:"backup_gateway_mac,omitempty"`
	VLAN            *lanVLAN        `json:"vlan,omitempty"`
	VLANPriority    *uint8          `json:"vlan_priority,omitempty"`
	Suites          *[]int          `json:"cipher_suites,omitempty"`
	SuitePrivileges *[]string       `json:"cipher_suite_privileges,omitempty"`
	BadPassword     *lanBadPassword `json:"bad_password,omitempty"`

	suiteLetters string
	arpSeconds   int // as ipmitool shows the interval
}

type authEnabled struct {
	Callback []string `json:"callback"`
	User     []string `json:"user"`
	Operator []string `json:"operator"`
	Admin    []string `json:"admin"`
	OEM      []string `json:"oem"`
}

type lanIPHeader struct {
	TTL        uint8 `json:"ttl"`
	Flags      uint8 `json:"flags"`
	Precedence uint8 `json:"precedence"`
	TOS        uint8 `json:"tos"`
}

type lanARP struct {
	Responses  bool `json:"responses"`
	Gratuitous bool `json:"gratuitous"`
}

type lanVLAN struct {
	Enabled bool   `json:"enabled"`
	ID      uint16 `json:"id"`
}

type lanBadPassword struct {
	Threshold uint8 `json:"threshold"`
	Event     bool  `json:"event"`
	Reset     int   `json:"reset_interval_seconds"`
	Lockout   int   `json:"lockout_interval_seconds"`
}

func runLANPrint(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 1); err != nil {
		return err
	}
	channel, err := a.lanChannel(ctx, args, 0)
	if err != nil {
		return err
	}
	conn, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	v, err := readLANConfig(ctx, conn, channel)
	if err == nil {
		return a.Show(v, v.text, nil)
	}
	if v.SetInProgress != nil {
		// What could be read may be all that is needed.
		if shown := a.Show(v, v.text, nil); shown != nil {
			return shown
		}
	}
	return failed("Get LAN Parameter command", err)
}

// readLANConfig returns with an error what could be read nevertheless.
func readLANConfig(ctx context.Context, conn client.Conn, channel uint8) (lanConfig, error) {
	var (
		progress   *ipmi.SetInProgress
		support    *ipmi.LANAuthTypeSupport
		enables    *ipmi.LANAuthTypeEnables
		source     *ipmi.LANIPSource
		address    *ipmi.LANIPAddress
		mask       *ipmi.LANSubnetMask
		mac        *ipmi.LANMACAddress
		community  *ipmi.LANCommunity
		header     *ipmi.LANIPv4Header
		arp        *ipmi.LANARPControl
		interval   *ipmi.LANARPInterval
		gateway    *ipmi.LANDefaultGateway
		gatewayMAC *ipmi.LANDefaultGatewayMAC
		backup     *ipmi.LANBackupGateway
		backupMAC  *ipmi.LANBackupGatewayMAC
		vlan       *ipmi.LANVLANID
		priority   *ipmi.LANVLANPriority
		count      *ipmi.LANCipherSuiteCount
		suites     *ipmi.LANCipherSuites
		privileges *ipmi.LANCipherSuitePrivileges
		bad        *ipmi.LANBadPassword
	)
	r := newParamReader(ctx, conn)
	readLAN(r, channel, &progress)
	readLAN(r, channel, &support)
	readLAN(r, channel, &enables)
	readLAN(r, channel, &source)
	readLAN(r, channel, &address)
	readLAN(r, channel, &mask)
	readLAN(r, channel, &mac)
	readLAN(r, channel, &community)
	readLAN(r, channel, &header)
	readLAN(r, channel, &arp)
	readLAN(r, channel, &interval)
	readLAN(r, channel, &gateway)
	readLAN(r, channel, &gatewayMAC)
	readLAN(r, channel, &backup)
	readLAN(r, channel, &backupMAC)
	readLAN(r, channel, &vlan)
	readLAN(r, channel, &priority)
	readLAN(r, channel, &count)
	readLAN(r, channel, &suites)
	readLAN(r, channel, &privileges)
	readLAN(r, channel, &bad)
	v := lanConfig{Channel: channel}
	err := r.wait()
	if progress != nil {
		v.SetInProgress = new(setStateWord(progress.State))
	}
	if support != nil {
		v.AuthTypes = new(authWords(support.Types))
	}
	if p := enables; p != nil {
		v.AuthEnabled = &authEnabled{authWords(p.Callback), authWords(p.User), authWords(p.Operator), authWords(p.Administrator), authWords(p.OEM)}
	}
	if source != nil {
		v.IPSource = new(source.Source.String())
	}
	if address != nil {
		v.IPAddress = new(address.Address.String())
	}
	if mask != nil {
		v.SubnetMask = new(mask.Mask.String())
	}
	if mac != nil {
		v.MACAddress = new(mac.Address.String())
	}
	if community != nil {
		v.Community = &community.Community
	}
	if p := header; p != nil {
		v.IPHeader = &lanIPHeader{p.TTL, p.Flags << 5, p.Precedence << 5, p.ServiceType << 1}
	}
	if arp != nil {
		v.ARP = &lanARP{arp.Responses, arp.Gratuitous}
	}
	if interval != nil {
		v.ARPInterval = new(float64(interval.Interval)/2 + 0.5) // counted from 0
		v.arpSeconds = arpSeconds(interval.Interval)
	}
	if gateway != nil {
		v.Gateway = new(gateway.Address.String())
	}
	if gatewayMAC != nil {
		v.GatewayMAC = new(gatewayMAC.Address.String())
	}
	if backup != nil {
		v.BackupGateway = new(backup.Address.String())
	}
	if backupMAC != nil {
		v.BackupMAC = new(backupMAC.Address.String())
	}
	if vlan != nil {
		v.VLAN = &lanVLAN{vlan.Enabled, vlan.ID}
	}
	if priority != nil {
		v.VLANPriority = &priority.Priority
	}
	if count != nil && suites != nil {
		ids := []int{}
		for _, id := range suites.IDs[:min(len(suites.IDs), int(count.Count))] {
			ids = append(ids, int(id))
		}
		v.Suites = &ids
	} else if count != nil {
		v.Suites = new([]int)
	}
	if privileges != nil {
		var words []string
		for _, p := range privileges.Max {
			words = append(words, strings.ToLower(choose(p == 0, "unused", p.String())))
			v.suiteLetters += string(privilegeLetter(p))
		}
		v.SuitePrivileges = &words
	}
	if p := bad; p != nil {
		v.BadPassword = &lanBadPassword{p.Threshold, p.Event, 10 * int(p.ResetInterval), 10 * int(p.Lockout)}
	}
	return v, err
}

// setStateWord is the value of SetInProgress in lan print.
func setStateWord(s ipmi.SetState) string {
	return [...]string{"Set Complete", "Set In Progress", "Commit Write", "Reserved"}[s&3]
}

// arpSeconds is a gratuitous ARP interval in whole seconds, as ipmitool rounds it.
func arpSeconds(interval uint8) int { return (int(interval) + 1) / 2 }

// authWords are the names of authentication types in ipmitool's order.
func authWords(s ipmi.AuthTypes) []string {
	words := []string{}
	for _, t := range [...]ipmi.AuthType{ipmi.AuthNone, ipmi.AuthMD2, ipmi.AuthMD5, ipmi.AuthPassword, ipmi.AuthOEM} {
		if s.Has(t) {
			words = append(words, t.String())
		}
	}
	return words
}

// privilegeLetter is a privilege level in ipmitool's list of those of cipher suites.
func privilegeLetter(p ipmi.Privilege) byte {
	if p >= ipmi.PrivilegeCallback && p <= ipmi.PrivilegeOEM {
		return privilegeLetters[p]
	}
	return privilegeLetters[0]
}

// privilegeLetters has the letter of each privilege level; X is none.
const privilegeLetters = "XcuoaO"

func (v lanConfig) text(w io.Writer) {
	line := func(key, format string, values ...any) {
		fmt.Fprintf(w, "%-24s: "+format+"\n", append([]any{key}, values...)...)
	}
	maybe := func(key string, s *string) {
		if s != nil {
			line(key, "%s", printable(*s))
		}
	}
	words := func(list []string) string {
		s := ""
		for _, word := range list {
			s += word + " "
		}
		return s
	}
	maybe("Set in Progress", v.SetInProgress)
	if v.AuthTypes != nil {
		line("Auth Type Support", "%s", words(*v.AuthTypes))
	}
	if e := v.AuthEnabled; e != nil {
		line("Auth Type Enable", "Callback : %s", words(e.Callback))
		line("", "User     : %s", words(e.User))
		line("", "Operator : %s", words(e.Operator))
		line("", "Admin    : %s", words(e.Admin))
		line("", "OEM      : %s", words(e.OEM))
	}
	maybe("IP Address Source", v.IPSource)
	maybe("IP Address", v.IPAddress)
	maybe("Subnet Mask", v.SubnetMask)
	maybe("MAC Address", v.MACAddress)
	maybe("SNMP Community String", v.Community)
	if h := v.IPHeader; h != nil {
		line("IP Header", "TTL=0x%02x Flags=0x%02x Precedence=0x%02x TOS=0x%02x", h.TTL, h.Flags, h.Precedence, h.TOS)
	}
	if v.ARP != nil {
		line("BMC ARP Control", "ARP Responses %s, Gratuitous ARP %s", choose(v.ARP.Responses, "Enabled", "Disabled"), choose(v.ARP.Gratuitous, "Enabled", "Disabled"))
	}
	if v.ARPInterval != nil {
		line("Gratituous ARP Intrvl", "%d.0 seconds", v.arpSeconds) // spelled so in ipmitool
	}
	maybe("Default Gateway IP", v.Gateway)
	maybe("Default Gateway MAC", v.GatewayMAC)
	maybe("Backup Gateway IP", v.BackupGateway)
	maybe("Backup Gateway MAC", v.BackupMAC)
	if v.VLAN != nil {
		line("802.1q VLAN ID", "%s", choose(v.VLAN.Enabled, fmt.Sprint(v.VLAN.ID), "Disabled"))
	}
	if v.VLANPriority != nil {
		line("802.1q VLAN Priority", "%d", *v.VLANPriority)
	}
	if v.Suites != nil {
		list := strings.Trim(strings.ReplaceAll(fmt.Sprint(*v.Suites), " ", ","), "[]")
		line("RMCP+ Cipher Suites", "%s", choose(*v.Suites == nil, "None", list))
	}
	if v.SuitePrivileges != nil {
		line("Cipher Suite Priv Max", "%s", v.suiteLetters[:15])
		for _, legend := range [...]string{"X=Cipher Suite Unused", "c=CALLBACK", "u=USER", "o=OPERATOR", "a=ADMIN", "O=OEM"} {
			line("", "    %s", legend)
		}
	} else {
		line("Cipher Suite Priv Max", "Not Available")
	}
	if b := v.BadPassword; b != nil {
		line("Bad Password Threshold", "%d", b.Threshold)
		line("Invalid password disable", "%s", choose(b.Event, "yes", "no"))
		line("Attempt Count Reset Int.", "%d", b.Reset)
		line("User Lockout Interval", "%d", b.Lockout)
	} else {
		line("Bad Password Threshold", "Not Available")
	}
}
