package bmc

import (
	"slices"

	"lom/ipmi"
)

func handleCommandDiscovery(m *Mux) {
	Handle(m, getNetFnSupport)
	Handle(m, getCommandSupport)
	Handle(m, getOEMNetFnIANASupport)
	Handle(m, getSystemInterfaceCapabilities)
}

// commands returns the commands that a request can carry out on a channel.
func (b *BMC) commands(channel uint8) []ipmi.Command {
	var list []ipmi.Command
	for _, e := range b.mux.handlers {
		if (e.command.Privilege != ipmi.PrivilegeSystem || channel == channelSystem) &&
			b.makerHas(e.command) {
			list = append(list, e.command)
		}
	}
	return list
}

// hasChannel reports whether there is a channel with the number.
func hasChannel(n uint8) bool { return n == channelIPMB || n == channelLAN || n == channelSystem }

func getNetFnSupport(ctx *Context, req ipmi.GetNetFnSupport) (r ipmi.NetFnSupport, err error) {
	n := ctx.channel(req.Channel)
	if !hasChannel(n) {
		return r, ipmi.CodeInvalidDataField
	}
	r.LUN0 = ipmi.LUNOpen
	for _, c := range ctx.BMC.commands(n) {
		pair := c.NetFn / 2
		r.Pairs[pair/8] |= 1 << (pair % 8)
	}
	return r, nil
}

func getCommandSupport(ctx *Context,
	req ipmi.GetCommandSupport) (r ipmi.CommandSupport, err error) {
	n := ctx.channel(req.Channel)
	body := map[ipmi.NetFn]int{ipmi.NetFnGroup: 1, ipmi.NetFnOEM: 3}[req.NetFn.Request()]
	switch {
	case !hasChannel(n) || req.Half > 1:
		return r, ipmi.CodeInvalidDataField
	case len(req.Body) < body:
		return r, ipmi.CodeDataLengthInvalid
	}
	for i := range r.Missing {
		r.Missing[i] = 0xff
	}
	for _, c := range ctx.BMC.commands(n) {
		if req.LUN == 0 && c.NetFn == req.NetFn.Request() && c.Body == string(req.Body[:body]) &&
			c.Code>>7 == req.Half {
			at := c.Code & 0x7f
			r.Missing[at/8] &^= 1 << (at % 8)
		}
	}
	return r, nil
}

func getOEMNetFnIANASupport(ctx *Context,
	req ipmi.GetOEMNetFnIANASupport) (r ipmi.OEMNetFnIANASupport, err error) {
	n := ctx.channel(req.Channel)
	if !hasChannel(n) {
		return r, ipmi.CodeInvalidDataField
	}
	var bodies []string
	for _, c := range ctx.BMC.commands(n) {
		if c.NetFn == req.NetFn && c.Body != "" && !slices.Contains(bodies, c.Body) {
			bodies = append(bodies, c.Body)
		}
	}
	slices.Sort(bodies)
	if int(req.Index) >= len(bodies) {
		return r, ipmi.CodeParameterOutOfRange
	}
	return ipmi.OEMNetFnIANASupport{Last: int(req.Index) == len(bodies)-1, LUN0: ipmi.LUNOpen,
		Body: []byte(bodies[req.Index])}, nil
}

func getSystemInterfaceCapabilities(_ *Context,
	req ipmi.GetSystemInterfaceCapabilities) (r ipmi.SystemInterfaceCapabilities, err error) {
	if req.Type != ipmi.InterfaceKCS {
		return r, ipmi.CodeInvalidDataField
	}
	return ipmi.SystemInterfaceCapabilities{InputSize: 0xff}, nil
}
