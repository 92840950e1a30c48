package bmc

import "lom/ipmi"

func handleChannels(m *Mux) {
	Handle(m, setChannelAccess)
	Handle(m, getChannelAccess)
	Handle(m, getChannelInfo)
	Handle(m, setChannelSecurityKeys)
}

// channel returns the number of the channel that a request means.
func (c *Context) channel(n uint8) uint8 {
	if n == channelSame {
		return c.Channel
	}
	return n
}

// sessionChannel checks that a request is about a channel that has sessions.
func (c *Context) sessionChannel(n uint8) error {
	switch c.channel(n) {
	case channelLAN:
		return nil
	case channelIPMB, channelSystem:
		return ipmi.CodeChannelNotSupported
	}
	return ipmi.CodeInvalidDataField
}

func setChannelAccess(ctx *Context, req ipmi.SetChannelAccess) (r ipmi.NoData, err error) {
	if err := ctx.sessionChannel(req.Channel); err != nil {
		return r, err
	}
	c := &ctx.BMC.channels
	access := c.access
	which := map[ipmi.AccessSetting]int{ipmi.AccessNonVolatile: settingKept,
		ipmi.AccessVolatile: settingActive}
	switch {
	case req.SetAccess > ipmi.AccessVolatile || req.SetLimit > ipmi.AccessVolatile:
		return r, ipmi.CodeInvalidDataField
	case req.SetAccess != ipmi.AccessUnchanged && req.Mode != ipmi.AccessDisabled &&
		req.Mode != ipmi.AccessAlways && req.Mode != ipmi.AccessPreBoot:
		return r, ipmi.CodeAccessModeNotSupported
	case req.SetLimit != ipmi.AccessUnchanged &&
		(req.Limit < ipmi.PrivilegeCallback || req.Limit > ipmi.PrivilegeOEM):
		return r, ipmi.CodeInvalidDataField
	}
	ctx.AfterAnswer(ctx.BMC.channelChanged)
	if i, ok := which[req.SetAccess]; ok {
		a := &access[i]
		a.Mode, a.PEFAlertingOff, a.PerMessageAuthOff, a.UserLevelAuthOff = uint8(req.Mode),
			!req.Alerting, !req.PerMessage, !req.UserLevel
	}
	if i, ok := which[req.SetLimit]; ok {
		access[i].Privilege = req.Limit
	}
	set(ctx, &c.access[settingActive], access[settingActive], nil)
	if access[settingKept] != c.access[settingKept] {
		set(ctx, &c.access[settingKept], access[settingKept], (*BMC).saveAccess)
	}
	return r, nil
}

func getChannelAccess(ctx *Context, req ipmi.GetChannelAccess) (r ipmi.ChannelAccess, err error) {
	if err := ctx.sessionChannel(req.Channel); err != nil {
		return r, err
	}
	a := &ctx.BMC.channels.access[settingActive]
	switch req.Setting {
	case ipmi.AccessNonVolatile:
		a = &ctx.BMC.channels.access[settingKept]
	case ipmi.AccessVolatile:
	default:
		return r, ipmi.CodeInvalidDataField
	}
	return ipmi.ChannelAccess{
		Alerting: !a.PEFAlertingOff, PerMessage: !a.PerMessageAuthOff,
		UserLevel: !a.UserLevelAuthOff,
		Mode:      ipmi.AccessMode(a.Mode), Limit: a.Privilege,
	}, nil
}

func getChannelInfo(ctx *Context, req ipmi.GetChannelInfo) (ipmi.ChannelInfo, error) {
	n := ctx.channel(req.Channel)
	r := ipmi.ChannelInfo{Channel: n, Vendor: ipmi.VendorIPMI}
	switch n {
	case channelIPMB:
		r.Medium, r.Protocol = ipmi.MediumIPMB, ipmi.ProtocolIPMB
	case channelLAN:
		r.Medium, r.Protocol, r.SessionSupport = ipmi.MediumLAN, ipmi.ProtocolIPMB,
			ipmi.MultiSession
		r.ActiveSessions = uint8(len(ctx.BMC.sessions.active))
	case channelSystem:
		r.Medium, r.Protocol = ipmi.MediumSystemInterface, ipmi.ProtocolKCS
		r.Auxiliary = [2]uint8{0xff, 0xff} // no interrupts
	default:
		return ipmi.ChannelInfo{}, ipmi.CodeInvalidDataField
	}
	return r, nil
}

func setChannelSecurityKeys(ctx *Context,
	req ipmi.SetChannelSecurityKeys) (r ipmi.ChannelSecurityKeys, err error) {
	if !ctx.isLAN(req.Channel) || req.Key > ipmi.KeyGeneration || req.Operation > ipmi.KeyLock {
		return r, ipmi.CodeInvalidDataField
	}
	k := &ctx.BMC.channels.keys
	key := &k.Kg // it cannot be locked
	if req.Key == ipmi.KeyRandom {
		if k.KrLocked && req.Operation != ipmi.KeyLock {
			return r, ipmi.CodeKeyLocked
		}
		key = &k.Kr
	}
	switch req.Operation {
	case ipmi.KeyRead:
		r.Value = ipmi.NewSecret(string(*key)).Padded(ipmi.ChannelKeySize)
	case ipmi.KeySet:
		switch n := req.Value.Len(); {
		case n < ipmi.ChannelKeySize:
			return r, ipmi.CodeKeyTooShort
		case n > ipmi.ChannelKeySize:
			return r, ipmi.CodeKeyTooLong
		}
		set(ctx, key, []byte(req.Value.Reveal()), (*BMC).saveKeys)
	case ipmi.KeyLock:
		if req.Key == ipmi.KeyGeneration {
			return r, ipmi.CodeInvalidDataField
		}
		set(ctx, &k.KrLocked, true, (*BMC).saveKeys)
	}
	switch {
	case req.Key == ipmi.KeyGeneration:
		r.Lock = ipmi.KeyNotLockable
	case k.KrLocked:
		r.Lock = ipmi.KeyLocked
	default:
		r.Lock = ipmi.KeyUnlocked
	}
	return r, nil
}
