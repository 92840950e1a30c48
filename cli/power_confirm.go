package cli

import (
	"context"
	"fmt"
	"time"

	"lom/ipmi"
)

// Of many hosts, each is looked at after a power action until it is as it should be: nobody looks at a thousand of them, and
// the next batch may depend on it.

// powerPatience says how long the power is looked at. Tests have less of it.
type powerPatience struct {
	limit  time.Duration // until which the power is as it should be
	first  time.Duration // from one look to the next, in the beginning
	most   time.Duration // and later
	unseen time.Duration // after which a power cycle is over of which the off was not seen
}

var defaultPowerPatience = powerPatience{
	limit: time.Minute, first: 100 * time.Millisecond, most: 2 * time.Second, unseen: 15 * time.Second,
}

// confirmPower returns nil once the power is as an action that the BMC accepted leaves it. A soft shutdown and a diagnostic
// interrupt are matters of the operating system, which may take its time or do nothing.
func (a *App) confirmPower(ctx context.Context, act ipmi.ChassisAction) error {
	p := a.power
	switch act {
	case ipmi.PowerUp:
		return a.awaitPower(ctx, p, true, "it was to be switched on")
	case ipmi.PowerDown:
		return a.awaitPower(ctx, p, false, "it was to be switched off")
	case ipmi.HardReset:
		return a.awaitPower(ctx, p, true, "the reset")
	case ipmi.PowerCycle:
		// The off may be over before it is looked for.
		off := p
		off.limit = p.unseen
		if err := a.awaitPower(ctx, off, false, ""); err != nil && ctx.Err() != nil {
			return err
		}
		return a.awaitPower(ctx, p, true, "the power cycle")
	}
	return nil
}

// awaitPower waits until the power is on or off. A BMC that does not answer now and then is asked again.
func (a *App) awaitPower(ctx context.Context, p powerPatience, on bool, since string) error {
	end := time.Now().Add(p.limit)
	var lost error
	for wait := p.first; ; wait = min(wait*3/2, p.most) {
		st, err := do(ctx, a, ipmi.GetChassisStatus{})
		switch {
		case err == nil && st.PowerOn == on:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		lost = err
		if time.Now().Add(wait).After(end) {
			return p.unconfirmed(lost, on, since)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// unconfirmed is the error of a power that is not as it should be. lost is that of the last look.
func (p powerPatience) unconfirmed(lost error, on bool, since string) error {
	switch {
	case hasCode(lost, ipmi.CodeNotInPresentState):
		return cannotTell("Get Chassis Power Status", lost)
	case lost != nil:
		return failed("Get Chassis Power Status", lost)
	}
	return fmt.Errorf("the power is still %s %v after %s; look with power status before you repeat it", onOff(!on), p.limit, since)
}
