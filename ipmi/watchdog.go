package ipmi

import "time"

// ResetWatchdogTimer is the Reset Watchdog Timer command (§27.5), which starts the timer and starts
// it again.
type ResetWatchdogTimer struct{}

// CodeWatchdogNotSet is Reset Watchdog Timer's code when the timer was never set.
const CodeWatchdogNotSet CompletionCode = 0x80

// SetWatchdogTimer is the Set Watchdog Timer command (§27.6).
type SetWatchdogTimer struct {
	DontLog bool `wire:"byte 1, bit 7"`
	// a running timer runs on, from the new countdown
	DontStop           bool              `wire:"bit 6"`
	Use                WatchdogUse       `wire:"bits 2:0"`
	PreTimeout         WatchdogInterrupt `wire:"byte 2, bits 6:4"`
	Action             WatchdogAction    `wire:"bits 2:0"`
	PreTimeoutInterval uint8             `wire:"byte 3"`   // seconds before the timeout
	ClearExpired       WatchdogUses      `wire:"byte 4"`   // expiration flags to clear
	Countdown          WatchdogCount     `wire:"byte 5-6"` // initial
}

// GetWatchdogTimer is the Get Watchdog Timer command (§27.7).
type GetWatchdogTimer struct{}

// WatchdogTimer is its response (Table 27-4).
type WatchdogTimer struct {
	DontLog            bool              `wire:"byte 2, bit 7"`
	Running            bool              `wire:"bit 6"`
	Use                WatchdogUse       `wire:"bits 2:0"`
	PreTimeout         WatchdogInterrupt `wire:"byte 3, bits 6:4"`
	Action             WatchdogAction    `wire:"bits 2:0"`
	PreTimeoutInterval uint8             `wire:"byte 4"` // seconds before the timeout
	Expired            WatchdogUses      `wire:"byte 5"` // uses in which the timer has run out
	InitialCountdown   WatchdogCount     `wire:"byte 6-7"`
	// present; ipmi_sim leaves it out before the timer is set
	Countdown WatchdogCount `wire:"byte 8-9, optional"`
}

// A WatchdogCount is a time in units of 100 ms, up to 6553.5 s.
type WatchdogCount uint16

// Duration returns the time.
func (c WatchdogCount) Duration() time.Duration { return time.Duration(c) * 100 * time.Millisecond }

// A WatchdogUse is what the timer is used for.
type WatchdogUse uint8

// Watchdog uses.
const (
	WatchdogFRB2   WatchdogUse = 1 // fault-resilient booting
	WatchdogPOST   WatchdogUse = 2
	WatchdogOSLoad WatchdogUse = 3
	WatchdogSMS    WatchdogUse = 4 // system management software
	WatchdogOEM    WatchdogUse = 5
)

// String returns the use as ipmitool writes it.
func (u WatchdogUse) String() string { return word(watchdogUseWords[:], u, "Reserved") }

var watchdogUseWords = [...]string{"Reserved", "BIOS FRB2", "BIOS/POST", "OS Load", "SMS/OS", "OEM"}

// WatchdogUses is a set of uses; bit n is use n.
type WatchdogUses uint8

// Has reports whether the set contains u.
func (s WatchdogUses) Has(u WatchdogUse) bool { return s>>u&1 != 0 }

// A WatchdogInterrupt is the interrupt before the timeout.
type WatchdogInterrupt uint8

// Watchdog interrupts.
const (
	WatchdogNoInterrupt WatchdogInterrupt = 0
	WatchdogSMI         WatchdogInterrupt = 1
	WatchdogNMI         WatchdogInterrupt = 2
	WatchdogMessaging   WatchdogInterrupt = 3
)

// String returns the interrupt as ipmitool writes it.
func (i WatchdogInterrupt) String() string {
	return word(watchdogInterruptWords[:], i, "Reserved")
}

var watchdogInterruptWords = [...]string{"None", "SMI", "NMI/Diagnostic", "Messaging"}

// A WatchdogAction is what happens at the timeout.
type WatchdogAction uint8

// Watchdog actions.
const (
	WatchdogNoAction   WatchdogAction = 0
	WatchdogHardReset  WatchdogAction = 1
	WatchdogPowerDown  WatchdogAction = 2
	WatchdogPowerCycle WatchdogAction = 3
)

// String returns the action as ipmitool writes it.
func (a WatchdogAction) String() string { return word(watchdogActionWords[:], a, "Reserved") }

var watchdogActionWords = [...]string{"No action", "Hard Reset", "Power Down", "Power Cycle"}
