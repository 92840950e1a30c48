package host

import (
	"errors"
	"net"
	"time"
)

// A Host is a machine.
//
// Its methods are called under the lock of its BMC: they return at once, and what takes time is
// done afterwards and reported by an Event. They may be called from one goroutine at a time.
type Host interface {
	// Notify sets the function that gets the events. It is called once, before Control. The host
	// calls f from no method of its own, and with no lock held, in the order in which things
	// happen.
	Notify(f func(Event))
	// State returns what is known of the machine now.
	State() State
	// Control begins an action. Its error refuses it: ErrState says that the action means nothing
	// in the present state, such as a reset of a machine that is off; ErrUnsupported that the
	// machine cannot do it; ErrUnseen that the machine cannot be reached. If what does the action
	// takes time to accept it, pending is true, and done is called once, as f of Notify is, when it
	// has: with nil, or with why the action failed, which is then not reported by an Event. Done is
	// not called after Close.
	Control(a Action, done func(error)) (pending bool, err error)
	// CanBoot reports whether the machine can be made to boot so. SetBoot refuses what it cannot.
	CanBoot(Boot) bool
	// SetCycleInterval sets how long a power cycle leaves the machine off.
	SetCycleInterval(time.Duration)
	// SetBoot says from where the machine boots at its next starts, until it is called again. What
	// is meant for one start only is taken back by the BMC when Started comes.
	SetBoot(Boot) error
	// Identify turns the light or beep on or off by which people find the machine.
	Identify(on bool) error
	// Close lets the machine go. No event comes after it.
	Close() error
}

// A Restorer is a Host that forgets its power state when its BMC stops. The BMC tells it, before
// anything else, what mains coming back does to it.
type Restorer interface {
	Restore(on bool)
}

// A SystemInterfacer is a Host whose machine reaches the BMC from within, as a server does by KCS.
type SystemInterfacer interface {
	// SystemInterface returns where the machine connects to, with the protocol of QEMU's
	// ipmi-bmc-extern; nil if it does not. It is called once, after Notify. The host closes it.
	SystemInterface() net.Listener
}

// A Watcher is a Host that has to look at its machine to know of it.
type Watcher interface {
	// Looked returns a channel that is closed when the first look, which Notify begins, is over.
	Looked() <-chan struct{}
}

// Errors of Control and SetBoot, which others may wrap.
var (
	ErrState       = errors.New("not in the present state of the machine")
	ErrUnsupported = errors.New("the machine cannot do that")
	ErrUnseen      = errors.New("the machine cannot be seen")
)

// Power is whether a machine is on. The zero value says that this is not known now, whatever was
// known before.
type Power uint8

// Values of Power. A machine is On also while it starts or shuts down.
const (
	Unknown Power = iota
	Off
	On
)

// PowerOf returns On or Off.
func PowerOf(on bool) Power {
	if on {
		return On
	}
	return Off
}

// String returns the word for the power.
func (p Power) String() string {
	switch p {
	case Off:
		return "off"
	case On:
		return "on"
	}
	return "unknown"
}

// State is what is known of a machine.
type State struct {
	Power Power
	Fault error // why the last action failed, nil if it did not
}

// An Action is something to do to a machine.
type Action uint8

// Actions.
const (
	PowerOff Action = iota // at once
	PowerOn
	PowerCycle // off, and on again after the cycle interval
	Reset
	Diagnostic   // an interrupt that makes the operating system dump: NMI
	SoftShutdown // ask the operating system to shut down
)

// String returns the action in words.
func (a Action) String() string {
	words := [...]string{"power off", "power on", "power cycle", "reset", "diagnostic interrupt",
		"soft shutdown"}
	if int(a) < len(words) {
		return words[a]
	}
	return "unknown action"
}

// An Event is something that happened to a machine.
type Event struct {
	Kind EventKind
	// Err is why, of Failed and Unseen; of PoweredOff, the fault that switched the machine off, nil
	// if none did.
	Err error
}

// An EventKind is what happened.
type EventKind uint8

// Kinds of event.
const (
	// power came on, or went off and on: the firmware runs and has taken its boot device
	Started    EventKind = iota
	Restarted            // the same after a reset, without power going off
	Booted               // the operating system runs
	PoweredOff           // power went off
	Failed               // what Control began and was accepted did not come about
	// Unseen: a look at the machine has failed, and its power is Unknown until it is Seen. It comes
	// again when the reason is another.
	Unseen
	// Seen: the power is known, for the first time or again. If it has changed since it was known
	// last, Started or PoweredOff follows.
	Seen
)

// A Device is a kind of device to boot from.
type Device uint8

// Boot devices.
const (
	BootDefault Device = iota // what the machine's own setup says
	BootNetwork
	BootDisk
	BootSafe // disk, in safe mode
	BootDiagnostic
	BootCD
	BootSetup // no booting: the firmware's setup
	BootFloppy
)

// Boot is from where and how a machine boots.
type Boot struct {
	Device Device
	EFI    bool // by UEFI rather than as a PC did
}
