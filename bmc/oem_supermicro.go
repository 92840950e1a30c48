package bmc

import (
	"encoding/binary"
	"errors"

	"lom/ipmi"
)

const manufacturerSupermicro = 10876

// Commands of Supermicro's own.
var (
	// getBoardID is what ipmitool asks a BMC of that make to say where a memory module is.
	getBoardID = ipmi.Command{NetFn: 0x30, Code: 0x21, Name: "Get Board ID",
		Privilege: ipmi.PrivilegeUser}
	// supermicroExtra has many functions, named by its first byte. ipmi_exporter reads the LAN mode
	// by it.
	supermicroExtra = ipmi.Command{NetFn: 0x30, Code: 0x70, Name: "Supermicro Extra",
		Privilege: ipmi.PrivilegeUser, Changes: true}
)

// supermicro is what a BMC of that make keeps besides.
type supermicro struct{ lanMode uint8 }

// LAN modes: which of the network ports the BMC uses.
const (
	lanDedicated = iota
	lanShared
	lanFailover // shared while the dedicated port has no link: as a server leaves the factory
)

// functionLANMode is the function of supermicroExtra that reads (0) or sets (1, mode) the LAN mode.
const functionLANMode = 0x0c

func (s *supermicro) load(b *BMC) error {
	s.lanMode = lanFailover
	return loadSection(b, "supermicro", func(_ string, mode uint8) error {
		if mode > lanFailover {
			return errors.New("there is no such LAN mode")
		}
		s.lanMode = mode
		return nil
	})
}

func (s *supermicro) save(b *BMC) { b.put("supermicro", "", s.lanMode) }

func handleSupermicro(m *Mux) {
	m.HandleRaw(getBoardID, func(ctx *Context, _ []byte) (ipmi.CompletionCode, []byte) {
		if !ctx.BMC.makerHas(getBoardID) {
			return ipmi.CodeInvalidCommand, nil
		}
		return ipmi.CodeOK, binary.LittleEndian.AppendUint16(nil, ctx.BMC.cfg.Device.Product)
	})
	m.HandleRaw(supermicroExtra, func(ctx *Context, data []byte) (ipmi.CompletionCode, []byte) {
		s := &ctx.BMC.supermicro
		switch {
		case !ctx.BMC.makerHas(supermicroExtra):
			return ipmi.CodeInvalidCommand, nil
		case len(data) < 2:
			return ipmi.CodeDataLengthInvalid, nil
		case data[0] != functionLANMode || data[1] > 1:
			return ipmi.CodeInvalidDataField, nil
		case data[1] == 0:
			return ipmi.CodeOK, []byte{s.lanMode}
		case ctx.Privilege < ipmi.PrivilegeAdministrator:
			return ipmi.CodeInsufficientPrivilege, nil
		case len(data) != 3:
			return ipmi.CodeDataLengthInvalid, nil
		case data[2] > lanFailover:
			return ipmi.CodeParameterOutOfRange, nil
		}
		set(ctx, &s.lanMode, data[2], s.save)
		return ipmi.CodeOK, nil
	})
}

// makerHas reports whether a BMC of this make has a command: all have those of IPMI.
func (b *BMC) makerHas(c ipmi.Command) bool {
	return !c.Is(getBoardID) && !c.Is(supermicroExtra) ||
		b.cfg.Device.Manufacturer == manufacturerSupermicro
}
