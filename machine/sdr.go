package machine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lom/client"
	"lom/ipmi"
	"lom/ipmi/sdr"
	"lom/machine/cache"
)

// WithCache makes the machine keep sensor records and events in a folder, and read no more of them
// than has changed. address names the BMC besides its GUID, such as "bmc7 623": see
// [cache.Dir.BMC].
func WithCache(dir cache.Dir, address string) Option {
	return func(m *Machine) { m.cache, m.address = dir, address }
}

// WithRecords makes the machine take its sensor records from read, not from the BMC, such as from a
// file that [SplitRecords] takes apart.
func WithRecords(read func(context.Context) ([][]byte, error)) Option {
	return func(m *Machine) { m.records = read }
}

// Cache returns the folder in which the machine keeps things, and the address that it keeps them
// by.
func (m *Machine) Cache() (dir cache.Dir, address string) { return m.cache, m.address }

// Records reads the sensor data records of the BMC (§33), those that are kept from an earlier call
// if they are still right. want is called with the beginning of a record, which is its header of
// five bytes or more; records that it reports false for may be missing. A nil want wants all.
//
// What could not be read comes with a *[PartialError], which wraps a *[client.IncompleteError] if
// the BMC did not give it, and says which record makes no sense else.
func (m *Machine) Records(ctx context.Context, want func(head []byte) bool) ([]sdr.Record, error) {
	raw, err := m.rawRecords(ctx, want)
	if partial := new(PartialError); err != nil && !errors.As(err, &partial) {
		return nil, err
	}
	var list []sdr.Record
	for _, b := range raw {
		r, bad := sdr.Parse(b)
		if bad == nil {
			list = append(list, r)
			continue
		}
		if want == nil || want(b) {
			bad = fmt.Errorf("SDR %02X%02Xh makes no sense: %w", b[1], b[0], bad)
			if m.log.Info("sensor record omitted", "error", bad); err == nil {
				err = &PartialError{bad}
			}
		}
	}
	return list, err
}

// rawRecords returns the bytes of the records, those that are whole.
func (m *Machine) rawRecords(ctx context.Context, want func(head []byte) bool) ([][]byte, error) {
	if m.records != nil {
		return m.records(ctx)
	}
	model := func(ctx context.Context) (string, error) {
		id, err := m.DeviceID(ctx)
		if refused(err) || errors.Is(err, ipmi.ErrMalformed) {
			return "", nil
		}
		return cache.ModelWords(id), err
	}
	list, err := m.cache.SDRs(ctx, m.conn, m.address, want, model)
	var whole [][]byte
	for _, r := range list {
		if r.Whole() {
			whole = append(whole, r.Data)
		}
	}
	return whole, partly("Reading the sensor records", err)
}

// partly makes a *PartialError of an error that says what is missing of a list.
func partly(what string, err error) error {
	missing := new(client.IncompleteError)
	if errors.As(err, &missing) {
		return &PartialError{missing}
	}
	return failed(what, err)
}

// SDRBytes reads the bytes of all records, for a file that can be read with [SplitRecords]. They
// come from the BMC, never from the cache. What could not be read comes with a *[PartialError].
func (m *Machine) SDRBytes(ctx context.Context) ([][]byte, error) {
	if m.records != nil {
		return m.records(ctx)
	}
	raw, err := client.ReadSDRs(ctx, m.conn)
	return raw, partly("Reading the sensor records", err)
}

// SplitRecords takes apart records that are stored one after the other.
func SplitRecords(b []byte) ([][]byte, error) {
	var out [][]byte
	for o := 0; o < len(b); {
		h, err := sdr.ParseHeader(b[o:])
		n := 5 + int(h.Length)
		if err != nil || len(b)-o < n {
			return nil, fmt.Errorf("no sensor records, or damaged: record %d is cut off at byte %d",
				len(out)+1, o)
		}
		out, o = append(out, b[o:o+n]), o+n
	}
	return out, nil
}

// ReplaceRecords clears the repository of the BMC and writes records into it.
func (m *Machine) ReplaceRecords(ctx context.Context, records [][]byte) error {
	if err := client.ClearSDRs(ctx, m.conn); err != nil {
		return failed("Clear SDR Repository", err)
	}
	for i, r := range records {
		if _, err := client.AddSDR(ctx, m.conn, r); err != nil {
			return failed(fmt.Sprintf("Add SDR (record %d of %d)", i+1, len(records)), err)
		}
	}
	return nil
}

// RecordName returns the name at the end of a record; records of some types have none.
func RecordName(r sdr.Record) (string, bool) {
	switch r := r.(type) {
	case *sdr.Full:
		return r.Name.Text, true
	case *sdr.Compact:
		return r.Name.Text, true
	case *sdr.EventOnly:
		return r.Name.Text, true
	case *sdr.GenericLocator:
		return r.Name.Text, true
	case *sdr.FRULocator:
		return r.Name.Text, true
	case *sdr.MCLocator:
		return r.Name.Text, true
	}
	return "", false
}

// RecordEntity returns the entity that a record belongs to; records of some types have none.
func RecordEntity(r sdr.Record) (sdr.Entity, bool) {
	switch r := r.(type) {
	case *sdr.Full:
		return r.Entity, true
	case *sdr.Compact:
		return r.Entity, true
	case *sdr.EventOnly:
		return r.Entity, true
	case *sdr.GenericLocator:
		return r.Entity, true
	case *sdr.FRULocator:
		return r.Entity, true
	case *sdr.MCLocator:
		return r.Entity, true
	case *sdr.EntityAssociation:
		return r.Container, true
	}
	return sdr.Entity{}, false
}

// A NoSensorError says that no record has a name.
type NoSensorError struct {
	Name   string
	Near   string // a name that differs in upper and lower case only, "" if there is none
	Unread error  // what could not be read, among which it may be; nil if nothing
}

func (e *NoSensorError) Error() string {
	switch {
	case e.Near != "":
		return fmt.Sprintf("there is no sensor %q; did you mean %q?", e.Name, e.Near)
	case e.Unread != nil:
		return fmt.Sprintf("there is no sensor %q among the records that could be read: %v", e.Name,
			e.Unread)
	}
	return fmt.Sprintf("there is no sensor %q", e.Name)
}

// FindRecord returns the first record with a name, and a *[NoSensorError] if there is none. unread
// is what could not be read of the list, nil for nothing.
func FindRecord(records []sdr.Record, unread error, name string) (sdr.Record, error) {
	for _, r := range records {
		if n, ok := RecordName(r); ok && n == name {
			return r, nil
		}
	}
	for _, r := range records {
		if n, ok := RecordName(r); ok && strings.EqualFold(n, name) {
			return nil, &NoSensorError{Name: name, Near: n}
		}
	}
	return nil, &NoSensorError{Name: name, Unread: unread}
}

// An Entity is a part of a system (§39).
type Entity struct {
	ID       uint8  `json:"id"`
	Instance uint8  `json:"instance"`
	Name     string `json:"name"` // of the ID, as Table 43-13 has it
}

// EntityName returns the name of an entity ID, and ipmitool's words for one that has none.
func EntityName(id ipmi.EntityID) string {
	if n := id.String(); n != "" {
		return n
	}
	return fmt.Sprintf("Unknown (0x%02X)", uint8(id))
}

// entityOf returns the entity that a record belongs to, nil if none.
func entityOf(r sdr.Record) *Entity {
	e, ok := RecordEntity(r)
	if !ok {
		return nil
	}
	return &Entity{uint8(e.ID), uint8(e.Instance), EntityName(e.ID)}
}
