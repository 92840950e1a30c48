package machine

import (
	"context"
	"fmt"

	"lom/client"
	"lom/ipmi"
)

// A LANDestination is where alerts over a channel can go (Table 23-4, parameters 18 and 19).
type LANDestination struct {
	Destination  uint8  `json:"destination"`  // 0 is forgotten when the BMC restarts
	Acknowledged bool   `json:"acknowledged"` // an alert is repeated until it is acknowledged
	Type         string `json:"type" enum:"pet,oem1,oem2,unknown"`
	Interval     uint8  `json:"retry_interval_seconds"`
	Retries      uint8  `json:"retries"`                                 // after the first try
	Gateway      string `json:"gateway,omitempty" enum:"default,backup"` // of IPv4
	IP           string `json:"ip_address"`
	MAC          string `json:"mac_address,omitempty"` // of IPv4; all 0: the BMC finds it

	Kind    ipmi.LANDestinationType    `json:"-"`
	Address ipmi.LANDestinationAddress `json:"-"`
}

// LANDestinations reads the alert destinations of a channel, or one of them. Those that the BMC has
// no settings of are not in the list.
func (m *Machine) LANDestinations(
	ctx context.Context, channel uint8, only ...uint8,
) ([]LANDestination, error) {
	count, err := LANParameter[ipmi.LANDestinationCount](ctx, m, channel)
	if err != nil {
		return nil, err
	}
	first, last := uint8(0), count.Count
	if len(only) > 0 {
		if first, last = only[0], only[0]; first > count.Count {
			return nil, noDestination(channel, first, count.Count)
		}
	}
	types := make([]*ipmi.LANDestinationType, last+1)
	addresses := make([]*ipmi.LANDestinationAddress, last+1)
	r := newParamReader(ctx, m.conn)
	for d := first; d <= last; d++ {
		readLAN(r, channel, &types[d], d)
		readLAN(r, channel, &addresses[d], d)
	}
	if err := r.wait(); err != nil {
		return nil, failed(getLAN, err)
	}
	list := []LANDestination{}
	for d := first; d <= last; d++ {
		if types[d] != nil && addresses[d] != nil {
			list = append(list, destinationOf(*types[d], *addresses[d]))
		}
	}
	return list, nil
}

func destinationOf(t ipmi.LANDestinationType, p ipmi.LANDestinationAddress) LANDestination {
	v := LANDestination{
		Destination: t.Destination, Acknowledged: t.Acknowledged, Type: "unknown",
		Interval: t.Timeout, Retries: t.Retries, IP: p.IPv6.String(), Kind: t, Address: p,
	}
	for name, number := range LANDestinationTypes {
		if number == t.Type {
			v.Type = name
		}
	}
	if p.Format == ipmi.AddressIPv4 {
		v.Gateway, v.IP, v.MAC = "default", p.IPv4.String(), p.MAC.String()
		if p.BackupGateway {
			v.Gateway = "backup"
		}
	}
	return v
}

// LANDestinationTypes are the kinds of alerts by their words.
var LANDestinationTypes = map[string]ipmi.DestinationType{
	"pet": ipmi.DestinationPET, "oem1": ipmi.DestinationOEM1, "oem2": ipmi.DestinationOEM2,
}

func noDestination(channel, destination, last uint8) error {
	return fmt.Errorf("there is no alert destination %d on channel %d: the last is %d",
		destination, channel, last)
}

// LANDestinationType reads how alerts are sent to a destination, to be changed and set again.
func (m *Machine) LANDestinationType(
	ctx context.Context, channel, destination uint8,
) (ipmi.LANDestinationType, error) {
	return destinationParameter[ipmi.LANDestinationType](ctx, m, channel, destination)
}

// LANDestinationAddress reads the address of a destination, to be changed and set again. Where it
// is not one of IPv4, an IPv4 address of all 0 is returned.
func (m *Machine) LANDestinationAddress(
	ctx context.Context, channel, destination uint8,
) (ipmi.LANDestinationAddress, error) {
	p, err := destinationParameter[ipmi.LANDestinationAddress](ctx, m, channel, destination)
	if p.Format != ipmi.AddressIPv4 {
		p = ipmi.LANDestinationAddress{Destination: destination}
	}
	return p, err
}

// destinationParameter reads a parameter of a destination that the channel has.
func destinationParameter[P ipmi.LANParameter, PP ipmi.Reader[P]](
	ctx context.Context, m *Machine, channel, destination uint8,
) (P, error) {
	var none P
	count, err := LANParameter[ipmi.LANDestinationCount](ctx, m, channel)
	switch {
	case err != nil:
		return none, err
	case destination > count.Count:
		return none, noDestination(channel, destination, count.Count)
	}
	return LANParameter[P, PP](ctx, m, channel, destination)
}

// SetLANDestination sets the type or the address of an alert destination.
func (m *Machine) SetLANDestination(ctx context.Context, channel uint8, p ipmi.LANParameter) error {
	return failed(setLAN, guarded(ctx, m.claimLAN(channel), func() error {
		return client.SetLANParam(ctx, m.conn, channel, p)
	}))
}
