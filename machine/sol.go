package machine

import (
	"context"
	"fmt"

	"lom/client"
	"lom/ipmi"
)

// SOL is the settings of Serial over LAN on a channel (§26.3, Table 26-5). What the BMC does not
// have is absent.
type SOL struct {
	SetInProgress string `json:"set_in_progress,omitempty" enum:"set-complete,set-in-progress,commit-write,reserved"`
	Enabled       *bool  `json:"enabled,omitempty"`
	Encryption    *bool  `json:"force_encryption,omitempty"`
	Auth          *bool  `json:"force_authentication,omitempty"`
	// Privilege is the least that may open a console.
	Privilege string `json:"privilege_level,omitempty" enum:"callback,user,operator,administrator,oem,no-access,unknown"`
	// Accumulate is how long the BMC collects characters, and Threshold how many it sends at once.
	Accumulate *float64 `json:"character_accumulate_seconds,omitempty"`
	Threshold  *uint8   `json:"character_send_threshold,omitempty"`
	Retries    *uint8   `json:"retry_count,omitempty"`
	Interval   *float64 `json:"retry_interval_seconds,omitempty"`
	// Rate is that until the BMC restarts, and Kept that afterwards. They are absent also if they
	// are that of the serial channel.
	Rate         *int    `json:"volatile_bits_per_second,omitempty"`
	RateAsSerial *bool   `json:"volatile_as_serial_channel,omitempty"`
	Kept         *int    `json:"non_volatile_bits_per_second,omitempty"`
	KeptAsSerial *bool   `json:"non_volatile_as_serial_channel,omitempty"`
	Channel      *uint8  `json:"payload_channel,omitempty"`
	Port         *uint16 `json:"payload_port,omitempty"` // UDP

	Parameters SOLParameters `json:"-"`
}

// SOLParameters are the parameters that a [SOL] was made from; what the BMC does not have is 0.
// Where it does not say which channel and port it uses, they are the channel that was asked about
// and 623.
type SOLParameters struct {
	Progress   ipmi.SetInProgress
	Enable     ipmi.SOLEnable
	Auth       ipmi.SOLAuthentication
	Accumulate ipmi.SOLAccumulate
	Retry      ipmi.SOLRetry
	Rate       ipmi.SOLVolatileBitRate
	Kept       ipmi.SOLBitRate
	Channel    ipmi.SOLPayloadChannel
	Port       ipmi.SOLPayloadPort
}

const getSOL = "Get SOL Configuration Parameters"

// A NoSOLError says that a channel has none of the parameters of Serial over LAN.
type NoSOLError struct{ Channel uint8 }

func (e *NoSOLError) Error() string {
	if e.Channel == ipmi.ChannelPresent {
		return "the BMC has no Serial over LAN on this channel"
	}
	return fmt.Sprintf("the BMC has no Serial over LAN on channel %d", e.Channel)
}

// SOL reads the settings of Serial over LAN on a channel. A channel without any is a [*NoSOLError].
func (m *Machine) SOL(ctx context.Context, channel uint8) (SOL, error) {
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
	r := newParamReader(ctx, m.conn)
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
		return SOL{}, failed(getSOL, err)
	}
	if progress == nil && enable == nil && auth == nil && accumulate == nil && retry == nil &&
		kept == nil && rate == nil {
		// Settings that are all 0 would be an invention.
		return SOL{}, &NoSOLError{channel}
	}
	v := SOL{Parameters: SOLParameters{
		Channel: ipmi.SOLPayloadChannel{Channel: channel},
		Port:    ipmi.SOLPayloadPort{Port: rmcpPort},
	}}
	s := &v.Parameters
	if progress != nil {
		s.Progress = *progress
		v.SetInProgress = SetStates[progress.State&3]
	}
	if enable != nil {
		s.Enable = *enable
		v.Enabled = &enable.Enabled
	}
	if auth != nil {
		s.Auth = *auth
		v.Encryption, v.Auth = &auth.ForceEncryption, &auth.ForceAuthentication
		v.Privilege = privilegeWord(auth.Privilege)
	}
	if accumulate != nil {
		s.Accumulate = *accumulate
		v.Accumulate, v.Threshold = new(float64(accumulate.Interval)*0.005), &accumulate.Threshold
	}
	if retry != nil {
		s.Retry = *retry
		v.Retries, v.Interval = &retry.Count, new(float64(retry.Interval)*0.01)
	}
	if rate != nil {
		s.Rate = *rate
		v.Rate, v.RateAsSerial = bitRate(rate.Rate)
	}
	if kept != nil {
		s.Kept = *kept
		v.Kept, v.KeptAsSerial = bitRate(kept.Rate)
	}
	if where != nil {
		s.Channel = *where
		v.Channel = &where.Channel
	}
	if port != nil {
		s.Port = *port
		v.Port = &port.Port
	}
	return v, nil
}

// rmcpPort is the UDP port of IPMI (§13.1.2).
const rmcpPort = 623

// bitRate returns a rate in bits per second, nil if it is not known or that of the serial channel.
func bitRate(r ipmi.BitRate) (bits *int, asSerial *bool) {
	return orNil(r.Bits(), r.Bits() != 0), new(r == ipmi.BitRateAsSerial)
}

// SetSOLParameter sets a parameter of Serial over LAN. name is how it is called in errors. It is
// read back until the BMC has it, unless the BMC does not let it be read. The parameters are
// claimed meanwhile if claim is true.
func SetSOLParameter[P interface {
	comparable
	ipmi.SOLParameter
}, PP ipmi.Reader[P]](
	ctx context.Context, m *Machine, channel uint8, name string, p P, claim bool,
) error {
	set := func() error {
		return writeAndLook(ctx,
			func() error { return client.SetSOLParam(ctx, m.conn, channel, p) },
			func() (bool, error) {
				got, err := client.SOLParam[P, PP](ctx, m.conn, channel)
				if err != nil && !refused(err) {
					return false, err
				}
				return missingParam(err) || err == nil && got == p, nil
			})
	}
	if claim {
		inner := set
		set = func() error { return guarded(ctx, m.claimSOL(channel), inner) }
	}
	return failed("Set SOL parameter "+name, set())
}

// ChangeSOLParameter is [SetSOLParameter] for a parameter that has several values, of which change
// changes some. The others stay as they are read; of one that the BMC does not have they are 0.
func ChangeSOLParameter[P interface {
	comparable
	ipmi.SOLParameter
}, PP ipmi.Reader[P]](
	ctx context.Context, m *Machine, channel uint8, name string, change func(*P), claim bool,
) error {
	p, err := client.SOLParam[P, PP](ctx, m.conn, channel)
	if err != nil && !missingParam(err) {
		return failed(getSOL, err)
	}
	change(&p)
	return SetSOLParameter[P, PP](ctx, m, channel, name, p, claim)
}

// SetSOLState sets how far a change of the parameters has come, for whoever claims them for more
// than one.
func (m *Machine) SetSOLState(ctx context.Context, channel uint8, s ipmi.SetState) error {
	err := m.claimSOL(channel)(ctx, ipmi.SetInProgress{State: s})
	return failed("Set SOL parameter set-in-progress", err)
}

// claimSOL returns the function that claims the parameters of a channel, and ends the claim.
func (m *Machine) claimSOL(channel uint8) func(context.Context, ipmi.SetInProgress) error {
	return func(ctx context.Context, p ipmi.SetInProgress) error {
		return client.SetSOLParam(ctx, m.conn, channel, p)
	}
}

// SOLAccess says whether a user may open consoles over a channel (§24.7).
type SOLAccess struct {
	Channel uint8 `json:"channel"` // 14: that of the session
	User    uint8 `json:"user_id"`
	Enabled bool  `json:"enabled"`
}

// solPayload is the set of payloads that holds SOL alone.
var solPayload = ipmi.PayloadSet{Standard: 1 << ipmi.PayloadSOL}

// SOLAccess asks whether a user may open consoles over a channel.
func (m *Machine) SOLAccess(ctx context.Context, channel, user uint8) (SOLAccess, error) {
	q := ipmi.GetUserPayloadAccess{Channel: channel, User: user}
	r, err := do(ctx, m, "Get User Payload Access command", q)
	return SOLAccess{channel, user, r.Payloads.Standard&solPayload.Standard != 0}, err
}

// SetSOLAccess lets a user open consoles over a channel, or no longer (§24.6).
func (m *Machine) SetSOLAccess(ctx context.Context, channel, user uint8, on bool) error {
	_, err := do(ctx, m, "Set User Payload Access command", ipmi.SetUserPayloadAccess{
		Channel: channel, User: user, Disable: !on, Payloads: solPayload,
	})
	return err
}

// SOLConsoles says which consoles of a BMC are open (§24.4).
type SOLConsoles struct {
	Capacity uint8   `json:"capacity"` // consoles that can be open at a time
	Open     []uint8 `json:"open"`     // their instances, from 1
}

// SOLConsoles asks which consoles are open.
func (m *Machine) SOLConsoles(ctx context.Context) (SOLConsoles, error) {
	q := ipmi.GetPayloadActivationStatus{Payload: ipmi.PayloadSOL}
	r, err := do(ctx, m, "Get Payload Activation Status command", q)
	v := SOLConsoles{Capacity: r.Capacity, Open: []uint8{}}
	for n := range uint8(16) {
		if r.Active>>n&1 != 0 {
			v.Open = append(v.Open, n+1)
		}
	}
	return v, err
}

// SOLHolder asks which session has a console open (§24.5): 0 if none.
func (m *Machine) SOLHolder(ctx context.Context, instance uint8) (sessionID uint32, err error) {
	r, err := do(ctx, m, "Get Payload Instance Info command", ipmi.GetPayloadInstanceInfo{
		Payload: ipmi.PayloadSOL, Instance: instance,
	})
	return r.SessionID, err
}

// CloseSOL closes a console, in whichever session it is open (§24.2). One that is not open is
// refused with [ipmi.CodePayloadActive].
func (m *Machine) CloseSOL(ctx context.Context, instance uint8) error {
	q := ipmi.DeactivatePayload{Payload: ipmi.PayloadSOL, Instance: instance}
	_, err := do(ctx, m, "Deactivate Payload command", q)
	return err
}
