package cli

import (
	"context"
	"io"
	"strings"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

const lanAlertSetLong = `Change where alerts go.

PARAMETER and VALUE are
  ipaddr ADDRESS             the destination's IPv4 address
  macaddr XX:XX:XX:XX:XX:XX  and its MAC address; all 0 lets the BMC find it
  gateway default|backup     the way there
  ack on|off                 repeat the alert until it is acknowledged
  type pet|oem1|oem2         what is sent
  time SECONDS               between two tries
  retry 0-7                  tries after the first`

// alertDestination is one destination of lan alert print.
type alertDestination struct {
	Destination  uint8  `json:"destination"`
	Acknowledged bool   `json:"acknowledged"`
	Type         string `json:"type"`
	Interval     uint8  `json:"retry_interval_seconds"`
	Retries      uint8  `json:"retries"`
	Gateway      string `json:"gateway,omitempty"`
	IP           string `json:"ip_address"`
	MAC          string `json:"mac_address,omitempty"`

	other bool // another form of address than ipmitool knows
}

func runLANAlertPrint(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 2); err != nil {
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
	var first, last uint8
	if len(args) == 2 {
		if first, err = alertDestinationArg(ctx, conn, channel, args[1]); err != nil {
			return err
		}
		last = first
	} else {
		count, err := client.LANParam[ipmi.LANDestinationCount](ctx, conn, channel)
		if err != nil {
			return failed("Get LAN Parameter command", err)
		}
		last = count.Count
	}
	types, addresses := make([]*ipmi.LANDestinationType, last+1), make([]*ipmi.LANDestinationAddress, last+1)
	r := newParamReader(ctx, conn)
	for d := first; d <= last; d++ {
		readLAN(r, channel, &types[d], d)
		readLAN(r, channel, &addresses[d], d)
	}
	if err := r.wait(); err != nil {
		return failed("Get LAN Parameter command", err)
	}
	list := []alertDestination{}
	for d := first; d <= last; d++ {
		t, p := types[d], addresses[d]
		if t == nil || p == nil {
			continue
		}
		v := alertDestination{Destination: t.Destination, Acknowledged: t.Acknowledged, Type: t.Type.String(), Interval: t.Timeout, Retries: t.Retries}
		if p.Format == ipmi.AddressIPv4 {
			v.Gateway, v.IP, v.MAC = choose(p.BackupGateway, "Backup", "Default"), p.IPv4.String(), p.MAC.String()
		} else {
			v.IP, v.other = p.IPv6.String(), true
		}
		list = append(list, v)
	}
	return a.Show(list, func(w io.Writer) {
		for _, v := range list {
			v.text(w)
		}
	}, nil)
}

func (v alertDestination) text(w io.Writer) {
	line := func(key string, value any) { fmt.Fprintf(w, "%-24s: %v\n", key, value) }
	line("Alert Destination", v.Destination)
	line("Alert Acknowledge", choose(v.Acknowledged, "Acknowledged", "Unacknowledged"))
	line("Destination Type", v.Type)
	line(choose(v.Acknowledged, "Acknowledge Timeout", "Retry Interval"), v.Interval)
	line("Number of Retries", v.Retries)
	if v.other {
		line("Alert IP Address", v.IP)
	} else {
		line("Alert Gateway", v.Gateway)
		line("Alert IP Address", v.IP)
		line("Alert MAC Address", v.MAC)
	}
	fmt.Fprintln(w)
}

// alertDestinationArg reads the number of an alert destination that the channel has.
func alertDestinationArg(ctx context.Context, conn client.Conn, channel uint8, word string) (uint8, error) {
	n, err := parseNumber(word, 0, 15)
	if err != nil {
		return 0, usagef("alert destination: %v", err)
	}
	count, err := client.LANParam[ipmi.LANDestinationCount](ctx, conn, channel)
	if err != nil {
		return 0, failed("Get LAN Parameter command", err)
	}
	if n > int64(count.Count) {
		return 0, fmt.Errorf("there is no alert destination %d on channel %d: the last is %d", n, channel, count.Count)
	}
	return uint8(n), nil
}

func runLANAlertSet(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 4, 4); err != nil {
		return err
	}
	name, word := strings.ToLower(args[2]), args[3]
	if err := changeAlert(&ipmi.LANDestinationType{}, &ipmi.LANDestinationAddress{}, name, word, new(string)); err != nil {
		return err // before anything is sent
	}
	channel, err := a.lanChannel(ctx, args, 0)
	if err != nil {
		return err
	}
	conn, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	d, err := alertDestinationArg(ctx, conn, channel, args[1])
	if err != nil {
		return err
	}
	var t ipmi.LANDestinationType
	var p ipmi.LANDestinationAddress
	var set ipmi.LANParameter
	switch name {
	case "ipaddr", "macaddr", "gateway":
		if p, err = client.LANParam[ipmi.LANDestinationAddress](ctx, conn, channel, d); err == nil && p.Format != ipmi.AddressIPv4 {
			p = ipmi.LANDestinationAddress{Destination: d}
		}
	default:
		t, err = client.LANParam[ipmi.LANDestinationType](ctx, conn, channel, d)
	}
	if err != nil {
		return failed("Get LAN Parameter command", err)
	}
	sentence := ""
	if err := changeAlert(&t, &p, name, word, &sentence); err != nil {
		return err
	}
	if set = t; name == "ipaddr" || name == "macaddr" || name == "gateway" {
		set = p
	}
	sentence = fmt.Sprintf("Setting LAN Alert %d %s", d, sentence)
	if err := a.announceSet(sentence); err != nil {
		return err
	}
	s := &lanSetter{a: a, ctx: ctx, conn: conn, channel: channel}
	if err := guarded(ctx, s.claim, func() error { return client.SetLANParam(ctx, conn, channel, set) }); err != nil {
		return failed("Set LAN Parameter command", err)
	}
	return a.wasSet(sentence)
}

// changeAlert changes what the name means and says it in ipmitool's words.
func changeAlert(t *ipmi.LANDestinationType, p *ipmi.LANDestinationAddress, name, word string, sentence *string) (err error) {
	switch name {
	case "ipaddr":
		p.IPv4, err = ipv4Arg(word)
		*sentence = "IP Address to " + p.IPv4.String()
	case "macaddr":
		p.MAC, err = macArg(word)
		*sentence = "MAC Address to " + p.MAC.String()
	case "gateway":
		switch strings.ToLower(word) {
		case "def", "default":
			p.BackupGateway = false
		case "bak", "backup":
			p.BackupGateway = true
		default:
			return usagef("%q is no gateway: default and backup are", word)
		}
		*sentence = "to use " + choose(p.BackupGateway, "Backup", "Default") + " Gateway"
	case "ack":
		t.Acknowledged, err = parseOnOff(strings.ToLower(word))
		if err != nil {
			return usagef("%v", err)
		}
		*sentence = "to " + choose(t.Acknowledged, "Acknowledged", "Unacknowledged")
	case "type":
		types := map[string]ipmi.DestinationType{"pet": ipmi.DestinationPET, "oem1": ipmi.DestinationOEM1, "oem2": ipmi.DestinationOEM2}
		var ok bool
		if t.Type, ok = types[strings.ToLower(word)]; !ok {
			return usagef("%q is no type of alert: pet, oem1 and oem2 are", word)
		}
		*sentence = "destination to " + t.Type.String()
	case "time":
		if t.Timeout, err = parseByte(word); err != nil {
			return usagef("%v", err)
		}
		*sentence = fmt.Sprintf("timeout/retry to %d seconds", t.Timeout)
	case "retry":
		n, err := parseNumber(word, 0, 7)
		if err != nil {
			return usagef("%v", err)
		}
		t.Retries = uint8(n)
		*sentence = fmt.Sprintf("number of retries to %d", n)
	default:
		return usagef("there is no alert parameter %q; \"lan alert set help\" lists them", name)
	}
	return err
}
