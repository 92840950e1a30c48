package cli

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"lom/client"
	fmt "lom/internal/plainfmt"
	"lom/ipmi"
)

func newSOL(a *App) *cobra.Command {
	set := leaf(a, "set PARAMETER VALUE [CHANNEL] [noguard]", "Change a setting of Serial over LAN", runSOLSet)
	set.Long = solSetLong
	return group(a, "sol", "Serial over LAN",
		newSOLActivate(a),
		leaf(a, "deactivate [instance=N]", "Close the console, in whichever session it is open", runSOLDeactivate),
		leaf(a, "info [CHANNEL]", "Show the settings of Serial over LAN", runSOLInfo),
		set,
		group(a, "payload", "Who may open consoles",
			leaf(a, "status [CHANNEL [USER]]", "Tell whether a user may open consoles", runSOLPayloadStatus),
			leaf(a, "enable [CHANNEL [USER]]", "Let a user open consoles", func(ctx context.Context, a *App, args []string) error {
				return runSOLPayloadSet(ctx, a, args, false)
			}),
			leaf(a, "disable [CHANNEL [USER]]", "Let a user open consoles no longer", func(ctx context.Context, a *App, args []string) error {
				return runSOLPayloadSet(ctx, a, args, true)
			})),
		leaf(a, "looptest [TIMES [INTERVAL [INSTANCE]]]", "Open the console and close it, TIMES times, with INTERVAL ms between", runSOLLoopTest))
}

const solSetLong = `Change a setting of Serial over LAN.

PARAMETER and VALUE are
  enabled true|false
  force-encryption true|false
  force-authentication true|false
  privilege-level user|operator|admin|oem
                                  the least that may open a console
  character-accumulate-level 1-255
                                  in 5 ms: how long the BMC collects characters
  character-send-threshold 0-255  characters that it sends at once
  retry-count 0-7
  retry-interval 0-255            in 10 ms
  volatile-bit-rate RATE          in kbit/s: 9.6, 19.2, 38.4, 57.6, 115.2, or serial
  non-volatile-bit-rate RATE
  set-in-progress set-complete|set-in-progress|commit-write
The BMC's settings are claimed meanwhile, unless noguard is there.`

// solInfo is what sol info prints. What the BMC does not have is nil.
type solInfo struct {
	SetInProgress string        `json:"set_in_progress,omitempty"`
	Enabled       *bool         `json:"enabled,omitempty"`
	Encryption    *bool         `json:"force_encryption,omitempty"`
	Auth          *bool         `json:"force_authentication,omitempty"`
	Privilege     string        `json:"privilege_level,omitempty"`
	Accumulate    *float64      `json:"character_accumulate_seconds,omitempty"`
	Threshold     *uint8        `json:"character_send_threshold,omitempty"`
	Retries       *uint8        `json:"retry_count,omitempty"`
	Interval      *float64      `json:"retry_interval_seconds,omitempty"`
	Rate          *int          `json:"bit_rate_volatile,omitempty"` // bit/s; 0 as the serial channel
	KeptRate      *int          `json:"bit_rate_non_volatile,omitempty"`
	Channel       uint8         `json:"payload_channel"`
	Port          uint16        `json:"payload_port"`
	settings      solParameters // as they were read
}

// solParameters are all SOL parameters; what the BMC does not have is 0.
type solParameters struct {
	progress   ipmi.SetInProgress
	enable     ipmi.SOLEnable
	auth       ipmi.SOLAuthentication
	accumulate ipmi.SOLAccumulate
	retry      ipmi.SOLRetry
	rate       ipmi.SOLVolatileBitRate
	keptRate   ipmi.SOLBitRate
}

func runSOLInfo(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 0, 1); err != nil {
		return err
	}
	channel, err := channelArg(args, 0)
	if err != nil {
		return err
	}
	conn, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	var (
		progress   *ipmi.SetInProgress
		enable     *ipmi.SOLEnable
		auth       *ipmi.SOLAuthentication
		accumulate *ipmi.SOLAccumulate
		retry      *ipmi.SOLRetry
		kept       *ipmi.SOLBitRate
		rate       *ipmi.SOLVolatileBitRate
		where      *ipmi.SOLPayloadChannel
		port       *ipmi.SOLPayloadPort
	)
	r := newParamReader(ctx, conn)
	readSOL(r, channel, &progress)
	readSOL(r, channel, &enable)
	readSOL(r, channel, &auth)
	readSOL(r, channel, &accumulate)
	readSOL(r, channel, &retry)
	readSOL(r, channel, &kept)
	readSOL(r, channel, &rate)
	readSOL(r, channel, &where)
	readSOL(r, channel, &port)
	if err := r.wait(); err != nil {
		return failed("Get SOL Configuration Parameters", err)
	}
	if progress == nil && enable == nil && auth == nil && accumulate == nil && retry == nil && kept == nil && rate == nil {
		return errNoSOL(channel)
	}
	// Where a BMC does not say which channel and port it uses, it is those of the session.
	v := solInfo{Channel: channel, Port: uint16(a.Options.Port)}
	s := &v.settings
	if progress != nil {
		s.progress = *progress
		v.SetInProgress = solSetState(s.progress.State)
	}
	if enable != nil {
		s.enable = *enable
		v.Enabled = &s.enable.Enabled
	}
	if auth != nil {
		s.auth = *auth
		v.Encryption, v.Auth, v.Privilege = &auth.ForceEncryption, &auth.ForceAuthentication, privilegeWord(auth.Privilege)
	}
	if accumulate != nil {
		s.accumulate = *accumulate
		v.Accumulate, v.Threshold = new(float64(accumulate.Interval)*0.005), &accumulate.Threshold
	}
	if retry != nil {
		s.retry = *retry
		v.Retries, v.Interval = &retry.Count, new(float64(retry.Interval)*0.01)
	}
	if kept != nil {
		s.keptRate = *kept
		v.KeptRate = new(kept.Rate.Bits())
	}
	if rate != nil {
		s.rate = *rate
		v.Rate = new(rate.Rate.Bits())
	}
	if where != nil {
		v.Channel = where.Channel
	}
	if port != nil {
		v.Port = port.Port
	}
	return a.Show(v, v.text, v.csv)
}

// errNoSOL says that a BMC has none of the parameters: settings that are all 0 would be an invention.
func errNoSOL(channel uint8) error {
	if channel == ipmi.ChannelPresent {
		return errors.New("the BMC has no Serial over LAN on this channel")
	}
	return fmt.Errorf("the BMC has no Serial over LAN on channel %d", channel)
}

// solSetState is a state of SetInProgress in sol info and sol set.
func solSetState(s ipmi.SetState) string {
	if int(s) < len(solSetStates) {
		return solSetStates[s]
	}
	return fmt.Sprintf("Unknown (0x%02X)", uint8(s))
}

var solSetStates = [...]string{"set-complete", "set-in-progress", "commit-write"}

func (v solInfo) text(w io.Writer) {
	s := v.settings
	line := func(key string, value any) { fmt.Fprintf(w, "%-32s: %v\n", key, value) }
	line("Set in progress", solSetState(s.progress.State))
	line("Enabled", s.enable.Enabled)
	line("Force Encryption", s.auth.ForceEncryption)
	line("Force Authentication", s.auth.ForceAuthentication)
	line("Privilege Level", privilegeWord(s.auth.Privilege))
	line("Character Accumulate Level (ms)", 5*int(s.accumulate.Interval))
	line("Character Send Threshold", s.accumulate.Threshold)
	line("Retry Count", s.retry.Count)
	line("Retry Interval (ms)", 10*int(s.retry.Interval))
	line("Volatile Bit Rate (kbps)", s.rate.Rate)
	line("Non-Volatile Bit Rate (kbps)", s.keptRate.Rate)
	line("Payload Channel", fmt.Sprintf("%d (0x%02x)", v.Channel, v.Channel))
	line("Payload Port", v.Port)
}

func (v solInfo) csv(w io.Writer) {
	s := v.settings
	fmt.Fprintf(w, "%s,%t,%t,%t,%s,%d,%d,%d,%d,%s,%s,%d,%d\n", solSetState(s.progress.State), s.enable.Enabled, s.auth.ForceEncryption,
		s.auth.ForceAuthentication, privilegeWord(s.auth.Privilege), 5*int(s.accumulate.Interval), s.accumulate.Threshold,
		s.retry.Count, 10*int(s.retry.Interval), s.rate.Rate, s.keptRate.Rate, v.Channel, v.Port)
}

func runSOLSet(ctx context.Context, a *App, args []string) error {
	if err := wantArgs(args, 2, 4); err != nil {
		return err
	}
	guard := true
	if last := len(args) - 1; last > 1 && args[last] == "noguard" {
		guard, args = false, args[:last]
	}
	if err := wantArgs(args, 2, 3); err != nil {
		return err
	}
	channel, err := channelArg(args, 2)
	if err != nil {
		return err
	}
	name, value := args[0], args[1]
	change, err := solChange(name, value)
	if err != nil {
		return err
	}
	conn, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	set := func() error {
		p, err := change(ctx, conn, channel)
		if err != nil {
			return failed("Get SOL Configuration Parameters", err)
		}
		return failed(fmt.Sprintf("Set SOL parameter %s", name), client.SetSOLParam(ctx, conn, channel, p))
	}
	if !guard || name == "set-in-progress" {
		err = set()
	} else {
		err = guarded(ctx, func(ctx context.Context, p ipmi.SetInProgress) error {
			return client.SetSOLParam(ctx, conn, channel, p)
		}, set)
	}
	if err != nil {
		return err
	}
	return a.Done("")
}

// A solChanger returns the parameter to set; one that has two values is read before.
type solChanger func(ctx context.Context, conn client.Conn, channel uint8) (ipmi.SOLParameter, error)

// solChange reads the name and the value of a parameter.
func solChange(name, value string) (solChanger, error) {
	whole := func(p ipmi.SOLParameter) solChanger {
		return func(context.Context, client.Conn, uint8) (ipmi.SOLParameter, error) { return p, nil }
	}
	switch name {
	case "set-in-progress":
		for state, word := range solSetStates {
			if word == value {
				return whole(ipmi.SetInProgress{State: ipmi.SetState(state)}), nil
			}
		}
		return nil, usagef("%q is none of set-complete, set-in-progress and commit-write", value)
	case "enabled", "force-encryption", "force-authentication":
		if value != "true" && value != "false" {
			return nil, usagef("%q is neither true nor false", value)
		}
		on := value == "true"
		switch name {
		case "force-encryption":
			return solPart(func(p *ipmi.SOLAuthentication) { p.ForceEncryption = on }), nil
		case "force-authentication":
			return solPart(func(p *ipmi.SOLAuthentication) { p.ForceAuthentication = on }), nil
		}
		return whole(ipmi.SOLEnable{Enabled: on}), nil
	case "privilege-level":
		levels := map[string]ipmi.Privilege{"user": ipmi.PrivilegeUser, "operator": ipmi.PrivilegeOperator, "admin": ipmi.PrivilegeAdministrator, "oem": ipmi.PrivilegeOEM}
		level, ok := levels[value]
		if !ok {
			return nil, usagef("%q is none of user, operator, admin and oem", value)
		}
		return solPart(func(p *ipmi.SOLAuthentication) { p.Privilege = level }), nil
	case "volatile-bit-rate", "non-volatile-bit-rate":
		rates := map[string]ipmi.BitRate{"serial": ipmi.BitRateAsSerial, "9.6": ipmi.BitRate9600, "19.2": ipmi.BitRate19200,
			"38.4": ipmi.BitRate38400, "57.6": ipmi.BitRate57600, "115.2": ipmi.BitRate115200}
		rate, ok := rates[value]
		if !ok {
			return nil, usagef("%q is none of serial, 9.6, 19.2, 38.4, 57.6 and 115.2", value)
		}
		if name == "volatile-bit-rate" {
			return whole(ipmi.SOLVolatileBitRate{Rate: rate}), nil
		}
		return whole(ipmi.SOLBitRate{Rate: rate}), nil
	}
	numbers := map[string]struct {
		least, most int64
		change      func(n uint8) solChanger
	}{
		"character-accumulate-level": {1, 255, func(n uint8) solChanger { return solPart(func(p *ipmi.SOLAccumulate) { p.Interval = n }) }},
		"character-send-threshold":   {0, 255, func(n uint8) solChanger { return solPart(func(p *ipmi.SOLAccumulate) { p.Threshold = n }) }},
		"retry-count":                {0, 7, func(n uint8) solChanger { return solPart(func(p *ipmi.SOLRetry) { p.Count = n }) }},
		"retry-interval":             {0, 255, func(n uint8) solChanger { return solPart(func(p *ipmi.SOLRetry) { p.Interval = n }) }},
	}
	c, ok := numbers[name]
	if !ok {
		return nil, usagef("there is no SOL parameter %q; \"sol set help\" lists them", name)
	}
	n, err := parseNumber(value, c.least, c.most)
	if err != nil {
		return nil, usagef("%s: %v", name, err)
	}
	return c.change(uint8(n)), nil
}

// solPart changes one value of a parameter that has several.
func solPart[P ipmi.SOLParameter, PP ipmi.Reader[P]](change func(*P)) solChanger {
	return func(ctx context.Context, conn client.Conn, channel uint8) (ipmi.SOLParameter, error) {
		p, err := client.SOLParam[P, PP](ctx, conn, channel)
		if err != nil && !missingParam(err) {
			return nil, err
		}
		change(&p)
		return p, nil
	}
}
