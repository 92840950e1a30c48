package machine

import (
	"context"
	"strings"

	"lom/client"
	"lom/ipmi"
)

// A PEFFilter says which events make the BMC act, and how (Table 17-2).
type PEFFilter struct {
	Entry      uint8    `json:"entry"` // from 1
	Enabled    bool     `json:"enabled"`
	Kind       string   `json:"kind" enum:"configurable,pre-configured,reserved"`
	SensorType string   `json:"sensor_type"` // "any" for all
	Sensor     *uint8   `json:"sensor_number,omitempty"`
	Severity   string   `json:"severity"` // as the event carries it to the trap
	Class      string   `json:"event_class" enum:"threshold,discrete,oem"`
	EventType  *uint8   `json:"event_type,omitempty"` // absent: any
	Offsets    []int    `json:"event_offsets"`        // of the event type
	Actions    []string `json:"actions" enum:"alert,power-off,reset,power-cycle,oem-defined,diagnostic-interrupt"`
	Policy     *uint8   `json:"policy_set,omitempty"` // of an alert

	Filter ipmi.PEFFilter `json:"-"`
}

// PEFFilters reads the filter table. Entries that the BMC refuses are named by a [*PartialError].
func (m *Machine) PEFFilters(ctx context.Context) ([]PEFFilter, error) {
	caps, err := do(ctx, m, "Get PEF Capabilities", ipmi.GetPEFCapabilities{})
	if err != nil {
		return nil, err
	}
	if err := checkEntry("event filter", 0, caps.Filters); err != nil {
		return nil, err
	}
	filters := make([]*ipmi.PEFFilter, caps.Filters)
	r := newParamReader(ctx, m.conn)
	for i := range filters {
		readPEF(r, &filters[i], uint8(i+1))
	}
	if err := r.wait(); err != nil {
		return nil, failed(getPEF, err)
	}
	list := []PEFFilter{}
	var missing []int
	for i, f := range filters {
		if f == nil {
			missing = append(missing, i+1)
			continue
		}
		list = append(list, newPEFFilter(*f))
	}
	return list, missingEntries("event filter", missing)
}

func newPEFFilter(f ipmi.PEFFilter) PEFFilter {
	v := PEFFilter{
		Entry: f.Entry, Enabled: f.Enabled, Kind: word(f.Kind.String()),
		SensorType: f.SensorType.String(),
		Severity:   word(f.Severity.String()), Class: "discrete", Offsets: []int{},
		Actions: pefActions(f.Actions), Filter: f,
		Sensor:    orNil(f.Sensor, f.Sensor != ipmi.FilterAny),
		EventType: orNil(uint8(f.EventType), f.EventType != ipmi.FilterAny),
		Policy:    orNil(f.Policy, f.Actions.Has(ipmi.PEFAlert)),
	}
	if f.SensorType == ipmi.FilterAny {
		v.SensorType = "any"
	}
	switch {
	case f.EventType == ipmi.EventThreshold:
		v.Class = "threshold"
	case f.EventType > ipmi.EventSensorSpecific:
		v.Class = "oem"
	}
	for o := range 16 {
		if f.Offsets>>o&1 != 0 {
			v.Offsets = append(v.Offsets, o)
		}
	}
	return v
}

// EnablePEFFilter makes the BMC heed a filter, or ignore it.
func (m *Machine) EnablePEFFilter(ctx context.Context, entry uint8, on bool) error {
	count, err := client.PEFParam[ipmi.PEFFilterCount](ctx, m.conn)
	if err != nil {
		return failed(getPEF, err)
	}
	if err := checkEntry("event filter", entry, count.Count); err != nil {
		return err
	}
	p, err := client.PEFParam[ipmi.PEFFilterState](ctx, m.conn, entry)
	if err != nil {
		return failed(getPEF, err)
	}
	p.Entry, p.Enabled = entry, on
	return failed(setPEF, client.SetPEFParam(ctx, m.conn, p))
}

// A PEFPolicy says who is told of an event (Table 17-4).
type PEFPolicy struct {
	Entry       uint8           `json:"entry"` // from 1
	Set         uint8           `json:"policy_set"`
	Enabled     bool            `json:"enabled"`
	Rule        string          `json:"rule"` // what to do after this entry
	EventString bool            `json:"event_specific_string"`
	Channel     *uint8          `json:"channel,omitempty"` // absent: the BMC has no such channel
	Medium      string          `json:"medium,omitempty"`
	Destination uint8           `json:"destination"`
	LAN         *PEFDestination `json:"lan,omitempty"`

	Policy ipmi.PEFPolicy    `json:"-"`
	Info   *ipmi.ChannelInfo `json:"-"`
}

// A PEFDestination is an alert destination on a LAN.
type PEFDestination struct {
	Type      string  `json:"type" enum:"pet,oem1,oem2,none"`
	Community *string `json:"community,omitempty"` // of traps
	Timeout   uint8   `json:"timeout_seconds"`
	Retries   uint8   `json:"retries"`
	IP        string  `json:"ip_address,omitempty"`
	MAC       string  `json:"mac_address,omitempty"`
}

// PEFPolicies reads the policy table, with what its channels and destinations are. Entries that the
// BMC refuses are named by a [*PartialError].
func (m *Machine) PEFPolicies(ctx context.Context) ([]PEFPolicy, error) {
	count, err := client.PEFParam[ipmi.PEFPolicyCount](ctx, m.conn)
	if err != nil {
		return nil, failed(getPEF, err)
	}
	if err := checkEntry("alert policy", 0, count.Count); err != nil {
		return nil, err
	}
	policies := make([]*ipmi.PEFPolicy, count.Count)
	r := newParamReader(ctx, m.conn)
	for i := range policies {
		readPEF(r, &policies[i], uint8(i+1))
	}
	if err := r.wait(); err != nil {
		return nil, failed(getPEF, err)
	}
	where := &alertMedia{m: m, channels: map[uint8]*ipmi.ChannelInfo{},
		destinations: map[[2]uint8]*PEFDestination{}}
	list := []PEFPolicy{}
	var missing []int
	for i, p := range policies {
		if p == nil {
			missing = append(missing, i+1)
			continue
		}
		v := PEFPolicy{
			Entry: p.Entry, Set: p.Set, Enabled: p.Enabled, Rule: word(p.Rule.String()),
			EventString: p.EventString, Destination: p.Destination, Policy: *p,
		}
		if err := where.find(ctx, &v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, missingEntries("alert policy", missing)
}

// alertMedia asks for each channel and each destination once.
type alertMedia struct {
	m            *Machine
	channels     map[uint8]*ipmi.ChannelInfo
	destinations map[[2]uint8]*PEFDestination
}

// find completes v with what its channel and destination are.
func (a *alertMedia) find(ctx context.Context, v *PEFPolicy) error {
	channel := v.Policy.Channel
	info, asked := a.channels[channel]
	if !asked {
		i, err := do(ctx, a.m, "Get Channel Info", ipmi.GetChannelInfo{Channel: channel})
		if err == nil {
			info = &i
		} else if !refused(err) {
			return err
		}
		a.channels[channel] = info
	}
	if info == nil {
		return nil
	}
	v.Info, v.Channel, v.Medium = info, &info.Channel, info.Medium.String()
	if info.Medium != ipmi.MediumLAN {
		return nil
	}
	key := [2]uint8{channel, v.Destination}
	d, asked := a.destinations[key]
	if !asked {
		var err error
		if d, err = a.lan(ctx, channel, v.Destination); err != nil {
			return failed("Get LAN Parameter command", err)
		}
		a.destinations[key] = d
	}
	v.LAN = d
	return nil
}

func (a *alertMedia) lan(ctx context.Context, channel, destination uint8) (*PEFDestination, error) {
	var t *ipmi.LANDestinationType
	var p *ipmi.LANDestinationAddress
	var community *ipmi.LANCommunity
	r := newParamReader(ctx, a.m.conn)
	readLAN(r, channel, &t, destination)
	readLAN(r, channel, &p, destination)
	readLAN(r, channel, &community)
	if err := r.wait(); err != nil || t == nil {
		return nil, err
	}
	d := &PEFDestination{Timeout: t.Timeout, Retries: t.Retries, Type: "none"}
	switch t.Type {
	case ipmi.DestinationPET:
		d.Type = "pet"
		if community != nil {
			d.Community = &community.Community
		}
	case ipmi.DestinationOEM1, ipmi.DestinationOEM2:
		d.Type = strings.ReplaceAll(word(t.Type.String()), "-", "")
	}
	if p != nil {
		if d.IP, d.MAC = p.IPv4.String(), p.MAC.String(); p.Format == ipmi.AddressIPv6 {
			d.IP, d.MAC = p.IPv6.String(), ""
		}
	}
	return d, nil
}

// EnablePEFPolicy makes the BMC heed an entry of the policy table, or ignore it.
func (m *Machine) EnablePEFPolicy(ctx context.Context, entry uint8, on bool) error {
	count, err := client.PEFParam[ipmi.PEFPolicyCount](ctx, m.conn)
	if err != nil {
		return failed(getPEF, err)
	}
	if err := checkEntry("alert policy", entry, count.Count); err != nil {
		return err
	}
	p, err := client.PEFParam[ipmi.PEFPolicy](ctx, m.conn, entry)
	if err != nil {
		return failed(getPEF, err)
	}
	p.Entry, p.Enabled = entry, on
	return failed(setPEF, client.SetPEFParam(ctx, m.conn, p))
}
