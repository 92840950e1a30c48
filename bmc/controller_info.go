package bmc

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"lom/bmc/host"
	"lom/ipmi"
)

// systemInfo is the system info parameters (§22.14a, Table 22-16c): the progress flag and seven
// texts in blocks of 16 bytes, which are kept as they were written.
type systemInfo struct {
	progress ipmi.SetState
	text     [ipmi.SystemInfoHypervisorURL + 1][]byte // by selector; whole blocks
}

// systemInfoBlocks is how many blocks a text has at most: room for 255 bytes and their head.
const systemInfoBlocks = 17

// volatileText reports whether the text is of the running system, and forgotten when that ends.
func volatileText(n uint8) bool {
	return n == ipmi.SystemInfoOS || n == ipmi.SystemInfoOSVersion ||
		n == ipmi.SystemInfoHypervisorURL
}

func (s *systemInfo) load(b *BMC) error {
	b.onHostEvent(func(e host.Event) {
		switch e.Kind {
		case host.PoweredOff, host.Started, host.Restarted:
			s.progress = ipmi.SetComplete
			for n := range s.text {
				if volatileText(uint8(n)) && len(s.text[n]) > 0 {
					s.text[n] = nil
				}
			}
		}
	})
	b.listenReset(func(bool) { s.progress = ipmi.SetComplete })
	return loadSection(b, "system", func(key string, v []byte) error {
		n, err := strconv.ParseUint(key, 10, 8)
		if err != nil || n < 1 || n >= uint64(len(s.text)) ||
			len(v) > systemInfoBlocks*ipmi.SystemInfoBlockSize {
			return errors.New("no such text can be")
		}
		s.text[n] = v
		return nil
	})
}

// current returns a text as it is read. Until it is written, that of the system firmware's version
// is what the firmware of the make writes when it starts.
func (s *systemInfo) current(b *BMC, n uint8) []byte {
	version := b.profile().Firmware
	if n != ipmi.SystemInfoFirmware || s.text[n] != nil || version == "" {
		return s.text[n]
	}
	text, err := ipmi.AppendSystemText(nil, version)
	if err != nil {
		panic("bmc: " + err.Error()) // too long, in the program
	}
	return text
}

func handleSystemInfo(m *Mux) {
	Handle(m, setSystemInfo)
	Handle(m, getSystemInfo)
}

func setSystemInfo(ctx *Context, req ipmi.SetSystemInfo) (r ipmi.NoData, err error) {
	b := ctx.BMC
	s := &b.systemInfo
	p, err := ipmi.ParseSystemInfoParameter(req.Number, req.Data)
	if err != nil {
		return r, ipmi.CodeDataLengthInvalid
	}
	switch p := p.(type) {
	case ipmi.SetInProgress:
		switch {
		case p.State > ipmi.SetBusy:
			return r, ipmi.CodeInvalidDataField // nothing is rolled back, so nothing is committed
		case p.State == ipmi.SetBusy && s.progress == ipmi.SetBusy:
			return r, ipmi.CodeSetInProgress
		}
		s.progress = p.State
	case ipmi.SystemInfoBlock:
		switch {
		case p.Block >= systemInfoBlocks:
			return r, ipmi.CodeParameterOutOfRange
		case len(p.Data) == 0 || len(p.Data) > ipmi.SystemInfoBlockSize:
			return r, ipmi.CodeDataLengthInvalid
		}
		from := int(p.Block) * ipmi.SystemInfoBlockSize
		text := slices.Clone(s.current(b, req.Number))
		if n := from + ipmi.SystemInfoBlockSize; len(text) < n {
			text = append(text, make([]byte, n-len(text))...)
		}
		copy(text[from:], p.Data)
		var save func(*BMC)
		if !volatileText(req.Number) {
			save = func(b *BMC) { b.put("system", fmt.Sprint(req.Number), s.text[req.Number]) }
		}
		set(ctx, &s.text[req.Number], text, save)
	default:
		return r, ipmi.CodeParameterNotSupported
	}
	return r, nil
}

func getSystemInfo(ctx *Context, req ipmi.GetSystemInfo) (r ipmi.SystemInfo, err error) {
	s := &ctx.BMC.systemInfo
	r.Revision = 0x11
	switch {
	case int(req.Number) >= len(s.text):
		return r, ipmi.CodeParameterNotSupported
	case req.RevisionOnly:
	case req.Number == 0:
		r.Data = []byte{byte(s.progress)}
	default:
		text := s.current(ctx.BMC, req.Number)
		from := int(req.Set) * ipmi.SystemInfoBlockSize
		if from >= max(len(text), ipmi.SystemInfoBlockSize) {
			return r, ipmi.CodeParameterOutOfRange
		}
		block := make([]byte, 1+ipmi.SystemInfoBlockSize) // a text that was never set is empty
		block[0] = req.Set
		copy(block[1:], text[min(from, len(text)):])
		r.Data = block
	}
	return r, nil
}
