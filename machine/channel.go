package machine

import (
	"context"
	"fmt"

	"lom/ipmi"
	"lom/rmcp"
)

// A Channel is what a channel of a BMC is, and how it is entered (§22.24).
type Channel struct {
	Channel     uint8          `json:"channel"`  // 0 to 15
	Medium      string         `json:"medium"`   // as Table 6-3 names it
	Protocol    string         `json:"protocol"` // as Table 6-2 names it
	Sessions    string         `json:"session_support" enum:"session-less,single-session,multi-session,session-based"`
	Active      uint8          `json:"active_sessions"`
	Vendor      uint32         `json:"protocol_vendor_id"`     // IANA enterprise number
	Volatile    *ChannelAccess `json:"volatile,omitempty"`     // of a LAN: what is in force
	NonVolatile *ChannelAccess `json:"non_volatile,omitempty"` // of a LAN: what is in force after a reset
}

// A ChannelAccess is one of the two groups of settings of a channel (Table 22-28).
type ChannelAccess struct {
	Alerting   bool   `json:"alerting"`         // alerts of PEF may go out
	PerMessage bool   `json:"per_message_auth"` // every packet of a session is authenticated
	UserLevel  bool   `json:"user_level_auth"`  // so are commands of User level
	Mode       string `json:"access_mode" enum:"disabled,pre-boot-only,always-available,shared,unknown"`
	Limit      string `json:"privilege_limit" enum:"callback,user,operator,administrator,oem,no-access,unknown"`

	Access ipmi.ChannelAccess `json:"-"`
}

// A NoChannelError says that a BMC has no channel of a number.
type NoChannelError struct{ Channel uint8 }

func (e *NoChannelError) Error() string { return fmt.Sprintf("the BMC has no channel %d", e.Channel) }

// Channel asks what a channel is, and for the settings of one that is a LAN. [ipmi.ChannelPresent] is
// the one that the request comes in on. One that there is not is a [*NoChannelError].
func (m *Machine) Channel(ctx context.Context, channel uint8) (Channel, error) {
	i, err := do(ctx, m, "Get Channel Info", ipmi.GetChannelInfo{Channel: channel})
	if refused(err, ipmi.CodeInvalidDataField, ipmi.CodeParameterOutOfRange) {
		return Channel{}, &NoChannelError{channel}
	}
	if err != nil {
		return Channel{}, err
	}
	v := Channel{
		Channel: i.Channel, Medium: i.Medium.String(), Protocol: i.Protocol.String(),
		Sessions: i.SessionSupport.String(), Active: i.ActiveSessions, Vendor: uint32(i.Vendor),
	}
	if i.Medium == ipmi.MediumLAN || i.Medium == ipmi.MediumOtherLAN {
		v.Volatile, err = m.ChannelAccess(ctx, i.Channel, ipmi.AccessVolatile)
		if err == nil {
			v.NonVolatile, err = m.ChannelAccess(ctx, i.Channel, ipmi.AccessNonVolatile)
		}
	}
	return v, err
}

// ChannelAccess asks for one group of the settings of a channel (§22.23).
func (m *Machine) ChannelAccess(ctx context.Context, channel uint8, which ipmi.AccessSetting) (*ChannelAccess, error) {
	what := "Get Channel Access (volatile)"
	if which == ipmi.AccessNonVolatile {
		what = "Get Channel Access (non-volatile)"
	}
	r, err := do(ctx, m, what, ipmi.GetChannelAccess{Channel: channel, Setting: which})
	if err != nil {
		return nil, err
	}
	v := &ChannelAccess{r.Alerting, r.PerMessage, r.UserLevel, "unknown", privilegeWord(r.Limit), r}
	if r.Mode <= ipmi.AccessShared {
		v.Mode = word(r.Mode.String())
	}
	return v, nil
}

// AuthCapabilities are the ways of logging in over a channel (Table 22-15).
type AuthCapabilities struct {
	Channel      uint8    `json:"channel"`
	AuthTypes    []string `json:"auth_types" enum:"none,md2,md5,password,oem"` // of IPMI 1.5
	Extended     bool     `json:"ipmi_2_0_data"`                               // the BMC knows IPMI 2.0
	KgSet        bool     `json:"kg_set"`
	PerMessage   bool     `json:"per_message_auth"`
	UserLevel    bool     `json:"user_level_auth"`
	NonNullUsers bool     `json:"non_null_users"`
	NullUsers    bool     `json:"null_users"`
	Anonymous    bool     `json:"anonymous_login"`
	IPMI15       bool     `json:"ipmi_1_5"`
	IPMI20       bool     `json:"ipmi_2_0"`
	OEM          *uint32  `json:"oem_id,omitempty"` // IANA enterprise number
	OEMAuxiliary *uint8   `json:"oem_auxiliary,omitempty"`

	Types []ipmi.AuthType `json:"-"`
}

// AuthCapabilities asks how one logs in over a channel with a privilege level (§22.13).
func (m *Machine) AuthCapabilities(ctx context.Context, channel uint8, level ipmi.Privilege) (AuthCapabilities, error) {
	const what = "Get Channel Authentication Capabilities"
	req := ipmi.GetChannelAuthCapabilities{Extended: true, Channel: channel, Privilege: level}
	c, err := do(ctx, m, what, req)
	if refused(err) {
		// It may be that the BMC does not know the question for IPMI 2.0.
		req.Extended = false
		c, err = do(ctx, m, what, req)
	}
	if err != nil {
		return AuthCapabilities{}, err
	}
	v := AuthCapabilities{
		Channel: c.Channel, AuthTypes: []string{}, Extended: c.Extended, KgSet: c.KgSet,
		PerMessage: c.PerMessageAuth, UserLevel: c.UserLevelAuth, NonNullUsers: c.NonNullUsers,
		NullUsers: c.NullUsers, Anonymous: c.AnonymousLogin,
		IPMI15: c.SupportsIPMI15, IPMI20: c.SupportsIPMI20,
	}
	for _, t := range []ipmi.AuthType{ipmi.AuthNone, ipmi.AuthMD2, ipmi.AuthMD5, ipmi.AuthPassword, ipmi.AuthOEM} {
		if c.AuthTypes.Has(t) {
			v.Types = append(v.Types, t)
			v.AuthTypes = append(v.AuthTypes, word(t.String()))
		}
	}
	if c.AuthTypes.Has(ipmi.AuthOEM) {
		v.OEM, v.OEMAuxiliary = new(uint32(c.OEM)), &c.OEMAuxiliary
	}
	return v, nil
}

// A CipherSuite is a combination of algorithms by which a session can be protected (Table 22-19).
type CipherSuite struct {
	ID        uint8  `json:"id"`
	OEM       uint32 `json:"oem,omitempty"` // IANA enterprise number of one that is not the specification's
	Auth      string `json:"authentication"`
	Integrity string `json:"integrity"`
	Conf      string `json:"confidentiality"`
}

// CipherSuites asks for the cipher suites of a channel for a type of payload (§22.15).
func (m *Machine) CipherSuites(ctx context.Context, channel uint8, payload ipmi.PayloadType) ([]CipherSuite, error) {
	const (
		piece  = 16   // bytes of one answer but the last
		pieces = 0x40 // at most
	)
	var records []byte
	for i := range uint8(pieces) {
		r, err := do(ctx, m, "Get Channel Cipher Suites",
			ipmi.GetChannelCipherSuites{Channel: channel, Payload: payload, BySuite: true, Index: i})
		if err != nil {
			return nil, err
		}
		records = append(records, r.Records...)
		if len(r.Records) < piece {
			break
		}
	}
	list := []CipherSuite{}
	for _, s := range rmcp.ParseCipherSuites(records) {
		list = append(list, CipherSuite{s.ID, uint32(s.OEM), s.Auth.String(), s.Integrity.String(), s.Conf.String()})
	}
	return list, nil
}
