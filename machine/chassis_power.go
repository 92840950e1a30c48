package machine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lom/ipmi"
)

// The power of a server. Unknown is neither on nor off: the server could not be looked at.
const (
	PowerOn      = "on"
	PowerOff     = "off"
	PowerUnknown = "unknown"
)

// A PowerState is the power of a server.
type PowerState struct {
	Power string `json:"power" enum:"on,off,unknown"`
}

// An UnknownPowerError is the answer of a BMC that cannot see its server: Get Chassis Status with
// completion code D5h, "not supported in present state".
type UnknownPowerError struct{ Err error }

func (e *UnknownPowerError) Error() string { return e.Err.Error() + "; " + e.Advice() }
func (e *UnknownPowerError) Unwrap() error { return e.Err }

// Advice says what the error means, and where to look for its cause.
func (e *UnknownPowerError) Advice() string {
	return "the BMC cannot tell whether the server is on or off: see its SEL, and its log, for why"
}

// Power asks whether the server is on. With each error the state is PowerUnknown. If it is the BMC
// that says that it cannot tell, the error is a *PartialError around an *UnknownPowerError.
func (m *Machine) Power(ctx context.Context) (PowerState, error) {
	power, err := m.power(ctx)
	if unknown := new(UnknownPowerError); errors.As(err, &unknown) {
		err = &PartialError{err}
	}
	return PowerState{power}, err
}

func (m *Machine) power(ctx context.Context) (string, error) {
	st, err := m.chassisStatus(ctx, "Get Chassis Power Status")
	switch {
	case err != nil:
		return PowerUnknown, err
	case st.PowerOn:
		return PowerOn, nil
	}
	return PowerOff, nil
}

// chassisStatus reads the status of the chassis (§28.2).
func (m *Machine) chassisStatus(ctx context.Context, what string) (ipmi.ChassisStatus, error) {
	st, err := do(ctx, m, what, ipmi.GetChassisStatus{})
	if refused(err, ipmi.CodeNotInPresentState) {
		err = &UnknownPowerError{err}
	}
	return st, err
}

// What became of a power action.
const (
	OutcomeDone    = "done"
	OutcomeNotDone = "not-done"
	OutcomeUnknown = "unknown"
)

// A PowerChange is what became of a power action.
//
// Without [WithReadBack], done means that the BMC has accepted the action, or, where its answer to
// on or off was lost, that the power was seen to be so. With it, done means that on, off, cycle and
// reset were seen to have left the power as they should. Whether an operating system obeys soft and
// diag cannot be seen; they are done when the BMC has accepted them.
//
// Not-done means that the BMC refused the action, that it was not sent, or that the power was seen
// to be otherwise when the time was over. All else is unknown: look before you repeat the action.
type PowerChange struct {
	Action  string `json:"action" enum:"off,on,cycle,reset,diag,soft"`
	Outcome string `json:"outcome" enum:"done,not-done,unknown"`
	Before  string `json:"before,omitempty" enum:"on,off,unknown"` // absent if not looked at
	After   string `json:"after,omitempty" enum:"on,off,unknown"`  // absent if not looked at
}

// PowerWords are ipmitool's words for the actions of ipmi.ChassisAction, by number.
var PowerWords = []string{"Down/Off", "Up/On", "Cycle", "Reset", "Diag", "Soft"}

// powerLeft is the power that an action leaves behind, and what has been done to it; soft and diag
// leave none that is certain.
var powerLeft = map[ipmi.ChassisAction]struct{ power, since string }{
	ipmi.PowerUp:    {PowerOn, "it was to be switched on"},
	ipmi.PowerDown:  {PowerOff, "it was to be switched off"},
	ipmi.HardReset:  {PowerOn, "the reset"},
	ipmi.PowerCycle: {PowerOn, "the power cycle"},
}

// A PowerOption changes how SetPower works.
type PowerOption func(*powerOptions)

type powerOptions struct {
	readBack bool
	limit    time.Duration
}

// DefaultReadBack is how long WithReadBack looks for if it is given no time.
const DefaultReadBack = time.Minute

// WithReadBack makes SetPower look at the power before the action, and after it until the power is
// as the action leaves it, for limit at most (DefaultReadBack if it is 0). The off of a power cycle
// may be over before it is seen.
func WithReadBack(limit time.Duration) PowerOption {
	return func(o *powerOptions) {
		o.readBack, o.limit = true, limit
		if limit <= 0 {
			o.limit = DefaultReadBack
		}
	}
}

const (
	// lostTime is how long SetPower looks whether an action was carried out whose answer was lost.
	lostTime = 5 * time.Second
	// offTime is how long it looks for the off of a power cycle.
	offTime = 15 * time.Second
	// From one look to the next, in the beginning and later.
	firstPowerLook = 100 * time.Millisecond
	mostPowerLook  = 2 * time.Second
)

// SetPower switches the power (§28.3). The result says what became of it, also if there is an
// error; the outcome is done if and only if there is none.
func (m *Machine) SetPower(
	ctx context.Context, action ipmi.ChassisAction, opts ...PowerOption,
) (PowerChange, error) {
	var o powerOptions
	for _, opt := range opts {
		opt(&o)
	}
	v := PowerChange{Action: action.String(), Outcome: OutcomeNotDone}
	if int(action) >= len(PowerWords) {
		return v, fmt.Errorf("there is no power action %d", uint8(action))
	}
	if o.readBack {
		var err error
		if v.Before, err = m.power(ctx); err != nil && !refused(err) {
			return v, err
		}
	}
	left := powerLeft[action]
	what := "Set Chassis Power Control to " + PowerWords[action]
	_, err := do(ctx, m, what, ipmi.ChassisControl{Action: action})
	onOrOff := action == ipmi.PowerUp || action == ipmi.PowerDown
	if onOrOff && errors.Is(err, ipmi.ErrOutcomeUnknown) {
		// The other actions leave no state behind from which they could be known.
		v.After, err = m.readLost(ctx, left.power, err)
	}
	switch {
	case refused(err):
		return v, err
	case err == nil && o.readBack && left.power != "":
		v.After, err = m.awaitAction(ctx, action, o.limit)
		if err == nil && v.After != left.power {
			return v, fmt.Errorf(
				"the power is still %s %v after %s; look with power status before you repeat it",
				v.After, o.limit, left.since)
		}
	}
	v.Outcome = OutcomeDone
	if err != nil {
		v.Outcome = OutcomeUnknown
	}
	return v, err
}

// readLost returns no error if the power is soon as an action wanted it whose answer was lost.
func (m *Machine) readLost(ctx context.Context, wanted string, lost error) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, lostTime)
	defer cancel()
	power, err := m.awaitPower(ctx, wanted, lostTime)
	if err != nil || power != wanted {
		return power, lost
	}
	return power, nil
}

// awaitAction waits until the power is as an action leaves it, and returns how it was last.
func (m *Machine) awaitAction(
	ctx context.Context, action ipmi.ChassisAction, limit time.Duration,
) (string, error) {
	if action == ipmi.PowerCycle {
		if _, err := m.awaitPower(ctx, PowerOff, offTime); err != nil && ctx.Err() != nil {
			return PowerUnknown, err
		}
	}
	return m.awaitPower(ctx, powerLeft[action].power, limit)
}

// awaitPower waits until the power is as wanted, and returns how it was last. A BMC that does not
// answer now and then is asked again; the error is that of the last look.
func (m *Machine) awaitPower(
	ctx context.Context, wanted string, limit time.Duration,
) (string, error) {
	end := time.Now().Add(limit)
	for wait := firstPowerLook; ; wait = min(wait*3/2, mostPowerLook) {
		power, err := m.power(ctx)
		switch {
		case err == nil && power == wanted:
			return power, nil
		case ctx.Err() != nil:
			return PowerUnknown, ctx.Err()
		case time.Now().Add(wait).After(end):
			return power, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return PowerUnknown, ctx.Err()
		}
	}
}
