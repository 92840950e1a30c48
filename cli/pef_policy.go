package cli

import (
	"context"
	"fmt"
	"io"

	"lom/client"
	"lom/ipmi"
)

// pefPolicy is one entry of pef policy list.
type pefPolicy struct {
	Entry       uint8              `json:"entry"`
	Set         uint8              `json:"policy_set"`
	Enabled     bool               `json:"enabled"`
	Rule        string             `json:"rule"`
	EventString bool               `json:"event_specific_string"`
	Channel     *uint8             `json:"channel,omitempty"` // nil: the BMC has no such channel
	Medium      string             `json:"medium,omitempty"`
	Destination uint8              `json:"destination"`
	LAN         *pefLANDestination `json:"lan,omitempty"`
}

// pefLANDestination is an alert destination on a LAN.
type pefLANDestination struct {
	Type      string  `json:"type"`
	Community *string `json:"community,omitempty"` // of traps
	Timeout   uint8   `json:"timeout_seconds"`
	Retries   uint8   `json:"retries"`
	IP        string  `json:"ip_address,omitempty"`
	MAC       string  `json:"mac_address,omitempty"`
}

func runPEFPolicyList(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 0); err != nil {
		return err
	}
	conn, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	count, err := client.PEFParam[ipmi.PEFPolicyCount](ctx, conn)
	if err != nil {
		return failed("Get PEF Configuration Parameters", err)
	}
	if err := checkEntry("alert policy", 0, count.Count); err != nil {
		return err
	}
	policies := make([]*ipmi.PEFPolicy, count.Count)
	r := newParamReader(ctx, conn)
	for i := range policies {
		readPEF(r, &policies[i], uint8(i+1))
	}
	if err := r.wait(); err != nil {
		return failed("Get PEF Configuration Parameters", err)
	}
	where := &alertMedia{ctx: ctx, conn: conn, channels: map[uint8]*ipmi.ChannelInfo{}, destinations: map[[2]uint8]*pefLANDestination{}}
	list := []pefPolicy{}
	var refused []int
	for i, p := range policies {
		if p == nil {
			refused = append(refused, i+1)
			continue
		}
		v := pefPolicy{Entry: p.Entry, Set: p.Set, Enabled: p.Enabled, Rule: p.Rule.String(), EventString: p.EventString, Destination: p.Destination}
		if err := where.find(&v, p.Channel); err != nil {
			return err
		}
		list = append(list, v)
	}
	err = a.Show(list, func(w io.Writer) {
		for _, v := range list {
			v.text(&pefPrinter{w: w, verbose: a.Options.Verbose > 0})
		}
	}, nil)
	if err != nil {
		return err
	}
	return missingEntries("alert policy", refused)
}

// alertMedia asks for each channel and each destination once.
type alertMedia struct {
	ctx          context.Context
	conn         client.Conn
	channels     map[uint8]*ipmi.ChannelInfo
	destinations map[[2]uint8]*pefLANDestination
}

// find completes v with what its channel and destination are.
func (m *alertMedia) find(v *pefPolicy, channel uint8) error {
	info, asked := m.channels[channel]
	if !asked {
		i, err := client.Do(m.ctx, m.conn, ipmi.GetChannelInfo{Channel: channel})
		if err == nil {
			info = &i
		} else if !isRefusal(err) {
			return err
		}
		m.channels[channel] = info
	}
	if info == nil {
		return nil
	}
	v.Channel, v.Medium = &info.Channel, pefMedium(info.Medium)
	if info.Medium != ipmi.MediumLAN {
		return nil
	}
	key := [2]uint8{channel, v.Destination}
	d, asked := m.destinations[key]
	if !asked {
		var err error
		if d, err = m.lanDestination(channel, v.Destination); err != nil {
			return failed("Get LAN Parameter command", err)
		}
		m.destinations[key] = d
	}
	v.LAN = d
	return nil
}

func (m *alertMedia) lanDestination(channel, destination uint8) (*pefLANDestination, error) {
	var t *ipmi.LANDestinationType
	var p *ipmi.LANDestinationAddress
	var community *ipmi.LANCommunity
	r := newParamReader(m.ctx, m.conn)
	readLAN(r, channel, &t, destination)
	readLAN(r, channel, &p, destination)
	readLAN(r, channel, &community)
	if err := r.wait(); err != nil || t == nil {
		return nil, err
	}
	d := &pefLANDestination{Timeout: t.Timeout, Retries: t.Retries, Type: "None"}
	switch t.Type {
	case ipmi.DestinationPET:
		d.Type = "PET"
		if community != nil {
			d.Community = &community.Community
		}
	case ipmi.DestinationOEM1, ipmi.DestinationOEM2:
		d.Type = t.Type.String()
	}
	if p != nil {
		if d.IP, d.MAC = p.IPv4.String(), p.MAC.String(); p.Format == ipmi.AddressIPv6 {
			d.IP, d.MAC = p.IPv6.String(), ""
		}
	}
	return d, nil
}

// pefMedium is a medium in ipmitool's pef, which has some words of its own.
func pefMedium(m ipmi.ChannelMedium) string {
	switch {
	case m == ipmi.MediumSerial:
		return "Serial/Modem (RS-232)"
	case m == ipmi.MediumSMBus1:
		return "SMBus v1.0/1.1"
	case m == ipmi.MediumSystemInterface:
		return "System I/F (KCS,SMIC,BT)"
	case m == 0 || m > ipmi.MediumSystemInterface:
		return "None"
	}
	return m.String()
}

func (v pefPolicy) text(p *pefPrinter) {
	defer p.end()
	p.field("Alert policy table entry", v.Entry)
	p.field("Policy set", v.Set)
	p.field("State", enabled(v.Enabled))
	p.field("Policy entry rule", v.Rule)
	if v.EventString {
		p.field("Event-specific", "true")
	}
	if v.Channel == nil {
		return
	}
	p.field("Channel number", *v.Channel)
	p.field("Channel medium", v.Medium)
	d := v.LAN
	switch {
	case d != nil:
		p.field("Alert destination type", d.Type)
		if d.Community != nil {
			p.field("PET Community", printable(*d.Community))
		}
		p.field("ACK timeout/retry (secs)", d.Timeout)
		p.field("Retries", d.Retries)
		if d.IP != "" {
			p.field("IP address", d.IP)
		}
		if d.MAC != "" {
			p.field("MAC address", d.MAC)
		}
	case v.Medium != ipmi.MediumLAN.String():
		p.field("Destination ID", v.Destination)
	}
}

func runPEFPolicySwitch(ctx context.Context, a *App, args []string, on bool) error {
	entry, err := pefEntryArg(args, 127)
	if err != nil {
		return err
	}
	conn, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	count, err := client.PEFParam[ipmi.PEFPolicyCount](ctx, conn)
	if err != nil {
		return failed("Get PEF Configuration Parameters", err)
	}
	if err := checkEntry("alert policy", entry, count.Count); err != nil {
		return err
	}
	p, err := client.PEFParam[ipmi.PEFPolicy](ctx, conn, entry)
	if err != nil {
		return failed("Get PEF Configuration Parameters", err)
	}
	p.Entry, p.Enabled = entry, on
	if err := client.SetPEFParam(ctx, conn, p); err != nil {
		return failed("Set PEF Configuration Parameters", err)
	}
	return a.Done(fmt.Sprintf("PEF Policy ID %d is %s now.", entry, enabled(on)))
}
