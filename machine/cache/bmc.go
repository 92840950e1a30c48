package cache

import (
	"context"
	"errors"
	"path/filepath"

	"lom/client"
	"lom/ipmi"
)

// A BMC is what is kept of one BMC. The zero value keeps nothing.
type BMC struct {
	dir  Dir
	name string // of its files, without their kind
}

// BMC returns what is kept of the BMC that c leads to. address is the address of the BMC in the
// caller's words. A BMC is known by its GUID and, because some makers give all BMCs the same GUID,
// by its address besides: another BMC at the same address is another one, and so is the same at
// another address. A BMC without a GUID has no cache. In a session over lanplus the GUID is known
// from the log-in; elsewhere the BMC is asked for it.
func (d Dir) BMC(ctx context.Context, c client.Conn, address string) (BMC, error) {
	if d.Path == "" {
		return BMC{}, nil
	}
	guid, err := controllerGUID(ctx, c)
	if err != nil || guid == (ipmi.GUID{}) {
		return BMC{}, unlessRefused(err)
	}
	return BMC{d, hash("%x %s", guid, address)}, nil
}

// refused reports whether a BMC has answered, and not done what it was asked.
func refused(err error) bool {
	var code ipmi.CompletionCode
	return errors.As(err, &code)
}

// unlessRefused returns the errors that do not mean that the BMC cannot do something.
func unlessRefused(err error) error {
	if refused(err) || errors.Is(err, ipmi.ErrMalformed) {
		return nil
	}
	return err
}

// controllerGUID returns the GUID of the log-in, or asks for that of the BMC, and for that of the
// system if the BMC has none of its own.
func controllerGUID(ctx context.Context, c client.Conn) (ipmi.GUID, error) {
	if s, ok := c.(interface{ Info() client.Info }); ok {
		if guid := s.Info().GUID; guid != (ipmi.GUID{}) {
			return guid, nil
		}
	}
	device, err := client.Do(ctx, c, ipmi.GetDeviceGUID{})
	if !refused(err) {
		return device.GUID, err
	}
	system, err := client.Do(ctx, c, ipmi.GetSystemGUID{})
	return system.GUID, err
}

func (b BMC) file(kind string) string { return filepath.Join(b.dir.Path, b.name+"."+kind) }

// load returns what is kept of a kind, and the words that it was kept with.
func (b BMC) load(kind string) (words string, body []byte, ok bool) {
	if b.name == "" {
		return "", nil, false
	}
	words, body, ok = read(b.file(kind), kind)
	if ok {
		b.dir.log().Debug("taken from the cache", "kind", kind, "bmc", b.name)
	}
	return words, body, ok
}

// keep keeps something of a kind. That it cannot is no failure.
func (b BMC) keep(kind, words string, body []byte) {
	if b.name == "" {
		return
	}
	if err := write(b.file(kind), kind, words, body); err != nil {
		b.dir.log().Info("not kept", "kind", kind, "error", err)
		return
	}
	b.dir.prune()
}
