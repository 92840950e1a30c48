package bmc

import (
	"errors"

	"lom/bmc/host"
	"lom/ipmi"
)

// channels is the access to the LAN channel and its keys (§22.22, §22.25). A BMC of lom has one LAN
// channel, 1, the IPMB, 0, and the system interface, 15.
type channels struct {
	access [2]channelAccess // by settingActive, settingKept
	keys   channelKeys
}

// The two settings of a channel's access: that in force, and that which the BMC starts with.
const (
	settingActive = iota
	settingKept
)

// channelAccess is what Set Channel Access sets (Table 22-27).
type channelAccess struct {
	PEFAlertingOff    bool `json:",omitempty"`
	PerMessageAuthOff bool `json:",omitempty"`
	UserLevelAuthOff  bool `json:",omitempty"`
	Mode              uint8
	Privilege         ipmi.Privilege // limit
}

// accessAlways is the access mode "always available".
const accessAlways = 2

// channelKeys are the keys of RMCP+ (§22.25), 20 bytes or none each. Kr is kept for those who set,
// read and lock it: random numbers come from the operating system, not from a key.
type channelKeys struct {
	Kr, Kg   []byte `json:",omitempty"`
	KrLocked bool   `json:",omitempty"`
}

func (c *channels) load(b *BMC) error {
	c.access[settingKept] = channelAccess{Mode: accessAlways,
		Privilege: ipmi.PrivilegeAdministrator}
	if kg := b.cfg.Kg.Reveal(); kg != "" {
		if len(kg) > 20 {
			return errors.New("a Kg has at most 20 bytes")
		}
		c.keys.Kg = make([]byte, 20)
		copy(c.keys.Kg, kg)
	}
	err := loadSection(b, "channel", func(_ string, v channelAccess) error {
		if v.Mode > 3 || v.Privilege < 1 || v.Privilege > ipmi.PrivilegeOEM {
			return errors.New("no such access can be")
		}
		c.access[settingKept] = v
		return nil
	})
	c.access[settingActive] = c.access[settingKept]
	b.onHostEvent(func(e host.Event) {
		switch e.Kind {
		case host.PoweredOff, host.Started, host.Restarted:
			c.access[settingActive] = c.access[settingKept] // what is set for now is over (§22.22)
		}
		b.channelChanged()
	})
	return errors.Join(err, loadSection(b, "keys", func(_ string, v channelKeys) error {
		if n := ipmi.ChannelKeySize; len(v.Kg) != 0 && len(v.Kg) != n ||
			len(v.Kr) != 0 && len(v.Kr) != n {
			return errors.New("a key has 20 bytes")
		}
		c.keys = v
		return nil
	}))
}

// channelChanged ends the sessions of a channel that takes no messages any more, and the payloads
// that its privilege limit no longer allows.
func (b *BMC) channelChanged() {
	if !b.listening() {
		b.sessions.closeIf(func(*session) bool { return true })
	}
	b.payloads.check(b)
}

// saveAccess keeps the access that the BMC starts with.
func (b *BMC) saveAccess() { b.put("channel", "", b.channels.access[settingKept]) }

// saveKeys keeps the keys.
func (b *BMC) saveKeys() { b.put("keys", "", b.channels.keys) }

// kg returns the key by which sessions' keys are made, nil where the user's password is (§13.31).
func (c *channels) kg() []byte {
	for _, v := range c.keys.Kg {
		if v != 0 {
			return c.keys.Kg
		}
	}
	return nil
}
