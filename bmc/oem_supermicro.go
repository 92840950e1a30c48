package bmc

import (
	"encoding/binary"

	"lom/ipmi"
)

const manufacturerSupermicro = 10876

// getBoardID is a command of Supermicro's own, which ipmitool asks a BMC of that make to say where a memory module is.
var getBoardID = ipmi.Command{NetFn: 0x30, Code: 0x21, Name: "Get Board ID", Privilege: ipmi.PrivilegeUser}

func handleSupermicro(m *Mux) {
	m.HandleRaw(getBoardID, func(ctx *Context, _ []byte) (ipmi.CompletionCode, []byte) {
		if !ctx.BMC.makerHas(getBoardID) {
			return ipmi.CodeInvalidCommand, nil
		}
		return ipmi.CodeOK, binary.LittleEndian.AppendUint16(nil, ctx.BMC.cfg.Device.Product)
	})
}

// makerHas reports whether a BMC of this make has a command: all have those of IPMI.
func (b *BMC) makerHas(c ipmi.Command) bool {
	return !c.Is(getBoardID) || b.cfg.Device.Manufacturer == manufacturerSupermicro
}
