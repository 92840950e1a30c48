package bmc

import (
	"errors"
	"fmt"
	"time"

	"lom/ipmi"
)

// parameters is one family of configuration parameters of a BMC, such as those of the LAN channel.
//
// What is written takes effect at once, so that nothing that was answered is lost with a client
// that ends in the midst of its work; committing is allowed and does nothing more (parameter 0 of
// Tables 23-4, 26-5, 30-6).
type parameters struct {
	*parameterFamily
	// own are the values that are not the factory's. Their keys are among the factory's.
	own map[parameterKey]ipmi.Parameter

	state ipmi.SetState
	claim Timer // while state is SetBusy
}

// A parameterFamily is what a family of parameters is on every BMC. It never changes, so that all
// BMCs share it.
type parameterFamily struct {
	section string // of the state file
	table   []ipmi.ParameterInfo
	parse   func(n uint8, data []byte) (ipmi.Parameter, error)

	// factory are the parameters that a BMC has, as it leaves the factory. One that is neither here
	// nor computed is not supported.
	factory map[parameterKey]ipmi.Parameter
	// compute returns a parameter that another family keeps, or that follows from others; nil for
	// the rest.
	compute func(b *BMC, key parameterKey) ipmi.Parameter
	// accept is asked before a parameter changes. It returns the value to keep, nil if it has set
	// the value where it belongs, or a completion code.
	accept func(ctx *Context, key parameterKey, p ipmi.Parameter) (ipmi.Parameter, error)
}

// A parameterKey names one value: a parameter, with its set and block where it has them.
type parameterKey struct{ Number, Set, Block uint8 }

func (k parameterKey) String() string { return fmt.Sprintf("%d.%d.%d", k.Number, k.Set, k.Block) }

// claimTime is how long a BMC believes a client that it is changing parameters, and is not heard of
// again.
const claimTime = time.Minute

// parser makes the parser of one family that of any.
func parser[P ipmi.Parameter](parse func(uint8, []byte) (P, error)) func(uint8,
	[]byte) (ipmi.Parameter, error) {
	return func(n uint8, data []byte) (ipmi.Parameter, error) { return parse(n, data) }
}

// add gives parameters the values that they have when a BMC leaves the factory.
func (f *parameterFamily) add(list ...ipmi.Parameter) {
	if f.factory == nil {
		f.factory = map[parameterKey]ipmi.Parameter{}
	}
	for _, p := range list {
		f.factory[f.keyOf(p)] = p
	}
}

// keyOf returns the key of a parameter.
func (f *parameterFamily) keyOf(p ipmi.Parameter) parameterKey {
	data, err := p.AppendBinary(nil)
	if err != nil {
		panic(fmt.Sprintf("bmc: %s: %v", f.section, err)) // a mistake in the program
	}
	return f.key(p.Number(), data)
}

// put gives parameters of this BMC values that its configuration says. Their types can be compared.
func (s *parameters) put(list ...ipmi.Parameter) {
	for _, p := range list {
		if key := s.keyOf(p); s.find(key) != p {
			s.hold(key, p)
		}
	}
}

// find returns the value of a parameter that is not computed, nil if there is none.
func (s *parameters) find(key parameterKey) ipmi.Parameter {
	if p, ok := s.own[key]; ok {
		return p
	}
	return s.factory[key]
}

// hold makes p the BMC's own value of a parameter.
func (s *parameters) hold(key parameterKey, p ipmi.Parameter) {
	if s.own == nil {
		s.own = map[parameterKey]ipmi.Parameter{}
	}
	s.own[key] = p
}

// key returns the key of a parameter with the given data.
func (f *parameterFamily) key(n uint8, data []byte) parameterKey {
	info, _ := ipmi.FindParameter(f.table, n)
	k := parameterKey{Number: n}
	if info.HasSet && len(data) > 0 {
		k.Set = data[0]
	}
	if info.HasBlock && len(data) > 1 {
		k.Block = data[1]
	}
	return k
}

// load reads what a former run stored. Parameters that are not there any more are ignored: the
// configuration may have changed.
func (s *parameters) load(b *BMC) error {
	b.listenReset(func(cold bool) {
		if cold {
			s.release()
		}
	})
	return loadSection(b, s.section, func(key string, data []byte) error {
		var k parameterKey
		if _, err := fmt.Sscanf(key, "%d.%d.%d", &k.Number, &k.Set, &k.Block); err != nil {
			return errors.New("no such parameter can be")
		}
		p, err := s.parse(k.Number, data)
		if _, has := s.factory[k]; err == nil && has {
			s.hold(k, p)
		}
		return err
	})
}

// get answers a command that reads a parameter.
func (s *parameters) get(b *BMC, key parameterKey, revisionOnly bool) (ipmi.ParameterData, error) {
	r := ipmi.ParameterData{Revision: ipmi.ParameterRevision}
	var p ipmi.Parameter = ipmi.SetInProgress{State: s.state}
	if key.Number != 0 {
		info, known := ipmi.FindParameter(s.table, key.Number)
		if known && !info.HasSet {
			key.Set = 0
		}
		if known && !info.HasBlock {
			key.Block = 0
		}
		if p = s.value(b, key); p == nil {
			if revisionOnly && s.has(b, key.Number) {
				return r, nil
			}
			return r, s.missing(b, key.Number)
		}
	}
	if revisionOnly {
		return r, nil
	}
	data, err := p.AppendBinary(nil)
	if err != nil {
		return r, ipmi.CodeUnspecified
	}
	r.Data = data
	return r, nil
}

// value returns the value of a parameter, nil if there is none.
func (s *parameters) value(b *BMC, key parameterKey) ipmi.Parameter {
	if s.compute != nil {
		if p := s.compute(b, key); p != nil {
			return p
		}
	}
	return s.find(key)
}

// has reports whether the BMC has the parameter in any set.
func (s *parameters) has(b *BMC, n uint8) bool {
	for k := range s.factory {
		if k.Number == n {
			return true
		}
	}
	return s.compute != nil && (s.compute(b, parameterKey{Number: n}) != nil ||
		s.compute(b, parameterKey{Number: n, Set: 1}) != nil)
}

// missing is the reason why a value is not there: the set or the block, or the parameter
// altogether.
func (s *parameters) missing(b *BMC, n uint8) error {
	if s.has(b, n) {
		return ipmi.CodeParameterOutOfRange
	}
	return ipmi.CodeParameterNotSupported
}

// set answers a command that writes a parameter.
func (s *parameters) set(ctx *Context, n uint8, data []byte) error {
	b := ctx.BMC
	if n == 0 {
		return s.setInProgress(b, data)
	}
	info, known := ipmi.FindParameter(s.table, n)
	if !known || !s.has(b, n) {
		return ipmi.CodeParameterNotSupported
	}
	if info.ReadOnly {
		return ipmi.CodeParameterReadOnly
	}
	p, err := s.parse(n, data)
	if err != nil {
		if errors.Is(err, ipmi.ErrMalformed) {
			return ipmi.CodeDataLengthInvalid
		}
		return err
	}
	// Without its reserved bits, and no longer than it may be.
	canonical, err := p.AppendBinary(nil)
	if err != nil {
		return ipmi.CodeInvalidDataField
	}
	if len(data) > len(canonical) {
		return ipmi.CodeDataLengthInvalid
	}
	key := s.key(n, canonical)
	if s.value(b, key) == nil {
		return s.missing(b, n)
	}
	if s.accept != nil {
		if p, err = s.accept(ctx, key, p); err != nil || p == nil {
			return err
		}
	}
	s.store(ctx, key, p, !info.Volatile)
	return nil
}

// store makes p the value of a parameter and, if it lasts, keeps it.
func (s *parameters) store(ctx *Context, key parameterKey, p ipmi.Parameter, lasts bool) {
	var save func(*BMC)
	if lasts {
		save = func(b *BMC) {
			if p, ok := s.own[key]; !ok {
				b.drop(s.section, key.String())
			} else if data, err := p.AppendBinary(nil); err == nil {
				b.put(s.section, key.String(), data)
			}
		}
	}
	if s.own == nil {
		s.own = map[parameterKey]ipmi.Parameter{}
	}
	setKey(ctx, s.own, key, p, save)
}

// setInProgress writes parameter 0.
func (s *parameters) setInProgress(b *BMC, data []byte) error {
	var p ipmi.SetInProgress
	if len(data) != 1 || p.UnmarshalBinary(data) != nil {
		return ipmi.CodeDataLengthInvalid
	}
	switch p.State {
	case ipmi.SetComplete:
		s.release()
	case ipmi.SetBusy:
		if s.state == ipmi.SetBusy {
			return ipmi.CodeSetInProgress
		}
		s.state = ipmi.SetBusy
		s.claim = b.after(claimTime, s.release)
	case ipmi.SetCommitWrite: // done already
	default:
		return ipmi.CodeInvalidDataField
	}
	return nil
}

// release ends a client's claim.
func (s *parameters) release() {
	s.state = ipmi.SetComplete
	if s.claim != nil {
		s.claim.Stop()
		s.claim = nil
	}
}
