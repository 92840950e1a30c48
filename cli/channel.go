package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	fmt "lom/internal/plainfmt"
	"lom/ipmi"
	"lom/rmcp"
)

func newChannel(a *App) *cobra.Command {
	return group(a, "channel", "Channels of the BMC: what they are, and who may use them",
		leaf(a, "info [CHANNEL]", "Show what a channel is", runChannelInfo),
		leaf(a, "authcap CHANNEL PRIVILEGE", "Show how to log in", runAuthCap),
		leaf(a, "getaccess CHANNEL [USER]", "Show what users may do on a channel", runGetAccess),
		forcible(a, "setaccess CHANNEL USER [callin=on|off] [ipmi=on|off] [link=on|off] [privilege=LEVEL]",
			"Change what a user may do on a channel", "take away your own access too", runSetAccess),
		leaf(a, "getciphers ipmi|sol [CHANNEL]", "List the cipher suites of a channel", runGetCiphers),
	)
}

// channelArg reads a channel number; without one it is the channel that the session came in on.
func channelArg(args []string, i int) (uint8, error) {
	if len(args) <= i {
		return ipmi.ChannelPresent, nil
	}
	n, err := parseNumber(args[i], 0, 15)
	if err != nil {
		return 0, usagef("channel: %v", err)
	}
	return uint8(n), nil
}

// userArg reads a user ID.
func userArg(s string) (uint8, error) {
	n, err := parseNumber(s, 1, ipmi.MaxUsers)
	if err != nil {
		return 0, usagef("user ID: %v", err)
	}
	return uint8(n), nil
}

// privilegeWord is a privilege level as ipmitool prints it: level 0 has no name there.
func privilegeWord(p ipmi.Privilege) string {
	if p == ipmi.PrivilegeHighest || p == ipmi.PrivilegeSystem {
		return fmt.Sprintf("Unknown (0x%02X)", uint8(p))
	}
	return p.String()
}

// channelAccess is one group of settings that channel info prints.
type channelAccess struct {
	Alerting   bool   `json:"alerting"`
	PerMessage bool   `json:"per_message_auth"`
	UserLevel  bool   `json:"user_level_auth"`
	Mode       string `json:"access_mode"`
	Limit      string `json:"privilege_limit"`
}

// channelInfo is what channel info prints.
type channelInfo struct {
	Channel     uint8          `json:"channel"`
	Medium      string         `json:"medium"`
	Protocol    string         `json:"protocol"`
	Sessions    string         `json:"session_support"`
	Active      uint8          `json:"active_sessions"`
	Vendor      uint32         `json:"protocol_vendor_id"`
	Volatile    *channelAccess `json:"volatile,omitempty"`
	NonVolatile *channelAccess `json:"non_volatile,omitempty"`
}

func runChannelInfo(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 1); err != nil {
		return err
	}
	channel, err := channelArg(args, 0)
	if err != nil {
		return err
	}
	i, err := do(ctx, a, ipmi.GetChannelInfo{Channel: channel})
	if err != nil {
		if hasCode(err, ipmi.CodeInvalidDataField, ipmi.CodeParameterOutOfRange) {
			return fmt.Errorf("the BMC has no channel %d", channel)
		}
		return failed("Get Channel Info", err)
	}
	v := channelInfo{
		Channel: i.Channel, Medium: i.Medium.String(), Protocol: i.Protocol.String(),
		Sessions: i.SessionSupport.String(), Active: i.ActiveSessions, Vendor: uint32(i.Vendor),
	}
	if i.Medium == ipmi.MediumLAN || i.Medium == ipmi.MediumOtherLAN {
		if v.Volatile, err = a.channelAccess(ctx, i.Channel, ipmi.AccessVolatile); err != nil {
			return failed("Get Channel Access (volatile)", err)
		}
		if v.NonVolatile, err = a.channelAccess(ctx, i.Channel, ipmi.AccessNonVolatile); err != nil {
			return failed("Get Channel Access (non-volatile)", err)
		}
	}
	return a.Show(v, v.text, nil)
}

func (a *App) channelAccess(ctx context.Context, channel uint8, which ipmi.AccessSetting) (*channelAccess, error) {
	r, err := do(ctx, a, ipmi.GetChannelAccess{Channel: channel, Setting: which})
	return &channelAccess{r.Alerting, r.PerMessage, r.UserLevel, r.Mode.String(), privilegeWord(r.Limit)}, err
}

func (v channelInfo) text(w io.Writer) {
	fmt.Fprintf(w, "Channel 0x%x info:\n", v.Channel)
	fmt.Fprintf(w, "  Channel Medium Type   : %s\n", v.Medium)
	fmt.Fprintf(w, "  Channel Protocol Type : %s\n", v.Protocol)
	fmt.Fprintf(w, "  Session Support       : %s\n", v.Sessions)
	fmt.Fprintf(w, "  Active Session Count  : %d\n", v.Active)
	fmt.Fprintf(w, "  Protocol Vendor ID    : %d\n", v.Vendor)
	access := func(title string, c *channelAccess) {
		if c == nil {
			return
		}
		fmt.Fprintf(w, "  %s\n", title)
		fmt.Fprintf(w, "    Alerting            : %s\n", enabled(c.Alerting))
		fmt.Fprintf(w, "    Per-message Auth    : %s\n", enabled(c.PerMessage))
		fmt.Fprintf(w, "    User Level Auth     : %s\n", enabled(c.UserLevel))
		fmt.Fprintf(w, "    Access Mode         : %s\n", c.Mode)
	}
	access("Volatile(active) Settings", v.Volatile)
	access("Non-Volatile Settings", v.NonVolatile)
}

// authCap is what channel authcap prints.
type authCap struct {
	Channel      uint8    `json:"channel"`
	AuthTypes    []string `json:"auth_types"`
	Extended     bool     `json:"ipmi_2_0_data"`
	KgSet        bool     `json:"kg_set"`
	PerMessage   bool     `json:"per_message_auth"`
	UserLevel    bool     `json:"user_level_auth"`
	NonNullUsers bool     `json:"non_null_users"`
	NullUsers    bool     `json:"null_users"`
	Anonymous    bool     `json:"anonymous_login"`
	IPMI15       bool     `json:"ipmi_1_5"`
	IPMI20       bool     `json:"ipmi_2_0"`
	OEM          *uint32  `json:"oem_id,omitempty"`
	OEMAuxiliary uint8    `json:"oem_auxiliary,omitempty"`
}

func runAuthCap(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 2, 2); err != nil {
		return err
	}
	channel, err := channelArg(args, 0)
	if err != nil {
		return err
	}
	level, ok := parsePrivilege(args[1])
	if !ok {
		return usagef("%q is no privilege level", args[1])
	}
	req := ipmi.GetChannelAuthCapabilities{Extended: true, Channel: channel, Privilege: level}
	c, err := do(ctx, a, req)
	if _, refused := code(err); refused {
		// It may be that the BMC does not know the question for IPMI 2.0.
		req.Extended = false
		c, err = do(ctx, a, req)
	}
	if err != nil {
		return failed("Get Channel Authentication Capabilities", err)
	}
	v := authCap{
		Channel: c.Channel, AuthTypes: []string{}, Extended: c.Extended, KgSet: c.KgSet,
		PerMessage: c.PerMessageAuth, UserLevel: c.UserLevelAuth, NonNullUsers: c.NonNullUsers,
		NullUsers: c.NullUsers, Anonymous: c.AnonymousLogin, IPMI15: c.SupportsIPMI15, IPMI20: c.SupportsIPMI20,
	}
	for _, t := range []ipmi.AuthType{ipmi.AuthNone, ipmi.AuthMD2, ipmi.AuthMD5, ipmi.AuthPassword, ipmi.AuthOEM} {
		if c.AuthTypes.Has(t) {
			v.AuthTypes = append(v.AuthTypes, t.String())
		}
	}
	if c.AuthTypes.Has(ipmi.AuthOEM) {
		v.OEM, v.OEMAuxiliary = new(uint32(c.OEM)), c.OEMAuxiliary
	}
	return a.Show(v, v.text, nil)
}

func (v authCap) text(w io.Writer) {
	line := func(key string, value any) { fmt.Fprintf(w, "%-27s: %v\n", key, value) }
	yes := func(b bool) string { return choose(b, "yes", "no") }
	line("Channel number", v.Channel)
	types := ""
	for _, t := range v.AuthTypes {
		types += t + " "
	}
	line("IPMI v1.5  auth types", types)
	if v.Extended {
		line("KG status", choose(v.KgSet, "non-zero", "default (all zeroes)"))
	}
	line("Per message authentication", enabled(v.PerMessage))
	line("User level authentication", enabled(v.UserLevel))
	line("Non-null user names exist", yes(v.NonNullUsers))
	line("Null user names exist", yes(v.NullUsers))
	line("Anonymous login enabled", yes(v.Anonymous))
	if v.Extended {
		line("Channel supports IPMI v1.5", yes(v.IPMI15))
		line("Channel supports IPMI v2.0", yes(v.IPMI20))
	}
	if v.OEM != nil {
		line("IANA Number for OEM", *v.OEM)
		line("OEM Auxiliary Data", fmt.Sprintf("0x%x", v.OEMAuxiliary))
	}
}

func runSetAccess(ctx context.Context, a *App, args []string, force bool) error {
	if err := wantArgs(args, 3, -1); err != nil {
		return err
	}
	channel, err := channelArg(args, 0)
	if err != nil {
		return err
	}
	user, err := userArg(args[1])
	if err != nil {
		return err
	}
	var change []func(*ipmi.SetUserAccess)
	for _, arg := range args[2:] {
		name, value, _ := strings.Cut(arg, "=")
		if name == "privilege" {
			level, ok := parsePrivilege(value)
			if !ok {
				return usagef("%q is no privilege level", value)
			}
			change = append(change, func(r *ipmi.SetUserAccess) { r.Limit = level })
			continue
		}
		on, err := parseOnOff(value)
		if err != nil {
			return usagef("%s: %v", name, err)
		}
		switch name {
		case "callin":
			change = append(change, func(r *ipmi.SetUserAccess) { r.CallbackOnly = !on })
		case "link":
			change = append(change, func(r *ipmi.SetUserAccess) { r.Link = on })
		case "ipmi":
			change = append(change, func(r *ipmi.SetUserAccess) { r.Messaging = on })
		default:
			return usagef("%q is none of callin, ipmi, link and privilege", name)
		}
	}
	old, err := do(ctx, a, ipmi.GetUserAccess{Channel: channel, User: user})
	if err != nil {
		return failed(fmt.Sprintf("Get User Access (channel %d id %d)", channel, user), err)
	}
	req := ipmi.SetUserAccess{
		Change: true, CallbackOnly: old.CallbackOnly, Link: old.Link, Messaging: old.Messaging,
		Channel: channel, User: user, Limit: old.Limit, SessionLimit: new(uint8(0)),
	}
	for _, f := range change {
		f(&req)
	}
	if !req.Messaging && old.Messaging || !mayAdminister(req.Limit) && mayAdminister(old.Limit) {
		if err := a.guardSelf(ctx, user, channel, force, cannotUndo); err != nil {
			return err
		}
	}
	if _, err := do(ctx, a, req); err != nil {
		return failed(fmt.Sprintf("Set User Access (channel %d id %d)", channel, user), err)
	}
	return a.Done(fmt.Sprintf("Set User Access (channel %d id %d) successful.", channel, user))
}

// cipherSuite is one row of channel getciphers.
type cipherSuite struct {
	ID        uint8  `json:"id"`
	OEM       uint32 `json:"oem,omitempty"`
	Auth      string `json:"authentication"`
	Integrity string `json:"integrity"`
	Conf      string `json:"confidentiality"`
}

func runGetCiphers(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 1, 2); err != nil {
		return err
	}
	payload := ipmi.PayloadIPMI
	switch args[0] {
	case "ipmi":
	case "sol":
		payload = ipmi.PayloadSOL
	default:
		return usagef("the payload is ipmi or sol, not %q", args[0])
	}
	channel, err := channelArg(args, 1)
	if err != nil {
		return err
	}
	const (
		piece  = 16   // bytes of one answer but the last
		pieces = 0x40 // that there can be
	)
	var records []byte
	for i := range uint8(pieces) {
		r, err := do(ctx, a, ipmi.GetChannelCipherSuites{Channel: channel, Payload: payload, BySuite: true, Index: i})
		if err != nil {
			return failed("Get Channel Cipher Suites", err)
		}
		records = append(records, r.Records...)
		if len(r.Records) < piece {
			break
		}
	}
	v := []cipherSuite{}
	for _, s := range rmcp.ParseCipherSuites(records) {
		v = append(v, cipherSuite{s.ID, uint32(s.OEM), s.Auth.String(), s.Integrity.String(), s.Conf.String()})
	}
	rows := func(format string) func(io.Writer) {
		return func(w io.Writer) {
			for _, s := range v {
				oem := "N/A"
				if s.OEM != 0 {
					oem = fmt.Sprintf("%06x", s.OEM)
				}
				fmt.Fprintf(w, format, s.ID, oem, s.Auth, s.Integrity, s.Conf)
			}
		}
	}
	return a.Show(v, func(w io.Writer) {
		fmt.Fprintln(w, "ID   IANA    Auth Alg        Integrity Alg   Confidentiality Alg")
		rows("%-4d %-7s %-15s %-15s %-15s\n")(w)
	}, rows("%d,%s,%s,%s,%s\n"))
}
