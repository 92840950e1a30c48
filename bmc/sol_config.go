package bmc

import (
	"sync"

	"lom/ipmi"
	"lom/rmcp"
)

// solConfig is the SOL configuration of the LAN channel (§26).
type solConfig struct{ parameters }

// solFamily is the SOL parameters that all BMCs have.
var solFamily = sync.OnceValue(func() *parameterFamily {
	f := &parameterFamily{section: "sol", table: ipmi.SOLParameters(),
		parse: parser(ipmi.ParseSOLParameter), compute: computeSOL, accept: acceptSOL}
	f.add(
		ipmi.SOLEnable{Enabled: true},
		ipmi.SOLAuthentication{ForceEncryption: true, ForceAuthentication: true,
			Privilege: ipmi.PrivilegeOperator},
		// 20 ms, in which a port of 115200 bit/s fills a packet
		ipmi.SOLAccumulate{Interval: 4, Threshold: 96},
		ipmi.SOLRetry{Count: 7, Interval: 50},
		ipmi.SOLBitRate{Rate: ipmi.BitRate115200},
		ipmi.SOLPayloadChannel{Channel: channelLAN},
		ipmi.SOLVolatileBitRate{Rate: ipmi.BitRate115200},
	)
	return f
})

// computeSOL returns the port of SOL, which is where the sessions are.
func computeSOL(b *BMC, key parameterKey) ipmi.Parameter {
	if key.Number != (ipmi.SOLPayloadPort{}).Number() {
		return nil
	}
	if port := b.cfg.LAN.Port; port != 0 {
		return ipmi.SOLPayloadPort{Port: port}
	}
	return ipmi.SOLPayloadPort{Port: rmcp.Port}
}

func (s *solConfig) load(b *BMC) error {
	s.parameterFamily = solFamily()
	if err := s.parameters.load(b); err != nil {
		return err
	}
	s.put(ipmi.SOLVolatileBitRate(solValue[ipmi.SOLBitRate](b)))
	return nil
}

// solValue returns an SOL parameter.
func solValue[P ipmi.SOLParameter](b *BMC) P {
	var p P
	p, _ = b.solConfig.value(b, parameterKey{Number: p.Number()}).(P)
	return p
}

// acceptSOL says which values an SOL parameter can have.
func acceptSOL(_ *Context, _ parameterKey, p ipmi.Parameter) (ipmi.Parameter, error) {
	switch p := p.(type) {
	case ipmi.SOLAuthentication:
		if p.Privilege < ipmi.PrivilegeUser || p.Privilege > ipmi.PrivilegeOEM {
			return nil, ipmi.CodeInvalidDataField
		}
	case ipmi.SOLAccumulate:
		if p.Interval == 0 {
			return nil, ipmi.CodeInvalidDataField
		}
	case ipmi.SOLBitRate:
		return p, bitRate(p.Rate)
	case ipmi.SOLVolatileBitRate:
		return p, bitRate(p.Rate)
	case ipmi.SOLPayloadPort:
		return nil, ipmi.CodeParameterReadOnly
	}
	return p, nil
}

// bitRate refuses unknown rates; there is no serial channel whose rate could be used instead.
func bitRate(r ipmi.BitRate) error {
	if r.Bits() == 0 {
		return ipmi.CodeParameterOutOfRange
	}
	return nil
}

func handleSOLConfig(m *Mux) {
	Handle(m, func(ctx *Context, req ipmi.SetSOLConfiguration) (ipmi.NoData, error) {
		if !ctx.isLAN(req.Channel) {
			return ipmi.NoData{}, ipmi.CodeInvalidDataField
		}
		return ipmi.NoData{}, ctx.BMC.solConfig.set(ctx, req.Parameter, req.Data)
	})
	Handle(m, func(ctx *Context, req ipmi.GetSOLConfiguration) (ipmi.ParameterData, error) {
		if !ctx.isLAN(req.Channel) {
			return ipmi.ParameterData{}, ipmi.CodeInvalidDataField
		}
		return ctx.BMC.solConfig.get(ctx.BMC, parameterKey{req.Parameter, req.Set, req.Block},
			req.RevisionOnly)
	})
}
