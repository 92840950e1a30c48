package cli

import (
	"context"
	"fmt"
	"strings"

	"lom/ipmi"
	"lom/machine"
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

// alertDestinationArg reads the number of an alert destination.
func alertDestinationArg(word string) (uint8, error) {
	n, err := parseNumber(word, 0, 15)
	if err != nil {
		return 0, usagef("alert destination: %v", err)
	}
	return uint8(n), nil
}

func runLANAlertPrint(
	ctx context.Context, a *App, args []string,
) ([]machine.LANDestination, error) {
	if err := wantArgs(args, 0, 2); err != nil {
		return nil, err
	}
	var only []uint8
	if len(args) == 2 {
		d, err := alertDestinationArg(args[1])
		if err != nil {
			return nil, err
		}
		only = []uint8{d}
	}
	m, channel, err := a.lanChannel(ctx, args)
	if err != nil {
		return nil, err
	}
	return m.LANDestinations(ctx, channel, only...)
}

func runLANAlertSet(ctx context.Context, a *App, args []string) (string, error) {
	if err := wantArgs(args, 4, 4); err != nil {
		return "", err
	}
	name, word := strings.ToLower(args[2]), args[3]
	d, err := alertDestinationArg(args[1])
	if err != nil {
		return "", err
	}
	var t ipmi.LANDestinationType
	var p ipmi.LANDestinationAddress
	if _, err := changeAlert(&t, &p, name, word); err != nil {
		return "", err // before anything is sent
	}
	m, channel, err := a.lanChannel(ctx, args)
	if err != nil {
		return "", err
	}
	ofAddress := name == "ipaddr" || name == "macaddr" || name == "gateway"
	if ofAddress {
		p, err = m.LANDestinationAddress(ctx, channel, d)
	} else {
		t, err = m.LANDestinationType(ctx, channel, d)
	}
	if err != nil {
		return "", err
	}
	sentence, err := changeAlert(&t, &p, name, word)
	if err != nil {
		return "", err
	}
	sentence = fmt.Sprintf("Setting LAN Alert %d %s", d, sentence)
	var set ipmi.LANParameter = t
	if ofAddress {
		set = p
	}
	return a.announced(sentence, func() error { return m.SetLANDestination(ctx, channel, set) })
}

// changeAlert changes what the name means and returns what it does in ipmitool's words.
func changeAlert(
	t *ipmi.LANDestinationType, p *ipmi.LANDestinationAddress, name, word string,
) (sentence string, err error) {
	switch name {
	case "ipaddr":
		p.IPv4, err = ipv4Arg(word)
		return "IP Address to " + p.IPv4.String(), err
	case "macaddr":
		p.MAC, err = macArg(word)
		return "MAC Address to " + p.MAC.String(), err
	case "gateway":
		switch strings.ToLower(word) {
		case "def", "default":
			p.BackupGateway = false
		case "bak", "backup":
			p.BackupGateway = true
		default:
			return "", usagef("%q is not a gateway: default and backup are", word)
		}
		return "to use " + choose(p.BackupGateway, "Backup", "Default") + " Gateway", nil
	case "ack":
		if t.Acknowledged, err = parseOnOff(strings.ToLower(word)); err != nil {
			return "", usagef("%v", err)
		}
		return "to " + choose(t.Acknowledged, "Acknowledged", "Unacknowledged"), nil
	case "type":
		var ok bool
		if t.Type, ok = machine.LANDestinationTypes[strings.ToLower(word)]; !ok {
			return "", usagef("%q is not a type of alert: pet, oem1 and oem2 are", word)
		}
		return "destination to " + t.Type.String(), nil
	case "time":
		if t.Timeout, err = parseByte(word); err != nil {
			return "", usagef("%v", err)
		}
		return fmt.Sprintf("timeout/retry to %d seconds", t.Timeout), nil
	case "retry":
		n, err := parseNumber(word, 0, 7)
		if err != nil {
			return "", usagef("%v", err)
		}
		t.Retries = uint8(n)
		return fmt.Sprintf("number of retries to %d", n), nil
	}
	return "", usagef("there is no alert parameter %q; \"lan alert set help\" lists them", name)
}
